//! `lab …`: what no tool of a real cluster does. Each verb is a small function.

use super::output::Printed;
use super::place::{self, Place};
use super::shell::Shell;
use crate::api::{Kind, ObjectRef};
use crate::cluster::{Command, Listening};
use crate::controllers::load_balancer::Provider;
use crate::kubectl::args::{self, Flag, Parsed, Takes, flag, short};
use crate::lab::{FAMILIES, ProxySettings, families_word};
use crate::limits::{MAX_OBJECTS, MAX_REQUESTS};
use crate::net::Protocol;
use crate::network::{Journey, Request, Tally, VerdictKind};
use crate::proxy::Mode;

/// The verbs: the word, what stands behind it, and what it does.
pub const VERBS: &[(&str, &str, &str)] = &[
    (
        "send",
        "FROM TO [--udp|--ping] [--keep-alive] [--count N]",
        "send a request, and walk it",
    ),
    (
        "ready",
        "POD on|off|auto",
        "what a Pod's readiness probe says",
    ),
    (
        "listen",
        "POD all|loopback|none",
        "on which addresses a Pod's processes listen",
    ),
    ("advance", "DURATION", "let time pass: 500ms, 30s, 5m"),
    (
        "settle",
        "",
        "let time pass until nothing more happens by itself",
    ),
    ("undo", "", "take the last line back"),
    ("redo", "", "do again what was taken back"),
    ("reset", "", "take all lines back; the text stays"),
    (
        "proxy",
        "[--mode M] [--scheduler S] [--masquerade-all] [--strict-arp] [--no-localhost-node-ports] [--node-port-addresses CIDR,…]",
        "set kube-proxy on all Nodes: only what is given, the rest as kubeadm has it",
    ),
    (
        "provider",
        "none|metallb|aws|gcp|azure|kind",
        "who builds load balancers",
    ),
    ("seed", "N", "draw everything anew"),
    (
        "nodes",
        "NAME…",
        "the Nodes of a world whose manifests name none",
    ),
    (
        "families",
        "ipv4|ipv6|ipv4,ipv6|ipv6,ipv4",
        "the IP families of Nodes, Pods and Services: everything is made anew with their addresses",
    ),
    ("power", "NODE on|off", "switch a Node on or off"),
    (
        "rules",
        "NODE [--restore] [< FILE]",
        "put rules of iptables-save in the place of a Node's, or kube-proxy's back",
    ),
    ("help", "", "this list"),
];

const SEND_FLAGS: &[Flag] = &[
    flag("udp", Takes::Bool),
    flag("sctp", Takes::Bool),
    flag("ping", Takes::Bool),
    short("keep-alive", 'k', Takes::Bool),
    short("count", 'c', Takes::Int),
];
const PROXY_FLAGS: &[Flag] = &[
    flag("mode", Takes::Text),
    flag("scheduler", Takes::Text),
    flag("masquerade-all", Takes::Bool),
    flag("strict-arp", Takes::Bool),
    flag("no-localhost-node-ports", Takes::Bool),
    flag("node-port-addresses", Takes::List),
];
const RULES_FLAGS: &[Flag] = &[flag("restore", Takes::Bool)];

/// Why a verb did nothing: the words behind `lab VERB: `.
type Refused = String;

/// Runs a verb.
pub(super) fn run(shell: &mut Shell<'_>, words: &[String], stdin: Option<&str>) -> Printed {
    let verb = words.first().map_or("help", String::as_str);
    let flags: &[Flag] = match verb {
        "send" => SEND_FLAGS,
        "proxy" => PROXY_FLAGS,
        "rules" => RULES_FLAGS,
        "help" | "--help" | "-h" => return Printed::stdout(help()),
        _ if !VERBS.iter().any(|(known, ..)| *known == verb) => {
            return Printed::failure(2, format!("lab: there is no verb {verb:?}; near: lab help"));
        }
        _ => &[],
    };
    let parsed = match args::parse(&format!("lab {verb}"), &[flags], &words[1..]) {
        Ok(parsed) => parsed,
        Err(error) => return Printed::failure(2, error.print().trim_end()),
    };
    if parsed.on("help") {
        return Printed::stdout(usage(verb));
    }
    let done = match verb {
        "send" => send(shell, &parsed),
        "ready" => ready(shell, &parsed),
        "listen" => listen(shell, &parsed),
        "advance" => advance(shell, &parsed),
        "settle" => act(shell, &Command::Settle),
        "undo" | "redo" | "reset" => history(shell, verb),
        "proxy" => proxy(shell, &parsed),
        "provider" => provider(shell, &parsed),
        "seed" => seed(shell, &parsed),
        "nodes" => nodes(shell, &parsed),
        "families" => families(shell, &parsed),
        "power" => power(shell, &parsed),
        _ => rules(shell, &parsed, stdin),
    };
    done.unwrap_or_else(|why| Printed::failure(1, format!("lab {verb}: {why}")))
}

