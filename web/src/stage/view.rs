//! The component: puts the parts together and reads what a person does with them.

use std::rc::Rc;

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{Details, LeftOut, Scene};
use lobby_engine::network::{Change, Journey, Location, Step as HopStep, Tally};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::around::{Drawn, Earlier};
use super::camera::{self, Camera};
use super::control::Lit;
use super::counter::Counter;
use super::desks::Desks;
use super::detail::{DetailCard, Offer};
use super::layout::{Layout, Thing};
use super::list::SceneList;
use super::lobby::Lobby;
use super::metrics::View;
use super::motion::Motion;
use super::stream::{Guests, Stream};
use super::street::Street;
use super::walker::{Walker, earlier_ways};
use super::way::{Place, Way};
use super::wing::Wing;
use super::{backdrop, shapes};

/// How the same scene is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skin {
    /// As a hotel.
    #[default]
    Hotel,
    /// As plain boxes with the field's own words.
    Cluster,
}

/// What the stage shows, and whom it tells.
#[derive(Clone, PartialEq, Properties)]
pub struct StageProps {
    /// The world. The same pointer means the same picture.
    pub scene: Rc<Scene>,
    /// The journey under way. The same pointer means the same way.
    #[prop_or_default]
    pub journey: Option<Rc<Journey>>,
    /// The hop in hand, from 1; 0 while nothing has been walked.
    #[prop_or_default]
    pub hop: usize,
    /// The skin.
    #[prop_or_default]
    pub skin: Skin,
    /// What is highlighted.
    #[prop_or_default]
    pub lit: Rc<Lit>,
    /// Whose desk is open.
    #[prop_or_default]
    pub open_service: Option<ObjectRef>,
    /// Whether the packet travels or jumps.
    #[prop_or_default]
    pub motion: Motion,
    /// How long a hop takes, in milliseconds: 700 at ordinary speed.
    #[prop_or(700)]
    pub hop_ms: u32,
    /// The width class.
    #[prop_or_default]
    pub view: View,
    /// Many requests that were counted, in the place of a journey: they are drawn as a stream. The
    /// journey, if it is one of them, shows their way in. The same pointer flows once.
    #[prop_or_default]
    pub tally: Option<Rc<Tally>>,
    /// What there is to say of what is pinned: a card beside the picture.
    #[prop_or_default]
    pub details: Option<Rc<Details>>,
    /// What can be done with it.
    #[prop_or_default]
    pub offers: Rc<[Offer]>,
    /// A line of the lab's console is to be run.
    #[prop_or_default]
    pub on_action: Callback<AttrValue>,
    /// Something is pointed at or has the focus, or nothing any more.
    #[prop_or_default]
    pub on_hover: Callback<Option<ObjectRef>>,
    /// Something was chosen.
    #[prop_or_default]
    pub on_select: Callback<Option<ObjectRef>>,
    /// A Service's desk is to be opened.
    #[prop_or_default]
    pub on_open: Callback<ObjectRef>,
}

