//! ping and nc: echo requests, and connections that carry nothing.

use super::{Told, is_busybox};
use crate::console::filters::args::Flags;
use crate::console::output::Printed;
use crate::console::shell::Shell;
use crate::net::{IcmpMessage, Protocol, Transport, host_port};
use crate::network::{Direction, Journey, Request, Step, VerdictKind};

/// How often ping asks where nobody says how often; a real one never ends by itself.
const PINGS: usize = 4;
/// The most echo requests, and the most ports of nc.
const MOST: usize = 100;

/// The address to which a journey's packet was sent.
fn address(journey: &Journey) -> Option<String> {
    let sent = journey.hops.iter().find(|hop| hop.step == Step::Send)?;
    Some(sent.before.dst.to_string())
}

pub(super) fn ping(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let busybox = is_busybox(shell);
    let given = Flags {
        switches: "46nqv",
        values: "cwWis",
        long: &[],
    }
    .read(args)?;
    let host = *given
        .words
        .first()
        .ok_or("usage error: Destination address required")?;
    let count = given.number('c')?.unwrap_or(PINGS).clamp(1, MOST);
    let mut printed = Printed::default();
    let mut received = 0;
    let mut errors = 0;
    for number in 0..count {
        let request = Request {
            from: shell.place().client(),
            to: match host.parse() {
                Ok(address) => format!("ping://{}", host_port(address, None)),
                Err(_) => format!("ping://{host}"),
            },
            protocol: Protocol::Udp,
        };
        let journey = shell
            .send(&request, false)
            .map_err(|error| error.to_string())?;
        let Some(address) = address(&journey) else {
            let (code, words) = match (busybox, journey.verdict.kind) {
                (_, VerdictKind::Unreachable) => (2, "connect: Network is unreachable".to_owned()),
                (true, _) => (1, format!("ping: bad address '{host}'")),
                (false, _) => (2, format!("ping: {host}: Name or service not known")),
            };
            return Ok(Printed::failure(code, words));
        };
        if number == 0 {
            printed.out(match busybox {
                true => format!("PING {host} ({address}): 56 data bytes\n"),
                false => format!("PING {host} ({address}) 56(84) bytes of data.\n"),
            });
        }
        if journey.verdict.kind == VerdictKind::Answered {
            received += 1;
            let last = journey.hops.last();
            let ttl = last.map_or(64, |hop| hop.after.ttl);
            printed.out(match busybox {
                true => format!("64 bytes from {address}: seq={number} ttl={ttl}\n"),
                false => format!(
                    "64 bytes from {address}: icmp_seq={} ttl={ttl}\n",
                    number + 1
                ),
            });
        } else if let Some((from, what)) = error_of(&journey) {
            errors += 1;
            if !busybox {
                printed.out(format!("From {from} icmp_seq={} {what}\n", number + 1));
            }
        }
    }
    let lost = (count - received) * 100 / count;
    printed.out(format!("\n--- {host} ping statistics ---\n"));
    let told = if errors > 0 && !busybox {
        format!("+{errors} errors, ")
    } else {
        String::new()
    };
    printed.out(match busybox {
        true => format!(
            "{count} packets transmitted, {received} packets received, {lost}% packet loss\n"
        ),
        false => {
            format!("{count} packets transmitted, {received} received, {told}{lost}% packet loss\n")
        }
    });
    printed.code = u8::from(received == 0);
    Ok(printed)
}

/// Who sent an ICMP error back, and what it says.
fn error_of(journey: &Journey) -> Option<(String, &'static str)> {
    let back = |hop: &&crate::network::Hop| hop.direction == Direction::Reply;
    let hop = journey.hops.iter().rev().find(back)?;
    let Transport::Icmp { message, .. } = hop.before.transport else {
        return None;
    };
    let what = match message {
        IcmpMessage::EchoRequest | IcmpMessage::EchoReply => return None,
        IcmpMessage::PortUnreachable => "Destination Port Unreachable",
        IcmpMessage::HostUnreachable => "Destination Host Unreachable",
        IcmpMessage::TimeExceeded => "Time to live exceeded",
        _ => "Destination Net Unreachable",
    };
    Some((hop.before.src.to_string(), what))
}

pub(super) fn nc(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let busybox = is_busybox(shell);
    let given = Flags {
        switches: "zvunlk46",
        values: "wqpis",
        long: &[],
    }
    .read(args)?;
    if given.has('l') {
        return Err("listening is not there; near: lab listen POD all".to_owned());
    }
    let [host, ports] = given.words[..] else {
        return Err("usage: nc [-zvu] [-w SECONDS] HOST PORT[-PORT]".to_owned());
    };
    let number = |text: &str| {
        let number = text.parse::<u16>().ok().filter(|port| *port > 0);
        number.ok_or_else(|| format!("port number invalid: {text}"))
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (number(first)?, number(last)?);
    if usize::from(last.saturating_sub(first)) >= MOST {
        return Err(format!("more than {MOST} ports"));
    }
    let udp = given.has('u');
    let (protocol, word) = if udp {
        (Protocol::Udp, "udp")
    } else {
        (Protocol::Tcp, "tcp")
    };
    let mut printed = Printed::default();
    let mut is_open = false;
    for port in first..=last {
        let to = match host.parse() {
            Ok(address) => host_port(address, Some(port)),
            Err(_) => format!("{host}:{port}"),
        };
        let request = Request {
            from: shell.place().client(),
            to: format!("{word}://{to}"),
            protocol,
        };
        let journey = shell
            .send(&request, false)
            .map_err(|error| error.to_string())?;
        let Some(address) = address(&journey) else {
            let words = match busybox {
                true => format!("nc: bad address '{host}'"),
                false => format!(
                    "nc: getaddrinfo for host \"{host}\" port {port}: Name or service not known"
                ),
            };
            return Ok(Printed::failure(1, words));
        };
        let kind = journey.verdict.kind;
        // Nothing that comes back says that a datagram was not read.
        let open = match kind {
            VerdictKind::Answered | VerdictKind::WrongAnswer => true,
            VerdictKind::TimedOut => udp,
            _ => false,
        };
        is_open |= open;
        let why = match kind {
            VerdictKind::Refused => "Connection refused",
            VerdictKind::Unreachable => "No route to host",
            _ => "Connection timed out",
        };
        if open && given.has('v') {
            printed.err(match busybox {
                true => format!("{host} ({address}:{port}) open\n"),
                false => {
                    format!("Connection to {host} ({address}) {port} port [{word}/*] succeeded!\n")
                }
            });
        } else if !open && (given.has('v') || busybox) {
            printed.err(match busybox {
                true => format!("nc: {host} ({address}:{port}): {why}\n"),
                false => format!(
                    "nc: connect to {host} ({address}) port {port} ({word}) failed: {why}\n"
                ),
            });
        }
    }
    printed.code = u8::from(!is_open);
    Ok(printed)
}
