//! A map in the making: equal keys and merge keys.

use std::collections::BTreeMap;

use super::super::node::{Duplicate, Entry, Key, Map, Node, Value};

/// A map in the making.
///
/// The entries of all maps that are open stand in one list, those of the innermost one last: so each
/// map is allocated once, as large as it is.
pub(super) struct MapBuilder {
    /// Where its entries begin in that list.
    first: usize,
    duplicates: Vec<Duplicate>,
    /// Where each key stands among its entries, from [`MapBuilder::INDEXED_FROM`] keys on.
    index: BTreeMap<Box<str>, usize>,
}

impl MapBuilder {
    /// Below so many keys, looking at each is faster than an index.
    const INDEXED_FROM: usize = 16;

    /// An empty map, whose entries will stand behind these.
    pub(super) fn behind(all: &[Entry]) -> Self {
        Self {
            first: all.len(),
            duplicates: Vec::new(),
            index: BTreeMap::new(),
        }
    }

    /// Adds an entry; the last of two equal keys wins.
    pub(super) fn insert(&mut self, all: &mut Vec<Entry>, key: Key, value: Node, merged: bool) {
        let entries = &mut all[self.first..];
        let known = if entries.len() < Self::INDEXED_FROM {
            entries.iter().position(|entry| entry.key.text == key.text)
        } else {
            if self.index.is_empty() {
                let keys = entries.iter().map(|entry| entry.key.text.clone());
                self.index = keys.zip(0..).collect();
            }
            self.index.get(&key.text).copied()
        };
        let entry = Entry { key, value, merged };
        match known {
            Some(at) => {
                if !merged && !entries[at].merged {
                    self.duplicates.push(Duplicate {
                        key: entry.key.text.clone(),
                        first: entries[at].key.span,
                        second: entry.key.span,
                    });
                }
                entries[at] = entry;
            }
            None => {
                if !self.index.is_empty() {
                    self.index.insert(entry.key.text.clone(), entries.len());
                }
                all.push(entry);
            }
        }
    }

    /// Takes over the entries of a map, or of a list of maps, the first of which wins. Says
    /// whether that could be done.
    pub(super) fn merge(&mut self, all: &mut Vec<Entry>, node: &Node) -> bool {
        match &node.value {
            Value::Map(map) => {
                for entry in &map.entries {
                    self.insert(all, entry.key.clone(), entry.value.clone(), true);
                }
                true
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().rev().all(|item| self.merge(all, item))
            }
            _ => false,
        }
    }

    /// The map, whose entries are taken out of the list.
    pub(super) fn finish(self, all: &mut Vec<Entry>) -> Map {
        Map {
            entries: all.drain(self.first..).collect(),
            duplicates: self.duplicates,
        }
    }
}