/// The stage.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let StageProps {
        journey, skin, lit, ..
    } = props;
    let drawn = use_mut_ref(Drawn::default);
    let scene = &drawn.borrow_mut().of(
        &props.scene,
        props.open_service.as_ref(),
        lit.pinned.as_ref(),
        journey.as_deref(),
    );
    // A journey that became shorter ends at its end.
    let hop = &journey.as_ref().map_or(0, |j| props.hop.min(j.hops.len()));
    let layout = use_memo(
        (scene.clone(), props.open_service.clone(), props.view),
        |(scene, open, view)| Layout::of(scene, open.as_ref(), *view),
    );
    let way = use_memo((journey.clone(), layout.clone()), |(journey, layout)| {
        let journey = journey.as_ref()?;
        Some(Rc::new(Way::of(journey, scene, layout)))
    });
    let earlier = use_mut_ref(Earlier::default);
    let past = earlier.borrow_mut().note(&props.scene, journey.as_ref());
    let traces = use_state(|| true);
    let ghosts = use_memo((past.clone(), layout.clone()), |(past, layout)| {
        let ways = past.iter().map(|journey| Way::of(journey, scene, layout));
        ways.collect::<Vec<_>>()
    });
    let zoom = use_state(|| camera::WHOLE);
    let scroller = use_node_ref();
    let camera = Camera {
        scroller: scroller.clone(),
        zoom: zoom.clone(),
        pulled: use_mut_ref(|| None),
        pulled_far: use_mut_ref(|| false),
        held: use_mut_ref(|| None),
    };
    camera::use_held(&camera);
    camera::use_pinch(&camera);
    camera::use_smallest(&camera, &layout, 1 + usize::from(props.tally.is_some()));
    camera::use_in_sight(&camera, (journey.clone(), *hop));
    let menu = use_state(|| false);

    let mut seen = Seen::of(scene, journey.as_deref(), way.as_ref().as_deref(), *hop);
    if props.tally.is_some() {
        // All of them come in as the one that is told does; where each goes is counted.
        let hops = journey.as_ref().map_or(0, |journey| journey.hops.len());
        let whole = Seen::of(scene, journey.as_deref(), way.as_ref().as_deref(), hops);
        (seen.door, seen.entrance, seen.router) = (whole.door, whole.entrance, whole.router);
    }
    let m = layout.metrics;
    let frame = layout.frame;
    let wide = frame.w * 100 / layout.sight * *zoom / 100;
    let class = classes!(
        "stage-view",
        match props.view {
            View::Desk => "view-desk",
            View::Phone => "view-phone",
            View::Embed => "view-embed",
        },
        match skin {
            Skin::Hotel => "skin-hotel",
            Skin::Cluster => "skin-cluster",
        }
    );
    let side = if frame.w > layout.sight {
        "xMinYMax meet"
    } else {
        "xMidYMax meet"
    };
    let hears = Hears {
        props: props.clone(),
        scene: scene.clone(),
        layout: layout.clone(),
        menu: menu.clone(),
        camera: camera.clone(),
    };
    let last_hover = use_mut_ref(|| None::<Thing>);
    let (over, out, click, key) = hears.handlers(&last_hover);
    let focus_in = {
        let hover = over.clone();
        Callback::from(move |event: FocusEvent| {
            keep_tab_stop(&event);
            hover.emit(event.into());
        })
    };
    let focus_out = out.reform(Into::into);
    let choose = {
        let (menu, props) = (menu.clone(), props.clone());
        Callback::from(move |object: ObjectRef| {
            menu.set(false);
            if object.kind == Kind::Service {
                props.on_open.emit(object.clone());
            }
            if props.lit.pinned.as_ref() != Some(&object) {
                props.on_select.emit(Some(object));
            }
        })
    };
    let close = {
        let menu = menu.clone();
        Callback::from(move |()| menu.set(false))
    };
    let find = {
        let menu = menu.clone();
        Callback::from(move |_: MouseEvent| menu.set(true))
    };
    let toggle = {
        let menu = menu.clone();
        Callback::from(move |_: MouseEvent| menu.set(!*menu))
    };
    let trace = {
        let traces = traces.clone();
        Callback::from(move |_: MouseEvent| traces.set(!*traces))
    };
    let details =
        (props.details.clone()).filter(|details| lit.pinned.as_ref() == Some(&details.object));
    // The card stands where what it is about is not.
    let at_left = details.as_ref().is_some_and(|details| {
        let at = place_of(&details.object, scene, &layout);
        at.is_some_and(|x| x > layout.sight * 11 / 20)
    });
    let view_box = format!("{} {} {} {}", frame.x, frame.y, frame.w, frame.h);
    let tall = (props.view != View::Phone).then(|| format!("{}%", *zoom));
    let flows = props.motion == Motion::Full;
    let overlay = (props.tally.as_ref()).filter(|_| flows).map(|tally| {
        html! {
            <Guests scene={scene.clone()} layout={layout.clone()} tally={tally.clone()}
                sample={journey.clone()} skin={*skin} motion={props.motion} hop_ms={props.hop_ms} {wide} />
        }
    });
    html! {
        <div {class} role="group" aria-label="The scene">
            <div class="stage-scroll" ref={scroller}
                onwheel={camera.wheel()} onpointerdown={camera.pull()} onpointermove={camera.drag()}
                onpointerup={camera.release()} onpointercancel={camera.release()}>
                <svg class="scene" role="group" aria-label="The picture: use Tab, then up and down"
                    viewBox={view_box} preserveAspectRatio={side} width={format!("{wide}%")} height={tall}
                    onmouseover={over.reform(Into::into)} onmouseout={out.reform(Into::into)}
                    onclick={click} onkeydown={key} onfocusin={focus_in} onfocusout={focus_out}>
                    { backdrop::definitions() }
                    { backdrop::ground(m, *skin) }
                    { backdrop::lanes(m, *skin) }
                    <Lobby scene={scene.clone()} layout={layout.clone()} skin={*skin} lit={lit.clone()}
                        drawn={seen.drawn.clone()} entrance_used={seen.entrance} asked={seen.asked} />
                    { for (0..scene.wings.len()).map(|i| html! {
                        <Wing key={i} index={i} scene={scene.clone()} layout={layout.clone()}
                            skin={*skin} lit={lit.clone()} door_used={seen.door == Some(i)}
                            target={seen.target.filter(|&r| scene.rooms[r].wing == Some(i))} />
                    }) }
                    <Counter scene={scene.clone()} layout={layout.clone()} skin={*skin} lit={lit.clone()}
                        hits={seen.hits} />
                    { backdrop::legend(m, *skin) }
                    <Street scene={scene.clone()} layout={layout.clone()} skin={*skin}
                        lit={lit.clone()} router={seen.router} visited={seen.visited.clone()} />
                    { (*traces && props.tally.is_none()).then(|| earlier_ways(&ghosts)) }
                    if let Some(tally) = &props.tally {
                        <Stream scene={scene.clone()} layout={layout.clone()} tally={tally.clone()}
                            sample={journey.clone()} skin={*skin} motion={props.motion} hop_ms={props.hop_ms} {wide} />
                    } else { { for journey.clone().zip((*way).clone()).map(|(journey, way)| html! {
                        <Walker layout={layout.clone()} {journey} {way} hop={*hop} skin={*skin}
                            motion={props.motion} hop_ms={props.hop_ms} />
                    }) } }
                </svg>
                { overlay }
            </div>
            <div class="stage-tools">
                <button type="button" class="stage-tool find" aria-label="Find a desk, room or wing (Service, Pod or Node)"
                    title="Find a desk, room or wing (/)" aria-expanded={menu.to_string()} onclick={toggle}>
                    { shapes::sign("M7 2.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9zM10.300 10.300L13.500 13.500") }
                </button>
                { camera.buttons() }
                if !ghosts.is_empty() && props.tally.is_none() {
                    <button type="button" class="stage-tool traces" aria-label="Ways of earlier guests"
                        title="Ways of earlier guests" aria-pressed={traces.to_string()} onclick={trace}>
                        { shapes::sign("M3 13c0-4 3-3 5-5s1-5 5-5M3 13h.010M13 3h.010") }
                    </button>
                }
            </div>
            if scene.left_out != LeftOut::default() {
                <p class="stage-cut" role="note">
                    { format!("{} of {} Pods, {} of {} Services, {} of {} Nodes. ",
                        scene.rooms.len(), props.scene.rooms.len(), scene.desks.len(),
                        props.scene.desks.len(), scene.wings.len(), props.scene.wings.len()) }
                    <button type="button" class="stage-link" onclick={find}>{ "Find another" }</button>
                </p>
            }
            if let Some(details) = details {
                <DetailCard {details} offers={props.offers.clone()} skin={*skin} left={at_left}
                    on_action={props.on_action.clone()} on_select={props.on_select.clone()} />
            }
            if *menu {
                <Desks scene={props.scene.clone()} open={props.open_service.clone()} on_choose={choose} on_close={close} />
            }
            <SceneList scene={scene.clone()} open={layout.open} journey={journey.clone()} hop={*hop}
                skin={*skin} tally={props.tally.clone()} />
        </div>
    }
}

