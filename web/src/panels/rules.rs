//! A Node's rules: the real text, with what this packet met marked and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lobby_engine::lab::RuleLine;
use lobby_engine::netfilter::RuleAt;
use lobby_engine::network::{Journey, VerdictKind};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::journey::node_of;
use crate::links::{Focus, Lit};
use crate::rule_text::{Effect, Kind, effect, pieces};
use crate::session::{RuleText, Session};
use crate::state::{Action, PointerAction, RuleScope, RulesAction, RulesShown};
use crate::ui::{Select, Suggestion};

/// How many lines are drawn at a time: a Node of a large cluster has tens of thousands.
const WINDOW: usize = 200;

/// Properties of [`Rules`].
#[derive(Clone, PartialEq, Properties)]
pub struct RulesProps {
    /// The Nodes.
    pub nodes: Rc<[Rc<str>]>,
    /// The Node whose rules these are.
    pub node: Rc<str>,
    /// The rules.
    pub view: RuleText,
    /// What is shown of them.
    pub shown: RulesShown,
    /// The journey, if there is one.
    pub journey: Option<Rc<Journey>>,
    /// The hop that is shown, from 1.
    pub hop: usize,
    /// What is lit.
    pub lit: Rc<Lit>,
    /// The rule that is pinned.
    pub pinned: Option<Rc<Focus>>,
}

/// A rule that a packet met.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Met {
    matched: bool,
    why: String,
    /// The first hop at which it was met.
    hop: usize,
}

/// What the packet met on a Node up to a hop: each rule once, in the order of the first meeting.
fn met(journey: &Journey, hop: usize, node: &str) -> (Vec<RuleAt>, BTreeMap<RuleAt, Met>) {
    let mut order = Vec::new();
    let mut all: BTreeMap<RuleAt, Met> = BTreeMap::new();
    for (index, step) in journey.hops.iter().take(hop).enumerate() {
        if node_of(&step.at) != Some(node) {
            continue;
        }
        for look in &step.looks {
            match all.get_mut(&look.at) {
                Some(met) if !met.matched && look.matched => {
                    met.matched = true;
                    met.why.clone_from(&look.why);
                }
                Some(_) => {}
                None => {
                    order.push(look.at.clone());
                    all.insert(
                        look.at.clone(),
                        Met {
                            matched: look.matched,
                            why: look.why.clone(),
                            hop: index + 1,
                        },
                    );
                }
            }
        }
    }
    (order, all)
}

/// The tables of a Node, in their order in the text.
fn tables(view: &RuleText) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    view.lines()
        .iter()
        .map(|line| line.table.as_str())
        .filter(|table| seen.insert(*table))
        .collect()
}

