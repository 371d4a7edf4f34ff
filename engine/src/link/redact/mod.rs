//! A cluster's dump without what it tells of its owners: names, addresses, images, commands.
//!
//! Whoever shares a broken cluster shares its shape: what selects what, on which port, in which
//! address range. Everything else is either replaced, the same by the same everywhere, or left out:
//!
//! * **Names** (of objects, namespaces, labels and their values, hosts) become `name-1`, `name-2`, …
//!   in the order in which they come; in a text of several names (`db.prod.svc.cluster.local`) each
//!   one does. What every cluster has keeps its name ([`words`]).
//! * **Addresses** are mapped so that two of them share as many leading bits afterwards as before
//!   ([`address`]): an address stays in its range, a range in its network, and private ranges stay
//!   private.
//! * **Left out**: annotations but those that decide about traffic, managed fields, environment,
//!   commands, volumes, images' names, messages, Secrets, and the content of ConfigMaps but
//!   CoreDNS' own.
//! * A text in a field that is not known here is treated as a name: what is new is hidden, not shown.
//!
//! Numbers, truth values and dates stay, and so do the names of ports.
//!
//! A public address becomes another public one, which may be somebody's: it stands for nobody.
//! What is not hidden: the shape itself, how many of what there are, port numbers, dates.

mod address;
mod words;

use std::sync::Arc;

use super::Error;
use crate::kubectl::print_yaml;
use crate::manifest;
use crate::yaml::{self, Entry, Map, Node, Value};
use address::Addresses;
use words::Treatment;

/// A text without what it tells of its owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The manifests anew. Comments are gone.
    pub text: String,
    /// What was replaced, with what stands there now, in the order in which it came.
    pub replaced: Vec<(String, String)>,
    /// What was left out, by field, with how many times; in the order of their names.
    pub left_out: Vec<(String, usize)>,
}

/// Redacts manifests, or a dump.
///
/// # Errors
///
/// [`Error::Content`] for a text that cannot be read: what cannot be understood cannot be hidden.
pub fn redact(text: &str) -> Result<Redacted, Error> {
    // A text whose indentation was lost in copying is another text than the one meant.
    let repaired = manifest::read(text).repaired;
    let text = repaired.as_ref().map_or(text, |repair| &repair.text);
    let stream = yaml::read(text);
    if let Some(error) = stream.errors.first() {
        return Err(Error::Content(error.to_string()));
    }
    let mut redactor = Redactor {
        addresses: Addresses::new(text),
        names: Names::default(),
        left_out: Vec::new(),
    };
    let mut documents = Vec::new();
    for document in &stream.documents {
        if let Some(document) = redactor.object(document) {
            documents.push(print_yaml(&document));
        }
    }
    redactor.left_out.sort_unstable();
    Ok(Redacted {
        text: documents.join("---\n"),
        replaced: redactor.names.replaced,
        left_out: redactor.left_out,
    })
}

/// The names so far, with what stands for them.
#[derive(Default)]
struct Names {
    /// In the order in which they came.
    replaced: Vec<(String, String)>,
    /// The places in it, in the order of the names.
    sorted: Vec<usize>,
    count: usize,
}

impl Names {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.sorted
            .binary_search_by(|&at| self.replaced[at].0.as_str().cmp(name))
    }

    fn add(&mut self, name: &str, stands_there: String) {
        if let Err(at) = self.find(name) {
            self.sorted.insert(at, self.replaced.len());
            self.replaced.push((name.to_owned(), stands_there));
        }
    }

    fn of(&mut self, name: &str) -> String {
        match self.find(name) {
            Ok(at) => self.replaced[self.sorted[at]].1.clone(),
            Err(_) => {
                self.count += 1;
                let new = format!("name-{}", self.count);
                self.add(name, new.clone());
                new
            }
        }
    }
}

struct Redactor {
    addresses: Addresses,
    names: Names,
    left_out: Vec<(String, usize)>,
}

impl Redactor {
    /// An object, or a list of them; `None` for one that is not shared at all.
    fn object(&mut self, object: &Node) -> Option<Node> {
        let kind = object.get("kind").and_then(Node::as_str).unwrap_or("");
        if kind == "Secret" {
            self.leave_out("Secret");
            return None;
        }
        let keeps_data = kind == "ConfigMap"
            && object.get("metadata").is_some_and(|metadata| {
                metadata.get("name").and_then(Node::as_str) == Some("coredns")
                    && metadata.get("namespace").and_then(Node::as_str) == Some("kube-system")
            });
        let Value::Map(map) = &object.value else {
            return Some(self.value("", object));
        };
        let mut entries = Vec::new();
        for entry in &map.entries {
            let value = match (&*entry.key.text, entry.value.as_list()) {
                ("items", Some(items)) => {
                    let items: Vec<Node> =
                        items.iter().filter_map(|item| self.object(item)).collect();
                    Value::List(items.into()).into()
                }
                ("data", _) if keeps_data => self.corefile(&entry.value),
                ("data" | "binaryData" | "stringData", _) if kind == "ConfigMap" => {
                    self.leave_out("ConfigMap data");
                    continue;
                }
                (key, _) => match self.field(key, &entry.value) {
                    Some(value) => value,
                    None => continue,
                },
            };
            entries.push(Entry::new(&entry.key.text, value));
        }
        Some(map_of(entries))
    }

