//! The `kubernetes` plugin: which records a question gets from the cluster's objects.
//!
//! Models coredns/coredns v1.13.1 `plugin/kubernetes/{handler,kubernetes,parse,reverse,ns}.go` and
//! `plugin/backend_lookup.go`, check by check and in their order, because their order is what a
//! corner case answers. The names themselves are specified in kubernetes/dns
//! `docs/specification.md` 1.1.0. Left out: `multicluster`, zone transfers, the SOA's serial (it is
//! 0: CoreDNS takes the time of the last change).

mod find;
mod reverse;

use std::collections::BTreeSet;
use std::net::IpAddr;

use self::find::Host;
use super::corefile::Kubernetes;
use super::objects::Objects;
use super::server::Lookup;
use super::{Answer, Name, Question, Rcode, Reason, Record, RecordData, RecordType};
use crate::api::{Object, Origin};

/// The version of the specification, as `dns-version.<zone>` says it.
const SPECIFICATION: &str = "1.1.0";
/// How long that may be kept, in seconds.
const SPECIFICATION_TTL: u32 = 28800;
/// How many CNAMEs may come before one more.
const MAX_CNAMES: usize = 10;
/// The name of the zone's name server, in front of the zone.
const NAME_SERVER: &str = "ns.dns.";

/// The plugin and what it knows.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    config: Kubernetes,
    objects: Objects,
    /// The addresses of CoreDNS' own Pod.
    own_addresses: Vec<IpAddr>,
}

/// What the plugin does with a question.
pub(super) enum Outcome {
    /// It answers.
    Answer(Answer),
    /// The next plugin is to answer; why this one does not know the name.
    Next(Reason),
}

/// Why there are no records.
enum Failure {
    /// The name does not exist.
    Name(Reason),
    /// Zones are not handed out.
    Refused,
}

/// Records, or the reason why there are none although the name exists.
struct Records {
    answer: Vec<Record>,
    additional: Vec<Record>,
    /// Why it is so.
    reason: Reason,
}

/// A question within a zone.
struct Request<'a> {
    /// As asked.
    name: &'a Name,
    /// In lower case.
    lower: Name,
    /// The zone, in the letter case of the question.
    zone: &'a str,
    record_type: RecordType,
}

impl<'a> Request<'a> {
    fn new(name: &'a Name, zone: &'a str, record_type: RecordType) -> Self {
        Self {
            name,
            lower: name.to_lowercase(),
            zone,
            record_type,
        }
    }

    /// The labels in front of the zone, in lower case.
    fn labels(&self) -> Vec<&str> {
        let mut labels = self.lower.labels();
        let zone = Name::fully_qualified(self.zone);
        labels.truncate(labels.len() - zone.labels().len().min(labels.len()));
        labels
    }

    /// Whether it asks for the zone itself, written in lower case: CoreDNS compares the texts.
    fn is_apex(&self) -> bool {
        self.lower.as_str() == self.zone
    }

    /// Whether it asks for the zone's name server. Looks at the start of the name only, as
    /// CoreDNS does: whatever follows the zone's text is not looked at.
    fn is_name_server(&self) -> bool {
        let name = self.lower.as_str();
        name.starts_with(NAME_SERVER) && name.find(self.zone) == Some(NAME_SERVER.len())
    }
}

