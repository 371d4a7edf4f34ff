//! Puts rule text into the order of the recorded vectors, as `canon.py` beside them does.
//!
//! kube-proxy goes through its Services in the random order of a Go map, so lines of different
//! Services come in no particular order. Nothing but the order of lines is changed. A line that
//! is not known is an error.

use std::collections::BTreeMap;

/// What kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For iptables-restore, written in iptables mode.
    Iptables,
    /// A whole `ipvs.txt` with its `# …` sections.
    Ipvs,
    /// `add …` lines of one nftables table.
    Nftables,
}

/// A line that cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLine(pub String);

impl std::fmt::Display for UnknownLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot place this line: {:?}", self.0)
    }
}

impl std::error::Error for UnknownLine {}

type Lines<'a> = Vec<&'a str>;

fn unknown(line: &str) -> UnknownLine {
    UnknownLine(line.to_owned())
}

/// The text in canonical order, without empty lines.
///
/// # Errors
///
/// The first line that cannot be placed.
pub fn canon(kind: Kind, text: &str) -> Result<String, UnknownLine> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let ordered = match kind {
        Kind::Iptables => restore(lines, kind)?,
        Kind::Ipvs => ipvs(lines)?,
        Kind::Nftables => nftables(lines)?,
    };
    let mut out = String::with_capacity(text.len());
    for line in ordered {
        out.push_str(line);
        out.push('\n');
    }
    Ok(out)
}

/// Chains whose lines stem from many Services.
fn is_unordered(kind: Kind, chain: &str) -> bool {
    match kind {
        Kind::Ipvs => chain == "KUBE-IPVS-OUT-FILTER",
        _ => matches!(
            chain,
            "KUBE-EXTERNAL-SERVICES" | "KUBE-NODEPORTS" | "KUBE-PROXY-FIREWALL" | "KUBE-SERVICES"
        ),
    }
}

#[derive(Default)]
struct Table<'a> {
    chains: Lines<'a>,
    rules: BTreeMap<&'a str, Lines<'a>>,
    deleted: Lines<'a>,
}

fn restore<'a>(lines: impl Iterator<Item = &'a str>, kind: Kind) -> Result<Lines<'a>, UnknownLine> {
    let mut out = Vec::new();
    let mut open: Option<Table<'a>> = None;
    for line in lines {
        if line.starts_with('#') {
            continue;
        }
        match (&mut open, line.as_bytes()[0]) {
            (None, b'*') => {
                out.push(line);
                open = Some(Table::default());
            }
            (Some(table), b':') => table.chains.push(line),
            (Some(table), b'-') => {
                let chain = line.split(' ').nth(1).ok_or_else(|| unknown(line))?;
                if line.starts_with("-A ") {
                    table.rules.entry(chain).or_default().push(line);
                } else if line.starts_with("-X ") {
                    table.deleted.push(line);
                } else {
                    return Err(unknown(line));
                }
            }
            (Some(_), _) if line == "COMMIT" => {
                if let Some(table) = open.take() {
                    close(table, kind, &mut out);
                }
            }
            _ => return Err(unknown(line)),
        }
    }
    match open {
        None => Ok(out),
        Some(_) => Err(unknown("the end, without COMMIT")),
    }
}

fn close<'a>(mut table: Table<'a>, kind: Kind, out: &mut Lines<'a>) {
    table.chains.sort_unstable();
    out.append(&mut table.chains);
    for (chain, mut rules) in table.rules {
        if is_unordered(kind, chain) {
            // The jump to the node ports comes last, and has to.
            let is_last = |rule: &str| {
                kind == Kind::Iptables
                    && chain == "KUBE-SERVICES"
                    && rule.ends_with(" -j KUBE-NODEPORTS")
            };
            rules.sort_unstable_by_key(|rule| (is_last(rule), *rule));
        }
        out.append(&mut rules);
    }
    table.deleted.sort_unstable();
    out.append(&mut table.deleted);
    out.push("COMMIT");
}

const SECTIONS: [&str; 5] = [
    "# sysctl",
    "# ipvsadm",
    "# ipset",
    "# kube-ipvs0",
    "# iptables-restore",
];

