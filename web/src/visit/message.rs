//! What a message of the page around an embed asks for, read from its JSON.
//!
//! The messages are those of `docs/embedding.md`: `{command, args}`. This is the whole of what reads
//! them; [`super::commands`] does what was read. It needs neither a browser nor a session, so that
//! tests and the fuzzer (`fuzz/`) can give it whatever they make up: a text is a command, or a
//! sentence about what is wrong with it.
//!
//! Left out: names of objects, scenarios, lessons and looks, links, manifests and console lines stay
//! texts here. Whoever looks them up says what is wrong with them. Fields that are not known are passed
//! over.

use lobby_engine::link;
use lobby_engine::net::Protocol;
use lobby_engine::yaml::{self, Node, Value};

/// The longest message that is read, in UTF-16 units of its JSON.
pub const LIMIT: u32 = 1 << 20;

/// All commands, as `ready` lists them.
pub const NAMES: &[&str] = &[
    "load",
    "getState",
    "getLink",
    "send",
    "step",
    "play",
    "pause",
    "reset",
    "run",
    "setMode",
    "setTheme",
    "setMotion",
    "setLang",
    "highlight",
    "diagnose",
    "exportSvg",
];

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Another world, from a text: manifests, or a lesson.
    LoadText(String),
    /// Another world, from a file that the lab wrote: what `getState` gives.
    LoadFile(String),
    /// Another world, from a link.
    LoadLink(String),
    /// A lesson of the course, by its name.
    LoadLesson(String),
    /// The text of the world, and a file of it.
    GetState,
    /// A link.
    GetLink,
    /// A request; what is not named is as the send bar has it.
    Send {
        /// Who sends.
        from: Option<String>,
        /// Where to.
        to: Option<String>,
        /// Over which protocol.
        protocol: Option<Protocol>,
        /// How often, to be counted; once, to be walked, if not named. At least 1.
        count: Option<u32>,
    },
    /// This hop of the journey, from 1 on.
    StepTo(i64),
    /// So many hops further, or back.
    StepBy(i64),
    /// Play, or stop playing.
    Play(bool),
    /// The text again, as if nothing had been done in its world.
    Reset,
    /// A line of the console.
    Run(String),
    /// The mode of kube-proxy: one word of letters and digits.
    SetMode(String),
    /// Light or dark, by its word.
    SetTheme(String),
    /// How much moves, by its word.
    SetMotion(String),
    /// The language of the page. There is one.
    SetLang,
    /// Light up an object: `Kind namespace/name`.
    Highlight(String),
    /// What the doctor finds.
    Diagnose,
    /// The picture.
    ExportSvg,
}

/// Reads a message.
///
/// # Errors
///
/// What is wrong with it, in a sentence.
pub fn read(json: &str) -> Result<Command, String> {
    let stream = yaml::read(json);
    if let Some(error) = stream.errors.first() {
        return Err(error.to_string());
    }
    let [message] = &stream.documents[..] else {
        let count = stream.documents.len();
        return Err(format!("one message at a time, not {count}"));
    };
    let name = message
        .get("command")
        .and_then(Node::as_str)
        .ok_or("a message needs a command")?;
    let nothing = Node::map([]);
    let args = match message.get("args") {
        None => &nothing,
        Some(args) if args.as_map().is_some() => args,
        Some(args) => return Err(format!("args must be an object, not {}", args.json_type())),
    };
    command(name, args)
}

fn command(name: &str, args: &Node) -> Result<Command, String> {
    Ok(match name {
        "load" => return load(args),
        "getState" => Command::GetState,
        "getLink" => Command::GetLink,
        "send" => return send(args),
        "step" => match (whole(args, "to")?, whole(args, "by")?) {
            (Some(to), None) => Command::StepTo(to),
            (None, Some(by)) => Command::StepBy(by),
            _ => return Err("step needs to, or by".to_owned()),
        },
        "play" => Command::Play(true),
        "pause" => Command::Play(false),
        "reset" => Command::Reset,
        "run" => Command::Run(text(args, "line")?),
        "setMode" => {
            let mode = text(args, "mode")?;
            // A word, and no other commands behind it.
            if !mode.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(format!("there is no mode {mode:?}"));
            }
            Command::SetMode(mode)
        }
        "setTheme" => Command::SetTheme(text(args, "theme")?),
        "setMotion" => Command::SetMotion(text(args, "motion")?),
        "setLang" => match text(args, "lang")?.as_str() {
            "en" => Command::SetLang,
            other => return Err(format!("the lab speaks en, not {other}")),
        },
        "highlight" => Command::Highlight(text(args, "ref")?),
        "diagnose" => Command::Diagnose,
        "exportSvg" => Command::ExportSvg,
        other => return Err(format!("there is no command {other:?}")),
    })
}

