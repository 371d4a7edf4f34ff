//! On the way there: sending, entering, rewriting, travelling.

use std::net::IpAddr;

use super::{Place, Said, and, bare, cap, phrase, the};
use crate::net::{Packet, Transport};
use crate::netfilter::Draw;
use crate::netfilter::chance::{ONE, compared};
use crate::netfilter::ipvs::Scheduler;
use crate::words::{Mark, Words};

/// What a client opens.
fn opens(packet: &Packet) -> &'static str {
    match packet.transport {
        Transport::Tcp { flags, .. } if !flags.syn => {
            "sends another request by its open connection to"
        }
        Transport::Tcp { .. } => "opens a TCP connection to",
        Transport::Udp { .. } => "sends a UDP datagram to",
        Transport::Sctp { .. } => "opens an SCTP association to",
        Transport::Icmp { .. } => "pings",
    }
}

pub(in crate::network) fn send(client: Place<'_>, packet: &Packet) -> Said {
    let to = packet.to_text();
    let (hotel, cluster) = (client.hotel(), client.as_client());
    let port = packet.transport.sport();
    let title = match client {
        Place::Outside(_) => Words::new(format!("{} sends", cap(bare(&hotel))), "Client sends"),
        Place::Node(name) => Words::new(
            format!("{} sends", cap(&hotel)),
            format!("Process on {name} sends"),
        ),
        _ => Words::new(format!("{} sends", cap(&hotel)), format!("{cluster} sends")),
    };
    Said {
        title,
        aside: Words::same(to.clone()),
        tick: Words::new("send", "client"),
        sentence: Words::new(
            phrase()
                .say(format!("{} sends a guest to ", cap(&hotel)))
                .mark(Mark::Guest, to.clone())
                .say("."),
            phrase()
                .say(format!("{} {} ", the(&cluster), opens(packet)))
                .mark(Mark::Guest, to)
                .say("."),
        ),
        why: if matches!(packet.transport, Transport::Tcp { flags, .. } if !flags.syn) {
            Words::new(
                format!(
                    "The guest's card says from {} to {}, as before.",
                    packet.from_text(),
                    packet.to_text()
                ),
                format!(
                    "The source is {} as before (keep-alive).",
                    packet.from_text()
                ),
            )
        } else {
            Words::new(
                format!(
                    "The guest's card says from {} to {}.",
                    packet.from_text(),
                    packet.to_text()
                ),
                format!(
                    "The source is {}: an address of its own that fits the way out{}.",
                    packet.from_text(),
                    if port.is_some() {
                        ", and a free port"
                    } else {
                        ""
                    }
                ),
            )
        },
    }
}

pub(in crate::network) fn proxy(place: Place<'_>, packet: &Packet) -> Said {
    let to = packet.to_text();
    let name = place.cluster();
    Said {
        title: Words::new(
            "The doorman calls the hotel",
            format!("{name} opens a connection of its own"),
        ),
        aside: Words::same(to.clone()),
        tick: Words::new("doorman", "proxy"),
        sentence: Words::new(
            phrase()
                .say("The doorman takes the guest's message and sends his own guest to ")
                .mark(Mark::Guest, to.clone())
                .say("."),
            phrase()
                .say(format!(
                    "The load balancer {name} ends the client's connection and opens its own to "
                ))
                .mark(Mark::Guest, to)
                .say("."),
        ),
        why: Words::same(
            "It works as a proxy (ipMode: Proxy), so no Node ever sees the client's packet.",
        ),
    }
}

/// What a Node is to the packet that enters it.
pub(in crate::network) struct Entry<'a> {
    /// Whether the packet is for an address of the Node itself.
    pub(in crate::network) own_address: bool,
    /// Whether it is for an address that is bound there, the Node's own or a virtual server's.
    pub(in crate::network) bound: bool,
    /// Whether the Node's rules know the destination.
    pub(in crate::network) known: bool,
    /// Where they do.
    pub(in crate::network) through: Option<&'a str>,
}

