//! In which order names are spelled, what ends a search, and what a Pod sees of a broken cluster.

use proptest::prelude::*;

use super::*;
use crate::api::Object;
use crate::dns::{CoreDns, Corefile, Upstream};

const CLUSTER: &str = "
kind: Namespace
metadata: {name: default}
---
kind: Namespace
metadata: {name: shop}
---
kind: Namespace
metadata: {name: com}
---
kind: Service
metadata: {name: backend, namespace: default}
spec: {clusterIP: 10.96.0.5, ports: [{port: 80}]}
---
kind: Service
metadata: {name: shadow, namespace: com}
spec: {clusterIP: 10.96.0.6, ports: [{port: 80}]}
---
kind: Service
metadata: {name: both, namespace: default}
spec: {clusterIPs: [10.96.0.7, 'fd00::7'], ports: [{port: 80}]}
---
kind: Service
metadata: {name: far, namespace: default}
spec: {type: ExternalName, externalName: cdn.example}
---
kind: Service
metadata: {name: lost, namespace: default}
spec: {type: ExternalName, externalName: nobody.example}
";

fn coredns() -> CoreDns {
    let objects: Vec<Object> = serde_yaml::Deserializer::from_str(CLUSTER)
        .map(|document| {
            let value: serde_yaml::Value = Deserialize::deserialize(document).unwrap();
            match value["kind"].as_str().unwrap() {
                "Namespace" => Object::Namespace(serde_yaml::from_value(value).unwrap()),
                _ => Object::Service(serde_yaml::from_value(value).unwrap()),
            }
        })
        .collect();
    let upstream = [
        "example.com. 60 IN A 192.0.2.1",
        "shadow.com. 60 IN A 192.0.2.2",
        "cdn.example. 60 IN CNAME edge.example.",
        "edge.example. 60 IN A 192.0.2.3",
    ];
    let upstream = Upstream::new(upstream.iter().map(|line| line.parse().unwrap()));
    CoreDns::new(Corefile::kubeadm(), &objects, &[], upstream)
}

fn pod(namespace: &str, libc: Libc) -> Resolver {
    let text = format!(
        "metadata: {{name: client, namespace: {namespace}}}\nstatus: {{podIP: 10.244.1.9}}"
    );
    let pod: Pod = serde_yaml::from_str(&text).unwrap();
    let node = Resolver::of_machine(
        "node-1",
        &["192.168.10.11".parse().unwrap()],
        ResolvConf::read("nameserver 192.168.10.1\n").0,
    );
    let cluster = ClusterDns {
        addresses: vec!["10.96.0.10".parse().unwrap()],
        domain: Name::parse("cluster.local").unwrap(),
    };
    let (resolver, diagnostics) = Resolver::of_pod(&pod, &node, &cluster);
    assert_eq!(diagnostics, []);
    Resolver { libc, ..resolver }
}

fn resolve(resolver: &Resolver, name: &str) -> Resolution {
    let server = coredns();
    resolver.resolve(name, &mut |_, question| {
        Reply::Answered(server.answer(question))
    })
}

/// The spellings that were asked for, without `.cluster.local`, and the addresses.
fn spellings(namespace: &str, libc: Libc, name: &str) -> (Vec<String>, Vec<String>) {
    let resolution = resolve(&pod(namespace, libc), name);
    let asked = resolution
        .attempts
        .iter()
        .filter(|attempt| attempt.question.record_type == RecordType::A)
        .map(|attempt| {
            let name = attempt.question.name.as_str();
            let short = name.strip_suffix("cluster.local.");
            short.map_or_else(|| name.to_owned(), |short| format!("{short}*"))
        })
        .collect();
    let addresses = resolution.addresses.iter().map(ToString::to_string);
    (asked, addresses.collect())
}

