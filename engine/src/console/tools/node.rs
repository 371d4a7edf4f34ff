//! What a Node's kernel holds: iptables-save, iptables -L, nft, ipvsadm, ipset, conntrack.
//!
//! The rules are those that requests are walked by. Formats: iptables 1.8.9 (legacy), ipvsadm 1.31,
//! ipset 7.19, conntrack-tools 1.4.8. nft prints what kube-proxy hands to `nft -f -`, which is not
//! how `nft list` orders it.
//!
//! Left out: changing rules by these tools; `lab rules NODE < FILE` does.

use super::Told;
use crate::console::filters::args::Flags;
use crate::console::output::Printed;
use crate::console::place::Place;
use crate::console::shell::Shell;
use crate::netfilter::conntrack::{Connection, FlowProtocol, Phase, Tuple};
use crate::proxy::Mode;

pub(super) fn run(shell: &mut Shell<'_>, name: &str, args: &[&str]) -> Told {
    let node = match shell.place() {
        Place::Node { name } => name,
        Place::Pod {
            namespace, name, ..
        } => {
            let pod = shell.lab.world().store.pod(&namespace, &name);
            let host = pod.filter(|pod| pod.spec.host_network);
            host.map(|pod| pod.spec.node_name.clone())
                .ok_or_else(elsewhere)?
        }
        _ => return Err(elsewhere()),
    };
    match name {
        "iptables-save" => save(shell, &node, args),
        "ip6tables-save" => Ok(Printed::default()),
        "iptables" => iptables(shell, &node, args),
        "nft" => nft(shell, &node, args),
        "ipvsadm" => ipvsadm(shell, &node, args),
        "ipset" => ipset(shell, &node, args),
        _ => conntrack(shell, args),
    }
}

fn elsewhere() -> String {
    "a Node's rules are on the Node; near: kubectl debug node/NAME -it -- COMMAND, or from node/NAME".to_owned()
}

fn mode(shell: &Shell<'_>) -> Mode {
    shell.lab.settings().proxy.mode
}

/// The rules as iptables-save prints them; nothing where kube-proxy writes none.
fn saved(shell: &Shell<'_>, node: &str) -> String {
    shell.lab.save_rules(node).unwrap_or_default()
}

fn save(shell: &mut Shell<'_>, node: &str, args: &[&str]) -> Told {
    let given = Flags {
        switches: "c",
        values: "t",
        long: &[("table", 't'), ("counters", 'c')],
    }
    .read(args)?;
    let text = saved(shell, node);
    let Some(table) = given.value('t') else {
        return Ok(Printed::stdout(text));
    };
    Ok(Printed::stdout(table_of(&text, table)))
}

/// One table of what iptables-save prints.
fn table_of(text: &str, table: &str) -> String {
    let head = format!("*{table}");
    let mut out = String::new();
    let mut is_in = false;
    for line in text.lines() {
        is_in |= line == head;
        if is_in {
            out.push_str(line);
            out.push('\n');
        }
        is_in &= line != "COMMIT";
    }
    out
}

fn iptables(shell: &mut Shell<'_>, node: &str, args: &[&str]) -> Told {
    let mut table = "filter";
    let (mut list, mut rules, mut chain) = (false, false, None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "-t" | "--table" => table = words.next().copied().unwrap_or_default(),
            "-n" | "-v" | "--numeric" | "--line-numbers" | "-w" => {}
            "-L" | "--list" => list = true,
            "-S" | "--list-rules" => rules = true,
            word if word.starts_with("-L") || word.starts_with("-n") || word.starts_with("-v") => {
                list |= word.contains('L');
            }
            word if !word.starts_with('-') && (list || rules) => chain = Some(word),
            word => {
                return Err(format!(
                    "{word} is not there; there is: iptables [-t TABLE] -L|-S [CHAIN] [-n]; near: lab rules {node} < FILE"
                ));
            }
        }
    }
    if !list && !rules {
        return Err("no command specified".to_owned());
    }
    let missing = || "No chain/target/match by that name.".to_owned();
    if rules {
        let text = table_of(&saved(shell, node), table);
        let mut out = String::new();
        for line in text.lines() {
            let (line, own) = match line.strip_prefix(':') {
                Some(rest) => {
                    let mut parts = rest.split(' ');
                    let (name, policy) = (parts.next().unwrap_or(""), parts.next().unwrap_or("-"));
                    let line = match policy {
                        "-" => format!("-N {name}"),
                        policy => format!("-P {name} {policy}"),
                    };
                    (line, name)
                }
                None => match line.strip_prefix("-A ") {
                    Some(rest) => (line.to_owned(), rest.split(' ').next().unwrap_or("")),
                    None => continue,
                },
            };
            if chain.is_none_or(|chain| chain == own) {
                out.push_str(&line);
                out.push('\n');
            }
        }
        return match (out.is_empty(), chain) {
            (true, Some(_)) => Err(missing()),
            _ => Ok(Printed::stdout(out)),
        };
    }
    let Some(text) = shell.lab.list_rules(node, table) else {
        return Ok(Printed::default());
    };
    let Some(chain) = chain else {
        return Ok(Printed::stdout(text));
    };
    let head = format!("Chain {chain} (");
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with(&head))
        .peekable();
    if lines.peek().is_none() {
        return Err(missing());
    }
    let own = lines.take_while(|line| !line.is_empty());
    Ok(Printed::stdout(
        own.map(|line| format!("{line}\n")).collect::<String>(),
    ))
}

