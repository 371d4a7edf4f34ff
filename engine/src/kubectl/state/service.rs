//! Cluster IPs, families and node ports of Services, on full trees.
//!
//! Source: Kubernetes v1.34 `pkg/registry/core/service/storage/alloc.go`,
//! `pkg/registry/core/service/strategy.go` (`patchAllocatedValues`, `dropTypeDependentFields`).
//! The cluster has one family, IPv4.

use std::net::Ipv4Addr;

use crate::api::FieldPath;
use crate::api::validation::{BadValue, FieldError};
use crate::kubectl::error::Status;
use crate::kubectl::tree::Value;

/// The first address that is given.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 101);
/// The addresses that may be asked for: 10.96.0.0/12.
const ADDRESSES: [Ipv4Addr; 2] = [
    Ipv4Addr::new(10, 96, 0, 1),
    Ipv4Addr::new(10, 111, 255, 254),
];
/// The first node port that is given.
const FIRST_NODE_PORT: i64 = 30_101;
/// The node ports that may be asked for.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;

fn kind(service: &Value) -> &str {
    service.str_at("spec.type")
}

fn needs_cluster_ip(service: &Value) -> bool {
    matches!(kind(service), "ClusterIP" | "NodePort" | "LoadBalancer")
}

fn needs_node_ports(service: &Value) -> bool {
    kind(service) == "NodePort"
        || (kind(service) == "LoadBalancer"
            && !matches!(
                service.at("spec.allocateLoadBalancerNodePorts"),
                Value::Bool(false)
            ))
}

fn needs_health_check_port(service: &Value) -> bool {
    kind(service) == "LoadBalancer" && service.str_at("spec.externalTrafficPolicy") == "Local"
}

fn needs_external_policy(service: &Value) -> bool {
    matches!(kind(service), "NodePort" | "LoadBalancer")
        || (kind(service) == "ClusterIP" && !service.list_at("spec.externalIPs").is_empty())
}

fn is_headless(service: &Value) -> bool {
    service.str_at("spec.clusterIP") == "None"
}

/// Gives a new Service what it needs.
pub(super) fn create<'a>(
    others: impl Iterator<Item = &'a Value> + Clone,
    service: &mut Value,
) -> Result<(), Status> {
    let given = service.str_at("spec.clusterIP").to_owned();
    if !given.is_empty() && service.list_at("spec.clusterIPs").is_empty() {
        service.set("spec.clusterIPs", Value::List(vec![given.into()]));
    }
    allocate(others, service, None)
}

/// Keeps what the old one had, and takes or gives back what changes with it.
pub(super) fn update<'a>(
    others: impl Iterator<Item = &'a Value> + Clone,
    new: &mut Value,
    old: &Value,
) -> Result<(), Status> {
    let others =
        others.filter(|other| (other.namespace(), other.name()) != (old.namespace(), old.name()));
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        let both_empty =
            new.str_at("spec.clusterIP").is_empty() && new.list_at("spec.clusterIPs").is_empty();
        if both_empty {
            for field in ["spec.clusterIP", "spec.clusterIPs"] {
                new.set(field, old.at(field).clone());
            }
        }
        for field in ["spec.ipFamilies", "spec.ipFamilyPolicy"] {
            if new.at(field).is_null() && !old.at(field).is_null() {
                new.set(field, old.at(field).clone());
            }
        }
    }
    if needs_node_ports(old) && needs_node_ports(new) {
        let taken: Vec<i64> = ports(new).filter(|port| *port != 0).collect();
        for port in new.items_mut("spec.ports") {
            let before = old.list_at("spec.ports").iter().find(|other| {
                other.str_at("name") == port.str_at("name") && other.int_at("nodePort") != 0
            });
            if let Some(before) = before
                && port.int_at("nodePort") == 0
                && !taken.contains(&before.int_at("nodePort"))
            {
                port.set("nodePort", before.at("nodePort").clone());
            }
        }
    }
    if needs_health_check_port(old)
        && needs_health_check_port(new)
        && new.int_at("spec.healthCheckNodePort") == 0
    {
        let port = old.at("spec.healthCheckNodePort").clone();
        if !port.is_null() {
            new.set("spec.healthCheckNodePort", port);
        }
    }
    // One of the two spellings was changed: the other one follows.
    let same_plural = old.at("spec.clusterIPs") == new.at("spec.clusterIPs");
    let same = old.str_at("spec.clusterIP") == new.str_at("spec.clusterIP");
    if same && new.list_at("spec.clusterIPs").is_empty() {
        if !old.at("spec.clusterIPs").is_null() {
            new.set("spec.clusterIPs", old.at("spec.clusterIPs").clone());
        }
    } else if !same && same_plural {
        let address = new.str_at("spec.clusterIP").to_owned();
        if address.is_empty() {
            new.remove("spec.clusterIPs");
        } else {
            new.set("spec.clusterIPs", Value::List(vec![address.into()]));
        }
    }
    drop_what_the_type_has_not(new, old);
    allocate(others, new, Some(old))
}

