//! The doctor: what is wrong with the Services, why, how that was proven, and the fix as a diff.

use std::rc::Rc;

use lobby_engine::diagnostic::{Diagnostic, Severity};
use lobby_engine::doctor::{Finding, Fix};
use yew::prelude::*;

use super::diagnostics::word;
use crate::session::Session;
use crate::state::{Doctor, DoctorAction, WalkAction};

/// How many are drawn: a large dump can have thousands.
const SHOWN: usize = 100;

/// Properties of [`DoctorPanel`].
#[derive(Clone, PartialEq, Properties)]
pub struct DoctorProps {
    /// What was found.
    pub doctor: Doctor,
    /// What is in the editor.
    pub text: Rc<str>,
    /// The editor's text becomes this one.
    pub ontext: Callback<String>,
    /// Move the editor to a line and column.
    pub ongo: Callback<(u32, u32)>,
}

const GROUPS: [(Severity, &str); 3] = [
    (Severity::Error, "Errors"),
    (Severity::Warning, "Warnings"),
    (Severity::Note, "Notes"),
];

/// `1 error, 2 warnings`.
fn summary(doctor: &Doctor) -> (&'static str, String) {
    if !doctor.is_done {
        return ("mark", "examining".to_owned());
    }
    let say = |severity, noun: &str| {
        let count = doctor.count(severity);
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {noun}{plural}"))
    };
    let (errors, warnings) = (
        say(Severity::Error, "error"),
        say(Severity::Warning, "warning"),
    );
    let class = match (&errors, &warnings) {
        (Some(_), _) => "mark bad",
        (None, Some(_)) => "mark warn",
        (None, None) => "mark ok",
    };
    let parts: Vec<String> = [errors, warnings].into_iter().flatten().collect();
    if parts.is_empty() {
        return (class, "nothing wrong".to_owned());
    }
    (class, parts.join(", "))
}

/// What the editor underlines: what the readers said, and what the doctor found besides.
#[must_use]
pub fn underlined(told: &[Diagnostic], findings: &[Finding]) -> Vec<Diagnostic> {
    let is_told = |found: &Finding| {
        told.iter()
            .any(|own| own.span == found.span && own.message == found.message)
    };
    let found = findings
        .iter()
        .filter(|found| found.severity != Severity::Note && !is_told(found))
        .map(|found| {
            let message = found.message.clone();
            // A whole block underlined says less than its first line.
            let span = found.span.map(|span| {
                if span.end.line > span.start.line {
                    lobby_engine::diagnostic::Span::new(span.start, span.start)
                } else {
                    span
                }
            });
            match found.severity {
                Severity::Error => Diagnostic::error(message, span),
                _ => Diagnostic::warning(message, span),
            }
        });
    told.iter().cloned().chain(found).collect()
}

/// The panel.
#[component]
pub fn DoctorPanel(props: &DoctorProps) -> Html {
    let session = use_context::<Session>();
    let (class, status) = summary(&props.doctor);
    let findings = &props.doctor.findings.0;
    let onnotes = {
        let (session, notes) = (session.clone(), props.doctor.notes);
        Callback::from(move |_: Event| {
            if let Some(session) = &session {
                session.dispatch(DoctorAction::Notes(!notes));
            }
        })
    };
    // A fix is a change of the text that was examined.
    let is_fresh = *props.text == *props.doctor.text;
    html! {
        <section class="doctor" aria-labelledby="doctor-title">
            <div class="phead">
                <h2 id="doctor-title">{ "Doctor" }</h2>
                <span class="grow"></span>
                <label class="doctor-notes">
                    <input type="checkbox" checked={props.doctor.notes} onchange={onnotes} />{ " Notes" }
                </label>
                <span class={class} role="status">{ status }</span>
            </div>
            if props.doctor.is_done && findings.is_empty() {
                <p class="empty-note">{ "Every Service reaches somebody, as far as this text shows." }</p>
            }
            { for GROUPS.iter().map(|(severity, title)| {
                let own: Vec<&Finding> = findings.iter().filter(|found| found.severity == *severity).collect();
                if own.is_empty() || (*severity == Severity::Note && !props.doctor.notes) {
                    return html! {};
                }
                let id = format!("doctor-{}", word(*severity));
                html! {
                    <section key={*title} aria-labelledby={id.clone()}>
                        <h3 {id} class="doctor-group">{ format!("{title} ({})", own.len()) }</h3>
                        <ul>{ for own.iter().take(SHOWN).map(|found| {
                            entry(found, props, is_fresh, session.as_ref())
                        }) }</ul>
                        if own.len() > SHOWN { <p class="more">{ format!("and {} more", own.len() - SHOWN) }</p> }
                    </section>
                }
            }) }
        </section>
    }
}