fn load(args: &Node) -> Result<Command, String> {
    let has = |name| args.get(name).is_some();
    if has("yaml") {
        text(args, "yaml").map(Command::LoadText)
    } else if has("file") {
        text(args, "file").map(Command::LoadFile)
    } else if has("lesson") {
        text(args, "lesson").map(Command::LoadLesson)
    } else if has("scenario") {
        let name = text(args, "scenario")?;
        Ok(Command::LoadLink(format!("v{}:s:{name}", link::VERSION)))
    } else if has("link") {
        text(args, "link").map(Command::LoadLink)
    } else {
        Err("load needs yaml, file, link, scenario or lesson".to_owned())
    }
}

fn send(args: &Node) -> Result<Command, String> {
    let optional = |name| args.get(name).map(|_| text(args, name)).transpose();
    let protocol = optional("protocol")?
        .map(|word| word.parse::<Protocol>())
        .transpose()
        .map_err(|_| "protocol must be TCP, UDP or SCTP".to_owned())?;
    let count = match whole(args, "count")? {
        None => None,
        Some(count) => match u32::try_from(count) {
            Ok(count) if count > 0 => Some(count),
            _ => return Err(format!("count must be from 1 to {}, not {count}", u32::MAX)),
        },
    };
    Ok(Command::Send {
        from: optional("from")?,
        to: optional("to")?,
        protocol,
        count,
    })
}

fn text(args: &Node, name: &str) -> Result<String, String> {
    match args.get(name) {
        Some(value) => value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{name} must be a string, not {}", value.json_type())),
        None => Err(format!("{name} is missing")),
    }
}

