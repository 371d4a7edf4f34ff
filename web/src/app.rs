//! The page as a whole: what it begins with, and what is drawn from what it knows.

use std::cell::Cell;
use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::lab::{Details, EXAMPLES, Example};
use lobby_engine::network::Journey;
use yew::prelude::*;

use crate::editor::LitLine;
use crate::frame::{self, Later, View, Width, Wishes, use_width};
use crate::hooks::{
    TRAVEL, journey_keys, use_doctor, use_opening, use_page_keys, use_playback, use_reading,
};
use crate::links::Focus;
use crate::marks;
use crate::panels::{
    Ask, Help, NoticeBar, SendBar, SettingsDialog, Share, TimeBar, Top, Transport, Trust, node_of,
};
use crate::prefs::{Choice as _, Motion, Prefs, Skin, Theme};
use crate::rule_view::RuleText;
use crate::session::Session;
use crate::stage::{self, Offer, Stage};
use crate::start::Start;
use crate::state::{PointerAction, StageAction, State};
use crate::ui::{use_media, wording};
use crate::visit::{self, Controls, First, OpenInLobby};
use crate::world::Same;

/// Properties of [`App`].
#[derive(Clone, PartialEq, Properties)]
pub struct AppProps {
    /// What it begins with. Another value later changes nothing.
    pub start: Same<Start>,
}

