//! A Node's rules: the real text of each mode, with what this packet met marked and counted, what a
//! change brought and took, a search, and a person's own rules in their place.

mod find;
mod line;
mod modes;
mod own;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lobby_engine::netfilter::RuleAt;
use lobby_engine::network::{Journey, VerdictKind};
use lobby_engine::proxy::Mode;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use self::find::{Row, Wanted};
use self::line::Drawn;
use self::modes::{Modes, modes, use_runs};
use self::own::OwnRulesDialog;
use super::journey::node_of;
use crate::links::{Focus, Lit};
use crate::rule_view::RuleText;
use crate::session::Session;
use crate::state::{Action, RuleScope, RulesAction, RulesShown};
use crate::ui::{CopyButton, Menu, Select, Suggestion, use_rows};
use crate::world::{Same, World};

/// Properties of [`Rules`].
#[derive(Clone, PartialEq, Properties)]
pub struct RulesProps {
    /// The world.
    pub world: Same<World>,
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
    /// Whether anybody sees it.
    pub seen: bool,
}

/// A rule that a packet met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Met {
    pub(super) matched: bool,
    pub(super) why: String,
    /// The first hop at which it was met.
    pub(super) hop: usize,
}

/// All rules that a packet met: each once, in the order of the first meeting.
type AllMet = (Rc<Vec<RuleAt>>, BTreeMap<RuleAt, Met>);

/// What the packet met on a Node up to a hop.
fn met(journey: &Journey, hop: usize, node: &str) -> AllMet {
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
    (Rc::new(order), all)
}

/// The tables of a Node, in their order in the text.
fn tables(view: &RuleText) -> Rc<[Suggestion]> {
    let mut seen = BTreeSet::new();
    let all = Suggestion {
        value: "".into(),
        label: "all tables".into(),
        group: AttrValue::default(),
    };
    let tables = view.lines().iter().map(|line| line.table.as_str());
    let own = tables.filter(|table| !table.is_empty() && seen.insert(*table));
    std::iter::once(all)
        .chain(own.map(|table| Suggestion::plain(table.to_owned())))
        .collect()
}

