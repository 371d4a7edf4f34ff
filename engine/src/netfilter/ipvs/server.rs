//! Virtual servers and their real servers, as they are programmed.

use std::net::{IpAddr, SocketAddr};

use super::hash;
use super::scheduler::Scheduler;
use crate::net::Protocol;
use crate::netfilter::RuleAt;

/// All virtual servers of one host and family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// Sorted by protocol, address and port.
    pub(super) list: Vec<VirtualServer>,
}

/// A virtual server: connections to it go to one of its real servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualServer {
    /// The protocol.
    pub protocol: Protocol,
    /// Address and port.
    pub address: SocketAddr,
    /// How a real server is chosen.
    pub scheduler: Scheduler,
    /// How long a client stays with a real server, in seconds; `None` without persistence.
    pub persistence_seconds: Option<u32>,
    /// Whether the client's port counts where the scheduler hashes (`-b sh-port`, `-b mh-port`).
    pub hash_port: bool,
    /// Its real servers, in the order of the text.
    pub real: Vec<RealServer>,
    /// What of it is not modelled. Such a virtual server takes no packets, and an evaluation that
    /// comes to it says so.
    pub not_modelled: Option<String>,
}

/// A real server. Packets are forwarded to it by NAT (`-m`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealServer {
    /// Address and port.
    pub address: SocketAddr,
    /// Its weight. With 0 it gets no new connections.
    pub weight: u32,
}

impl VirtualServer {
    pub(super) fn key(&self) -> (Protocol, SocketAddr) {
        (self.protocol, self.address)
    }

    /// What it is called: `TCP 10.96.0.1:443`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.protocol, self.address)
    }

    /// How many parts of all new connections each real server gets in the long run: its weight, or
    /// its places in the table of `mh`.
    #[must_use]
    pub fn shares(&self, by_table: bool) -> Vec<u32> {
        if !by_table {
            return self.real.iter().map(|real| real.weight).collect();
        }
        let mut shares = vec![0; self.real.len()];
        for index in hash::mh_table(&self.real) {
            if let Some(share) = shares.get_mut(usize::from(index)) {
                *share += 1;
            }
        }
        shares
    }

    /// Its name among all rules: table `ipvs`, its own name as the chain. Number 0 is the virtual
    /// server itself, the others are its real servers from 1.
    #[must_use]
    pub fn at(&self, number: usize) -> RuleAt {
        RuleAt::new(
            "ipvs",
            self.name(),
            u32::try_from(number).unwrap_or(u32::MAX),
        )
    }
}

impl Servers {
    /// The virtual servers, by protocol, address and port.
    #[must_use]
    pub fn list(&self) -> &[VirtualServer] {
        &self.list
    }

    /// The virtual server at an address.
    #[must_use]
    pub fn find(&self, protocol: Protocol, address: IpAddr, port: u16) -> Option<&VirtualServer> {
        let key = (protocol, SocketAddr::new(address, port));
        let index = self.list.binary_search_by(|server| server.key().cmp(&key));
        index.ok().map(|index| &self.list[index])
    }

    /// The virtual server of this name; see [`VirtualServer::at`].
    #[must_use]
    pub fn named(&self, at: &RuleAt) -> Option<&VirtualServer> {
        if at.table != "ipvs" {
            return None;
        }
        let (protocol, address) = at.chain.split_once(' ')?;
        let address: SocketAddr = address.parse().ok()?;
        self.find(protocol.parse().ok()?, address.ip(), address.port())
    }
}
