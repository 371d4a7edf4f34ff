//! What a name of the cluster leads to: Services, their endpoints, Pods.
//!
//! As `parse.go`, `kubernetes.go` and `namespace.go` of the plugin.

use std::net::IpAddr;

use super::{Plugin, Request};
use crate::api::{FieldPath, Kind, ObjectRef, Origin};
use crate::dns::corefile::PodsMode;
use crate::dns::objects::{PortEntry, ServiceEntry, Target};
use crate::dns::{Name, Reason, RecordType};

/// What a name in the zone means.
#[derive(Default)]
struct Parsed<'a> {
    is_pod: bool,
    namespace: &'a str,
    /// Empty for the Namespace itself.
    service: &'a str,
    /// Empty for none.
    endpoint: &'a str,
    /// Empty for any.
    port: &'a str,
    /// Empty for any.
    protocol: &'a str,
}

/// Something that a name leads to.
pub(super) struct Entry<'a> {
    pub(super) host: Host,
    pub(super) port: i32,
    pub(super) owner: Owner<'a>,
    /// Where the host comes from.
    pub(super) origin: Option<Origin>,
    /// Where the port comes from.
    pub(super) port_origin: Option<Origin>,
}

/// An address or a name.
#[derive(Clone)]
pub(super) enum Host {
    Address(IpAddr),
    Name(Name),
}

impl Host {
    /// A text that can be read as an address is one.
    fn new(text: &str) -> Self {
        parse_address(text).map_or_else(|| Self::Name(Name::fully_qualified(text)), Self::Address)
    }
}

/// By which name something is found.
pub(super) enum Owner<'a> {
    Service(&'a ServiceEntry),
    Endpoint(&'a ServiceEntry, &'a str),
    Pod { namespace: String, label: String },
}

impl Owner<'_> {
    /// The name, in the letter case of the objects, in front of a zone.
    pub(super) fn name(&self, zone: &str) -> Name {
        match self {
            Self::Service(service) => {
                Name::of_labels(&[&service.name, &service.namespace, "svc"], zone)
            }
            Self::Endpoint(service, label) => {
                Name::of_labels(&[label, &service.name, &service.namespace, "svc"], zone)
            }
            Self::Pod { namespace, label } => Name::of_labels(&[label, namespace, "pod"], zone),
        }
    }
}

impl Plugin {
    /// What a name leads to, for all types but TXT and PTR.
    pub(super) fn entries(&self, request: &Request<'_>) -> Result<Vec<Entry<'_>>, Reason> {
        if !request.is_name_server() {
            return self.entries_of_objects(request);
        }
        let wanted = |address: &IpAddr| match request.record_type {
            RecordType::A => address.is_ipv4(),
            RecordType::AAAA => address.is_ipv6(),
            _ => false,
        };
        let own = self.own_names(request.zone).into_iter();
        Ok(own
            .filter(|(_, address, _)| wanted(address))
            .map(|(_, address, origin)| Entry {
                host: Host::Address(address),
                port: 0,
                owner: Owner::Pod {
                    namespace: "dns".to_owned(),
                    label: "ns".to_owned(),
                },
                origin,
                port_origin: None,
            })
            .collect())
    }

    /// What a name leads to among the objects. Nothing for a branch of the zone.
    pub(super) fn entries_of_objects(
        &self,
        request: &Request<'_>,
    ) -> Result<Vec<Entry<'_>>, Reason> {
        let labels = request.labels();
        let Some(parsed) = parse(&labels)? else {
            return Ok(Vec::new());
        };
        if is_reverse(request.lower.as_str()) {
            return Err(Reason::NoSuchAddress);
        }
        let namespace = parsed.namespace;
        if !self.objects.shows(namespace) {
            let namespace = namespace.to_owned();
            return Err(if self.objects.hides(&namespace) {
                Reason::HiddenNamespace { namespace }
            } else {
                Reason::NoSuchNamespace { namespace }
            });
        }
        if parsed.is_pod {
            return self.find_pods(&parsed);
        }
        self.find_services(&parsed)
    }

