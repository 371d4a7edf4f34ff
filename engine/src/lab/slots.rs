//! Who stands where in the picture, for good.
//!
//! A Pod takes the lowest free slot of its wing when it comes, and keeps it until it goes. So an
//! edit never moves what it did not change.

use std::collections::BTreeMap;

use crate::api::ObjectRef;

/// The wings in the order in which they came, and the Pods' slots in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    wings: Vec<String>,
    slots: BTreeMap<ObjectRef, (String, u32)>,
}

impl Slots {
    /// Takes in what is there now: Nodes by name, Pods with the names of their Nodes.
    pub(super) fn update<'a>(
        &mut self,
        nodes: impl Iterator<Item = &'a str>,
        pods: impl Iterator<Item = (ObjectRef, &'a str)>,
    ) {
        let nodes: Vec<&str> = nodes.collect();
        self.wings.retain(|wing| nodes.contains(&wing.as_str()));
        for node in nodes {
            if !self.wings.iter().any(|wing| wing == node) {
                self.wings.push(node.to_owned());
            }
        }

        let mut now: BTreeMap<ObjectRef, (String, u32)> = BTreeMap::new();
        let mut new: Vec<(ObjectRef, &str)> = Vec::new();
        for (pod, node) in pods {
            match self.slots.get(&pod) {
                Some((wing, slot)) if wing == node => {
                    now.insert(pod, (wing.clone(), *slot));
                }
                _ => new.push((pod, node)),
            }
        }
        let mut taken: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (wing, slot) in now.values() {
            taken.entry(wing.clone()).or_default().push(*slot);
        }
        for slots in taken.values_mut() {
            slots.sort_unstable();
        }
        for (pod, node) in new {
            let slots = taken.entry(node.to_owned()).or_default();
            // The first place where the sorted slots and the counting part is free.
            let free = slots
                .iter()
                .zip(0..)
                .take_while(|(slot, count)| **slot == *count)
                .count();
            let slot = u32::try_from(free).unwrap_or(u32::MAX);
            slots.insert(free, slot);
            now.insert(pod, (node.to_owned(), slot));
        }
        self.slots = now;
    }

    /// The wings, from the first.
    pub(super) fn wings(&self) -> &[String] {
        &self.wings
    }

    /// The wings by name, for [`Slots::of`].
    pub(super) fn places(&self) -> Places<'_> {
        let mut places: Vec<(&str, usize)> =
            self.wings.iter().map(String::as_str).zip(0..).collect();
        places.sort_unstable();
        Places(places)
    }

    /// Where a Pod is: the index of its wing and its slot there.
    pub(super) fn of(&self, pod: &ObjectRef, places: &Places<'_>) -> (Option<usize>, u32) {
        match self.slots.get(pod) {
            Some((wing, slot)) => (places.index(wing), *slot),
            None => (None, 0),
        }
    }
}

/// The wings by name, each with its index.
pub(super) struct Places<'a>(Vec<(&'a str, usize)>);

impl Places<'_> {
    fn index(&self, wing: &str) -> Option<usize> {
        let at = self.0.binary_search_by_key(&wing, |(name, _)| name).ok()?;
        self.0.get(at).map(|(_, index)| *index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    fn pod(name: &str) -> ObjectRef {
        ObjectRef::new(Kind::Pod, "default", name)
    }

    fn of(slots: &Slots, name: &str) -> (Option<usize>, u32) {
        slots.of(&pod(name), &slots.places())
    }

    #[test]
    fn a_pod_keeps_its_slot_and_a_new_one_takes_the_lowest_free_one() {
        let mut slots = Slots::default();
        let on = |names: &[&'static str]| -> Vec<(ObjectRef, &'static str)> {
            names.iter().map(|name| (pod(name), "n")).collect()
        };
        slots.update(["n"].into_iter(), on(&["b", "c", "d"]).into_iter());
        assert_eq!(of(&slots, "d"), (Some(0), 2));
        slots.update(["n"].into_iter(), on(&["b", "d"]).into_iter());
        slots.update(["n"].into_iter(), on(&["a", "b", "d"]).into_iter());
        assert_eq!(of(&slots, "a"), (Some(0), 1));
        assert_eq!(of(&slots, "b"), (Some(0), 0));
        assert_eq!(of(&slots, "d"), (Some(0), 2));
    }

    #[test]
    fn new_wings_come_last_and_a_pod_that_moves_takes_a_new_slot() {
        let mut slots = Slots::default();
        slots.update(["b"].into_iter(), [(pod("x"), "b")].into_iter());
        slots.update(["a", "b"].into_iter(), [(pod("x"), "a")].into_iter());
        assert_eq!(slots.wings(), ["b", "a"]);
        assert_eq!(of(&slots, "x"), (Some(1), 0));
    }
}
