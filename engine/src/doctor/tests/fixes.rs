//! What holds for every finding and its fix, whatever the world.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{check, corpus, read};
use crate::diagnostic::Severity;
use crate::doctor::exam::Exam;
use crate::doctor::{Finding, Fix, Options};
use crate::lab::{Lab, Settings};

/// Worlds with every mistake in them that the corpus has: documents of its files, shuffled together,
/// with words of one in the place of words of another.
fn worlds() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let mut documents: Vec<String> = Vec::new();
    for folder in ["findings", "valid"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(corpus().join(folder))
            .expect("the corpus is there")
            .map(|file| file.expect("a readable folder").path())
            .collect();
        files.sort();
        for file in files {
            documents.extend(read(&file).split("---\n").map(str::to_owned));
        }
    }
    const WORDS: [&str; 22] = [
        "web",
        "wep",
        "db",
        "8080",
        "80",
        "http",
        "None",
        "Local",
        "default",
        "shop",
        "TCP",
        "UDP",
        "ExternalName",
        "10.244.0.5",
        "{}",
        "[]",
        "\"\"",
        "0",
        "-1",
        "70000",
        "{a: b}",
        "&x",
    ];
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(&WORDS[..]),
    );
    (
        prop::collection::vec(prop::sample::select(documents), 1..7),
        prop::collection::vec(change, 0..4),
        any::<bool>(),
    )
        .prop_map(|(documents, changes, has_crlf)| {
            let mut text = documents.join("---\n");
            for (at, word) in changes {
                // The value of some line becomes another one.
                let lines: Vec<&str> = text.lines().collect();
                let index = at.index(lines.len().max(1));
                let line = lines.get(index).copied().unwrap_or_default();
                let changed = match line.split_once(": ") {
                    Some((key, _)) => format!("{key}: {word}"),
                    None => line.to_owned(),
                };
                let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                if let Some(line) = lines.get_mut(index) {
                    *line = changed;
                }
                text = lines.join("\n") + "\n";
            }
            if has_crlf {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
}

/// The workloads and Pods that a Service means, and the Services.
fn selected(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let mut lab = Lab::new(Settings::default());
    lab.open(text);
    let options = Options::default();
    let mut exam = Exam::new(&lab, text, &options);
    let services = (exam.subjects().iter())
        .map(|own| {
            format!(
                "{} in namespace {}",
                own.reference.name, own.reference.namespace
            )
        })
        .collect();
    let templates = exam.templates.iter().filter(|own| own.is_selected);
    (
        templates.map(|own| own.object.to_string()).collect(),
        services,
    )
}

proptest::proptest! {
    /// Whatever the world, there is no panic, every place is one of the text, and a fix that is
    /// applied brings no error to any other object.
    #[test]
    fn a_fix_never_adds_an_error(text in worlds()) {
        let findings = check(&text, None);
        for found in &findings {
            if let Some(span) = found.span {
                proptest::prop_assert!(text.get(span.start.offset as usize..span.end.offset as usize).is_some());
            }
            let Some(fix @ Fix::Edits(_)) = &found.fix else { continue };
            let mended = fix.apply(&text);
            proptest::prop_assert!(mended.is_some(), "{found:#?} in\n{text}");
            let mended = mended.unwrap_or_default();
            proptest::prop_assert!(!fix.show(&text, "f").is_empty(), "{found:#?} in\n{text}");
            // What the server refused was not there to be examined: now it is.
            if matches!(found.id, "refused" | "indentation-lost") {
                continue;
            }
            // Pods are asked where they listen once a Service means them, and by this fix one may. A
            // name that was nobody's is told of once it is nearly a Service's.
            let (was_asked, services) = selected(&text);
            let was_there = |own: &Finding| {
                let rest = own.message.strip_prefix("there is no Service ").unwrap_or_default();
                services.iter().any(|service| rest.starts_with(service))
            };
            // A Service that has Pods now has ports to be examined; it may have moved to them. What was
            // told of before is not brought by the fix, however sure it has become of it: a
            // StatefulSet's missing Service is a note as long as no other Service means its Pods. Nor
            // is what else is wrong with a value that was wrong before, nor what was wrong with
            // Endpoints and is so with the slice in their place.
            let name = |object: &str| object.rsplit(['/', ' ']).next().unwrap_or_default().to_owned();
            let new: Vec<Finding> = check(&mended, None)
                .into_iter()
                .filter(|own| own.severity == Severity::Error && name(&own.object) != name(&found.object))
                .filter(|own| own.id != "listens-on-loopback" || was_asked.contains(&own.object))
                .filter(|own| own.id != "name-leads-nowhere" || was_there(own))
                .filter(|own| !findings.iter().any(|old| {
                    let same_field = (&old.object, &old.field) == (&own.object, &own.field);
                    let told = same_field && (old.id == own.id || old.severity == Severity::Error);
                    told || (old.id == own.id && old.object == found.object)
                }))
                .collect();
            proptest::prop_assert!(
                new.is_empty(),
                "{found:#?}\n{}\nbrings {new:#?}",
                fix.show(&text, "f")
            );
        }
    }
}
