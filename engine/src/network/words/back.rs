//! On the way back: rewritings undone, and what the client hears.

use std::net::IpAddr;

use super::{Place, Said, bare, cap, icmp, phrase, the};
use crate::net::{IcmpMessage, Packet};
use crate::network::journey::Change;
use crate::words::{Mark, Words};

/// `ipvs`: whether IPVS undid the destination's rewriting, and conntrack the source's if any.
pub(in crate::network) fn unnat(
    node: &str,
    after: &Packet,
    changes: &[Change],
    ipvs: bool,
) -> Said {
    let log = match (ipvs, changes.len() > 1) {
        (true, true) => "IPVS and conntrack",
        (true, false) => "IPVS",
        (false, _) => "conntrack",
    };
    let puts = if log.contains(' ') { "put" } else { "puts" };
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
            format!("Reply: {log} on {node}"),
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
                .say(format!("{log} on {node} {puts} the addresses back: from "))
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

pub(in crate::network) fn reply(client: Place<'_>, packet: &Packet, rewritten: bool) -> Said {
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
                .say(format!("{} gets its answer from ", the(&cluster)))
                .mark(Mark::Guest, packet.from_text())
                .say(", the address it had asked."),
        ),
        why: if rewritten {
            Words::new(
                "Nothing tells the guest which room it was.",
                "The client never sees the endpoint's address.",
            )
        } else {
            Words::new(
                "Nobody wrote on the card, on the way there or back.",
                "No address was rewritten on the way there or back.",
            )
        },
    }
}

pub(in crate::network) fn hears_refused(client: Place<'_>, packet: &Packet, how: &str) -> Said {
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
                    the(&cluster),
                    packet.src
                ))
                .mark(Mark::Bad, "connection refused")
                .say("."),
        ),
        why: Words::default(),
    }
}

pub(in crate::network) fn hears_unreachable(
    client: Place<'_>,
    message: IcmpMessage,
    from: IpAddr,
) -> Said {
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
                .say(format!("{} gets ICMP ", the(&cluster)))
                .mark(Mark::Bad, said)
                .say(format!(" from {from}.")),
        ),
        why: Words::default(),
    }
}

pub(in crate::network) fn stranger(client: Place<'_>, packet: &Packet, sent: &Packet) -> Said {
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
                    the(&cluster),
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

pub(in crate::network) fn astray(place: Place<'_>, packet: &Packet) -> Said {
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
