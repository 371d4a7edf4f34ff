//! The tools that people reach for: on the laptop, on a Node, in a Pod.
//!
//! Whatever they send is walked by the lab's wires, and their words follow from how that ended. They
//! print as the real ones do: curl 8.9, GNU wget 1.24 and busybox 1.36, BIND 9.18's dig, host and
//! nslookup, iputils 20240117, OpenBSD's nc, iproute2 6.9. A Pod whose image says `busybox` or
//! `alpine` has busybox' wget, nslookup, ping and nc. Every container has every tool: which an image
//! brings is not known here.
//!
//! Left out: how long things take (no time is printed that nobody measured), bodies that are sent,
//! cookies, redirects.

mod http;
mod machine;
mod names;
mod node;
mod server;
mod sockets;

use super::output::Printed;
use super::place::Place;
use super::shell::Shell;

pub(super) use machine::file as machine_file;
pub(super) use server::image_name;

/// The tools that are there, for completion.
pub(super) const NAMES: [&str; 20] = [
    "conntrack",
    "curl",
    "dig",
    "env",
    "getent",
    "host",
    "hostname",
    "ip",
    "ipset",
    "iptables",
    "iptables-save",
    "ipvsadm",
    "nc",
    "nft",
    "nslookup",
    "ping",
    "printenv",
    "ss",
    "watch",
    "wget",
];

/// What a tool gives, or what is wrong with its words.
type Told = Result<Printed, String>;

/// Runs a tool; `None` for a name that is none.
pub(super) fn run(shell: &mut Shell<'_>, name: &str, args: &[&str]) -> Option<Printed> {
    let (result, code) = match name {
        "curl" => (http::curl(shell, args), 2),
        "wget" => (http::wget(shell, args), 1),
        "nslookup" => (names::nslookup(shell, args), 1),
        "dig" => (names::dig(shell, args), 1),
        "host" => (names::host(shell, args), 1),
        "getent" => (names::getent(shell, args), 1),
        "ping" | "ping6" => (sockets::ping(shell, args), 2),
        "nc" | "ncat" | "netcat" => (sockets::nc(shell, args), 1),
        "hostname" | "env" | "printenv" | "ip" | "ss" | "whoami" | "uname" | "date" => {
            (machine::run(shell, name, args), 1)
        }
        "iptables" | "iptables-save" | "ip6tables-save" | "nft" | "ipvsadm" | "ipset"
        | "conntrack" => (node::run(shell, name, args), 2),
        _ => return None,
    };
    Some(result.unwrap_or_else(|why| Printed::failure(code, format!("{name}: {why}"))))
}

/// Whether the place has busybox' tools.
fn is_busybox(shell: &mut Shell<'_>) -> bool {
    let image = image(shell);
    ["busybox", "alpine"]
        .iter()
        .any(|word| image.contains(word))
}

/// The image of the container in which a command runs; empty outside of Pods.
fn image(shell: &mut Shell<'_>) -> String {
    let Place::Pod {
        namespace,
        name,
        container,
    } = shell.place()
    else {
        return String::new();
    };
    let pod = shell.lab.world().store.pod(&namespace, &name);
    let containers = pod.map_or(&[][..], |pod| &pod.spec.containers);
    let own = containers
        .iter()
        .find(|own| own.name == container)
        .or_else(|| containers.first());
    own.map(|own| own.image.clone()).unwrap_or_default()
}
