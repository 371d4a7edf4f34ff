//! `saved/…`: the rules of a scenario as a person sees them on the Node, printed by the tools.
//!
//! The engine prints them from its own state: the text that it writes as kube-proxy, in the order
//! in which the real one was loaded, read as the kernel reads it and printed as the tool does.

use std::io;
use std::path::Path;

use lobby_engine::netfilter::iptables::{Before, Tables};
use lobby_engine::netfilter::nft::Ruleset;
use lobby_engine::proxy::Mode;

use super::proxy::Scenario;
use crate::canon::{self, canon};
use crate::vector::{self, Failure, Vector};

/// The scenarios with the output of `iptables-save`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_iptables_save(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "iptables-save.txt")
}

/// The scenarios with the output of `iptables -t nat -L -n`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_iptables_nat_list(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "iptables-nat-list.txt")
}

/// The scenarios with the output of `nft list table`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_nft_list(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "nft-list.txt")
}

/// Compares what `iptables-save` prints.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_iptables_save(vector: &Vector) -> Result<(), Failure> {
    let file = "iptables-save.txt";
    let saved = by_name(&tables(vector)?.save());
    vector::compare(file, &vector.read(file)?, &saved)
}

/// Compares what `iptables -t nat -L -n` prints.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_iptables_nat_list(vector: &Vector) -> Result<(), Failure> {
    let file = "iptables-nat-list.txt";
    let list = tables(vector)?.list("nat").unwrap_or_default();
    let mut chains: Vec<&str> = list.trim_end_matches('\n').split("\n\n").collect();
    chains.sort_unstable();
    vector::compare(file, &vector.read(file)?, &(chains.join("\n\n") + "\n"))
}

/// Compares what `nft -s list table` prints.
///
/// # Errors
///
/// Where the engine differs.
pub fn check_nft_list(vector: &Vector) -> Result<(), Failure> {
    let file = "nft-list.txt";
    let scenario = Scenario::read(vector)?;
    let text = scenario.rules(Mode::Nftables)?.text();
    let mut rules = Ruleset::new(scenario.config.ip_family);
    let loaded = canon(canon::Kind::Nftables, &text)?;
    if let Some(error) = rules.read(&loaded).into_iter().next() {
        return Err(error.into());
    }
    let list = rules.list("kube-proxy").unwrap_or_default();
    vector::compare(file, &vector.read(file)?, &list)
}

/// A saved text with its chains sorted by name, as it was recorded; the rules of a chain stay in
/// their order.
fn by_name(saved: &str) -> String {
    let mut sorted = String::with_capacity(saved.len());
    for table in saved.split_inclusive("COMMIT\n") {
        let mut lines: Vec<&str> = table.lines().collect();
        lines.sort_by_key(|line| {
            let place = ["*", ":", "-A ", "COMMIT"];
            let place = place.iter().position(|begin| line.starts_with(begin));
            (place, line.split(' ').nth(1).filter(|_| place == Some(2)))
        });
        let rules = lines.iter().position(|line| line.starts_with("-A "));
        let end = rules.unwrap_or(lines.len() - 1);
        lines[1..end].sort_unstable();
        for line in lines {
            sorted.push_str(line);
            sorted.push('\n');
        }
    }
    sorted
}

/// The Node's tables after kube-proxy's first sync.
fn tables(vector: &Vector) -> Result<Tables, Failure> {
    let scenario = Scenario::read(vector)?;
    let rules = scenario.rules(Mode::Iptables)?;
    let mut tables = Tables::new(scenario.config.ip_family);
    for (number, call) in (1..).zip(rules.top_level()) {
        tables.ensure(call, number)?;
    }
    let text = canon(canon::Kind::Iptables, &rules.text())?;
    match tables.restore(&text, Before::Keep).into_iter().next() {
        Some(error) => Err(error.into()),
        None => Ok(tables),
    }
}
