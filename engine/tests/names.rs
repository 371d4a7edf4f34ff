//! Names in a lab: from what a client types to the address, by the same rules as any packet.

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::dns::{AttemptResult, Libc, ResolutionKind, Source};
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Change, Journey, Location, Request, Step, VerdictKind};

const TWO_NAMESPACES: &str = include_str!("../src/lab/examples/names.yaml");

fn lab(more: &str) -> Lab {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(&format!("{TWO_NAMESPACES}{more}"));
    let errors: Vec<_> = outcome
        .diagnostics
        .iter()
        .filter(|d| d.is_error())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    lab
}

fn send(lab: &mut Lab, from: &str, to: &str) -> Journey {
    let request = Request {
        from: from.to_owned(),
        to: to.to_owned(),
        protocol: Protocol::Tcp,
    };
    lab.send(&request)
        .unwrap_or_else(|error| panic!("{to}: {error}"))
}

/// What was asked, and what became of it: `backend.front.svc.cluster.local. A: NoSuchName`.
fn attempts(journey: &Journey) -> Vec<String> {
    let names = journey.names.iter();
    names
        .flat_map(|names| &names.resolution.attempts)
        .map(|attempt| format!("{}: {:?}", attempt.question, attempt.result))
        .collect()
}

const CLIENT: &str = "pod/front/client";

#[test]
fn a_short_name_is_known_in_its_own_namespace_alone() {
    let mut lab = lab("");
    let journey = send(&mut lab, CLIENT, "http://backend:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::NoSuchName);
    let asked = attempts(&journey);
    assert_eq!(asked.len(), 8, "{asked:?}");
    assert_eq!(asked[0], "backend.front.svc.cluster.local. A: NoSuchName");
    assert_eq!(asked[7], "backend. AAAA: NoSuchName");
    assert_eq!(
        journey.verdict.next.unwrap().cluster.text(),
        "Service backend is in Namespace shop: from another Namespace its name is backend.shop."
    );

    let journey = send(&mut lab, CLIENT, "http://backend.shop:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered);
    assert_eq!(
        attempts(&journey),
        [
            "backend.shop.front.svc.cluster.local. A: NoSuchName",
            "backend.shop.front.svc.cluster.local. AAAA: NoSuchName",
            "backend.shop.svc.cluster.local. A: Addresses",
            "backend.shop.svc.cluster.local. AAAA: NoData",
        ]
    );
    let first = &journey.hops[0];
    assert_eq!((first.step, first.number), (Step::Resolve, 1));
    assert!(matches!(&first.at, Location::Pod { name, .. } if name == "client"));
    // The question is a packet to kube-dns, rewritten by a rule on the client's Node.
    assert_eq!(first.before.to_text(), "10.96.0.10:53");
    assert_eq!(first.changes, [Change::Dnat]);
    assert!(
        first
            .decided_by
            .as_ref()
            .unwrap()
            .chain
            .starts_with("KUBE-SEP-")
    );
    assert_eq!(journey.hops[1].step, Step::Send);
    let names = journey.names.as_ref().unwrap();
    assert_eq!(names.address, Some(journey.hops[1].before.dst));
    // A and AAAA of one spelling share a socket and so a way.
    let shared: Vec<_> = names
        .queries
        .iter()
        .map(|query| &query.attempts[..])
        .collect();
    assert_eq!(shared, [[1, 2], [3, 4]]);
    assert!(
        names.queries[0]
            .answered_by
            .as_ref()
            .unwrap()
            .starts_with("Pod kube-system/coredns-")
    );
}

#[test]
fn a_final_dot_is_the_end_of_the_name() {
    let mut lab = lab("");
    let full = send(
        &mut lab,
        CLIENT,
        "http://backend.shop.svc.cluster.local.:8080",
    );
    assert_eq!(full.verdict.kind, VerdictKind::Answered);
    assert_eq!(attempts(&full).len(), 2);
    // Four dots are fewer than ndots:5, so without the last one the list comes first.
    let short = send(
        &mut lab,
        CLIENT,
        "http://backend.shop.svc.cluster.local:8080",
    );
    assert_eq!(attempts(&short).len(), 8);
}

#[test]
fn musl_stops_where_glibc_goes_on() {
    let pods = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: alpine, namespace: front}\n\
         spec: {dnsConfig: {options: [{name: ndots, value: '1'}]}, \
         containers: [{name: c, image: 'alpine:3.20'}]}\n\
         ---\napiVersion: v1\nkind: Pod\nmetadata: {name: debian, namespace: front}\n\
         spec: {dnsConfig: {options: [{name: ndots, value: '1'}]}, \
         containers: [{name: c, image: 'debian:12'}]}\n";
    let mut lab = lab(pods);
    assert_eq!(
        lab.client_names("pod/front/alpine").unwrap().libc,
        Libc::Musl
    );
    let musl = send(&mut lab, "pod/front/alpine", "http://backend.shop:8080");
    assert_eq!(musl.verdict.kind, VerdictKind::NoSuchName);
    assert_eq!(attempts(&musl).len(), 2);
    let glibc = send(&mut lab, "pod/front/debian", "http://backend.shop:8080");
    assert_eq!(glibc.verdict.kind, VerdictKind::Answered);
}

#[test]
fn a_broken_kube_dns_breaks_names_and_not_addresses() {
    let service = |spec: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: kube-dns, namespace: kube-system}}\n\
             spec: {{clusterIP: 10.96.0.10, ports: [{{name: dns, port: 53, protocol: UDP}}], {spec}}}\n"
        )
    };
    // A selector that matches nothing: kube-proxy rejects, so the client hears it at once.
    let mut refused = lab(&service("selector: {k8s-app: typo}"));
    let journey = send(&mut refused, CLIENT, "http://backend.shop:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);
    let cause = journey.verdict.cause.clone().unwrap().origin.unwrap();
    assert_eq!(cause.object.name, "kube-dns");
    assert_eq!(cause.field.as_str(), "spec.selector");
    // The way of the question follows, so that one sees where it ended.
    assert_eq!(journey.hops[1].step, Step::Send);
    assert!(journey.hops.iter().any(|hop| hop.step == Step::Reject));
    let numbers: Vec<u32> = journey.hops.iter().map(|hop| hop.number).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<u32>>());
    let address = refused.world().store.service("shop", "backend").unwrap();
    let address = format!("http://{}:8080", address.spec.cluster_ip);
    assert_eq!(
        send(&mut refused, CLIENT, &address).verdict.kind,
        VerdictKind::Answered
    );

    // Pods that are not ready are no endpoints.
    let mut lab = lab("");
    let pods: Vec<ObjectRef> = (lab.world().store.pods())
        .filter(|pod| pod.metadata.namespace == "kube-system")
        .map(|pod| ObjectRef::new(Kind::Pod, "kube-system", &pod.metadata.name))
        .collect();
    assert_eq!(pods.len(), 2);
    for pod in &pods {
        lab.set_ready(pod, false);
    }
    let journey = send(&mut lab, CLIENT, "http://backend.shop:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);
}

