//! The lines of the zone: every name that CoreDNS has for the Services there are.
//!
//! CoreDNS hands out no list (zone transfers are refused), so the list is made by asking for each
//! name that a Service brings about: there is no second place in which a record is made up. Left
//! out: the names of Pods (`pods insecure` answers for every address), and what a wildcard of
//! letter cases could be asked for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{CoreDns, Name, Question, Record, RecordData, RecordType};
use crate::api::{Object, Service};

impl CoreDns {
    /// The records of the cluster's own zone, Service by Service in the order given, and `limit` at
    /// most: addresses and aliases, then SRV records and the endpoints that they lead to, then the
    /// names of the addresses.
    #[must_use]
    pub fn zone<'a>(
        &self,
        objects: impl IntoIterator<Item = &'a Object>,
        limit: usize,
    ) -> Vec<Record> {
        let mut zone = Zone {
            server: self,
            asked: BTreeSet::new(),
            records: Vec::new(),
        };
        let Some(domain) = self.corefile().cluster_domain() else {
            return Vec::new();
        };
        for object in objects {
            if zone.records.len() >= limit {
                break;
            }
            if let Object::Service(service) = object {
                zone.service(service, domain.as_str());
            }
        }
        zone.records.truncate(limit);
        zone.records
    }
}

struct Zone<'a> {
    server: &'a CoreDns,
    asked: BTreeSet<String>,
    records: Vec<Record>,
}

impl Zone<'_> {
    fn service(&mut self, service: &Service, domain: &str) {
        let metadata = &service.metadata;
        let own = [metadata.name.as_str(), &metadata.namespace, "svc"];
        let name = Name::of_labels(&own, domain);
        let first = self.records.len();
        if service.spec.type_ == "ExternalName" {
            // The alias alone: its end is somebody else's.
            self.ask(&name, RecordType::CNAME);
        } else {
            self.ask(&name, RecordType::A);
            self.ask(&name, RecordType::AAAA);
        }
        // The bare name's SRV records list every port, and lead to every endpoint.
        let bare = Question::new(name, RecordType::SRV);
        let endpoints = self.server.answer(&bare).additional;
        for port in service
            .spec
            .ports
            .iter()
            .filter(|port| !port.name.is_empty())
        {
            let protocol = if port.protocol.is_empty() {
                "tcp".to_owned()
            } else {
                port.protocol.to_ascii_lowercase()
            };
            let labels = [&format!("_{}", port.name), &format!("_{protocol}")];
            let labels = [labels[0].as_str(), labels[1], own[0], own[1], own[2]];
            self.ask(&Name::of_labels(&labels, domain), RecordType::SRV);
        }
        for endpoint in endpoints {
            self.ask(&endpoint.name, endpoint.data.record_type());
        }
        let addresses: Vec<IpAddr> = self.records[first..]
            .iter()
            .filter_map(|record| match record.data {
                RecordData::A { address } => Some(IpAddr::V4(address)),
                RecordData::Aaaa { address } => Some(IpAddr::V6(address)),
                _ => None,
            })
            .collect();
        for address in addresses {
            if let Ok(name) = Name::parse(&reverse(address)) {
                self.ask(&name, RecordType::PTR);
            }
        }
    }

    /// Asks once, and keeps the answer.
    fn ask(&mut self, name: &Name, record_type: RecordType) {
        let question = Question::new(name.clone(), record_type);
        if self.asked.insert(question.to_string()) {
            let answer = self.server.answer(&question);
            self.records.extend(answer.answer);
        }
    }
}

/// The name under which an address is asked for (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse(address: IpAddr) -> String {
    let mut name = String::new();
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets().iter().rev() {
                name.push_str(&octet.to_string());
                name.push('.');
            }
            name.push_str("in-addr.arpa.");
        }
        IpAddr::V6(address) => {
            for octet in address.octets().iter().rev() {
                for half in [octet & 0xf, octet >> 4] {
                    name.extend(char::from_digit(u32::from(half), 16));
                    name.push('.');
                }
            }
            name.push_str("ip6.arpa.");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Corefile, Upstream};

    fn zone(text: &str, limit: usize) -> Vec<String> {
        let reading = crate::manifest::read(text);
        assert_eq!(reading.diagnostics, []);
        let documents = reading.documents.iter();
        let objects: Vec<Object> = documents.map(|d| Object::clone(&d.object)).collect();
        let server = CoreDns::new(Corefile::kubeadm(), &objects, &[], Upstream::default());
        let records = server.zone(&objects, limit);
        records.iter().map(ToString::to_string).collect()
    }

    const SERVICES: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.7
  clusterIPs: [10.96.0.7]
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop}
spec: {type: ExternalName, externalName: api.example.org}
";

    #[test]
    fn every_service_has_its_lines() {
        assert_eq!(
            zone(SERVICES, 100),
            [
                "web.shop.svc.cluster.local.\t30\tIN\tA\t10.96.0.7",
                "_http._tcp.web.shop.svc.cluster.local.\t30\tIN\tSRV\t0 100 80 web.shop.svc.cluster.local.",
                "7.0.96.10.in-addr.arpa.\t30\tIN\tPTR\tweb.shop.svc.cluster.local.",
                "out.shop.svc.cluster.local.\t30\tIN\tCNAME\tapi.example.org.",
            ]
        );
        assert_eq!(zone(SERVICES, 2).len(), 2);
    }

    #[test]
    fn reverse_names_are_spelled_from_the_end() {
        assert_eq!(
            reverse(IpAddr::from([10, 96, 0, 7])),
            "7.0.96.10.in-addr.arpa."
        );
        assert!(reverse(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])).starts_with("1.0.0.0."));
        assert!(
            reverse(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]))
                .ends_with(".8.b.d.0.1.0.0.2.ip6.arpa.")
        );
    }
}
