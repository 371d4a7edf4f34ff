//! Each provider's load balancer on the wires: how a packet comes in, who answers whom, what a health
//! check has noticed and what not yet.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::Command;
use lobby_engine::controllers::load_balancer::Provider;
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::manifest;
use lobby_engine::net::Protocol;
use lobby_engine::network::{Change, Hop, Journey, Location, Request, Step, VerdictKind};

/// Two Pods on fixed Nodes, a client Pod, and a Service of type LoadBalancer with these fields.
fn manifests(spec: &str, annotations: &str) -> String {
    let pod = |name: &str, node: &str, app: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {app}}}}}\n\
             spec:\n  nodeName: {node}\n  containers: [{{name: c, image: web, ports: [{{containerPort: 8080}}]}}]\n"
        )
    };
    format!(
        "{}{}{}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, annotations: {{{annotations}}}}}\n\
         spec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080, nodePort: 30080}}]{}{spec}}}\n",
        pod("web-1", "node-1", "web"),
        pod("web-2", "node-2", "web"),
        pod("client", "node-3", "client"),
        if spec.is_empty() { "" } else { ", " }
    )
}

fn lab_with(provider: Provider, spec: &str, annotations: &str) -> Lab {
    let mut lab = Lab::new(Settings {
        provider,
        ..Settings::default()
    });
    let outcome = lab.open(&manifests(spec, annotations));
    assert_eq!(outcome.diagnostics, []);
    lab
}

fn lab(provider: Provider, spec: &str) -> Lab {
    lab_with(provider, spec, "")
}

/// Where clients find the load balancer.
fn front(lab: &Lab) -> String {
    let service = lab.world().store.service("default", "web").unwrap();
    let ingress = &service.status.load_balancer.ingress[0];
    if ingress.ip.is_empty() {
        ingress.hostname.clone()
    } else {
        ingress.ip.clone()
    }
}

fn send(lab: &mut Lab, from: &str) -> Journey {
    let to = format!("http://{}", front(lab));
    lab.send(&Request {
        from: from.into(),
        to,
        protocol: Protocol::Tcp,
    })
    .unwrap()
}

fn steps(journey: &Journey) -> Vec<Step> {
    journey.hops.iter().map(|hop| hop.step).collect()
}

fn balance(journey: &Journey) -> Option<&Hop> {
    journey.hops.iter().find(|hop| hop.step == Step::Balance)
}

fn enters(journey: &Journey) -> Option<String> {
    let hop = journey.hops.iter().find(|hop| hop.step == Step::Enter)?;
    match &hop.at {
        Location::Node { name } => Some(name.clone()),
        _ => None,
    }
}

fn sees(journey: &Journey) -> String {
    journey.served.as_ref().unwrap().sees.to_string()
}

fn why(journey: &Journey) -> String {
    journey.verdict.why.cluster.text()
}

fn pod(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::Pod, "default", name)
}

const INTERNET: &str = "external/internet";
const CLIENT: &str = "203.0.113.50";

#[test]
fn with_metallb_one_node_answers_for_the_address() {
    let mut lab = lab(Provider::MetalLb, "");
    let journey = send(&mut lab, "external/laptop");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert_eq!(balance(&journey), None, "no host stands in between");
    let first = enters(&journey).unwrap();
    // Whatever the connection, it is the same Node: ARP knows one answer.
    for _ in 0..8 {
        assert_eq!(enters(&send(&mut lab, INTERNET)).unwrap(), first);
    }
    // It is off: for some seconds packets go on being sent to it, then another one announces.
    let off = Command::SetRunning {
        node: first.clone(),
        running: false,
    };
    lab.execute(&off).unwrap();
    assert_eq!(
        send(&mut lab, INTERNET).verdict.kind,
        VerdictKind::Unreachable
    );
    lab.advance(12_000);
    let next = enters(&send(&mut lab, INTERNET)).unwrap();
    assert_ne!(next, first);
}

#[test]
fn metallb_announces_where_an_endpoint_serves_and_nowhere_without_one() {
    let mut lab = lab(Provider::MetalLb, "externalTrafficPolicy: Local");
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert_eq!(sees(&journey), CLIENT, "Local keeps the client's address");
    let announces = enters(&journey).unwrap();
    assert!(["node-1", "node-2"].contains(&announces.as_str()));
    for name in ["web-1", "web-2"] {
        lab.set_ready(&pod(name), false);
    }
    let journey = send(&mut lab, "external/laptop");
    assert_eq!(journey.verdict.kind, VerdictKind::Unreachable, "{journey}");
    let cause = journey.verdict.cause.clone().unwrap().origin.unwrap();
    assert_eq!(cause.object.name, "web");
    assert!(why(&journey).contains("answers ARP"), "{journey}");
}