#[test]
fn questions_that_nobody_answers_time_out() {
    // With internalTrafficPolicy Local and no CoreDNS on the Node the packet is dropped.
    let local = "---\napiVersion: v1\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\n\
         spec: {clusterIP: 10.96.0.10, internalTrafficPolicy: Local, selector: {k8s-app: kube-dns}, \
         ports: [{name: dns, port: 53, protocol: UDP}]}\n";
    let mut lab = lab(local);
    let homes: Vec<String> = (lab.world().store.pods())
        .filter(|pod| pod.metadata.namespace == "kube-system")
        .map(|pod| pod.spec.node_name.clone())
        .collect();
    let client = |lab: &Lab| {
        lab.world()
            .store
            .pod("front", "client")
            .unwrap()
            .spec
            .node_name
            .clone()
    };
    if homes.contains(&client(&lab)) {
        let other = (1..=3)
            .map(|n| format!("node-{n}"))
            .find(|node| !homes.contains(node));
        let other = other.unwrap();
        let pinned = TWO_NAMESPACES.replace(
            "name: client\n  namespace: front\nspec:\n",
            &format!("name: client\n  namespace: front\nspec:\n  nodeName: {other}\n"),
        );
        lab.open(&format!("{pinned}{local}"));
        assert_eq!(client(&lab), other);
    }
    let journey = send(&mut lab, CLIENT, "http://backend.shop:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    let resolution = &journey.names.as_ref().unwrap().resolution;
    assert_eq!(resolution.verdict.kind, ResolutionKind::TryAgain);
    // glibc waits for every spelling anew: 5 s, twice.
    assert!(
        resolution.waited_seconds >= 10,
        "{}",
        resolution.waited_seconds
    );
    assert!(
        resolution
            .attempts
            .iter()
            .all(|a| a.result == AttemptResult::NoReply)
    );
}

#[test]
fn a_pod_that_is_no_name_server_gives_no_answer() {
    let wrong = "---\napiVersion: v1\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\n\
         spec: {clusterIP: 10.96.0.10, selector: {app: fake}, \
         ports: [{name: dns, port: 53, protocol: UDP}]}\n---\napiVersion: v1\nkind: Pod\n\
         metadata: {name: fake, namespace: kube-system, labels: {app: fake}}\n\
         spec: {containers: [{name: c, image: nginx}]}\n";
    let journey = send(&mut lab(wrong), CLIENT, "http://backend.shop:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    let names = journey.names.unwrap();
    assert_eq!(
        names.resolution.attempts[0].because.cluster.text(),
        "The question came to Pod kube-system/fake, which is no name server."
    );
}

#[test]
fn the_corefile_of_the_config_map_decides() {
    let corefile = |lines: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: coredns, namespace: kube-system}}\n\
             data:\n  Corefile: |\n    .:53 {{\n      {lines}\n    }}\n"
        )
    };
    // Nothing behind forward: names outside are not answered, the cluster's are.
    let mut silent = lab(&corefile(
        "kubernetes cluster.local\n      forward . 10.9.9.9",
    ));
    let journey = send(&mut silent, CLIENT, "http://example.com");
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    // The lost question is CoreDNS' own.
    let lost = journey
        .hops
        .iter()
        .find(|hop| hop.step == Step::Send)
        .unwrap();
    assert!(matches!(&lost.at, Location::Pod { name, .. } if name.starts_with("coredns-")));
    let inside = send(&mut silent, CLIENT, "http://backend.shop:8080");
    assert_eq!(inside.verdict.kind, VerdictKind::Answered);

    let mut without = lab(&corefile("kubernetes cluster.local"));
    let journey = send(&mut without, CLIENT, "http://example.com");
    assert_eq!(journey.verdict.kind, VerdictKind::NoSuchName);

    let mut broken = lab(&corefile("kubernets cluster.local"));
    let complaint = &broken.outcome().diagnostics[0];
    assert!(
        complaint.message.starts_with("Corefile line 2: "),
        "{complaint:?}"
    );
    assert_eq!(complaint.field.as_deref(), Some("data[Corefile]"));
    let journey = send(&mut broken, CLIENT, "http://backend.shop:8080");
    assert!(
        journey.names.unwrap().resolution.attempts[0]
            .because
            .cluster
            .text()
            .starts_with("CoreDNS does not start: ")
    );
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);

    // CoreDNS that asks itself.
    let mut circle = lab(&corefile("forward . 10.96.0.10"));
    let journey = send(&mut circle, CLIENT, "http://example.com");
    assert_eq!(
        journey.names.unwrap().resolution.verdict.kind,
        ResolutionKind::TryAgain
    );
}

