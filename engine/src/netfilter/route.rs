//! Devices, addresses and routes of one host, and which source address it takes.
//!
//! Sources: Linux `net/ipv4/fib_frontend.c`, `net/ipv4/route.c`, `net/ipv4/devinet.c`
//! (`inet_select_addr`), `net/ipv6/addrconf.c` (`ipv6_dev_get_saddr`). Two tables: `local`, made of
//! the devices' addresses, and `main`, made of connected networks and the routes given. Left out:
//! other tables, rules, metrics, several next hops.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::iptables::AddressType;
use crate::net::IpFamily;

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name: `eth0`.
    pub name: String,
    /// Its addresses with their networks, the primary one of each family first.
    pub addresses: Vec<IpNet>,
    /// Whether it is a bridge: frames pass it from port to port.
    pub bridge: bool,
}

/// What a route does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends them out.
    Unicast,
    /// Throws them away in silence.
    Blackhole,
    /// Throws them away and tells the sender.
    Unreachable,
}

/// A route of the main table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub to: IpNet,
    /// By whom; `None` when the destination is on the device's own network.
    pub via: Option<IpAddr>,
    /// Through which device: its index among the host's. 0 for routes that go nowhere.
    pub device: usize,
    /// What it does.
    pub kind: RouteKind,
}

/// What the tables say of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is this host.
    Local,
    /// Out by a device, to a next hop.
    Out {
        /// The device's index.
        device: usize,
        /// Whom the frame is for.
        next_hop: IpAddr,
    },
    /// A route throws it away in silence.
    Blackhole,
    /// A route throws it away and tells the sender.
    Unreachable,
    /// There is no route.
    NoRoute,
}

/// The index of the loopback device; every host has it first.
pub const LOOPBACK: usize = 0;

/// The routing tables of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    devices: Vec<Device>,
    /// Local addresses, and the device that has each.
    local: BTreeMap<IpAddr, usize>,
    broadcast: Vec<IpAddr>,
    /// Longest prefix first; of equal ones the first given.
    main: Vec<Route>,
}

