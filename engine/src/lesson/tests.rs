//! Tests of the format: what is wrong is said, with its place.

use super::{Deed, check, prove, read};

const WHOLE: &str = r#"apiVersion: lobby.dev/v1
kind: Lesson
metadata: {name: desk}
title: A desk
teaches: One idea.
world:
  manifests: |
    apiVersion: v1
    kind: Pod
    metadata: {name: web, labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 8080}]}]}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: guest}
    spec: {containers: [{name: shell, image: alpine}]}
steps:
  - title: Look
    text: The Pod has `{{pod/web status.podIP}}`.
    check:
      - journey: {from: pod/guest, to: "http://{{pod/web status.podIP}}:8080", verdict: Answered, sees: client}
task: Make a Service.
goal:
  - journey: {from: pod/guest, to: "http://web", verdict: Answered, by: web}
    hint: By its name.
solution:
  - append: |
      apiVersion: v1
      kind: Service
      metadata: {name: web}
      spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"#;

/// The messages of a text, each with its line.
fn wrong(text: &str) -> Vec<(u32, String)> {
    let reading = read(text);
    let found = if reading.diagnostics.is_empty() {
        prove(&reading.lesson)
    } else {
        reading.diagnostics
    };
    (found.into_iter())
        .map(|found| (found.span.map_or(0, |span| span.start.line), found.message))
        .collect()
}

#[test]
fn a_lesson_that_keeps_its_word() {
    assert_eq!(wrong(WHOLE), []);
    let lesson = read(WHOLE).lesson;
    assert_eq!(lesson.id, "desk");
    assert!(matches!(&lesson.solution[0].what, Deed::Append(text) if text.contains("Service")));
}

#[test]
fn mistakes_are_told_with_their_places() {
    for (from, to, line, message) in [
        (
            "title: A desk",
            "titel: A desk",
            4,
            "unknown field \"titel\"",
        ),
        (
            "verdict: Answered, sees",
            "verdict: Answred, sees",
            21,
            "\"Answred\" is none of: Answered, Refused, TimedOut, Unreachable, NoSuchName, WrongAnswer",
        ),
        (
            "kind: Lesson",
            "kind: Lessen",
            2,
            "this is always \"Lesson\" in a lesson",
        ),
        (
            "    hint: By its name.",
            "    hint: 12",
            25,
            "a text is wanted here, not a number",
        ),
        (
            "steps:",
            "steps: {}\nneeds:",
            17,
            "a list is wanted here, not a map",
        ),
        (
            "task: Make a Service.",
            "task: \"[x](http://example.com)\"",
            22,
            "a link leads to \"http://example.com\": links lead to https://kubernetes.io/docs/ alone",
        ),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!(text, WHOLE, "{from}");
        let found = wrong(&text);
        assert!(
            found.contains(&(line, message.to_owned())),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn a_near_name_is_offered() {
    let reading = read(&WHOLE.replace("title: A desk", "titel: A desk"));
    let hints: Vec<_> = reading
        .diagnostics
        .iter()
        .filter_map(|found| found.hint.as_deref())
        .collect();
    assert!(hints.contains(&"did you mean title?"), "{hints:?}");
}

#[test]
fn a_lesson_that_breaks_its_word_is_found_out() {
    for (from, to, line, message) in [
        (
            "targetPort: 8080",
            "targetPort: 81",
            24,
            "the solution does not meet the goal: expected: pod/guest → http://web: Answered; found: Refused",
        ),
        (
            "\"http://web\", verdict: Answered, by: web",
            "\"http://web\", verdict: NoSuchName",
            1,
            "the goal is met before anything was done",
        ),
        (
            "verdict: Answered, sees: client",
            "verdict: Answered, sees: other",
            21,
            "the step's check does not hold: expected: pod/guest → http://",
        ),
        (
            "pod/web status.podIP",
            "pod/wbe status.podIP",
            18,
            "a text names pod/wbe status.podIP",
        ),
        (
            "kind: Service",
            "kind: Servise",
            27,
            "no matches for kind \"Servise\"",
        ),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!(text, WHOLE, "{from}");
        let found = wrong(&text);
        assert!(
            found
                .iter()
                .any(|(at, said)| *at == line && said.starts_with(message)),
            "{to}: {found:?}"
        );
    }
}

#[test]
fn a_check_changes_nothing() {
    let lesson = read(WHOLE).lesson;
    let (mut lab, mut text) = lesson.begin().unwrap();
    for action in &lesson.solution {
        action.perform(&mut lab, &mut text).unwrap();
    }
    let before = (lab.now_ms(), lab.cluster().now());
    for _ in 0..3 {
        assert_eq!(check(&mut lab, &lesson.goal), Ok(()));
    }
    assert_eq!((lab.now_ms(), lab.cluster().now()), before);
}

#[test]
fn any_text_is_read_without_a_panic() {
    for cut in 0..WHOLE.len() {
        if WHOLE.is_char_boundary(cut) {
            let _ = read(&WHOLE[..cut]);
        }
    }
    for text in [
        "",
        "[]",
        "- 1",
        "a: b",
        "{",
        "kind: Lesson",
        "steps: [[[]]]",
    ] {
        assert!(!read(text).diagnostics.is_empty(), "{text:?}");
    }
}
