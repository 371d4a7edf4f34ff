//! The bar at the top: what to start with, how it looks, what is modelled.

use lobby_engine::lab::{EXAMPLES, Example};
use lobby_engine::{KUBERNETES_VERSION, NOT_MODELLED};
use yew::prelude::*;

use super::LessonList;
use crate::frame::{Place, Width};
use crate::prefs::{Motion, Prefs, Skin, Theme};
use crate::session::Session;
use crate::state::{Course, FrameAction, PrefsAction};
use crate::ui::{Icon, Menu, RadioGroup, Shape};

/// Which menu is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Examples,
    Looks,
    All,
    Lessons,
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
    /// Show the keys.
    pub onhelp: Callback<()>,
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
    let example_list = {
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
            </ul>
        }
    };
    let lessons = {
        let open = open.setter();
        html! { <LessonList course={props.course.clone()} onchoose={Callback::from(move |()| open.set(None))} /> }
    };
    let looks = html! {
        <div class="looks">
            <RadioGroup<Theme> legend="Colours" name="theme" show_legend={true} value={props.prefs.theme}
                onchange={dispatch.reform(PrefsAction::Theme)} />
            <RadioGroup<Motion> legend="Motion" name="motion" show_legend={true} value={props.prefs.motion}
                onchange={dispatch.reform(PrefsAction::Motion)} />
        </div>
    };
    let help = {
        let (open, onhelp) = (open.setter(), props.onhelp.clone());
        Callback::from(move |_: MouseEvent| {
            open.set(None);
            onhelp.emit(());
        })
    };
    let trust = html! {
        <p class="trust">
            { "models Kubernetes " }{ KUBERNETES_VERSION }{ " · iptables " }
            <i>{ "not " }{ NOT_MODELLED }</i>
        </p>
    };
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
                    if *open == Some(Open::All) {
                        <h2>{ "Lessons" }</h2>
                        { lessons.clone() }
                    }
                    { looks.clone() }
                    <p><button type="button" class="btn" onclick={help.clone()}>{ "Keys" }</button></p>
                    { trust.clone() }
                </Menu>
            }
            <h1 class="logo"><Icon shape={Shape::Bell} />{ "Lobby" }</h1>
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
                    if *open == Some(Open::Lessons) { { lessons } }
                </Menu>
            } else {
                <span class="grow"></span>
            }
            { skin }
            if !narrow {
                <span class="mode"><span class="vh">{ "Proxy mode: " }</span>{ "iptables" }</span>
                <span class="grow"></span>
                { trust }
                if props.width == Width::Wide { <div class="folds" role="group" aria-label="Panels">{ for folds }</div> }
                <Menu id="menu-looks" class={classes!("icb")} name="Colours and motion" end={true}
                    open={*open == Some(Open::Looks)} onopen={set_open(Open::Looks)}
                    label={html! { <Icon shape={Shape::Sun} /> }}>
                    { looks }
                </Menu>
                <button type="button" class="icb" aria-label="Keys" onclick={help}><Icon shape={Shape::Help} /></button>
            }
        </header>
    }
}
