//! nslookup, dig, host, getent: questions to name servers.
//!
//! Each question is walked ([`crate::lab::Lab::lookup`]). dig asks for the name as it stands, and for
//! the search list with `+search`; the others search as the C library does.
//!
//! Left out: other servers than those of the machine's resolv.conf, zone transfers, `+trace`.

use std::rc::Rc;

use super::{Told, is_busybox};
use crate::console::filters::args::Flags;
use crate::console::output::Printed;
use crate::console::shell::Shell;
use crate::dns::{Attempt, Name, RecordData, RecordType, Reply, dig as dig_text};
use crate::network::NameLookup;

/// A lookup by the tool's place.
fn lookup(
    shell: &mut Shell<'_>,
    name: &str,
    record_type: Option<RecordType>,
) -> Result<Rc<NameLookup>, String> {
    let from = shell.place().client();
    let lookup = shell.lab.lookup(&from, name, record_type);
    let lookup = lookup.map_err(|error| error.to_string())?;
    Ok(shell.looked_up(lookup))
}

/// The name that stands for an address in the reverse zones.
fn reverse(text: &str) -> Option<String> {
    match text.parse().ok()? {
        std::net::IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            Some(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
        }
        std::net::IpAddr::V6(address) => {
            let mut name = String::new();
            for byte in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
            }
            Some(name + "ip6.arpa")
        }
    }
}

/// The question that decided: the last one that was answered, else the last one.
fn decisive(lookup: &NameLookup) -> Option<&Attempt> {
    let attempts = &lookup.resolution.attempts;
    let good = |attempt: &&Attempt| match &attempt.reply {
        Reply::Answered(answer) => !answer.answer.is_empty(),
        _ => false,
    };
    let answered = |attempt: &&Attempt| matches!(attempt.reply, Reply::Answered(_));
    (attempts.iter().find(good))
        .or_else(|| attempts.iter().rev().find(answered))
        .or_else(|| attempts.last())
}

fn record_type(text: &str) -> Result<RecordType, String> {
    text.to_ascii_uppercase()
        .parse()
        .map_err(|_| format!("unknown query type: {text}"))
}

/// The address of the first name server.
fn server(shell: &mut Shell<'_>) -> Option<String> {
    let from = shell.place().client();
    let names = shell.lab.client_names(&from).ok()?;
    names.resolv_conf.lines().find_map(|line| {
        let address = line.strip_prefix("nameserver")?;
        Some(address.trim().to_owned())
    })
}

/// Only the machine's own name server is asked.
fn check_server(shell: &mut Shell<'_>, wanted: &str) -> Result<(), String> {
    let own = server(shell).unwrap_or_default();
    if wanted == own {
        return Ok(());
    }
    Err(format!(
        "asking {wanted} is not there; near: no server, which asks {own} of /etc/resolv.conf"
    ))
}

pub(super) fn nslookup(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let mut wanted = None;
    let mut words = Vec::new();
    for arg in args {
        match arg.strip_prefix('-') {
            Some(option) => {
                let (name, value) = option.split_once('=').unwrap_or((option, ""));
                if matches!(name, "type" | "q" | "query" | "querytype") {
                    wanted = Some(record_type(value)?);
                }
            }
            None => words.push(*arg),
        }
    }
    let (name, others) = words
        .split_first()
        .ok_or("usage: nslookup [-type=TYPE] HOST")?;
    if let Some(other) = others.first() {
        check_server(shell, other)?;
    }
    let reversed = reverse(name);
    let question = reversed.as_deref().unwrap_or(name);
    let asked = match &reversed {
        Some(_) => Some(RecordType::PTR),
        None => wanted,
    };
    let text = if reversed.is_some() {
        format!("{question}.")
    } else {
        question.to_owned()
    };
    let lookup = lookup(shell, &text, Some(asked.unwrap_or(RecordType::A)))?;
    let busybox = is_busybox(shell);
    let Some(attempt) = decisive(&lookup) else {
        return Err("no name server is known".to_owned());
    };
    let Reply::Answered(answer) = &attempt.reply else {
        let words = match (&attempt.reply, busybox) {
            (Reply::Refused, false) => format!(
                ";; communications error to {0}#53: connection refused\n;; no servers could be reached",
                attempt.server
            ),
            _ => ";; connection timed out; no servers could be reached".to_owned(),
        };
        return Ok(Printed::failure(1, words));
    };
    let sign = if busybox { ':' } else { '#' };
    let server = attempt.server;
    let mut printed = Printed::stdout(format!(
        "Server:\t\t{server}\nAddress:\t{server}{sign}53\n\n"
    ));
    let mut out = String::new();
    for record in &answer.answer {
        let name = record.name.relative();
        out.push_str(&match &record.data {
            RecordData::A { address } => format!("Name:\t{name}\nAddress: {address}\n"),
            RecordData::Aaaa { address } => format!("Name:\t{name}\nAddress: {address}\n"),
            RecordData::Cname { .. } => format!("{name}\tcanonical name = {}\n", record.data),
            RecordData::Ptr { .. } => format!("{name}\tname = {}\n", record.data),
            RecordData::Srv { .. } => format!("{name}\tservice = {}\n", record.data),
            other => format!("{name}\t{} = {other}\n", other.record_type()),
        });
    }
    if out.is_empty() {
        let why = match answer.is_no_data() {
            true => "No answer".to_owned(),
            false => answer.rcode.to_string(),
        };
        let asked = attempt.question.name.relative();
        let asked = if lookup.resolution.attempts.len() > 1 {
            name
        } else {
            asked
        };
        printed.out(if why == "No answer" {
            format!("*** Can't find {asked}: No answer\n\n")
        } else {
            format!("** server can't find {asked}: {why}\n\n")
        });
        printed.code = 1;
        return Ok(printed);
    }
    printed.out(out + "\n");
    Ok(printed)
}