fn usage(verb: &str) -> String {
    let found = VERBS.iter().find(|(known, ..)| *known == verb);
    found.map_or_else(String::new, |(verb, args, what)| {
        format!("lab {verb} {args}\n  {what}\n")
    })
}

fn help() -> String {
    VERBS.iter().map(|(verb, ..)| usage(verb)).collect()
}

/// The words behind a verb, when there are as many as it wants.
fn exactly<'a, const N: usize>(parsed: &'a Parsed, verb: &str) -> Result<[&'a str; N], Refused> {
    let words: Vec<&str> = parsed.args.iter().map(String::as_str).collect();
    <[&str; N]>::try_from(words).map_err(|_| format!("usage: {}", usage(verb).trim_end()))
}

fn pod(shell: &mut Shell<'_>, parsed: &Parsed, text: &str) -> Result<ObjectRef, Refused> {
    let namespace = namespace(shell, parsed);
    place::pod(text, &namespace, &shell.lab.world().store)
}

fn namespace(shell: &mut Shell<'_>, parsed: &Parsed) -> String {
    match parsed.text("namespace") {
        "" => shell.session().namespace().to_owned(),
        namespace => namespace.to_owned(),
    }
}

/// Does what a command of the cluster says.
fn act(shell: &mut Shell<'_>, command: &Command) -> Result<Printed, Refused> {
    shell.lab.act(command).map_err(|error| error.message)?;
    shell.keep();
    Ok(Printed::default())
}

fn send(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [from, to] = exactly(parsed, "send")?;
    let namespace = namespace(shell, parsed);
    let from = Place::read(from, &namespace, &shell.lab.world().store)?.client();
    let to = if parsed.on("ping") && !to.contains("://") {
        format!("ping://{to}")
    } else {
        to.to_owned()
    };
    let protocol = match (parsed.on("udp"), parsed.on("sctp")) {
        (true, _) => Protocol::Udp,
        (_, true) => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let request = Request { from, to, protocol };
    if let Some(count) = parsed.int("count") {
        let count = u32::try_from(count)
            .ok()
            .filter(|count| *count <= MAX_REQUESTS);
        let count = count.ok_or_else(|| format!("--count is 0 to {MAX_REQUESTS}"))?;
        let tally = shell.lab.send_many(&request, count);
        let tally = tally.map_err(|error| error.to_string())?;
        let printed = tell_tally(&tally);
        shell.counted(tally);
        return Ok(printed);
    }
    let journey = shell.send(&request, parsed.on("keep-alive"));
    let journey = journey.map_err(|error| error.to_string())?;
    Ok(tell(&journey))
}

/// A journey in two lines.
fn tell(journey: &Journey) -> Printed {
    let verdict = &journey.verdict;
    let mut printed = Printed::stdout(format!(
        "{}: {}\n{}\n",
        verdict.kind.as_str(),
        verdict.detail.cluster.text(),
        verdict.why.cluster.text()
    ));
    if let Some(next) = &verdict.next {
        printed.out(format!("{}\n", next.cluster.text()));
    }
    printed.code = u8::from(verdict.kind != VerdictKind::Answered);
    printed
}

fn tell_tally(tally: &Tally) -> Printed {
    let mut printed = Printed::default();
    for share in &tally.shares {
        let by = share.by.as_ref().map_or_else(String::new, |by| {
            let pod = by
                .pod
                .as_deref()
                .map_or_else(String::new, |pod| format!(" ({pod})"));
            format!(" by {}{pod}", by.address)
        });
        printed.out(format!("{:>7} {}{by}\n", share.count, share.kind.as_str()));
        printed.code |= u8::from(share.kind != VerdictKind::Answered && share.count > 0);
    }
    printed.out(format!("{}\n", tally.fit.said.cluster.text()));
    printed
}

fn ready(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [name, says] = exactly(parsed, "ready")?;
    let ready = match says {
        "on" => Some(true),
        "off" => Some(false),
        "auto" => None,
        _ => return Err(format!("{says:?} is none of on, off, auto")),
    };
    let pod = pod(shell, parsed, name)?;
    act(shell, &Command::SetReady { pod, ready })
}

fn listen(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [name, where_] = exactly(parsed, "listen")?;
    let listening = match where_ {
        "all" => Listening::Everywhere,
        "loopback" | "localhost" => Listening::LocalhostOnly,
        "none" => Listening::Nowhere,
        _ => return Err(format!("{where_:?} is none of all, loopback, none")),
    };
    let pod = pod(shell, parsed, name)?;
    act(shell, &Command::SetListening { pod, listening })
}

fn advance(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [text] = exactly(parsed, "advance")?;
    let milliseconds = milliseconds(text)
        .ok_or_else(|| format!("{text:?} is no length of time: 500ms, 30s, 5m, 2h"))?;
    act(shell, &Command::Advance(milliseconds))
}

/// A length of time in milliseconds: `500ms`, `1m30s`, or seconds without a unit.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(u64::from(seconds) * 1_000);
    }
    let mut rest = text;
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let factor = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        sum = sum.saturating_add(u64::from(number) * factor);
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(sum)
}

