//! A map in the making: equal keys and merge keys.

use std::collections::BTreeMap;

use super::super::node::{Duplicate, Entry, Key, Map, Node, Value};

/// A map in the making.
#[derive(Default)]
pub(super) struct MapBuilder {
    pub(super) map: Map,
    /// Where each key stands in `map`, from [`MapBuilder::INDEXED_FROM`] keys on.
    index: BTreeMap<Box<str>, usize>,
}

impl MapBuilder {
    /// Below so many keys, looking at each is faster than an index.
    const INDEXED_FROM: usize = 16;

    /// Adds an entry; the last of two equal keys wins.
    pub(super) fn insert(&mut self, key: Key, value: Node, merged: bool) {
        let entries = &mut self.map.entries;
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
                    self.map.duplicates.push(Duplicate {
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
                entries.push(entry);
            }
        }
    }

    /// Takes over the entries of a map, or of a list of maps, the first of which wins. Says
    /// whether that could be done.
    pub(super) fn merge(&mut self, node: &Node) -> bool {
        match &node.value {
            Value::Map(map) => {
                for entry in &map.entries {
                    self.insert(entry.key.clone(), entry.value.clone(), true);
                }
                true
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().rev().all(|item| self.merge(item))
            }
            _ => false,
        }
    }
}
