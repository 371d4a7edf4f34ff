//! What a hop is called, in the hotel's words and in the field's own.
//!
//! Only wording: every fact comes in by argument. One sentence says what happened, one or two say
//! why. Numbers are never rounded into another truth: a draw is cut to as many digits as tell it
//! from its threshold.

mod arrive;
mod back;
mod balance;
mod many;
mod names;
mod there;
mod verdict;

use std::net::IpAddr;

use crate::net::{IcmpMessage, Packet};
use crate::words::{Phrase, Words};

pub(super) use arrive::{
    by_rule, deliver, gave_up, lost, no_hairpin, no_neighbour, nobody_listens,
};
pub(super) use back::{astray, hears_refused, hears_unreachable, reply, stranger, unnat};
pub(super) use balance::{
    balance, next_announcer, next_balancer, not_announced, rebalance, turned,
};
pub(super) use many::fit;
pub(super) use names::{next_name_server, no_name_detail, no_reply, no_reply_detail, resolve};
pub(super) use there::{Entry, Nat, enter, nat, over_the_router, proxy, route, send};
pub(super) use verdict::{
    answered, answered_detail, at_hop, doubt, next_address, next_asymmetric, next_endpoints,
    next_hairpin, next_inside, next_listen, next_local, next_neighbour, next_ranges, next_rule,
    no_answer,
};

/// Where something is.
#[derive(Clone, Copy, Debug)]
pub(in crate::network) enum Place<'a> {
    Node(&'a str),
    Pod {
        name: &'a str,
        address: Option<IpAddr>,
    },
    Router,
    Outside(&'a str),
    /// The load balancer of a Service, by the Service's name.
    Balancer(&'a str),
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
            Self::Balancer(name) => format!("the main entrance of {name}"),
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
            Self::Balancer(name) => format!("the load balancer of {name}"),
            Self::Router | Self::Outside(_) => self.hotel(),
        }
    }

    /// As the client of a request.
    fn as_client(self) -> String {
        match self {
            Self::Outside(_) => "the client".to_owned(),
            _ => self.cluster(),
        }
    }
}

/// The words of a hop.
#[derive(Clone, Debug, Default)]
pub(in crate::network) struct Said {
    pub(in crate::network) title: Words,
    pub(in crate::network) aside: Words,
    pub(in crate::network) tick: Words,
    pub(in crate::network) sentence: Words,
    pub(in crate::network) why: Words,
}

fn phrase() -> Phrase {
    Phrase::default()
}

/// With a capital letter at its head; the name of a host stays as it is.
fn cap(text: &str) -> String {
    let head = text.split(' ').next().unwrap_or(text);
    if head.contains('.') {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// With a capital `The` at its head; names stay as they are.
fn the(text: &str) -> String {
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
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

fn name_of(pod: &str) -> &str {
    pod.rsplit('/').next().unwrap_or(pod)
}

fn port_text(packet: &Packet) -> String {
    packet
        .transport
        .dport()
        .map_or_else(String::new, |port| format!("port {port}"))
}

pub(in crate::network) fn icmp(message: IcmpMessage) -> &'static str {
    match message {
        IcmpMessage::EchoRequest => "echo request",
        IcmpMessage::EchoReply => "echo reply",
        IcmpMessage::PortUnreachable => "port unreachable",
        IcmpMessage::HostUnreachable => "host unreachable",
        IcmpMessage::NetUnreachable => "network unreachable",
        IcmpMessage::ProtocolUnreachable => "protocol unreachable",
        IcmpMessage::AdminProhibited => "administratively prohibited",
        IcmpMessage::NetProhibited => "network prohibited",
        IcmpMessage::HostProhibited => "host prohibited",
        IcmpMessage::PolicyFail => "source address failed policy",
        IcmpMessage::RejectRoute => "reject route to destination",
        IcmpMessage::TimeExceeded => "time exceeded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_first_letter_is_raised() {
        assert_eq!(cap("the laptop"), "The laptop");
        assert_eq!(cap("example.com"), "example.com");
        assert_eq!(the("node-1"), "node-1");
        assert_eq!(bare("the laptop"), "laptop");
    }
}
