//! The panels, once: where each stands, what it is called, when it is there, what draws it.

use std::cell::Cell;
use std::rc::Rc;

use lobby_engine::api::Origin;
use lobby_engine::diagnostic::Severity;
use yew::prelude::*;

use super::{Place, Width};
use crate::editor::LitLine;
use crate::links::Lit;
use crate::panels::{
    Compare, ConsolePanel, Cost, DoctorPanel, Endpoints, JourneyPanel, Lesson, Manifests, Names,
    Rules, TallyPanel,
};
use crate::session::{RuleText, Session};
use crate::state::{State, Tab};
use crate::world::Same;

/// A panel.
pub struct Panel {
    /// Which one.
    pub tab: Tab,
    /// The id of its element.
    pub id: &'static str,
    /// What stands on its tab.
    pub name: &'static str,
    /// Where it stands when there is room.
    pub place: Place,
    /// Whether it is there at all.
    pub is_there: fn(&State) -> bool,
    /// A few characters beside its name, and what they mean, such as a count.
    pub badge: fn(&State) -> Option<Badge>,
    /// Draws it.
    pub view: fn(&View<'_>) -> Html,
}

/// A few characters beside the name of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What is seen.
    pub text: AttrValue,
    /// What is read out.
    pub name: AttrValue,
    /// `ok`, `warn`, `bad` or nothing.
    pub class: &'static str,
}

/// What panels are drawn from.
pub struct View<'a> {
    /// All that the page knows.
    pub state: &'a State,
    /// Asks the engine. Panels find it as a context, too.
    pub session: &'a Session,
    /// How much room there is.
    pub width: Width,
    /// Whether this panel is seen now.
    pub shown: bool,
    /// The panels that were seen so far, a bit for each of [`PANELS`]. One that was never seen is
    /// not drawn: its code is not needed for the first picture (`docs/size.md`).
    pub seen: &'a Cell<u32>,
    /// Whether the page was drawn as a whole.
    pub opened: &'a Rc<Cell<bool>>,
    /// Whether its place is folded.
    pub folded: bool,
    /// What is lit.
    pub lit: &'a Rc<Lit>,
    /// The lines to light in the editor.
    pub lines: &'a Rc<Vec<LitLine>>,
    /// The Node whose rules are shown.
    pub node: &'a Rc<str>,
    /// Its rules.
    pub rules: &'a RuleText,
    /// What panels ask of the page.
    pub on: &'a Wishes,
}

/// What panels ask of the page. The same for as long as the page lives.
#[derive(Clone, PartialEq)]
pub struct Wishes {
    /// Send what the send bar says.
    pub send: Callback<()>,
    /// Begin anew with this text.
    pub load: Callback<String>,
    /// The text was edited.
    pub text: Callback<String>,
    /// The pointer or the cursor is at this line of the text; 0 for none.
    pub line: Callback<u32>,
    /// Show this line and column in the editor.
    pub go: Callback<(u32, u32)>,
    /// Show this field in the editor, and light what has to do with it.
    pub show: Callback<Origin>,
}

fn always(_: &State) -> bool {
    true
}

fn no_badge(_: &State) -> Option<Badge> {
    None
}

/// All panels, in the order of their tabs.
pub const PANELS: &[Panel] = &[
    Panel {
        tab: Tab::Lesson,
        id: "lesson",
        name: "Lesson",
        place: Place::Guide,
        is_there: |state| state.course.is_there(),
        badge: no_badge,
        view: lesson,
    },
    Panel {
        tab: Tab::Journey,
        id: "journey",
        name: "Journey",
        place: Place::Right,
        is_there: always,
        badge: no_badge,
        view: journey,
    },
    Panel {
        tab: Tab::Compare,
        id: "compare",
        name: "Compare",
        place: Place::Right,
        is_there: always,
        badge: no_badge,
        view: compare,
    },
    Panel {
        tab: Tab::Cost,
        id: "cost",
        name: "Growth",
        place: Place::Right,
        is_there: always,
        badge: no_badge,
        view: cost,
    },
    Panel {
        tab: Tab::Rules,
        id: "rules",
        name: "Rules",
        place: Place::Lower,
        is_there: always,
        badge: no_badge,
        view: rules,
    },
    Panel {
        tab: Tab::Endpoints,
        id: "endpoints",
        name: "Endpoints",
        place: Place::Lower,
        is_there: always,
        badge: no_badge,
        view: endpoints,
    },
    Panel {
        tab: Tab::Names,
        id: "names",
        name: "Names",
        place: Place::Lower,
        is_there: always,
        badge: no_badge,
        view: names,
    },
    Panel {
        tab: Tab::Doctor,
        id: "doctor",
        name: "Doctor",
        place: Place::Lower,
        is_there: always,
        badge: doctor_badge,
        view: doctor,
    },
    Panel {
        tab: Tab::Manifests,
        id: "manifests",
        name: "Manifests",
        place: Place::Left,
        is_there: always,
        badge: no_badge,
        view: manifests,
    },
    Panel {
        tab: Tab::Console,
        id: "console",
        name: "Console",
        place: Place::Foot,
        is_there: always,
        badge: no_badge,
        view: console,
    },
];

