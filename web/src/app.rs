//! The page as a whole: what is where, and what happens when.

use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use lobby_engine::api::{ObjectRef, Origin};
use lobby_engine::lab::{Details, EXAMPLES, Example};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent as DomKeyboardEvent};
use yew::prelude::*;

use crate::editor::{GoTo, LitLine};
use crate::keys::{self, Command, Scope};
use crate::links::Focus;
use crate::marks;
use crate::panels::{
    Help, JourneyPanel, Manifests, Names, Rules, SendBar, Top, Transport, Width, node_of,
};
use crate::prefs::{self, Choice as _, Motion, Prefs, Skin, Theme};
use crate::session::{Same, Session, World};
use crate::stage::{self, Stage};
use crate::state::{Action, State, Step, Tab};
use crate::ui::use_media;

/// How long the packet travels to the next hop at 1×, in milliseconds.
const TRAVEL: u32 = 700;

/// How long a hop takes while it plays: the travel and a breath.
const HOP: u32 = TRAVEL + 150;

/// How long the page waits after a key before the engine reads the text, in milliseconds.
const DEBOUNCE: u32 = 200;

/// What a fresh page has before its first render.
struct Start {
    session: Session,
    world: Rc<World>,
    text: Rc<str>,
    prefs: Prefs,
}

impl Start {
    fn new() -> Self {
        let text = prefs::load_text()
            .or_else(|| EXAMPLES.first().map(|example| example.text.to_owned()))
            .unwrap_or_default();
        let (session, world) = Session::start(&text, lobby_engine::lab::DEFAULT_SEED);
        Self {
            session,
            world,
            text: Rc::from(text),
            prefs: Prefs::load(),
        }
    }
}

