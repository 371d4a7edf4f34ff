//! What is said about endpoints ([`super::endpoints`]): one sentence for each reason.

use super::endpoints::{EndpointList, EndpointReason, EndpointRow, Miss, Traffic};
use crate::api::{Endpoint, EndpointPort, Pod, Service, ServicePort};
use crate::controllers::endpoint_slice::Exclusion;
use crate::manifest::nearest;

/// `http 80/TCP → 8080`.
pub(super) fn port(port: &ServicePort) -> String {
    let name = match port.name.as_str() {
        "" => String::new(),
        name => format!("{name} "),
    };
    let target =
        (port.target_port.as_ref()).map_or_else(|| port.port.to_string(), ToString::to_string);
    format!("{name}{}/{} → {target}", port.port, port.protocol)
}

/// `http 8080/TCP`.
pub(super) fn slice_port(port: &EndpointPort) -> String {
    let number = port
        .port
        .map_or_else(|| "any".to_owned(), |n| n.to_string());
    let text = format!("{number}/{}", port.protocol.as_deref().unwrap_or("TCP"));
    match port.name.as_deref() {
        None | Some("") => text,
        Some(name) => format!("{name} {text}"),
    }
}

/// How a Service stands as a whole.
pub(super) fn summary(
    service: &Service,
    list: &EndpointList,
    rows: &[EndpointRow],
    node: &str,
    has_rules: bool,
) -> String {
    let listed = rows.iter().filter(|row| row.slice.is_some()).count();
    let used = rows.iter().filter(|row| row.is_in()).count();
    let counted = |what: &str, gets: &str| match listed {
        0 => format!("There is no endpoint, so {what} leads nowhere."),
        1 if used == 1 => format!("The one endpoint {gets}."),
        _ if used == listed => format!(
            "All {listed} endpoints {}.",
            gets.replacen("gets", "get", 1)
        ),
        _ => format!("{used} of {listed} endpoints {}.", plural(used, gets)),
    };
    let said = match list {
        EndpointList::Alias(name) => {
            return format!(
                "An ExternalName Service has no endpoints: its name is another name for {name}."
            );
        }
        _ if has_rules => counted(
            &format!("the rules of {node}"),
            &format!("gets traffic from {node}"),
        ),
        _ if service.spec.cluster_ip == "None" => counted(
            "the name",
            "gets traffic: kube-proxy has no rules for a headless Service, its name leads to the Pods themselves",
        ),
        _ => format!("The kube-proxy of {node} has no rules for this Service."),
    };
    let nearest = rows.iter().find(|row| {
        let why = row.standings.first().map(|standing| standing.reason);
        why == Some(EndpointReason::OtherLabels) || why == Some(EndpointReason::OtherNamespace)
    });
    match (list, nearest) {
        (EndpointList::ByHand, _) if listed == 0 => format!(
            "{said} The Service has no selector, so somebody has to write an EndpointSlice for it."
        ),
        (EndpointList::Selector(_), Some(row)) if listed == 0 => {
            let pod = row.pod.as_ref().map(|pod| pod.name.as_str());
            let why = row.standings.first().map(|s| s.said.as_str());
            format!(
                "{said} The nearest Pod is {}: {}",
                pod.unwrap_or_default(),
                why.unwrap_or_default()
            )
        }
        (EndpointList::Selector(_), None) if listed == 0 => {
            format!("{said} No Pod has anything like the labels of the selector.")
        }
        _ => said,
    }
}

fn plural(count: usize, gets: &str) -> String {
    if count == 1 {
        gets.to_owned()
    } else {
        gets.replacen("gets", "get", 1)
    }
}

