//! What an update of a Service takes, keeps and gives back.
//!
//! Source: Kubernetes v1.30.5 `pkg/registry/core/service/storage/storage.go`
//! (`patchAllocatedValues`, `normalizeClusterIPs`), `alloc.go` (`allocateUpdate`) and
//! `pkg/registry/core/service/strategy.go` (`dropTypeDependentFields`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{AllocationError, Allocators, Taken};
use crate::api::{Service, ServiceSpec};

impl Allocators {
    /// Gives a changed and defaulted Service what it needs: what `old` has it keeps unless it says
    /// otherwise, and what its type has no use for any more is wiped, unless it asks for it anew.
    ///
    /// What `old` alone has is still held. When the change is stored: [`Allocators::give_back`];
    /// when it is refused after all: the same, the other way round.
    ///
    /// # Errors
    ///
    /// If something that it asks for is taken, out of range or not to be had; then nothing is
    /// taken.
    pub fn update(&mut self, old: &Service, new: &mut Service) -> Result<(), AllocationError> {
        keep_values(&old.spec, &mut new.spec);
        same_addresses(&old.spec, &mut new.spec);
        wipe(&old.spec, &mut new.spec);
        self.own = held(old);
        self.shares_ports = false;
        let mut taken = Taken::default();
        let result = self.take_all(new, &mut taken);
        self.own = Taken::default();
        self.shares_ports = true;
        if result.is_err() {
            let kept = held(old);
            self.release_but(taken, &kept);
        }
        result
    }

    /// Gives back what a Service has that is gone.
    pub fn release(&mut self, service: &Service) {
        self.release_but(held(service), &Taken::default());
    }

    /// Gives back what `old` has and `new` has not.
    pub fn give_back(&mut self, old: &Service, new: &Service) {
        self.release_but(held(old), &held(new));
    }

    fn release_but(&mut self, gone: Taken, kept: &Taken) {
        for address in gone.addresses {
            if !kept.addresses.contains(&address) {
                self.addresses.remove(&address);
            }
        }
        for port in gone.ports {
            if !kept.ports.contains(&port) {
                self.ports.remove(&port);
            }
        }
    }
}

/// All that a Service holds.
pub(super) fn held(service: &Service) -> Taken {
    let spec = &service.spec;
    let addresses: BTreeSet<IpAddr> = spec
        .cluster_ips
        .iter()
        .chain([&spec.cluster_ip])
        .filter_map(|address| address.parse().ok())
        .collect();
    let ports = spec.ports.iter().map(|port| port.node_port);
    let ports: BTreeSet<u16> = ports
        .chain([spec.health_check_node_port])
        .filter_map(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0)
        .collect();
    Taken {
        addresses: addresses.into_iter().collect(),
        ports: ports.into_iter().collect(),
    }
}

fn needs_cluster_ip(spec: &ServiceSpec) -> bool {
    spec.type_ != "ExternalName"
}

fn needs_node_port(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer")
}

fn needs_health_check(spec: &ServiceSpec) -> bool {
    spec.type_ == "LoadBalancer" && spec.external_traffic_policy == "Local"
}

fn needs_external_policy(spec: &ServiceSpec) -> bool {
    needs_node_port(spec) || (spec.type_ == "ClusterIP" && !spec.external_ips.is_empty())
}

