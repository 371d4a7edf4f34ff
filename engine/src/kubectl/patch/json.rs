//! JSON patches: a list of operations on paths.

use crate::kubectl::tree::Value;

/// RFC 6902, with the words of gopkg.in/evanphx/json-patch.v4.
pub(super) fn json_patch(object: &Value, patch: &Value) -> Result<Value, String> {
    let Value::List(operations) = patch else {
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Patch",
            patch.json_type()
        ));
    };
    let mut out = object.clone();
    for operation in operations {
        let op = operation.str_at("op");
        let path = operation.str_at("path");
        let value = operation.get("value").clone();
        match op {
            "add" => add(&mut out, path, value)?,
            "remove" => {
                take(&mut out, path, op)?;
            }
            "replace" => {
                if pointer(&mut out, path).is_none() {
                    return Err(missing(op, path));
                }
                if let Some(place) = pointer(&mut out, path) {
                    *place = value;
                }
            }
            "test" => {
                let found = pointer(&mut out, path).map(|value| value.clone());
                if found.unwrap_or_default() != value {
                    return Err(format!("testing value {path} failed: test failed"));
                }
            }
            "move" => {
                let moved = take(&mut out, operation.str_at("from"), op)?;
                add(&mut out, path, moved)?;
            }
            "copy" => {
                let from = operation.str_at("from");
                let copied = pointer(&mut out, from).map(|value| value.clone());
                add(&mut out, path, copied.ok_or_else(|| missing(op, from))?)?;
            }
            _ => return Err(format!("Unexpected kind: {op}")),
        }
    }
    Ok(out)
}

fn missing(op: &str, path: &str) -> String {
    format!("{op} operation does not apply: doc is missing key: {path}: missing value")
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn pointer<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let mut value = value;
    for part in path.strip_prefix('/')?.split('/') {
        value = match value {
            Value::List(items) => items.get_mut(part.parse::<usize>().ok()?)?,
            Value::Map(_) => value.at_key_mut(&unescape(part))?,
            _ => return None,
        };
    }
    Some(value)
}

fn parent<'a, 'p>(value: &'a mut Value, path: &'p str) -> Option<(&'a mut Value, &'p str)> {
    let (above, last) = path.rsplit_once('/')?;
    if above.is_empty() {
        return Some((value, last));
    }
    Some((pointer(value, above)?, last))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let no_place =
        || format!("add operation does not apply: doc is missing path: \"{path}\": missing value");
    let (above, last) = parent(object, path).ok_or_else(no_place)?;
    match above {
        Value::List(items) => {
            let at = if last == "-" {
                items.len()
            } else {
                last.parse::<usize>().map_err(|_| no_place())?
            };
            if at > items.len() {
                return Err(format!(
                    "add operation does not apply: doc is missing path: \"{path}\": Unable to access invalid index: {at}: invalid index referenced"
                ));
            }
            items.insert(at, value);
        }
        Value::Map(map) => map.insert(&unescape(last), value),
        _ => return Err(no_place()),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str, op: &str) -> Result<Value, String> {
    let gone = || missing(op, path);
    let (above, last) = parent(object, path).ok_or_else(gone)?;
    match above {
        Value::List(items) => {
            let at = last.parse::<usize>().map_err(|_| gone())?;
            if at < items.len() {
                Ok(items.remove(at))
            } else {
                Err(gone())
            }
        }
        Value::Map(map) => map.remove(&unescape(last)).ok_or_else(gone),
        _ => Err(gone()),
    }
}
