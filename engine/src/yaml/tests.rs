//! Documents and errors against kubectl's recorded ones, and properties that hold for any text.

use proptest::prelude::*;

use super::*;
use crate::limits::MAX_DEPTH;

fn errors(text: &str) -> Vec<String> {
    read(text).errors.iter().map(ToString::to_string).collect()
}

fn json(text: &str) -> Vec<String> {
    let stream = read(text);
    assert_eq!(stream.errors, [], "{text}");
    stream.documents.iter().map(ToString::to_string).collect()
}

/// Every span lies in its text, in the right line and column, and every key can be read at its own.
fn check_spans(text: &str, node: &Node) {
    check_span(text, node.span);
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| check_spans(text, item)),
        Value::Map(map) => {
            for entry in &map.entries {
                check_span(text, entry.key.span);
                let slice =
                    &text[entry.key.span.start.offset as usize..entry.key.span.end.offset as usize];
                // An anchor, a tag, quotes or goyaml's other words for a key stand there, or itself.
                if slice.chars().all(|c| c.is_ascii_alphanumeric())
                    && slice.len() > 5
                    && !slice.starts_with(|c: char| c.is_ascii_digit())
                {
                    assert_eq!(slice, &*entry.key.text);
                }
                check_spans(text, &entry.value);
            }
        }
        _ => {}
    }
}

fn check_span(text: &str, span: Span) {
    for place in [span.start, span.end] {
        // Between CR and LF is no line of its own.
        let (before, after) = text.split_at(place.offset as usize);
        assert!(!(before.ends_with('\r') && after.starts_with('\n')));
        let mut line = 1;
        let mut column = 1;
        for part in lines(before) {
            column = part.chars().count() + 1;
            if part.ends_with(['\n', '\r']) {
                line += 1;
                column = 1;
            }
        }
        assert_eq!((place.line, place.column as usize), (line, column));
    }
    assert!(span.start <= span.end);
}

#[test]
fn every_recorded_case_agrees() {
    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        yaml: String,
        documents: Vec<serde_json::Value>,
        error: String,
    }
    /// Numbers by their value: kubectl's own JSON goes through Go's floats.
    fn normal(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => number.into(),
                None => number.as_f64().into(),
            },
            serde_json::Value::Array(items) => items.into_iter().map(normal).collect(),
            serde_json::Value::Object(map) => map
                .into_iter()
                .map(|(key, value)| (key, normal(value)))
                .collect(),
            value => value,
        }
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/conformance/yaml/cases.jsonl"
    );
    let cases = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for line in cases.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let stream = read(&case.yaml);
        let mut documents = Vec::new();
        for document in &stream.documents {
            check_spans(&case.yaml, document);
            // The recorded lists are unfolded already.
            match document.get("items").and_then(Node::as_list) {
                Some(items) => documents.extend(items.iter().cloned()),
                None => documents.push(document.clone()),
            }
        }
        let objects: Vec<_> = documents
            .iter()
            .filter(|document| document.as_map().is_some())
            .map(|document| normal(serde_json::to_value(document).unwrap()))
            .collect();
        let expected: Vec<_> = case.documents.into_iter().map(normal).collect();
        assert_eq!(objects, expected, "{}", case.name);
        match case.error.rsplit_once("yaml: ") {
            Some((_, error)) => {
                assert_eq!(
                    stream.errors[0].in_document(),
                    format!("yaml: {error}"),
                    "{}",
                    case.name
                );
            }
            None => assert_eq!(stream.errors, [], "{}", case.name),
        }
        count += 1;
    }
    assert_eq!(count, 44);
}

