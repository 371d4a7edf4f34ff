//! What the page around an embed may ask for, done: `docs/embedding.md`.

use lobby_engine::link::{self, Codec, Content};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Request, Tally};
use lobby_engine::yaml::{Node, Value};

use super::message::Command;
use super::picture;
use super::report::{items, map, number, severity, verdict};
use crate::links::Focus;
use crate::prefs::{Choice as _, Motion, Theme};
use crate::session::Session;
use crate::state::{PointerAction, PrefsAction, Step, WalkAction};

/// Does what a message says.
///
/// # Errors
///
/// What is wrong with it, in a sentence.
pub(super) fn run(session: &Session, command: Command) -> Result<Node, String> {
    match command {
        Command::LoadText(text) => {
            session.begin(&text.into())?;
            Ok(map([("errors", diagnostics(session))]))
        }
        Command::LoadFile(file) => {
            session.open_file(&file)?;
            Ok(map([("errors", diagnostics(session))]))
        }
        Command::LoadLink(link) => {
            session.follow_link(&link)?;
            Ok(map([("errors", diagnostics(session))]))
        }
        Command::LoadLesson(name) => {
            // It is fetched first; a `level` event says when it begins.
            session.open_lesson_named(&name);
            Ok(map([]))
        }
        Command::GetState => Ok(map([
            ("text", session.shared().text.as_str().into()),
            ("file", link::write_file(&session.shared()).as_str().into()),
        ])),
        Command::GetLink => {
            let link = Content::World(session.shared()).encode(Codec::Deflated);
            let link = link.map_err(|error| error.to_string())?;
            Ok(map([("link", link.as_str().into())]))
        }
        Command::Send {
            from,
            to,
            protocol,
            count,
        } => send(session, from, to, protocol, count),
        Command::StepTo(to) => step(session, |_| to),
        Command::StepBy(by) => step(session, |now| now.saturating_add(by)),
        Command::Play(is_on) => done(session, WalkAction::Play(is_on)),
        Command::Reset => {
            session.open(&session.shared().text.into());
            Ok(map([]))
        }
        Command::Run(line) => Ok(run_line(session, &line)),
        Command::SetMode(mode) => {
            let output = session.run_line(&format!("lab proxy --mode {mode}"));
            if output.exit_code == 0 {
                Ok(map([]))
            } else {
                Err(output.stderr())
            }
        }
        Command::SetTheme(word) => {
            let theme = Theme::from_word(&word);
            let theme = theme.ok_or("theme must be auto, light or dark")?;
            done(session, PrefsAction::Theme(theme))
        }
        Command::SetMotion(word) => {
            let motion = Motion::from_word(&word);
            let motion = motion.ok_or("motion must be auto, reduce or full")?;
            done(session, PrefsAction::Motion(motion))
        }
        Command::SetLang => Ok(map([])),
        Command::Highlight(wanted) => {
            let object = session
                .object(&wanted)
                .ok_or_else(|| format!("there is no {wanted:?}: write Kind namespace/name"))?;
            session.dispatch(PointerAction::Release);
            done(session, PointerAction::Pin(Focus::Object(object)))
        }
        Command::Diagnose => {
            let (text, findings) = session.examined();
            Ok(map([("items", items(&findings, &text))]))
        }
        Command::ExportSvg => {
            let svg = picture::svg().ok_or("there is no picture")?;
            Ok(map([("svg", svg.as_str().into())]))
        }
    }
}

fn done(session: &Session, action: impl Into<crate::state::Action>) -> Result<Node, String> {
    session.dispatch(action);
    Ok(map([]))
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

fn send(
    session: &Session,
    from: Option<String>,
    to: Option<String>,
    protocol: Option<Protocol>,
    count: Option<u32>,
) -> Result<Node, String> {
    let asked = session.draft().ok_or("the lab is not drawn yet")?;
    let request = Request {
        from: from.unwrap_or(asked.from),
        to: to.unwrap_or(asked.to),
        protocol: protocol.unwrap_or(asked.protocol),
    };
    if let Some(count) = count {
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

/// Goes to the hop that `to` makes of the one that is shown.
fn step(session: &Session, to: impl FnOnce(i64) -> i64) -> Result<Node, String> {
    let (now, last) = session.place_in_journey();
    if last == 0 {
        return Err("nothing was sent yet".to_owned());
    }
    let to = to(i64::try_from(now).unwrap_or(0));
    let to = usize::try_from(to.max(1)).unwrap_or(last).min(last);
    session.dispatch(WalkAction::Step(Step::To(to)));
    Ok(map([("index", number(to))]))
}
