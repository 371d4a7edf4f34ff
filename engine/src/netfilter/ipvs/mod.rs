//! IPVS: virtual servers in the kernel, each with its real servers and a scheduler.
//!
//! What is programmed ([`Servers`]) is read as `ipvsadm -S -n` prints it; what is remembered
//! ([`IpvsState`]: connections, templates of persistence, whose turn it is) belongs to a host's
//! state. IPVS hangs on LOCAL_IN and LOCAL_OUT, so it sees packets to addresses that are the
//! host's own, and on FORWARD for their replies; how it stands among the other hooks is written in
//! `hooks`.
//!
//! Sources: Linux 6.18 `net/netfilter/ipvs/`: `ip_vs_core.c` (hooks, scheduling, persistence),
//! `ip_vs_conn.c`, `ip_vs_proto_tcp.c`, `_udp.c`, `_sctp.c` (states and timeouts), `ip_vs_xmit.c`
//! (NAT), `ip_vs_nfct.c`, and a file for each scheduler: `ip_vs_rr.c`, `_wrr.c`, `_lc.c`,
//! `_wlc.c`, `_sed.c`, `_nq.c`, `_sh.c`, `_mh.c`. With the sysctls that kube-proxy sets:
//! `conntrack`, `expire_nodest_conn` and `expire_quiescent_template` are 1, `conn_reuse_mode` is
//! the kernel's default 1.
//!
//! The order of a virtual server's real servers, which decides ties and whose turn it is, is that
//! of the text. In the kernel the server added last stands first, and programs add them in any
//! order. Left out: forwarding by tunnel and direct routing, firewall marks, the schedulers that
//! reading names, ICMP errors from clients, synchronisation between hosts, `conntrack` switched off.

mod hash;
mod hooks;
mod read;
mod scheduler;
mod server;
mod state;

#[cfg(test)]
mod tests;

pub use scheduler::Scheduler;
pub use server::{RealServer, Servers, VirtualServer};
pub use state::{IpvsConnection, IpvsState};