/// The rules panel.
#[component]
pub fn Rules(props: &RulesProps) -> Html {
    let session = use_context::<Session>();
    let menu = use_state(|| false);
    // `None` until somebody asks for it: a dialog that was never open is not drawn.
    let pasting = use_state(|| None::<bool>);
    // The row that the arrow keys stand on, and the stop at which the search stands.
    let cursor = use_state_eq(|| None::<usize>);
    let stop = use_state_eq(|| None::<usize>);
    let dispatch = super::reporter(session.as_ref());
    let own_mode = use_memo(props.world.clone(), |_| {
        let session = session.as_ref();
        session.map_or(Mode::default(), |session| {
            session.ask(|lab| lab.settings().proxy.mode)
        })
    });
    let mode = props.shown.mode.unwrap_or(*own_mode);
    let is_own = matches!(props.view, RuleText::Own(_));
    let (runs, ask) = use_runs(props.journey.clone(), *own_mode, &props.world, props.seen);

    // In another mode than the cluster's it is the request as it would go there, to its end.
    let (journey, hop) = if mode == *own_mode || is_own {
        (props.journey.clone(), props.hop)
    } else {
        (runs.of(mode).cloned(), usize::MAX)
    };
    let met = use_memo(
        (journey.clone().map(Same), hop, props.node.clone()),
        |(journey, hop, node)| match journey {
            Some(journey) => met(&journey.0, *hop, node),
            None => AllMet::default(),
        },
    );
    let (order, met) = &*met;
    let before = use_memo((props.world.clone(), props.node.clone()), |(_, node)| {
        let session = session.as_ref();
        session.map_or(RuleText::None, |session| session.rules_before(node))
    });
    let has_changes = !is_own && mode == *own_mode && *before != RuleText::None;
    let scope = match props.shown.scope {
        Some(RuleScope::Changes) if !has_changes => RuleScope::All,
        Some(RuleScope::Met) if order.is_empty() => RuleScope::All,
        Some(scope) => scope,
        None if order.is_empty() => RuleScope::All,
        None => RuleScope::Met,
    };
    let wanted = Wanted {
        text: props.view.clone(),
        before: (*before).clone(),
        scope,
        table: props.shown.table.clone(),
        search: props.shown.search.clone(),
        only: props.shown.only,
        met: order.clone(),
    };
    let found = use_memo(wanted.clone(), Wanted::rows);
    let count = found.rows.len();
    let rows = use_rows(count, wanted.clone());
    {
        let (cursor, stop) = (cursor.setter(), stop.setter());
        use_effect_with(wanted.clone(), move |_| {
            cursor.set(None);
            stop.set(None);
        });
    }

    let decided = wanted_of(props, journey.as_deref());
    let row_of = |at: &RuleAt| {
        let line = props.view.line_index(at)?;
        let is_it = |row: &Row| matches!(row, Row::Line(own) | Row::Added(own) if *own == line);
        found.rows.iter().position(is_it)
    };
    {
        let rows = rows.clone();
        let row = decided.as_ref().and_then(row_of);
        use_effect_with((decided.clone(), wanted.clone()), move |_| {
            if let Some(row) = row {
                rows.reveal(row, false);
            }
        });
    }

    let go = {
        let (rows, stop, found) = (rows.clone(), stop.clone(), found.clone());
        Callback::from(move |back: bool| {
            let all = found.stops.len();
            if all == 0 {
                return;
            }
            let next = match (*stop, back) {
                (None, false) => 0,
                (None, true) => all - 1,
                (Some(at), false) => (at + 1) % all,
                (Some(at), true) => (at + all - 1) % all,
            };
            stop.set(Some(next));
            rows.reveal(found.stops[next], false);
        })
    };
    let onkeydown = rove(&rows, &found.rows, &wanted, *cursor);
    let onscroll = {
        let rows = rows.clone();
        Callback::from(move |_: Event| rows.scrolled())
    };
    let onfocus = {
        let cursor = cursor.setter();
        Callback::from(move |row: usize| cursor.set(Some(row)))
    };

    let cause = props.journey.as_ref().and_then(|journey| {
        (journey.verdict.kind != VerdictKind::Answered && props.hop > 0)
            .then_some(journey.verdict.cause.as_ref()?.rule.as_ref())
            .flatten()
            .filter(|(node, _)| **node == *props.node)
            .map(|(_, at)| at)
    });
    let is_rule = |row: &Row| {
        matches!(row, Row::Line(_) | Row::Added(_))
            && wanted.line(*row).is_some_and(|line| line.at.is_some())
    };
    let range = rows.range();
    let tab_stop = cursor
        .or_else(|| decided.as_ref().and_then(row_of))
        .filter(|row| range.contains(row))
        .or_else(|| range.clone().find(|row| is_rule(&found.rows[*row])));
    let search_at = stop.and_then(|at| found.stops.get(at).copied());
    let explained = props
        .lit
        .rule
        .as_ref()
        .filter(|(node, _)| **node == *props.node)
        .map(|(_, at)| at);

    let head = Head {
        props,
        dispatch: &dispatch,
        met,
        has_journey: journey.is_some(),
    };
    let tools = Tools {
        props,
        dispatch: &dispatch,
        scope,
        scopes: [!order.is_empty(), true, has_changes],
        changed: found.changed,
        at: *stop,
        stops: found.stops.len(),
        go,
    };
    let onmode = dispatch.reform(|mode: Mode| RulesAction::Mode(mode).into());
    let paste = {
        let (menu, pasting) = (menu.setter(), pasting.setter());
        let (dispatch, node) = (dispatch.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| {
            // The dialog is about this Node, wherever the packet goes meanwhile.
            dispatch.emit(RulesAction::Node(node.clone()).into());
            menu.set(false);
            pasting.set(Some(true));
        })
    };
    let restore = {
        let (session, node) = (session.clone(), props.node.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.alter(|lab| lab.restore_rules(&node));
            }
        })
    };
    let copy = {
        let view = props.view.clone();
        Callback::from(move |()| view.text())
    };
    html! {
        <section class="rules" aria-labelledby="rules-title">
            { head.view() }
            if is_own {
                <p class="rules-own" role="status">
                    <span>{ format!("Your own rules, in the place of kube-proxy’s on {}.", props.node) }</span>
                    <button type="button" class="btn sm" onclick={restore}>{ "Give kube-proxy’s back" }</button>
                </p>
            } else {
                { modes(&Modes { own: *own_mode, shown: mode, runs: &runs, ask, onmode }) }
            }
            <div class="rules-tools">
                { tools.view() }
                <Menu id="rules-more" label={html! { { "More" } }} class="btn sm" end=true open={*menu}
                    onopen={let menu = menu.setter(); Callback::from(move |open| menu.set(open))}>
                    <div class="rules-more">
                        <CopyButton label="Copy this text" text={copy} />
                        <button type="button" class="btn sm" onclick={paste}>{ "Paste rules of your own…" }</button>
                        { run_in(mode, *own_mode, session.as_ref()) }
                    </div>
                </Menu>
            </div>
            <div class="rlist" ref={rows.scroller.clone()} tabindex="-1" {onkeydown} {onscroll}>
                if count == 0 {
                    <p class="empty-note">{ "No rule here." }</p>
                }
                <div ref={rows.before.clone()}></div>
                <ol ref={rows.list.clone()} aria-label={format!("Rules of {}", props.node)}>
                    { for range.map(|index| {
                        let row = found.rows[index];
                        let line = wanted.line(row);
                        let at = line.and_then(|line| line.at.as_ref());
                        line::line(&Drawn {
                            row, line, props,
                            place: (index, count),
                            met: at.and_then(|at| met.get(at)),
                            is_cause: cause.is_some() && cause == at,
                            wanted: decided.is_some() && decided.as_ref() == at,
                            found: search_at == Some(index),
                            is_own,
                            stop: tab_stop == Some(index),
                            search: &props.shown.search,
                            onfocus: onfocus.clone(),
                            dispatch: &dispatch,
                        })
                    }) }
                </ol>
                <div ref={rows.behind.clone()}></div>
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
            if let Some(open) = *pasting {
                <OwnRulesDialog node={props.node.clone()} {open}
                    onclose={let pasting = pasting.setter(); Callback::from(move |()| pasting.set(Some(false)))} />
            }
        </section>
    }
}