fn ipvs<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Lines<'a>, UnknownLine> {
    let mut bodies: [Option<Lines<'a>>; 5] = Default::default();
    let mut at = None;
    for line in lines {
        if let Some(section) = SECTIONS.iter().position(|name| *name == line) {
            at = Some(section);
            bodies[section] = Some(Vec::new());
        } else {
            let body = at.and_then(|at: usize| bodies[at].as_mut());
            body.ok_or_else(|| unknown(line))?.push(line);
        }
    }
    let mut out = Vec::new();
    for (name, body) in SECTIONS.iter().zip(bodies) {
        let Some(mut body) = body else { continue };
        out.push(*name);
        match *name {
            "# ipvsadm" => out.append(&mut ipvsadm(body)?),
            "# ipset" => out.append(&mut ipset(body)?),
            "# iptables-restore" => out.append(&mut restore(body.into_iter(), Kind::Ipvs)?),
            _ => {
                body.sort_unstable();
                out.append(&mut body);
            }
        }
    }
    Ok(out)
}

/// Virtual servers sorted as text, each followed by its real servers, sorted.
fn ipvsadm(lines: Lines<'_>) -> Result<Lines<'_>, UnknownLine> {
    let mut servers: BTreeMap<(&str, &str), (&str, Lines<'_>)> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["-A", flag, address, ..] => servers.entry((flag, address)).or_default().0 = line,
            ["-a", flag, address, ..] => servers.entry((flag, address)).or_default().1.push(line),
            _ => return Err(unknown(line)),
        }
    }
    let mut servers: Vec<_> = servers.into_values().collect();
    servers.sort();
    let mut out = Vec::new();
    for (head, mut real) in servers {
        out.push(head);
        real.sort_unstable();
        out.append(&mut real);
    }
    Ok(out)
}

/// Sets by name, each `create` line followed by its `add` lines, sorted.
fn ipset(lines: Lines<'_>) -> Result<Lines<'_>, UnknownLine> {
    let mut sets: BTreeMap<&str, (Lines<'_>, Lines<'_>)> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["create", set, _, ..] => sets.entry(set).or_default().0.push(line),
            ["add", set, _, ..] => sets.entry(set).or_default().1.push(line),
            _ => return Err(unknown(line)),
        }
    }
    let mut out = Vec::new();
    for (mut created, mut added) in sets.into_values() {
        added.sort_unstable();
        out.append(&mut created);
        out.append(&mut added);
    }
    Ok(out)
}

/// Table, chains, sets, maps, then rules by chain, then elements by set, by map.
fn nftables<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Lines<'a>, UnknownLine> {
    const KINDS: [&str; 6] = ["table", "chain", "set", "map", "rule", "element"];
    let mut found: [Vec<(&str, &str)>; 6] = Default::default();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = match words[..] {
            ["add", kind, _, _, ..] => KINDS.iter().position(|name| *name == kind),
            _ => None,
        };
        let kind = kind.ok_or_else(|| unknown(line))?;
        found[kind].push((words.get(4).copied().unwrap_or(""), line));
    }
    let [
        tables,
        mut chains,
        mut sets,
        mut maps,
        mut rules,
        mut elements,
    ] = found;
    for list in [&mut chains, &mut sets, &mut maps, &mut elements] {
        list.sort_unstable();
    }
    rules.sort_by_key(|(chain, _)| *chain);
    let in_map = |name: &str| maps.iter().any(|(map, _)| *map == name);
    let (of_maps, of_sets): (Vec<_>, Vec<_>) =
        elements.into_iter().partition(|(name, _)| in_map(name));
    let ordered = [tables, chains, sets, maps, rules, of_sets, of_maps];
    Ok(ordered
        .into_iter()
        .flatten()
        .map(|(_, line)| line)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_one_chain_keep_their_order_and_shared_chains_are_sorted() {
        let text = "*nat\n:B - [0:0]\n:A - [0:0]\n-A B 2\n-A KUBE-SERVICES z\n\
                    -A KUBE-SERVICES a -j KUBE-NODEPORTS\n-A B 1\n-A KUBE-SERVICES y\nCOMMIT\n";
        let expected = "*nat\n:A - [0:0]\n:B - [0:0]\n-A B 2\n-A B 1\n-A KUBE-SERVICES y\n\
                        -A KUBE-SERVICES z\n-A KUBE-SERVICES a -j KUBE-NODEPORTS\nCOMMIT\n";
        assert_eq!(canon(Kind::Iptables, text).as_deref(), Ok(expected));
    }

    #[test]
    fn lines_out_of_place_are_errors() {
        assert!(canon(Kind::Iptables, "-A B 2\n").is_err());
        assert!(canon(Kind::Iptables, "*nat\n").is_err());
        assert!(canon(Kind::Ipvs, "10.0.0.1\n").is_err());
        assert!(canon(Kind::Nftables, "flush table ip kube-proxy\n").is_err());
    }
}