#[test]
fn google_clouds_passes_packets_through_and_the_node_answers_itself() {
    let mut lab = lab(Provider::Gcp, "");
    let address = front(&lab);
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    let hop = balance(&journey).unwrap();
    assert_eq!(
        (hop.before.dst, hop.after.dst),
        (hop.after.dst, hop.before.dst)
    );
    assert!(hop.changes.is_empty());
    let enter = journey
        .hops
        .iter()
        .find(|hop| hop.step == Step::Enter)
        .unwrap();
    assert_eq!(
        enter.before.dst.to_string(),
        address,
        "the Node sees the VIP"
    );
    // Direct server return: no load balancer on the way back.
    let back: Vec<Step> = (journey.hops.iter())
        .filter(|hop| hop.direction == lobby_engine::network::Direction::Reply)
        .map(|hop| hop.step)
        .collect();
    assert_eq!(back, [Step::Unnat, Step::Reply]);
    // All Nodes get their share.
    let mut seen: Vec<String> = (0..40)
        .filter_map(|_| enters(&send(&mut lab, INTERNET)))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["node-1", "node-2", "node-3"]);
}

#[test]
fn azures_passes_through_too_and_keeps_the_client_with_local() {
    let mut lab = lab(Provider::Azure, "externalTrafficPolicy: Local");
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert_eq!(sees(&journey), CLIENT);
}

#[test]
fn awss_rewrites_the_destination_and_the_answer_comes_back_through_it() {
    let mut lab = lab(Provider::Aws, "");
    assert!(front(&lab).ends_with(".elb.eu-central-1.amazonaws.com"));
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    let hop = balance(&journey).unwrap();
    assert_eq!(hop.changes, [Change::Dnat]);
    assert_eq!(hop.after.transport.dport(), Some(30_080));
    assert_eq!(
        hop.after.src.to_string(),
        CLIENT,
        "instance targets see the client"
    );
    let back = journey
        .hops
        .iter()
        .rfind(|hop| hop.step == Step::Unnat)
        .unwrap();
    assert!(matches!(back.at, Location::Balancer { .. }), "{journey}");
    assert_eq!(back.after.src, hop.before.dst);
    // A client on the Nodes' own network, too: the provider's network brings the answer back.
    let near = send(&mut lab, "external/laptop");
    assert_eq!(near.verdict.kind, VerdictKind::Answered, "{near}");
}

#[test]
fn awss_with_ip_targets_goes_past_kube_proxy_and_hides_the_client() {
    let annotation = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip";
    let mut lab = lab_with(Provider::Aws, "", annotation);
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert!(
        !steps(&journey).contains(&Step::Nat)
            || journey
                .hops
                .iter()
                .all(|hop| { hop.step != Step::Nat || hop.changes.is_empty() }),
        "{journey}"
    );
    assert_eq!(sees(&journey), "192.168.10.240", "{journey}");
}

#[test]
fn a_proxy_opens_a_connection_of_its_own() {
    let mut lab = lab(Provider::Kind, "externalTrafficPolicy: Local");
    let address = front(&lab);
    let journey = send(&mut lab, "external/laptop");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert_eq!(
        sees(&journey),
        address,
        "Local cannot keep what the proxy hid"
    );
    // From inside it is the same way: kube-proxy has no rules for such an address.
    let inside = send(&mut lab, "pod/default/client");
    assert_eq!(inside.verdict.kind, VerdictKind::Answered, "{inside}");
    assert!(balance(&inside).is_some(), "{inside}");
}

#[test]
fn from_inside_a_vip_is_short_cut_and_a_name_is_not() {
    let mut vip = lab(Provider::Gcp, "");
    let journey = send(&mut vip, "pod/default/client");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
    assert_eq!(balance(&journey), None, "its own Node knows the address");
    let mut name = lab(Provider::Aws, "");
    let journey = send(&mut name, "pod/default/client");
    assert!(balance(&journey).is_some(), "{journey}");
}

#[test]
fn a_target_of_a_translating_load_balancer_cannot_reach_itself() {
    let mut lab = lab(Provider::Aws, "externalTrafficPolicy: Local");
    // The client's address is kept, so its own Node answers it past the load balancer.
    let outcomes: Vec<(String, VerdictKind)> = (0..12)
        .map(|_| {
            let journey = send(&mut lab, "node/node-1");
            (enters(&journey).unwrap_or_default(), journey.verdict.kind)
        })
        .collect();
    assert!(
        outcomes
            .iter()
            .any(|(_, kind)| *kind != VerdictKind::Answered)
    );
    assert!(
        outcomes
            .iter()
            .any(|(_, kind)| *kind == VerdictKind::Answered)
    );
}