fn history(shell: &mut Shell<'_>, verb: &str) -> Result<Printed, Refused> {
    if !shell.is_alone() {
        return Err("it stands alone on its line".to_owned());
    }
    let is_done = match verb {
        "undo" => shell.lab.undo(),
        "redo" => shell.lab.redo(),
        _ => {
            shell.lab.reset();
            true
        }
    };
    if !is_done {
        return Err(format!("there is nothing to {verb}"));
    }
    shell.change();
    Ok(Printed::default())
}

fn proxy(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [] = exactly(parsed, "proxy")?;
    let mut proxy = ProxySettings::default();
    if parsed.has("mode") {
        let mode: Result<Mode, _> = parsed.text("mode").parse();
        proxy.mode = mode.map_err(|error| error.to_string())?;
    }
    parsed
        .text("scheduler")
        .clone_into(&mut proxy.ipvs_scheduler);
    proxy.masquerade_all = parsed.on("masquerade-all");
    proxy.strict_arp = parsed.on("strict-arp");
    proxy.localhost_node_ports = !parsed.on("no-localhost-node-ports");
    let addresses = parsed.list("node-port-addresses");
    proxy.node_port_addresses = addresses.iter().map(|text| (*text).to_owned()).collect();
    if shell.lab.apply_settings(|settings| settings.proxy = proxy) {
        shell.keep();
    }
    Ok(Printed::default())
}

fn provider(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [name] = exactly(parsed, "provider")?;
    let provider = Provider::ALL
        .into_iter()
        .find(|provider| provider.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("{name:?} is none of none, metallb, aws, gcp, azure, kind"))?;
    if shell.lab.cluster().provider() == provider {
        return Ok(Printed::default());
    }
    act(shell, &Command::SetProvider(provider))
}

fn seed(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [text] = exactly(parsed, "seed")?;
    let seed = text
        .parse()
        .map_err(|_| format!("{text:?} is no whole number"))?;
    if shell.lab.apply_settings(|settings| settings.seed = seed) {
        shell.keep();
    }
    Ok(Printed::default())
}

fn nodes(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    if parsed.args.is_empty() || parsed.args.len() > MAX_OBJECTS {
        return Err(format!("1 to {MAX_OBJECTS} names"));
    }
    for name in &parsed.args {
        if let Some(why) = crate::api::validation::names::dns_1123_subdomain(name).first() {
            return Err(format!("{name:?}: {why}"));
        }
    }
    let names = parsed.args.clone();
    if shell.lab.apply_settings(|settings| settings.nodes = names) {
        shell.keep();
    }
    Ok(Printed::default())
}

fn families(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [word] = exactly(parsed, "families")?;
    let families = FAMILIES
        .into_iter()
        .find(|families| families_word(families) == word)
        .ok_or_else(|| {
            let known = FAMILIES.map(families_word);
            format!("{word:?} is none of {}", known.join(" "))
        })?;
    // The same families leave ranges alone that somebody chose.
    if shell.lab.settings().families() != families
        && (shell.lab).apply_settings(|settings| settings.set_families(families))
    {
        shell.keep();
    }
    Ok(Printed::default())
}

fn power(shell: &mut Shell<'_>, parsed: &Parsed) -> Result<Printed, Refused> {
    let [node, state] = exactly(parsed, "power")?;
    let node = node.strip_prefix("node/").unwrap_or(node).to_owned();
    let running = match state {
        "on" => true,
        "off" => false,
        _ => return Err(format!("{state:?} is none of on, off")),
    };
    let found = ObjectRef::new(Kind::Node, "", &*node);
    if shell.lab.cluster().store().contains(&found)
        && shell.lab.cluster().is_running(&node) == running
    {
        return Ok(Printed::default());
    }
    act(shell, &Command::SetRunning { node, running })
}

fn rules(shell: &mut Shell<'_>, parsed: &Parsed, stdin: Option<&str>) -> Result<Printed, Refused> {
    let [node] = exactly(parsed, "rules")?;
    let node = node.strip_prefix("node/").unwrap_or(node);
    if parsed.on("restore") {
        if shell.lab.restore_rules(node) {
            shell.keep();
        }
        return Ok(Printed::default());
    }
    let text = stdin.ok_or("what iptables-save printed is read from standard input: < FILE")?;
    let outcome = shell.lab.replace_rules(node, text);
    let outcome = outcome.ok_or_else(|| format!("there is no Node {node}"))?;
    let mut printed = Printed::default();
    for found in &outcome.diagnostics {
        let line = found.span.map_or(0, |span| span.start.line);
        printed.err(format!("line {line}: {}\n", found.message));
    }
    if outcome.applied {
        shell.keep();
    } else {
        printed.code = 1;
    }
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, ms) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("7", Some(7_000)),
            ("", None),
            ("s", None),
            ("5x", None),
            ("5s7", None),
        ] {
            assert_eq!(milliseconds(text), ms, "{text}");
        }
    }
}
