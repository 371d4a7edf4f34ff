//! What a link carries, as JSON.

use super::{Error, VERSION, World};
use crate::limits::{MAX_LINK_LINES, MAX_LINK_VIEW};
use crate::yaml::{self, Node, Number, Value};

/// The JSON of a world. What is empty is left out.
#[must_use]
pub fn write(world: &World) -> String {
    let mut entries = vec![
        ("v".to_owned(), i64::from(VERSION).into()),
        ("text".to_owned(), world.text.as_str().into()),
    ];
    if let Some(seed) = world.seed {
        entries.push(("seed".to_owned(), Value::Number(Number::Uint(seed)).into()));
    }
    if !world.lines.is_empty() {
        let lines: Vec<Node> = world
            .lines
            .iter()
            .map(|line| line.as_str().into())
            .collect();
        entries.push(("lines".to_owned(), Value::List(lines.into()).into()));
    }
    if !world.view.is_empty() {
        let view = world.view.iter();
        let view = view.map(|(name, value)| (name.clone(), value.as_str().into()));
        entries.push(("view".to_owned(), Node::map(view)));
    }
    Node::map(entries).to_string()
}

/// Reads the JSON of a world.
///
/// # Errors
///
/// [`Error::Content`] and [`Error::Version`].
pub fn read(json: &str) -> Result<World, Error> {
    let content = |why: String| Err(Error::Content(why));
    // Every JSON text is a YAML text with the same meaning.
    let stream = yaml::read(json);
    if let Some(error) = stream.errors.first() {
        return content(error.to_string());
    }
    let [root] = stream.documents.as_slice() else {
        return content("it must be one JSON object".to_owned());
    };
    if root.as_map().is_none() {
        return content(format!("it must be an object, not {}", root.json_type()));
    }
    match root.get("v").map(|node| &node.value) {
        Some(Value::Number(number)) if number.as_i64() == Some(i64::from(VERSION)) => {}
        Some(other) => return Err(Error::Version(Node::from(other.clone()).to_string())),
        None => return content("v, the version, is missing".to_owned()),
    }
    let text = match root.get("text") {
        Some(node) => string(node, "text")?,
        None => return content("text, the manifests, is missing".to_owned()),
    };
    let seed = match root.get("seed").map(|node| &node.value) {
        None | Some(Value::Null) => None,
        Some(Value::Number(Number::Uint(seed))) => Some(*seed),
        Some(Value::Number(number)) if number.as_i64().is_some_and(|seed| seed >= 0) => {
            number.as_i64().and_then(|seed| u64::try_from(seed).ok())
        }
        Some(_) => return content("seed must be a whole number from 0 on".to_owned()),
    };
    let mut lines = Vec::new();
    if let Some(node) = root.get("lines") {
        let Some(items) = node.as_list() else {
            return content(format!("lines must be a list, not {}", node.json_type()));
        };
        if items.len() > MAX_LINK_LINES {
            return content(format!(
                "it has {} lines, and the limit is {MAX_LINK_LINES}",
                items.len()
            ));
        }
        for (at, item) in items.iter().enumerate() {
            lines.push(string(item, &format!("lines[{at}]"))?);
        }
    }
    let mut view: Vec<(String, String)> = Vec::new();
    if let Some(node) = root.get("view") {
        let Some(map) = node.as_map() else {
            return content(format!("view must be an object, not {}", node.json_type()));
        };
        if map.entries.len() > MAX_LINK_VIEW {
            return content(format!(
                "view has {} entries, and the limit is {MAX_LINK_VIEW}",
                map.entries.len()
            ));
        }
        for entry in &map.entries {
            let name = entry.key.text.to_string();
            let value = string(&entry.value, &format!("view.{name}"))?;
            // In the order in which it is written again.
            let at = view.partition_point(|(other, _)| *other < name);
            view.insert(at, (name, value));
        }
    }
    Ok(World {
        text,
        seed,
        lines,
        view,
    })
}

fn string(node: &Node, what: &str) -> Result<String, Error> {
    match node.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::Content(format!(
            "{what} must be a string, not {}",
            node.json_type()
        ))),
    }
}