#[test]
fn names_outside_lead_to_a_small_internet() {
    let mut lab = lab("");
    let right = send(&mut lab, CLIENT, "https://www.example.com/");
    assert_eq!(right.verdict.kind, VerdictKind::Answered);
    assert_eq!(
        right.served.as_ref().unwrap().address.to_string(),
        "203.0.113.10"
    );
    let names = right.names.as_ref().unwrap();
    let last = names.queries.last().unwrap();
    // CoreDNS asked the Node's resolver, from its own Pod.
    assert!(!last.forwarded.is_empty());
    assert!(
        last.forwarded[0]
            .client
            .id
            .starts_with("pod/kube-system/coredns-")
    );
    assert_eq!(
        names.resolution.canonical_name.as_deref(),
        Some("example.com")
    );
    // Somebody on the internet has a resolver of his own.
    let outside = send(&mut lab, "external/internet", "https://example.com");
    assert_eq!(outside.verdict.kind, VerdictKind::Answered);
    assert_eq!(
        outside.names.unwrap().queries[0].answered_by.as_deref(),
        Some("public-resolver")
    );
    let unknown = send(&mut lab, "external/laptop", "http://backend.shop:8080");
    assert_eq!(unknown.verdict.kind, VerdictKind::NoSuchName);
    assert!(
        unknown
            .verdict
            .next
            .unwrap()
            .cluster
            .text()
            .contains("does not ask cluster DNS")
    );
}

