//! What a person asks for, as machines, addresses and ports.
//!
//! Targets are read as people type them: `http://10.96.0.1:80/`, `10.96.0.1:80`, `[fd00::1]:80`,
//! `node-1:30080`, `ping://10.96.0.1`. A Node's name means its address of the client's family.
//! Other names are somebody else's to resolve; a final dot is kept for them.

use std::net::IpAddr;

use super::journey::{Client, ClientKind, Request};
use super::topology::{Network, Role};
use crate::net::{IpFamily, Protocol};

/// A request that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// `from` means nobody.
    #[error("there is no {0}")]
    NoSuchClient(String),
    /// `from` cannot be read.
    #[error(
        "cannot read {0:?}: a sender is pod/NAME, pod/NAMESPACE/NAME, node/NAME, external or external/NAME"
    )]
    BadClient(String),
    /// `to` cannot be read.
    #[error("cannot read {0:?}: a target is a URL, or an address with a port")]
    BadTarget(String),
    /// `to` has no port, and its scheme none either.
    #[error("{0:?} needs a port")]
    NoPort(String),
    /// `to` is a name, and nobody resolves names.
    #[error("names are not resolved yet: use the address instead of {0:?}")]
    NotResolved(String),
    /// More requests at once than [`crate::limits::MAX_REQUESTS`].
    #[error("at most {0} requests are sent at once")]
    TooMany(u32),
}

impl Request {
    /// The same client pings the host of the target: a ping has no port. A target that cannot be
    /// read stays as it is, for the error to name it.
    #[must_use]
    pub fn pinging(&self) -> Self {
        let host = match target(&self.to, self.protocol) {
            Ok(target) => match target.host {
                TargetHost::Address(address) => address.to_string(),
                TargetHost::Name(name) => name,
            },
            Err(RequestError::NoPort(to)) => to,
            Err(_) => return self.clone(),
        };
        Self {
            to: format!("ping://{host}"),
            ..self.clone()
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// A connection or datagram to a port.
    To(Protocol, u16),
    /// An ICMP echo request.
    Ping,
}

/// A target, before its name is an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: TargetHost,
    pub(super) sent: Sent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TargetHost {
    Address(IpAddr),
    Name(String),
}

/// Reads a target.
pub(super) fn target(to: &str, protocol: Protocol) -> Result<Target, RequestError> {
    let bad = || RequestError::BadTarget(to.to_owned());
    let text = to.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    let usual = match scheme.as_deref() {
        Some("http" | "ws") => Some(80),
        Some("https" | "wss") => Some(443),
        Some("dns") => Some(53),
        Some("ping" | "tcp" | "udp" | "sctp") | None => None,
        Some(_) => return Err(bad()),
    };
    let authority = rest
        .split(['/', '?', '#'])
        .next()
        .filter(|authority| !authority.is_empty())
        .ok_or_else(bad)?;
    // `user@host` in a URL.
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, port) = host_and_port(authority).ok_or_else(bad)?;
    let host = match host.parse() {
        Ok(address) => TargetHost::Address(address),
        Err(_) if is_name(host) => TargetHost::Name(host.to_owned()),
        Err(_) => return Err(bad()),
    };
    if scheme.as_deref() == Some("ping") {
        return match port {
            None => Ok(Target {
                host,
                sent: Sent::Ping,
            }),
            Some(_) => Err(bad()),
        };
    }
    let port = match port {
        Some(port) => port.parse().ok().filter(|&port| port > 0).ok_or_else(bad)?,
        None => usual.ok_or_else(|| RequestError::NoPort(to.to_owned()))?,
    };
    let protocol = match scheme.as_deref() {
        Some("http" | "https" | "ws" | "wss" | "tcp") => Protocol::Tcp,
        Some("udp") => Protocol::Udp,
        Some("sctp") => Protocol::Sctp,
        _ => protocol,
    };
    Ok(Target {
        host,
        sent: Sent::To(protocol, port),
    })
}

/// `host[:port]`, an IPv6 address in brackets or bare without a port.
fn host_and_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        None => Some((text, None)),
        // A bare IPv6 address.
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 254
        && text
            .strip_suffix('.')
            .unwrap_or(text)
            .split('.')
            .all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            })
}

