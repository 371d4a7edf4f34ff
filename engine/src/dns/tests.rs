//! What CoreDNS answers under settings and for objects that are seldom met.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::api::Object;

const CLUSTER: &str = "
kind: Namespace
metadata: {name: shop}
---
kind: Namespace
metadata: {name: lab, labels: {team: red}}
---
kind: Service
metadata: {name: web, namespace: shop, labels: {public: 'yes'}}
spec:
  clusterIP: 10.96.0.7
  ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]
---
kind: Service
metadata: {name: idle, namespace: shop}
spec:
  clusterIP: 10.96.0.8
  ports: [{port: 80}]
---
kind: Service
metadata: {name: db, namespace: shop}
spec:
  clusterIP: None
  ports: [{name: pg, port: 5432}]
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.244.1.5], targetRef: {kind: Pod, name: web-x1, namespace: shop}}
---
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
ports: [{name: pg, port: 5432}]
endpoints:
- {addresses: [10.244.1.6], hostname: db-0, targetRef: {kind: Pod, name: db-0-pod}}
- {addresses: [10.244.1.7], targetRef: {kind: Pod, name: db-x2}}
- {addresses: [10.244.1.8], conditions: {ready: false}}
---
kind: Service
metadata: {name: far, namespace: shop}
spec: {type: ExternalName, externalName: far.example}
";

fn objects(text: &str) -> Vec<Object> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| {
            let value: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
            match value["kind"].as_str().unwrap() {
                "Namespace" => Object::Namespace(serde_yaml::from_value(value).unwrap()),
                "Service" => Object::Service(serde_yaml::from_value(value).unwrap()),
                "EndpointSlice" => Object::EndpointSlice(serde_yaml::from_value(value).unwrap()),
                "Pod" => Object::Pod(serde_yaml::from_value(value).unwrap()),
                other => panic!("{other}"),
            }
        })
        .collect()
}

/// CoreDNS with a Corefile, over [`CLUSTER`] and more objects.
fn server(corefile: &str, more: &str) -> CoreDns {
    let (corefile, diagnostics) = Corefile::read(corefile);
    assert_eq!(diagnostics, []);
    let objects = objects(&format!("{CLUSTER}{more}"));
    let own: [IpAddr; 1] = ["10.244.0.2".parse().unwrap()];
    let upstream = [
        "far.example. 300 IN A 192.0.2.1",
        "b.test. 60 IN A 192.0.2.2",
    ];
    let upstream = Upstream::new(upstream.iter().map(|line| line.parse().unwrap()));
    CoreDns::new(corefile, &objects, &own, upstream)
}

/// CoreDNS with options of the `kubernetes` plugin.
fn with(options: &str) -> CoreDns {
    let corefile = format!(
        ".:53 {{\n kubernetes cluster.local in-addr.arpa {{\n {options}\n }}\n forward . 1.1.1.1\n}}"
    );
    server(&corefile, "")
}

/// Response code, then the answer section; of a "no", the SOA's name and TTLs.
fn ask(server: &CoreDns, name: &str, record_type: RecordType) -> String {
    let answer = server.answer(&Question::new(Name::parse(name).unwrap(), record_type));
    let mut lines = vec![answer.rcode.to_string()];
    for record in &answer.answer {
        lines.push(format!("{} {} {}", record.name, record.ttl, record.data));
    }
    for record in &answer.authority {
        if let RecordData::Soa { minimum, .. } = &record.data {
            lines.push(format!("{} {} {minimum}", record.name, record.ttl));
        }
    }
    lines.join(" | ")
}

fn reason(server: &CoreDns, name: &str) -> Reason {
    let question = Question::new(Name::parse(name).unwrap(), RecordType::A);
    server.answer(&question).reason
}

