//! Cluster IPs and node ports: given by the server, never twice.
//!
//! Source: Kubernetes v1.30.5 `pkg/registry/core/service/storage/alloc.go`,
//! `pkg/registry/core/service/ipallocator` (KEP-3070) and `portallocator` (KEP-3668).
//!
//! The real server picks at random in the upper band of a range and looks on from there. So does
//! this one, but the pick is keyed by the Service's name (see [`crate::random`]): an edit
//! elsewhere does not move an address.
//!
//! What an update releases or keeps is in `update`.

mod band;
mod update;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use band::{Band, nth_usable};

use super::validation::BadValue;
use super::{FieldPath, Service};
use crate::net::IpFamily;
use crate::random;

/// The addresses and ports from which Services get theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    /// `--service-cluster-ip-range`: one CIDR, or two of different families. The first one's
    /// family is the default.
    pub service_cidrs: Vec<IpNet>,
    /// `--service-node-port-range`.
    pub node_ports: RangeInclusive<u16>,
}

impl Default for Ranges {
    /// kubeadm's: 10.96.0.0/12 and 30000-32767.
    fn default() -> Self {
        Self {
            service_cidrs: vec![Self::usual(IpFamily::IPv4)],
            node_ports: 30_000..=32_767,
        }
    }
}

impl Ranges {
    /// The usual range of a family: kubeadm's 10.96.0.0/12, and fd00:10:96::/112 as kind has it.
    #[must_use]
    pub fn usual(family: IpFamily) -> IpNet {
        match family {
            IpFamily::IPv4 => IpNet::new_assert(Ipv4Addr::new(10, 96, 0, 0).into(), 12),
            IpFamily::IPv6 => {
                IpNet::new_assert(IpAddr::from([0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0]), 112)
            }
        }
    }
}

/// Why a Service cannot have what it asks for, with the field, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct AllocationError {
    /// The field.
    pub field: FieldPath,
    /// The kind of error, the value and what is wrong with it.
    pub detail: String,
}

impl AllocationError {
    fn new(field: FieldPath, detail: impl Into<String>) -> Self {
        Self {
            field,
            detail: detail.into(),
        }
    }

    /// Where to look for it in a manifest, the closest place first.
    pub fn places(&self) -> impl Iterator<Item = FieldPath> {
        // Of the two spellings, a person most often writes the other one.
        let other =
            (self.field.as_str() == "spec.clusterIPs").then(|| FieldPath::new("spec.clusterIP"));
        std::iter::once(self.field.clone()).chain(other)
    }
}

/// Which addresses and ports are taken.
#[derive(Clone, Debug)]
pub struct Allocators {
    ranges: Ranges,
    seed: u64,
    addresses: BTreeSet<IpAddr>,
    ports: BTreeSet<u16>,
    /// What the Service that is being updated has already.
    own: Taken,
    /// Whether ports of one number share a node port: on create, not on update.
    shares_ports: bool,
}

/// What one Service was given, so that it can be given back when it is refused after all.
#[derive(Clone, Debug, Default)]
struct Taken {
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
}

impl Allocators {
    /// Everything is free.
    #[must_use]
    pub fn new(ranges: Ranges, seed: u64) -> Self {
        Self {
            ranges,
            seed,
            addresses: BTreeSet::new(),
            ports: BTreeSet::new(),
            own: Taken::default(),
            shares_ports: true,
        }
    }

    /// Gives a defaulted Service what it asks for and what it needs: families, cluster IPs, node
    /// ports, the port of its health check.
    ///
    /// # Errors
    ///
    /// If something that it asks for is taken, out of range or not to be had; then nothing is
    /// taken.
    pub fn create(&mut self, service: &mut Service) -> Result<(), AllocationError> {
        let mut taken = Taken::default();
        let result = self.take_all(service, &mut taken);
        if result.is_err() {
            for address in taken.addresses {
                self.addresses.remove(&address);
            }
            for port in taken.ports {
                self.ports.remove(&port);
            }
        }
        result
    }

    fn take_all(
        &mut self,
        service: &mut Service,
        taken: &mut Taken,
    ) -> Result<(), AllocationError> {
        self.cluster_ips(service, taken)
            .and_then(|()| self.node_ports(service, taken))
            .and_then(|()| self.health_check_port(service, taken))
    }

    /// Takes what a Service of a real cluster has, in or out of the ranges: its server gave it.
    pub fn hold(&mut self, service: &Service) {
        let spec = &service.spec;
        let addresses = spec.cluster_ips.iter().chain([&spec.cluster_ip]);
        self.addresses
            .extend(addresses.filter_map(|address| address.parse::<IpAddr>().ok()));
        let ports = spec.ports.iter().map(|port| port.node_port);
        let ports = ports.chain([spec.health_check_node_port]);
        self.ports.extend(
            ports
                .filter_map(|port| u16::try_from(port).ok())
                .filter(|p| *p != 0),
        );
    }