    /// A field's value; `None` when the field is left out.
    fn field(&mut self, key: &str, value: &Node) -> Option<Node> {
        match words::treatment(key) {
            Treatment::LeaveOut => {
                self.leave_out(key);
                None
            }
            Treatment::Keep => Some(value.clone()),
            Treatment::Blank => {
                self.leave_out(key);
                Some(match value.value {
                    Value::String(_) => "redacted".into(),
                    _ => Value::Null.into(),
                })
            }
            Treatment::Annotations => {
                let kept = self.annotations(value);
                kept.as_map()
                    .is_some_and(|map| !map.entries.is_empty())
                    .then_some(kept)
            }
            Treatment::Labels => Some(self.labels(value)),
            Treatment::Names => Some(self.value(key, value)),
        }
    }

    fn leave_out(&mut self, what: &str) {
        match self.left_out.iter_mut().find(|(name, _)| name == what) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((what.to_owned(), 1)),
        }
    }

    fn value(&mut self, key: &str, node: &Node) -> Node {
        match &node.value {
            Value::Map(map) => {
                let entries = map.entries.iter();
                let entries: Vec<Entry> = entries
                    .filter_map(|entry| {
                        // A Pod port's name is said by others: it stays, as theirs does.
                        let is_port_name = key == "ports" && &*entry.key.text == "name";
                        let value = if is_port_name {
                            Some(entry.value.clone())
                        } else {
                            self.field(&entry.key.text, &entry.value)
                        };
                        Some(Entry::new(&entry.key.text, value?))
                    })
                    .collect();
                map_of(entries)
            }
            Value::List(items) => {
                let items: Vec<Node> = items.iter().map(|item| self.value(key, item)).collect();
                Value::List(items.into()).into()
            }
            Value::String(text) => self.text(text).as_str().into(),
            other => other.clone().into(),
        }
    }

    fn annotations(&mut self, node: &Node) -> Node {
        let Some(map) = node.as_map() else {
            return self.value("", node);
        };
        let mut entries = Vec::new();
        for entry in &map.entries {
            if words::decides_about_traffic(&entry.key.text) {
                let value = self.value("", &entry.value);
                entries.push(Entry::new(&entry.key.text, value));
            } else {
                self.leave_out("annotations");
            }
        }
        map_of(entries)
    }

    /// A map from labels to their values.
    fn labels(&mut self, node: &Node) -> Node {
        let Some(map) = node.as_map() else {
            return self.value("", node);
        };
        // A label selector is one level deeper, and has its labels there.
        if map.entry("matchLabels").is_some() || map.entry("matchExpressions").is_some() {
            return self.value("", node);
        }
        let entries = map.entries.iter();
        let entries: Vec<Entry> = entries
            .map(|entry| {
                let key = self.label(&entry.key.text);
                Entry::new(&key, self.value("", &entry.value))
            })
            .collect();
        map_of(entries)
    }

    /// A label's key: `example.com/team` is two names, and those of Kubernetes stay.
    fn label(&mut self, key: &str) -> String {
        if words::is_common(key) {
            return key.to_owned();
        }
        match key.split_once('/') {
            Some((domain, _)) if words::is_domain_of_kubernetes(domain) => key.to_owned(),
            _ => self.text(key),
        }
    }

    /// A text: an address, or names with what stands between them.
    fn text(&mut self, text: &str) -> String {
        if text.is_empty() || words::is_common(text) || words::is_a_date(text) {
            return text.to_owned();
        }
        if let Some(new) = self.addresses.of(text) {
            self.names.add(text, new.clone());
            return new;
        }
        let Some(between) = words::BETWEEN
            .iter()
            .find(|between| text.contains(**between))
        else {
            return if text.bytes().all(|byte| byte.is_ascii_digit()) {
                text.to_owned()
            } else {
                self.names.of(text)
            };
        };
        let mut new = String::new();
        for piece in text.split_inclusive(*between) {
            let word = piece.trim_end_matches(*between);
            new.push_str(&self.text(word));
            new.push_str(&piece[word.len()..]);
        }
        new
    }

    /// CoreDNS' configuration keeps its words; hosts and addresses in it do not.
    fn corefile(&mut self, data: &Node) -> Node {
        let Some(map) = data.as_map() else {
            return self.value("", data);
        };
        let mut entries = Vec::new();
        for entry in &map.entries {
            let Some(text) = entry.value.as_str() else {
                continue;
            };
            let mut new = String::new();
            for piece in text.split_inclusive([' ', '\t', '\n', '{', '}']) {
                let end = piece.trim_end_matches([' ', '\t', '\n', '{', '}']).len();
                let (word, space) = piece.split_at(end);
                let is_word = word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    || words::is_in_every_corefile(word);
                if is_word {
                    new.push_str(word);
                } else {
                    new.push_str(&self.text(word));
                }
                new.push_str(space);
            }
            entries.push(Entry::new(&entry.key.text, new.as_str().into()));
        }
        map_of(entries)
    }
}

fn map_of(entries: Vec<Entry>) -> Node {
    Value::Map(Arc::new(Map {
        entries,
        duplicates: Vec::new(),
    }))
    .into()
}