#[test]
fn without_a_ttl_line_it_is_five_seconds() {
    let server = with("pods insecure");
    assert_eq!(
        ask(&server, "web.shop.svc.cluster.local", RecordType::A),
        "NOERROR | web.shop.svc.cluster.local. 5 10.96.0.7"
    );
    assert_eq!(
        ask(&server, "no.shop.svc.Cluster.Local", RecordType::A),
        "NXDOMAIN | Cluster.Local. 5 5"
    );
    // An SOA is never kept longer than five minutes, what it says may be more.
    assert_eq!(
        ask(&with("ttl 600"), "no.shop.svc.cluster.local", RecordType::A),
        "NXDOMAIN | cluster.local. 300 600"
    );
}

#[test]
fn without_fallthrough_an_unknown_address_is_denied_here() {
    assert_eq!(
        ask(&with(""), "1.1.1.1.in-addr.arpa", RecordType::PTR),
        "NXDOMAIN | in-addr.arpa. 5 5"
    );
    assert_eq!(
        ask(
            &with("fallthrough in-addr.arpa"),
            "1.1.1.1.in-addr.arpa",
            RecordType::PTR
        ),
        "NXDOMAIN"
    );
    // Without zones everything falls through, and what falls through may be known outside.
    assert_eq!(
        ask(&with("fallthrough"), "no.cluster.local", RecordType::A),
        "NXDOMAIN"
    );
}

#[test]
fn endpoints_may_be_called_after_their_pods() {
    let plain = with("");
    let named = with("endpoint_pod_names");
    let a = |server: &CoreDns, name: &str| {
        ask(server, &format!("{name}.svc.cluster.local"), RecordType::A)
    };
    assert!(a(&plain, "10-244-1-7.db.shop").starts_with("NOERROR | "));
    assert!(a(&plain, "db-x2.db.shop").starts_with("NXDOMAIN"));
    assert!(a(&named, "10-244-1-7.db.shop").starts_with("NXDOMAIN"));
    assert!(a(&named, "db-x2.db.shop").starts_with("NOERROR | "));
    // A hostname goes before the Pod's name.
    assert!(a(&named, "db-0.db.shop").starts_with("NOERROR | "));
    assert!(a(&named, "db-0-pod.db.shop").starts_with("NXDOMAIN"));
    assert_eq!(
        ask(&named, "7.1.244.10.in-addr.arpa", RecordType::PTR),
        "NOERROR | 7.1.244.10.in-addr.arpa. 5 db-x2.db.shop.svc.cluster.local."
    );
}

#[test]
fn names_of_pods_are_off_unless_asked_for() {
    let server = with("");
    assert_eq!(
        ask(&server, "10-1-2-3.shop.pod.cluster.local", RecordType::A),
        "NXDOMAIN | cluster.local. 5 5"
    );
    assert_eq!(
        reason(&server, "10-1-2-3.shop.pod.cluster.local"),
        Reason::PodsDisabled
    );
    assert!(ask(&server, "shop.pod.cluster.local", RecordType::A).starts_with("NXDOMAIN"));
    assert!(ask(&server, "pod.cluster.local", RecordType::A).starts_with("NOERROR"));
}

#[test]
fn the_cluster_may_have_another_zone() {
    let server = server(".:53 {\n kubernetes k8s.example.org 10.96.0.0/16\n}", "");
    assert_eq!(
        ask(&server, "web.shop.svc.k8s.example.org", RecordType::A),
        "NOERROR | web.shop.svc.k8s.example.org. 5 10.96.0.7"
    );
    assert_eq!(
        ask(&server, "7.0.96.10.in-addr.arpa", RecordType::PTR),
        "NOERROR | 7.0.96.10.in-addr.arpa. 5 web.shop.svc.k8s.example.org."
    );
    // Nobody is left to answer for other names.
    assert_eq!(
        ask(&server, "web.shop.svc.cluster.local", RecordType::A),
        "SERVFAIL"
    );
    assert_eq!(
        ask(&server, "8.8.8.8.in-addr.arpa", RecordType::PTR),
        "SERVFAIL"
    );
}

