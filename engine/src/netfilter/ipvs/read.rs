//! Virtual servers from what `ipvsadm -S -n` prints.

use std::net::SocketAddr;

use super::scheduler::Scheduler;
use super::server::{RealServer, Servers, VirtualServer};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::iptables::{RuleError, Trouble};

impl Servers {
    /// Reads lines of `ipvsadm -S -n`: `-A` for a virtual server, `-a` for a real server of one.
    /// Lines that cannot be read are named and left out; the last of several lines for one server
    /// counts.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<RuleError>) {
        let mut servers = Self::default();
        let mut errors = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if let Err(trouble) = servers.line(content) {
                errors.push(RuleError { line, trouble });
            }
        }
        (servers, errors)
    }

    fn line(&mut self, content: &str) -> Result<(), Trouble> {
        let mut words = content.split_whitespace();
        let command = words.next().unwrap_or_default();
        let missing = |option: &str| Trouble::MissingValue(option.to_owned());
        let bad = Trouble::bad;
        let real = match command {
            "-A" | "--add-service" => false,
            "-a" | "--add-server" => true,
            _ => return Err(Trouble::UnknownLine(content.to_owned())),
        };
        let mut key = None;
        let mut scheduler = Scheduler::default();
        let mut persistence_seconds = None;
        let mut hash_port = false;
        let mut server = None;
        let mut weight = 1;
        let mut not_modelled: Option<String> = None;
        while let Some(option) = words.next() {
            let mut value = || words.next().ok_or_else(|| missing(option));
            match option {
                "-t" | "--tcp-service" | "-u" | "--udp-service" | "--sctp-service" => {
                    let protocol = match option {
                        "-t" | "--tcp-service" => Protocol::Tcp,
                        "-u" | "--udp-service" => Protocol::Udp,
                        _ => Protocol::Sctp,
                    };
                    let text = value()?;
                    let address: SocketAddr = text.parse().map_err(|_| bad(option, text))?;
                    key = Some((protocol, address));
                }
                "-s" | "--scheduler" => {
                    let name = value()?;
                    match name.parse() {
                        Ok(known) => scheduler = known,
                        Err(()) => not_modelled = Some(format!("scheduler `{name}`")),
                    }
                }
                "-p" | "--persistent" => {
                    let text = value()?;
                    persistence_seconds = Some(text.parse().map_err(|_| bad(option, text))?);
                }
                "-b" | "--sched-flags" => {
                    for flag in value()?.split(',') {
                        match flag {
                            "sh-port" | "mh-port" => hash_port = true,
                            _ => not_modelled = Some(format!("scheduler flag `{flag}`")),
                        }
                    }
                }
                "-M" | "--netmask" => {
                    let mask = value()?;
                    if mask != "255.255.255.255" && mask != "128" {
                        not_modelled = Some(format!("persistence for a network ({mask})"));
                    }
                }
                "-r" | "--real-server" => {
                    let text = value()?;
                    server = Some(text.parse::<SocketAddr>().map_err(|_| bad(option, text))?);
                }
                "-w" | "--weight" => {
                    let text = value()?;
                    weight = text.parse().map_err(|_| bad(option, text))?;
                }
                "-m" | "--masquerading" => {}
                "-g" | "--gatewaying" => not_modelled = Some("forwarding by routing".to_owned()),
                "-i" | "--ipip" => not_modelled = Some("forwarding by a tunnel".to_owned()),
                "-f" | "--fwmark-service" => {
                    return Err(Trouble::NotModelled("a firewall mark's server".to_owned()));
                }
                "-o" | "--ops" => not_modelled = Some("one-packet scheduling".to_owned()),
                "-x" | "--u-threshold" | "-y" | "--l-threshold" => {
                    let text = value()?;
                    if text != "0" {
                        not_modelled = Some("a threshold of connections".to_owned());
                    }
                }
                _ => return Err(Trouble::UnknownOption(option.to_owned())),
            }
        }
        let key = key.ok_or_else(|| missing(command))?;
        let place = self.list.binary_search_by(|server| server.key().cmp(&key));
        if real {
            let address = server.ok_or_else(|| missing("-r"))?;
            if IpFamily::of(address.ip()) != IpFamily::of(key.1.ip()) {
                return Err(Trouble::NotModelled(
                    "a server of another family".to_owned(),
                ));
            }
            let place = place.map_err(|_| Trouble::UnknownLine(content.to_owned()))?;
            let list = &mut self.list[place];
            list.real.retain(|known| known.address != address);
            list.real.push(RealServer { address, weight });
            if not_modelled.is_some() {
                list.not_modelled.clone_from(&not_modelled);
            }
        } else {
            let new = VirtualServer {
                protocol: key.0,
                address: key.1,
                scheduler,
                persistence_seconds,
                hash_port,
                real: Vec::new(),
                not_modelled: not_modelled.clone(),
            };
            match place {
                Ok(place) => self.list[place] = new,
                Err(place) => self.list.insert(place, new),
            }
        }
        not_modelled.map_or(Ok(()), |what| Err(Trouble::NotModelled(what)))
    }
}