    fn find_pods(&self, parsed: &Parsed<'_>) -> Result<Vec<Entry<'_>>, Reason> {
        if self.config.pods == PodsMode::Disabled {
            return Err(Reason::PodsDisabled);
        }
        let label = parsed.service;
        if label.is_empty() {
            return Ok(Vec::new());
        }
        let is_ipv4 = label.matches('-').count() == 3 && !label.contains("--");
        let text = label.replace('-', if is_ipv4 { "." } else { ":" });
        let entry = |address, origin| Entry {
            host: Host::Address(address),
            port: 0,
            owner: Owner::Pod {
                namespace: parsed.namespace.to_owned(),
                label: label.to_owned(),
            },
            origin,
            port_origin: None,
        };
        let Some(address) = parse_address(&text) else {
            return Err(Reason::NotAPodAddress {
                label: label.to_owned(),
            });
        };
        if self.config.pods == PodsMode::Insecure {
            return Ok(vec![entry(address, None)]);
        }
        let pods: Vec<_> = self
            .objects
            .pods_of_address(parsed.namespace, &text)
            .map(|pod| {
                let pod = ObjectRef::new(Kind::Pod, parsed.namespace, pod);
                entry(
                    address,
                    Some(Origin::new(pod, FieldPath::new("status.podIP"))),
                )
            })
            .collect();
        if pods.is_empty() {
            return Err(Reason::NoSuchPod {
                namespace: parsed.namespace.to_owned(),
                address: text,
            });
        }
        Ok(pods)
    }

    fn find_services(&self, parsed: &Parsed<'_>) -> Result<Vec<Entry<'_>>, Reason> {
        if parsed.service.is_empty() {
            return Ok(Vec::new());
        }
        let namespace = parsed.namespace.to_owned();
        let name = parsed.service.to_owned();
        let Some(service) = self.objects.service(parsed.namespace, parsed.service) else {
            return Err(Reason::NoSuchService {
                namespace,
                service: name,
            });
        };
        let ready = || {
            let mut slices = self.objects.slices(parsed.namespace, parsed.service);
            slices.any(|slice| !slice.addresses.is_empty())
        };
        let whole = parsed.endpoint.is_empty();
        match &service.target {
            Target::Addresses(_) if self.config.ignore_empty_service && !ready() => {
                Err(self.no_ready_endpoints(service))
            }
            Target::Addresses(addresses) if whole => {
                let entries = self.cluster_ips(service, addresses, parsed);
                if entries.is_none() {
                    return Err(no_such_port(parsed));
                }
                Ok(entries.unwrap_or_default())
            }
            Target::ExternalName(_)
                if !whole || !parsed.port.is_empty() || !parsed.protocol.is_empty() =>
            {
                Err(Reason::ExternalNameHasNoParts {
                    namespace,
                    service: name,
                })
            }
            Target::ExternalName(target) => match Host::new(target) {
                Host::Address(_) => Err(Reason::ExternalNameIsAddress {
                    namespace,
                    service: name,
                    address: target.clone(),
                }),
                host @ Host::Name(_) => Ok(vec![Entry {
                    host,
                    port: 0,
                    owner: Owner::Service(service),
                    origin: Some(service.origin("spec.externalName")),
                    port_origin: None,
                }]),
            },
            Target::Addresses(_) | Target::Headless => {
                let entries = self.endpoints(service, parsed);
                if !entries.is_empty() {
                    return Ok(entries);
                }
                Err(if !ready() {
                    self.no_ready_endpoints(service)
                } else if whole {
                    no_such_port(parsed)
                } else {
                    Reason::NoSuchEndpoint {
                        namespace,
                        service: name,
                        endpoint: parsed.endpoint.to_owned(),
                    }
                })
            }
        }
    }

    /// The cluster IPs, once for each port that fits. `None` where no port fits.
    fn cluster_ips<'a>(
        &self,
        service: &'a ServiceEntry,
        addresses: &[String],
        parsed: &Parsed<'_>,
    ) -> Option<Vec<Entry<'a>>> {
        let mut entries = None;
        for (number, port) in service.ports.iter().enumerate() {
            if !fits(parsed, port) {
                continue;
            }
            let entries = entries.get_or_insert_with(Vec::new);
            for (which, text) in addresses.iter().enumerate() {
                entries.push(Entry {
                    host: Host::new(text),
                    port: port.number,
                    owner: Owner::Service(service),
                    origin: Some(service.origin(&cluster_ip_field(which))),
                    port_origin: Some(service.origin(&format!("spec.ports[{number}]"))),
                });
            }
        }
        entries
    }