/// Finds the client: its machine, and how it is named.
pub(super) fn client(network: &Network, from: &str) -> Result<(usize, Client), RequestError> {
    let nobody = || RequestError::NoSuchClient(from.to_owned());
    let parts: Vec<&str> = from.trim().split('/').collect();
    let index = match parts[..] {
        ["pod", name] => network.pod("", name).ok_or_else(nobody)?,
        ["pod", namespace, name] => network.pod(namespace, name).ok_or_else(nobody)?,
        ["node", name] => network.node(name).ok_or_else(nobody)?,
        ["external", name] => network.outside(name).ok_or_else(nobody)?,
        ["external"] => (network.machines().iter())
            .position(|machine| matches!(machine.role, Role::Lan | Role::Internet))
            .ok_or_else(nobody)?,
        _ => return Err(RequestError::BadClient(from.to_owned())),
    };
    let machine = network.machine(index);
    let client = match (&machine.role, &parts[..]) {
        // A Pod in the Node's own network.
        (Role::Node, ["pod", .., name]) => Client {
            id: from.trim().to_owned(),
            name: (*name).to_owned(),
            kind: ClientKind::Pod,
            node: Some(machine.name.clone()),
        },
        (Role::Node, _) => Client {
            id: machine.key().to_owned(),
            name: machine.name.clone(),
            kind: ClientKind::Node,
            node: Some(machine.name.clone()),
        },
        (Role::Pod { node, .. }, _) => Client {
            id: machine.key().to_owned(),
            name: machine.name.clone(),
            kind: ClientKind::Pod,
            node: Some(network.machine(*node).name.clone()),
        },
        (role, _) => Client {
            id: machine.key().to_owned(),
            name: machine.name.clone(),
            kind: if *role == Role::Lan {
                ClientKind::Lan
            } else {
                ClientKind::Internet
            },
            node: None,
        },
    };
    Ok((index, client))
}

/// The address of a Node that is called by its name: of the family that the client has.
pub(super) fn node_address(network: &Network, name: &str, client: usize) -> Option<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let node = network.machine(network.node(name)?);
    let mut own: Vec<IpAddr> = (node.host.routing.devices().iter().skip(1).take(1))
        .flat_map(|device| &device.addresses)
        .map(ipnet::IpNet::addr)
        .collect();
    let families: Vec<IpFamily> = (network.machine(client).host.routing.addresses())
        .map(|(address, _)| IpFamily::of(address))
        .collect();
    own.sort_by_key(|&address| !families.contains(&IpFamily::of(address)));
    own.first().copied()
}

impl Network {
    /// Who a sender is (see [`Request::from`]).
    ///
    /// # Errors
    /// There is nobody of that name, or it cannot be read.
    pub fn client(&self, from: &str) -> Result<Client, RequestError> {
        client(self, from).map(|(_, client)| client)
    }
}

impl Request {
    /// Whether the target can be read, before anything is built.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), RequestError> {
        target(&self.to, self.protocol).map(|_| ())
    }

    /// The address that it is for; `None` for a name, or a target that cannot be read.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match target(&self.to, self.protocol).ok()?.host {
            TargetHost::Address(address) => Some(address),
            TargetHost::Name(_) => None,
        }
    }

    /// The name that has to be resolved first, with its final dot where it has one; `None` for an
    /// address.
    ///
    /// # Errors
    /// A target that cannot be read.
    pub fn name(&self) -> Result<Option<String>, RequestError> {
        Ok(match target(&self.to, self.protocol)?.host {
            TargetHost::Address(_) => None,
            TargetHost::Name(name) => Some(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(to: &str) -> Result<(String, Option<(Protocol, u16)>), RequestError> {
        let target = target(to, Protocol::Udp)?;
        let host = match target.host {
            TargetHost::Address(address) => address.to_string(),
            TargetHost::Name(name) => format!("name {name}"),
        };
        Ok(match target.sent {
            Sent::To(protocol, port) => (host, Some((protocol, port))),
            Sent::Ping => (host, None),
        })
    }

    #[test]
    fn targets_read_as_people_type_them() {
        let tcp = |port| Some((Protocol::Tcp, port));
        let udp = |port| Some((Protocol::Udp, port));
        for (text, host, sent) in [
            ("http://10.96.0.1:8080/path?x=1", "10.96.0.1", tcp(8080)),
            ("https://10.96.0.1", "10.96.0.1", tcp(443)),
            ("http://10.96.0.1", "10.96.0.1", tcp(80)),
            ("10.96.0.10:53", "10.96.0.10", udp(53)),
            (" [fd00::1]:80 ", "fd00::1", udp(80)),
            ("ping://fd00::1", "fd00::1", None),
            ("ping://10.96.0.1", "10.96.0.1", None),
            ("node-1:30080", "name node-1", udp(30080)),
            (
                "http://web.default.svc.cluster.local./",
                "name web.default.svc.cluster.local.",
                tcp(80),
            ),
        ] {
            assert_eq!(read(text).unwrap(), (host.to_owned(), sent), "{text}");
        }
    }

    #[test]
    fn bad_targets_say_what_is_wrong() {
        for text in [
            "",
            "http://",
            "10.0.0.1:0",
            "10.0.0.1:99999",
            "a b:80",
            "ftp://x",
            "[::1:80",
        ] {
            assert_eq!(read(text), Err(RequestError::BadTarget(text.to_owned())));
        }
        assert_eq!(
            read("10.96.0.1").unwrap_err().to_string(),
            "\"10.96.0.1\" needs a port"
        );
    }
}