#[test]
fn namespaces_and_services_can_be_kept_out() {
    let only = with("namespaces lab");
    assert_eq!(
        reason(&only, "web.shop.svc.cluster.local"),
        Reason::HiddenNamespace {
            namespace: "shop".into()
        }
    );
    assert!(ask(&only, "7.0.96.10.in-addr.arpa", RecordType::PTR).starts_with("NXDOMAIN"));
    assert!(ask(&only, "lab.svc.cluster.local", RecordType::A).starts_with("NOERROR"));

    let red = with("namespace_labels team=red");
    assert!(ask(&red, "web.shop.svc.cluster.local", RecordType::A).starts_with("NXDOMAIN"));
    // The labels of Namespaces are not looked at for addresses.
    assert!(ask(&red, "7.0.96.10.in-addr.arpa", RecordType::PTR).starts_with("NOERROR"));

    let public = with("labels public=yes");
    assert!(ask(&public, "web.shop.svc.cluster.local", RecordType::A).starts_with("NOERROR"));
    assert!(ask(&public, "idle.shop.svc.cluster.local", RecordType::A).starts_with("NXDOMAIN"));
}

#[test]
fn endpoints_may_be_left_out_or_be_needed() {
    let without = with("noendpoints");
    assert!(ask(&without, "db.shop.svc.cluster.local", RecordType::A).starts_with("NXDOMAIN"));
    assert!(ask(&without, "web.shop.svc.cluster.local", RecordType::A).starts_with("NOERROR"));
    let needed = with("ignore empty_service");
    assert!(ask(&needed, "web.shop.svc.cluster.local", RecordType::A).starts_with("NOERROR"));
    assert!(ask(&needed, "idle.shop.svc.cluster.local", RecordType::A).starts_with("NXDOMAIN"));
    assert!(ask(&needed, "far.shop.svc.cluster.local", RecordType::A).starts_with("NOERROR"));
}

#[test]
fn a_port_without_a_name_means_any_port() {
    let server = with("");
    assert_eq!(
        ask(
            &server,
            "_._udp.web.shop.svc.cluster.local",
            RecordType::SRV
        ),
        "NOERROR | _._udp.web.shop.svc.cluster.local. 5 0 100 53 web.shop.svc.cluster.local."
    );
}

#[test]
fn the_zones_own_records_go_by_the_letter_case_of_the_question() {
    let server = with("");
    let answered = "NOERROR | cluster.local. 5 ns.dns.cluster.local.";
    assert_eq!(ask(&server, "cluster.local", RecordType::NS), answered);
    // CoreDNS compares its texts here, so that another letter case is another name.
    assert_eq!(
        ask(&server, "Cluster.local", RecordType::NS),
        "NOERROR | Cluster.local. 5 5"
    );
    assert!(ask(&server, "ns.dns.cluster.local", RecordType::A).ends_with("10.244.0.2"));
    assert!(ask(&server, "ns.dns.Cluster.local", RecordType::A).starts_with("NXDOMAIN"));
    assert!(ask(&server, "Cluster.local", RecordType::SOA).contains("ns.dns.Cluster.local."));
    // An SOA of a name that does not exist is NODATA, not NXDOMAIN.
    assert!(ask(&server, "no.svc.cluster.local", RecordType::SOA).starts_with("NOERROR"));
    assert_eq!(ask(&server, "cluster.local", RecordType::AXFR), "REFUSED");
}

#[test]
fn a_cache_caps_every_ttl() {
    let server = server(
        ".:53 {\n cache 30 {\n denial 100 7\n }\n kubernetes cluster.local {\n ttl 3\n }\n forward . 1.1.1.1\n}",
        "",
    );
    assert!(ask(&server, "far.example", RecordType::A).contains("far.example. 30 "));
    // Below five seconds it is five, unless the Corefile says otherwise.
    assert!(ask(&server, "web.shop.svc.cluster.local", RecordType::A).contains(" 5 10.96"));
    assert!(
        ask(&server, "no.shop.svc.cluster.local", RecordType::A).contains("cluster.local. 5 3")
    );
    let alias = ask(&server, "far.shop.svc.cluster.local", RecordType::A);
    assert!(
        alias.contains("cluster.local. 5 far.example. | far.example. 5 192.0.2.1"),
        "{alias}"
    );
}