    /// The ready endpoints of a Service, once for each port that fits.
    fn endpoints<'a>(&'a self, service: &'a ServiceEntry, parsed: &Parsed<'_>) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        for slice in self.objects.slices(&service.namespace, &service.name) {
            for address in &slice.addresses {
                if !parsed.endpoint.is_empty()
                    && !parsed.endpoint.eq_ignore_ascii_case(&address.label)
                {
                    continue;
                }
                for (number, port) in slice.ports.iter().enumerate() {
                    if !fits(parsed, port) {
                        continue;
                    }
                    let origin = |field| Some(slice.origin(field));
                    entries.push(Entry {
                        host: Host::new(&address.text),
                        port: port.number,
                        owner: Owner::Endpoint(service, &address.label),
                        origin: origin(address.field()),
                        port_origin: origin(FieldPath::new("ports").index(number)),
                    });
                }
            }
        }
        entries
    }

    fn no_ready_endpoints(&self, service: &ServiceEntry) -> Reason {
        let slices = self.objects.slices(&service.namespace, &service.name);
        Reason::NoReadyEndpoints {
            namespace: service.namespace.clone(),
            service: service.name.clone(),
            not_ready: slices.map(|slice| slice.not_ready).sum(),
        }
    }
}

/// Takes a name apart: the labels in front of the zone. `None` for the zone itself and for its
/// branches `svc` and `pod`.
fn parse<'a>(labels: &[&'a str]) -> Result<Option<Parsed<'a>>, Reason> {
    let Some((&branch, labels)) = labels.split_last() else {
        return Ok(None);
    };
    let is_pod = match branch {
        "svc" => false,
        "pod" => true,
        _ => return Err(Reason::NotAClusterName),
    };
    let Some((&namespace, labels)) = labels.split_last() else {
        return Ok(None);
    };
    let mut parsed = Parsed {
        is_pod,
        namespace,
        ..Parsed::default()
    };
    let Some((&service, labels)) = labels.split_last() else {
        return Ok(Some(parsed));
    };
    parsed.service = service;
    match *labels {
        [] => {}
        [endpoint] => parsed.endpoint = endpoint,
        [port, protocol] => {
            // The underscores may be left out.
            parsed.port = port.strip_prefix('_').unwrap_or(port);
            parsed.protocol = protocol.strip_prefix('_').unwrap_or(protocol);
        }
        _ => return Err(Reason::NotAClusterName),
    }
    Ok(Some(parsed))
}

/// Whether a port is the one meant; an empty name or protocol means any.
fn fits(parsed: &Parsed<'_>, port: &PortEntry) -> bool {
    let same = |wanted: &str, own: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(own);
    same(parsed.port, &port.name) && same(parsed.protocol, &port.protocol)
}

fn no_such_port(parsed: &Parsed<'_>) -> Reason {
    Reason::NoSuchPort {
        namespace: parsed.namespace.to_owned(),
        service: parsed.service.to_owned(),
        port: parsed.port.to_owned(),
        protocol: parsed.protocol.to_owned(),
    }
}

/// The field of a cluster IP: the first one has a name of its own.
pub(super) fn cluster_ip_field(number: usize) -> String {
    if number == 0 {
        "spec.clusterIP".to_owned()
    } else {
        format!("spec.clusterIPs[{number}]")
    }
}

/// Reads an address as Go's `net.ParseIP` does: an IPv4 address written as an IPv6 one is IPv4.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// Whether a name lies below one of the trees of addresses.
fn is_reverse(name: &str) -> bool {
    name.ends_with(".in-addr.arpa.") || name.ends_with(".ip6.arpa.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_from_the_right() {
        let parsed = parse(&["_http", "_tcp", "web", "shop", "svc"])
            .ok()
            .flatten()
            .unwrap();
        assert_eq!((parsed.port, parsed.protocol), ("http", "tcp"));
        let parsed = parse(&["web-0", "web", "shop", "svc"])
            .ok()
            .flatten()
            .unwrap();
        assert_eq!((parsed.endpoint, parsed.service), ("web-0", "web"));
        assert!(parse(&["svc"]).is_ok_and(|parsed| parsed.is_none()));
        assert!(parse(&["web", "shop"]).is_err());
        assert!(parse(&["a", "b", "c", "web", "shop", "svc"]).is_err());
    }
}