/// What a person did not change goes with the type that needed it.
fn drop_what_the_type_has_not(new: &mut Value, old: &Value) {
    let same = |new: &Value, field: &str| new.at(field) == old.at(field);
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        for field in [
            "spec.clusterIP",
            "spec.clusterIPs",
            "spec.ipFamilies",
            "spec.ipFamilyPolicy",
        ] {
            if same(new, field) {
                new.remove(field);
            }
        }
        if same(new, "spec.internalTrafficPolicy") {
            new.remove("spec.internalTrafficPolicy");
        }
    }
    if needs_node_ports(old) && !needs_node_ports(new) && kind(new) != "LoadBalancer" {
        let unchanged = ports(new).all(|port| port == 0 || ports(old).any(|other| other == port));
        if unchanged {
            for port in new.items_mut("spec.ports") {
                port.remove("nodePort");
            }
        }
    }
    let gone: [(bool, &str); 4] = [
        (
            needs_health_check_port(old) && !needs_health_check_port(new),
            "spec.healthCheckNodePort",
        ),
        (
            needs_external_policy(old) && !needs_external_policy(new),
            "spec.externalTrafficPolicy",
        ),
        (
            kind(old) == "LoadBalancer" && kind(new) != "LoadBalancer",
            "spec.allocateLoadBalancerNodePorts",
        ),
        (
            kind(old) == "LoadBalancer" && kind(new) != "LoadBalancer",
            "spec.loadBalancerClass",
        ),
    ];
    for (is_gone, field) in gone {
        if is_gone && same(new, field) {
            new.remove(field);
        }
    }
    if kind(old) == "LoadBalancer" && kind(new) != "LoadBalancer" {
        new.set("status.loadBalancer", Value::map());
    }
}

fn ports(service: &Value) -> impl Iterator<Item = i64> {
    service
        .list_at("spec.ports")
        .iter()
        .map(|port| port.int_at("nodePort"))
}