/// What was allocated and is not written in the new one stays, so that a manifest can be applied
/// again.
fn keep_values(old: &ServiceSpec, new: &mut ServiceSpec) {
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        if new.cluster_ip.is_empty() && new.cluster_ips.is_empty() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.is_empty() && new.cluster_ip == old.cluster_ip {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if needs_node_port(old) && needs_node_port(new) {
        let mut used: Vec<(String, i32)> = new
            .ports
            .iter()
            .map(|port| (port.protocol.clone(), port.node_port))
            .collect();
        for port in &mut new.ports {
            // By name: who renames a port gets another number.
            let before = old.ports.iter().find(|before| before.name == port.name);
            let Some(before) = before.filter(|_| port.node_port == 0) else {
                continue;
            };
            let key = (port.protocol.clone(), before.node_port);
            if !used.contains(&key) {
                port.node_port = before.node_port;
                used.push(key);
            }
        }
    }
    if needs_health_check(old) && needs_health_check(new) && new.health_check_node_port == 0 {
        new.health_check_node_port = old.health_check_node_port;
    }
}

/// Brings the two spellings of the cluster IP in step, when only one of them was changed.
fn same_addresses(old: &ServiceSpec, new: &mut ServiceSpec) {
    if !needs_cluster_ip(new) {
        return;
    }
    if new.ip_family_policy.is_none() {
        new.ip_family_policy.clone_from(&old.ip_family_policy);
    }
    let is_list_unchanged = new.cluster_ips == old.cluster_ips;
    if new.cluster_ip != old.cluster_ip && is_list_unchanged {
        if new.cluster_ip.is_empty() {
            new.cluster_ips.clear();
        } else if let Some(first) = new.cluster_ips.first_mut() {
            first.clone_from(&new.cluster_ip);
        } else {
            new.cluster_ips.push(new.cluster_ip.clone());
        }
    } else if new.cluster_ip == old.cluster_ip && !is_list_unchanged {
        new.cluster_ip = new.cluster_ips.first().cloned().unwrap_or_default();
    }
    // Who asks for one family only and says nothing of the second address gives it back.
    let policy = new.ip_family_policy.as_deref();
    if policy == Some("SingleStack") && new.cluster_ips.len() > 1 && is_list_unchanged {
        new.cluster_ips.truncate(1);
        new.ip_families.truncate(1);
    }
}

/// Takes out what the new type has no use for, where the author left it as it was.
fn wipe(old: &ServiceSpec, new: &mut ServiceSpec) {
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        if new.cluster_ips == old.cluster_ips && new.cluster_ip == old.cluster_ip {
            new.cluster_ip.clear();
            new.cluster_ips.clear();
        }
        if new.ip_families == old.ip_families {
            new.ip_families.clear();
        }
        if new.ip_family_policy == old.ip_family_policy {
            new.ip_family_policy = None;
        }
        if new.internal_traffic_policy == old.internal_traffic_policy {
            new.internal_traffic_policy = None;
        }
    }
    if needs_node_port(old) && !needs_node_port(new) {
        let numbers = |spec: &ServiceSpec| -> Vec<i32> {
            spec.ports.iter().map(|port| port.node_port).collect()
        };
        let has_new = numbers(new)
            .iter()
            .any(|number| *number != 0 && !numbers(old).contains(number));
        if !has_new {
            for port in &mut new.ports {
                port.node_port = 0;
            }
        }
    }
    if needs_health_check(old)
        && !needs_health_check(new)
        && new.health_check_node_port == old.health_check_node_port
    {
        new.health_check_node_port = 0;
    }
    if old.type_ == "LoadBalancer" && new.type_ != "LoadBalancer" {
        if new.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports {
            new.allocate_load_balancer_node_ports = None;
        }
        if new.load_balancer_class == old.load_balancer_class {
            new.load_balancer_class = None;
        }
    }
    if needs_external_policy(old)
        && !needs_external_policy(new)
        && new.external_traffic_policy == old.external_traffic_policy
    {
        new.external_traffic_policy.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::allocate::Ranges;
    use crate::api::defaults;

    fn service(spec: &str) -> Service {
        let mut service: Service = serde_json::from_str(&format!(r#"{{"spec":{spec}}}"#)).unwrap();
        service.metadata.name = "web".into();
        service.metadata.namespace = "default".into();
        defaults::service(&mut service);
        service
    }

    fn create(allocators: &mut Allocators, spec: &str) -> Service {
        let mut service = service(spec);
        allocators.create(&mut service).unwrap();
        service
    }

    fn allocators() -> Allocators {
        Allocators::new(Ranges::default(), 42)
    }

    #[test]
    fn applying_the_same_manifest_again_changes_nothing() {
        let mut all = allocators();
        let spec =
            r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80}]}"#;
        let old = create(&mut all, spec);
        let before = all.taken();
        let mut again = service(spec);
        all.update(&old, &mut again).unwrap();
        all.give_back(&old, &again);
        assert_eq!(again, old);
        assert_eq!(all.taken(), before);
    }

    #[test]
    fn a_type_change_gives_back_what_the_new_type_has_no_use_for() {
        let mut all = allocators();
        let old = create(&mut all, r#"{"type":"NodePort","ports":[{"port":80}]}"#);
        assert_eq!(all.taken(), (1, 1));
        let mut cluster_ip = old.clone();
        cluster_ip.spec.type_ = "ClusterIP".into();
        all.update(&old, &mut cluster_ip).unwrap();
        all.give_back(&old, &cluster_ip);
        assert_eq!(cluster_ip.spec.ports[0].node_port, 0);
        assert_eq!(cluster_ip.spec.external_traffic_policy, "");
        assert_eq!(cluster_ip.spec.cluster_ip, old.spec.cluster_ip);
        assert_eq!(all.taken(), (1, 0));
        let mut external = cluster_ip.clone();
        external.spec.type_ = "ExternalName".into();
        all.update(&cluster_ip, &mut external).unwrap();
        all.give_back(&cluster_ip, &external);
        assert_eq!(external.spec.cluster_ip, "");
        assert_eq!(all.taken(), (0, 0));
        let mut back = external.clone();
        back.spec.type_ = "ClusterIP".into();
        all.update(&external, &mut back).unwrap();
        assert_eq!(all.taken(), (1, 0));
    }

    #[test]
    fn a_renamed_port_gets_another_number_and_a_kept_name_keeps_it() {
        let mut all = allocators();
        let old = create(
            &mut all,
            r#"{"type":"NodePort","ports":[{"name":"a","port":80},{"name":"b","port":81}]}"#,
        );
        let mut new = service(
            r#"{"type":"NodePort","ports":[{"name":"a","port":80},{"name":"c","port":81}]}"#,
        );
        all.update(&old, &mut new).unwrap();
        all.give_back(&old, &new);
        assert_eq!(new.spec.ports[0].node_port, old.spec.ports[0].node_port);
        assert_ne!(new.spec.ports[1].node_port, old.spec.ports[1].node_port);
        assert_eq!(all.taken(), (1, 2));
    }

    #[test]
    fn a_refused_update_takes_nothing() {
        let mut all = allocators();
        let other = create(&mut all, r#"{"type":"NodePort","ports":[{"port":80}]}"#);
        let old = create(&mut all, r#"{"type":"NodePort","ports":[{"port":90}]}"#);
        let before = all.taken();
        let mut new = old.clone();
        new.spec.ports[0].node_port = other.spec.ports[0].node_port;
        let error = all.update(&old, &mut new).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("provided port is already allocated")
        );
        assert_eq!(all.taken(), before);
        // And its own are its own still.
        let mut same = old.clone();
        all.update(&old, &mut same).unwrap();
        assert_eq!(same, old);
    }

    #[test]
    fn a_second_family_comes_and_goes_with_the_policy() {
        let mut ranges = Ranges::default();
        ranges
            .service_cidrs
            .push("fd00:10:96::/112".parse().unwrap());
        let mut all = Allocators::new(ranges, 42);
        let old = create(&mut all, r#"{"ports":[{"port":80}]}"#);
        let mut dual = old.clone();
        dual.spec.ip_family_policy = Some("PreferDualStack".into());
        all.update(&old, &mut dual).unwrap();
        all.give_back(&old, &dual);
        assert_eq!(dual.spec.cluster_ips.len(), 2);
        assert_eq!(dual.spec.ip_families, ["IPv4", "IPv6"]);
        let mut single = dual.clone();
        single.spec.ip_family_policy = Some("SingleStack".into());
        all.update(&dual, &mut single).unwrap();
        all.give_back(&dual, &single);
        assert_eq!(single.spec.cluster_ips, old.spec.cluster_ips);
        assert_eq!(all.taken(), (1, 0));
    }
}
