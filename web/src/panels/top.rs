//! The bar at the top: what to start with, how it looks, what is modelled.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::lab::{EXAMPLES, Example};
use lobby_engine::{KUBERNETES_VERSION, NOT_MODELLED};
use yew::prelude::*;

use super::{LessonList, OpenFile};
use crate::frame::{Place, Width};
use crate::prefs::{Motion, Prefs, Skin, Theme};
use crate::session::Session;
use crate::state::{Course, FrameAction, PrefsAction};
use crate::ui::{Icon, Menu, RadioGroup, Shape};
use crate::world::{Same, World};

/// Which menu is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Examples,
    Break,
    Looks,
    All,
    Lessons,
}

/// A dialog that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The keys.
    Keys,
    /// Links and embeds.
    Share,
    /// The cluster's settings.
    Settings,
    /// What is modelled.
    Trust,
}

/// Properties of [`Top`].
#[derive(Clone, PartialEq, Properties)]
pub struct TopProps {
    /// Looks and motion.
    pub prefs: Prefs,
    /// How much room there is.
    pub width: Width,
    /// The places that can be folded, and whether they are.
    pub places: Vec<(Place, bool)>,
    /// The title of the example that is loaded, if the text is still its own.
    pub example: Option<AttrValue>,
    /// The course.
    pub course: Course,
    /// Load an example.
    pub onexample: Callback<&'static Example>,
    /// The present world.
    pub world: Rc<World>,
    /// The Service that is looked at.
    pub about: Option<ObjectRef>,
    /// Begin with nothing.
    pub onclear: Callback<()>,
    /// Show a dialog.
    pub onask: Callback<Ask>,
}

