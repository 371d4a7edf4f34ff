//! One line of the rules.

use std::rc::Rc;

use lobby_engine::lab::RuleLine;
use lobby_engine::netfilter::RuleAt;
use yew::prelude::*;

use super::find::{Row, marked};
use super::{Met, RulesProps};
use crate::links::Focus;
use crate::rule_text::{Effect, Kind, effect, pieces};
use crate::state::{Action, PointerAction};

/// All that one drawn row needs.
pub(super) struct Drawn<'a> {
    pub(super) row: Row,
    /// From 0, and of how many.
    pub(super) place: (usize, usize),
    pub(super) line: Option<&'a RuleLine>,
    pub(super) props: &'a RulesProps,
    pub(super) met: Option<&'a Met>,
    pub(super) is_cause: bool,
    /// Whether it is to be seen: the rule that decided the hop.
    pub(super) wanted: bool,
    /// Whether the search stands at it.
    pub(super) found: bool,
    /// Whether a person wrote it: then its comment is all that is said of it.
    pub(super) is_own: bool,
    /// Whether the tab key comes here.
    pub(super) stop: bool,
    /// What is searched for.
    pub(super) search: &'a str,
    /// It got the focus.
    pub(super) onfocus: Callback<usize>,
    pub(super) dispatch: &'a Callback<Action>,
}

/// The sign before a line, its word, and its class.
fn sign(drawn: &Drawn<'_>) -> (&'static str, &'static str, &'static str) {
    match (drawn.row, drawn.met) {
        (Row::Added(_), _) => ("+", "added", "added"),
        (Row::Gone(_), _) => ("−", "removed", "gone"),
        (_, Some(met)) if met.matched => ("hit", "hit", "hit"),
        (_, Some(_)) => ("read", "read", "read"),
        (_, None) => ("", "", ""),
    }
}

fn text(line: &str, search: &str, unfold: bool) -> Html {
    let hits = |text: &str| -> Html {
        let pieces = marked(text, search);
        html! { <>{ for pieces.into_iter().map(|(text, is_hit)| if is_hit {
            html! { <mark>{ text.to_owned() }</mark> }
        } else {
            html! { { text.to_owned() } }
        }) }</> }
    };
    let is_found = |text: &str| marked(text, search).iter().any(|(_, is_hit)| *is_hit);
    html! {
        { for pieces(line).into_iter().map(|piece| match piece.kind {
            Kind::Comment if !(unfold || is_found(piece.text)) => html! {
                <><span class="cm" title={piece.text.to_owned()}>{ "“…”" }</span>{ " " }</>
            },
            Kind::Comment => html! { <><span class="rc">{ hits(piece.text) }</span>{ " " }</> },
            Kind::Chain => html! { <><span class="rd nb">{ hits(piece.text) }</span>{ " " }</> },
            Kind::Match => html! { <><span class="nb">{ hits(piece.text) }</span>{ " " }</> },
            Kind::Target => html! { <><b class="nb">{ hits(piece.text) }</b>{ " " }</> },
        }) }
    }
}

/// Draws a row.
pub(super) fn line(drawn: &Drawn<'_>) -> Html {
    let (index, count) = drawn.place;
    let (setsize, posinset) = (count.to_string(), (index + 1).to_string());
    let (mark, word, class) = sign(drawn);
    let head = matches!(drawn.row, Row::Gone(_)) || drawn.line.is_none_or(|line| line.at.is_none());
    let rm = html! {
        <span class="rm">
            if mark.len() < 4 && mark != word {
                <span aria-hidden="true">{ mark }</span><span class="vh">{ word }</span>
            } else { { mark } }
        </span>
    };
    let Some(line) = drawn.line else {
        let Row::Gap(lines) = drawn.row else {
            return html! {};
        };
        return html! {
            <li key={index} class="rl gap" aria-setsize={setsize} aria-posinset={posinset}>
                { format!("{lines} lines stayed as they were") }
            </li>
        };
    };
    let found = drawn.found.then_some("found");
    let (Some(at), false) = (&line.at, head) else {
        return html! {
            <li key={index} class={classes!("rl", "head", class, found)} aria-setsize={setsize} aria-posinset={posinset}>
                { rm }<code>{ text(&line.text, drawn.search, false) }</code>
            </li>
        };
    };
    rule(drawn, line, at, classes!("rl", class, found), rm)
}

fn rule(drawn: &Drawn<'_>, line: &RuleLine, at: &RuleAt, class: Classes, rm: Html) -> Html {
    let props = drawn.props;
    let (index, count) = drawn.place;
    let matched = drawn.met.is_some_and(|met| met.matched);
    let colour = if drawn.is_cause {
        "bad"
    } else if matched {
        match effect(&line.text) {
            Effect::Dnat => "dnat",
            Effect::Snat => "snat",
            Effect::End => "bad",
            Effect::Jump => "",
        }
    } else {
        ""
    };
    let lit = props.lit.rules.contains(at);
    let focus = Rc::new(Focus::Rule(props.node.to_string(), at.clone()));
    let pinned = props.pinned.as_deref() == Some(&*focus);
    let over = {
        let focus = focus.clone();
        drawn
            .dispatch
            .reform(move |()| PointerAction::Over(Some((*focus).clone())).into())
    };
    let out = drawn.dispatch.reform(|()| PointerAction::Over(None).into());
    let onclick = drawn
        .dispatch
        .reform(move |_: MouseEvent| PointerAction::Pin((*focus).clone()).into());
    let onfocus = {
        let (over, onfocus) = (over.clone(), drawn.onfocus.clone());
        Callback::from(move |_: FocusEvent| {
            onfocus.emit(index);
            over.emit(());
        })
    };
    html! {
        <li key={index} aria-setsize={count.to_string()} aria-posinset={(index + 1).to_string()}
            class={classes!(class, colour, lit.then_some("lit"), pinned.then_some("pinned"), drawn.wanted.then_some("wanted"))}>
            <button type="button" tabindex={if drawn.stop { "0" } else { "-1" }} aria-pressed={if pinned { "true" } else { "false" }}
                aria-describedby="rule-explain" {onclick}
                onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
                {onfocus} onblur={out.reform(|_: FocusEvent| ())}>
                { rm }
                <code>{ text(&line.text, drawn.search, pinned || drawn.is_cause || drawn.is_own) }</code>
            </button>
        </li>
    }
}