impl Routing {
    /// The tables that follow from devices and further routes. A loopback device is put first.
    #[must_use]
    pub fn new(devices: Vec<Device>, routes: Vec<Route>) -> Self {
        let mut all = vec![Device {
            name: "lo".to_owned(),
            addresses: vec![
                IpNet::new_assert(IpAddr::from([127, 0, 0, 1]), 8),
                IpNet::new_assert(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), 128),
            ],
            bridge: false,
        }];
        all.extend(devices);
        let mut this = Self {
            devices: all,
            local: BTreeMap::new(),
            broadcast: Vec::new(),
            main: Vec::new(),
        };
        for (index, device) in this.devices.iter().enumerate() {
            for address in &device.addresses {
                this.local.entry(address.addr()).or_insert(index);
                if index == LOOPBACK {
                    continue;
                }
                if let IpNet::V4(network) = address
                    && network.prefix_len() < 31
                {
                    this.broadcast.push(network.broadcast().into());
                }
                if address.prefix_len() < address.max_prefix_len() {
                    this.main.push(Route {
                        to: address.trunc(),
                        via: None,
                        device: index,
                        kind: RouteKind::Unicast,
                    });
                }
            }
        }
        for route in routes {
            this.add(route);
        }
        this.sort();
        this
    }

    fn sort(&mut self) {
        // Stable: of equal prefixes the first given wins.
        self.main
            .sort_by_key(|route| std::cmp::Reverse(route.to.prefix_len()));
    }

    fn add(&mut self, route: Route) {
        self.main.push(route);
    }

    /// Puts a route before all others of its prefix.
    pub fn insert(&mut self, route: Route) {
        self.main.insert(0, route);
        self.sort();
    }

    /// Takes away the routes to exactly this prefix.
    pub fn remove(&mut self, to: &IpNet) {
        self.main.retain(|route| &route.to != to);
    }

    /// Binds addresses to a device on which nothing hangs, as to a `dummy` one: they become this
    /// host's own, and no route changes. Addresses of their family that it had are gone; without
    /// such a device one is added behind the others. An address that another device has stays
    /// that one's.
    pub fn bind(&mut self, name: &str, family: IpFamily, addresses: &[IpAddr]) {
        let known = self.devices.iter().position(|device| device.name == name);
        if known.is_none() && addresses.is_empty() {
            return;
        }
        let index = known.unwrap_or(self.devices.len());
        if known.is_none() {
            self.devices.push(Device {
                name: name.to_owned(),
                addresses: Vec::new(),
                bridge: false,
            });
        }
        let device = &mut self.devices[index];
        device
            .addresses
            .retain(|own| IpFamily::of(own.addr()) != family);
        device
            .addresses
            .extend(addresses.iter().copied().map(IpNet::from));
        (self.local).retain(|own, device| *device != index || IpFamily::of(*own) != family);
        for &address in addresses {
            self.local.entry(address).or_insert(index);
        }
    }

    /// Makes an address this host's own that no device has, by a route of type `local`.
    pub fn add_local(&mut self, address: IpAddr) {
        self.local.entry(address).or_insert(LOOPBACK);
    }

    /// The device that has a local address.
    #[must_use]
    pub fn device_of(&self, address: IpAddr) -> Option<&str> {
        self.local
            .get(&address)
            .map(|&index| self.device_name(index))
    }

    /// The devices; the loopback is the first.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// A device's name.
    #[must_use]
    pub fn device_name(&self, index: usize) -> &str {
        self.devices.get(index).map_or("", |device| &device.name)
    }

    /// The routes of the main table, longest prefix first.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.main
    }

    /// Whether the address is this host's: in the table `local`, in which all of 127.0.0.0/8 is.
    #[must_use]
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.local.contains_key(&address) || (address.is_ipv4() && address.is_loopback())
    }

    /// All local addresses but the loopback's.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, usize)> {
        self.local
            .iter()
            .map(|(&address, &device)| (address, device))
            .filter(|&(_, device)| device != LOOPBACK)
    }

    /// Where a packet to this address goes.
    #[must_use]
    pub fn lookup(&self, to: IpAddr) -> Lookup {
        if self.is_local(to) {
            return Lookup::Local;
        }
        match self.main.iter().find(|route| route.to.contains(&to)) {
            None => Lookup::NoRoute,
            Some(route) => match route.kind {
                RouteKind::Blackhole => Lookup::Blackhole,
                RouteKind::Unreachable => Lookup::Unreachable,
                RouteKind::Unicast => Lookup::Out {
                    device: route.device,
                    next_hop: route.via.unwrap_or(to),
                },
            },
        }
    }

    /// The source address that a process gets which does not choose one: for a local destination
    /// that address itself, else one of the outgoing device.
    #[must_use]
    pub fn source_for(&self, to: IpAddr) -> Option<IpAddr> {
        match self.lookup(to) {
            Lookup::Local => Some(if self.local.contains_key(&to) {
                to
            } else {
                IpAddr::from([127, 0, 0, 1])
            }),
            Lookup::Out { device, next_hop } => self.address_on(device, next_hop),
            Lookup::Blackhole | Lookup::Unreachable | Lookup::NoRoute => None,
        }
    }

    /// The address that masquerade takes for packets leaving by a device: one on the next hop's
    /// network, else the device's first, else (for a device without address) another device's.
    #[must_use]
    pub fn address_on(&self, device: usize, next_hop: IpAddr) -> Option<IpAddr> {
        let family = IpFamily::of(next_hop);
        let usable = |index: usize| {
            let addresses = self.devices.get(index).map(|device| &device.addresses);
            addresses
                .into_iter()
                .flatten()
                .filter(move |address| IpFamily::of(address.addr()) == family)
        };
        if device != LOOPBACK {
            let near = usable(device).find(|address| address.contains(&next_hop));
            if let Some(address) = near.or_else(|| usable(device).next()) {
                return Some(address.addr());
            }
        }
        (LOOPBACK + 1..self.devices.len())
            .find_map(|index| usable(index).next())
            .map(IpNet::addr)
    }

    /// What `-m addrtype` calls an address on one device (`--limit-iface-in`, `-out`): another
    /// device's addresses are UNICAST to it (`inet_dev_addr_type`). `None` asks for any device.
    #[must_use]
    pub fn type_on(&self, address: IpAddr, device: Option<&str>) -> AddressType {
        let kind = self.type_of(address);
        let elsewhere = device.is_some_and(|name| {
            let own = |index: usize| self.device_name(index) == name;
            !self
                .addresses()
                .any(|(local, index)| local == address && own(index))
        });
        match kind {
            AddressType::Local if elsewhere => AddressType::Unicast,
            kind => kind,
        }
    }

    /// Whether a packet from a source may come in by a device (`-m rpfilter`, Linux
    /// `net/ipv4/netfilter/ipt_rpfilter.c`): a packet to the source would leave by it, or `loose`ly
    /// by any device. A source of this host's own is refused unless `accept_local`. What comes from
    /// the loopback may.
    #[must_use]
    pub fn reverse_path(
        &self,
        source: IpAddr,
        device: Option<&str>,
        loose: bool,
        accept_local: bool,
    ) -> bool {
        let name = |index: usize| Some(self.device_name(index));
        if device == name(LOOPBACK) {
            return true;
        }
        match self.lookup(source) {
            Lookup::Local => {
                let own =
                    (self.addresses()).any(|(local, on)| local == source && name(on) == device);
                accept_local && (loose || own)
            }
            Lookup::Out { device: out, .. } => loose || name(out) == device,
            Lookup::Blackhole | Lookup::Unreachable | Lookup::NoRoute => false,
        }
    }

    /// What `-m addrtype` calls an address. Only the local table is asked, as in
    /// `inet_addr_type`: an address without a route is UNICAST all the same.
    #[must_use]
    pub fn type_of(&self, address: IpAddr) -> AddressType {
        let limited = match address {
            IpAddr::V4(address) => address.octets()[0] == 0 || address.is_broadcast(),
            IpAddr::V6(_) => false,
        };
        if limited || self.broadcast.contains(&address) {
            AddressType::Broadcast
        } else if address.is_multicast() {
            AddressType::Multicast
        } else if address.is_unspecified() {
            AddressType::Unspec
        } else if self.is_local(address) {
            AddressType::Local
        } else if address.is_ipv6()
            && matches!(self.lookup(address), Lookup::Unreachable | Lookup::NoRoute)
        {
            AddressType::Unreachable
        } else {
            AddressType::Unicast
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn node() -> Routing {
        let device = |name: &str, address: &str| Device {
            name: name.to_owned(),
            addresses: vec![net(address)],
            bridge: name == "cbr0",
        };
        let via = |to: &str, via: &str| Route {
            to: net(to),
            via: Some(ip(via)),
            device: 1,
            kind: RouteKind::Unicast,
        };
        Routing::new(
            vec![
                device("eth0", "192.168.10.11/24"),
                device("cbr0", "10.244.1.1/24"),
            ],
            vec![
                via("0.0.0.0/0", "192.168.10.1"),
                via("10.244.2.0/24", "192.168.10.12"),
            ],
        )
    }

    #[test]
    fn the_longest_prefix_decides_and_local_comes_before_all() {
        let routing = node();
        let out = |device, next_hop: &str| Lookup::Out {
            device,
            next_hop: ip(next_hop),
        };
        assert_eq!(routing.lookup(ip("10.244.2.7")), out(1, "192.168.10.12"));
        assert_eq!(routing.lookup(ip("10.244.1.7")), out(2, "10.244.1.7"));
        assert_eq!(routing.lookup(ip("8.8.8.8")), out(1, "192.168.10.1"));
        assert_eq!(routing.lookup(ip("10.244.1.1")), Lookup::Local);
        assert_eq!(routing.lookup(ip("127.9.9.9")), Lookup::Local);
        assert_eq!(routing.lookup(ip("fd00::1")), Lookup::NoRoute);
    }

    #[test]
    fn a_process_gets_the_outgoing_devices_address() {
        let routing = node();
        assert_eq!(routing.source_for(ip("10.244.1.7")), Some(ip("10.244.1.1")));
        assert_eq!(
            routing.source_for(ip("10.96.0.1")),
            Some(ip("192.168.10.11"))
        );
        assert_eq!(routing.source_for(ip("10.244.1.1")), Some(ip("10.244.1.1")));
        assert_eq!(routing.source_for(ip("fd00::1")), None);
        // Out by the loopback: its own address is of host scope and does not serve.
        assert_eq!(
            routing.address_on(LOOPBACK, ip("10.244.1.1")),
            Some(ip("192.168.10.11"))
        );
    }

    #[test]
    fn address_types_come_from_the_tables() {
        let routing = node();
        assert_eq!(routing.type_of(ip("10.244.1.1")), AddressType::Local);
        assert_eq!(routing.type_of(ip("127.0.0.1")), AddressType::Local);
        assert_eq!(routing.type_of(ip("10.244.1.255")), AddressType::Broadcast);
        assert_eq!(routing.type_of(ip("10.96.0.1")), AddressType::Unicast);
        assert_eq!(routing.type_of(ip("224.0.0.1")), AddressType::Multicast);
    }
}