fn nft(shell: &mut Shell<'_>, node: &str, args: &[&str]) -> Told {
    match args {
        ["list", "ruleset"] | ["list", "table", _, "kube-proxy"] | ["-a", "list", "ruleset"] => {}
        ["list", "tables"] if mode(shell) == Mode::Nftables => {
            return Ok(Printed::stdout("table ip kube-proxy\n"));
        }
        ["list", "tables"] => return Ok(Printed::default()),
        _ => {
            return Err(
                "there is: nft list ruleset, nft list table ip kube-proxy, nft list tables"
                    .to_owned(),
            );
        }
    }
    if mode(shell) != Mode::Nftables {
        let mut printed = Printed::default();
        printed.err(format!(
            "# kube-proxy writes no nftables here: it runs in {} mode; near: iptables-save\n",
            mode(shell)
        ));
        return Ok(printed);
    }
    let rules = shell.lab.rules(node);
    Ok(Printed::stdout(
        rules.map_or_else(String::new, |rules| rules.set().text()),
    ))
}

/// The text of IPVS' servers, and of the ipsets.
fn ipvs_tables(shell: &Shell<'_>, node: &str) -> (String, String) {
    let rules = shell.lab.rules(node);
    let tables = rules.as_ref().and_then(|rules| rules.set().ipvs());
    tables.map_or_else(Default::default, |tables| {
        (tables.ipvsadm.clone(), tables.ipset.clone())
    })
}

fn ipvsadm(shell: &mut Shell<'_>, node: &str, args: &[&str]) -> Told {
    let letters: String = args.concat().replace('-', "");
    if letters.is_empty() || letters.chars().any(|c| !"LlnSc".contains(c)) {
        return Err("there is: ipvsadm -Ln, ipvsadm -Sn".to_owned());
    }
    let (servers, _) = ipvs_tables(shell, node);
    if letters.contains('S') {
        return Ok(Printed::stdout(servers));
    }
    let mut out = String::from(
        "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> \
         RemoteAddress:Port           Forward Weight ActiveConn InActConn\n",
    );
    for line in servers.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let after = |flag: &str| {
            let at = words.iter().position(|word| *word == flag)?;
            words.get(at + 1).copied()
        };
        let protocol = [("-t", "TCP"), ("-u", "UDP"), ("--sctp-service", "SCTP")]
            .into_iter()
            .find_map(|(flag, name)| Some((name, after(flag)?)));
        let Some((protocol, address)) = protocol else {
            continue;
        };
        if line.starts_with("-A") {
            let scheduler = after("-s").unwrap_or("rr");
            let persistent =
                after("-p").map_or_else(String::new, |seconds| format!(" persistent {seconds}"));
            out.push_str(&format!(
                "{protocol:<4} {address} {scheduler}{persistent}\n"
            ));
        } else {
            let real = after("-r").unwrap_or_default();
            let weight = after("-w").unwrap_or("1");
            out.push_str(&format!(
                "  -> {real:<28} Masq    {weight:<6} 0          0\n"
            ));
        }
    }
    Ok(Printed::stdout(out))
}