fn whole(args: &Node, name: &str) -> Result<Option<i64>, String> {
    match args.get(name).map(|node| &node.value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.as_i64().is_some() => Ok(number.as_i64()),
        Some(_) => Err(format!("{name} must be a whole number")),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn of(command: &str, args: &Json) -> Result<Command, String> {
        read(&json!({ "id": 1, "command": command, "args": args }).to_string())
    }

    #[test]
    fn every_command_is_read() {
        let owned = str::to_owned;
        let read: Vec<(&str, Json, Command)> = vec![
            (
                "load",
                json!({"yaml": "a: b"}),
                Command::LoadText(owned("a: b")),
            ),
            (
                "load",
                json!({"file": "{}"}),
                Command::LoadFile(owned("{}")),
            ),
            (
                "load",
                json!({"link": "v1:z:x"}),
                Command::LoadLink(owned("v1:z:x")),
            ),
            (
                "load",
                json!({"scenario": "names"}),
                Command::LoadLink(owned("v1:s:names")),
            ),
            (
                "load",
                json!({"lesson": "names"}),
                Command::LoadLesson(owned("names")),
            ),
            ("getState", json!({}), Command::GetState),
            ("getLink", json!({}), Command::GetLink),
            ("step", json!({"to": 3}), Command::StepTo(3)),
            ("step", json!({"by": -1, "to": null}), Command::StepBy(-1)),
            ("play", json!({}), Command::Play(true)),
            ("pause", json!({}), Command::Play(false)),
            ("reset", json!({}), Command::Reset),
            (
                "run",
                json!({"line": "lab reset"}),
                Command::Run(owned("lab reset")),
            ),
            (
                "setMode",
                json!({"mode": "ipvs"}),
                Command::SetMode(owned("ipvs")),
            ),
            (
                "setTheme",
                json!({"theme": "dark"}),
                Command::SetTheme(owned("dark")),
            ),
            (
                "setMotion",
                json!({"motion": "full"}),
                Command::SetMotion(owned("full")),
            ),
            ("setLang", json!({"lang": "en"}), Command::SetLang),
            (
                "highlight",
                json!({"ref": "Service a/b"}),
                Command::Highlight(owned("Service a/b")),
            ),
            ("diagnose", json!({}), Command::Diagnose),
            ("exportSvg", json!({"unknown": 1}), Command::ExportSvg),
            (
                "send",
                json!({"to": "http://web", "protocol": "udp", "count": 7}),
                Command::Send {
                    from: None,
                    to: Some(owned("http://web")),
                    protocol: Some(Protocol::Udp),
                    count: Some(7),
                },
            ),
        ];
        for (name, args, command) in &read {
            assert_eq!(of(name, args).as_ref(), Ok(command), "{name} {args}");
        }
        for name in NAMES {
            assert!(read.iter().any(|(other, ..)| other == name), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (name, args, why) in [
            ("dance", json!({}), "there is no command"),
            (
                "load",
                json!({}),
                "load needs yaml, file, link, scenario or lesson",
            ),
            (
                "load",
                json!({"yaml": 7}),
                "yaml must be a string, not number",
            ),
            ("step", json!({}), "step needs to, or by"),
            ("step", json!({"to": 1, "by": 1}), "step needs to, or by"),
            ("step", json!({"to": 1.5}), "to must be a whole number"),
            (
                "send",
                json!({"protocol": "ping of death"}),
                "TCP, UDP or SCTP",
            ),
            ("send", json!({"count": 0}), "from 1 to"),
            ("send", json!({"count": 5_000_000_000_u64}), "from 1 to"),
            ("send", json!({"from": ["a"]}), "from must be a string"),
            (
                "setMode",
                json!({"mode": "ipvs; lab reset"}),
                "there is no mode",
            ),
            ("setLang", json!({"lang": "de"}), "speaks en"),
            ("run", json!({}), "line is missing"),
            ("play", json!([]), "args must be an object, not"),
        ] {
            let said = of(name, &args).unwrap_err();
            assert!(said.contains(why), "{name} {args}: {said}");
        }
        for (message, why) in [
            ("", "one message at a time, not 0"),
            ("{}", "a message needs a command"),
            ("[1]", "a message needs a command"),
            (r#"{"command": 1}"#, "a message needs a command"),
            ("---\n{}\n---\n{}\n", "one message at a time, not 2"),
        ] {
            let said = read(message).unwrap_err();
            assert!(said.contains(why), "{message:?}: {said}");
        }
    }

    /// Any JSON, with the words of messages in it more often than chance has them.
    fn any_json() -> impl Strategy<Value = Json> {
        let word = || {
            prop_oneof![
                prop::sample::select(NAMES).prop_map(str::to_owned),
                prop::sample::select(
                    &[
                        "command", "args", "id", "yaml", "link", "scenario", "lesson", "from",
                        "to", "by", "count", "protocol", "mode", "theme", "motion", "lang", "ref",
                        "line",
                    ][..]
                )
                .prop_map(str::to_owned),
                "\\PC{0,12}",
                any::<String>(),
            ]
        };
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            word().prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            let list = prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from);
            let map = prop::collection::vec((word(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect()));
            prop_oneof![list, map]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_a_command_or_a_sentence(message in any_json()) {
            if let Err(why) = read(&message.to_string()) {
                prop_assert!(!why.is_empty());
            }
        }

        #[test]
        fn any_arguments_are_a_command_or_a_sentence(
            name in prop::sample::select(NAMES),
            key in "[a-z]{2,8}",
            value in any_json(),
            args in any_json(),
        ) {
            for args in [args, json!({ key: value })] {
                match of(name, &args) {
                    // What is read is what was named, and no other commands come with it.
                    Ok(Command::SetMode(mode)) => {
                        prop_assert!(mode.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                    }
                    Ok(Command::Send { count, .. }) => prop_assert!(count != Some(0)),
                    Ok(_) => {}
                    Err(why) => prop_assert!(!why.is_empty()),
                }
            }
        }

        #[test]
        fn what_a_text_says_comes_through(text in any::<String>()) {
            let said = of("run", &json!({ "line": text }));
            prop_assert_eq!(said, Ok(Command::Run(text)));
        }

        #[test]
        fn any_text_is_no_panic(text in "\\PC*") {
            let _ = read(&text);
        }
    }
}