/// Runs the cluster in the mode that is shown, where it is another.
fn run_in(mode: Mode, own: Mode, session: Option<&Session>) -> Option<Html> {
    let session = session.filter(|_| mode != own)?.clone();
    // As a line of the console, so that it can be taken back.
    let onclick = Callback::from(move |_: MouseEvent| {
        session.run(&format!("lab proxy --mode {mode}"));
    });
    Some(html! {
        <button type="button" class="btn sm" {onclick}>{ format!("Run the cluster in {mode} mode") }</button>
    })
}

/// The rule to bring into view: the pinned one, else the one that decided the present hop.
fn wanted_of(props: &RulesProps, journey: Option<&Journey>) -> Option<RuleAt> {
    match props.pinned.as_deref() {
        Some(Focus::Rule(node, at)) if **node == *props.node => Some(at.clone()),
        _ => journey
            .and_then(|journey| journey.hops.get(props.hop.checked_sub(1)?))
            .filter(|hop| node_of(&hop.at) == Some(&props.node))
            .and_then(|hop| hop.decided_by.clone()),
    }
}

/// The head of the panel: which Node, which table, how many rules.
struct Head<'a> {
    props: &'a RulesProps,
    dispatch: &'a Callback<Action>,
    met: &'a BTreeMap<RuleAt, Met>,
    has_journey: bool,
}

impl Head<'_> {
    fn view(&self) -> Html {
        let Self { props, met, .. } = self;
        let in_table = |table: &str| props.shown.table.is_empty() || *props.shown.table == *table;
        let counted = |matched: bool| {
            met.iter()
                .filter(|(at, met)| in_table(&at.table) && (met.matched || !matched))
                .count()
        };
        let total = (props.view.lines().iter())
            .filter(|line| line.at.is_some() && in_table(&line.table))
            .count();
        let nodes: Rc<[Suggestion]> = (props.world.0.nodes.iter())
            .map(|node| Suggestion::plain(node.clone()))
            .collect();
        let onnode = self
            .dispatch
            .reform(|node: String| RulesAction::Node(node.into()).into());
        let ontable = self
            .dispatch
            .reform(|table: String| RulesAction::Table(table.into()).into());
        html! {
            <div class="phead">
                <h2 id="rules-title">{ "Rules" }</h2>
                <Select label="Node" class="sm" options={nodes} value={props.node.clone()} onchange={onnode} />
                <Select label="Table" class="sm" options={tables(&props.view)} value={props.shown.table.clone()} onchange={ontable} />
                <span class="grow"></span>
                <span class="cnt">
                    if self.has_journey {
                        <b>{ counted(true) }{ " hit" }</b>
                        { format!(" · {} read of {total}", counted(false)) }
                    } else {
                        { format!("{total} rules") }
                    }
                </span>
            </div>
        }
    }
}

/// What is shown of the rules, and the search.
struct Tools<'a> {
    props: &'a RulesProps,
    dispatch: &'a Callback<Action>,
    scope: RuleScope,
    /// Which scopes there are: met, all, changes.
    scopes: [bool; 3],
    changed: (usize, usize),
    /// At which stop, and how many there are.
    at: Option<usize>,
    stops: usize,
    go: Callback<bool>,
}

