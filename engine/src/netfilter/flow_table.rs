//! Connections by number and by the tuples of their packets: what connection tracking and IPVS
//! keep theirs in.
//!
//! As the kernel's tables (`nf_conntrack_core.c`, `ip_vs_conn.c`) it hashes tuples, one for each
//! direction; the numbers stand for the order in which connections came. The hash (rustc's) has no
//! secret: nothing that anybody sees depends on the order in it, and nobody sends from outside.

use std::collections::{HashMap, VecDeque};

use rustc_hash::FxBuildHasher;

use super::conntrack::{Tuple, Way};

/// Connections of one kind on one host.
#[derive(Clone, Debug)]
pub(super) struct FlowTable<C> {
    /// In their order. A place is empty once its connection is forgotten.
    places: VecDeque<Option<C>>,
    /// The number of the first place.
    first: u64,
    /// How many places are not empty.
    count: usize,
    by_tuple: HashMap<Tuple, (u64, Way), FxBuildHasher>,
}

impl<C> Default for FlowTable<C> {
    fn default() -> Self {
        Self {
            places: VecDeque::new(),
            first: 0,
            count: 0,
            by_tuple: HashMap::default(),
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

impl<C> FlowTable<C> {
    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The connections, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &C> {
        self.places.iter().flatten()
    }

    fn place(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok()
    }

    /// A connection by number.
    pub(super) fn get(&self, id: u64) -> Option<&C> {
        self.places.get(self.place(id)?)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut C> {
        let place = self.place(id)?;
        self.places.get_mut(place)?.as_mut()
    }

    /// To which connection packets of a tuple belong, and which way they go.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<(u64, Way)> {
        self.by_tuple.get(tuple).copied()
    }

    /// Puts a connection behind the others; gives its number.
    pub(super) fn insert(&mut self, original: Tuple, reply: Tuple, connection: C) -> u64 {
        let id = self.first + self.places.len() as u64;
        self.by_tuple.insert(original, (id, Way::Original));
        self.by_tuple.insert(reply, (id, Way::Reply));
        self.places.push_back(Some(connection));
        self.count += 1;
        id
    }

    /// Takes a connection out. `tuples` says which ones are its own.
    pub(super) fn remove(&mut self, id: u64, tuples: impl FnOnce(&C) -> [Tuple; 2]) {
        let Some(connection) = self
            .place(id)
            .and_then(|at| self.places.get_mut(at)?.take())
        else {
            return;
        };
        self.count -= 1;
        for tuple in tuples(&connection) {
            self.by_tuple.remove(&tuple);
        }
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
    }

    /// The numbers of the connections for which this holds.
    pub(super) fn numbers(&self, which: impl Fn(&C) -> bool) -> Vec<u64> {
        (self.first..)
            .zip(&self.places)
            .filter(|(_, place)| place.as_ref().is_some_and(&which))
            .map(|(id, _)| id)
            .collect()
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
        if self.places.len() <= 2 * self.count + 64 {
            return;
        }
        let mut next = self.first;
        let numbers: Vec<u64> = (self.places.iter())
            .map(|place| {
                let own = next;
                next += u64::from(place.is_some());
                own
            })
            .collect();
        let first = self.first;
        self.by_tuple.values_mut().for_each(|(id, _)| {
            if let Some(new) = numbers.get((*id - first) as usize) {
                *id = *new;
            }
        });
        self.places.retain(Option::is_some);
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
            let [original, reply] = tuples(port);
            table.insert(original, reply, port);
        }
        table
    }

    #[test]
    fn what_is_found_by_tuple_is_found_by_number() {
        let mut table = table(1..1000);
        let (id, way) = table.find(&tuples(500)[1]).unwrap();
        assert_eq!((table.get(id), way), (Some(&500), Way::Reply));
        table.remove(id, |port| tuples(*port));
        assert_eq!((table.get(id), table.find(&tuples(500)[0])), (None, None));
        assert_eq!(table.len(), 998);
    }

    #[test]
    fn one_old_connection_keeps_no_places_for_those_that_went() {
        let mut long = table(1..1000);
        for id in long.numbers(|port| *port != 1 && *port < 990) {
            long.remove(id, |port| tuples(*port));
        }
        assert_eq!(long.places.len(), 999);
        long.close_up();
        assert_eq!(long.places.len(), 11);
        for port in [1, 990, 999] {
            let (id, _) = long.find(&tuples(port)[0]).unwrap();
            assert_eq!(long.get(id), Some(&port));
        }
        assert_eq!(long, table([1].into_iter().chain(990..1000)));
        let [original, reply] = tuples(2000);
        let id = long.insert(original, reply, 2000);
        assert_eq!(long.get(id), Some(&2000));
    }

    /// The table of the standard library looks at the low bits. (The hash of the same name in
    /// version 1 of its crate left them nearly as they were.)
    #[test]
    fn neighbouring_ports_spread_over_the_low_bits() {
        use std::hash::BuildHasher;
        let mut used = [0_u32; 1024];
        for port in 0..4096 {
            let hash = FxBuildHasher.hash_one(tuples(port)[0]);
            used[(hash % 1024) as usize] += 1;
        }
        assert!(used.iter().all(|&count| count < 20), "{used:?}");
    }
}
