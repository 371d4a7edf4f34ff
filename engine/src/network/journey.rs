//! The result of a walk: plain data that the page draws, the command line prints and tests compare.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::names::NameLookup;
use crate::api::Origin;
use crate::net::{IpFamily, Packet, Protocol};
use crate::netfilter::{Look, RuleAt};
use crate::words::Words;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Who sends: `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME`, `external` or `external/NAME`.
    pub from: String,
    /// Where to: a URL, an address or a name with a port, `ping://ADDRESS`.
    pub to: String,
    /// What is sent.
    pub protocol: Protocol,
}

/// Who sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The identity that [`Request::from`] means, written out in full.
    pub id: String,
    /// A short name to show.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
    /// The Node it runs on, for a Pod or a Node.
    pub node: Option<String>,
}

/// What a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClientKind {
    /// A process in a Pod.
    Pod,
    /// A process on a Node itself.
    Node,
    /// A machine on the Nodes' own network: a laptop in the office.
    Lan,
    /// A machine somewhere on the internet.
    Internet,
}

/// One request and its reply, hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journey {
    /// What was asked for.
    pub request: Request,
    /// Who sent it.
    pub client: Client,
    /// What happened, in order; the reply's hops come after the request's.
    pub hops: Vec<Hop>,
    /// How it ended.
    pub verdict: Verdict,
    /// How many rules the kernels looked at, on all Nodes together.
    pub rules_looked_at: u32,
    /// Who answered, if somebody did; also when the answer got lost on its way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// What the model cannot say of this way: rules on which it depends and that are not modelled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Words>,
    /// How the name in the request became an address; `None` where an address was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Box<NameLookup>>,
}

/// Who answered, and whom it took the client for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Served {
    /// The address that answered.
    pub address: IpAddr,
    /// The port; `None` for a ping.
    pub port: Option<u16>,
    /// The peer's address as the server sees it.
    pub sees: IpAddr,
    /// The Pod, as `namespace/name`; `None` for a process on a Node or outside.
    pub pod: Option<String>,
}

/// One place of the way, and what happened to the packet there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// From 1.
    pub number: u32,
    /// What happened.
    pub step: Step,
    /// Where.
    pub at: Location,
    /// On the way there, or back.
    pub direction: Direction,
    /// The packet as it came in.
    pub before: Packet,
    /// The packet as it goes on.
    pub after: Packet,
    /// What was rewritten.
    pub changes: Vec<Change>,
    /// What happened, in a few words: `Side door 30080, wing node-3`.
    pub title: Words,
    /// Beside the title: the chain, the kind of rewriting, the address.
    pub aside: Words,
    /// One word for the scrubber's tick.
    pub tick: Words,
    /// One sentence that says what happened.
    pub sentence: Words,
    /// Why it happened, in a sentence or two; may be empty.
    #[serde(default)]
    pub why: Words,
    /// Every rule that was looked at here, in order: on the Node of [`Hop::at`], for a wire on the
    /// Node that it reaches. A long run of rules that failed is one entry
    /// ([`crate::netfilter::Trace::shown`]).
    pub looks: Vec<Look>,
    /// The rule that decided.
    pub decided_by: Option<RuleAt>,
    /// The fields of manifests that made it so.
    pub origins: Vec<Origin>,
}

/// What happens at a hop. Hotel words stand in [`Hop::title`]; these are the field's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// A client asks for the address of a name; before everything else.
    Resolve,
    /// A client opens a connection.
    Send,
    /// The packet enters a Node from outside at a node port, an external or load balancer address.
    Enter,
    /// A load balancer in front of the Nodes passes it on.
    Balance,
    /// A Node's rules looked at it; they may have rewritten it.
    Nat,
    /// It travels: over a bridge, or over the wire to another Node.
    Route,
    /// A Pod or a process on a Node gets it and answers.
    Deliver,
    /// A reply is rewritten back from the connection table.
    Unnat,
    /// The client gets the reply.
    Reply,
    /// A rule refused it, or a host where nobody listens.
    Reject,
    /// A rule dropped it, or it got lost.
    Drop,
}

/// Where a hop is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Location {
    /// At the client, outside the cluster.
    Outside {
        /// The client's name.
        name: String,
    },
    /// On a Node: its rules.
    Node {
        /// The Node.
        name: String,
    },
    /// In a Pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The Node it runs on.
        node: String,
    },
    /// In the Pod network between Nodes, or on one Node's bridge.
    Wire {
        /// The Node it leaves.
        from: String,
        /// The Node it reaches; the same one for a bridge.
        to: String,
    },
    /// At the router of the Nodes' network.
    Router,
    /// At the load balancer of a Service.
    Balancer {
        /// The Service's namespace.
        namespace: String,
        /// The Service.
        name: String,
    },
}

/// On the way there, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From the client.
    Request,
    /// To the client.
    Reply,
}

impl Journey {
    /// The IP family of the packet that the client sent; `None` where it sent none.
    #[must_use]
    pub fn family(&self) -> Option<IpFamily> {
        let sent = self.hops.iter().find(|hop| hop.step == Step::Send);
        sent.map(|hop| IpFamily::of(hop.before.dst))
    }
}

/// What was rewritten at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// The destination.
    Dnat,
    /// The source.
    Snat,
    /// The destination's rewriting was undone on a reply.
    UnDnat,
    /// The source's rewriting was undone on a reply.
    UnSnat,
}

/// How a journey ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// In one word.
    pub kind: VerdictKind,
    /// Beside the word: `200 OK, served by 10.244.2.7`.
    pub detail: Words,
    /// One sentence that says why.
    pub why: Words,
    /// What caused it.
    pub cause: Option<Cause>,
    /// What to look at next; `None` when there is nothing to mend.
    pub next: Option<Words>,
}

/// The ways in which a journey ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerdictKind {
    /// Somebody answered.
    Answered,
    /// Connection refused, at once.
    Refused,
    /// Nothing came back.
    TimedOut,
    /// The network said that there is no way.
    Unreachable,
    /// The name has no address.
    NoSuchName,
    /// Somebody answered who was not meant.
    WrongAnswer,
}

impl VerdictKind {
    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "Answered",
            Self::Refused => "Refused",
            Self::TimedOut => "Timed out",
            Self::Unreachable => "Unreachable",
            Self::NoSuchName => "No such name",
            Self::WrongAnswer => "Wrong answer",
        }
    }
}

/// What caused a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The Node whose rule it was, and the rule.
    pub rule: Option<(String, RuleAt)>,
    /// The field of a manifest behind it.
    pub origin: Option<Origin>,
}