fn allocate<'a>(
    others: impl Iterator<Item = &'a Value> + Clone,
    service: &mut Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    let name = service.name().to_owned();
    let refuse = |field: &str, value: BadValue, why: String| {
        let error = FieldError::invalid(&FieldPath::new(field), value, why);
        Err(Status::invalid("Service", &name, &[error]))
    };
    if needs_cluster_ip(service) {
        families(service, &name)?;
        let wanted = service.str_at("spec.clusterIP").to_owned();
        let taken = |address: &str| {
            others.clone().any(|other| {
                let list = other.list_at("spec.clusterIPs");
                list.iter().any(|ip| ip.as_str() == Some(address))
            })
        };
        let kept = old.is_some_and(|old| old.str_at("spec.clusterIP") == wanted);
        if wanted.is_empty() && service.list_at("spec.clusterIPs").is_empty() {
            let mut number = u32::from(FIRST_ADDRESS);
            while taken(&Ipv4Addr::from(number).to_string()) {
                number += 1;
            }
            let address = Ipv4Addr::from(number).to_string();
            service.set("spec.clusterIP", address.as_str().into());
            service.set("spec.clusterIPs", Value::List(vec![address.into()]));
        } else if let Ok(address) = wanted.parse::<Ipv4Addr>()
            && !kept
        {
            let why = if !(ADDRESSES[0]..=ADDRESSES[1]).contains(&address) {
                Some(format!(
                    "the provided IP ({address}) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
                ))
            } else if taken(&wanted) {
                Some("provided IP is already allocated".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                let value = BadValue::Go(service.at("spec.clusterIPs").to_string());
                let why = format!("failed to allocate IP {address}: {why}");
                return refuse("spec.clusterIPs", value, why);
            }
        }
    }
    let mut used: Vec<i64> = others
        .flat_map(|other| ports(other).chain([other.int_at("spec.healthCheckNodePort")]))
        .filter(|port| *port != 0)
        .collect();
    let before: Vec<i64> = old.into_iter().flat_map(ports).collect();
    let mut next = FIRST_NODE_PORT;
    if needs_node_ports(service) {
        let mut given: Vec<(i64, i64)> = Vec::new();
        for at in 0..service.list_at("spec.ports").len() {
            let port = &service.list_at("spec.ports")[at];
            let (number, wanted) = (port.int_at("port"), port.int_at("nodePort"));
            if wanted != 0 {
                let why = if !NODE_PORTS.contains(&wanted) {
                    "provided port is not in the valid range. The range of valid ports is 30000-32767"
                } else if used.contains(&wanted) {
                    "provided port is already allocated"
                } else {
                    ""
                };
                if !why.is_empty() && !before.contains(&wanted) {
                    let field = format!("spec.ports[{at}].nodePort");
                    return refuse(&field, BadValue::Number(wanted), why.to_owned());
                }
                given.push((number, wanted));
                continue;
            }
            // TCP and UDP of one port share their node port when the Service is made.
            let shared = given
                .iter()
                .find(|(other, _)| *other == number && old.is_none());
            let node_port = match shared {
                Some((_, node_port)) => *node_port,
                None => {
                    while used.contains(&next)
                        || given.iter().any(|(_, port)| *port == next)
                        || ports(service).any(|port| port == next)
                    {
                        next += 1;
                    }
                    next
                }
            };
            given.push((number, node_port));
            service.items_mut("spec.ports")[at].set("nodePort", Value::int(node_port));
        }
        used.extend(given.iter().map(|(_, port)| *port));
    }
    if needs_health_check_port(service) && service.int_at("spec.healthCheckNodePort") == 0 {
        while used.contains(&next) {
            next += 1;
        }
        service.set("spec.healthCheckNodePort", Value::int(next));
    }
    Ok(())
}

/// Families and their policy, in a cluster of IPv4 alone.
fn families(service: &mut Value, name: &str) -> Result<(), Status> {
    let no_selector = service.entries_at("spec.selector").is_empty();
    let open = is_headless(service) && no_selector;
    if service.at("spec.ipFamilyPolicy").is_null() {
        let policy = if open && service.list_at("spec.ipFamilies").is_empty() {
            "RequireDualStack"
        } else {
            "SingleStack"
        };
        service.set("spec.ipFamilyPolicy", policy.into());
    }
    let required = service.str_at("spec.ipFamilyPolicy") == "RequireDualStack";
    if required && !open {
        let error = FieldError::invalid(
            &FieldPath::new("spec.ipFamilyPolicy"),
            "RequireDualStack",
            "this cluster is not configured for dual-stack services",
        );
        return Err(Status::invalid("Service", name, &[error]));
    }
    if service.list_at("spec.ipFamilies").is_empty() {
        let mut families = vec![Value::text("IPv4")];
        if open && service.str_at("spec.ipFamilyPolicy") != "SingleStack" {
            families.push("IPv6".into());
        }
        service.set("spec.ipFamilies", Value::List(families));
    } else if !open
        && let Some(at) = service
            .list_at("spec.ipFamilies")
            .iter()
            .position(|family| family.as_str() == Some("IPv6"))
    {
        let field = FieldPath::new("spec.ipFamilies").index(at);
        let why = "not configured on this cluster";
        let error = FieldError::invalid(&field, "IPv6", why);
        return Err(Status::invalid("Service", name, &[error]));
    }
    Ok(())
}
