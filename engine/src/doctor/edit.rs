//! Changes of a person's YAML: a value in the place of another, a field more, a field less.
//!
//! Works on the text by the places of the tree that was read from it, so comments, order and style
//! stay what they were. What stands in an anchor is left alone: a change there would change more
//! than is meant. Block and flow style are known, and JSON is flow style with quotes.

use super::finding::Edit;
use crate::manifest::Document;
use crate::yaml::{Entry, Map, Node, reads_as_text};

/// A text and one of its documents.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) text: &'a str,
    pub(super) tree: &'a Node,
}

impl<'a> Writer<'a> {
    pub(super) fn new(text: &'a str, document: &'a Document) -> Self {
        Self {
            text,
            tree: &document.tree,
        }
    }

    /// The node at a path of names and indices; `None` where nothing is written, or where it comes
    /// from somewhere else in the text.
    fn node(&self, path: &[&str]) -> Option<&'a Node> {
        let mut node = self.tree;
        for step in path {
            node = match node.as_map() {
                Some(map) => &own_entry(map, step)?.value,
                None => node.as_list()?.get(step.parse::<usize>().ok()?)?,
            };
            self.is_inside(node).then_some(())?;
        }
        Some(node)
    }

    /// An alias has the place of its anchor, or none.
    fn is_inside(&self, node: &Node) -> bool {
        let (own, whole) = (node.span, self.tree.span);
        whole.start.offset <= own.start.offset && own.end.offset <= whole.end.offset
    }

    fn is_flow(&self, node: &Node) -> bool {
        let at = node.span.start.offset as usize;
        self.text
            .get(at..)
            .is_some_and(|rest| rest.starts_with(['{', '[']))
    }

    /// The value of a field, replaced by this scalar.
    pub(super) fn replace(&self, path: &[&str], value: &str) -> Option<Edit> {
        let node = self.node(path)?;
        let span = node.span;
        let old = self
            .text
            .get(span.start.offset as usize..span.end.offset as usize)?;
        let is_plain = !old.is_empty() && !old.contains(['\n', '&', '*']);
        // The quotes that the old one had.
        let with = match old.chars().next() {
            Some('"') => format!("\"{value}\""),
            Some('\'') => format!("'{value}'"),
            _ => value.to_owned(),
        };
        is_plain.then_some(Edit {
            start: span.start.offset,
            end: span.end.offset,
            with,
        })
    }

    /// The name of a field, replaced.
    pub(super) fn rename(&self, path: &[&str], name: &str) -> Option<Edit> {
        let (last, above) = path.split_last()?;
        let entry = own_entry(self.node(above)?.as_map()?, last)?;
        let span = entry.key.span;
        let old = self
            .text
            .get(span.start.offset as usize..span.end.offset as usize)?;
        let with = if old.starts_with('"') {
            format!("\"{name}\"")
        } else {
            name.to_owned()
        };
        Some(Edit {
            start: span.start.offset,
            end: span.end.offset,
            with,
        })
    }

    /// A field more in a mapping: behind the field `after`, if that is there and is a scalar, and as
    /// the first one otherwise. The lines of `value` behind the first have the indentation that they
    /// would have at the left margin.
    pub(super) fn insert(
        &self,
        path: &[&str],
        after: &str,
        key: &str,
        value: &str,
    ) -> Option<Edit> {
        let node = self.node(path)?;
        let map = node.as_map()?;
        let first = map.entries.first().filter(|entry| !entry.merged)?;
        let first_at = first.key.span.start;
        if self.is_flow(node) {
            if value.contains('\n') {
                return None;
            }
            let is_json = self.text.get(first_at.offset as usize..)?.starts_with('"');
            let key = if is_json {
                format!("\"{key}\": {}", quoted(value))
            } else {
                format!("{key}: {value}")
            };
            let behind = own_entry(map, after).filter(|entry| is_scalar(&entry.value));
            let (at, with) = match behind {
                Some(entry) => (entry.value.span.end.offset, format!(", {key}")),
                None => (first_at.offset, format!("{key}, ")),
            };
            return Some(Edit {
                start: at,
                end: at,
                with,
            });
        }
        let indent = " ".repeat(first_at.column as usize - 1);
        let value = value.replace('\n', &format!("\n{indent}"));
        // A value that begins a line of its own needs no blank behind the colon.
        let blank = if value.starts_with('\n') { "" } else { " " };
        let behind = own_entry(map, after).filter(|entry| is_scalar(&entry.value));
        match behind {
            Some(entry) => {
                let from = entry.value.span.end.offset as usize;
                let rest = self.text.get(from..)?;
                let at = from + rest.find('\n').unwrap_or(rest.len());
                let at = at - usize::from(self.text[..at].ends_with('\r'));
                Some(Edit {
                    start: u32::try_from(at).ok()?,
                    end: u32::try_from(at).ok()?,
                    with: format!("\n{indent}{key}:{blank}{value}"),
                })
            }
            None => Some(Edit {
                start: first_at.offset,
                end: first_at.offset,
                with: format!("{key}:{blank}{value}\n{indent}"),
            }),
        }
    }

    /// A field less. Not the only one of a mapping, and not the first one of a list's item.
    pub(super) fn remove(&self, path: &[&str]) -> Option<Edit> {
        let (last, above) = path.split_last()?;
        let parent = self.node(above)?;
        let map = parent.as_map()?;
        let index = map
            .entries
            .iter()
            .position(|entry| !entry.merged && &*entry.key.text == *last)?;
        let entry = &map.entries[index];
        if map.entries.len() < 2 {
            return None;
        }
        let from = entry.key.span.start.offset as usize;
        if self.is_flow(parent) {
            // With the comma behind it, or the one in front of it.
            let (start, end) = match map.entries.get(index + 1) {
                Some(next) => (from, next.key.span.start.offset as usize),
                None => (
                    map.entries[index - 1].value.span.end.offset as usize,
                    entry.value.span.end.offset as usize,
                ),
            };
            return edit(start, end, "");
        }
        let line = self.text[..from].rfind('\n').map_or(0, |at| at + 1);
        if !self.text[line..from].trim().is_empty() {
            // Behind the dash of a list's item: the next field takes its place.
            let next = map.entries.get(index + 1)?;
            return edit(from, next.key.span.start.offset as usize, "");
        }
        let end = match map.entries.get(index + 1) {
            Some(next) => {
                let next = next.key.span.start.offset as usize;
                self.text[..next].rfind('\n').map_or(0, |at| at + 1)
            }
            None => {
                let end = (entry.value.span.end.offset as usize).max(from);
                let content = self.text[..end].trim_end().len().max(from);
                let rest = &self.text[content..];
                content + rest.find('\n').map_or(rest.len(), |at| at + 1)
            }
        };
        edit(line, end, "")
    }

    /// A document more, behind this one.
    pub(super) fn append(&self, document: &str) -> Option<Edit> {
        if self.is_flow(self.tree) {
            return None;
        }
        let from = self.tree.span.end.offset as usize;
        let content = self.text.get(..from)?.trim_end().len();
        let rest = self.text.get(content..)?;
        // An item of a list cannot be followed by a document.
        if self.tree.span.start.column != 1 {
            return None;
        }
        let line = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let at = content + line;
        let break_ = if self.text[..at].ends_with('\n') {
            ""
        } else {
            "\n"
        };
        edit(at, at, &format!("{break_}---\n{document}"))
    }
}

fn edit(start: usize, end: usize, with: &str) -> Option<Edit> {
    Some(Edit {
        start: u32::try_from(start).ok()?,
        end: u32::try_from(end).ok()?,
        with: with.to_owned(),
    })
}

fn own_entry<'a>(map: &'a Map, key: &str) -> Option<&'a Entry> {
    map.entry(key).filter(|entry| !entry.merged)
}

fn is_scalar(node: &Node) -> bool {
    node.as_map().is_none() && node.as_list().is_none() && node.span.end.offset > 0
}

/// The steps of a path as names and indices: `spec.ports[0].port`.
pub(super) fn steps(path: &str) -> Vec<&str> {
    path.split(['.', '[', ']'])
        .filter(|step| !step.is_empty())
        .collect()
}

/// A text as YAML writes it: with quotes where it would be read as something else.
pub(super) fn scalar(text: &str) -> String {
    if reads_as_text(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(value: &str) -> String {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty();
    if is_number || value.starts_with('"') {
        value.to_owned()
    } else {
        format!("{:?}", value)
    }
}
