//! At a load balancer: passed on, or not.

use std::net::IpAddr;

use super::{Said, and, phrase};
use crate::net::Packet;
use crate::network::balancer::{Balanced, Balancer, Passing, Picked, Turned};
use crate::words::{Mark, Words};

/// How many targets are well, and how it knows: `2 of 3 targets pass the health check (GET …)`.
fn health(balancer: &Balancer, balanced: &Balanced) -> Words {
    let (healthy, of) = (balanced.healthy, balanced.of);
    if balancer.check.is_empty() {
        return Words::default();
    }
    let check = &balancer.check;
    Words::new(
        format!("He has word from {healthy} of {of} that guests are welcome."),
        format!(
            "{healthy} of {of} targets pass its health check ({check}), as far as it has noticed."
        ),
    )
}

/// Why this target and no other.
fn choice(balancer: &Balancer, balanced: &Balanced, picked: &Picked) -> Words {
    if picked.known {
        return Words::new(
            "He remembers this visit, and sends it where it was before.",
            "It remembers the connection: its first packet decided.",
        );
    }
    let opens = balanced.healthy == 0 && balanced.of > 0;
    let failed = if opens && balancer.fails_open {
        Words::new(
            "He has word from nobody, so he tries all.",
            "No target passes the health check, so it sends to all of them (fail open).",
        )
    } else {
        Words::default()
    };
    let drawn = if balancer.by_source {
        Words::new(
            "The guest's name decides which it is: the same for the same guest.",
            "A hash of the client's address decides (session affinity).",
        )
    } else if picked.among > 1 {
        Words::new(
            format!("It is one of {}, whichever comes up.", picked.among),
            format!(
                "It is one of {}: a hash of the connection's addresses and ports decides.",
                picked.among
            ),
        )
    } else {
        Words::default()
    };
    and(and(failed, drawn), health(balancer, balanced))
}

/// A load balancer passes a packet on; `after` is what leaves it.
pub(in crate::network) fn balance(
    balancer: &Balancer,
    balanced: &Balanced,
    picked: &Picked,
    after: &Packet,
) -> Said {
    let name = &balancer.service.name;
    let product = &balancer.product;
    let target = &picked.name;
    let is_pod = target.contains('/');
    let hotel_target = if is_pod {
        format!("room {}", picked.to.ip())
    } else {
        format!("wing {target}")
    };
    let (aside, how) = match balancer.passing {
        Passing::Through => (
            "passed through",
            Words::new(
                "The card stays as it is: the wing answers the guest itself.",
                "The destination stays the load balancer's own address, and the Node answers the client directly (direct server return).",
            ),
        ),
        Passing::Translated => (
            "new destination",
            Words::new(
                "He writes the side door's number on the card and leaves the guest's name: the answer comes back to him.",
                "The destination became the target's address and port, the source stays the client's; answers come back through the load balancer.",
            ),
        ),
        Passing::Proxied => (
            "own connection",
            Words::new(
                "He takes the message and sends a guest of his own: nobody inside sees who came.",
                "It ends the client's connection and opens one of its own, so the client's address is lost from here on.",
            ),
        ),
    };
    Said {
        title: Words::new(
            format!("Main entrance of {name}"),
            format!("Load balancer of {name}"),
        ),
        aside: Words::same(aside),
        tick: Words::new("entrance", "LB"),
        sentence: Words::new(
            phrase()
                .say("The doorman sends the guest to ")
                .mark(Mark::Dnat, hotel_target)
                .say("."),
            phrase()
                .say(format!("{product} sends to {target}: "))
                .mark(Mark::Dnat, after.to_text())
                .say("."),
        ),
        why: and(how, choice(balancer, balanced, picked)),
    }
}