fn entry(found: &Finding, props: &DoctorProps, is_fresh: bool, session: Option<&Session>) -> Html {
    let word = word(found.severity);
    let field = found.field.as_str();
    let place = found.span.map(|span| {
        let onclick = props
            .ongo
            .reform(move |_: MouseEvent| (span.start.line, span.start.column));
        let name = format!("Show line {} in the editor", span.start.line);
        html! {
            <button type="button" class="btn sm" aria-label={name} {onclick}>{ format!("line {}", span.start.line) }</button>
        }
    });
    let evidence = found.evidence.as_ref().map(|evidence| {
        let replay = evidence.request.clone().zip(session.cloned());
        let replay = replay.map(|(request, session)| {
            let onclick = Callback::from(move |_: MouseEvent| {
                // Why it cannot be sent is reported, too.
                let _ = session.send(&request, false);
                session.dispatch(WalkAction::Play(true));
            });
            html! { <button type="button" class="btn sm" {onclick}>{ "Walk it on the stage" }</button> }
        });
        html! {
            <div class="doctor-proof"><p><b>{ "Tried: " }</b>{ &evidence.text }</p>{ replay }</div>
        }
    });
    html! {
        // A note has no colour of its own, and `note` is the class of the page's messages.
        <li class={classes!("finding", (found.severity != Severity::Note).then_some(word))}>
            <p class="finding-place">
                <b class="finding-word">{ word }</b>
                { " " }<span>{ &found.object }</span>
                if !field.is_empty() { { " " }<code>{ field }</code> }
                { " " }{ place }
            </p>
            <p class="finding-message">{ &found.message }</p>
            <p class="finding-why">{ &found.why }</p>
            { evidence }
            { found.fix.as_ref().map(|fix| remedy(found, fix, props, is_fresh, session)) }
            <p class="finding-see">
                <a href={found.see} target="_blank" rel="noopener noreferrer">{ "Read on" }
                    <span class="vh">{ format!(" about {}", found.message) }</span></a>
            </p>
        </li>
    }
}

/// The fix: a diff that can be applied, or a command.
fn remedy(
    found: &Finding,
    fix: &Fix,
    props: &DoctorProps,
    is_fresh: bool,
    session: Option<&Session>,
) -> Html {
    let shown = fix.show(&props.doctor.text, "manifests.yaml");
    if let Fix::Command(line) = fix {
        let run = session.cloned().map(|session| {
            let line = line.clone();
            let onclick = Callback::from(move |_: MouseEvent| {
                session.run(&line);
            });
            html! {
                <button type="button" class="btn sm" {onclick}>{ "Run" }<span class="vh">{ format!(": {shown}") }</span></button>
            }
        });
        return html! {
            <div class="finding-command"><p><b>{ "Fix: " }</b><code>{ &shown }</code></p>{ run }</div>
        };
    }
    let apply = {
        let (fix, text) = (fix.clone(), props.doctor.text.clone());
        let ontext = props.ontext.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(mended) = fix.apply(&text) {
                ontext.emit(mended);
            }
        })
    };
    // The two lines that name the file say nothing here.
    let lines = shown.lines().skip(2).map(|line| {
        let class = match line.as_bytes().first() {
            Some(b'+') => "more",
            Some(b'-') => "less",
            Some(b'@') => "where",
            _ => "same",
        };
        html! { <span class={class}>{ line }{ "\n" }</span> }
    });
    html! {
        <div class="finding-fix">
            <pre tabindex="0" role="region" aria-label={format!("Fix for {} {}", found.object, found.field)}>
                { for lines }
            </pre>
            <button type="button" class="btn sm primary" disabled={!is_fresh} onclick={apply}>
                { "Apply" }<span class="vh">{ format!(" the fix: {}", found.message) }</span>
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lobby_engine::doctor::{self, Options};
    use lobby_engine::lab::{EXAMPLES, Lab, Settings};

    #[test]
    fn the_editor_underlines_what_the_doctor_found() {
        let example = EXAMPLES.iter().find(|own| own.id == "wrong-selector");
        let text = example.map_or("", |example| example.text());
        let mut lab = Lab::new(Settings::default());
        let told = lab.open(text).diagnostics.clone();
        let findings = doctor::examine(&lab, text, &Options::default());
        let all = underlined(&told, &findings);
        assert_eq!(all.len(), told.len() + 1);
        let line = all
            .last()
            .and_then(|own| own.span)
            .map(|span| span.start.line);
        let selector = text.lines().position(|line| line.trim() == "selector:");
        assert_eq!(line.map(|line| line as usize), selector.map(|at| at + 1));
    }
}