/// The rules panel.
#[component]
pub fn Rules(props: &RulesProps) -> Html {
    let session = use_context::<Session>();
    let limit = use_state(|| WINDOW);
    let list = use_node_ref();
    let dispatch = Callback::from(move |action: Action| {
        if let Some(session) = &session {
            session.dispatch(action);
        }
    });

    let (order, met) = match &props.journey {
        Some(journey) => met(journey, props.hop, &props.node),
        None => Default::default(),
    };
    let scope = props.shown.scope.unwrap_or(if order.is_empty() {
        RuleScope::All
    } else {
        RuleScope::Met
    });
    let in_table = |table: &str| props.shown.table.is_empty() || *props.shown.table == *table;
    let search = props.shown.search.trim().to_ascii_lowercase();
    let found = |line: &RuleLine| {
        in_table(&line.table)
            && (search.is_empty() || line.text.to_ascii_lowercase().contains(&search))
    };
    let mut lines: Vec<&RuleLine> = Vec::new();
    let mut more = 0;
    {
        let mut take = |line| {
            if lines.len() < *limit {
                lines.push(line);
            } else {
                more += 1;
            }
        };
        match scope {
            RuleScope::Met => order
                .iter()
                .filter_map(|at| props.view.line(at))
                .filter(|line| found(line))
                .for_each(&mut take),
            RuleScope::All => props
                .view
                .lines()
                .iter()
                .filter(|line| found(line))
                .for_each(&mut take),
        }
    }
    let counted = |matched: bool| {
        met.iter()
            .filter(|(at, met)| in_table(&at.table) && (met.matched || !matched))
            .count()
    };
    let total = props
        .view
        .lines()
        .iter()
        .filter(|line| line.at.is_some() && in_table(&line.table))
        .count();

    let cause = props.journey.as_ref().and_then(|journey| {
        (journey.verdict.kind != VerdictKind::Answered && props.hop > 0)
            .then_some(journey.verdict.cause.as_ref()?.rule.as_ref())
            .flatten()
            .filter(|(node, _)| **node == *props.node)
            .map(|(_, at)| at)
    });
    let wanted = wanted_of(props);
    {
        let list = list.clone();
        use_effect_with((wanted.clone(), props.node.clone(), scope), move |_| {
            if let Some(list) = list.cast::<Element>() {
                bring_into_view(&list);
            }
        });
    }

    let node_options: Rc<[Suggestion]> = props
        .nodes
        .iter()
        .map(|node| Suggestion::plain(node.clone()))
        .collect();
    let table_options: Rc<[Suggestion]> = std::iter::once(Suggestion {
        value: "".into(),
        label: "all tables".into(),
        group: AttrValue::default(),
    })
    .chain(
        tables(&props.view)
            .into_iter()
            .map(|table| Suggestion::plain(table.to_owned())),
    )
    .collect();
    let onsearch = dispatch.reform(|event: InputEvent| {
        let text = event
            .target_dyn_into::<HtmlInputElement>()
            .map(|input| input.value())
            .unwrap_or_default();
        RulesAction::Search(text.into()).into()
    });
    let explained = props
        .lit
        .rule
        .as_ref()
        .filter(|(node, _)| **node == *props.node)
        .map(|(_, at)| at);
    let more_button = (more > 0).then(|| {
        let limit = limit.clone();
        let onclick = Callback::from(move |_: MouseEvent| limit.set(*limit + WINDOW));
        html! {
            <p class="more">
                <button type="button" class="btn sm" {onclick}>{ format!("Show {} more", more.min(WINDOW)) }</button>
                <span>{ format!(" {more} lines left") }</span>
            </p>
        }
    });
    let scopes = (!order.is_empty()).then(|| {
        let choice = |value: RuleScope, name: &'static str| {
            let dispatch = dispatch.clone();
            html! {
                <label>
                    <input type="radio" name="rule-scope" checked={scope == value}
                        onchange={dispatch.reform(move |_: Event| RulesAction::Scope(value).into())} />
                    <span>{ name }</span>
                </label>
            }
        };
        html! {
            <fieldset class="seg sm">
                <legend class="vh">{ "Which rules" }</legend>
                <div class="seg-row">
                    { choice(RuleScope::Met, "on the way") }
                    { choice(RuleScope::All, "all") }
                </div>
            </fieldset>
        }
    });
    let onkeydown = Callback::from(|event: KeyboardEvent| rove(&event));
    // One stop for the tab key: the rule that is lit, else the wanted one, else the first.
    let stop = lines
        .iter()
        .filter_map(|line| line.at.as_ref())
        .find(|at| Some(*at) == wanted.as_ref())
        .or_else(|| lines.iter().find_map(|line| line.at.as_ref()))
        .cloned();

    html! {
        <section class="rules" aria-labelledby="rules-title">
            <div class="phead">
                <h2 id="rules-title">{ "Rules" }</h2>
                <Select label="Node" class="sm" options={node_options} value={props.node.clone()}
                    onchange={dispatch.reform(|node: String| RulesAction::Node(node.into()).into())} />
                <Select label="Table" class="sm" options={table_options} value={props.shown.table.clone()}
                    onchange={dispatch.reform(|table: String| RulesAction::Table(table.into()).into())} />
                <span class="grow"></span>
                <span class="cnt">
                    if props.journey.is_some() {
                        <b>{ counted(true) }{ " hit" }</b>
                        { format!(" · {} read of {total}", counted(false)) }
                    } else {
                        { format!("{total} rules") }
                    }
                </span>
            </div>
            <div class="rules-tools">
                <input type="search" class="sel sm" aria-label="Search the rules" placeholder="search"
                    value={props.shown.search.clone()} oninput={onsearch} />
                { scopes }
            </div>
            <div class="rlist" ref={list} tabindex="-1" {onkeydown}>
                if lines.is_empty() {
                    <p class="empty-note">{ "No rule here." }</p>
                }
                <ol aria-label={format!("Rules of {}", props.node)}>
                    { for lines.iter().enumerate().map(|(place, line)| match &line.at {
                        Some(at) => rule_line(&Row {
                            line, at, props, met: met.get(at),
                            is_cause: cause == Some(at),
                            wanted: wanted.as_ref() == Some(at),
                            stop: stop.as_ref() == Some(at),
                            dispatch: &dispatch,
                        }),
                        None => html! {
                            <li key={format!("{place} {}", line.text)} class="rl head">
                                <span class="rm"></span><code>{ &line.text }</code>
                            </li>
                        },
                    }) }
                </ol>
                { more_button }
            </div>
            <p class="explain" id="rule-explain">
                if let Some(at) = explained {
                    { props.view.explanation(at) }
                    if let Some(met) = met.get(at) {
                        <span class="explain-why">{ format!(" Hop {}: {}.", met.hop, met.why) }</span>
                    }
                } else {
                    <span class="quiet">{ "Point at a rule, or walk with the arrow keys: it explains itself here." }</span>
                }
            </p>
        </section>
    }
}

