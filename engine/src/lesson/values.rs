//! Values of the world in a lesson's texts: `{{service/web spec.clusterIP}}`.
//!
//! Addresses and generated names are drawn, so a lesson does not write them down: it names the
//! object and the field. What stands in double braces is an object as in a check
//! (`service/web`, `pod/shop/web-*`), a blank, and the path of a field; without a path it is the
//! object's name.

use super::read::{named, scalar};
use crate::lab::Lab;
use crate::manifest::value_at;

/// A text with its values filled in.
///
/// # Errors
///
/// Which value is not there: in the text, too, it then stands as it was written.
pub fn fill(lab: &Lab, text: &str) -> Result<String, (String, String)> {
    let mut filled = String::with_capacity(text.len());
    let mut missing = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((inside, after)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        match value(lab, inside.trim()) {
            Some(value) => filled.push_str(&value),
            None => {
                missing.get_or_insert_with(|| inside.trim().to_owned());
                filled.push_str(inside.trim());
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    match missing {
        None => Ok(filled),
        Some(missing) => Err((missing, filled)),
    }
}

/// A text with those of its values filled in that are there.
#[must_use]
pub fn show(lab: &Lab, text: &str) -> String {
    fill(lab, text).unwrap_or_else(|(_, text)| text)
}

fn value(lab: &Lab, text: &str) -> Option<String> {
    let (object, path) = text.split_once(' ').unwrap_or((text, ""));
    let object = named(object)?.find(lab.cluster().store())?;
    if path.is_empty() {
        return Some(object.name);
    }
    let tree = lab.cluster().get(&object)?;
    scalar(value_at(&tree, path.trim().trim_start_matches('.'))?)
}
