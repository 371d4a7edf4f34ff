//! What a hop is called, in the hotel's words and in the field's own.
//!
//! Only wording: every fact comes in by argument. One sentence says what happened, one or two say
//! why. Numbers are never rounded into another truth: a draw is cut to as many digits as tell it
//! from its threshold.

use std::net::IpAddr;

use super::journey::Change;
use crate::net::{IcmpMessage, Packet, Transport};
use crate::netfilter::chance::{ONE, compared};
use crate::netfilter::{Draw, Loss, RuleAt};
use crate::words::{Mark, Phrase, Words};

/// Where something is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Node(&'a str),
    Pod {
        name: &'a str,
        address: Option<IpAddr>,
    },
    Router,
    Outside(&'a str),
}

impl Place<'_> {
    fn hotel(self) -> String {
        match self {
            Self::Node(name) => format!("wing {name}"),
            Self::Pod {
                address: Some(address),
                ..
            } => format!("room {address}"),
            Self::Pod { name, .. } => format!("room {name}"),
            Self::Router => "the router".to_owned(),
            Self::Outside(name) => {
                if name.chars().all(|c| c.is_ascii_lowercase()) {
                    format!("the {name}")
                } else {
                    name.to_owned()
                }
            }
        }
    }

    fn cluster(self) -> String {
        match self {
            Self::Node(name) => name.to_owned(),
            Self::Pod { name, .. } => format!("Pod {name}"),
            Self::Router => "the router".to_owned(),
            Self::Outside(name) => name.to_owned(),
        }
    }
}

/// The words of a hop.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) title: Words,
    pub(super) aside: Words,
    pub(super) tick: Words,
    pub(super) sentence: Words,
    pub(super) why: Words,
}

fn phrase() -> Phrase {
    Phrase::default()
}

/// With a capital letter at its head.
fn cap(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Without `the` at its head, for titles.
fn bare(text: &str) -> &str {
    text.strip_prefix("the ").unwrap_or(text)
}

fn and(mut one: Words, other: Words) -> Words {
    for (phrase, more) in [
        (&mut one.hotel, other.hotel),
        (&mut one.cluster, other.cluster),
    ] {
        if !phrase.0.is_empty() && !more.0.is_empty() {
            *phrase = std::mem::take(phrase).say(" ");
        }
        phrase.0.extend(more.0);
    }
    one
}

/// What a client opens.
fn opens(packet: &Packet) -> &'static str {
    match packet.transport {
        Transport::Tcp { .. } => "opens a TCP connection to",
        Transport::Udp { .. } => "sends a UDP datagram to",
        Transport::Sctp { .. } => "opens an SCTP association to",
        Transport::Icmp { .. } => "pings",
    }
}

pub(super) fn send(client: Place<'_>, packet: &Packet) -> Said {
    let to = packet.to_text();
    let (hotel, cluster) = (client.hotel(), client.cluster());
    let title = match client {
        Place::Outside(_) => Words::new(format!("{} sends", cap(bare(&hotel))), "Client sends"),
        Place::Node(name) => Words::new(
            format!("{} sends", cap(&hotel)),
            format!("Process on {name} sends"),
        ),
        _ => Words::new(
            format!("{} sends", cap(&hotel)),
            format!("{} sends", cap(&cluster)),
        ),
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
                .say(format!("{} {} ", cap(&cluster), opens(packet)))
                .mark(Mark::Guest, to)
                .say("."),
        ),
        why: Words::new(
            format!(
                "The guest's card says from {} to {}.",
                packet.from_text(),
                packet.to_text()
            ),
            format!(
                "The source is {}: the address of the device by which the packet leaves, and a free port.",
                packet.from_text()
            ),
        ),
    }
}