/// The bar.
#[component]
pub fn Top(props: &TopProps) -> Html {
    let open = use_state(|| None::<Open>);
    let session = use_context::<Session>();
    let set_open = |which: Open| {
        let open = open.setter();
        Callback::from(move |now: bool| open.set(now.then_some(which)))
    };
    let dispatch = {
        let session = session.clone();
        Callback::from(move |action: PrefsAction| {
            if let Some(session) = &session {
                session.dispatch(action);
            }
        })
    };
    let folds = props.places.iter().map(|(place, folded)| {
        let (place, folded, session) = (*place, *folded, session.clone());
        let (name, shape) = match place {
            Place::Left | Place::Guide => ("Manifests panel", Shape::PanelLeft),
            Place::Right | Place::Lower => ("Inspector panel", Shape::PanelRight),
            Place::Foot => ("Console panel", Shape::PanelFoot),
        };
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.dispatch(FrameAction::Fold(place, !folded));
            }
        });
        html! {
            <button type="button" key={place.word()} class="icb" aria-label={name} title={name}
                aria-pressed={if folded { "false" } else { "true" }} {onclick}><Icon {shape} /></button>
        }
    });
    let clear = {
        let (open, onclear) = (open.setter(), props.onclear.clone());
        Callback::from(move |_: MouseEvent| {
            open.set(None);
            onclear.emit(());
        })
    };
    // What is in a menu is drawn while it is open.
    let in_menu = |which: Open| matches!(*open, Some(now) if now == which || now == Open::All);
    let example_list = in_menu(Open::Examples).then(|| {
        let open = open.setter();
        html! {
            <ul class="examples">
            { for EXAMPLES.iter().map(|example| {
                let (open, onexample) = (open.clone(), props.onexample.clone());
                let onclick = Callback::from(move |_: MouseEvent| {
                    open.set(None);
                    onexample.emit(example);
                });
                let current = props.example.as_deref() == Some(example.title);
                html! {
                    <li key={example.id}>
                        <button type="button" class="example" {onclick} aria-current={current.then_some("true")}>
                            <b>{ example.title }</b>
                            <span>{ example.note }</span>
                        </button>
                    </li>
                }
            }) }
            <li class="examples-end">
                <button type="button" class="btn" onclick={clear}>{ "Clean slate" }</button>
                <OpenFile onchoose={
                    let open = open.clone();
                    Callback::from(move |()| open.set(None))
                } />
                <span class="quiet">{ "empty, or from this machine: manifests, a dump, a lesson, a saved world" }</span>
            </li>
            </ul>
        }
    });
    let lessons = in_menu(Open::Lessons).then(|| {
        let open = open.setter();
        html! { <LessonList course={props.course.clone()} onchoose={Callback::from(move |()| open.set(None))} /> }
    });
    let looks = in_menu(Open::Looks).then(|| {
        html! {
            <div class="looks">
                <RadioGroup<Theme> legend="Colours" name="theme" show_legend={true} value={props.prefs.theme}
                    onchange={dispatch.reform(PrefsAction::Theme)} />
                <RadioGroup<Motion> legend="Motion" name="motion" show_legend={true} value={props.prefs.motion}
                    onchange={dispatch.reform(PrefsAction::Motion)} />
            </div>
        }
    });
    let ask = |what: Ask| {
        let (open, onask) = (open.setter(), props.onask.clone());
        Callback::from(move |_: MouseEvent| {
            open.set(None);
            onask.emit(what);
        })
    };
    let act = |line: &'static str| {
        let (open, session) = (open.setter(), session.clone());
        Callback::from(move |_: MouseEvent| {
            open.set(None);
            if let Some(session) = &session {
                session.act(line);
            }
        })
    };
    let trust = html! {
        <button type="button" class="trust" onclick={ask(Ask::Trust)}>
            { "models Kubernetes " }{ KUBERNETES_VERSION }<i>{ "not " }{ NOT_MODELLED }</i>
        </button>
    };
    let settings = html! {
        <button type="button" class="btn plain" onclick={ask(Ask::Settings)}>
            <span class="vh">{ "Cluster settings, proxy mode " }</span>{ &props.world.mode }<Icon shape={Shape::Gear} />
        </button>
    };
    let step = |line: &'static str, name: &str, shape: Shape, step: &Option<AttrValue>| {
        let name = match step {
            Some(step) => format!("{name}: {step}"),
            None => name.to_owned(),
        };
        html! {
            <button type="button" class="icb" aria-label={name.clone()} title={name} disabled={step.is_none()}
                onclick={act(line)}><Icon {shape} /></button>
        }
    };
    let steps = html! { <>
        { step("lab undo", "Take back", Shape::Undo, &props.world.steps.0) }
        { step("lab redo", "Do again", Shape::Redo, &props.world.steps.1) }
    </> };
    let is_breaking = in_menu(Open::Break);
    let mischiefs = use_memo(
        (is_breaking, props.about.clone(), Same(props.world.clone())),
        {
            let session = session.clone();
            move |(is_breaking, about, _)| match session.filter(|_| *is_breaking) {
                Some(session) => session.mischiefs(about.as_ref()),
                None => Vec::new(),
            }
        },
    );
    let break_list = is_breaking.then(|| html! {
        <ul class="examples">
        { for mischiefs.iter().map(|mischief| {
            let (open, session, chosen) = (open.setter(), session.clone(), mischief.clone());
            let onclick = Callback::from(move |_: MouseEvent| {
                open.set(None);
                if let Some(session) = &session {
                    session.break_it(&chosen);
                }
            });
            html! {
                <li key={mischief.id}>
                    <button type="button" class="example" {onclick}>
                        <b>{ &mischief.label }</b>
                        <span>{ mischief.says }</span>
                    </button>
                </li>
            }
        }) }
        if mischiefs.is_empty() { <li class="empty-note">{ "No Service has a Pod to lose." }</li> }
        <li class="examples-end">
            <button type="button" class="btn" disabled={props.world.lines == 0} onclick={act("lab reset")}>
                { "Mend everything" }
            </button>
            <span class="quiet">{ "takes back all that was done since the text was opened" }</span>
        </li>
        </ul>
    });

    let skin = html! {
        <RadioGroup<Skin> legend="Skin" name="skin" value={props.prefs.skin}
            onchange={dispatch.reform(PrefsAction::Skin)} />
    };
    let narrow = props.width == Width::Narrow;

    html! {
        <header class="top">
            if narrow {
                <Menu id="menu-all" class={classes!("icb")} name="Menu" open={*open == Some(Open::All)}
                    onopen={set_open(Open::All)} label={html! { <Icon shape={Shape::Menu} /> }}>
                    <h2>{ "Start with" }</h2>
                    { example_list.clone() }
                    <h2>{ "Lessons" }</h2>
                    { lessons.clone() }
                    { looks.clone() }
                    <h2>{ "Break something" }</h2>
                    { break_list.clone() }
                    <p class="menu-row">
                        <button type="button" class="btn" onclick={ask(Ask::Settings)}>{ "Cluster settings" }</button>
                        <button type="button" class="btn" onclick={ask(Ask::Share)}>{ "Share" }</button>
                        <button type="button" class="btn" onclick={ask(Ask::Keys)}>{ "Keys" }</button>
                    </p>
                    { trust.clone() }
                </Menu>
            }
            <h1 class="logo"><Icon shape={Shape::Bell} /><span class="logo-word">{ "Lobby" }</span></h1>
            if !narrow {
                <Menu id="menu-examples" class={classes!("btn", "plain")} open={*open == Some(Open::Examples)}
                    onopen={set_open(Open::Examples)}
                    label={html! { <>
                        <span class="quiet">{ "Start with:" }</span>
                        <span class="example-name">{ props.example.clone().unwrap_or_else(|| "your manifests".into()) }</span>
                        <Icon shape={Shape::Down} />
                    </> }}>
                    { example_list }
                </Menu>
                <Menu id="menu-lessons" class={classes!("btn", "plain")} open={*open == Some(Open::Lessons)}
                    onopen={set_open(Open::Lessons)}
                    label={html! { <>{ "Lessons" }<Icon shape={Shape::Down} /></> }}>
                    { lessons }
                </Menu>
            } else {
                <span class="grow"></span>
            }
            if narrow { { steps.clone() } }
            { skin }
            if !narrow {
                { settings }
                <Menu id="menu-break" class={classes!("btn", "plain")} open={*open == Some(Open::Break)}
                    onopen={set_open(Open::Break)}
                    label={html! { <>{ "Break something" }<Icon shape={Shape::Down} /></> }}>
                    { break_list }
                </Menu>
                <span class="grow"></span>
                { trust }
                { steps.clone() }
                if props.width == Width::Wide { <div class="folds" role="group" aria-label="Panels">{ for folds }</div> }
                <Menu id="menu-looks" class={classes!("icb")} name="Colours and motion" end={true}
                    open={*open == Some(Open::Looks)} onopen={set_open(Open::Looks)}
                    label={html! { <Icon shape={Shape::Sun} /> }}>
                    { looks }
                </Menu>
                <button type="button" class="icb" aria-label="Share" title="Share" onclick={ask(Ask::Share)}><Icon shape={Shape::Share} /></button>
                <button type="button" class="icb" aria-label="Keys" title="Keys" onclick={ask(Ask::Keys)}><Icon shape={Shape::Help} /></button>
            }
        </header>
    }
}
