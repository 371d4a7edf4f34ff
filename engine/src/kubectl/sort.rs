//! `--sort-by`.
//!
//! Source: kubectl `pkg/cmd/get/sorter.go`. Go's sort is not stable for more than twelve objects
//! with equal fields; this one always is.

use std::cmp::Ordering;

use super::error::Error;
use super::jsonpath::{self, Template};
use super::tree::Value;
use crate::api::Quantity;

/// Sorts objects by a field.
pub(super) fn by_field(objects: &mut [Value], field: &str) -> Result<(), Error> {
    let path = jsonpath::relaxed(field).map_err(Error::Plain)?;
    let template = Template::parse(&path).map_err(Error::Plain)?;
    let mut keyed: Vec<(Option<Value>, Value)> = Vec::with_capacity(objects.len());
    for object in objects.iter() {
        let found = template.values(object).map_err(Error::Plain)?;
        keyed.push((found.into_iter().next(), object.clone()));
    }
    if !keyed.is_empty() && keyed.iter().all(|(key, _)| key.is_none()) {
        let path = crate::api::validation::quote(&path);
        return Err(Error::Plain(format!(
            "couldn't find any field with path {path} in the list of objects"
        )));
    }
    keyed.sort_by(|a, b| compare(a.0.as_ref(), b.0.as_ref()));
    for (place, (_, object)) in objects.iter_mut().zip(keyed) {
        *place = object;
    }
    Ok(())
}

/// What is not there comes first.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_some().cmp(&b.is_some());
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
        (Value::String(a), Value::String(b)) => {
            let amount = |text: &str| Quantity::new(text).nanos();
            match (amount(a), amount(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => a.cmp(b),
            }
        }
        _ => Ordering::Equal,
    }
}