impl Plugin {
    /// The plugin over these objects.
    pub(super) fn new<'a>(
        config: Kubernetes,
        objects: impl IntoIterator<Item = &'a Object>,
        own_addresses: &[IpAddr],
    ) -> Self {
        Self {
            objects: Objects::new(objects, &config),
            config,
            own_addresses: own_addresses.to_vec(),
        }
    }

    /// The longest of its zones that a name is in.
    fn zone_of(&self, name: &Name) -> Option<&Name> {
        self.config
            .zones
            .iter()
            .filter(|zone| name.is_in(zone))
            .max_by_key(|zone| zone.as_str().len())
    }

    /// Answers, or passes the question on. `None` for names of other zones.
    pub(super) fn serve(&self, question: &Question, lookup: &mut Lookup<'_>) -> Option<Outcome> {
        let zone = question.name.zone_part(self.zone_of(&question.name)?)?;
        let request = Request::new(&question.name, zone, question.record_type);
        let (rcode, records) = match self.records_for(&request, lookup) {
            Ok(records) => (Rcode::NoError, records),
            Err(Failure::Refused) => {
                return Some(Outcome::Answer(Answer::empty(
                    Rcode::Refused,
                    Reason::ZoneTransfer,
                )));
            }
            Err(Failure::Name(reason)) => {
                if self
                    .config
                    .fallthrough
                    .iter()
                    .any(|zone| question.name.is_in(zone))
                {
                    return Some(Outcome::Next(reason));
                }
                (Rcode::NxDomain, Records::none(reason))
            }
        };
        let authority = if records.answer.is_empty() {
            vec![self.soa(zone)]
        } else {
            Vec::new()
        };
        Some(Outcome::Answer(Answer {
            rcode,
            aa: true,
            answer: records.answer,
            authority,
            additional: records.additional,
            reason: records.reason,
        }))
    }

    fn records_for(
        &self,
        request: &Request<'_>,
        lookup: &mut Lookup<'_>,
    ) -> Result<Records, Failure> {
        let records = match request.record_type {
            RecordType::A | RecordType::AAAA => self.addresses(request, &mut Vec::new(), lookup),
            RecordType::TXT => self.text(request),
            RecordType::CNAME => self.alias(request),
            RecordType::PTR => self.reverse(request),
            RecordType::SRV => self.services(request),
            // Only the zone itself has one; every other name is NODATA, whether it exists or not.
            RecordType::SOA if request.name.as_str() == request.zone => {
                Ok(Records::found(vec![self.soa(request.zone)]))
            }
            RecordType::SOA => Ok(Records::none(other_type(request))),
            RecordType::AXFR | RecordType::IXFR => return Err(Failure::Refused),
            RecordType::NS if request.is_apex() => Ok(self.name_servers(request)),
            // All that is to be found out is whether the name exists.
            _ => self.entries(request).map(|entries| {
                Records::none(if entries.is_empty() && !request.is_name_server() {
                    Reason::Branch
                } else {
                    other_type(request)
                })
            }),
        };
        records.map_err(Failure::Name)
    }

    fn record(&self, name: &Name, data: RecordData, origin: Option<Origin>) -> Record {
        Record {
            name: name.clone(),
            ttl: self.config.ttl,
            data,
            origin,
        }
    }

    fn address_record(&self, name: &Name, address: IpAddr, origin: Option<Origin>) -> Record {
        let data = match address {
            IpAddr::V4(address) => RecordData::A { address },
            IpAddr::V6(address) => RecordData::Aaaa { address },
        };
        self.record(name, data, origin)
    }

    fn soa(&self, zone: &str) -> Record {
        Record {
            name: Name::fully_qualified(zone),
            ttl: self.config.ttl.min(300),
            data: RecordData::Soa {
                mname: Name::of_labels(&["ns", "dns"], zone),
                rname: Name::of_labels(&["hostmaster"], zone),
                serial: 0,
                refresh: 7200,
                retry: 1800,
                expire: 86400,
                minimum: self.config.ttl,
            },
            origin: None,
        }
    }

    /// A or AAAA records, with the CNAMEs on the way to them. `passed` are the targets of the
    /// CNAMEs before this name.
    fn addresses(
        &self,
        request: &Request<'_>,
        passed: &mut Vec<Name>,
        lookup: &mut Lookup<'_>,
    ) -> Result<Records, Reason> {
        let entries = self.entries(request)?;
        let mut reason = if entries.is_empty() && !request.is_name_server() {
            Reason::Branch
        } else {
            other_type(request)
        };
        let mut records = Vec::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            let target = match entry.host {
                Host::Address(address) => {
                    let wanted = address.is_ipv4() == (request.record_type == RecordType::A);
                    if wanted && seen.insert(address.to_string()) {
                        records.push(self.address_record(request.name, address, entry.origin));
                    }
                    continue;
                }
                Host::Name(target) => target,
            };
            reason = Reason::AliasLeadsNowhere {
                target: target.clone(),
            };
            // A name that leads to itself or below itself is a loop, and so is a target that was
            // there before.
            if target.is_in(&request.lower) || passed.len() > MAX_CNAMES || passed.contains(&target)
            {
                continue;
            }
            let data = RecordData::Cname {
                target: target.clone(),
            };
            let alias = self.record(request.name, data, entry.origin);
            if target.is_in(&Name::fully_qualified(request.zone)) {
                // CoreDNS knows the zone itself: without an address there the CNAME is left out.
                let next = Request::new(&target, request.zone, request.record_type);
                passed.push(target.clone());
                let found = self.addresses(&next, passed, lookup);
                passed.pop();
                if let Ok(found) = found
                    && !found.answer.is_empty()
                {
                    records.push(alias);
                    records.extend(found.answer);
                    reason = found.reason;
                }
                continue;
            }
            let answer = lookup.ask(&Question::new(target.clone(), request.record_type));
            records.push(alias);
            let known = answer
                .answer
                .iter()
                .any(|record| record.data.record_type() == request.record_type);
            records.extend(answer.answer);
            reason = if known {
                Reason::Found
            } else {
                Reason::AliasUnknownOutside { target }
            };
        }
        if !seen.is_empty() {
            reason = Reason::Found;
        }
        Ok(Records {
            answer: records,
            additional: Vec::new(),
            reason,
        })
    }

    fn text(&self, request: &Request<'_>) -> Result<Records, Reason> {
        if request.labels() == ["dns-version"] {
            return Ok(Records::found(vec![Record {
                name: request.name.clone(),
                ttl: SPECIFICATION_TTL,
                data: RecordData::Txt {
                    strings: vec![SPECIFICATION.to_owned()],
                },
                origin: None,
            }]));
        }
        // A branch without records of any type does not exist for TXT. The name server is not
        // known here either.
        if self.entries_of_objects(request)?.is_empty() {
            return Err(Reason::Branch);
        }
        Ok(Records::none(other_type(request)))
    }

    fn alias(&self, request: &Request<'_>) -> Result<Records, Reason> {
        let entries = self.entries(request)?;
        match entries.into_iter().next() {
            Some(find::Entry {
                host: Host::Name(target),
                origin,
                ..
            }) => {
                let data = RecordData::Cname { target };
                Ok(Records::found(vec![self.record(
                    request.name,
                    data,
                    origin,
                )]))
            }
            Some(_) => Ok(Records::none(other_type(request))),
            None if request.is_name_server() => Ok(Records::none(other_type(request))),
            None => Ok(Records::none(Reason::Branch)),
        }
    }

    fn services(&self, request: &Request<'_>) -> Result<Records, Reason> {
        let mut entries = self.entries(request)?;
        // CoreDNS gives no SRV records for names outside.
        entries.retain(|entry| matches!(entry.host, Host::Address(_)));
        let mut records = Records::none(other_type(request));
        // The weights are shared out before duplicates are taken away, and over addresses times
        // ports.
        let weight = srv_weight(entries.len());
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            let Host::Address(address) = entry.host else {
                continue;
            };
            // -1 stands for no declared port.
            let Ok(port) = u16::try_from(entry.port) else {
                continue;
            };
            let target = entry.owner.name(request.zone);
            if seen.insert(format!("{target} {port}")) {
                let data = RecordData::Srv {
                    priority: 0,
                    weight,
                    port,
                    target: target.clone(),
                };
                let record = self.record(request.name, data, entry.port_origin);
                records.answer.push(record);
            }
            if seen.insert(format!("{target} at {address}")) {
                let record = self.address_record(&target, address, entry.origin);
                records.additional.push(record);
            }
        }
        if !records.answer.is_empty() {
            records.reason = Reason::Found;
        }
        Ok(records)
    }
}

impl Records {
    fn found(answer: Vec<Record>) -> Self {
        Self {
            answer,
            additional: Vec::new(),
            reason: Reason::Found,
        }
    }

    fn none(reason: Reason) -> Self {
        Self {
            answer: Vec::new(),
            additional: Vec::new(),
            reason,
        }
    }
}

fn other_type(request: &Request<'_>) -> Reason {
    Reason::OtherType {
        record_type: request.record_type,
    }
}

/// The weight of each of `count` SRV records of one priority: a hundred shared out, rounded down,
/// and at least 1.
fn srv_weight(count: usize) -> u16 {
    let share = 100 / count.max(1);
    u16::try_from(share).map_or(1, |share| share.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srv_weights_are_what_floating_point_makes_them() {
        // CoreDNS computes floor(100.0 / (100 * n) * 100), and at least 1.
        for count in 1..=2000_u32 {
            let float = (100.0 / f64::from(100 * count) * 100.0).floor().max(1.0);
            let weight = srv_weight(usize::try_from(count).unwrap());
            assert!((f64::from(weight) - float).abs() < 0.5, "{count}");
        }
    }
}
