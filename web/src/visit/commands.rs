//! What the page around an embed may ask for: `docs/embedding.md`.

use lobby_engine::link::{self, Codec, Content};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Request, Tally};
use lobby_engine::yaml::{Node, Value};

use super::picture;
use super::report::{items, map, number, severity, verdict};
use crate::links::Focus;
use crate::prefs::{Choice as _, Motion, Theme};
use crate::session::Session;
use crate::state::{PointerAction, PrefsAction, Step, WalkAction};

/// All commands.
pub(super) const NAMES: &[&str] = &[
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

/// Does what a message says.
///
/// # Errors
///
/// What is wrong with it, in a sentence.
pub(super) fn run(session: &Session, message: &Node) -> Result<Node, String> {
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
    match name {
        "load" => load(session, args),
        "getState" => Ok(map([
            ("text", session.shared().text.as_str().into()),
            ("file", link::write_file(&session.shared()).as_str().into()),
        ])),
        "getLink" => {
            let link = Content::World(session.shared()).encode(Codec::Deflated);
            let link = link.map_err(|error| error.to_string())?;
            Ok(map([("link", link.as_str().into())]))
        }
        "send" => send(session, args),
        "step" => step(session, args),
        "play" => done(session, WalkAction::Play(true)),
        "pause" => done(session, WalkAction::Play(false)),
        "reset" => {
            session.open(&session.shared().text.into());
            Ok(map([]))
        }
        "run" => Ok(run_line(session, text(args, "line")?)),
        "setMode" => {
            let mode = text(args, "mode")?;
            // A word, and no other commands behind it.
            if !mode.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(format!("there is no mode {mode:?}"));
            }
            let output = session.run_line(&format!("lab proxy --mode {mode}"));
            if output.exit_code == 0 {
                Ok(map([]))
            } else {
                Err(output.stderr())
            }
        }
        "setTheme" => {
            let theme = Theme::from_word(text(args, "theme")?);
            done(
                session,
                PrefsAction::Theme(theme.ok_or("theme must be auto, light or dark")?),
            )
        }
        "setMotion" => {
            let motion = Motion::from_word(text(args, "motion")?);
            done(
                session,
                PrefsAction::Motion(motion.ok_or("motion must be auto, reduce or full")?),
            )
        }
        "setLang" => match text(args, "lang")? {
            "en" => Ok(map([])),
            other => Err(format!("the lab speaks en, not {other}")),
        },
        "highlight" => {
            let wanted = text(args, "ref")?;
            let object = session
                .object(wanted)
                .ok_or_else(|| format!("there is no {wanted:?}: write Kind namespace/name"))?;
            session.dispatch(PointerAction::Release);
            done(session, PointerAction::Pin(Focus::Object(object)))
        }
        "diagnose" => {
            let (text, findings) = session.examined();
            Ok(map([("items", items(&findings, &text))]))
        }
        "exportSvg" => {
            let svg = picture::svg().ok_or("there is no picture")?;
            Ok(map([("svg", svg.as_str().into())]))
        }
        other => Err(format!("there is no command {other:?}")),
    }
}

fn done(session: &Session, action: impl Into<crate::state::Action>) -> Result<Node, String> {
    session.dispatch(action);
    Ok(map([]))
}

fn text<'a>(args: &'a Node, name: &str) -> Result<&'a str, String> {
    match args.get(name) {
        Some(value) => value
            .as_str()
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

fn load(session: &Session, args: &Node) -> Result<Node, String> {
    if args.get("yaml").is_some() {
        session.begin(&text(args, "yaml")?.into())?;
    } else if args.get("lesson").is_some() {
        // It is fetched first; a `level` event says when it begins.
        session.open_lesson_named(text(args, "lesson")?);
        return Ok(map([]));
    } else {
        let link = match args.get("scenario") {
            Some(_) => format!("v{}:s:{}", link::VERSION, text(args, "scenario")?),
            None => text(args, "link")
                .map_err(|_| "load needs yaml, link, scenario or lesson".to_owned())?
                .to_owned(),
        };
        session.follow_link(&link)?;
    }
    Ok(map([("errors", diagnostics(session))]))
}

/// What there is to say about the text.
fn diagnostics(session: &Session) -> Node {
    let outcome = session.outcome();
    let list: Vec<Node> = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let line = diagnostic.span.map_or(0, |span| span.start.line);
            map([
                ("severity", severity(diagnostic.severity).into()),
                ("line", i64::from(line).into()),
                ("message", diagnostic.message.as_str().into()),
            ])
        })
        .collect();
    Value::List(list.into()).into()
}

fn send(session: &Session, args: &Node) -> Result<Node, String> {
    let asked = session.draft().ok_or("the lab is not drawn yet")?;
    let or = |name: &str, else_: String| match args.get(name) {
        Some(_) => text(args, name).map(str::to_owned),
        None => Ok(else_),
    };
    let protocol = match args.get("protocol") {
        None => asked.protocol,
        Some(_) => text(args, "protocol")?
            .parse::<Protocol>()
            .map_err(|_| "protocol must be TCP, UDP or SCTP".to_owned())?,
    };
    let request = Request {
        from: or("from", asked.from)?,
        to: or("to", asked.to)?,
        protocol,
    };
    if let Some(count) = whole(args, "count")? {
        let count = u32::try_from(count).map_err(|_| "count must be from 1 on".to_owned())?;
        return session
            .send_many(&request, count)
            .map(|tally| counts(&tally))
            .map_err(|why| why.to_string());
    }
    let skin = session.skin();
    session
        .send(&request, false)
        .map(|journey| verdict(&journey, skin))
        .map_err(|why| why.to_string())
}

/// What a tally counted.
fn counts(tally: &Tally) -> Node {
    let shares: Vec<Node> = tally
        .shares
        .iter()
        .map(|share| {
            let by = match &share.by {
                Some(by) => by.pod.clone().unwrap_or_else(|| by.address.to_string()),
                None => String::new(),
            };
            map([
                ("kind", share.kind.as_str().into()),
                ("by", by.as_str().into()),
                ("count", i64::from(share.count).into()),
            ])
        })
        .collect();
    map([
        ("count", i64::from(tally.count).into()),
        ("shares", Value::List(shares.into()).into()),
    ])
}

fn run_line(session: &Session, line: &str) -> Node {
    let output = session.run_line(line);
    map([
        ("stdout", output.stdout().as_str().into()),
        ("stderr", output.stderr().as_str().into()),
        ("exitCode", i64::from(output.exit_code).into()),
    ])
}

fn step(session: &Session, args: &Node) -> Result<Node, String> {
    let (now, last) = session.place_in_journey();
    let to = match (whole(args, "to")?, whole(args, "by")?) {
        (Some(to), None) => to,
        (None, Some(by)) => i64::try_from(now).unwrap_or(0).saturating_add(by),
        _ => return Err("step needs to, or by".to_owned()),
    };
    if last == 0 {
        return Err("nothing was sent yet".to_owned());
    }
    let to = usize::try_from(to.max(1)).unwrap_or(last).min(last);
    session.dispatch(WalkAction::Step(Step::To(to)));
    Ok(map([("index", number(to))]))
}