pub(in crate::network) fn enter(node: &str, packet: &Packet, entry: &Entry<'_>) -> Said {
    let &Entry {
        own_address,
        bound,
        known,
        through,
    } = entry;
    let port = packet.transport.dport();
    let to = packet.to_text();
    let chain = through.unwrap_or("no rule in nat");
    let (title, tick, sentence) = match (port, own_address, known) {
        (Some(port), true, true) => (
            Words::new(
                format!("Side door {port}, wing {node}"),
                format!("NodePort {port} on {node}"),
            ),
            Words::new("side door", "NodePort"),
            Words::new(
                format!("The guest comes to side door {port} of wing {node}."),
                format!("The packet reaches {node} at its node port {port}."),
            ),
        ),
        (_, false, true) => (
            Words::new(
                format!("Main entrance {}, wing {node}", packet.dst),
                format!("{to} arrives at {node}"),
            ),
            Words::new("entrance", "arrives"),
            Words::new(
                format!("The guest comes to wing {node} and asks for {to}."),
                format!("The packet for {to} reaches {node}."),
            ),
        ),
        (_, true, _) => (
            Words::new(
                format!("Outer wall of wing {node}"),
                format!("{to} is {node} itself"),
            ),
            Words::new("wing", "Node"),
            Words::new(
                format!("The guest comes to wing {node}, where no side door has this number."),
                format!("The packet is for {node} itself; no node port has this number."),
            ),
        ),
        (_, false, false) => (
            Words::new(
                format!("Through wing {node}"),
                format!("{node} is to pass it on"),
            ),
            Words::new("wing", "Node"),
            Words::new(
                format!("The guest comes to wing {node} on the way to {to}."),
                format!("The packet for {to} reaches {node}."),
            ),
        ),
    };
    let why = if own_address {
        Words::new(
            format!("{} is the wing's own address.", packet.dst),
            format!("{} is an address of {node} (addrtype LOCAL).", packet.dst),
        )
    } else if bound {
        Words::same(format!(
            "The network sends {} to {node}, where it is bound to kube-ipvs0.",
            packet.dst
        ))
    } else {
        Words::same(format!(
            "The network sends {} to {node}; it is none of {node}'s own addresses.",
            packet.dst
        ))
    };
    Said {
        title,
        aside: Words::same(chain),
        tick,
        sentence,
        why,
    }
}

/// What a Node's rules did.
pub(in crate::network) struct Nat<'a> {
    pub(in crate::network) node: &'a str,
    pub(in crate::network) before: &'a Packet,
    pub(in crate::network) after: &'a Packet,
    pub(in crate::network) dnat: bool,
    pub(in crate::network) snat: bool,
    /// Whether a rule changed the source, and no clash of ports did.
    pub(in crate::network) snat_by_rule: bool,
    /// Whether the destination was decided by an earlier packet of the connection.
    pub(in crate::network) known: bool,
    /// Whether IPVS passed it on.
    pub(in crate::network) ipvs: bool,
    /// Whether session affinity decided.
    pub(in crate::network) affinity: bool,
    pub(in crate::network) draws: &'a [Draw],
    /// Where it goes next.
    pub(in crate::network) onwards: Option<Place<'a>>,
}

pub(in crate::network) fn nat(nat: &Nat<'_>) -> Said {
    let node = nat.node;
    let to = nat.after.to_text();
    let dnat_only = phrase();
    let (aside, sentence) = match (nat.dnat, nat.snat) {
        (true, true) => (
            "DNAT + SNAT",
            Words::new(
                dnat_only
                    .say("The desk wrote ")
                    .mark(Mark::Dnat, to.clone())
                    .say(" on the card; wing ")
                    .mark(Mark::Snat, node)
                    .say(" signed in its own name."),
                phrase()
                    .say("The destination became ")
                    .mark(Mark::Dnat, to)
                    .say(" (DNAT), the source ")
                    .mark(Mark::Snat, nat.after.src.to_string())
                    .say(" (SNAT)."),
            ),
        ),
        (true, false) => (
            "DNAT",
            Words::new(
                dnat_only
                    .say("The desk wrote ")
                    .mark(Mark::Dnat, to.clone())
                    .say(" on the card."),
                phrase()
                    .say("The destination became ")
                    .mark(Mark::Dnat, to)
                    .say(" (DNAT)."),
            ),
        ),
        (false, true) => (
            "SNAT",
            Words::new(
                phrase()
                    .say("Wing ")
                    .mark(Mark::Snat, node)
                    .say(" signed in its own name."),
                phrase()
                    .say("The source became ")
                    .mark(Mark::Snat, nat.after.from_text())
                    .say(" (SNAT)."),
            ),
        ),
        (false, false) => {
            let onwards = nat.onwards;
            let hotel =
                onwards.map_or_else(String::new, |to| format!(", and goes on to {}", to.hotel()));
            let cluster = onwards.map_or_else(String::new, |to| {
                format!(" and goes on to {}", to.cluster())
            });
            (
                "no match",
                Words::new(
                    format!(
                        "The sheet of wing {node} says nothing about {to}: the guest keeps the card{hotel}."
                    ),
                    format!(
                        "No NAT rule of {node} is about {to}: the packet stays as it is{cluster}."
                    ),
                ),
            )
        }
    };
    let mut why = Words::default();
    if nat.dnat {
        why = and(why, choice(nat));
    }
    if nat.snat {
        why = and(
            why,
            if nat.snat_by_rule {
                Words::new(
                    "The wing signs, so that the reply comes back through it.",
                    format!("Masquerade makes the reply come back through {node}."),
                )
            } else {
                Words::new(
                    format!(
                        "Another visit has the card's number already, so wing {node} gave a free one."
                    ),
                    format!(
                        "Source port {} is taken by another connection on {node}, so a free one was chosen.",
                        nat.before.transport.sport().unwrap_or_default()
                    ),
                )
            },
        );
    } else if nat.dnat {
        why = and(
            why,
            Words::new(
                "The guest's own name stays on the card.",
                format!(
                    "The source stays {}: no rule marked it for masquerade.",
                    nat.after.src
                ),
            ),
        );
    } else {
        why = and(
            why,
            Words::new(
                "The desk's sheet is read line by line, and no line is about this guest.",
                "Every rule looked at is listed with the reason why it did not match.",
            ),
        );
    }
    Said {
        title: Words::new(
            format!("Desk, on {node}\u{2019}s sheet"),
            if nat.dnat {
                format!("Service, rules of {node}")
            } else {
                format!("Rules of {node}")
            },
        ),
        aside: Words::same(aside),
        tick: Words::new("desk", "NAT"),
        sentence,
        why,
    }
}