fn lesson(view: &View<'_>) -> Html {
    let State { course, world, .. } = view.state;
    html! { <Lesson course={course.clone()} world={Same(world.clone())} /> }
}

fn journey(view: &View<'_>) -> Html {
    let walk = &view.state.walk;
    if let Some(tally) = &walk.tally {
        return html! { <TallyPanel tally={tally.clone()} skin={view.state.prefs.skin} /> };
    }
    html! {
        <JourneyPanel journey={walk.journey.clone()} hop={walk.hop} skin={view.state.prefs.skin}
            outdated={walk.outdated} onshow={view.on.show.clone()} />
    }
}

fn rules(view: &View<'_>) -> Html {
    let State {
        world,
        walk,
        rules,
        pointer,
        ..
    } = view.state;
    html! {
        <Rules world={Same(world.clone())} node={view.node.clone()} view={view.rules.clone()} shown={rules.clone()}
            journey={walk.journey.clone()} hop={walk.hop} lit={view.lit.clone()} pinned={pointer.pinned.clone()}
            seen={view.shown} />
    }
}

fn endpoints(view: &View<'_>) -> Html {
    let state = view.state;
    let chosen = state.endpoints.service.as_deref().cloned();
    html! {
        <Endpoints world={Same(state.world.clone())} service={chosen.or_else(|| state.open_service())}
            node={view.node.clone()} lit={view.lit.clone()} pinned={state.pointer.pinned.clone()}
            onshow={view.on.show.clone()} seen={view.shown} />
    }
}

fn compare(view: &View<'_>) -> Html {
    let state = view.state;
    html! {
        <Compare world={Same(state.world.clone())} shown={state.compare.clone()} journey={state.walk.journey.clone()}
            request={state.draft.request()} service={state.open_service()} skin={state.prefs.skin} seen={view.shown} />
    }
}

fn cost(_: &View<'_>) -> Html {
    html! { <Cost /> }
}

fn names(view: &View<'_>) -> Html {
    let State {
        world,
        walk,
        draft,
        prefs,
        ..
    } = view.state;
    html! {
        <Names world={Same(world.clone())} journey={walk.journey.clone()} from={draft.from.clone()}
            skin={prefs.skin} shown={view.shown} />
    }
}

fn console(view: &View<'_>) -> Html {
    html! {
        <ConsolePanel console={view.state.console.clone()} folded={view.folded} folds={view.width == Width::Wide} />
    }
}

/// How many errors there are, or warnings where there is no error.
fn doctor_badge(state: &State) -> Option<Badge> {
    let kinds = [
        (Severity::Error, "error", "bad"),
        (Severity::Warning, "warning", "warn"),
    ];
    kinds.into_iter().find_map(|(severity, noun, class)| {
        let count = state.doctor.count(severity);
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| Badge {
            text: count.to_string().into(),
            name: format!("{count} {noun}{plural}").into(),
            class,
        })
    })
}

fn doctor(view: &View<'_>) -> Html {
    let on = view.on;
    html! {
        <DoctorPanel doctor={view.state.doctor.clone()} text={view.state.text.clone()} ontext={on.text.clone()}
            ongo={on.go.clone()} />
    }
}

fn manifests(view: &View<'_>) -> Html {
    let State {
        text,
        world,
        pointer,
        frame,
        doctor,
        ..
    } = view.state;
    let on = view.on;
    html! {
        <Manifests text={text.clone()} world={world.clone()} findings={doctor.findings.clone()}
            lines={view.lines.clone()} lit={view.lit.clone()} pinned={pointer.pinned.clone()}
            goto={frame.goto.clone()} read_only={frame.read_only} ontext={on.text.clone()} online={on.line.clone()} ongo={on.go.clone()}
            onsend={on.send.clone()} onrepair={on.load.clone()} />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_stands_once() {
        // `View::seen` has a bit for each.
        assert!(PANELS.len() <= 32);
        for (index, one) in PANELS.iter().enumerate() {
            for other in &PANELS[index + 1..] {
                assert!(one.tab != other.tab && one.id != other.id && one.name != other.name);
            }
        }
    }
}