#[test]
fn an_external_name_changes_the_address_and_nothing_else() {
    let mut lab = lab("");
    for (to, kind, detail) in [
        (
            "http://partner.shop",
            VerdictKind::WrongAnswer,
            "421 Misdirected Request, answered by api.example.org",
        ),
        (
            "https://partner.shop",
            VerdictKind::WrongAnswer,
            "certificate for api.example.org, not for partner.shop",
        ),
        (
            "https://api.example.org",
            VerdictKind::Answered,
            "200 OK, answered by api.example.org",
        ),
        (
            "ledger.shop:5432",
            VerdictKind::Answered,
            "connected to db.example.net",
        ),
        (
            "http://203.0.113.10",
            VerdictKind::WrongAnswer,
            "404 Not Found, answered by example.com",
        ),
    ] {
        let journey = send(&mut lab, CLIENT, to);
        assert_eq!(journey.verdict.kind, kind, "{to}");
        assert_eq!(journey.verdict.detail.cluster.text(), detail, "{to}");
        // Many at once are judged alike.
        let tally = lab.send_many(&journey.request, 20).unwrap();
        let shares: Vec<_> = (tally.shares.iter())
            .map(|share| (share.kind, share.count, share.why.is_some()))
            .collect();
        assert_eq!(shares, [(kind, 20, kind != VerdictKind::Answered)], "{to}");
        let blamed = tally.shares[0].cause.as_ref();
        assert_eq!(blamed, journey.verdict.cause.as_ref(), "{to}");
    }
    let journey = send(&mut lab, CLIENT, "http://partner.shop");
    let origin = journey.verdict.cause.unwrap().origin.unwrap();
    assert_eq!(
        origin.object,
        ObjectRef::new(Kind::Service, "shop", "partner")
    );
    assert_eq!(origin.field.as_str(), "spec.externalName");
    assert!(lab.place(&origin).is_some());
}

#[test]
fn a_headless_services_client_picks_an_address_itself() {
    let mut lab = lab("");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..24 {
        let journey = send(&mut lab, CLIENT, "http://backend-rooms.shop:8080");
        assert_eq!(journey.verdict.kind, VerdictKind::Answered);
        assert_eq!(
            journey.names.as_ref().unwrap().resolution.addresses.len(),
            2
        );
        seen.insert(journey.served.unwrap().address);
    }
    // `loadbalance` of kubeadm's Corefile shuffles.
    assert_eq!(seen.len(), 2);
}

#[test]
fn an_address_at_which_nobody_answers_is_passed_over() {
    // Two addresses, of which one belongs to nobody.
    let slice = "---\napiVersion: v1\nkind: Service\nmetadata: {name: pair, namespace: shop}\n\
         spec: {clusterIP: None, ports: [{port: 8080}]}\n---\n\
         apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n\
         metadata: {name: pair-1, namespace: shop, labels: {kubernetes.io/service-name: pair}}\n\
         ports: [{port: 8080}]\nendpoints: [{addresses: [203.0.113.99]}, {addresses: [203.0.113.10]}]\n";
    let mut lab = lab(slice);
    let mut passed_over = 0;
    for _ in 0..16 {
        let journey = send(&mut lab, CLIENT, "tcp://pair.shop:80");
        assert_eq!(journey.verdict.kind, VerdictKind::Answered);
        passed_over += journey.names.unwrap().passed_over.len();
    }
    assert!((1..16).contains(&passed_over), "{passed_over}");
}

#[test]
fn hosts_files_come_first() {
    let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: aliased, namespace: front}\n\
         spec: {hostAliases: [{ip: 203.0.113.10, hostnames: [foo.remote]}], \
         containers: [{name: c, image: debian}]}\n";
    let mut lab = lab(pod);
    let journey = send(&mut lab, "pod/front/aliased", "tcp://foo.remote:80");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered);
    let resolution = &journey.names.as_ref().unwrap().resolution;
    assert_eq!(
        (resolution.source, resolution.attempts.len()),
        (Source::Hosts, 0)
    );
    // Nobody was asked, so the first hop is the request's.
    assert_eq!(journey.hops[0].step, Step::Send);
    let files = lab.client_names("pod/front/aliased").unwrap();
    assert!(files.hosts.contains("203.0.113.10\tfoo.remote\n"));
    assert_eq!(
        files.resolv_conf,
        "search front.svc.cluster.local svc.cluster.local cluster.local\n\
         nameserver 10.96.0.10\noptions ndots:5\n"
    );
    // The laptop has the Nodes in its own file, Pods find them by the Nodes' resolver.
    let from_laptop = send(&mut lab, "external/laptop", "node-2:10250");
    assert_eq!(from_laptop.hops[0].step, Step::Send);
    let from_pod = send(&mut lab, "pod/front/client", "node-2:10250");
    assert_eq!(from_pod.verdict.kind, VerdictKind::Answered);
    assert_eq!(from_pod.hops[0].step, Step::Resolve);
}