impl Tools<'_> {
    fn view(&self) -> Html {
        let shown = &self.props.shown;
        let onsearch = self.dispatch.reform(|event: InputEvent| {
            let field = event.target_dyn_into::<HtmlInputElement>();
            let text = field.map(|field| field.value()).unwrap_or_default();
            RulesAction::Search(text.into()).into()
        });
        let onkeydown = {
            let go = self.go.clone();
            Callback::from(move |event: KeyboardEvent| {
                if event.key() == "Enter" {
                    event.prevent_default();
                    go.emit(event.shift_key());
                }
            })
        };
        let is_searching = !shown.search.trim().is_empty();
        let what = if is_searching { "match" } else { "change" };
        let step = |back: bool, sign: &'static str, word: &str| {
            let onclick = self.go.reform(move |_: MouseEvent| back);
            html! {
                <button type="button" class="icb sm" aria-label={format!("{word} {what}")} {onclick}>
                    <span aria-hidden="true">{ sign }</span>
                </button>
            }
        };
        let counts = match (self.at, self.stops) {
            (_, 0) if is_searching => "none".to_owned(),
            (Some(at), all) => format!("{} of {all}", at + 1),
            (None, all) => format!("{all}"),
        };
        let has_stops = is_searching || self.scope == RuleScope::Changes;
        let ononly = {
            let only = !shown.only;
            self.dispatch
                .reform(move |_: Event| RulesAction::Only(only).into())
        };
        html! {
            <>
                { self.scopes() }
                <input type="search" class="sel sm" aria-label="Search the rules" placeholder="search"
                    value={shown.search.clone()} oninput={onsearch} {onkeydown} />
                if has_stops {
                    <span class="rules-stops">
                        <span role="status"><span class="vh">{ format!("{what}: ") }</span>{ counts }</span>
                        if self.stops > 0 { { step(true, "↑", "Previous") }{ step(false, "↓", "Next") } }
                    </span>
                }
                if is_searching {
                    <label class="rules-only">
                        <input type="checkbox" checked={shown.only} onchange={ononly} />
                        <span>{ "only these" }</span>
                    </label>
                }
            </>
        }
    }

    fn scopes(&self) -> Option<Html> {
        if self.scopes.iter().filter(|is_there| **is_there).count() < 2 {
            return None;
        }
        let (added, removed) = self.changed;
        let changes = if added + removed > 0 {
            format!("changed +{added} −{removed}")
        } else {
            "changed".to_owned()
        };
        let names = ["on the way".to_owned(), "all".to_owned(), changes];
        let scopes = RuleScope::ALL.into_iter().zip(names).zip(self.scopes);
        let choices = scopes.filter(|(_, is_there)| *is_there);
        Some(html! {
            <fieldset class="seg sm">
                <legend class="vh">{ "Which rules" }</legend>
                <div class="seg-row">
                    { for choices.map(|((scope, name), _)| html! {
                        <label key={scope as usize}>
                            <input type="radio" name="rule-scope" checked={scope == self.scope}
                                onchange={self.dispatch.reform(move |_: Event| RulesAction::Scope(scope).into())} />
                            <span>{ name }</span>
                        </label>
                    }) }
                </div>
            </fieldset>
        })
    }
}

/// Arrow keys walk from rule to rule, through all of them, whether they are drawn or not.
fn rove(
    rows: &crate::ui::Rows,
    all: &[Row],
    wanted: &Wanted,
    cursor: Option<usize>,
) -> Callback<KeyboardEvent> {
    let rules: Rc<[usize]> = (0..all.len())
        .filter(|index| {
            matches!(all[*index], Row::Line(_) | Row::Added(_))
                && wanted
                    .line(all[*index])
                    .is_some_and(|line| line.at.is_some())
        })
        .collect();
    let rows = rows.clone();
    Callback::from(move |event: KeyboardEvent| {
        let Some(last) = rules.len().checked_sub(1) else {
            return;
        };
        // Where the keys stand: at the rule, or between two, on neither of which they were yet.
        let (at, is_on) = match cursor {
            None => (0, false),
            Some(row) => match rules.binary_search(&row) {
                Ok(at) => (at, true),
                Err(at) => (at.min(last), false),
            },
        };
        let next = match event.key().as_str() {
            "ArrowDown" if is_on => (at + 1).min(last),
            "ArrowDown" => at,
            "ArrowUp" => at.saturating_sub(1),
            "PageDown" => (at + 10).min(last),
            "PageUp" => at.saturating_sub(10),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        // The keys of a field inside stay its own.
        let is_field = event
            .target_dyn_into::<Element>()
            .is_some_and(|target| target.dyn_into::<HtmlInputElement>().is_ok());
        if !is_field {
            event.prevent_default();
            rows.reveal(rules[next], true);
        }
    })
}