#[test]
fn the_longest_zone_has_the_question() {
    let server = server(
        "a.test {\n kubernetes\n}\ntest {\n forward . 1.1.1.1 {\n  except c.test\n }\n}\n",
        "",
    );
    assert!(ask(&server, "web.shop.svc.a.test", RecordType::A).starts_with("NOERROR | "));
    assert!(ask(&server, "b.test", RecordType::A).starts_with("NOERROR | "));
    assert_eq!(ask(&server, "c.test", RecordType::A), "SERVFAIL");
    assert_eq!(ask(&server, "a.example", RecordType::A), "REFUSED");
    // A key of a zone belongs to the zone above it.
    assert_eq!(
        ask(&server, "web.shop.svc.a.test", RecordType::DS),
        "NXDOMAIN"
    );
}

#[test]
fn an_external_name_that_is_no_name_is_survived() {
    // The API server refuses such names; whoever hands them in all the same gets an answer.
    for target in ["é.cluster....local", "a..b", "x\\\\", "", "é.other..local"] {
        let more = format!(
            "---\nkind: Service\nmetadata: {{name: odd, namespace: shop}}\n\
             spec: {{type: ExternalName, externalName: \"{target}\"}}\n"
        );
        let server = server(
            ".:53 {\n kubernetes cluster.local other.local\n forward . 1.1.1.1\n}",
            &more,
        );
        let name = Name::parse("odd.shop.svc.cluster.local").unwrap();
        let answer = server.answer(&Question::new(name, RecordType::A));
        assert!(
            answer.answer.is_empty() || target.is_empty(),
            "{target}: {answer:?}"
        );
    }
}

#[test]
fn chains_of_aliases_end() {
    let mut more = String::new();
    for number in 0..14 {
        let next = number + 1;
        more.push_str(&format!(
            "---\nkind: Service\nmetadata: {{name: c{number}, namespace: shop}}\n\
             spec: {{type: ExternalName, externalName: c{next}.shop.svc.cluster.local}}\n"
        ));
    }
    more.push_str(
        "---\nkind: Service\nmetadata: {name: c14, namespace: shop}\nspec: {clusterIP: 10.96.0.99}\n",
    );
    let corefile = ".:53 {\n kubernetes cluster.local other.local\n}";
    let server = server(corefile, &more);
    let count = |name: &str| {
        let name = Name::parse(&format!("{name}.shop.svc.cluster.local")).unwrap();
        let answer = server.answer(&Question::new(name, RecordType::A));
        (answer.rcode, answer.answer.len())
    };
    // Eleven CNAMEs are followed, the twelfth is not.
    assert_eq!(count("c3"), (Rcode::NoError, 12));
    assert_eq!(count("c2"), (Rcode::NoError, 0));
}

#[test]
fn a_circle_through_two_zones_ends() {
    let more = "---\nkind: Service\nmetadata: {name: a, namespace: shop}\n\
        spec: {type: ExternalName, externalName: b.shop.svc.other.local}\n\
        ---\nkind: Service\nmetadata: {name: b, namespace: shop}\n\
        spec: {type: ExternalName, externalName: a.shop.svc.cluster.local}\n";
    let server = server(".:53 {\n kubernetes cluster.local other.local\n}", more);
    let name = Name::parse("a.shop.svc.cluster.local").unwrap();
    let answer = server.answer(&Question::new(name, RecordType::A));
    assert!(answer.answer.len() <= 2 * crate::limits::MAX_DNS_LOOKUPS);
    assert!(matches!(answer.reason, Reason::AliasUnknownOutside { .. }));
}