/// The page.
#[component]
pub fn App(props: &AppProps) -> Html {
    let start = &props.start.0;
    let state = use_reducer_eq({
        let start = start.clone();
        move || start.state.clone()
    });
    let session = start.session.clone();
    session.follow(&state);

    let width = use_width();
    let reduced = use_media("(prefers-reduced-motion: reduce)");
    let still = match state.prefs.motion {
        Motion::Auto => reduced,
        Motion::Reduce => true,
        Motion::Full => false,
    };
    let asked = use_state(|| None::<Ask>);
    let answered = use_memo((), |()| Cell::new(0_u32));
    let seen = use_memo((), |()| Cell::new(0_u32));

    use_effect_with((state.prefs, still), |(prefs, still)| {
        prefs.save();
        on_root(prefs, *still);
    });
    use_effect_with(state.frame.clone(), {
        let state = state.clone();
        move |frame| {
            frame::measure(&state);
            frame.save();
        }
    });
    use_playback(&state, &session);
    use_reading(&state.text, &session);
    use_doctor(&state.world, &session);
    use_page_keys(&session);
    visit::use_reports(&state, start.visit.complaint.as_deref());
    visit::use_arrival(&start.visit, &session);
    visit::use_departure(&start.visit, &state.text);
    let opened = use_opening(&session);
    let complaint = use_state(|| start.visit.complaint.clone());
    let embed = start.visit.embed.as_ref();

    // What is lit follows from what is pointed at; computed when that changes, not when it renders.
    let node = state.rules_node();
    let family = (state.walk.journey.as_ref()).and_then(|journey| journey.family());
    let rules = use_memo(
        (
            node.clone(),
            state.rules.mode,
            family,
            Same(state.world.clone()),
        ),
        {
            let session = session.clone();
            move |(node, mode, family, world)| {
                if world.0.has_rules {
                    session.rules_in(node, *mode, *family)
                } else {
                    RuleText::None
                }
            }
        },
    );
    let lit = use_memo((state.pointer.focus().cloned(), (*rules).clone()), {
        let session = session.clone();
        move |(focus, rules)| session.lit(focus.as_deref(), rules)
    });
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
    let lines = lit_lines(&state, &session, &lit);

    let keys = journey_keys(&session, state.walk.playing);
    let chosen = use_memo((shown.pinned.clone(), Same(state.world.clone())), {
        let session = session.clone();
        move |(pinned, _)| {
            let object = pinned.as_ref()?;
            Some((session.details(object)?, session.offers(object)))
        }
    });
    let sample = use_memo(state.walk.tally.clone().map(Same), {
        let session = session.clone();
        move |tally| session.rehearse(&tally.as_ref()?.0.request)
    });
    let stage = picture(
        &state,
        &session,
        (*shown).clone(),
        (*chosen).clone(),
        (*sample).clone(),
        still,
        match width {
            Width::Narrow => stage::View::Phone,
            _ if embed.is_some() => stage::View::Embed,
            _ => stage::View::Desk,
        },
    );
    // Where the stage stands above the rest, it makes the room that the rest stands below.
    let stage_turn = if width == Width::Wide {
        frame::STAGE
    } else {
        0
    };
    let send_bar = send_bar(&state, &start.on, width);
    let alone = embed.is_some_and(|embed| embed.first == First::Diagram);
    let controls = embed.map_or(Controls::Full, |embed| embed.controls);
    let has_tools = embed.is_none_or(|embed| embed.has_tools);
    let transport = html! {
        <div class="transport-region" onkeydown={keys.clone()}>
            <Transport journey={state.walk.journey.clone()} hop={state.walk.hop} playing={state.walk.playing}
                skin={state.prefs.skin} speed={state.prefs.speed} invitation={invitation(&state)}
                refusal={state.walk.refusal.clone()} />
        </div>
    };
    let main = html! {
        <main key="main" class="theatre" id="stage" tabindex="-1">
            <div class="canvas" onkeydown={keys}>
                <Later turn={stage_turn} opened={opened.clone()}>{ stage }</Later>
                <Later turn={frame::FIRST_PICTURE + 1} opened={opened.clone()}>
                    <NoticeBar notice={state.notice.clone()} />
                    <TimeBar next={state.world.next.clone()} runs={state.console.time_runs}
                        walks={state.walk.playing} runs_on={state.console.runs_on} />
                </Later>
            </div>
            if controls == Controls::None {
            } else if controls == Controls::Step || !has_tools { { transport }
            } else if width == Width::Wide && embed.is_none() { { send_bar } { transport }
            } else { { transport } { send_bar } }
            if embed.is_some() {
                <OpenInLobby text={state.text.clone()} seed={state.world.seed} skin={state.prefs.skin}
                    walk={state.walk.clone()} />
            }
        </main>
    };
    let view = View {
        state: &state,
        session: &session,
        width,
        shown: true,
        seen: &seen,
        opened: &opened,
        folded: false,
        lit: &lit,
        lines: &lines,
        node: &node,
        rules: &rules,
        on: &start.on,
    };
    let close = {
        let asked = asked.setter();
        Callback::from(move |()| asked.set(None))
    };
    // A dialog that nobody asked for yet is not drawn; one that was stays, and can be closed.
    if let Some(what) = *asked {
        answered.set(answered.get() | 1 << what as u32);
    }
    let is_drawn = |what: Ask| answered.get() & 1 << what as u32 != 0;
    html! {
        <ContextProvider<Session> context={session.clone()}>
            <a class="skip" href="#stage">{ "Skip to the picture" }</a>
            <div class={classes!("page", match width {
                Width::Wide => "wide",
                Width::Middle => "middle",
                Width::Narrow => "narrow",
            }, embed.is_some().then_some("embed"), alone.then_some("alone"),
                (!has_tools).then_some("no-tools"))}>
                if embed.is_none() { { top(&state, &start.on, width, asked.setter()) } }
                if let Some(text) = &*complaint {
                    <div class="complaint" role="alert">
                        <p>{ text.clone() }</p>
                        <button type="button" class="btn" onclick={
                            let complaint = complaint.setter();
                            Callback::from(move |_: MouseEvent| complaint.set(None))
                        }>{ "Go on" }</button>
                    </div>
                }
                if alone {
                    <div class="mid">{ main }</div>
                } else {
                    { frame::layout(&view, main) }
                }
            </div>
            if is_drawn(Ask::Keys) {
                <Help open={*asked == Some(Ask::Keys)} onclose={close.clone()} />
            }
            if is_drawn(Ask::Settings) {
                <SettingsDialog open={*asked == Some(Ask::Settings)} onclose={close.clone()}
                    dice={Callback::from(|()| random_seed())} />
            }
            if is_drawn(Ask::Share) {
                <Share open={*asked == Some(Ask::Share)} onclose={close.clone()} />
            }
            if is_drawn(Ask::Trust) {
                <Trust open={*asked == Some(Ask::Trust)} onclose={close.clone()} />
            }
        </ContextProvider<Session>>
    }
}