/// Where on the way from left to right an object stands.
fn place_of(object: &ObjectRef, scene: &Scene, layout: &Layout) -> Option<i32> {
    let wing = match object.kind {
        Kind::Node => scene.wings.iter().position(|wing| wing.node == *object)?,
        Kind::Pod => {
            let room = scene.rooms.iter().position(|room| room.pod == *object)?;
            layout.window_of(room)?.0
        }
        // A Service's desk is at the left.
        _ => return Some(0),
    };
    Some(layout.wings.get(wing)?.x + layout.metrics.wing / 2)
}

/// What the packet has touched so far.
struct Seen {
    hits: Vec<Option<u32>>,
    door: Option<usize>,
    entrance: bool,
    router: bool,
    target: Option<usize>,
    drawn: Option<AttrValue>,
    /// Whether the directory is asked at this moment.
    asked: bool,
    /// The other house that the packet goes to.
    visited: Option<AttrValue>,
}

impl Seen {
    fn of(scene: &Scene, journey: Option<&Journey>, way: Option<&Way>, hop: usize) -> Self {
        let mut seen = Self {
            hits: vec![None; scene.wings.len()],
            door: None,
            entrance: false,
            router: false,
            target: None,
            drawn: None,
            asked: false,
            visited: None,
        };
        let (Some(journey), Some(way)) = (journey, way) else {
            return seen;
        };
        seen.visited =
            (journey.hops.iter().zip(&way.stops)).find_map(|(hop, stop)| match &hop.at {
                Location::Outside { name } if stop.place == Place::House => {
                    Some(name.clone().into())
                }
                _ => None,
            });
        seen.router = hop > 0 && way.stops.iter().any(|stop| stop.place == Place::Router);
        for (past, stop) in journey.hops.iter().zip(&way.stops).take(hop) {
            match stop.place {
                Place::Door(wing) => seen.door = Some(wing),
                Place::Entrance => seen.entrance = true,
                _ => {}
            }
            if past.step == HopStep::Resolve {
                seen.drawn = (journey.names.as_ref())
                    .and_then(|names| Some(names.address?.to_string().into()));
            } else if past.changes.contains(&Change::Dnat) {
                seen.drawn = Some(past.after.dst.to_string().into());
            }
            let Location::Node { name } = &past.at else {
                continue;
            };
            let wing = scene.wings.iter().position(|wing| wing.node.name == *name);
            if let Some(hits) = wing.and_then(|wing| seen.hits.get_mut(wing))
                && !past.looks.is_empty()
            {
                *hits = Some(hits.unwrap_or(0) + matched(past));
            }
        }
        let now = hop.checked_sub(1).and_then(|at| journey.hops.get(at));
        seen.asked = now
            .zip(scene.directory.as_ref())
            .is_some_and(|(now, directory)| {
                now.step == HopStep::Resolve && now.before.to_text() == directory.address
            });
        // The room that the packet is under way to, from where its address was written.
        if seen.drawn.is_some() {
            let here = seen.drawn.as_deref();
            seen.target = scene
                .rooms
                .iter()
                .position(|room| Some(room.address.as_str()) == here && !room.host_network);
        }
        seen
    }
}