#[test]
fn errors_have_libyamls_words_and_lines() {
    // Recorded from goyaml v2.4 by way of sigs.k8s.io/yaml.
    for (text, error) in [
        (
            "a: b: c\n",
            "yaml: mapping values are not allowed in this context",
        ),
        (
            "a: 1\n b: 2\n",
            "yaml: line 2: mapping values are not allowed in this context",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "yaml: line 2: did not find expected key",
        ),
        (
            "- a\nb: c\n",
            "yaml: line 1: did not find expected '-' indicator",
        ),
        ("a: [b\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("{a: \"b\" c}\n", "yaml: did not find expected ',' or '}'"),
        ("a: b\nc\n", "yaml: line 3: could not find expected ':'"),
        (
            "a: \"b\nc: d\n",
            "yaml: line 3: found unexpected end of stream",
        ),
        (
            "a: `x`\n",
            "yaml: found character that cannot start any token",
        ),
        (
            "a: b\n\t\n",
            "yaml: line 2: found a tab character that violates indentation",
        ),
        (
            "a:\n\tb: c\n",
            "yaml: line 2: found character that cannot start any token",
        ),
        (
            "a: *.js\n",
            "yaml: did not find expected alphabetic or numeric character",
        ),
        (
            "a: b # c\n  d: e\n",
            "yaml: line 1: did not find expected key",
        ),
        (": b\n", "yaml: did not find expected key"),
        ("a: {b?}\n", "yaml: did not find expected ',' or '}'"),
        (
            "<<: 5\n",
            "yaml: map merge requires map or sequence of maps as the value",
        ),
        ("a: &a [*a]\n", "yaml: anchor 'a' value contains itself"),
        ("a: \u{1}\n", "yaml: control characters are not allowed"),
        ("a: .inf\n", "json: unsupported value: +Inf"),
        (
            "~: 1\n",
            "unsupported map key of type: %!s(<nil>), key: <nil>, value: 1",
        ),
        (
            "a: {{ .Values.x }}\n",
            "yaml: invalid map key: map[interface {}]interface {}{\".Values.x\":interface {}(nil)}",
        ),
    ] {
        assert_eq!(errors(text), [error], "{text:?}");
    }
}

#[test]
fn a_line_is_counted_in_the_whole_text_and_in_its_document() {
    let stream = read("a: b\n---\nc: d\ne: f: g\n--- h\ni: j\n");
    assert_eq!(stream.documents.len(), 2);
    let [error, separator] = &stream.errors[..] else {
        panic!("{:?}", stream.errors);
    };
    assert_eq!(
        error.to_string(),
        "yaml: line 4: mapping values are not allowed in this context"
    );
    assert_eq!(
        error.in_document(),
        "yaml: line 2: mapping values are not allowed in this context"
    );
    assert_eq!((error.span.start.line, error.span.start.column), (4, 5));
    assert_eq!(separator.to_string(), "invalid Yaml document separator: h");
    assert_eq!(separator.span.start.line, 5);
}

#[test]
fn libyaml_lets_brackets_and_quotes_stand_at_any_column() {
    assert_eq!(
        json("spec: {\n\"ports\": [\n1,\n2\n]\n}\nb: c"),
        [r#"{"b":"c","spec":{"ports":[1,2]}}"#]
    );
    assert_eq!(json("a: [\n\t1,\n\t2\n]\n"), [r#"{"a":[1,2]}"#]);
    let text = "a:\n  b: \"x\ny\n\n  z\"\n  c: d\n";
    assert_eq!(json(text), [r#"{"a":{"b":"x y\nz","c":"d"}}"#]);
    let stream = read(text);
    check_spans(text, &stream.documents[0]);
}

#[test]
fn what_goyaml_does_not_look_at_is_told() {
    for text in ["a: b\n...\nc: d\n", "  a: 1\nb: 2\n"] {
        let stream = read(text);
        assert_eq!(
            (stream.documents.len(), stream.warnings.len()),
            (1, 1),
            "{text}"
        );
    }
    assert_eq!(read("a: b\n...\n# c\n").warnings, []);
}

#[test]
fn equal_keys_are_kept_with_both_places() {
    let stream = read("on: a\nyes: b\n'true': c\n<<: {d: e}\nd: f\n");
    let map = stream.documents[0].as_map().unwrap();
    assert_eq!(stream.documents[0].to_string(), r#"{"d":"f","true":"c"}"#);
    let lines: Vec<_> = map
        .duplicates
        .iter()
        .map(|d| (&*d.key, d.first.start.line, d.second.start.line))
        .collect();
    assert_eq!(lines, [("true", 1, 2), ("true", 2, 3)]);
}

#[test]
fn merges_are_in_order() {
    assert_eq!(
        json("x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {a: 0, <<: [*x, *y], b: 4}"),
        [r#"{"true":{"a":2,"b":3},"x":{"a":1},"z":{"a":1,"b":4}}"#]
    );
}

#[test]
fn limits_are_named() {
    let deep = "[".repeat(MAX_DEPTH + 1);
    assert_eq!(
        errors(&deep),
        [format!(
            "the document nests deeper than the limit of {MAX_DEPTH} levels"
        )]
    );
    let chain: String = (1..=MAX_DEPTH)
        .map(|n| format!("k{n}: &k{n} [*k{}]\n", n - 1))
        .collect();
    let chain = format!("k0: &k0 []\n{chain}");
    assert_eq!(
        errors(&chain),
        [format!(
            "the document nests deeper than the limit of {MAX_DEPTH} levels"
        )]
    );
    let long = "a".repeat(MAX_TEXT_BYTES + 1);
    assert!(errors(&long)[0].contains(&MAX_TEXT_BYTES.to_string()));
}

#[test]
fn laughs_are_refused_without_being_written_out() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..60 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(",");
        text.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    assert_eq!(
        errors(&text),
        ["yaml: document contains excessive aliasing"]
    );
}

#[test]
fn columns_count_characters() {
    let text = "ä: {ö: [ü, x]}\nlabel: \"é\"  \nzz: y\n";
    let stream = read(text);
    let node = &stream.documents[0];
    check_spans(text, node);
    let x = &node.get("ä").unwrap().get("ö").unwrap().as_list().unwrap()[1];
    assert_eq!((x.span.start.offset, x.span.start.column), (14, 12));
}

#[test]
fn places_end_with_the_text() {
    for text in [
        "a",
        "a:",
        "\"",
        "{",
        "- ",
        "a: |",
        "a: &x",
        "\u{feff}a: b",
        "\u{feff}\u{feff}",
    ] {
        let stream = read(text);
        for node in &stream.documents {
            check_spans(text, node);
        }
        for error in &stream.errors {
            check_span(text, error.span);
        }
    }
}

/// Texts that look like manifests, with mistakes.
fn yamlish() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "name", "spec", "ports", "é", "80", "yes", "~", "<<", ":", ": ", "- ", "-", "?", "? ",
        "{", "}", "[", "]", ",", "\"", "'", "|", ">", "&x ", "*x", "!", "!!str ", "#", " #", "%",
        "@", "---", "...", "\t", " ", "  ", "\n", "\n", "\n  ", "\n    ", "\r\n", "\r", "\\",
        "\u{feff}", "\u{a0}", "\u{1}", "0x1", "1e3", ".inf",
    ]);
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn any_yaml_like_text_is_read_and_its_spans_are_right(text in yamlish()) {
        let stream = read(&text);
        for node in &stream.documents {
            check_spans(&text, node);
        }
        for error in &stream.errors {
            check_span(&text, error.span);
        }
    }

    #[test]
    fn json_is_yaml(value in arbitrary_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let stream = read(&text);
        prop_assert_eq!(&stream.errors, &[]);
        match stream.documents.first() {
            Some(node) => prop_assert_eq!(serde_json::to_value(node).unwrap(), value),
            None => prop_assert_eq!(value, serde_json::Value::Null),
        }
    }
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[ -~é]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map("[a-zé/.\"]{1,8}", inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
