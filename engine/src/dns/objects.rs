//! What the `kubernetes` plugin keeps of the objects, indexed once.
//!
//! As the caches of coredns/coredns v1.13.1 `plugin/kubernetes/controller.go` and
//! `plugin/kubernetes/object/*.go`: Services by name and address, ready endpoints by Service and
//! address, live Pods by their first address. Where CoreDNS takes things in the order of a Go map,
//! here they come in the order of their names.

use std::collections::BTreeSet;

use super::corefile::{Kubernetes, PodsMode};
use crate::api::{Endpoint, EndpointSlice, FieldPath, Kind, Object, ObjectRef, Origin, Pod};

/// The label by which an EndpointSlice belongs to a Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The index.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    /// Namespaces that are shown.
    namespaces: BTreeSet<String>,
    /// Namespaces that exist, but are not shown.
    hidden_namespaces: BTreeSet<String>,
    services: Vec<ServiceEntry>,
    slices: Vec<SliceEntry>,
    /// The names of live Pods with a first address.
    pods: Vec<String>,
    /// Services by Namespace and name.
    service_names: Index,
    /// Slices by Namespace, Service and their own name.
    slice_names: Index,
    /// Services by cluster IP, in the order of their names.
    service_addresses: Index,
    /// Slices by the address of a ready endpoint, in the order of their names.
    slice_addresses: Index,
    /// Pods by Namespace, first address and name.
    pod_addresses: Index,
}

/// The numbers of entries, in the order of the keys that lead to them. One kind of index for
/// everything: the page pays for each kind in bytes.
#[derive(Clone, Debug, Default)]
struct Index(Vec<(String, usize)>);

impl Index {
    fn push(&mut self, parts: &[&str], number: usize) {
        self.0.push((key(parts), number));
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// The entries whose keys begin with these parts, in the order of what follows.
    fn find<'a>(&'a self, parts: &[&str]) -> impl Iterator<Item = usize> + use<'a> {
        let start = key(parts);
        let first = self.0.partition_point(|(key, _)| *key < start);
        let found = &self.0[first..];
        let count = found.partition_point(|(key, _)| key.starts_with(&start));
        found[..count].iter().map(|(_, number)| *number)
    }

    /// All entries, in the order of their keys.
    fn numbers(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(_, number)| *number)
    }
}

/// Parts as one text, in which a shorter part comes before a longer one that begins like it.
fn key(parts: &[&str]) -> String {
    let mut key = String::new();
    for part in parts {
        key.push_str(part);
        key.push('\0');
    }
    key
}

/// A Service, as far as names go.
#[derive(Clone, Debug)]
pub(super) struct ServiceEntry {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) target: Target,
    /// One port of number -1 where the Service has none.
    pub(super) ports: Vec<PortEntry>,
}

/// Where a Service's name leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// To its cluster IPs.
    Addresses(Vec<String>),
    /// To its endpoints.
    Headless,
    /// To another name.
    ExternalName(String),
}

/// A port of a Service or of a slice.
#[derive(Clone, Debug)]
pub(super) struct PortEntry {
    pub(super) name: String,
    pub(super) protocol: String,
    /// -1 for a port that is not declared: there is no SRV record then.
    pub(super) number: i32,
}

/// An EndpointSlice, as far as names go.
#[derive(Clone, Debug)]
pub(super) struct SliceEntry {
    pub(super) namespace: String,
    /// The Service that it belongs to.
    pub(super) service: String,
    pub(super) name: String,
    /// One port of number -1 where the slice has none.
    pub(super) ports: Vec<PortEntry>,
    /// The ready ones.
    pub(super) addresses: Vec<AddressEntry>,
    /// How many endpoints are not ready.
    pub(super) not_ready: usize,
}

/// Whether names lead to an endpoint. Not said means ready; whether it serves or terminates does
/// not matter here.
#[must_use]
pub fn is_published(endpoint: &Endpoint) -> bool {
    endpoint.conditions.ready != Some(false)
}

/// One address of a ready endpoint.
#[derive(Clone, Debug)]
pub(super) struct AddressEntry {
    /// As written.
    pub(super) text: String,
    /// The label by which it is called.
    pub(super) label: String,
    /// Which of the slice's endpoints it is.
    pub(super) endpoint: usize,
    /// Which of the endpoint's addresses it is.
    pub(super) address: usize,
}

impl ServiceEntry {
    /// A field of the Service.
    pub(super) fn origin(&self, field: &str) -> Origin {
        let object = ObjectRef::new(Kind::Service, &self.namespace, &self.name);
        Origin::new(object, FieldPath::new(field))
    }
}

