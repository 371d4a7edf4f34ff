//! What is given, what is refused, and in which words.

use super::*;
use crate::api::defaults;

fn service(name: &str, spec: &str) -> Service {
    let mut service: Service = serde_json::from_str(&format!(
        r#"{{"metadata":{{"name":"{name}"}},"spec":{spec}}}"#
    ))
    .unwrap();
    defaults::service(&mut service);
    service
}

fn allocators() -> Allocators {
    Allocators::new(Ranges::default(), 42)
}

/// Spec section 4.4: the bands of the usual ranges.
#[test]
fn bands_are_those_of_the_tables() {
    for (cidr, reserved) in [
        ("10.96.0.0/12", 256),
        ("10.96.0.0/16", 256),
        ("10.0.0.0/20", 256),
        ("10.0.0.0/22", 64),
        ("10.0.0.0/24", 16),
        ("10.0.0.0/26", 16),
        ("10.0.0.0/28", 0),
    ] {
        let cidr: IpNet = cidr.parse().unwrap();
        assert_eq!(Band::of_addresses(&cidr).reserved, reserved, "{cidr}");
    }
    assert_eq!(Band::of_ports(&(30_000..=32_767)).reserved, 86);
    assert_eq!(Band::of_ports(&(20_000..=32_767)).reserved, 128);
    assert_eq!(Band::of_ports(&(32_567..=32_767)).reserved, 16);
}

#[test]
fn addresses_and_ports_come_from_the_upper_bands() {
    let mut allocators = allocators();
    let mut web = service("web", r#"{"type":"NodePort","ports":[{"port":80}]}"#);
    allocators.create(&mut web).unwrap();
    let address: Ipv4Addr = web.spec.cluster_ip.parse().unwrap();
    assert!(address >= Ipv4Addr::new(10, 96, 1, 1), "{address}");
    assert!(web.spec.ports[0].node_port >= 30_086);
    assert_eq!(web.spec.cluster_ips, [web.spec.cluster_ip.clone()]);
    assert_eq!(web.spec.ip_families, ["IPv4"]);
    assert_eq!(web.spec.ip_family_policy.as_deref(), Some("SingleStack"));
}

#[test]
fn what_others_ask_for_does_not_move_an_address() {
    let mut alone = allocators();
    let mut web = service("web", r#"{"ports":[{"port":80}]}"#);
    alone.create(&mut web).unwrap();
    let mut after_another = allocators();
    let mut again = service("web", r#"{"ports":[{"port":80}]}"#);
    after_another
        .create(&mut service("db", r#"{"ports":[{"port":5432}]}"#))
        .unwrap();
    after_another.create(&mut again).unwrap();
    assert_eq!(web.spec.cluster_ip, again.spec.cluster_ip);
}

#[test]
fn a_taken_node_port_is_refused_in_the_servers_words_and_nothing_stays_taken() {
    let mut allocators = allocators();
    let spec = r#"{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}"#;
    allocators.create(&mut service("a", spec)).unwrap();
    let before = allocators.taken();
    let refused = allocators.create(&mut service("b", spec)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"
    );
    assert_eq!(allocators.taken(), before);
}

#[test]
fn a_node_port_out_of_range_is_refused_in_the_servers_words() {
    let spec = r#"{"type":"NodePort","ports":[{"port":80,"nodePort":8080}]}"#;
    let refused = allocators().create(&mut service("a", spec)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "spec.ports[0].nodePort: Invalid value: 8080: provided port is not in the valid \
         range. The range of valid ports is 30000-32767"
    );
}

#[test]
fn an_address_out_of_range_or_taken_is_refused_in_the_servers_words() {
    let mut allocators = allocators();
    let outside = r#"{"clusterIP":"192.168.1.1","ports":[{"port":80}]}"#;
    assert_eq!(
        allocators
            .create(&mut service("a", outside))
            .unwrap_err()
            .to_string(),
        "spec.clusterIPs: Invalid value: []string{\"192.168.1.1\"}: failed to allocate IP \
         192.168.1.1: the provided IP (192.168.1.1) is not in the valid range. The range of \
         valid IPs is 10.96.0.0/12"
    );
    let inside = r#"{"clusterIP":"10.96.0.10","ports":[{"port":80}]}"#;
    allocators.create(&mut service("b", inside)).unwrap();
    assert_eq!(
        allocators
            .create(&mut service("c", inside))
            .unwrap_err()
            .to_string(),
        "spec.clusterIPs: Invalid value: []string{\"10.96.0.10\"}: failed to allocate IP \
         10.96.0.10: provided IP is already allocated"
    );
}

#[test]
fn ports_of_one_number_share_a_node_port_within_a_service_only() {
    let mut allocators = allocators();
    let mut dns = service(
        "dns",
        r#"{"type":"NodePort","ports":[{"name":"u","port":53,"protocol":"UDP"},
                                       {"name":"t","port":53}]}"#,
    );
    allocators.create(&mut dns).unwrap();
    assert_eq!(dns.spec.ports[0].node_port, dns.spec.ports[1].node_port);
    assert_eq!(allocators.taken().1, 1);
}

#[test]
fn headless_and_external_name_get_no_address() {
    let mut allocators = allocators();
    let mut headless = service(
        "h",
        r#"{"clusterIP":"None","selector":{"a":"b"},"ports":[{"port":80}]}"#,
    );
    allocators.create(&mut headless).unwrap();
    assert_eq!(headless.spec.cluster_ips, ["None"]);
    let mut external = service("e", r#"{"type":"ExternalName","externalName":"a.example"}"#);
    allocators.create(&mut external).unwrap();
    assert_eq!(external.spec.cluster_ip, "");
    assert_eq!(allocators.taken(), (0, 0));
}

#[test]
fn dual_stack_is_refused_where_the_cluster_has_one_family() {
    let spec = r#"{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}"#;
    let refused = allocators().create(&mut service("a", spec)).unwrap_err();
    assert_eq!(refused.field.as_str(), "spec.ipFamilyPolicy");
    assert!(
        refused
            .detail
            .ends_with("this cluster is not configured for dual-stack services")
    );
}

#[test]
fn a_dual_stack_cluster_gives_two_addresses_to_those_who_prefer_them() {
    let ranges = Ranges {
        service_cidrs: vec![
            "10.96.0.0/16".parse().unwrap(),
            "fd00:96::/112".parse().unwrap(),
        ],
        ..Ranges::default()
    };
    let mut allocators = Allocators::new(ranges, 1);
    let mut both = service(
        "both",
        r#"{"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv6"],"ports":[{"port":80}]}"#,
    );
    allocators.create(&mut both).unwrap();
    assert_eq!(both.spec.ip_families, ["IPv6", "IPv4"]);
    assert!(both.spec.cluster_ips[0].starts_with("fd00:96::"));
    assert!(both.spec.cluster_ips[1].starts_with("10.96."));
}

#[test]
fn a_full_range_uses_its_lower_band_before_it_gives_up() {
    let ranges = Ranges {
        node_ports: 30_000..=30_039,
        ..Ranges::default()
    };
    let mut allocators = Allocators::new(ranges, 3);
    let mut given = BTreeSet::new();
    for index in 0..40 {
        let name = format!("s{index}");
        let mut node_port = service(&name, r#"{"type":"NodePort","ports":[{"port":80}]}"#);
        allocators.create(&mut node_port).unwrap();
        given.insert(node_port.spec.ports[0].node_port);
    }
    assert_eq!(given.len(), 40);
    let mut last = service("last", r#"{"type":"NodePort","ports":[{"port":80}]}"#);
    assert!(allocators.create(&mut last).is_err());
}