#[test]
fn nodes_without_an_endpoint_get_nothing_once_the_health_check_has_noticed() {
    let mut lab = lab(Provider::Gcp, "externalTrafficPolicy: Local");
    for _ in 0..20 {
        let journey = send(&mut lab, INTERNET);
        assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
        assert_ne!(enters(&journey).unwrap(), "node-3", "it has no endpoint");
    }
    // web-2 is not ready any more, and the rules follow; the health check does not yet know.
    lab.execute(&Command::SetReady {
        pod: pod("web-2"),
        ready: Some(false),
    })
    .unwrap();
    lab.advance(3_000);
    let mut kinds: Vec<(String, VerdictKind)> = Vec::new();
    for _ in 0..12 {
        let journey = send(&mut lab, INTERNET);
        kinds.push((enters(&journey).unwrap_or_default(), journey.verdict.kind));
    }
    let lost = kinds.iter().filter(|(node, _)| node == "node-2");
    assert!(lost.clone().count() > 0, "{kinds:?}");
    assert!(
        lost.clone().all(|(_, kind)| *kind == VerdictKind::TimedOut),
        "{kinds:?}"
    );
    lab.advance(24_000);
    for _ in 0..12 {
        let journey = send(&mut lab, INTERNET);
        assert_eq!(enters(&journey).unwrap(), "node-1", "{journey}");
    }
}

#[test]
fn without_a_healthy_target_azure_drops_and_the_cause_is_the_policy() {
    let mut lab = lab(Provider::Azure, "externalTrafficPolicy: Local");
    for name in ["web-1", "web-2"] {
        lab.set_ready(&pod(name), false);
    }
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut, "{journey}");
    assert!(matches!(
        journey.hops.last().unwrap().at,
        Location::Balancer { .. }
    ));
    let origin = journey.verdict.cause.clone().unwrap().origin.unwrap();
    assert_eq!(origin.field.as_str(), "spec.externalTrafficPolicy");
    assert!(why(&journey).contains("no healthy target"), "{journey}");
}

#[test]
fn source_ranges_are_kept_by_the_provider_or_by_kube_proxy() {
    for provider in [
        Provider::Gcp,
        Provider::Aws,
        Provider::Kind,
        Provider::MetalLb,
    ] {
        let mut lab = lab(provider, "loadBalancerSourceRanges: [192.168.10.0/24]");
        let near = send(&mut lab, "external/laptop");
        assert_eq!(
            near.verdict.kind,
            VerdictKind::Answered,
            "{provider}: {near}"
        );
        let far = send(&mut lab, INTERNET);
        assert_eq!(far.verdict.kind, VerdictKind::TimedOut, "{provider}: {far}");
        let cause = far.verdict.cause.clone().unwrap();
        // MetalLB has no firewall: it is kube-proxy's rule.
        assert_eq!(
            cause.rule.is_some(),
            provider == Provider::MetalLb,
            "{provider}"
        );
        if provider != Provider::MetalLb {
            let field = cause.origin.unwrap().field;
            assert_eq!(field.as_str(), "spec.loadBalancerSourceRanges");
        }
    }
}

#[test]
fn a_load_balancer_that_is_being_provisioned_has_a_name_and_carries_nothing() {
    let mut lab = lab(Provider::Aws, "");
    let target = ObjectRef::new(Kind::Service, "default", "web");
    lab.execute(&Command::Delete {
        target,
        grace_seconds: None,
    })
    .unwrap();
    lab.execute(&Command::Settle).unwrap();
    let reading = manifest::read(&manifests("", ""));
    let service = reading.documents.last().unwrap();
    lab.execute(&Command::Create(service.tree.clone())).unwrap();
    let pending = lab.world().store.service("default", "web").unwrap();
    assert!(pending.status.load_balancer.ingress.is_empty());
    lab.advance(10_000);
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut, "{journey}");
    assert!(why(&journey).contains("being provisioned"), "{journey}");
    lab.advance(150_000);
    let journey = send(&mut lab, INTERNET);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{journey}");
}

#[test]
fn a_client_with_affinity_comes_to_the_same_node_again() {
    let mut lab = lab(Provider::Gcp, "sessionAffinity: ClientIP");
    let first = enters(&send(&mut lab, INTERNET)).unwrap();
    for _ in 0..8 {
        assert_eq!(enters(&send(&mut lab, INTERNET)).unwrap(), first);
    }
}

#[test]
fn many_requests_are_held_against_what_balancer_and_rules_promise() {
    let mut lab = lab(Provider::Gcp, "");
    let request = Request {
        from: INTERNET.into(),
        to: format!("http://{}", front(&lab)),
        protocol: Protocol::Tcp,
    };
    let tally = lab.send_many(&request, 600).unwrap();
    assert_eq!(tally.shares.len(), 2, "{tally}");
    assert_eq!(tally.fit.agrees, Some(true), "{tally}");
    assert_eq!(
        tally.shares[0].expected_thousandths,
        Some(300_000),
        "{tally}"
    );
}