fn ipset(shell: &mut Shell<'_>, node: &str, args: &[&str]) -> Told {
    let (_, sets) = ipvs_tables(shell, node);
    let wanted = match args {
        ["save"] => return Ok(Printed::stdout(sets)),
        ["list" | "-L"] | ["list", "-n" | "-name"] => None,
        ["list" | "-L", name] => Some(*name),
        _ => return Err("there is: ipset list [NAME], ipset save".to_owned()),
    };
    let only_names = args.last().is_some_and(|arg| arg.starts_with("-n"));
    let mut out = String::new();
    for line in sets.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ["create", name, kind, header @ ..] = words.as_slice() else {
            continue;
        };
        if wanted.is_some_and(|wanted| wanted != *name) {
            continue;
        }
        if only_names {
            out.push_str(&format!("{name}\n"));
            continue;
        }
        let members: Vec<&str> = sets
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("add {name} ")))
            .collect();
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!(
            "Name: {name}\nType: {kind}\nHeader: {}\nNumber of entries: {}\nMembers:\n",
            header.join(" "),
            members.len()
        ));
        for member in members {
            out.push_str(&format!("{member}\n"));
        }
    }
    match wanted {
        Some(_) if out.is_empty() => Ok(Printed::failure(
            1,
            "ipset v7.19: The set with the given name does not exist",
        )),
        _ => Ok(Printed::stdout(out)),
    }
}

fn conntrack(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let given = Flags {
        switches: "LEn",
        values: "psdjgqrf",
        long: &[
            ("proto", 'p'),
            ("src", 's'),
            ("dst", 'd'),
            ("orig-src", 's'),
            ("orig-dst", 'd'),
            ("dport", 'g'),
            ("orig-port-dst", 'g'),
        ],
    }
    .read(args)?;
    if !given.has('L') {
        return Err(
            "there is: conntrack -L [-p PROTOCOL] [-s ADDRESS] [-d ADDRESS] [--dport PORT]"
                .to_owned(),
        );
    }
    let from = shell.place().client();
    let lines = shell.lab.look_at(&from, |seen| {
        let all = seen
            .state
            .into_iter()
            .flat_map(|state| state.conntrack.connections());
        let own = all.filter(|connection| {
            let original = &connection.original;
            let is = |flag: char, text: String| given.value(flag).is_none_or(|own| own == text);
            is('p', word(original.protocol).0.to_owned())
                && is('s', original.src.to_string())
                && is('d', original.dst.to_string())
                && is('g', original.dport.to_string())
                && connection.expires_ms > seen.now_ms
        });
        own.map(|connection| line(connection, seen.now_ms))
            .collect::<Vec<_>>()
    });
    let lines = lines.map_err(|error| error.to_string())?;
    let mut printed = Printed::stdout(lines.concat());
    printed.err(format!(
        "conntrack v1.4.8 (conntrack-tools): {} flow entries have been shown.\n",
        lines.len()
    ));
    Ok(printed)
}

/// A protocol's name and number.
fn word(protocol: FlowProtocol) -> (&'static str, u8) {
    match protocol {
        FlowProtocol::Tcp => ("tcp", 6),
        FlowProtocol::Udp => ("udp", 17),
        FlowProtocol::Sctp => ("sctp", 132),
        FlowProtocol::Icmp => ("icmp", 1),
    }
}

fn line(connection: &Connection, now_ms: u64) -> String {
    let (name, number) = word(connection.original.protocol);
    let seconds = connection.expires_ms.saturating_sub(now_ms) / 1_000;
    let state = match (connection.original.protocol, connection.phase) {
        (FlowProtocol::Udp | FlowProtocol::Icmp, _) => "",
        (_, Phase::Opening) if connection.answered => "SYN_RECV ",
        (_, Phase::Opening) => "SYN_SENT ",
        (_, Phase::Open) => "ESTABLISHED ",
        (_, Phase::Closed) => "TIME_WAIT ",
        (_, Phase::Reset) => "CLOSE ",
    };
    let unreplied = if connection.answered {
        ""
    } else {
        "[UNREPLIED] "
    };
    let assured = match (connection.answered, connection.phase) {
        (true, Phase::Open | Phase::Closed) => "[ASSURED] ",
        _ => "",
    };
    format!(
        "{name:<8} {number} {seconds} {state}{} {unreplied}{} {assured}mark={} use=1\n",
        tuple(&connection.original),
        tuple(&connection.reply),
        connection.mark
    )
}

fn tuple(tuple: &Tuple) -> String {
    let Tuple {
        protocol,
        src,
        dst,
        sport,
        dport,
    } = tuple;
    match protocol {
        FlowProtocol::Icmp => format!("src={src} dst={dst} type={dport} code=0 id={sport}"),
        _ => format!("src={src} dst={dst} sport={sport} dport={dport}"),
    }
}