/// A load balancer does not pass a packet on.
pub(in crate::network) fn turned(
    balancer: &Balancer,
    balanced: &Balanced,
    why: Turned,
    packet: &Packet,
) -> Said {
    let name = &balancer.service.name;
    let product = &balancer.product;
    let (aside, hotel, cluster, because) = match why {
        Turned::NotActive => (
            "provisioning",
            "Nobody stands at the main entrance yet.".to_owned(),
            format!("{product} is still being provisioned, and carries nothing."),
            Words::new(
                "The sign is up already, the entrance is still being built.",
                "Its name is in the Service's status already; until it is active nobody answers there.",
            ),
        ),
        Turned::Source => (
            "source range",
            format!("The doorman does not let a guest from {} in.", packet.src),
            format!("{product} lets nobody in from {}.", packet.src),
            Words::new(
                "The guest's name is not on his list.",
                "The client's address is in none of the Service's loadBalancerSourceRanges.",
            ),
        ),
        Turned::Port => (
            "no such port",
            format!("The main entrance has no door for {}.", packet.to_text()),
            format!("{product} does not listen on {}.", packet.to_text()),
            Words::new(
                "Only the numbers on the Service's list are open.",
                "It listens on the Service's ports only, and answers no ping.",
            ),
        ),
        Turned::NoTarget => (
            "no healthy target",
            "The doorman has no wing to which guests may go.".to_owned(),
            format!("{product} has no healthy target."),
            health(balancer, balanced),
        ),
    };
    Said {
        title: Words::new(
            format!("Main entrance of {name}: no way in"),
            format!("Load balancer of {name}: dropped"),
        ),
        aside: Words::same(aside),
        tick: Words::new("no way in", "LB drop"),
        sentence: Words::new(hotel, cluster),
        why: and(
            because,
            Words::new(
                "The guest waits until he gives up.",
                "Nobody tells the client, so it waits until its time is up.",
            ),
        ),
    }
}

/// A load balancer puts its own address back on an answer.
pub(in crate::network) fn rebalance(balancer: &Balancer, after: &Packet) -> Said {
    let name = &balancer.service.name;
    let product = &balancer.product;
    Said {
        title: Words::new(
            format!("Reply: main entrance of {name}"),
            format!("Reply: load balancer of {name}"),
        ),
        aside: Words::same(after.from_text()),
        tick: Words::new("entrance", "LB"),
        sentence: Words::new(
            phrase()
                .say("The doorman puts his own number back: the answer is from ")
                .mark(Mark::Guest, after.from_text())
                .say("."),
            phrase()
                .say(format!("{product} puts its own address back: from "))
                .mark(Mark::Guest, after.from_text())
                .say("."),
        ),
        why: Words::same(
            "The provider's network brings answers to the load balancer that rewrote the question.",
        ),
    }
}

/// Nobody answers for an address that a load balancer was to have.
pub(in crate::network) fn not_announced(name: &str, address: IpAddr) -> Said {
    Said {
        title: Words::new(
            format!("Nobody at the main entrance of {name}"),
            "Nobody announces the address",
        ),
        aside: Words::same(address.to_string()),
        tick: Words::new("nobody", "no ARP"),
        sentence: Words::new(
            phrase()
                .say("No wing opens the main entrance ")
                .mark(Mark::Bad, address.to_string())
                .say("."),
            phrase()
                .say("No Node answers ARP for the load balancer's address ")
                .mark(Mark::Bad, address.to_string())
                .say("."),
        ),
        why: Words::new(
            format!("A wing opens it only while {name} has a room to offer."),
            format!(
                "MetalLB's speakers announce an address only where the Service {name} has a serving endpoint: with externalTrafficPolicy Local on Nodes that have one themselves."
            ),
        ),
    }
}

pub(in crate::network) fn next_balancer(why: Turned) -> Words {
    match why {
        Turned::NotActive => Words::same("Let some minutes pass and try again."),
        Turned::Source => Words::new(
            "The doorman lets in only guests from his list.",
            "Compare the client's address with spec.loadBalancerSourceRanges.",
        ),
        Turned::Port => Words::same("Compare the port with spec.ports of the Service."),
        Turned::NoTarget => Words::new(
            "Look at the desk's list: is any room of the kind that it gives out, and is it made up?",
            "Look at the Service's EndpointSlices: are Pods ready, and with externalTrafficPolicy Local, on which Nodes?",
        ),
    }
}

pub(in crate::network) fn next_announcer() -> Words {
    Words::new(
        "Look at the desk's list: is any room made up, and in which wing?",
        "Look at the Service's EndpointSlices: MetalLB needs a serving endpoint; with externalTrafficPolicy Local, on the Node that announces.",
    )
}