/// The page.
#[component]
pub fn App() -> Html {
    let start = use_memo((), |()| Start::new());
    let state = use_reducer_eq({
        let start = start.clone();
        move || {
            State::new(
                start.prefs,
                start.text.clone(),
                lobby_engine::lab::DEFAULT_SEED,
                start.world.clone(),
            )
        }
    });
    let session = start.session.clone();
    session.report_to(state.dispatcher());

    let width = use_width();
    let reduced = use_media("(prefers-reduced-motion: reduce)");
    let still = match state.prefs.motion {
        Motion::Auto => reduced,
        Motion::Reduce => true,
        Motion::Full => false,
    };
    let help = use_state(|| false);
    let goto = use_state(|| None::<GoTo>);

    use_effect_with(state.prefs, move |prefs| {
        prefs.save();
        on_root(prefs, still);
    });
    use_effect_with(still, {
        let prefs = state.prefs;
        move |still| on_root(&prefs, *still)
    });
    use_playback(&state, &session);
    use_effect_with(state.text.clone(), {
        let session = session.clone();
        move |text: &Rc<str>| {
            let text = text.clone();
            let timer = Timeout::new(DEBOUNCE, move || session.edit(&text));
            move || drop(timer)
        }
    });

    // What is lit follows from what is pointed at; computed when that changes, not when it renders.
    let node = state.rules_node();
    let rules = use_memo((node.clone(), Same(state.world.clone())), {
        let session = session.clone();
        move |(node, _)| session.rules(node)
    });
    let rules = (*rules).clone();
    let focus = state.pointer.focus().cloned();
    let lit = use_memo((focus, rules.clone()), {
        let session = session.clone();
        move |(focus, rules)| session.lit(focus.as_deref(), rules)
    });
    let lines = lit_lines(&state, &session, &lit);

    let go = {
        let (goto, session) = (goto.clone(), session.clone());
        Callback::from(move |(line, column): (u32, u32)| {
            session.dispatch(Action::Tab(Tab::Manifests));
            let wish = goto.as_ref().map_or(0, |goto| goto.wish + 1);
            goto.set(Some(GoTo { line, column, wish }));
        })
    };
    let show = {
        let (go, session) = (go.clone(), session.clone());
        Callback::from(move |origin: Origin| {
            if let Some(place) = session.place(&origin) {
                session.dispatch(Action::Pin(Focus::Field(origin)));
                go.emit(place);
            }
        })
    };
    let send = {
        let (session, state) = (session.clone(), state.clone());
        Callback::from(move |()| {
            // What was typed a moment ago counts: the clock of the last key need not run out.
            session.edit(&state.text);
            session.send(&state.draft);
        })
    };
    let load = {
        let session = session.clone();
        Callback::from(move |text: String| {
            session.open(&Rc::from(text));
        })
    };
    use_page_keys(&session, &send);
    let journey_keys = journey_keys(&session, state.playing);

    let example = EXAMPLES
        .iter()
        .find(|example| *example.text == *state.text)
        .map(|example| AttrValue::Static(example.title));

    let top = html! {
        <Top prefs={state.prefs} {width} {example}
            onexample={load.reform(|example: &'static Example| example.text.to_owned())}
            onhelp={ let help = help.setter(); Callback::from(move |()| help.set(true)) } />
    };
    let shown = use_memo(
        (lit.clone(), state.pointer.pinned.clone()),
        |(lit, pinned)| {
            Rc::new(stage::Lit {
                objects: lit.objects.clone(),
                addresses: Default::default(),
                pinned: match pinned.as_deref() {
                    Some(Focus::Object(object)) => Some(object.clone()),
                    _ => None,
                },
            })
        },
    );
    let chosen = use_memo((shown.pinned.clone(), Same(state.world.clone())), {
        let session = session.clone();
        move |(pinned, _)| session.details(pinned.as_ref()?)
    });
    let stage = picture(
        &state,
        &session,
        (*shown).clone(),
        (*chosen).clone(),
        still,
        width,
    );
    let send_bar = html! {
        <SendBar draft={state.draft.clone()} clients={state.world.clients.clone()} targets={state.world.targets.clone()}
            seed={state.seed} {width} onsend={send.clone()}
            onseed={ let session = session.clone();
                Callback::from(move |()| session.reseed(random_seed())) } />
    };
    let transport = html! {
        <div class="transport-region" onkeydown={journey_keys.clone()}>
            <Transport journey={state.journey.clone()} hop={state.hop} playing={state.playing}
                skin={state.prefs.skin} speed={state.prefs.speed} invitation={invitation(&state)}
                refusal={state.refusal.clone()} />
        </div>
    };
    let main = html! {
        <main key="main" class="theatre" id="stage" tabindex="-1">
            <div class="canvas" onkeydown={journey_keys}>{ stage }</div>
            if width == Width::Wide { { send_bar.clone() } { transport.clone() } } else { { transport } { send_bar } }
        </main>
    };
    let manifests = html! {
        <Manifests text={state.text.clone()} world={state.world.clone()} lines={lines} lit={lit.clone()}
            pinned={state.pointer.pinned.clone()} goto={(*goto).clone()}
            ontext={ let session = session.clone();
                Callback::from(move |text: String| session.dispatch(Action::Typed(text.into()))) }
            online={ let session = session.clone();
                Callback::from(move |line: u32| session.dispatch(Action::Over((line > 0).then_some(Focus::Line(line))))) }
            ongo={go} onsend={send} onrepair={load} />
    };
    let journey = html! {
        <JourneyPanel journey={state.journey.clone()} hop={state.hop} skin={state.prefs.skin}
            outdated={state.outdated} onshow={show} />
    };
    let rules = html! {
        <Rules nodes={state.world.nodes.clone()} {node} view={rules} shown={state.rules.clone()}
            journey={state.journey.clone()} hop={state.hop} {lit} pinned={state.pointer.pinned.clone()} />
    };
    let shown = match width {
        Width::Wide => state.names,
        _ => state.tab == Tab::Names,
    };
    let names = html! {
        <Names world={Same(state.world.clone())} journey={state.journey.clone()} from={state.draft.from.clone()}
            skin={state.prefs.skin} {shown} />
    };

    html! {
        <ContextProvider<Session> context={session.clone()}>
            <a class="skip" href="#stage">{ "Skip to the picture" }</a>
            <div class={classes!("page", match width {
                Width::Wide => "wide",
                Width::Middle => "middle",
                Width::Narrow => "narrow",
            })}>
                { top }
                { frame(width, &state, &session, main, [manifests, journey, rules, names]) }
            </div>
            <Help open={*help} onclose={ let help = help.setter(); Callback::from(move |()| help.set(false)) } />
        </ContextProvider<Session>>
    }
}

/// Three columns where there is room; else the stage, and the panels behind tabs.
fn frame(width: Width, state: &State, session: &Session, main: Html, panels: [Html; 4]) -> Html {
    let wide = width == Width::Wide;
    let (tab, lower) = (state.tab, if state.names { Tab::Names } else { Tab::Rules });
    let [manifests, journey, rules, names] = panels;
    let panel = |of: Tab, id: &'static str, class: &'static str, content: Html| {
        // Where there is room, rules and names share one place, and the others have their own.
        let shares = matches!(of, Tab::Rules | Tab::Names);
        let hidden = if wide {
            shares && lower != of
        } else {
            tab != of
        };
        html! {
            <div key={id} {id} class={classes!("panel", class)} {hidden}
                role={(shares || !wide).then_some("tabpanel")}>
                { content }
            </div>
        }
    };
    let left = panel(Tab::Manifests, "manifests", "left", manifests);
    let journey = panel(Tab::Journey, "journey", "journey-panel", journey);
    let rules = panel(Tab::Rules, "rules", "rules-panel", rules);
    let names = panel(Tab::Names, "names", "names-panel", names);
    let tabs = |tab: Tab, tabs: &'static [TabName]| {
        html! { <Tabs key="tabs" {tab} {tabs} session={session.clone()} /> }
    };
    let parts: Vec<Html> = if wide {
        let lower = html! {
            <div key="lower" class="lower">{ tabs(lower, &TABS[1..3]) }{ rules }{ names }</div>
        };
        vec![left, main, journey, lower]
    } else {
        vec![main, tabs(tab, &TABS), journey, rules, names, left]
    };
    html! { <div class="mid">{ for parts }</div> }
}

/// A tab, the id of its panel, and its name.
type TabName = (Tab, &'static str, &'static str);

/// All tabs, in their order.
const TABS: [TabName; 4] = [
    (Tab::Journey, "journey", "Journey"),
    (Tab::Rules, "rules", "Rules"),
    (Tab::Names, "names", "Names"),
    (Tab::Manifests, "manifests", "Manifests"),
];

#[derive(Clone, PartialEq, Properties)]
struct TabsProps {
    tab: Tab,
    tabs: &'static [TabName],
    session: Session,
}

/// The tabs of a page without room for all panels. Arrow keys move, as the ARIA Authoring
/// Practices ask of tabs.
#[component]
fn Tabs(props: &TabsProps) -> Html {
    let tabs = props.tabs;
    let at = tabs
        .iter()
        .position(|(tab, _, _)| *tab == props.tab)
        .unwrap_or(0);
    let onkeydown = {
        let session = props.session.clone();
        Callback::from(move |event: KeyboardEvent| {
            let next = match event.key().as_str() {
                "ArrowRight" => (at + 1) % tabs.len(),
                "ArrowLeft" => (at + tabs.len() - 1) % tabs.len(),
                "Home" => 0,
                "End" => tabs.len() - 1,
                _ => return,
            };
            event.prevent_default();
            let (tab, id, _) = tabs[next];
            session.dispatch(Action::Tab(tab));
            let button = gloo::utils::document().get_element_by_id(&format!("tab-{id}"));
            if let Some(button) =
                button.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok())
            {
                let _ = button.focus();
            }
        })
    };
    html! {
        <nav aria-label="Panels">
        <div class="tabs" role="tablist" aria-label="Panels" {onkeydown}>
            { for tabs.iter().map(|(tab, id, name)| {
                let (tab, on) = (*tab, *tab == props.tab);
                let session = props.session.clone();
                html! {
                    <button type="button" key={*id} role="tab" id={format!("tab-{id}")} aria-controls={*id}
                        aria-selected={if on { "true" } else { "false" }} tabindex={if on { "0" } else { "-1" }}
                        onclick={Callback::from(move |_: MouseEvent| session.dispatch(Action::Tab(tab)))}>
                        { *name }
                    </button>
                }
            }) }
        </div>
        </nav>
    }
}