#[test]
fn slices_of_names_lead_on_as_aliases() {
    let more = "---\nkind: Service\nmetadata: {name: named, namespace: shop}\n\
        spec: {clusterIP: None, ports: [{port: 80}]}\n\
        ---\nkind: EndpointSlice\naddressType: FQDN\n\
        metadata: {name: named-1, namespace: shop, labels: {kubernetes.io/service-name: named}}\n\
        ports: [{port: 80}]\nendpoints: [{addresses: [far.example]}]\n";
    let corefile = ".:53 {\n kubernetes cluster.local\n forward . 1.1.1.1\n}";
    let server = server(corefile, more);
    assert_eq!(
        ask(&server, "named.shop.svc.cluster.local", RecordType::A),
        "NOERROR | named.shop.svc.cluster.local. 5 far.example. | far.example. 300 192.0.2.1"
    );
    assert_eq!(
        ask(&server, "named.shop.svc.cluster.local", RecordType::SRV),
        "NOERROR | cluster.local. 5 5"
    );
}

#[test]
fn a_no_says_why() {
    let server = with("pods insecure");
    let (namespace, service) = ("shop".to_owned(), "web".to_owned());
    for (name, expected) in [
        (
            "web.nosuch.svc",
            Reason::NoSuchNamespace {
                namespace: "nosuch".into(),
            },
        ),
        (
            "no.shop.svc",
            Reason::NoSuchService {
                namespace: namespace.clone(),
                service: "no".into(),
            },
        ),
        (
            "_x._tcp.web.shop.svc",
            Reason::NoSuchPort {
                namespace: namespace.clone(),
                service: service.clone(),
                port: "x".into(),
                protocol: "tcp".into(),
            },
        ),
        (
            "x.web.shop.svc",
            Reason::NoSuchEndpoint {
                namespace: namespace.clone(),
                service,
                endpoint: "x".into(),
            },
        ),
        ("x.shop.pod", Reason::NotAPodAddress { label: "x".into() }),
        ("shop.svc", Reason::Branch),
        ("web.shop", Reason::NotAClusterName),
        ("web.shop.svc", Reason::Found),
        ("far.shop.svc", Reason::Found),
    ] {
        assert_eq!(
            reason(&server, &format!("{name}.cluster.local")),
            expected,
            "{name}"
        );
    }
    let more = "---\nkind: Service\nmetadata: {name: asleep, namespace: shop}\n\
        spec: {clusterIP: None, ports: [{port: 80}]}\n\
        ---\nkind: EndpointSlice\n\
        metadata: {name: asleep-1, namespace: shop, labels: {kubernetes.io/service-name: asleep}}\n\
        endpoints: [{addresses: [10.244.9.9], conditions: {ready: false}}]\n";
    let server = self::server(".:53 {\n kubernetes cluster.local\n}", more);
    assert_eq!(
        reason(&server, "asleep.shop.svc.cluster.local"),
        Reason::NoReadyEndpoints {
            namespace,
            service: "asleep".into(),
            not_ready: 1
        }
    );
}

#[test]
fn records_say_where_they_come_from() {
    let server = with("");
    let origin = |name: &str, record_type| {
        let name = Name::parse(&format!("{name}.shop.svc.cluster.local")).unwrap();
        let answer = server.answer(&Question::new(name, record_type));
        let origin = answer.answer[0].origin.clone().unwrap();
        format!("{}: {}", origin.object, origin.field)
    };
    assert_eq!(
        origin("web", RecordType::A),
        "Service shop/web: spec.clusterIP"
    );
    assert_eq!(
        origin("web", RecordType::SRV),
        "Service shop/web: spec.ports[0]"
    );
    assert_eq!(
        origin("db", RecordType::A),
        "EndpointSlice shop/db-1: endpoints[0].addresses[0]"
    );
    assert_eq!(
        origin("far", RecordType::A),
        "Service shop/far: spec.externalName"
    );
}