/// The rule to bring into view: the pinned one, else the one that decided the present hop.
fn wanted_of(props: &RulesProps) -> Option<RuleAt> {
    match props.pinned.as_deref() {
        Some(Focus::Rule(node, at)) if **node == *props.node => Some(at.clone()),
        _ => props
            .journey
            .as_ref()
            .and_then(|journey| journey.hops.get(props.hop.checked_sub(1)?))
            .filter(|hop| node_of(&hop.at) == Some(&props.node))
            .and_then(|hop| hop.decided_by.clone()),
    }
}

/// All that one drawn rule needs.
struct Row<'a> {
    line: &'a RuleLine,
    at: &'a RuleAt,
    props: &'a RulesProps,
    met: Option<&'a Met>,
    is_cause: bool,
    wanted: bool,
    stop: bool,
    dispatch: &'a Callback<Action>,
}

fn rule_line(row: &Row<'_>) -> Html {
    let Row {
        line,
        at,
        props,
        is_cause,
        ..
    } = row;
    let matched = row.met.is_some_and(|met| met.matched);
    let mark = match row.met {
        Some(met) if met.matched => "hit",
        Some(_) => "read",
        None => "",
    };
    let colour = if *is_cause {
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
    let lit = props.lit.rules.contains(*at);
    let focus = Focus::Rule(props.node.to_string(), (*at).clone());
    let pinned = props.pinned.as_deref() == Some(&focus);
    let over = {
        let focus = focus.clone();
        row.dispatch
            .reform(move |()| PointerAction::Over(Some(focus.clone())).into())
    };
    let out = row.dispatch.reform(|()| PointerAction::Over(None).into());
    let onclick = row
        .dispatch
        .reform(move |_: MouseEvent| PointerAction::Pin(focus.clone()).into());
    html! {
        <li key={at.to_string()}
            class={classes!("rl", mark, colour, lit.then_some("lit"), pinned.then_some("pinned"), row.wanted.then_some("wanted"))}>
            <button type="button" tabindex={if row.stop { "0" } else { "-1" }} aria-pressed={if pinned { "true" } else { "false" }}
                aria-describedby="rule-explain" {onclick}
                onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
                onfocus={over.reform(|_: FocusEvent| ())} onblur={out.reform(|_: FocusEvent| ())}>
                <span class="rm">{ mark }</span>
                <code>{ for pieces(&line.text).into_iter().map(|piece| match piece.kind {
                    Kind::Comment if !(pinned || *is_cause) => html! {
                        <><span class="cm" title={piece.text.to_owned()}>{ "“…”" }</span>{ " " }</>
                    },
                    Kind::Comment => html! { <><span class="rc">{ piece.text }</span>{ " " }</> },
                    Kind::Chain => html! { <><span class="rd nb">{ piece.text }</span>{ " " }</> },
                    Kind::Match => html! { <><span class="nb">{ piece.text }</span>{ " " }</> },
                    Kind::Target => html! { <><b class="nb">{ piece.text }</b>{ " " }</> },
                }) }</code>
            </button>
        </li>
    }
}

/// Arrow keys walk from rule to rule.
fn rove(event: &KeyboardEvent) {
    let step: i32 = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let Some(line) = event
        .target_dyn_into::<Element>()
        .and_then(|target| target.closest("li").ok().flatten())
    else {
        return;
    };
    let mut next = Some(line);
    loop {
        next = next.and_then(|line| {
            if step > 0 {
                line.next_element_sibling()
            } else {
                line.previous_element_sibling()
            }
        });
        let Some(line) = &next else { return };
        if let Ok(Some(button)) = line.query_selector("button") {
            if let Ok(button) = button.dyn_into::<HtmlElement>() {
                event.prevent_default();
                let _ = button.focus();
            }
            return;
        }
    }
}

/// Scrolls the list, and nothing else, so that the wanted line is seen.
fn bring_into_view(list: &Element) {
    let Ok(Some(line)) = list.query_selector(".wanted") else {
        return;
    };
    let (line, frame) = (
        line.get_bounding_client_rect(),
        list.get_bounding_client_rect(),
    );
    if line.top() < frame.top() || line.bottom() > frame.bottom() {
        #[allow(clippy::cast_possible_truncation)]
        let by = (line.top() - frame.top() - frame.height() / 3.0) as i32;
        list.set_scroll_top(list.scroll_top() + by);
    }
}