#[hook]
fn use_width() -> Width {
    let narrow = use_media("(max-width: 639px)");
    let wide = use_media("(min-width: 1100px)");
    match (narrow, wide) {
        (true, _) => Width::Narrow,
        (_, true) => Width::Wide,
        _ => Width::Middle,
    }
}

/// Plays: after each hop's time the next one, until the last.
#[hook]
fn use_playback(state: &UseReducerHandle<State>, session: &Session) {
    let session = session.clone();
    use_effect_with(
        (state.playing, state.hop, state.prefs.speed),
        move |(playing, _, speed)| {
            let timer = playing.then(|| {
                Timeout::new(speed.scale(HOP), move || {
                    session.dispatch(Action::Step(Step::Tick))
                })
            });
            move || drop(timer)
        },
    );
}

/// The keys that work everywhere.
#[hook]
fn use_page_keys(session: &Session, send: &Callback<()>) {
    let (session, send) = (session.clone(), send.clone());
    use_effect_with((session, send), |(session, send)| {
        let (session, send) = (session.clone(), send.clone());
        let options = gloo::events::EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(
            &gloo::utils::document(),
            "keydown",
            options,
            move |event| {
                let Some(event) = event.dyn_ref::<DomKeyboardEvent>() else {
                    return;
                };
                if event.default_prevented() {
                    return;
                }
                match keys::command(
                    Scope::Page,
                    &event.key(),
                    event.ctrl_key() || event.meta_key(),
                ) {
                    Some(Command::Send) => {
                        event.prevent_default();
                        send.emit(());
                    }
                    Some(Command::Release) => session.dispatch(Action::Release),
                    _ => {}
                }
            },
        );
        move || drop(listener)
    });
}

