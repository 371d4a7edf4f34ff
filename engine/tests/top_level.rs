//! The calls of `iptables` that kube-proxy makes before it restores its chains, as recorded.

use lobby_engine::api::{EndpointSlice, Service};
use lobby_engine::proxy::{Mode, ProxyConfig, RuleSet};

fn calls(mode: Mode) -> Vec<String> {
    let config = ProxyConfig::default();
    let nothing: (&[Service], &[EndpointSlice]) = (&[], &[]);
    let rules = RuleSet::new(mode, &config, None, nothing.0, nothing.1);
    let rules = rules.unwrap_or_else(|error| panic!("{error}"));
    rules.top_level().iter().map(ToString::to_string).collect()
}

#[test]
fn iptables() {
    let recorded = include_str!("../../tests/conformance/iptables-top.txt");
    assert_eq!(calls(Mode::Iptables), recorded.lines().collect::<Vec<_>>());
}

#[test]
fn ipvs() {
    let recorded = include_str!("../../tests/conformance/ipvs-top.txt");
    assert_eq!(calls(Mode::Ipvs), recorded.lines().collect::<Vec<_>>());
}

#[test]
fn nftables_makes_its_own_table_and_calls_nothing() {
    assert!(calls(Mode::Nftables).is_empty());
}
