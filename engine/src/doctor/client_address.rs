//! Whom a Pod takes its clients for: with `externalTrafficPolicy: Cluster` a Node, and not the client.
//!
//! A packet that may be sent on to another Node has its source rewritten, so that the answer comes
//! back the same way; kube-proxy does so for every packet from outside, even where the endpoint is on
//! the Node itself. That is as it should be, and a surprise to access logs, limits by address and
//! lists of addresses. Proven by a walk from outside whose server sees another address.
//!
//! Source: the Kubernetes documentation's "Using Source IP"; kubernetes `pkg/proxy/iptables/proxier.go`
//! (v1.30.5, "masquerade traffic for … external destinations").
//!
//! Left out, because no manifest shows it: whether a program looks at the address at all, and a load
//! balancer that opens connections of its own. A Service that asks for PROXY protocol is let be: its
//! Pods get the address in another way.

use super::exam::{self, Exam, Subject};
use super::finding::Evidence;
use super::policy;
use crate::api::FieldPath;
use crate::controllers::load_balancer::is_target;
use crate::diagnostic::Severity;

pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    let Some(document) = exam.document(&subject.reference) else {
        return;
    };
    if spec.external_traffic_policy != "Cluster"
        || subject.endpoints().1 == 0
        || policy::speaks_proxy_protocol(subject.service).is_some()
    {
        return;
    }
    let Some(node) = exam.store.nodes().find(|node| is_target(node)) else {
        return;
    };
    let Some(journey) = policy::from_outside(exam, node, subject) else {
        return;
    };
    let Some((client, served)) = journey.hops.first().zip(journey.served.as_ref()) else {
        return;
    };
    let client = client.after.src;
    if !exam::is_answered(&journey) || served.sees == client {
        return;
    }
    let message = format!(
        "its Pods see a Node's address ({}), and not the client's",
        served.sees
    );
    let why = "externalTrafficPolicy: Cluster lets a packet go on to any Node, so its source becomes \
               that of the Node where it came in, or the answer would not find back. Logs and limits \
               by address see Nodes. Local keeps the client's address, and Nodes without an endpoint \
               drop what comes to them; in front of HTTP, PROXY protocol or X-Forwarded-For tell it.";
    // A load balancer leaves out the Nodes that have no endpoint. Who comes to a node port is not told.
    let (without, all) = policy::nodes_without(exam, subject);
    let is_steered = spec.type_ == "LoadBalancer" && without.len() < all;
    let fix = (exam.writer(&subject.reference))
        .filter(|_| is_steered)
        .and_then(|writer| {
            let policy = ["spec", "externalTrafficPolicy"];
            let replaced = writer.replace(&policy, "Local");
            let set = || writer.insert(&policy[..1], "type", policy[1], "Local");
            exam::edits([replaced.or_else(set)])
        });
    // Where it is not written, the type is what opened the way.
    let policy = FieldPath::new("spec.externalTrafficPolicy");
    let is_written = (document.place(&policy)).is_some_and(|place| place.is_exact);
    let field = if is_written {
        policy.as_str()
    } else {
        "spec.type"
    };
    let evidence = Evidence {
        text: format!(
            "{client} asks {}, and {} sees {}.",
            journey.request.to, served.address, served.sees
        ),
        request: Some(journey.request.clone()),
    };
    let found = exam.find(
        "client-address-hidden",
        Severity::Note,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = Some(evidence);
    found.fix = fix;
}