/// How many different rules a hop matched.
fn matched(hop: &lobby_engine::network::Hop) -> u32 {
    let mut rules: Vec<_> = hop
        .looks
        .iter()
        .filter(|l| l.matched)
        .map(|l| &l.at)
        .collect();
    rules.sort();
    rules.dedup();
    u32::try_from(rules.len()).unwrap_or(u32::MAX)
}

/// What the picture hears, and whom it tells.
struct Hears {
    props: StageProps,
    /// What is drawn, which may be a part of the world.
    scene: Rc<Scene>,
    layout: Rc<Layout>,
    menu: UseStateHandle<bool>,
    camera: Camera,
}

type Handlers = (
    Callback<Event>,
    Callback<Event>,
    Callback<MouseEvent>,
    Callback<KeyboardEvent>,
);

impl Hears {
    fn handlers(self, last: &Rc<std::cell::RefCell<Option<Thing>>>) -> Handlers {
        let hears = Rc::new(self);
        let point = {
            let (hears, last) = (hears.clone(), last.clone());
            move |thing: Option<Thing>| {
                if *last.borrow() == thing {
                    return;
                }
                *last.borrow_mut() = thing;
                hears
                    .props
                    .on_hover
                    .emit(thing.and_then(|t| hears.object(t)));
            }
        };
        let over = {
            let point = point.clone();
            Callback::from(move |event: Event| point(thing_at(&event)))
        };
        let out = Callback::from(move |event: Event| {
            // Moving on inside the same thing is not leaving it.
            let to = js_sys::Reflect::get(&event, &"relatedTarget".into()).ok();
            let to = to.and_then(|to| to.dyn_into::<Element>().ok());
            if thing_of(to) != thing_at(&event) {
                point(None);
            }
        });
        let click = {
            let hears = hears.clone();
            Callback::from(move |event: MouseEvent| {
                if hears.camera.was_drag() {
                    return;
                }
                hears.chose(thing_at(&event));
            })
        };
        let key = Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" | " " => {
                if let Some(thing) = thing_at(&event) {
                    event.prevent_default();
                    event.stop_propagation();
                    hears.chose(Some(thing));
                }
            }
            "ArrowUp" | "ArrowDown" if move_focus(&event, event.key() == "ArrowDown") => {
                event.prevent_default();
                event.stop_propagation();
            }
            "+" | "=" => hears.camera.step(1),
            "-" => hears.camera.step(-1),
            "0" => hears.camera.whole(),
            "/" => {
                event.prevent_default();
                hears.menu.set(true);
            }
            _ => {}
        });
        (over, out, click, key)
    }

    fn object(&self, thing: Thing) -> Option<ObjectRef> {
        thing.object(&self.scene, &self.layout)
    }

    fn chose(&self, thing: Option<Thing>) {
        let object = thing.and_then(|t| self.object(t));
        if let (Some(Thing::Desk(i)), Some(service)) = (thing, &object) {
            if self.layout.open == Some(i) {
                // Narrow views have no other plates: the open one leads to them.
                if self.props.view != View::Desk {
                    self.menu.set(true);
                }
            } else {
                self.props.on_open.emit(service.clone());
            }
        }
        self.props.on_select.emit(object);
    }
}