/// The keys of the picture and the transport.
fn journey_keys(session: &Session, playing: bool) -> Callback<KeyboardEvent> {
    let session = session.clone();
    Callback::from(move |event: KeyboardEvent| {
        if event.default_prevented() || event.alt_key() || event.shift_key() {
            return;
        }
        let control = event.ctrl_key() || event.meta_key();
        let Some(command) = keys::command(Scope::Journey, &event.key(), control) else {
            return;
        };
        // A control keeps the keys that are its own: a range its arrows, a button its space.
        let target = event.target_dyn_into::<Element>();
        let is = |selector: &str| {
            target
                .as_ref()
                .is_some_and(|target| target.matches(selector).unwrap_or(false))
        };
        let own = match command {
            Command::Play => is("button, select, [role=button], [role=option]"),
            _ => is("input, select, textarea"),
        };
        if own {
            return;
        }
        event.prevent_default();
        session.dispatch(match command {
            Command::Back => Action::Step(Step::Back),
            Command::Next => Action::Step(Step::Next),
            Command::First => Action::Step(Step::First),
            Command::Last => Action::Step(Step::Last),
            Command::Play => Action::Play(!playing),
            Command::Send | Command::Release => return,
        });
    })
}

/// Looks and motion as attributes of the root, where the style sheets look for them.
fn on_root(prefs: &Prefs, still: bool) {
    let Some(root) = gloo::utils::document().document_element() else {
        return;
    };
    let _ = match prefs.theme {
        Theme::Auto => root.remove_attribute("data-theme"),
        theme => root.set_attribute("data-theme", theme.word()),
    };
    let _ = root.set_attribute("data-skin", prefs.skin.word());
    let _ = root.set_attribute("data-motion", if still { "reduce" } else { "full" });
}

/// The lines to light in the editor.
fn lit_lines(state: &State, session: &Session, lit: &crate::links::Lit) -> Rc<Vec<LitLine>> {
    if !lit.is_empty() {
        return Rc::new(marks::of_pointer(lit));
    }
    let Some(journey) = &state.journey else {
        return Rc::default();
    };
    let rules = state
        .hop
        .checked_sub(1)
        .and_then(|index| journey.hops.get(index))
        .and_then(|hop| node_of(&hop.at))
        .map(|node| session.rules(node));
    Rc::new(marks::of_journey(
        journey,
        state.hop,
        rules.as_ref(),
        |origin| session.lines(origin),
    ))
}

/// What the transport says before anything was sent.
fn invitation(state: &State) -> AttrValue {
    if state.outdated {
        return "The manifests changed. Press Send to see the new way.".into();
    }
    let from = state
        .world
        .clients
        .iter()
        .find(|client| client.value == *state.draft.from)
        .map_or(&*state.draft.from, |client| client.label.as_str());
    format!("Press Send: {from} calls {}.", state.draft.to).into()
}

/// A seed that nobody chose. Short enough to be read out.
fn random_seed() -> u64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from(u32::from_le_bytes(bytes) % 1_000_000),
        // A browser without randomness: the default draws are as good as any.
        Err(_) => lobby_engine::lab::DEFAULT_SEED,
    }
}

/// The stage, in its own words.
fn picture(
    state: &State,
    session: &Session,
    lit: Rc<stage::Lit>,
    details: Option<Rc<Details>>,
    still: bool,
    width: Width,
) -> Html {
    let hover = {
        let session = session.clone();
        Callback::from(move |object: Option<ObjectRef>| {
            session.dispatch(Action::Over(object.map(Focus::Object)));
        })
    };
    let select = {
        let session = session.clone();
        Callback::from(move |object: Option<ObjectRef>| {
            session.dispatch(
                object.map_or(Action::Release, |object| Action::Pin(Focus::Object(object))),
            );
        })
    };
    let open = {
        let session = session.clone();
        Callback::from(move |service: ObjectRef| session.dispatch(Action::Open(service)))
    };
    html! {
        <Stage scene={state.world.scene.clone()} journey={state.journey.clone()} hop={state.hop}
            skin={match state.prefs.skin {
                Skin::Hotel => stage::Skin::Hotel,
                Skin::Cluster => stage::Skin::Cluster,
            }}
            {lit} {details} open_service={state.open_service()}
            motion={if still { stage::Motion::Reduced } else { stage::Motion::Full }}
            hop_ms={state.prefs.speed.scale(TRAVEL)}
            view={if width == Width::Narrow { stage::View::Phone } else { stage::View::Desk }}
            on_hover={hover} on_select={select} on_open={open} />
    }
}
