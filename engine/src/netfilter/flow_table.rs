//! Connections by number and by the tuples of their packets: what connection tracking and IPVS
//! keep theirs in.
//!
//! As the kernel's tables (`nf_conntrack_core.c`, `ip_vs_conn.c`) it hashes tuples, one for each
//! direction; the numbers stand for the order in which connections came. Only numbers are hashed,
//! eight bytes each, and the connections themselves say their tuples: many requests at once go
//! through hundreds of thousands of them, and a small table stays near the processor. The hash has
//! no secret: nothing that anybody sees depends on the order in it, and nobody sends from outside.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashTable;

use super::conntrack::{Tuple, Way};
use super::iptables::bits;

/// What is kept in such a table.
pub(super) trait Flow {
    /// The tuple of packets that go this way, as they come.
    fn tuple(&self, way: Way) -> Tuple;
}

/// Connections of one kind on one host.
#[derive(Clone, Debug)]
pub(super) struct FlowTable<C> {
    places: Places<C>,
    /// How many places are not empty.
    count: usize,
    /// Which connection packets of a tuple belong to, and which way they go: see [`name`].
    by_tuple: HashTable<u64>,
}

/// The connections in their order.
#[derive(Clone, Debug)]
struct Places<C> {
    /// A place is empty once its connection is forgotten.
    places: VecDeque<Option<C>>,
    /// The number of the first place.
    first: u64,
}

/// A connection's number and a direction in one.
fn name(id: u64, way: Way) -> u64 {
    id << 1 | u64::from(way == Way::Reply)
}

fn named(name: u64) -> (u64, Way) {
    let way = match name & 1 {
        0 => Way::Original,
        _ => Way::Reply,
    };
    (name >> 1, way)
}

/// A tuple's hash, word by word: each is mixed in by a multiplication, whose high bits are the good
/// ones (the number is 2^64 divided by the golden ratio; D. Knuth, TAOCP 6.4).
fn hash(tuple: &Tuple) -> u64 {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let ports = u64::from(tuple.sport) << 32 | u64::from(tuple.dport) << 16;
    let hash = mix(0, ports | tuple.protocol as u64);
    let hash = match (tuple.src, tuple.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => mix(
            hash,
            u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits()),
        ),
        (src, dst) => ([bits(src), bits(dst)].iter()).fold(hash, |hash, bits| {
            mix(mix(hash, (bits >> 64) as u64), *bits as u64)
        }),
    };
    hash ^ hash >> 32
}

impl<C> Default for FlowTable<C> {
    fn default() -> Self {
        Self {
            places: Places {
                places: VecDeque::new(),
                first: 0,
            },
            count: 0,
            by_tuple: HashTable::new(),
        }
    }
}

/// Numbers are names of places, and may differ between equal tables.
impl<C: PartialEq> PartialEq for FlowTable<C> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

impl<C: Eq> Eq for FlowTable<C> {}

impl<C> Places<C> {
    fn place(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok()
    }

    fn get(&self, id: u64) -> Option<&C> {
        self.places.get(self.place(id)?)?.as_ref()
    }
}

impl<C: Flow> Places<C> {
    /// The tuple that a name in the table stands for. Each of them is of a connection that is there.
    fn tuple(&self, name: u64) -> Option<Tuple> {
        let (id, way) = named(name);
        Some(self.get(id)?.tuple(way))
    }
}

impl<C> FlowTable<C> {
    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The connections, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &C> {
        self.places.places.iter().flatten()
    }

    /// A connection by number.
    pub(super) fn get(&self, id: u64) -> Option<&C> {
        self.places.get(id)
    }

    /// The same, to be changed; its tuples stay.
    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut C> {
        let place = self.places.place(id)?;
        self.places.places.get_mut(place)?.as_mut()
    }

    /// The numbers of the connections for which this holds.
    pub(super) fn numbers(&self, which: impl Fn(&C) -> bool) -> Vec<u64> {
        (self.places.first..)
            .zip(&self.places.places)
            .filter(|(_, place)| place.as_ref().is_some_and(&which))
            .map(|(id, _)| id)
            .collect()
    }
}