#[test]
fn short_names_are_spelled_out_in_order() {
    let list = |name: &str| -> Vec<String> {
        ["default.svc.*", "svc.*", "*"]
            .iter()
            .map(|domain| format!("{name}.{domain}"))
            .collect()
    };
    for (name, asked, found) in [
        ("backend", 1, true),
        ("backend.default", 2, true),
        ("backend.default.svc", 3, true),
    ] {
        let (spellings, addresses) = spellings("default", Libc::Glibc, name);
        assert_eq!(spellings, list(name)[..asked], "{name}");
        assert_eq!(!addresses.is_empty(), found, "{name}");
    }
    let mut all = list("backend.default.svc.cluster.local");
    all.push("backend.default.svc.*".to_owned());
    let (asked, addresses) = spellings("default", Libc::Glibc, "backend.default.svc.cluster.local");
    assert_eq!(asked, all);
    assert_eq!(addresses, ["10.96.0.5"]);
    let with_dot = spellings("default", Libc::Glibc, "backend.default.svc.cluster.local.");
    assert_eq!(with_dot.0, ["backend.default.svc.*"]);
    assert_eq!(with_dot.1, ["10.96.0.5"]);

    let (asked, addresses) = spellings("default", Libc::Glibc, "example.com");
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[3], "example.com.");
    assert_eq!(addresses, ["192.0.2.1"]);
    assert_eq!(
        spellings("default", Libc::Glibc, "example.com.").0,
        ["example.com."]
    );
}

#[test]
fn from_another_namespace_a_bare_name_is_not_found() {
    let resolution = resolve(&pod("shop", Libc::Glibc), "backend");
    let asked: Vec<String> = resolution
        .attempts
        .iter()
        .map(|attempt| attempt.question.to_string())
        .collect();
    assert_eq!(
        asked,
        [
            "backend.shop.svc.cluster.local. A",
            "backend.shop.svc.cluster.local. AAAA",
            "backend.svc.cluster.local. A",
            "backend.svc.cluster.local. AAAA",
            "backend.cluster.local. A",
            "backend.cluster.local. AAAA",
            "backend. A",
            "backend. AAAA",
        ]
    );
    assert_eq!(resolution.attempts[7].spelling, 4);
    assert_eq!(resolution.verdict.kind, ResolutionKind::NoSuchName);
    assert_eq!(resolution.verdict.message, "Name or service not known");
    assert_eq!(
        resolution.verdict.why.cluster.text(),
        "None of 4 spellings exists. The first one, backend.shop.svc.cluster.local.: \
         Namespace shop has no Service backend."
    );
    assert_eq!(
        resolve(&pod("shop", Libc::Glibc), "backend.default").addresses,
        ["10.96.0.5".parse::<IpAddr>().unwrap()]
    );
}

#[test]
fn a_service_can_stand_before_a_name_outside() {
    for libc in [Libc::Glibc, Libc::Musl] {
        let (asked, addresses) = spellings("default", libc, "shadow.com");
        assert_eq!(asked.last().unwrap(), "shadow.com.svc.*");
        assert_eq!(addresses, ["10.96.0.6"]);
        assert_eq!(spellings("default", libc, "shadow.com.").1, ["192.0.2.2"]);
    }
}

#[test]
fn aliases_are_followed_by_the_server() {
    let resolution = resolve(&pod("default", Libc::Glibc), "far");
    assert_eq!(resolution.canonical_name.as_deref(), Some("edge.example"));
    assert_eq!(
        resolution.addresses,
        ["192.0.2.3".parse::<IpAddr>().unwrap()]
    );
    // An alias without an address ends the search, whatever the list still holds.
    let lost = resolve(&pod("default", Libc::Glibc), "lost");
    assert_eq!(lost.attempts.len(), 2);
    assert_eq!(lost.verdict.kind, ResolutionKind::NoSuchName);
    assert!(lost.verdict.why.cluster.text().contains("nobody.example."));
    let lost = resolve(&pod("default", Libc::Musl), "lost");
    assert_eq!(lost.verdict.kind, ResolutionKind::NoAddress);
}

