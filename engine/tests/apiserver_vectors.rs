//! The recorded vectors of the API server and its EndpointSlice controller.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::PathBuf;

use lobby_engine::api::LabelSelector;
use lobby_engine::api::selector::{self, Labels, Selector};
use serde::Deserialize;

fn vectors(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/conformance")
        .join(path)
}

fn lines<T: for<'de> Deserialize<'de>>(path: &str) -> Vec<T> {
    let text = fs::read_to_string(vectors(path)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SelectorCase {
    name: String,
    labels: Labels,
    selector: Option<String>,
    label_selector: Option<LabelSelector>,
    service_selector: Option<Labels>,
    matches: Option<bool>,
    canonical: Option<String>,
    error: Option<String>,
}

#[test]
fn selectors() {
    let cases: Vec<SelectorCase> = lines("validation/selectors.jsonl");
    assert_eq!(cases.len(), 35);
    for case in cases {
        let name = &case.name;
        let got = if let Some(text) = &case.selector {
            text.parse::<Selector>()
        } else if let Some(structured) = &case.label_selector {
            Selector::try_from(structured)
        } else {
            let map = case.service_selector.as_ref().unwrap();
            let selects = selector::service_selects(map, &case.labels);
            assert_eq!(Some(selects), case.matches, "{name}");
            Ok(Selector::from_map(map))
        };
        match got {
            Ok(got) => {
                assert_eq!(Some(got.to_string()), case.canonical, "{name}");
                assert_eq!(Some(got.matches(&case.labels)), case.matches, "{name}");
            }
            Err(error) => assert_eq!(Some(error.to_string()), case.error, "{name}"),
        }
    }
}
