//! Clusters of IPv6 alone and of both families: addresses, names, rules and journeys.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use lobby_engine::controllers::load_balancer::Provider;
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::net::{IpFamily, Protocol};
use lobby_engine::network::{Change, Journey, Request, VerdictKind};
use lobby_engine::proxy::Mode;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: busybox}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ipFamilyPolicy: PreferDualStack
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
";

fn lab(families: &[IpFamily], mode: Mode, provider: Provider) -> Lab {
    let mut settings = Settings {
        provider,
        ..Settings::default()
    };
    settings.set_families(families);
    settings.proxy.mode = mode;
    let mut lab = Lab::new(settings);
    assert_eq!(lab.open(WEB).diagnostics, []);
    lab
}

fn send(lab: &mut Lab, from: &str, to: &str) -> Journey {
    lab.send(&Request {
        from: from.to_owned(),
        to: to.to_owned(),
        protocol: Protocol::Tcp,
    })
    .unwrap()
}

fn cluster_ips(lab: &Lab) -> Vec<String> {
    let service = lab.world().store.service("default", "web").unwrap();
    service.spec.cluster_ips.clone()
}

fn answered(lab: &mut Lab, from: &str, to: &str) -> Journey {
    let journey = send(lab, from, to);
    assert_eq!(
        journey.verdict.kind,
        VerdictKind::Answered,
        "{to}\n{journey}"
    );
    journey
}

#[test]
fn a_cluster_of_ipv6_alone_walks_in_every_mode() {
    for mode in Mode::ALL {
        let mut lab = lab(&[IpFamily::IPv6], mode, Provider::MetalLb);
        let [address] = &cluster_ips(&lab)[..] else {
            panic!("one family, one address");
        };
        assert!(address.starts_with("fd00:10:96::"), "{address}");
        let journey = answered(&mut lab, "pod/default/client", &format!("[{address}]:80"));
        let served = journey.served.unwrap();
        assert!(served.address.is_ipv6() && served.sees.is_ipv6(), "{mode}");
        // By its name: AAAA, over UDP to cluster DNS' IPv6 address.
        let journey = answered(&mut lab, "pod/default/client", "http://web");
        assert!(journey.names.unwrap().address.unwrap().is_ipv6());
        let journey = answered(&mut lab, "external/laptop", "node-2:30080");
        assert!(
            journey
                .hops
                .iter()
                .any(|hop| hop.changes.contains(&Change::Dnat))
        );
        let service = lab.world().store.service("default", "web").unwrap();
        let vip = service.status.load_balancer.ingress[0].ip.clone();
        assert!(vip.starts_with("fd00:192:168:10::"), "{vip}");
        answered(&mut lab, "external/internet", &format!("http://[{vip}]"));
    }
}

#[test]
fn a_cluster_of_both_families_walks_both() {
    for families in [
        [IpFamily::IPv4, IpFamily::IPv6],
        [IpFamily::IPv6, IpFamily::IPv4],
    ] {
        let mut lab = lab(&families, Mode::Iptables, Provider::Gcp);
        let addresses = cluster_ips(&lab);
        assert_eq!(addresses.len(), 2);
        let first_is_v6 = addresses[0].contains(':');
        assert_eq!(first_is_v6, families[0] == IpFamily::IPv6);
        for address in &addresses {
            let is_v6 = address.contains(':');
            let host = if is_v6 {
                format!("[{address}]")
            } else {
                address.clone()
            };
            let journey = answered(&mut lab, "pod/default/client", &format!("{host}:80"));
            assert_eq!(journey.served.unwrap().address.is_ipv6(), is_v6);
            // What made the rules is known in both.
            let nat = journey
                .hops
                .iter()
                .find(|hop| hop.decided_by.is_some())
                .unwrap();
            let of_web = nat
                .origins
                .iter()
                .any(|origin| origin.object.name.starts_with("web"));
            assert!(of_web, "{:?}", nat.origins);
        }
        let service = lab.world().store.service("default", "web").unwrap();
        let vips: Vec<String> = (service.status.load_balancer.ingress.iter())
            .map(|ingress| ingress.ip.clone())
            .collect();
        assert_eq!(vips.len(), 2);
        for vip in vips {
            let host = if vip.contains(':') {
                format!("[{vip}]")
            } else {
                vip
            };
            answered(&mut lab, "external/internet", &format!("http://{host}"));
        }
    }
}

#[test]
fn a_single_stack_service_has_the_family_that_comes_first() {
    let text = WEB.replace("  ipFamilyPolicy: PreferDualStack\n", "");
    let mut settings = Settings::default();
    settings.set_families(&[IpFamily::IPv6, IpFamily::IPv4]);
    let mut lab = Lab::new(settings);
    lab.open(&text);
    let [address] = &cluster_ips(&lab)[..] else {
        panic!("{:?}", cluster_ips(&lab));
    };
    assert!(address.contains(':'));
}

#[test]
fn what_ip6tables_save_printed_takes_the_place_of_ipv6s_rules_alone() {
    let mut lab = lab(
        &[IpFamily::IPv4, IpFamily::IPv6],
        Mode::Iptables,
        Provider::None,
    );
    let addresses = cluster_ips(&lab);
    let own = format!(
        "# Generated by ip6tables-save v1.8.9\n*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n\
         *filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
         -A FORWARD -d {}/128 -j DROP\nCOMMIT\n",
        addresses[1]
    );
    let nodes: Vec<String> = (lab.world().store.nodes())
        .map(|node| node.metadata.name.clone())
        .collect();
    for node in nodes {
        let outcome = lab.replace_rules(&node, &own).unwrap();
        assert!(outcome.applied, "{outcome:?}");
    }
    answered(
        &mut lab,
        "pod/default/client",
        &format!("{}:80", addresses[0]),
    );
    let journey = send(
        &mut lab,
        "pod/default/client",
        &format!("[{}]:80", addresses[1]),
    );
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut, "{journey}");
}