/// The thing that an event happened in.
fn thing_at(event: &Event) -> Option<Thing> {
    thing_of(event.target().and_then(|t| t.dyn_into::<Element>().ok()))
}

fn thing_of(element: Option<Element>) -> Option<Thing> {
    let element = element?.closest("[data-thing]").ok()??;
    Thing::from_key(&element.get_attribute("data-thing")?)
}

/// Its siblings in a group, and the thing itself.
fn group(event: &Event) -> Option<(Vec<Element>, usize)> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let me = target.closest("[data-thing]").ok()??;
    let group = me.closest("[data-group]").ok()??;
    let list = group.query_selector_all("[data-thing]").ok()?;
    let all: Vec<Element> = (0..list.length())
        .filter_map(|i| list.get(i)?.dyn_into().ok())
        .collect();
    let at = all.iter().position(|element| *element == me)?;
    Some((all, at))
}

/// Moves the focus to the next or previous thing of a group.
fn move_focus(event: &Event, down: bool) -> bool {
    let Some((all, at)) = group(event) else {
        return false;
    };
    let to = if down {
        Some(at + 1)
    } else {
        at.checked_sub(1)
    };
    let Some(next) = to.and_then(|to| all.get(to)) else {
        return true;
    };
    // An SVG element has `focus` as an HTML element has; only the call matters.
    let _ = next.unchecked_ref::<HtmlElement>().focus();
    true
}

/// The thing that got the focus is now its group's tab stop.
fn keep_tab_stop(event: &Event) {
    let Some((all, at)) = group(event) else {
        return;
    };
    for (i, element) in all.iter().enumerate() {
        let stop = if i == at { "0" } else { "-1" };
        // Only a name that is no XML name fails here.
        let _ = element.set_attribute("tabindex", stop);
    }
}