#[test]
fn no_data_stops_musl_and_not_glibc() {
    // `default.svc.cluster.local.` is a branch of the zone: it exists, without addresses.
    let glibc = resolve(&pod("shop", Libc::Glibc), "default");
    assert_eq!(glibc.verdict.kind, ResolutionKind::NoAddress);
    assert_eq!(glibc.attempts.len(), 8);
    let musl = resolve(&pod("shop", Libc::Musl), "default");
    assert_eq!(musl.verdict.kind, ResolutionKind::NoAddress);
    assert_eq!(musl.verdict.message, "Name has no usable address");
    assert_eq!(musl.attempts.len(), 4);
}

#[test]
fn enough_dots_leave_musl_without_the_list() {
    let mut glibc = pod("default", Libc::Glibc);
    glibc.conf.options = vec![crate::dns::ResolverOption::new("ndots:1")];
    let musl = Resolver {
        libc: Libc::Musl,
        ..glibc.clone()
    };
    let glibc = resolve(&glibc, "backend.default");
    let asked: Vec<_> = glibc
        .attempts
        .iter()
        .map(|attempt| attempt.question.name.as_str())
        .collect();
    assert_eq!(asked[0], "backend.default.");
    assert_eq!(glibc.addresses.len(), 1);
    let musl = resolve(&musl, "backend.default");
    assert_eq!(musl.attempts.len(), 2);
    assert_eq!(musl.verdict.kind, ResolutionKind::NoSuchName);
}

#[test]
fn a_broken_kube_dns_breaks_names() {
    let glibc = pod("default", Libc::Glibc);
    let silent = glibc.resolve("backend", &mut |_, _| Reply::TimedOut);
    assert_eq!(silent.verdict.kind, ResolutionKind::TryAgain);
    assert_eq!(
        silent.verdict.message,
        "Temporary failure in name resolution"
    );
    // One spelling of the list, then the bare name; each is asked twice, for 5 seconds.
    assert_eq!(silent.attempts.len(), 8);
    assert_eq!(silent.waited_seconds, 20);
    // Without endpoints kube-proxy refuses, and nothing has to be waited for.
    let refused = glibc.resolve("backend", &mut |_, _| Reply::Refused);
    assert_eq!(refused.verdict.kind, ResolutionKind::TryAgain);
    assert_eq!(refused.waited_seconds, 0);
    assert_eq!(refused.attempts.len(), 4);
    assert!(
        refused
            .verdict
            .why
            .cluster
            .text()
            .contains("10.96.0.10:53 refused")
    );
    // A server that fails is asked about every spelling.
    let fails = Answer::empty(Rcode::ServFail, crate::dns::Reason::NotForwarded);
    let failed = glibc.resolve("backend", &mut |_, _| Reply::Answered(fails.clone()));
    assert_eq!(failed.verdict.kind, ResolutionKind::TryAgain);
    assert_eq!(failed.attempts.len(), 16);

    let musl = pod("default", Libc::Musl);
    let silent = musl.resolve("backend", &mut |_, _| Reply::TimedOut);
    assert_eq!(silent.attempts.len(), 4);
    assert_eq!(
        (silent.waited_seconds, silent.verdict.message.as_str()),
        (5, "Try again")
    );
}

#[test]
fn the_next_server_is_asked_where_one_fails() {
    let server = coredns();
    let bad: IpAddr = "10.96.0.10".parse().unwrap();
    let good: IpAddr = "10.96.0.11".parse().unwrap();
    for (libc, questions) in [(Libc::Glibc, 4), (Libc::Musl, 4)] {
        let mut resolver = pod("default", libc);
        resolver.conf.nameservers = vec![bad, good];
        let resolution = resolver.resolve("backend", &mut |to, question| {
            if to == good {
                Reply::Answered(server.answer(question))
            } else {
                Reply::Answered(Answer::empty(Rcode::Refused, crate::dns::Reason::NotServed))
            }
        });
        assert_eq!(resolution.verdict.kind, ResolutionKind::Found, "{libc:?}");
        assert_eq!(resolution.attempts.len(), questions, "{libc:?}");
        assert_eq!(resolution.attempts.last().unwrap().server, good);
    }
}