pub(super) fn proxy(place: Place<'_>, packet: &Packet) -> Said {
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

pub(super) fn enter(
    node: &str,
    packet: &Packet,
    own_address: bool,
    known: bool,
    through: Option<&str>,
) -> Said {
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
pub(super) struct Nat<'a> {
    pub(super) node: &'a str,
    pub(super) before: &'a Packet,
    pub(super) after: &'a Packet,
    pub(super) dnat: bool,
    pub(super) snat: bool,
    /// Whether a rule changed the source, and no clash of ports did.
    pub(super) snat_by_rule: bool,
    /// Whether the destination was decided by an earlier packet of the connection.
    pub(super) known: bool,
    /// Whether session affinity decided.
    pub(super) affinity: bool,
    pub(super) draws: &'a [Draw],
    /// Where it goes next.
    pub(super) onwards: Option<Place<'a>>,
}

pub(super) fn nat(nat: &Nat<'_>) -> Said {
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
            "conntrack knows the connection: its first packet decided.",
        );
    }
    if nat.affinity {
        return Words::new(
            "The same guest came before, so it is the same room again.",
            "Session affinity: this source address was here before, so it gets the same endpoint.",
        );
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

/// What the draws come to: one of how many, which one, and the numbers. The thresholds of an even
/// choice are 1/n, 1/(n-1), …; others are told as they are, counted as the rules stand.
fn drawn(draws: &[Draw]) -> Option<(usize, usize, String)> {
    let last = draws.last()?;
    // Earlier draws may belong to another chain.
    let chain: Vec<&Draw> = (draws.iter())
        .filter(|draw| draw.at.chain == last.at.chain && draw.at.table == last.at.table)
        .collect();
    let first = chain.first().filter(|draw| draw.threshold > 0)?;
    let count = usize::try_from(
        (u64::from(ONE) + u64::from(first.threshold) / 2) / u64::from(first.threshold),
    )
    .ok()?;
    let chosen = chain.len() + usize::from(!last.matched());
    let said: Vec<String> = (chain.iter())
        .rev()
        .take(3)
        .rev()
        .map(|draw| {
            let (drawn, threshold) = compared(draw.drawn, draw.threshold);
            let sign = if draw.matched() { '<' } else { '≥' };
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

pub(super) fn route(
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
    Said {
        title: Words::new(format!("Corridor to wing {to}"), format!("Route to {to}")),
        aside: Words::same(via.clone()),
        tick: Words::new("corridor", "route"),
        sentence: Words::new(
            format!("The guest walks along the corridor to wing {to}."),
            format!("{from} sends the packet to {to}."),
        ),
        why: Words::new(
            format!("{} is in wing {to}.", packet.dst),
            format!("The route of {from} to {} goes {via}.", packet.dst),
        ),
    }
}

pub(super) fn over_the_router(to: &str, packet: &Packet) -> Said {
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

pub(super) fn deliver(place: Place<'_>, pod: Option<&str>, packet: &Packet, hidden: bool) -> Said {
    let sees = packet.src;
    let (hotel, cluster) = match (place, pod) {
        (Place::Pod { .. }, _) => (
            format!("room {}", packet.dst),
            format!("Pod {}", packet.dst),
        ),
        (Place::Node(node), Some(pod)) => (
            format!("room {} in wing {node}'s own walls", name_of(pod)),
            format!("Pod {} on {node}'s own network", name_of(pod)),
        ),
        (Place::Node(node), None) => (format!("wing {node} itself"), format!("{node} itself")),
        (place, _) => (place.hotel(), place.cluster()),
    };
    let ping = matches!(packet.transport, Transport::Icmp { .. });
    Said {
        title: Words::new(
            format!("{} answers", cap(&hotel)),
            format!("{} answers", cap(&cluster)),
        ),
        aside: Words::same(match packet.transport {
            Transport::Tcp { .. } => "200 OK",
            Transport::Icmp { .. } => "echo reply",
            _ => "answer",
        }),
        tick: match place {
            Place::Pod { .. } => Words::new("room", "Pod"),
            Place::Node(_) => Words::new("wing", "Node"),
            _ => Words::new("answer", "server"),
        },
        sentence: Words::new(
            phrase()
                .say(format!("{} opens to a guest from ", cap(&hotel)))
                .mark(
                    if hidden { Mark::Snat } else { Mark::Guest },
                    sees.to_string(),
                )
                .say("."),
            phrase()
                .say(format!(
                    "{} answers{}; the peer it sees is ",
                    cap(&cluster),
                    if ping { " the ping" } else { "" }
                ))
                .mark(
                    if hidden { Mark::Snat } else { Mark::Guest },
                    sees.to_string(),
                )
                .say("."),
        ),
        why: if hidden {
            Words::new(
                "It does not see who came: the card is signed by the wing.",
                "It does not see the client's address: the source was rewritten on the way.",
            )
        } else {
            Words::new(
                "It sees the guest's own name.",
                "It sees the client's own address.",
            )
        },
    }
}

fn name_of(pod: &str) -> &str {
    pod.rsplit('/').next().unwrap_or(pod)
}

fn port_text(packet: &Packet) -> String {
    packet
        .transport
        .dport()
        .map_or_else(String::new, |port| format!("port {port}"))
}

pub(super) fn nobody_listens(place: Place<'_>, packet: &Packet) -> Said {
    let port = port_text(packet);
    let udp = !matches!(packet.transport, Transport::Tcp { .. });
    Said {
        title: Words::new(
            format!("Nobody at {port} in {}", place.hotel()),
            format!("Nobody listens on {port}"),
        ),
        aside: Words::same(if udp { "ICMP" } else { "RST" }),
        tick: Words::new("refused", if udp { "ICMP" } else { "RST" }),
        sentence: Words::new(
            phrase()
                .say(format!(
                    "{} is there, but nobody opens at ",
                    cap(&place.hotel())
                ))
                .mark(Mark::Bad, port.clone())
                .say("."),
            phrase()
                .say(format!(
                    "{} has the packet, but no process listens on ",
                    cap(&place.cluster())
                ))
                .mark(Mark::Bad, port)
                .say("."),
        ),
        why: Words::new(
            "The guest hears \u{201c}connection refused\u{201d} at once.",
            if udp {
                "The host's own stack answers with ICMP port unreachable."
            } else {
                "The host's own stack answers with a TCP reset."
            },
        ),
    }
}

pub(super) fn by_rule(
    place: Place<'_>,
    by: &RuleAt,
    comment: Option<&str>,
    rejected: bool,
    packet: &Packet,
) -> Said {
    let verb = if rejected { "REJECT" } else { "DROP" };
    let said = match comment {
        Some(comment) if !comment.is_empty() => comment.to_owned(),
        _ if by.number == 0 => format!("the policy of chain {} is DROP", by.chain),
        _ => format!(
            "rule {} of chain {} in table {}",
            by.number, by.chain, by.table
        ),
    };
    let (title, hotel_end, cluster_end) = if rejected {
        (
            Words::new("Desk turns the guest away", cap(&said)),
            "The guest is turned away.",
            "The packet is rejected.",
        )
    } else {
        (
            Words::new("Nobody opens the door", cap(&said)),
            "Nobody answers the guest.",
            "The packet is dropped.",
        )
    };
    Said {
        title,
        aside: Words::same(verb),
        tick: if rejected {
            Words::new("refused", "REJECT")
        } else {
            Words::new("no answer", "DROP")
        },
        sentence: Words::new(
            phrase()
                .say(format!("The sheet of {} says: ", place.hotel()))
                .mark(Mark::Bad, said.clone())
                .say(format!(". {hotel_end}")),
            phrase()
                .say(format!("A rule of {} says: ", place.cluster()))
                .mark(Mark::Bad, said)
                .say(format!(". {cluster_end}")),
        ),
        why: if rejected {
            Words::new(
                "The guest hears \u{201c}connection refused\u{201d} at once.",
                format!(
                    "Rule {by} rejects packets for {}, so the sender hears \u{201c}connection refused\u{201d} at once.",
                    packet.to_text()
                ),
            )
        } else {
            Words::new(
                "The guest waits until he gives up.",
                format!(
                    "Rule {by} drops the packet in silence, so the sender waits until its time is up."
                ),
            )
        },
    }
}

pub(super) fn lost(place: Place<'_>, why: Loss, packet: &Packet, with: Option<Place<'_>>) -> Said {
    let (hotel_place, cluster_place) = (place.hotel(), place.cluster());
    let dst = packet.dst;
    let (hotel, cluster, because): (String, String, String) = match why {
        Loss::Blackhole => (
            format!("The guest is lost on the street: nobody there knows the way to {dst}."),
            format!(
                "{} throws the packet away: it has no way to {dst}.",
                cap(&cluster_place)
            ),
            format!("{dst} is no machine's address, and no rule rewrote it before it left."),
        ),
        Loss::NoRoute | Loss::Unreachable => (
            format!("{} knows no way to {dst}.", cap(&hotel_place)),
            format!("{} has no route to {dst}.", cap(&cluster_place)),
            "Without a route nothing can be sent.".to_owned(),
        ),
        Loss::TimeExceeded => {
            let other = with.map_or_else(|| "the network".to_owned(), Place::cluster);
            (
                format!(
                    "The guest goes round and round between {hotel_place} and {other} until his time is up."
                ),
                format!(
                    "The packet goes round between {cluster_place} and {other} until its TTL ends."
                ),
                format!(
                    "The network sends {dst} to a Node, no rule there is about it, and the Node sends it back."
                ),
            )
        }
        Loss::MartianSource => (
            format!(
                "{} gets back its own guest and does not let him in.",
                cap(&hotel_place)
            ),
            format!(
                "{} throws the packet away: it came from outside with {cluster_place}'s own address {} as its source.",
                cap(&cluster_place),
                packet.src
            ),
            "No rule was about it when it left, and the network sent it back (a martian source)."
                .to_owned(),
        ),
        Loss::MartianDestination => (
            format!(
                "{} lets nobody in from outside who asks for {dst}.",
                cap(&hotel_place)
            ),
            format!(
                "{} throws the packet away: {dst} is a loopback address.",
                cap(&cluster_place)
            ),
            "A loopback address is only reached on the host itself (route_localnet is off)."
                .to_owned(),
        ),
        Loss::NotForwarding => (
            format!("{} is no thoroughfare.", cap(&hotel_place)),
            format!("{} is not {dst} and forwards nothing.", cap(&cluster_place)),
            "It is no router.".to_owned(),
        ),
        Loss::TableFull => (
            format!("The key log of {hotel_place} is full."),
            format!("The connection table of {cluster_place} is full."),
            "New connections are dropped until old ones expire (nf_conntrack: table full)."
                .to_owned(),
        ),
        Loss::NoAddress => (
            format!("{} has no name to sign with.", cap(&hotel_place)),
            format!("{} has no address to masquerade with.", cap(&cluster_place)),
            "No device has an address of this family.".to_owned(),
        ),
        Loss::GaveUp => (
            format!("The sheet of {hotel_place} has no end."),
            format!("The rules of {cluster_place} jump too often; the walk was given up."),
            "More rules than the limit were looked at.".to_owned(),
        ),
    };
    Said {
        title: Words::new(
            "Lost on the way",
            format!("Lost at {}", bare(&cluster_place)),
        ),
        aside: Words::same(match why {
            Loss::TimeExceeded => "TTL",
            Loss::MartianSource | Loss::MartianDestination => "martian",
            Loss::Blackhole | Loss::NoRoute | Loss::Unreachable => "no route",
            _ => "lost",
        }),
        tick: Words::new("lost", "lost"),
        sentence: Words::new(hotel, cluster),
        why: Words::same(because),
    }
}

pub(super) fn no_neighbour(place: Place<'_>, next_hop: IpAddr) -> Said {
    Said {
        title: Words::new("No such room", "No such address"),
        aside: Words::same(next_hop.to_string()),
        tick: Words::new("no room", "no ARP"),
        sentence: Words::new(
            phrase()
                .say(format!("There is no room {} ", next_hop))
                .mark(Mark::Bad, "any more")
                .say(format!(" by {}.", place.hotel())),
            phrase()
                .say("Nobody on the wire of ")
                .say(place.cluster())
                .say(" has the address ")
                .mark(Mark::Bad, next_hop.to_string())
                .say("."),
        ),
        why: Words::same(
            "ARP (or neighbour discovery) gets no answer; after about three seconds the sender is told that the host is unreachable.",
        ),
    }
}

pub(super) fn no_hairpin(place: Place<'_>) -> Said {
    Said {
        title: Words::new("No way back into the same room", "Hairpin is off"),
        aside: Words::same("hairpin"),
        tick: Words::new("lost", "hairpin"),
        sentence: Words::new(
            format!(
                "The corridor of {} lets no guest back through the door he came from.",
                place.hotel()
            ),
            format!(
                "The bridge of {} does not send a frame back to the port it came from.",
                place.cluster()
            ),
        ),
        why: Words::same("The Pod drew itself, and hairpin mode of its bridge port is off."),
    }
}

pub(super) fn gave_up(place: Place<'_>) -> Said {
    Said {
        title: Words::new("Given up", "Given up"),
        aside: Words::same("limit"),
        tick: Words::same("limit"),
        sentence: Words::new(
            format!(
                "The guest was followed as far as {} and no further.",
                place.hotel()
            ),
            format!(
                "The packet was followed as far as {} and no further.",
                place.cluster()
            ),
        ),
        why: Words::same("It passed more machines than the limit allows."),
    }
}

pub(super) fn unnat(node: &str, after: &Packet, changes: &[Change]) -> Said {
    let names: Vec<&str> = (changes.iter())
        .map(|change| match change {
            Change::UnSnat => "un-SNAT",
            Change::UnDnat => "un-DNAT",
            Change::Dnat => "DNAT",
            Change::Snat => "SNAT",
        })
        .collect();
    let mark = |change: Change, other: Mark| {
        if changes.contains(&change) {
            other
        } else {
            Mark::Guest
        }
    };
    let from = mark(Change::UnDnat, Mark::Dnat);
    let to = mark(Change::UnSnat, Mark::Snat);
    Said {
        title: Words::new(
            format!("Reply: key log on {node}"),
            format!("Reply: conntrack on {node}"),
        ),
        aside: Words::same(names.join(", ")),
        tick: Words::new("key log", "un-NAT"),
        sentence: Words::new(
            phrase()
                .say("The key log puts the old names back: from ")
                .mark(from, after.from_text())
                .say(" to ")
                .mark(to, after.to_text())
                .say("."),
            phrase()
                .say(format!(
                    "conntrack on {node} puts the addresses back: from "
                ))
                .mark(from, after.from_text())
                .say(" to ")
                .mark(to, after.to_text())
                .say("."),
        ),
        why: Words::new(
            format!("Wing {node} wrote on the card, so only wing {node} can undo it."),
            format!(
                "{node} did the NAT, so only {node} can undo it: the reply has to come past it."
            ),
        ),
    }
}

/// `at the laptop`, `at the client`.
fn back_at(client: Place<'_>) -> (String, String) {
    match client {
        Place::Outside(_) => (client.hotel(), "the client".to_owned()),
        _ => (client.hotel(), client.cluster()),
    }
}

pub(super) fn reply(client: Place<'_>, packet: &Packet) -> Said {
    let (hotel, cluster) = back_at(client);
    Said {
        title: Words::new(
            format!("Reply: back at {hotel}"),
            format!("Reply: back at {cluster}"),
        ),
        aside: Words::same(packet.from_text()),
        tick: Words::new("answer", "reply"),
        sentence: Words::new(
            phrase()
                .say(format!("{} hears from ", cap(&hotel)))
                .mark(Mark::Guest, packet.from_text())
                .say(", whom it had asked."),
            phrase()
                .say(format!("{} gets its answer from ", cap(&cluster)))
                .mark(Mark::Guest, packet.from_text())
                .say(", the address it had asked."),
        ),
        why: Words::new(
            "Nothing tells the guest which room it was.",
            "The client never sees the endpoint's address.",
        ),
    }
}

pub(super) fn hears_refused(client: Place<'_>, packet: &Packet, how: &str) -> Said {
    let (hotel, cluster) = back_at(client);
    Said {
        title: Words::new(
            format!("{} hears \u{201c}refused\u{201d}", cap(bare(&hotel))),
            format!("{}: connection refused", cap(bare(&cluster))),
        ),
        aside: Words::same(how),
        tick: Words::new(
            "answer",
            if how.starts_with("TCP") {
                "RST"
            } else {
                "ICMP"
            },
        ),
        sentence: Words::new(
            phrase()
                .say(format!("{} hears ", cap(&hotel)))
                .mark(Mark::Bad, "\u{201c}connection refused\u{201d}")
                .say(" at once."),
            phrase()
                .say(format!(
                    "{} gets {how} from {}: ",
                    cap(&cluster),
                    packet.src
                ))
                .mark(Mark::Bad, "connection refused")
                .say("."),
        ),
        why: Words::default(),
    }
}

pub(super) fn icmp(message: IcmpMessage) -> &'static str {
    match message {
        IcmpMessage::EchoRequest => "echo request",
        IcmpMessage::EchoReply => "echo reply",
        IcmpMessage::PortUnreachable => "port unreachable",
        IcmpMessage::HostUnreachable => "host unreachable",
        IcmpMessage::NetUnreachable => "network unreachable",
        IcmpMessage::AdminProhibited => "administratively prohibited",
        IcmpMessage::TimeExceeded => "time exceeded",
    }
}

pub(super) fn hears_unreachable(client: Place<'_>, message: IcmpMessage, from: IpAddr) -> Said {
    let (hotel, cluster) = back_at(client);
    let said = icmp(message);
    Said {
        title: Words::new(
            format!("{} hears \u{201c}no way\u{201d}", cap(bare(&hotel))),
            format!("{}: {said}", cap(bare(&cluster))),
        ),
        aside: Words::same(format!("from {from}")),
        tick: Words::new("answer", "ICMP"),
        sentence: Words::new(
            phrase()
                .say(format!("{} hears from {from}: ", cap(&hotel)))
                .mark(Mark::Bad, said)
                .say("."),
            phrase()
                .say(format!("{} gets ICMP ", cap(&cluster)))
                .mark(Mark::Bad, said)
                .say(format!(" from {from}.")),
        ),
        why: Words::default(),
    }
}

pub(super) fn stranger(client: Place<'_>, packet: &Packet, sent: &Packet) -> Said {
    let (hotel, cluster) = back_at(client);
    Said {
        title: Words::new("A stranger answers", "Answer from an unknown peer"),
        aside: Words::same(packet.from_text()),
        tick: Words::new("stranger", "unknown"),
        sentence: Words::new(
            phrase()
                .say(format!(
                    "{} asked {} and gets an answer from ",
                    cap(&hotel),
                    sent.to_text()
                ))
                .mark(Mark::Bad, packet.from_text())
                .say(", whom it does not know."),
            phrase()
                .say(format!(
                    "{} waits for {} and throws away an answer from ",
                    cap(&cluster),
                    sent.to_text()
                ))
                .mark(Mark::Bad, packet.from_text())
                .say("."),
        ),
        why: Words::new(
            "The answer did not pass the wing that wrote on the card, so nobody put the names back.",
            "The reply went past the Node that did the NAT, so nobody undid it.",
        ),
    }
}

pub(super) fn astray(place: Place<'_>, packet: &Packet) -> Said {
    Said {
        title: Words::same("The answer goes astray"),
        aside: Words::same(packet.to_text()),
        tick: Words::same("astray"),
        sentence: Words::new(
            format!(
                "The answer comes to {}, where nobody waits for it.",
                place.hotel()
            ),
            format!(
                "The answer comes to {}, which knows no such connection.",
                place.cluster()
            ),
        ),
        why: Words::same("The address it was sent to is not the client's."),
    }
}

pub(super) fn doubt(node: &str, at: &RuleAt, what: &str) -> Words {
    Words::same(format!(
        "This way depends on rule {at} of {node}, and {what} in it is not modelled: it was taken as no match."
    ))
}

// Verdicts.

pub(super) fn answered_detail(address: IpAddr, pod: Option<&str>, http: bool, ping: bool) -> Words {
    let by = match pod {
        Some(pod) => format!("Pod {}", name_of(pod)),
        None => address.to_string(),
    };
    if http {
        Words::new(
            format!("200 OK, served by {address}"),
            format!("200 OK, answered by {by}"),
        )
    } else if ping {
        Words::same(format!("echo reply from {address}"))
    } else {
        Words::new(format!("served by {address}"), format!("answered by {by}"))
    }
}

pub(super) fn answered(address: IpAddr, sees: IpAddr, hidden: bool) -> Words {
    if hidden {
        Words::new(
            format!("Room {address} answered, and took the guest for {sees}."),
            format!("{address} answered; it saw {sees} as its peer, not the client."),
        )
    } else {
        Words::new(
            format!("Room {address} answered, and knew the guest by his own name."),
            format!("{address} answered; it saw the client's own address {sees}."),
        )
    }
}

/// `ICMP port unreachable · node-3, hop 3 of 4`.
pub(super) fn at_hop(what: &str, place: Place<'_>, hop: u32, of: usize) -> Words {
    let place = place.cluster();
    let place = bare(&place);
    Words::same(if hop == 0 {
        format!("{what} · {place}")
    } else {
        format!("{what} · {place}, hop {hop} of {of}")
    })
}

pub(super) fn no_answer(protocol: &str) -> &'static str {
    match protocol {
        "TCP" => "no answer to the SYN",
        _ => "no answer",
    }
}

pub(super) fn no_such_name_detail(name: &str) -> Words {
    Words::same(name)
}

pub(super) fn no_such_name(name: &str) -> Words {
    Words::new(
        format!("The directory has no entry for {name}."),
        format!("The name {name} has no address."),
    )
}

pub(super) fn next_endpoints() -> Words {
    Words::new(
        "Look at the desk's list: is any room of the kind that it gives out, and is it made up?",
        "Look at the Service's EndpointSlices: does its selector match Pods, and are they ready?",
    )
}

pub(super) fn next_local() -> Words {
    Words::new(
        "This entrance leads only to rooms of its own wing. Try a wing that has one, or let it lead to all.",
        "The traffic policy is Local and this Node has no ready endpoint. Try a Node that has one, or set the policy to Cluster.",
    )
}

pub(super) fn next_ranges() -> Words {
    Words::new(
        "The doorman lets in only guests from his list.",
        "Compare the client's address with spec.loadBalancerSourceRanges.",
    )
}

pub(super) fn next_rule() -> Words {
    Words::same("Look at the rule that decided, and at the field that made it.")
}

pub(super) fn next_listen(packet: &Packet) -> Words {
    let port = port_text(packet);
    Words::new(
        format!(
            "Compare the number the desk writes ({port}) with the one at which the room opens."
        ),
        format!(
            "Compare targetPort with the port on which the process listens: nobody listens on {port}."
        ),
    )
}

pub(super) fn next_asymmetric() -> Words {
    Words::new(
        "The answer has to come back through the wing that wrote on the card: let that wing sign.",
        "The reply must pass the Node that did the NAT: that takes masquerade, or a client whose way back goes there.",
    )
}

pub(super) fn next_neighbour(address: IpAddr) -> Words {
    Words::new(
        format!("Is the room gone whose number was {address}? The desk's list may be old."),
        format!(
            "Is the Pod gone that had {address}? An EndpointSlice, or a connection of before, may still name it."
        ),
    )
}

pub(super) fn next_hairpin() -> Words {
    Words::same("Set hairpinMode in the bridge plugin's configuration.")
}

pub(super) fn next_address(packet: &Packet) -> Words {
    Words::new(
        format!(
            "Is {} a number that any desk knows, port and all?",
            packet.to_text()
        ),
        format!(
            "Is {} an address and port that a Service lists? Ports that it does not list match no rule.",
            packet.to_text()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(number: u32, drawn: u32, threshold: u32) -> Draw {
        Draw {
            at: RuleAt::new("nat", "KUBE-SVC-X", number),
            drawn,
            threshold,
        }
    }

    #[test]
    fn draws_are_told_as_a_choice_of_so_many() {
        let half = ONE / 2;
        assert_eq!(
            drawn(&[draw(2, 1_524_713_390, half)]),
            Some((2, 2, "0.71 ≥ 0.5".to_owned()))
        );
        assert_eq!(
            drawn(&[
                draw(2, 1_524_713_390, 715_827_883),
                draw(3, 429_496_730, half)
            ]),
            Some((3, 2, "0.71 ≥ 0.33, 0.20 < 0.5".to_owned()))
        );
        assert_eq!(drawn(&[]), None);
    }

    #[test]
    fn only_a_first_letter_is_raised() {
        assert_eq!(cap("the laptop"), "The laptop");
        assert_eq!(bare("the laptop"), "laptop");
        assert_eq!(ordinal(2), "the second");
        assert_eq!(ordinal(11), "number 11");
    }
}