/// Why this endpoint and no other.
fn choice(nat: &Nat<'_>) -> Words {
    if nat.known {
        return Words::new(
            "The key log knows this visit: the desk is not asked again.",
            if nat.ipvs {
                "IPVS knows the connection: its first packet decided."
            } else {
                "conntrack knows the connection: its first packet decided, and no rule of nat is asked again."
            },
        );
    }
    if nat.affinity {
        return Words::new(
            "The same guest came before, so it is the same room again.",
            "Session affinity: this source address was here before, so it gets the same endpoint.",
        );
    }
    if let Some(Draw::Scheduled {
        at,
        scheduler,
        of,
        persistent,
    }) = nat.draws.last()
    {
        return scheduled(*scheduler, at.number, *of, *persistent);
    }
    match drawn(nat.draws) {
        Some((1, ..)) | None => Words::new(
            "There is one made-up room, so there was nothing to draw.",
            "There is one endpoint, so nothing was drawn.",
        ),
        Some((count, chosen, said)) => Words::new(
            format!(
                "The desk drew one of {count} made-up rooms ({said}: {}).",
                ordinal(chosen)
            ),
            format!(
                "One of {count} endpoints was drawn ({said}: {}).",
                ordinal(chosen)
            ),
        ),
    }
}

/// How IPVS found its real server.
fn scheduled(scheduler: Scheduler, number: u32, of: u32, persistent: bool) -> Words {
    if persistent {
        return Words::new(
            "The same guest came before, so it is the same room again.",
            "IPVS persistence: this source address was here before, so it gets the same real server.",
        );
    }
    if of == 1 {
        return Words::new(
            "There is one made-up room, so there was nothing to choose.",
            "There is one real server, so there was nothing to choose.",
        );
    }
    let which = ordinal(number as usize);
    let (hotel, cluster) = match scheduler {
        Scheduler::RoundRobin => ("its turn in the row", "round robin, its turn"),
        Scheduler::WeightedRoundRobin => ("its turn by weight", "weighted round robin, its turn"),
        Scheduler::LeastConnection => ("the fewest visits", "the fewest connections"),
        Scheduler::WeightedLeastConnection => (
            "the fewest visits for its weight",
            "the fewest connections for its weight",
        ),
        Scheduler::ShortestExpectedDelay => (
            "the shortest wait",
            "the fewest open connections for its weight",
        ),
        Scheduler::NeverQueue => ("no queue at its door", "no open connection, or the fewest"),
        Scheduler::SourceHashing => ("by the guest's name", "hash of the source address"),
        Scheduler::MaglevHashing => ("by the guest's card", "Maglev hash of the source"),
    };
    Words::new(
        format!("The list of the wing gave {which} of {of} rooms ({hotel})."),
        format!("IPVS chose {which} of {of} real servers ({scheduler}: {cluster})."),
    )
}