/// The bar at the top.
fn top(state: &State, on: &Wishes, width: Width, asked: UseStateSetter<Option<Ask>>) -> Html {
    let example = EXAMPLES
        .iter()
        .find(|example| example.is(&state.text))
        .map(|example| AttrValue::Static(example.title));
    html! {
        <Top prefs={state.prefs} course={state.course.clone()} {width} {example} places={frame::folds(state)}
            onexample={on.load.reform(|example: &'static Example| example.text().to_owned())}
            world={state.world.clone()} about={state.open_service()}
            onclear={on.load.reform(|()| String::new())}
            onask={Callback::from(move |what: Ask| asked.set(Some(what)))} />
    }
}

/// The send bar.
fn send_bar(state: &State, on: &Wishes, width: Width) -> Html {
    html! {
        <SendBar draft={state.draft.clone()} clients={state.world.clients.clone()}
            targets={state.world.targets.clone()} {width} onsend={on.send.clone()} />
    }
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
    let Some(journey) = &state.walk.journey else {
        return Rc::default();
    };
    let rules = state
        .walk
        .hop
        .checked_sub(1)
        .and_then(|index| journey.hops.get(index))
        .and_then(|hop| node_of(&hop.at))
        .map(|node| session.rules(node));
    Rc::new(marks::of_journey(
        journey,
        state.walk.hop,
        rules.as_ref(),
        |origin| session.lines(origin),
    ))
}

/// What the transport says before anything was sent.
fn invitation(state: &State) -> AttrValue {
    if let Some(tally) = &state.walk.tally {
        return wording(&tally.fit.said, state.prefs.skin).text().into();
    }
    if state.walk.outdated {
        return "The world changed. Press Send to see the new way.".into();
    }
    let from = state
        .world
        .clients
        .iter()
        .find(|client| client.value == *state.draft.from)
        .map_or(&*state.draft.from, |client| client.label.as_str());
    if state.draft.to.is_empty() {
        return format!("Say whom {from} shall call, then press Send.").into();
    }
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
    chosen: Option<(Rc<Details>, Rc<[Offer]>)>,
    sample: Option<Rc<Journey>>,
    still: bool,
    view: stage::View,
) -> Html {
    let hover = {
        let session = session.clone();
        Callback::from(move |object: Option<ObjectRef>| {
            session.dispatch(PointerAction::Over(object.map(Focus::Object)));
        })
    };
    let select = {
        let session = session.clone();
        Callback::from(move |object: Option<ObjectRef>| {
            session.dispatch(object.map_or(PointerAction::Release, |object| {
                PointerAction::Pin(Focus::Object(object))
            }));
        })
    };
    let open = {
        let session = session.clone();
        Callback::from(move |service: ObjectRef| session.dispatch(StageAction::Open(service)))
    };
    let action = {
        let session = session.clone();
        Callback::from(move |line: AttrValue| session.act(&line))
    };
    let service = state.open_service_with(sample.as_deref());
    let (details, offers) = match chosen {
        Some((details, offers)) => (Some(details), offers),
        None => (None, Rc::default()),
    };
    html! {
        <Stage scene={state.world.scene.clone()} journey={state.walk.journey.clone().or(sample)} hop={state.walk.hop}
            tally={state.walk.tally.clone()}
            skin={match state.prefs.skin {
                Skin::Hotel => stage::Skin::Hotel,
                Skin::Cluster => stage::Skin::Cluster,
            }}
            {lit} {details} {offers} on_action={action} open_service={service}
            motion={if still { stage::Motion::Reduced } else { stage::Motion::Full }}
            hop_ms={state.prefs.speed.scale(TRAVEL)}
            {view}
            on_hover={hover} on_select={select} on_open={open} />
    }
}
