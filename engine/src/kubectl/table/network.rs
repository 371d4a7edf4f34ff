//! Services, Endpoints and EndpointSlices.

use super::{Column, age, labels, or_none};
use crate::kubectl::tree::Value;

pub(super) const SERVICE: &[Column] = &[
    ("Name", false),
    ("Type", false),
    ("Cluster-IP", false),
    ("External-IP", false),
    ("Port(s)", false),
    ("Age", false),
    ("Selector", true),
];

pub(super) const ENDPOINTS: &[Column] = &[("Name", false), ("Endpoints", false), ("Age", false)];

pub(super) const ENDPOINT_SLICE: &[Column] = &[
    ("Name", false),
    ("AddressType", false),
    ("Ports", false),
    ("Endpoints", false),
    ("Age", false),
];

fn texts<'a>(object: &'a Value, path: &str) -> Vec<&'a str> {
    object
        .list_at(path)
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

pub(super) fn service(service: &Value, now: i64) -> Vec<String> {
    let addresses = service.list_at("spec.clusterIPs");
    let first = addresses.first().and_then(Value::as_str);
    let ports: Vec<String> = service
        .list_at("spec.ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (port.int_at("port"), port.str_at("protocol"));
            match port.int_at("nodePort") {
                0 => format!("{number}/{protocol}"),
                node_port => format!("{number}:{node_port}/{protocol}"),
            }
        })
        .collect();
    vec![
        service.name().to_owned(),
        service.str_at("spec.type").to_owned(),
        first.unwrap_or("<none>").to_owned(),
        external_ip(service),
        or_none(&ports.join(",")),
        age(service, now),
        labels(service.entries_at("spec.selector")),
    ]
}

/// The server makes every table as for `-o wide`, so a long name of a load balancer is never cut.
fn external_ip(service: &Value) -> String {
    let given = texts(service, "spec.externalIPs");
    match service.str_at("spec.type") {
        "ClusterIP" | "NodePort" => or_none(&given.join(",")),
        "LoadBalancer" => {
            let mut found: Vec<&str> = service
                .list_at("status.loadBalancer.ingress")
                .iter()
                .map(|ingress| match ingress.str_at("ip") {
                    "" => ingress.str_at("hostname"),
                    ip => ip,
                })
                .filter(|text| !text.is_empty())
                .collect();
            found.sort_unstable();
            found.dedup();
            found.extend(given);
            if found.is_empty() {
                "<pending>".to_owned()
            } else {
                found.join(",")
            }
        }
        "ExternalName" => service.str_at("spec.externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// The first few, and how many more there are.
fn few(all: &[String]) -> String {
    const MOST: usize = 3;
    let mut text = all[..all.len().min(MOST)].join(",");
    if all.len() > MOST {
        text.push_str(&format!(" + {} more...", all.len() - MOST));
    }
    text
}

fn or_unset(text: String) -> String {
    if text.is_empty() {
        return "<unset>".to_owned();
    }
    text
}

/// `host:port`, with brackets around an address of IPv6.
pub(in crate::kubectl) fn join_host_port(host: &str, port: &str) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

pub(super) fn endpoints(endpoints: &Value, now: i64) -> Vec<String> {
    vec![
        endpoints.name().to_owned(),
        format_endpoints(endpoints, None),
        age(endpoints, now),
    ]
}

/// The ready addresses with their ports, of all ports or of those with a name.
pub(super) fn format_endpoints(endpoints: &Value, port_name: Option<&str>) -> String {
    let subsets = endpoints.list_at("subsets");
    if subsets.is_empty() {
        return "<none>".to_owned();
    }
    let mut all: Vec<String> = Vec::new();
    for subset in subsets {
        let addresses = subset.list_at("addresses");
        let ports = subset.list_at("ports");
        if ports.is_empty() {
            all.extend(
                addresses
                    .iter()
                    .map(|address| address.str_at("ip").to_owned()),
            );
        }
        for port in ports {
            if port_name.is_some_and(|name| name != port.str_at("name")) {
                continue;
            }
            let number = port.int_at("port").to_string();
            all.extend(
                addresses
                    .iter()
                    .map(|address| join_host_port(address.str_at("ip"), &number)),
            );
        }
    }
    few(&all)
}

pub(super) fn endpoint_slice(slice: &Value, now: i64) -> Vec<String> {
    let ports: Vec<String> = slice
        .list_at("ports")
        .iter()
        .map(
            |port| match (port.at("port").as_int(), port.at("name").as_str()) {
                (Some(number), _) => number.to_string(),
                (None, Some(name)) => name.to_owned(),
                (None, None) => "*".to_owned(),
            },
        )
        .collect();
    let addresses: Vec<String> = slice
        .list_at("endpoints")
        .iter()
        .flat_map(|endpoint| texts(endpoint, "addresses"))
        .map(str::to_owned)
        .collect();
    vec![
        slice.name().to_owned(),
        slice.str_at("addressType").to_owned(),
        or_unset(few(&ports)),
        or_unset(few(&addresses)),
        age(slice, now),
    ]
}
