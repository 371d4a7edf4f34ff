//! `selectors`: label selectors in their three forms, as they are printed, and what they match.

use std::io;
use std::path::Path;

use lobby_engine::api::LabelSelector;
use lobby_engine::api::selector::{self, Labels, Selector};
use serde::Deserialize;

use crate::vector::{self, Failure, Vector};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    labels: Labels,
    selector: Option<String>,
    label_selector: Option<LabelSelector>,
    service_selector: Option<Labels>,
    matches: Option<bool>,
    canonical: Option<String>,
    error: Option<String>,
}

/// A line of `validation/selectors.jsonl` each.
///
/// # Errors
///
/// The file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::lines(root, "validation/selectors.jsonl", vector::by_name)
}

/// Reads the selector, prints it and matches it.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let record: Record = vector.record()?;
    let read = match (
        &record.selector,
        &record.label_selector,
        &record.service_selector,
    ) {
        (Some(text), None, None) => text.parse::<Selector>(),
        (None, Some(structured), None) => Selector::try_from(structured),
        (None, None, Some(map)) => {
            // Services have a way of their own, which must say the same.
            let selects = Some(selector::service_selects(map, &record.labels));
            same("what the Service selects", record.matches, selects)?;
            Ok(Selector::from_map(map))
        }
        _ => return Err(Failure::new("the record has not exactly one selector")),
    };
    match read {
        Ok(read) => {
            same("the error", record.error.as_deref(), None)?;
            same(
                "the selector as printed",
                record.canonical.as_deref(),
                Some(read.to_string().as_str()),
            )?;
            same(
                "whether it matches",
                record.matches,
                Some(read.matches(&record.labels)),
            )
        }
        Err(error) => same(
            "the error",
            record.error.as_deref(),
            Some(error.to_string().as_str()),
        ),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, recorded: T, actual: T) -> Result<(), Failure> {
    if recorded == actual {
        return Ok(());
    }
    vector::compare(what, &format!("{recorded:?}"), &format!("{actual:?}"))
}