#[test]
fn what_needs_no_server_asks_none() {
    let resolver = pod("default", Libc::Glibc);
    let mut never = |_: IpAddr, _: &Question| -> Reply { panic!("nothing is to be asked") };
    let literal = resolver.resolve("10.96.0.5", &mut never);
    assert_eq!(literal.source, Source::Literal);
    let own = resolver.resolve("client", &mut never);
    assert_eq!(own.source, Source::Hosts);
    assert_eq!(own.addresses, ["10.244.1.9".parse::<IpAddr>().unwrap()]);
    for name in ["", "a..b", "..", &"x".repeat(300)] {
        for libc in [Libc::Glibc, Libc::Musl] {
            let resolver = pod("default", libc);
            let resolution = resolver.resolve(name, &mut never);
            assert_eq!(
                resolution.verdict.kind,
                ResolutionKind::NoSuchName,
                "{name}"
            );
        }
    }
}

#[test]
fn families_and_prefixes_put_addresses_in_order() {
    let order = |libc, families: &[IpFamily]| {
        let resolver = Resolver {
            families: families.to_vec(),
            ..pod("default", libc)
        };
        let resolution = resolve(&resolver, "both");
        resolution.addresses[0].to_string()
    };
    let dual = [IpFamily::IPv4, IpFamily::IPv6];
    assert_eq!(order(Libc::Glibc, &[IpFamily::IPv4]), "10.96.0.7");
    assert_eq!(order(Libc::Glibc, &dual), "fd00::7");
    // Unique local addresses come last in the newer table.
    assert_eq!(order(Libc::Musl, &dual), "10.96.0.7");
    assert_eq!(order(Libc::Musl, &[IpFamily::IPv6]), "fd00::7");
}

#[test]
fn a_node_does_not_ask_cluster_dns() {
    let node = Resolver::of_machine(
        "node-1",
        &["192.168.10.11".parse().unwrap()],
        ResolvConf::read("nameserver 192.168.10.1\n").0,
    );
    let mut servers = Vec::new();
    let upstream = Upstream::new(["example.com. 60 IN A 192.0.2.1".parse().unwrap()]);
    let mut ask = |server: IpAddr, question: &Question| {
        servers.push(server.to_string());
        Reply::Answered(upstream.answer(question))
    };
    assert_eq!(node.resolve("example.com", &mut ask).addresses.len(), 1);
    let service = node.resolve("backend.default.svc.cluster.local", &mut ask);
    assert_eq!(service.verdict.kind, ResolutionKind::NoSuchName);
    assert!(servers.iter().all(|server| server == "192.168.10.1"));
}

#[test]
fn musl_skips_a_search_line_that_is_too_long() {
    let mut resolver = pod("default", Libc::Musl);
    resolver.conf.search.push("x".repeat(200));
    let (long, glibc) = (
        resolve(&resolver, "backend"),
        resolve(
            &Resolver {
                libc: Libc::Glibc,
                ..resolver.clone()
            },
            "backend",
        ),
    );
    assert_eq!(long.verdict.kind, ResolutionKind::NoSuchName);
    assert_eq!(glibc.verdict.kind, ResolutionKind::Found);
}

proptest! {
    #[test]
    fn any_name_is_resolved(name in "\\PC{0,40}", musl in any::<bool>(), code in 0..8_u8) {
        let libc = if musl { Libc::Musl } else { Libc::Glibc };
        let server = coredns();
        let mut count = 0_u8;
        let resolution = pod("default", libc).resolve(&name, &mut |_, question| {
            count = count.wrapping_add(1);
            match code {
                0 => Reply::TimedOut,
                1 => Reply::Refused,
                _ if count.is_multiple_of(code) => Reply::TimedOut,
                _ => Reply::Answered(server.answer(question)),
            }
        });
        let found = resolution.verdict.kind == ResolutionKind::Found;
        prop_assert_eq!(found, !resolution.addresses.is_empty());
        prop_assert_eq!(found, resolution.verdict.message.is_empty());
        prop_assert!(!resolution.verdict.why.hotel.text().is_empty());
        for (place, attempt) in resolution.attempts.iter().enumerate() {
            prop_assert_eq!(attempt.number, number(place));
        }
    }
}
