//! At the end of the way there: answered, refused, dropped, lost.

use std::net::IpAddr;

use super::{Place, Said, bare, cap, name_of, phrase, port_text, the};
use crate::net::{Packet, Transport};
use crate::netfilter::{Loss, RuleAt};
use crate::words::{Mark, Words};

pub(in crate::network) fn deliver(
    place: Place<'_>,
    pod: Option<&str>,
    packet: &Packet,
    hidden: bool,
) -> Said {
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
            format!("{} answers", the(&cluster)),
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
                    the(&cluster),
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

/// `elsewhere`: the address on which a process does listen on this port.
pub(in crate::network) fn nobody_listens(
    place: Place<'_>,
    packet: &Packet,
    elsewhere: Option<IpAddr>,
) -> Said {
    let port = port_text(packet);
    let udp = !matches!(packet.transport, Transport::Tcp { .. });
    if matches!(packet.transport, Transport::Tcp { flags, .. } if !flags.syn) {
        return Said {
            title: Words::new(
                format!("Nobody knows this visit in {}", place.hotel()),
                "No such connection",
            ),
            aside: Words::same("RST"),
            tick: Words::new("refused", "RST"),
            sentence: Words::new(
                format!("{} never let this guest in.", cap(&place.hotel())),
                format!(
                    "{} has the packet, but no connection that it belongs to.",
                    the(&place.cluster())
                ),
            ),
            why: Words::new(
                "The visit began with somebody else.",
                "The connection was opened with another; the host's own stack answers with a TCP reset.",
            ),
        };
    }
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
                    the(&place.cluster())
                ))
                .mark(Mark::Bad, port)
                .say("."),
        ),
        why: match elsewhere {
            Some(address) => Words::new(
                "Somebody is in, and opens to nobody from outside the room.",
                format!(
                    "A process listens on {} only, which nobody reaches from outside the Pod; the packet is for {}.",
                    crate::net::host_port(address, packet.transport.dport()),
                    packet.to_text()
                ),
            ),
            None => Words::new(
                "The guest hears \u{201c}connection refused\u{201d} at once.",
                if udp {
                    "The host's own stack answers with ICMP port unreachable."
                } else {
                    "The host's own stack answers with a TCP reset."
                },
            ),
        },
    }
}

pub(in crate::network) fn by_rule(
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
            Words::new("Desk turns the guest away", said.clone()),
            "The guest is turned away.",
            "The packet is rejected.",
        )
    } else {
        (
            Words::new("Nobody opens the door", said.clone()),
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
            let ping = packet.transport.protocol().is_none();
            let hears = if ping {
                "unreachable"
            } else {
                "connection refused"
            };
            Words::new(
                format!("The guest hears \u{201c}{hears}\u{201d} at once."),
                format!(
                    "Rule {by} rejects packets for {}, so the sender hears \u{201c}{hears}\u{201d} at once.",
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

pub(in crate::network) fn lost(
    place: Place<'_>,
    why: Loss,
    packet: &Packet,
    with: Option<Place<'_>>,
) -> Said {
    let (hotel_place, cluster_place) = (place.hotel(), place.cluster());
    let dst = packet.dst;
    let (hotel, cluster, because): (String, String, String) = match why {
        Loss::Blackhole => (
            format!("The guest is lost on the street: nobody there knows the way to {dst}."),
            format!(
                "{} throws the packet away: it has no way to {dst}.",
                the(&cluster_place)
            ),
            format!("{dst} is no machine's address, and no rule rewrote it before it left."),
        ),
        Loss::NoRoute | Loss::Unreachable => (
            format!("{} knows no way to {dst}.", cap(&hotel_place)),
            format!("{} has no route to {dst}.", the(&cluster_place)),
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
                the(&cluster_place),
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
                the(&cluster_place)
            ),
            "A loopback address is only reached on the host itself (route_localnet is off)."
                .to_owned(),
        ),
        Loss::NotForwarding => (
            format!("{} is no thoroughfare.", cap(&hotel_place)),
            format!("{} is not {dst} and forwards nothing.", the(&cluster_place)),
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
            format!("{} has no address to masquerade with.", the(&cluster_place)),
            "No device has an address of this family.".to_owned(),
        ),
        Loss::ServerGone => (
            format!("The room that this visit goes to is no longer on the list of {hotel_place}."),
            format!(
                "IPVS on {cluster_place} drops the packet: the real server of its connection is gone."
            ),
            "Its entry is forgotten now (expire_nodest_conn is 1): another try gets another server, or a reset."
                .to_owned(),
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

pub(in crate::network) fn no_neighbour(place: Place<'_>, next_hop: IpAddr) -> Said {
    Said {
        title: Words::new("No such room", "No such address"),
        aside: Words::same(next_hop.to_string()),
        tick: Words::new("no room", "no ARP"),
        sentence: Words::new(
            phrase()
                .say(format!("{} has no room ", cap(&place.hotel())))
                .mark(Mark::Bad, next_hop.to_string())
                .say("."),
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

pub(in crate::network) fn no_hairpin(place: Place<'_>) -> Said {
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

pub(in crate::network) fn gave_up(place: Place<'_>) -> Said {
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