impl<C: Flow> FlowTable<C> {
    /// To which connection packets of a tuple belong, and which way they go.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<(u64, Way)> {
        let same = |name: &u64| self.places.tuple(*name).as_ref() == Some(tuple);
        self.by_tuple.find(hash(tuple), same).copied().map(named)
    }

    /// Puts a connection behind the others; gives its number. Packets of its tuples belong to it
    /// from now on, and to no other one.
    pub(super) fn insert(&mut self, connection: C) -> u64 {
        let ways = [Way::Original, Way::Reply];
        let tuples = ways.map(|way| connection.tuple(way));
        let Places { places, first } = &mut self.places;
        let id = *first + places.len() as u64;
        places.push_back(Some(connection));
        self.count += 1;
        let all = &self.places;
        for (tuple, way) in tuples.iter().zip(ways) {
            let hashed = hash(tuple);
            let same = |name: &u64| all.tuple(*name).as_ref() == Some(tuple);
            match self.by_tuple.find_mut(hashed, same) {
                Some(others) => *others = name(id, way),
                None => {
                    let hash_of = |name: &u64| all.tuple(*name).as_ref().map_or(0, hash);
                    self.by_tuple.insert_unique(hashed, name(id, way), hash_of);
                }
            }
        }
        id
    }

    /// Takes a connection out.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(connection) = self.places.get(id) else {
            return;
        };
        for tuple in [Way::Original, Way::Reply].map(|way| connection.tuple(way)) {
            let same = |name: &u64| self.places.tuple(*name).as_ref() == Some(&tuple);
            if let Ok(entry) = self.by_tuple.find_entry(hash(&tuple), same) {
                entry.remove();
            }
        }
        let place = self.places.place(id);
        let Places { places, first } = &mut self.places;
        if let Some(place) = place.and_then(|place| places.get_mut(place)) {
            *place = None;
            self.count -= 1;
        }
        while let Some(None) = places.front() {
            places.pop_front();
            *first += 1;
        }
    }

    /// Closes up where most places are empty: one old connection must not keep the places of all
    /// that came and went since.
    ///
    /// Numbers change by it, so nobody may keep one across it. Connection tracking and IPVS close up
    /// where they forget what has expired, which is at the first packet of a moment: whatever they
    /// note in that moment expires after it, so that all further packets of it find nothing to forget.
    /// A packet carries its connection's number no longer than its moment lasts; a client that keeps a
    /// connection, a template of persistence and a load balancer's flow hold addresses and ports.
    pub(super) fn close_up(&mut self) {
        let Places { places, first } = &mut self.places;
        if places.len() <= 2 * self.count + 64 {
            return;
        }
        let mut next = *first;
        let numbers: Vec<u64> = (places.iter())
            .map(|place| {
                let own = next;
                next += u64::from(place.is_some());
                own
            })
            .collect();
        for own in self.by_tuple.iter_mut() {
            let (id, way) = named(*own);
            if let Some(new) = numbers.get((id - *first) as usize) {
                *own = name(*new, way);
            }
        }
        places.retain(Option::is_some);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::conntrack::FlowProtocol;

    fn tuples(port: u16) -> [Tuple; 2] {
        let tuple = Tuple {
            protocol: FlowProtocol::Tcp,
            src: [10, 0, 0, 1].into(),
            dst: [10, 0, 0, 2].into(),
            sport: port,
            dport: 80,
        };
        [tuple, tuple.inverted()]
    }

    fn table(ports: impl Iterator<Item = u16>) -> FlowTable<u16> {
        let mut table = FlowTable::default();
        for port in ports {
            table.insert(port);
        }
        table
    }

    #[test]
    fn what_is_found_by_tuple_is_found_by_number() {
        let mut table = table(1..1000);
        let (id, way) = table.find(&tuples(500)[1]).unwrap();
        assert_eq!((table.get(id), way), (Some(&500), Way::Reply));
        table.remove(id);
        assert_eq!((table.get(id), table.find(&tuples(500)[0])), (None, None));
        assert_eq!(table.len(), 998);
    }

    #[test]
    fn one_old_connection_keeps_no_places_for_those_that_went() {
        let mut long = table(1..1000);
        for id in long.numbers(|port| *port != 1 && *port < 990) {
            long.remove(id);
        }
        assert_eq!(long.places.places.len(), 999);
        long.close_up();
        assert_eq!(long.places.places.len(), 11);
        for port in [1, 990, 999] {
            let (id, _) = long.find(&tuples(port)[0]).unwrap();
            assert_eq!(long.get(id), Some(&port));
        }
        assert_eq!(long, table([1].into_iter().chain(990..1000)));
        let id = long.insert(2000);
        assert_eq!(long.get(id), Some(&2000));
    }

    impl Flow for u16 {
        fn tuple(&self, way: Way) -> Tuple {
            let [original, reply] = tuples(*self);
            match way {
                Way::Original => original,
                Way::Reply => reply,
            }
        }
    }

    /// The table looks at the low bits, and at the seven high ones: of 32 bits in a browser.
    #[test]
    fn neighbouring_ports_spread_over_the_low_bits() {
        let mut used = [0_u32; 1024];
        for port in 0..4096 {
            let hash = hash(&tuples(port)[0]);
            used[(hash % 1024) as usize] += 1;
        }
        assert!(used.iter().all(|&count| count < 20), "{used:?}");
    }
}