    /// How many addresses and ports are taken.
    #[must_use]
    pub fn taken(&self) -> (usize, usize) {
        (self.addresses.len(), self.ports.len())
    }

    fn cluster_ips(
        &mut self,
        service: &mut Service,
        taken: &mut Taken,
    ) -> Result<(), AllocationError> {
        let key = format!("{}/{}", service.metadata.namespace, service.metadata.name);
        let spec = &mut service.spec;
        if spec.type_ == "ExternalName" {
            return Ok(());
        }
        // The two fields say the same; a person most often writes the first.
        if spec.cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
            spec.cluster_ips = vec![spec.cluster_ip.clone()];
        }
        let headless = spec
            .cluster_ips
            .first()
            .is_some_and(|address| address == "None");
        let families = self.families(service)?;
        let spec = &mut service.spec;
        spec.ip_families = families.iter().map(ToString::to_string).collect();
        if headless {
            spec.cluster_ip = "None".to_owned();
            return Ok(());
        }

        let given: Vec<IpAddr> = spec
            .cluster_ips
            .iter()
            .filter_map(|address| address.parse().ok())
            .collect();
        for address in &given {
            self.take_address(*address).map_err(|why| {
                AllocationError::new(
                    FieldPath::new("spec.clusterIPs"),
                    format!(
                        "Invalid value: {}: failed to allocate IP {address}: {why}",
                        BadValue::list(&spec.cluster_ips)
                    ),
                )
            })?;
            taken.addresses.push(*address);
        }
        for family in families.iter().skip(given.len()) {
            let address = self.free_address(*family, &key).ok_or_else(|| {
                AllocationError::new(
                    FieldPath::new("spec.clusterIPs"),
                    format!(
                        "Internal error: failed to allocate a serviceIP: range is full ({family})"
                    ),
                )
            })?;
            self.addresses.insert(address);
            taken.addresses.push(address);
            spec.cluster_ips.push(address.to_string());
        }
        spec.cluster_ip = spec.cluster_ips.first().cloned().unwrap_or_default();
        Ok(())
    }

    /// The families of a Service and its `ipFamilyPolicy`, filled in.
    fn families(&self, service: &mut Service) -> Result<Vec<IpFamily>, AllocationError> {
        let available: Vec<IpFamily> = self
            .ranges
            .service_cidrs
            .iter()
            .map(|cidr| IpFamily::of(cidr.addr()))
            .collect();
        let default = available.first().copied().unwrap_or_default();
        let spec = &mut service.spec;
        let headless = spec
            .cluster_ips
            .first()
            .is_some_and(|address| address == "None");
        let without_selector = spec
            .selector
            .as_ref()
            .is_none_or(|selector| selector.is_empty());

        // Families follow from the addresses given, then from the families given.
        let mut families: Vec<IpFamily> = spec
            .cluster_ips
            .iter()
            .filter_map(|address| address.parse().ok())
            .map(IpFamily::of)
            .collect();
        for (index, family) in spec.ip_families.iter().enumerate().skip(families.len()) {
            let family = if family == "IPv6" {
                IpFamily::IPv6
            } else {
                IpFamily::IPv4
            };
            let anything_goes = headless && without_selector;
            if !anything_goes && !available.contains(&family) {
                return Err(AllocationError::new(
                    FieldPath::new("spec.ipFamilies").index(index),
                    format!("Invalid value: \"{family}\": not configured on this cluster"),
                ));
            }
            families.push(family);
        }
        if families.is_empty() {
            families.push(default);
        }

        let policy = spec.ip_family_policy.get_or_insert_with(|| {
            let dual = families.len() > 1 || (headless && without_selector);
            if dual {
                "RequireDualStack"
            } else {
                "SingleStack"
            }
            .to_owned()
        });
        let dual_stack_cluster = available.len() > 1;
        if policy == "RequireDualStack" && !dual_stack_cluster && !(headless && without_selector) {
            return Err(AllocationError::new(
                FieldPath::new("spec.ipFamilyPolicy"),
                format!(
                    "Invalid value: \"{policy}\": this cluster is not configured for dual-stack \
                     services"
                ),
            ));
        }
        let two = policy != "SingleStack" && (dual_stack_cluster || (headless && without_selector));
        if two && families.len() == 1 {
            families.push(match families[0] {
                IpFamily::IPv4 => IpFamily::IPv6,
                IpFamily::IPv6 => IpFamily::IPv4,
            });
        }
        if policy == "SingleStack" {
            families.truncate(1);
        }
        Ok(families)
    }

    fn take_address(&mut self, address: IpAddr) -> Result<(), String> {
        let range = self
            .ranges
            .service_cidrs
            .iter()
            .find(|cidr| cidr.contains(&address));
        let usable = range.is_some_and(|cidr| Band::of_addresses(cidr).holds(cidr, address));
        if !usable {
            let ranges: Vec<String> = self
                .ranges
                .service_cidrs
                .iter()
                .map(ToString::to_string)
                .collect();
            return Err(format!(
                "the provided IP ({address}) is not in the valid range. The range of valid IPs is \
                 {}",
                ranges.join(",")
            ));
        }
        if !self.addresses.insert(address) && !self.own.addresses.contains(&address) {
            return Err("provided IP is already allocated".to_owned());
        }
        Ok(())
    }

    fn free_address(&self, family: IpFamily, key: &str) -> Option<IpAddr> {
        let cidr = self
            .ranges
            .service_cidrs
            .iter()
            .find(|cidr| IpFamily::of(cidr.addr()) == family)?;
        let band = Band::of_addresses(cidr);
        let mut rng = random::keyed(self.seed, &format!("cluster IP {family} {key}"));
        band.search(&mut rng, |offset| {
            let address = nth_usable(cidr, offset);
            !self.addresses.contains(&address)
        })
        .map(|offset| nth_usable(cidr, offset))
    }

    fn node_ports(
        &mut self,
        service: &mut Service,
        taken: &mut Taken,
    ) -> Result<(), AllocationError> {
        let spec = &mut service.spec;
        if !matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer") {
            return Ok(());
        }
        let key = format!("{}/{}", service.metadata.namespace, service.metadata.name);
        let allocate =
            spec.type_ == "NodePort" || spec.allocate_load_balancer_node_ports.unwrap_or(true);
        // Ports of one number share a node port: 53/TCP and 53/UDP of a DNS server.
        let mut shared: Vec<(i32, i32)> = Vec::new();
        for index in 0..spec.ports.len() {
            let port = &spec.ports[index];
            let may_share = self.shares_ports || port.node_port != 0;
            let same_number = shared
                .iter()
                .find(|(number, _)| may_share && *number == port.port);
            if port.node_port != 0 {
                let is_shared =
                    same_number.is_some_and(|(_, node_port)| *node_port == port.node_port);
                if !is_shared {
                    let path = FieldPath::new("spec")
                        .child("ports")
                        .index(index)
                        .child("nodePort");
                    taken.ports.push(self.take_port(port.node_port, &path)?);
                }
            } else if let Some((_, node_port)) = same_number {
                spec.ports[index].node_port = *node_port;
            } else if allocate {
                let path = FieldPath::new("spec")
                    .child("ports")
                    .index(index)
                    .child("nodePort");
                let port = self.free_port(&format!("node port {index} {key}"), &path)?;
                taken.ports.push(port);
                spec.ports[index].node_port = i32::from(port);
            }
            let port = &spec.ports[index];
            if port.node_port != 0 && !shared.iter().any(|(number, _)| *number == port.port) {
                shared.push((port.port, port.node_port));
            }
        }
        Ok(())
    }

    fn health_check_port(
        &mut self,
        service: &mut Service,
        taken: &mut Taken,
    ) -> Result<(), AllocationError> {
        let key = format!("{}/{}", service.metadata.namespace, service.metadata.name);
        let spec = &mut service.spec;
        if spec.type_ != "LoadBalancer" || spec.external_traffic_policy != "Local" {
            return Ok(());
        }
        let path = FieldPath::new("spec.healthCheckNodePort");
        let port = if spec.health_check_node_port == 0 {
            self.free_port(&format!("health check node port {key}"), &path)?
        } else {
            self.take_port(spec.health_check_node_port, &path)?
        };
        taken.ports.push(port);
        spec.health_check_node_port = i32::from(port);
        Ok(())
    }

    fn take_port(&mut self, number: i32, path: &FieldPath) -> Result<u16, AllocationError> {
        let range = &self.ranges.node_ports;
        let port = u16::try_from(number)
            .ok()
            .filter(|port| range.contains(port));
        let Some(port) = port else {
            return Err(AllocationError::new(
                path.clone(),
                format!(
                    "Invalid value: {number}: provided port is not in the valid range. The range \
                     of valid ports is {}-{}",
                    range.start(),
                    range.end()
                ),
            ));
        };
        if !self.ports.insert(port) && !self.own.ports.contains(&port) {
            return Err(AllocationError::new(
                path.clone(),
                format!("Invalid value: {number}: provided port is already allocated"),
            ));
        }
        Ok(port)
    }

    fn free_port(&mut self, key: &str, path: &FieldPath) -> Result<u16, AllocationError> {
        let first = *self.ranges.node_ports.start();
        let band = Band::of_ports(&self.ranges.node_ports);
        let mut rng = random::keyed(self.seed, key);
        let port = band
            .search(&mut rng, |offset| {
                u16::try_from(offset).is_ok_and(|offset| !self.ports.contains(&(first + offset)))
            })
            .and_then(|offset| u16::try_from(offset).ok())
            .map(|offset| first + offset);
        match port {
            Some(port) => {
                self.ports.insert(port);
                Ok(port)
            }
            None => Err(AllocationError::new(
                path.clone(),
                "Internal error: failed to allocate a nodePort: range is full",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
