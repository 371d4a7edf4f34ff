//! Who gets a new connection: the schedulers of IPVS.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::hash;
use super::server::VirtualServer;

/// How a real server is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scheduler {
    /// `rr`: one after another.
    #[default]
    RoundRobin,
    /// `wrr`: one after another, as often as the weights say.
    WeightedRoundRobin,
    /// `lc`: who has the fewest connections; an open one counts as 256 closed ones.
    LeastConnection,
    /// `wlc`: the same in relation to the weights.
    WeightedLeastConnection,
    /// `sed`: who would have the fewest open ones with this one, in relation to the weights.
    ShortestExpectedDelay,
    /// `nq`: the first without an open one, else as `sed`.
    NeverQueue,
    /// `sh`: by the client's address.
    SourceHashing,
    /// `mh`: by the client's address, with few changes when servers come and go.
    MaglevHashing,
}

/// The schedulers with their names.
const NAMES: [(Scheduler, &str); 8] = [
    (Scheduler::RoundRobin, "rr"),
    (Scheduler::WeightedRoundRobin, "wrr"),
    (Scheduler::LeastConnection, "lc"),
    (Scheduler::WeightedLeastConnection, "wlc"),
    (Scheduler::ShortestExpectedDelay, "sed"),
    (Scheduler::NeverQueue, "nq"),
    (Scheduler::SourceHashing, "sh"),
    (Scheduler::MaglevHashing, "mh"),
];

impl Scheduler {
    /// The names of all of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }

    /// As `ipvsadm` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES
            .iter()
            .find(|(scheduler, _)| *scheduler == self)
            .map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheduler {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        NAMES
            .iter()
            .find(|(_, own)| *own == name)
            .map(|(scheduler, _)| *scheduler)
            .ok_or(())
    }
}

/// What a virtual server remembers of its choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// The real server chosen last; it may be gone.
    last: Option<SocketAddr>,
    /// `wrr`: the weight that counts in this round.
    current_weight: u32,
    /// The real servers with which that weight was found; other ones begin anew.
    weights: Vec<(SocketAddr, u32)>,
    /// `mh`: the table, and the servers for which it was filled are [`Self::weights`].
    table: Vec<u16>,
}

/// The connections of a real server: open ones, and closed ones that are not forgotten yet.
pub(super) type Load = (u32, u32);

/// Chooses a real server for a client: its index, or nobody.
pub(super) fn choose(
    server: &VirtualServer,
    turn: &mut Turn,
    client: (IpAddr, u16),
    load: impl Fn(SocketAddr) -> Load,
) -> Option<usize> {
    let overhead = |index: usize| -> u64 {
        let (active, inactive) = load(server.real[index].address);
        (u64::from(active) << 8) + u64::from(inactive)
    };
    let delay = |index: usize| u64::from(load(server.real[index].address).0) + 1;
    let weight = |index: usize| u64::from(server.real[index].weight);
    let port = if server.hash_port { client.1 } else { 0 };
    match server.scheduler {
        Scheduler::RoundRobin => round_robin(server, turn),
        Scheduler::WeightedRoundRobin => weighted_round_robin(server, turn),
        Scheduler::LeastConnection => least(server, |one, other| overhead(one) > overhead(other)),
        Scheduler::WeightedLeastConnection => least(server, |one, other| {
            overhead(one) * weight(other) > overhead(other) * weight(one)
        }),
        Scheduler::ShortestExpectedDelay => least(server, |one, other| {
            delay(one) * weight(other) > delay(other) * weight(one)
        }),
        Scheduler::NeverQueue => {
            let idle = (0..server.real.len()).find(|&index| weight(index) > 0 && delay(index) == 1);
            idle.or_else(|| {
                least(server, |one, other| {
                    delay(one) * weight(other) > delay(other) * weight(one)
                })
            })
        }
        Scheduler::SourceHashing => source_hashing(server, client.0, port),
        Scheduler::MaglevHashing => maglev(server, turn, client.0, port),
    }
}

/// `ip_vs_rr_schedule`: the next one with a weight after the last.
fn round_robin(server: &VirtualServer, turn: &mut Turn) -> Option<usize> {
    let count = server.real.len();
    let start = place_of(server, turn).map_or(0, |last| last + 1);
    let chosen = (start..start + count)
        .map(|index| index % count)
        .find(|&index| server.real[index].weight > 0)?;
    turn.last = Some(server.real[chosen].address);
    Some(chosen)
}

/// Where the server stands that was chosen last.
fn place_of(server: &VirtualServer, turn: &Turn) -> Option<usize> {
    let last = turn.last?;
    (server.real.iter()).position(|real| real.address == last)
}

/// `ip_vs_wrr_schedule`: rounds in which only those take part whose weight is at least the current
/// one, which goes down by the greatest common divisor from round to round.
fn weighted_round_robin(server: &VirtualServer, turn: &mut Turn) -> Option<usize> {
    let step = (server.real.iter()).fold(0, |gcd, real| hash::greatest_common(real.weight, gcd));
    let most = server.real.iter().map(|real| real.weight).max()?;
    if most == 0 {
        return None;
    }
    let top = most - (step - 1);
    if changed(server, turn) {
        turn.last = None;
        if turn.current_weight > top || turn.current_weight == 0 {
            turn.current_weight = top;
        } else if step > 1 {
            turn.current_weight = turn.current_weight / step * step + 1;
        }
    }
    let mut index = place_of(server, turn).map_or(0, |last| last + 1);
    loop {
        if let Some(real) = server.real.get(index) {
            if real.weight >= turn.current_weight {
                turn.last = Some(real.address);
                return Some(index);
            }
            index += 1;
        } else {
            index = 0;
            turn.current_weight = match turn.current_weight.checked_sub(step) {
                None | Some(0) => top,
                Some(weight) => weight,
            };
        }
    }
}

/// Whether the real servers are others than those last time; from now on these are known.
fn changed(server: &VirtualServer, turn: &mut Turn) -> bool {
    let now = server.real.iter().map(|real| (real.address, real.weight));
    if now.clone().eq(turn.weights.iter().copied()) {
        return false;
    }
    turn.weights = now.collect();
    true
}

/// The first one of which `worse(it, other)` holds for no other.
fn least(server: &VirtualServer, worse: impl Fn(usize, usize) -> bool) -> Option<usize> {
    let with_weight = (0..server.real.len()).filter(|&index| server.real[index].weight > 0);
    with_weight.reduce(|least, other| if worse(least, other) { other } else { least })
}

/// `ip_vs_sh_schedule`: a server without weight stays the one that is meant, and its clients get
/// nobody.
fn source_hashing(server: &VirtualServer, client: IpAddr, port: u16) -> Option<usize> {
    if server.real.is_empty() {
        return None;
    }
    let index = hash::sh(&server.real, client, port);
    (server.real[index].weight > 0).then_some(index)
}

/// `ip_vs_mh_schedule`. A server without weight has no place in the table. (In the kernel one whose
/// weight was taken away later keeps its places, and their clients get nobody.)
fn maglev(server: &VirtualServer, turn: &mut Turn, client: IpAddr, port: u16) -> Option<usize> {
    if changed(server, turn) || turn.table.is_empty() {
        turn.table = hash::mh_table(&server.real);
    }
    let place = hash::mh_place(client, port);
    turn.table.get(place).map(|&index| usize::from(index))
}