/// Why a Pod is no endpoint at all.
pub(super) fn excluded(
    why: Exclusion,
    service: &Service,
    pod: &Pod,
    misses: &[Miss<'_>],
) -> String {
    match why {
        Exclusion::OtherNamespace => format!(
            "Its labels fit, but it is in the namespace {}, and a selector means Pods of its own namespace, {}, only.",
            pod.metadata.namespace, service.metadata.namespace
        ),
        Exclusion::OtherLabels => misses.iter().map(miss).collect::<Vec<_>>().join(" "),
        Exclusion::Finished => format!(
            "It has run to its end ({}): a Pod that is over is no endpoint.",
            pod.status.phase
        ),
        Exclusion::NoAddress if pod.spec.node_name.is_empty() => {
            "It has no address yet: no Node was found for it.".to_owned()
        }
        Exclusion::NoAddress => "It has no address yet.".to_owned(),
        Exclusion::NoNode => format!("Its Node {} is gone.", pod.spec.node_name),
        Exclusion::OtherFamily => format!(
            "It has no address of the Service's IP family ({}).",
            service.spec.ip_families.join(", ")
        ),
    }
}

fn miss(miss: &Miss<'_>) -> String {
    let Miss { key, wanted, .. } = miss;
    match (miss.found, miss.near) {
        (Some(found), _) => {
            format!("Its label {key} is “{found}”, and the selector asks for “{wanted}”.")
        }
        (None, Some(near)) => {
            format!("It has no label {key}, which the selector asks for; it has {near}.")
        }
        (None, None) => format!("It has no label {key}; the selector asks for {key}={wanted}."),
    }
}

/// No container has the port that a Service asks for by name.
pub(super) fn no_such_port(port: &ServicePort, pod: Option<&Pod>) -> String {
    let target =
        (port.target_port.as_ref()).map_or_else(|| port.port.to_string(), ToString::to_string);
    let Some(pod) = pod else {
        return format!("Its slice has no port that is named as this one ({target}).");
    };
    let ports = pod
        .spec
        .containers
        .iter()
        .flat_map(|container| &container.ports);
    let known: Vec<&str> = (ports.map(|port| port.name.as_str()))
        .filter(|name| !name.is_empty())
        .collect();
    let asks = format!(
        "targetPort asks for a {} port that is named “{target}”, and no container has one",
        port.protocol
    );
    match (nearest(&target, known.iter().copied()), &known[..]) {
        (Some(near), _) => format!("{asks}; the nearest is “{near}”."),
        (None, []) => format!("{asks}: its containers name no port."),
        (None, known) => format!("{asks}; they name {}.", known.join(", ")),
    }
}

/// How an endpoint of a headless Service stands.
pub(super) fn by_name(reason: EndpointReason) -> String {
    match reason {
        EndpointReason::Ready => "It is ready: the Service’s name leads to its address.",
        EndpointReason::PublishedAnyhow => {
            "It is not ready, but publishNotReadyAddresses is set: the name leads to it all the same."
        }
        EndpointReason::Terminating => "It is being deleted: the name does not lead to it any more.",
        _ => "It is not ready: the name does not lead to it.",
    }
    .to_owned()
}

/// It is in the rules, and nowhere else.
pub(super) fn stale(node: &str) -> String {
    format!("It is in no slice any more, but the kube-proxy of {node} has not synced since.")
}

/// How an endpoint stands in a Node's rules.
pub(super) fn by_rules(
    reason: EndpointReason,
    traffic: Traffic,
    node: &str,
    endpoint: &Endpoint,
) -> String {
    let policy = match traffic {
        Traffic::Outside => "externalTrafficPolicy: Local",
        Traffic::All => "the Local policies of this Service",
        Traffic::Inside | Traffic::Name => "internalTrafficPolicy: Local",
    };
    let runs_on = endpoint.node_name.as_deref().unwrap_or("no Node");
    match reason {
        EndpointReason::Ready => "It is ready.".to_owned(),
        EndpointReason::LastOne => {
            "It is being deleted, but it still serves, and no other endpoint is ready.".to_owned()
        }
        EndpointReason::PublishedAnyhow => {
            "It is not ready, but publishNotReadyAddresses is set.".to_owned()
        }
        EndpointReason::NotLocal => {
            let keeps = if traffic == Traffic::All { "keep" } else { "keeps" };
            format!("It runs on {runs_on}, and {policy} {keeps} traffic on {node}.")
        }
        EndpointReason::OtherZone => {
            let zones: Vec<&str> = (endpoint.hints.iter())
                .flat_map(|hints| &hints.for_zones)
                .map(|zone| zone.name.as_str())
                .collect();
            format!(
                "Its hint keeps it for zone {}, and {node} is in another.",
                zones.join(", ")
            )
        }
        EndpointReason::Terminating if endpoint.conditions.serving == Some(true) => {
            "It is being deleted; it still serves, but would get traffic only if no other were ready."
                .to_owned()
        }
        EndpointReason::Terminating => "It is being deleted, and serves no more.".to_owned(),
        EndpointReason::OtherFamily => {
            format!("The rules of {node} are for the other IP family.")
        }
        EndpointReason::NotSynced => {
            format!("It is in the slice, but the kube-proxy of {node} has not synced yet.")
        }
        _ => "It is not ready: its readiness probe does not pass.".to_owned(),
    }
}
