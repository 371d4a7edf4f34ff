//! Names of addresses, and the names of CoreDNS itself.
//!
//! As `reverse.go` and `ns.go` of the plugin, and coredns/coredns v1.13.1
//! `plugin/pkg/dnsutil/reverse.go`.

use std::net::IpAddr;

use super::find::{Owner, cluster_ip_field, parse_address};
use super::{Plugin, Records, Request, other_type};
use crate::api::Origin;
use crate::dns::objects::Target;
use crate::dns::{Name, Reason, RecordData};

impl Plugin {
    pub(super) fn reverse(&self, request: &Request<'_>) -> Result<Records, Reason> {
        let Some(address) = address_of_reverse(request.lower.as_str()) else {
            let entries = self.entries_of_objects(request)?;
            return Ok(Records::none(if entries.is_empty() {
                Reason::Branch
            } else {
                other_type(request)
            }));
        };
        let address = address.to_string();
        let zone = self.config.primary_zone().map_or(".", Name::as_str);
        let mut found: Vec<(Name, Origin)> = Vec::new();
        let restricted = !self.config.namespaces.is_empty();
        let hidden = |namespace: &str| restricted && !self.objects.shows(namespace);
        let service = self.objects.service_of_address(&address);
        if let Some(service) = service.filter(|service| !hidden(&service.namespace)) {
            let name = Name::of_labels(&[&service.name, &service.namespace, "svc"], zone);
            found.push((name, service.origin("spec.clusterIP")));
        } else {
            for slice in self.objects.slices_of_address(&address) {
                let (namespace, service) = (slice.namespace.as_str(), slice.service.as_str());
                if hidden(namespace) {
                    continue;
                }
                for entry in &slice.addresses {
                    let name = Name::of_labels(&[&entry.label, service, namespace, "svc"], zone);
                    let new = found.iter().all(|(known, _)| *known != name);
                    if entry.text == address && new {
                        found.push((name, slice.origin(entry.field())));
                    }
                }
            }
        }
        if found.is_empty() {
            return Err(Reason::NoSuchAddress);
        }
        let records = found.into_iter().map(|(target, origin)| {
            self.record(request.name, RecordData::Ptr { target }, Some(origin))
        });
        Ok(Records::found(records.collect()))
    }

    pub(super) fn name_servers(&self, request: &Request<'_>) -> Records {
        let mut records = Records::none(other_type(request));
        let mut seen: Vec<Name> = Vec::new();
        for (target, address, origin) in self.own_names(request.zone) {
            records
                .additional
                .push(self.address_record(&target, address, origin));
            if !seen.contains(&target) {
                seen.push(target.clone());
                let data = RecordData::Ns { target };
                records.answer.push(self.record(request.name, data, None));
            }
        }
        if !records.answer.is_empty() {
            records.reason = Reason::Found;
        }
        records
    }

    /// Names and addresses of the Services that lead to CoreDNS itself. Found through the
    /// endpoints of each of its own addresses, so that a dual-stack CoreDNS has them twice.
    pub(super) fn own_names(&self, zone: &str) -> Vec<(Name, IpAddr, Option<Origin>)> {
        let mut found = Vec::new();
        let mut is_endpoint = false;
        for own in &self.own_addresses {
            for slice in self.objects.slices_of_address(&own.to_string()) {
                is_endpoint = true;
                let service = self.objects.service(&slice.namespace, &slice.service);
                let Some(service) = service else {
                    continue;
                };
                match &service.target {
                    Target::Headless => {
                        for entry in &slice.addresses {
                            let name = Owner::Endpoint(service, &entry.label).name(zone);
                            let origin = slice.origin(entry.field());
                            if let Some(address) = parse_address(&entry.text) {
                                found.push((name, address, Some(origin)));
                            }
                        }
                    }
                    Target::Addresses(addresses) => {
                        for (number, text) in addresses.iter().enumerate() {
                            let name = Owner::Service(service).name(zone);
                            let origin = service.origin(&cluster_ip_field(number));
                            if let Some(address) = parse_address(text) {
                                found.push((name, address, Some(origin)));
                            }
                        }
                    }
                    Target::ExternalName(_) => {}
                }
            }
        }
        if !is_endpoint {
            let name = Name::of_labels(&["ns", "dns"], zone);
            let own = self.own_addresses.iter();
            found.extend(own.map(|&address| (name.clone(), address, None)));
        }
        found
    }
}

/// The address that a reverse name means: `5.1.244.10.in-addr.arpa.`. CoreDNS takes the labels of
/// an IPv6 name in fours from the right and leaves what remains.
fn address_of_reverse(name: &str) -> Option<IpAddr> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa.") {
        let labels: Vec<&str> = labels.split('.').rev().collect();
        return parse_address(&labels.join(".")).filter(IpAddr::is_ipv4);
    }
    let labels = name.strip_suffix(".ip6.arpa.")?;
    let labels: Vec<&str> = labels.split('.').rev().collect();
    let groups: Vec<String> = labels.chunks_exact(4).map(<[&str]>::concat).collect();
    parse_address(&groups.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_names_mean_addresses() {
        let read = |name: &str| address_of_reverse(name).map(|address| address.to_string());
        assert_eq!(read("5.1.244.10.in-addr.arpa."), Some("10.244.1.5".into()));
        assert_eq!(read("244.10.in-addr.arpa."), None);
        assert_eq!(read("05.1.244.10.in-addr.arpa."), None);
        assert_eq!(read("in-addr.arpa."), None);
        let v6 = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa.";
        assert_eq!(read(v6), Some("fd00:10:244:1::5".into()));
        assert_eq!(read(&format!("x.{v6}")), Some("fd00:10:244:1::5".into()));
        assert_eq!(read(&v6[2..]), None);
    }
}