#[test]
fn the_zone_lists_what_is_answered() {
    let mut lab = lab("");
    let lines: Vec<String> = lab.zone().iter().map(ToString::to_string).collect();
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(has(
        "kubernetes.default.svc.cluster.local.\t30\tIN\tA\t10.96.0.1"
    ));
    assert!(has(
        "kube-dns.kube-system.svc.cluster.local.\t30\tIN\tA\t10.96.0.10"
    ));
    assert!(has(
        "partner.shop.svc.cluster.local.\t30\tIN\tCNAME\tapi.example.org."
    ));
    assert!(has(
        "_http._tcp.backend-rooms.shop.svc.cluster.local.\t30\tIN\tSRV\t"
    ));
}

#[test]
fn the_same_seed_gives_the_same_names() {
    let journeys = || {
        let mut lab = lab("");
        [
            "http://backend.shop:8080",
            "http://backend-rooms.shop:8080",
            "http://example.com",
        ]
        .map(|to| send(&mut lab, CLIENT, to))
    };
    assert_eq!(journeys(), journeys());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Any name, from anybody: a journey or an error, never a panic, and what a lookup found is
    /// where the request goes.
    #[test]
    fn any_name_has_a_journey_or_an_error(
        name in proptest::prop_oneof![
            "\\PC{0,40}",
            "[a-z0-9.-]{1,30}",
            "(backend|partner|example|kube-dns|localhost|_http._tcp|10-244-1-2)(\\.(shop|front|com|kube-system|svc|pod|cluster|local|org)){0,5}\\.?",
            "[a-z]{60,70}(\\.[a-z]{60,63}){0,4}",
        ],
        from in "(pod/front/client|pod/shop/nobody|node/node-1|external/laptop|external/internet|external/example.com|)",
        scheme in "(http://|https://|udp://|ping://|)",
        port in "(|:80|:53|:8080)",
    ) {
        let mut lab = lab("");
        let request = Request {
            from: from.clone(),
            to: format!("{scheme}{name}{port}"),
            protocol: Protocol::Tcp,
        };
        if let Ok(journey) = lab.send(&request)
            && let Some(names) = &journey.names
        {
            let sent = journey.hops.iter().find(|hop| hop.step == Step::Send);
            if let (Some(address), Some(sent)) = (names.address, sent) {
                proptest::prop_assert_eq!(sent.before.dst, address);
            }
        }
        let _ = lab.lookup(&from, &name, None);
    }
}

#[test]
fn a_name_stands_for_the_same_until_its_service_is_another() {
    let mut lab = lab("");
    let request = |to: &str| Request {
        from: CLIENT.to_owned(),
        to: to.to_owned(),
        protocol: Protocol::Tcp,
    };
    let known = request("http://backend.shop:8080");
    let unknown = request("http://backend:8080");
    let (kind, addresses) = lab.stands_for(&known).unwrap();
    assert_eq!((kind, addresses.len()), (ResolutionKind::Found, 1));
    let nobody = lab.stands_for(&unknown);
    assert_eq!(nobody, Some((ResolutionKind::NoSuchName, Vec::new())));
    assert_eq!(lab.stands_for(&request("10.96.0.1:443")), None);

    // It leaves nothing behind, and is not moved by what has nothing to do with it.
    let before = lab.now_ms();
    lab.run("kubectl label node node-1 topology.kubernetes.io/zone=east && lab settle");
    assert_eq!(lab.stands_for(&known), Some((kind, addresses)));
    assert!(lab.now_ms() > before, "time passed by the line alone");

    lab.run("kubectl create service clusterip backend --tcp=8080 -n front && lab settle");
    assert_ne!(lab.stands_for(&unknown), nobody);
}
