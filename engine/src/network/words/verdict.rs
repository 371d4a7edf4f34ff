//! Verdicts: the detail beside the word, the reason, what to look at next.

use std::net::IpAddr;

use super::{Place, bare, name_of, port_text};
use crate::net::Packet;
use crate::netfilter::RuleAt;
use crate::words::Words;

pub(in crate::network) fn doubt(node: &str, at: &RuleAt, what: &str) -> Words {
    Words::same(format!(
        "This way depends on rule {at} of {node}, and {what} in it is not modelled: it was taken as no match."
    ))
}

pub(in crate::network) fn answered_detail(
    address: IpAddr,
    pod: Option<&str>,
    http: bool,
    ping: bool,
) -> Words {
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

pub(in crate::network) fn answered(address: IpAddr, sees: IpAddr, hidden: bool) -> Words {
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
pub(in crate::network) fn at_hop(what: &str, place: Place<'_>, hop: u32, of: usize) -> Words {
    let place = place.cluster();
    let place = bare(&place);
    Words::same(if hop == 0 {
        format!("{what} · {place}")
    } else {
        format!("{what} · {place}, hop {hop} of {of}")
    })
}

pub(in crate::network) fn no_answer(protocol: &str) -> &'static str {
    match protocol {
        "TCP" => "no answer to the SYN",
        _ => "no answer",
    }
}

pub(in crate::network) fn next_endpoints() -> Words {
    Words::new(
        "Look at the desk's list: is any room of the kind that it gives out, and is it made up?",
        "Look at the Service's EndpointSlices: does its selector match Pods, and are they ready?",
    )
}

pub(in crate::network) fn next_local() -> Words {
    Words::new(
        "This entrance leads only to rooms of its own wing. Try a wing that has one, or let it lead to all.",
        "The traffic policy is Local and this Node has no ready endpoint. Try a Node that has one, or set the policy to Cluster.",
    )
}

pub(in crate::network) fn next_ranges() -> Words {
    Words::new(
        "The doorman lets in only guests from his list.",
        "Compare the client's address with spec.loadBalancerSourceRanges.",
    )
}

pub(in crate::network) fn next_rule() -> Words {
    Words::same("Look at the rule that decided, and at the field that made it.")
}

pub(in crate::network) fn next_listen(packet: &Packet, elsewhere: Option<IpAddr>) -> Words {
    let port = port_text(packet);
    if let Some(address) = elsewhere {
        return Words::new(
            "Let the room open to guests from outside.",
            format!("Let the process listen on 0.0.0.0 (or [::]) instead of {address}."),
        );
    }
    Words::new(
        format!(
            "Compare the number the desk writes ({port}) with the one at which the room opens."
        ),
        format!(
            "Compare targetPort with the port on which the process listens: nobody listens on {port}."
        ),
    )
}

pub(in crate::network) fn next_asymmetric() -> Words {
    Words::new(
        "The answer has to come back through the wing that wrote on the card: let that wing sign.",
        "The reply must pass the Node that did the NAT: that takes masquerade, or a client whose way back goes there.",
    )
}

pub(in crate::network) fn next_neighbour(address: IpAddr) -> Words {
    Words::new(
        format!("Is the room gone whose number was {address}? The desk's list may be old."),
        format!(
            "Is the Pod gone that had {address}? An EndpointSlice, or a connection of before, may still name it."
        ),
    )
}

pub(in crate::network) fn next_hairpin() -> Words {
    Words::same("Set hairpinMode in the bridge plugin's configuration.")
}

pub(in crate::network) fn next_inside() -> Words {
    Words::new(
        "Only the hotel's own wings know the desk's number: from the street, use a side door or the main entrance.",
        "Only Nodes know a cluster IP. From outside, use a node port or a load balancer's address.",
    )
}

pub(in crate::network) fn next_address(packet: &Packet) -> Words {
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