impl SliceEntry {
    /// A field of the slice.
    pub(super) fn origin(&self, field: FieldPath) -> Origin {
        let object = ObjectRef::new(Kind::EndpointSlice, &self.namespace, &self.name);
        Origin::new(object, field)
    }
}

impl AddressEntry {
    /// Its place in the slice.
    pub(super) fn field(&self) -> FieldPath {
        FieldPath::new("endpoints")
            .index(self.endpoint)
            .child("addresses")
            .index(self.address)
    }
}

impl Objects {
    /// Indexes what the plugin looks at.
    pub(super) fn new<'a>(
        objects: impl IntoIterator<Item = &'a Object>,
        config: &Kubernetes,
    ) -> Self {
        let mut index = Self::default();
        for object in objects {
            let labels = &object.metadata().labels;
            let looked_at = config
                .labels
                .as_ref()
                .is_none_or(|selector| selector.matches(labels));
            match object {
                Object::Namespace(namespace) => {
                    let name = &namespace.metadata.name;
                    let shown = (config.namespaces.is_empty() || config.namespaces.contains(name))
                        && config
                            .namespace_labels
                            .as_ref()
                            .is_none_or(|selector| selector.matches(labels));
                    let list = if shown {
                        &mut index.namespaces
                    } else {
                        &mut index.hidden_namespaces
                    };
                    list.insert(name.clone());
                }
                Object::Service(service) if looked_at => index.add_service(service),
                Object::EndpointSlice(slice) if looked_at && !config.no_endpoints => {
                    index.add_slice(slice, config.endpoint_pod_names);
                }
                Object::Pod(pod) if looked_at && config.pods == PodsMode::Verified => {
                    index.add_pod(pod);
                }
                _ => {}
            }
        }
        index.index_addresses();
        index
    }

    fn add_service(&mut self, service: &crate::api::Service) {
        let metadata = &service.metadata;
        let spec = &service.spec;
        let addresses = if spec.cluster_ips.is_empty() {
            std::slice::from_ref(&spec.cluster_ip)
        } else {
            spec.cluster_ips.as_slice()
        };
        let target = if spec.type_ == "ExternalName" {
            Target::ExternalName(spec.external_name.clone())
        } else if addresses[0] == "None" {
            Target::Headless
        } else {
            // A Service has an address as soon as the API server has taken it.
            Target::Addresses(
                addresses
                    .iter()
                    .filter(|text| !text.is_empty())
                    .cloned()
                    .collect(),
            )
        };
        let ports = spec
            .ports
            .iter()
            .map(|port| PortEntry::new(&port.name, &port.protocol, port.port));
        let entry = ServiceEntry {
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
            target,
            ports: PortEntry::or_none(ports.collect()),
        };
        let names = [metadata.namespace.as_str(), &metadata.name];
        self.service_names.push(&names, self.services.len());
        self.services.push(entry);
    }

    fn add_slice(&mut self, slice: &EndpointSlice, pod_names: bool) {
        let metadata = &slice.metadata;
        // Without the label it belongs to no Service, and has no name that could be written.
        let Some(service) = metadata.labels.get(SERVICE_NAME) else {
            return;
        };
        let ports = slice.ports.iter().map(|port| {
            PortEntry::new(
                port.name.as_deref().unwrap_or_default(),
                port.protocol.as_deref().unwrap_or_default(),
                port.port.unwrap_or(-1),
            )
        });
        let mut entry = SliceEntry {
            namespace: metadata.namespace.clone(),
            service: service.clone(),
            name: metadata.name.clone(),
            ports: PortEntry::or_none(ports.collect()),
            addresses: Vec::new(),
            not_ready: 0,
        };
        for (number, endpoint) in slice.endpoints.iter().enumerate() {
            if !is_published(endpoint) {
                entry.not_ready += 1;
                continue;
            }
            let hostname = endpoint.hostname.as_deref().unwrap_or_default();
            let pod = endpoint
                .target_ref
                .as_ref()
                .map(|target| target.name.as_str())
                // A longer name is no label.
                .filter(|name| pod_names && name.len() < 64)
                .unwrap_or_default();
            for (address, text) in endpoint.addresses.iter().enumerate() {
                let label = [hostname, pod]
                    .into_iter()
                    .find(|label| !label.is_empty())
                    .map_or_else(|| dashed(text), str::to_owned);
                entry.addresses.push(AddressEntry {
                    text: text.clone(),
                    label,
                    endpoint: number,
                    address,
                });
            }
        }
        let names = [metadata.namespace.as_str(), service, &metadata.name];
        self.slice_names.push(&names, self.slices.len());
        self.slices.push(entry);
    }

    fn add_pod(&mut self, pod: &Pod) {
        let gone = matches!(
            pod.status.phase.as_str(),
            "Succeeded" | "Failed" | "Unknown"
        );
        let address = &pod.status.pod_ip;
        if gone || pod.metadata.deletion_timestamp.is_some() || address.is_empty() {
            return;
        }
        let metadata = &pod.metadata;
        let names = [metadata.namespace.as_str(), address, &metadata.name];
        self.pod_addresses.push(&names, self.pods.len());
        self.pods.push(metadata.name.clone());
    }

    /// Puts everything in the order of its names, and indexes by address.
    fn index_addresses(&mut self) {
        self.service_names.sort();
        self.slice_names.sort();
        // The place in the order of names follows the address, so that the order holds there too.
        let place = |place: usize| format!("{place:010}");
        for (order, number) in self.service_names.numbers().enumerate() {
            if let Target::Addresses(addresses) = &self.services[number].target {
                for address in addresses {
                    self.service_addresses
                        .push(&[address, &place(order)], number);
                }
            }
        }
        for (order, number) in self.slice_names.numbers().enumerate() {
            let mut texts: Vec<&String> = Vec::new();
            for address in &self.slices[number].addresses {
                if !texts.contains(&&address.text) {
                    texts.push(&address.text);
                    self.slice_addresses
                        .push(&[&address.text, &place(order)], number);
                }
            }
        }
        self.service_addresses.sort();
        self.slice_addresses.sort();
        self.pod_addresses.sort();
    }

    /// Whether the Namespace exists and is shown.
    pub(super) fn shows(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    /// Whether the Namespace exists, but is not shown.
    pub(super) fn hides(&self, namespace: &str) -> bool {
        self.hidden_namespaces.contains(namespace)
    }

    /// A Service.
    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&ServiceEntry> {
        let number = self.service_names.find(&[namespace, name]).last()?;
        self.services.get(number)
    }

    /// The slices of a Service, in the order of their names.
    pub(super) fn slices<'a>(
        &'a self,
        namespace: &str,
        service: &str,
    ) -> impl Iterator<Item = &'a SliceEntry> + use<'a> {
        let found = self.slice_names.find(&[namespace, service]);
        found.map(|number| &self.slices[number])
    }

    /// The Service with a cluster IP.
    pub(super) fn service_of_address(&self, address: &str) -> Option<&ServiceEntry> {
        let number = self.service_addresses.find(&[address]).next()?;
        self.services.get(number)
    }

    /// The slices with a ready endpoint of an address.
    pub(super) fn slices_of_address<'a>(
        &'a self,
        address: &str,
    ) -> impl Iterator<Item = &'a SliceEntry> + use<'a> {
        let found = self.slice_addresses.find(&[address]);
        found.map(|number| &self.slices[number])
    }

    /// The live Pods of a Namespace with an address.
    pub(super) fn pods_of_address<'a>(
        &'a self,
        namespace: &str,
        address: &str,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let found = self.pod_addresses.find(&[namespace, address]);
        found.map(|number| self.pods[number].as_str())
    }
}

impl PortEntry {
    fn new(name: &str, protocol: &str, number: i32) -> Self {
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        Self {
            name: name.to_owned(),
            protocol: protocol.to_owned(),
            number,
        }
    }

    /// The ports, or the one that stands for none: then names are answered, but no SRV.
    fn or_none(ports: Vec<Self>) -> Vec<Self> {
        if ports.is_empty() {
            vec![Self {
                name: String::new(),
                protocol: String::new(),
                number: -1,
            }]
        } else {
            ports
        }
    }
}

/// An address as a label: `10-244-1-5`, `fd00-10-244--5`. A label may not end with a dash.
fn dashed(address: &str) -> String {
    if address.contains('.') {
        return address.replace('.', "-");
    }
    let mut label = address.replace(':', "-");
    if label.ends_with('-') {
        label.push('0');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_labels() {
        assert_eq!(dashed("10.244.1.5"), "10-244-1-5");
        assert_eq!(dashed("fd00:10:244::5"), "fd00-10-244--5");
        assert_eq!(dashed("fd00:10:244:2::"), "fd00-10-244-2--0");
    }
}