pub(super) fn dig(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let (mut name, mut wanted) = (None, RecordType::A);
    let (mut short, mut search, mut answer_only) = (false, false, false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match *word {
            "+short" => short = true,
            "+search" => search = true,
            "+nosearch" => search = false,
            "+noall" => answer_only = true,
            word if word.starts_with('+') => {}
            "-x" => {
                let address = words.next().copied().unwrap_or_default();
                let text = reverse(address).ok_or_else(|| format!("invalid address: {address}"))?;
                name = Some(text);
                wanted = RecordType::PTR;
            }
            "-t" => wanted = record_type(words.next().copied().unwrap_or_default())?,
            "-4" | "-6" => {}
            word => {
                if let Some(server) = word.strip_prefix('@') {
                    check_server(shell, server)?;
                } else if name.is_some() || (record_type(word).is_ok() && word.len() < 6) {
                    wanted = record_type(word)?;
                } else {
                    name = Some(word.to_owned());
                }
            }
        }
    }
    let name = name.unwrap_or_else(|| ".".to_owned());
    let asked = match search || name.ends_with('.') {
        true => name.clone(),
        false => format!("{name}."),
    };
    if Name::parse(&asked).is_err() {
        return Err(format!("'{name}' is not a legal name (bad label type)"));
    }
    let lookup = lookup(shell, &asked, Some(wanted))?;
    let banner = format!("\n; <<>> DiG 9.18.28 <<>> {}\n", args.join(" "));
    let Some(attempt) = decisive(&lookup) else {
        return Ok(Printed::failure(
            9,
            format!("{banner};; no servers could be reached"),
        ));
    };
    let Reply::Answered(answer) = &attempt.reply else {
        let why = match attempt.reply {
            Reply::Refused => "connection refused",
            _ => "timed out",
        };
        let line = format!(";; communications error to {}#53: {why}\n", attempt.server);
        let text = format!(
            "{}{banner};; global options: +cmd\n;; no servers could be reached",
            line.repeat(3)
        );
        let mut printed = Printed::stdout(text + "\n");
        printed.code = 9;
        return Ok(printed);
    };
    if short {
        let lines = answer
            .answer
            .iter()
            .map(|record| format!("{}\n", record.data));
        return Ok(Printed::stdout(lines.collect::<String>()));
    }
    let text = dig_text(&attempt.question, answer);
    if answer_only {
        let records = answer.answer.iter().map(|record| format!("{record}\n"));
        return Ok(Printed::stdout(records.collect::<String>()));
    }
    Ok(Printed::stdout(format!(
        "{banner};; global options: +cmd\n;; Got answer:\n{text};; SERVER: {0}#53({0}) (UDP)\n\n",
        attempt.server
    )))
}

pub(super) fn host(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let given = Flags {
        switches: "av46",
        values: "tW",
        long: &[],
    }
    .read(args)?;
    let name = *given.words.first().ok_or("Usage: host [-t TYPE] NAME")?;
    let reversed = reverse(name).map(|name| format!("{name}."));
    let wanted = match (given.value('t'), &reversed) {
        (Some(text), _) => record_type(text)?,
        (None, Some(_)) => RecordType::PTR,
        (None, None) => RecordType::A,
    };
    let lookup = lookup(shell, reversed.as_deref().unwrap_or(name), Some(wanted))?;
    let Some(Reply::Answered(answer)) = decisive(&lookup).map(|attempt| &attempt.reply) else {
        let words = ";; connection timed out; no servers could be reached";
        return Ok(Printed::failure(1, words));
    };
    let mut out = String::new();
    for record in &answer.answer {
        let name = record.name.relative();
        let data = &record.data;
        out.push_str(&match data {
            RecordData::A { .. } => format!("{name} has address {data}\n"),
            RecordData::Aaaa { .. } => format!("{name} has IPv6 address {data}\n"),
            RecordData::Cname { .. } => format!("{name} is an alias for {data}\n"),
            RecordData::Ptr { .. } => format!("{name} domain name pointer {data}\n"),
            RecordData::Srv { .. } => format!("{name} has SRV record {data}\n"),
            other => format!("{name} has {} record {other}\n", other.record_type()),
        });
    }
    if !out.is_empty() {
        return Ok(Printed::stdout(out));
    }
    let mut printed = Printed::stdout(if answer.is_no_data() {
        format!("{name} has no {wanted} record\n")
    } else {
        let number = match answer.rcode.as_str() {
            "NXDOMAIN" => 3,
            "SERVFAIL" => 2,
            "REFUSED" => 5,
            _ => 1,
        };
        format!("Host {name} not found: {number}({})\n", answer.rcode)
    });
    printed.code = 1;
    Ok(printed)
}

/// `getent hosts NAME`, `getent ahosts NAME`.
pub(super) fn getent(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let (database, names) = match args {
        [database @ ("hosts" | "ahosts" | "ahostsv4"), names @ ..] if !names.is_empty() => {
            (*database, names)
        }
        _ => return Err("there is: getent hosts NAME, getent ahosts NAME".to_owned()),
    };
    let mut printed = Printed::default();
    for name in names {
        let lookup = lookup(shell, name, None)?;
        let resolution = &lookup.resolution;
        if resolution.addresses.is_empty() {
            printed.code = 2;
            continue;
        }
        let canonical = resolution.canonical_name.as_deref().unwrap_or(name);
        for address in &resolution.addresses {
            let address = address.to_string();
            printed.out(match database {
                "hosts" => format!("{address:<15} {canonical}\n"),
                _ => format!("{address:<15} STREAM {canonical}\n"),
            });
        }
    }
    Ok(printed)
}