/// What the draws come to: one of how many, which one, and the numbers. The thresholds of an even
/// choice by iptables are 1/n, 1/(n-1), …; others are told as they are, counted as the rules stand.
fn drawn(draws: &[Draw]) -> Option<(usize, usize, String)> {
    let (last_at, last_threshold, last_drawn) = match draws.last()? {
        Draw::Choice { chosen, of, .. } => {
            let said = format!("number {chosen} of 0 to {}", of.saturating_sub(1));
            let chosen = usize::try_from(*chosen).ok()? + 1;
            return Some((usize::try_from(*of).ok()?, chosen, said));
        }
        Draw::Random {
            at,
            drawn,
            threshold,
        } => (at, *threshold, *drawn),
        Draw::Scheduled { .. } => return None,
    };
    // Earlier draws may belong to another chain.
    let chain: Vec<(u32, u32)> = (draws.iter())
        .filter_map(|draw| match draw {
            Draw::Random {
                at,
                drawn,
                threshold,
            } if at.chain == last_at.chain && at.table == last_at.table => {
                Some((*drawn, *threshold))
            }
            _ => None,
        })
        .collect();
    let (_, first) = *chain.first().filter(|(_, threshold)| *threshold > 0)?;
    let nearest = (u64::from(ONE) + u64::from(first) / 2) / u64::from(first);
    let count = usize::try_from(nearest).ok()?;
    let chosen = chain.len() + usize::from(last_drawn >= last_threshold);
    let said: Vec<String> = (chain.iter())
        .skip(chain.len().saturating_sub(3))
        .map(|&(drawn, threshold)| {
            let sign = if drawn < threshold { '<' } else { '≥' };
            let (drawn, threshold) = compared(drawn, threshold);
            let threshold = threshold.trim_end_matches('0');
            let pad = if threshold.ends_with('.') { "0" } else { "" };
            format!("{drawn} {sign} {threshold}{pad}")
        })
        .collect();
    let dots = if chain.len() > 3 { "… " } else { "" };
    Some((
        count.max(chosen),
        chosen,
        format!("{dots}{}", said.join(", ")),
    ))
}

fn ordinal(number: usize) -> String {
    const WORDS: [&str; 10] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth",
    ];
    match WORDS.get(number.wrapping_sub(1)) {
        Some(word) => format!("the {word}"),
        None => format!("number {number}"),
    }
}

pub(in crate::network) fn route(
    from: &str,
    to: &str,
    device: &str,
    next_hop: Option<IpAddr>,
    packet: &Packet,
) -> Said {
    if from == to {
        return Said {
            title: Words::new(format!("Corridor in wing {to}"), format!("Bridge on {to}")),
            aside: Words::same(device),
            tick: Words::new("corridor", "bridge"),
            sentence: Words::new(
                format!("The guest walks down the corridor of wing {to}."),
                format!(
                    "{to} hands the packet to {} by its device {device}.",
                    packet.dst
                ),
            ),
            why: Words::new(
                "The room is in this wing.",
                format!("The route to {} is on {device} itself.", packet.dst),
            ),
        };
    }
    let via = next_hop.map_or_else(String::new, |next_hop| format!("via {next_hop}"));
    let direct = next_hop == Some(packet.dst);
    Said {
        title: Words::new(format!("Corridor to wing {to}"), format!("Route to {to}")),
        aside: Words::same(via.clone()),
        tick: Words::new("corridor", "route"),
        sentence: Words::new(
            format!("The guest walks along the corridor to wing {to}."),
            format!("{from} sends the packet to {to}."),
        ),
        why: if direct {
            Words::new(
                format!("{} is wing {to} itself.", packet.dst),
                format!(
                    "{} is on the network of {from}'s device {device}.",
                    packet.dst
                ),
            )
        } else {
            Words::new(
                format!("{} is a room number of wing {to}.", packet.dst),
                format!("The route of {from} to {} goes {via}.", packet.dst),
            )
        },
    }
}

pub(in crate::network) fn over_the_router(to: &str, packet: &Packet) -> Said {
    Said {
        title: Words::new("Over the street", "Over the router"),
        aside: Words::same(packet.dst.to_string()),
        tick: Words::new("street", "router"),
        sentence: Words::new(
            format!("The guest leaves the wing and is sent on to wing {to}."),
            format!("The LAN's router sends the packet to {to}."),
        ),
        why: Words::same(format!(
            "The router has a route for {} to {to}.",
            packet.dst
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::RuleAt;

    fn draw(number: u32, drawn: u32, threshold: u32) -> Draw {
        Draw::Random {
            at: RuleAt::new("nat", "KUBE-SVC-X", number),
            drawn,
            threshold,
        }
    }

    #[test]
    fn draws_are_told_as_a_choice_of_so_many() {
        let half = ONE / 2;
        assert_eq!(
            drawn(&[draw(2, 1_529_000_000, half)]),
            Some((2, 2, "0.71 ≥ 0.5".to_owned()))
        );
        assert_eq!(
            drawn(&[
                draw(2, 1_529_000_000, 715_827_883),
                draw(3, 430_000_000, half)
            ]),
            Some((3, 2, "0.71 ≥ 0.33, 0.20 < 0.5".to_owned()))
        );
        assert_eq!(drawn(&[]), None);
    }
}