#[test]
fn what_no_message_can_carry_is_not_answered() {
    let label = "l".repeat(63);
    let long = format!("{label}.{label}.{label}");
    let more = format!(
        "---\nkind: Service\nmetadata: {{name: web, namespace: lab}}\nspec: {{clusterIP: None}}\n\
         ---\nkind: EndpointSlice\n\
         metadata: {{name: web-1, namespace: lab, labels: {{kubernetes.io/service-name: web}}}}\n\
         ports: [{{port: 80}}]\nendpoints: [{{addresses: [10.244.9.9], hostname: {label}}}]\n"
    );
    let server = server(&format!(".:53 {{\n kubernetes {long}\n}}"), &more);
    assert!(ask(&server, &format!("web.lab.svc.{long}"), RecordType::A).starts_with("NOERROR"));
    let name = Name::parse(&format!("web.lab.svc.{long}")).unwrap();
    let answer = server.answer(&Question::new(name, RecordType::SRV));
    assert!(matches!(answer.reason, Reason::NotWritable { .. }));
}

proptest! {
    #[test]
    fn any_name_is_answered(
        labels in prop::collection::vec(
            prop_oneof![
                "[ -~]{1,20}".prop_map(|label| label.replace(['\\', '.'], "x")),
                Just("*".to_owned()),
                Just("svc".to_owned()),
                Just("pod".to_owned()),
                Just("shop".to_owned()),
                Just("web".to_owned()),
                Just("db".to_owned()),
                Just("10-244-1-6".to_owned()),
                Just("_tcp".to_owned()),
                Just("cluster".to_owned()),
                Just("local".to_owned()),
                Just("in-addr".to_owned()),
                Just("arpa".to_owned()),
                "[0-9a-f]{1,3}",
            ],
            0..8,
        ),
        inside in any::<bool>(),
        record_type in 0..300_u16,
    ) {
        let server = with("pods insecure\nfallthrough in-addr.arpa");
        let zone = if inside { "cluster.local." } else { "" };
        let text = format!("{}.{zone}", labels.join("."));
        let Ok(name) = Name::parse(text.trim_start_matches('.')) else {
            return Ok(());
        };
        let question = Question::new(name, RecordType(record_type));
        let answer = server.answer(&question);
        // Records belong to the question, and a "no" of the zone has its SOA.
        if let Some(record) = answer.answer.first() {
            prop_assert!(record.name.same_as(&question.name));
            prop_assert_eq!(answer.rcode, Rcode::NoError);
        }
        prop_assert_eq!(
            answer.aa && answer.answer.is_empty(),
            !answer.authority.is_empty()
        );
        prop_assert!(!answer.reason.words().cluster.text().is_empty());
    }

    #[test]
    fn any_text_is_read_as_a_corefile(text in "[ -~\n]{0,200}") {
        let (corefile, _) = Corefile::read(&text);
        let server = CoreDns::new(corefile, &[], &[], Upstream::default());
        let name = Name::parse("web.shop.svc.cluster.local").unwrap();
        let answer = server.answer(&Question::new(name, RecordType::A));
        prop_assert!(answer.answer.is_empty());
    }

    #[test]
    fn words_of_a_corefile_in_any_order(words in prop::collection::vec(
        prop::sample::select(vec![
            ".:53", "{", "}", "\n", "kubernetes", "cluster.local", "pods", "insecure", "ttl", "30",
            "forward", ".", "cache", "import", "(x)", "x", "\"", "#", ",", "in-addr.arpa",
            "fallthrough", "disable", "success", "labels", "a in (b)", "{$X}", "10.0.0.0/12",
        ]),
        0..40,
    )) {
        let (corefile, _) = Corefile::read(&words.join(" "));
        let server = CoreDns::new(corefile, &objects(CLUSTER), &[], Upstream::default());
        let name = Name::parse("7.0.96.10.in-addr.arpa").unwrap();
        let answer = server.answer(&Question::new(name, RecordType::PTR));
        prop_assert_eq!(answer.aa, !answer.answer.is_empty() || !answer.authority.is_empty());
    }

    #[test]
    fn a_name_reads_back(text in "\\PC{0,80}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name.clone()));
            prop_assert_eq!(name.labels().join("."), name.relative().trim_start_matches('.'));
        }
    }
}
