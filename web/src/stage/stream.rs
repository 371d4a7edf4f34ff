//! Many requests at once: guests that flow to the rooms, and counts that grow there.
//!
//! From [`Tally`] alone. Guests are merged before frames are dropped: at most [`MOST_GUESTS`] are
//! drawn, each for the same number of requests. All that moves is Web Animations; a count is a strip
//! of numbers that is pulled through a window step by step, so that nothing of ours runs a frame.
//! Without motion the counts stand there at once.

use std::rc::Rc;

use js_sys::{Function, Reflect};
use lobby_engine::lab::Scene;
use lobby_engine::network::{Change, Journey, Step, Tally, VerdictKind};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::Skin;
use super::draw::{either, path, rect, text};
use super::geometry::{Line, Point, Rect};
use super::layout::Layout;
use super::metrics::View;
use super::motion::{Curve, Frame, Motion, Running, Timing};
use super::route;
use super::text::{self as measure, Face};
use super::way::{Place, Way};

/// The most guests that are drawn.
const MOST_GUESTS: u32 = 200;
/// And on a narrow screen, which is a small machine more often than not.
const MOST_ON_PHONE: u32 = 80;
/// In how many steps a count grows.
const STEPS: u32 = 12;
/// From one number of the strip to the next, in scene units.
const STRIP: i32 = 20;
/// How long all guests take to set out, in hops' times.
const SETTING_OUT: u32 = 4;
/// How long one is under way, in hops' times.
const UNDER_WAY: u32 = 2;

/// What the stream is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Where things stand.
    pub(super) layout: Rc<Layout>,
    /// What was counted.
    pub(super) tally: Rc<Tally>,
    /// One of the requests, told: it shows the way in.
    pub(super) sample: Option<Rc<Journey>>,
    /// How it looks.
    pub(super) skin: Skin,
    /// Whether it flows.
    pub(super) motion: Motion,
    /// How long a hop takes, in milliseconds.
    pub(super) hop_ms: u32,
    /// How wide the picture is, in percent of its frame: guests follow it.
    pub(super) wide: i32,
}

/// Where some of the requests ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heap {
    /// The place; `None` for those that nobody on the stage answered.
    pub(super) place: Option<Place>,
    /// How many.
    pub(super) count: u32,
    /// How many were promised, in thousandths; `None` where no number is.
    pub(super) expected: Option<u64>,
    /// The way to there.
    pub(super) line: Line,
    /// How they ended, if not with an answer.
    pub(super) failed: Option<VerdictKind>,
}

/// The stream of a tally: heaps by place.
pub(super) fn heaps(
    scene: &Scene,
    layout: &Layout,
    tally: &Tally,
    sample: Option<&Journey>,
) -> Vec<Heap> {
    let (way_in, last) = way_in(scene, layout, tally, sample);
    let mut heaps: Vec<Heap> = Vec::new();
    for share in &tally.shares {
        let pod = share.by.as_ref().and_then(|by| by.pod.as_deref());
        let room = pod.and_then(|pod| {
            scene.rooms.iter().position(|room| {
                pod.split_once('/') == Some((room.pod.namespace.as_str(), room.pod.name.as_str()))
            })
        });
        let place = room
            .and_then(|room| layout.window_of(room))
            .map(|(wing, window)| Place::Room(wing, window));
        let good = matches!(share.kind, VerdictKind::Answered);
        let failed = (!good).then_some(share.kind);
        let same = heaps
            .iter_mut()
            .find(|heap| heap.place == place && heap.failed == failed);
        if let Some(heap) = same {
            heap.count += share.count;
            heap.expected = heap
                .expected
                .zip(share.expected_thousandths)
                .map(|(a, b)| a + b);
            continue;
        }
        let mut points = way_in.clone();
        if let Some(place) = place {
            points.extend(route::connect(layout, last, place, false));
        }
        heaps.push(Heap {
            place,
            count: share.count,
            expected: share.expected_thousandths,
            line: Line::new(points, 8),
            failed,
        });
    }
    heaps
}

/// The way from the client to where the requests part, and that place.
fn way_in(
    scene: &Scene,
    layout: &Layout,
    tally: &Tally,
    sample: Option<&Journey>,
) -> (Vec<Point>, Place) {
    let sample = sample.filter(|journey| journey.request == tally.request);
    if let Some(journey) = sample {
        let way = Way::of(journey, scene, layout);
        let hops = journey.hops.iter();
        let parts = |hop: &lobby_engine::network::Hop| {
            hop.step != Step::Resolve && hop.changes.contains(&Change::Dnat)
        };
        let end = hops.clone().position(parts).or_else(|| {
            let mut hops = hops.clone();
            hops.position(|hop| matches!(hop.step, Step::Nat | Step::Reject | Step::Drop))
        });
        if let Some(end) = end.filter(|end| *end < way.stops.len()) {
            let from = hops.take_while(|hop| hop.step == Step::Resolve).count();
            let legs = way.legs.get(from..end).unwrap_or_default();
            let points = legs.iter().flat_map(|leg| leg.line.points()).copied();
            return (points.collect(), way.stops[end].place);
        }
    }
    // Nobody told the way: straight to the desk of the client's own wing, or the first.
    let client = scene
        .street
        .iter()
        .position(|client| client.id == tally.client.id)
        .map(Place::Client);
    let wing = tally.client.node.as_ref().and_then(|node| {
        let mut wings = scene.wings.iter();
        wings.position(|wing| wing.node.name == *node)
    });
    let last = Place::Counter(wing.unwrap_or(0));
    let first = client.or(wing.map(Place::Hall)).unwrap_or(Place::Client(0));
    (route::connect(layout, first, last, false), last)
}

/// Which heap each guest goes to: heaps take turns by how much they are behind.
fn guests(heaps: &[Heap], most: u32) -> Vec<usize> {
    let all: u32 = heaps.iter().map(|heap| heap.count).sum();
    let drawn = all.min(most);
    let mut sent = vec![0_u64; heaps.len()];
    (1..=u64::from(drawn))
        .filter_map(|k| {
            let behind = |i: &usize| {
                let due = u64::from(heaps[*i].count) * k;
                i128::from(due) - i128::from(sent[*i] * u64::from(all))
            };
            // Of equals the first.
            let i = (0..heaps.len()).rev().max_by_key(behind)?;
            sent[i] += 1;
            Some(i)
        })
        .collect()
}

/// How many guests are drawn at most.
fn most(layout: &Layout) -> u32 {
    either(
        layout.metrics.view == View::Desk,
        MOST_GUESTS,
        MOST_ON_PHONE,
    )
}

/// What the heaps follow from; the tally by its pointer.
type Key = (usize, Rc<Layout>, Option<Rc<Journey>>);

fn key(props: &Props) -> Key {
    (
        Rc::as_ptr(&props.tally) as usize,
        props.layout.clone(),
        props.sample.clone(),
    )
}

fn of(props: &Props) -> Vec<Heap> {
    let sample = props.sample.as_deref();
    heaps(&props.scene, &props.layout, &props.tally, sample)
}

/// The ways, and the counts at their ends.
#[component]
pub(super) fn Stream(props: &Props) -> Html {
    let root = use_node_ref();
    let running = use_mut_ref(Running::default);
    let heaps = use_memo(key(props), |_| of(props));
    let all: u32 = heaps.iter().map(|heap| heap.count).sum();
    let moves = props.motion == Motion::Full;
    {
        let (root, hop_ms) = (root.clone(), props.hop_ms);
        use_effect_with(Rc::as_ptr(&props.tally) as usize, move |_| {
            running.borrow_mut().cancel();
            if moves && let Some(root) = root.cast::<Element>() {
                grow(&mut running.borrow_mut(), &root, hop_ms);
            }
            let running = running.clone();
            move || running.borrow_mut().cancel()
        });
    }
    let each = all.div_ceil(most(&props.layout));
    html! {
        <g class="stream" ref={root} aria-hidden="true">
            { for heaps.iter().filter(|heap| heap.count > 0).map(|heap| path("way streamway", heap.line.d())) }
            { for heaps.iter().map(|heap| plate(&props.layout, heap, &heaps, all)) }
            { (each > 1 && moves).then(|| merged(&props.layout, each)) }
        </g>
    }
}

/// The guests: over the house, each a box of its own that the browser moves without drawing
/// anything anew, and without any work of the page.
///
/// They are moved in scene units: the whole overlay is laid onto the scene by one transform.
#[component]
pub(super) fn Guests(props: &Props) -> Html {
    let root = use_node_ref();
    let running = use_mut_ref(Running::default);
    let heaps = use_memo(key(props), |_| of(props));
    let guests = use_memo((heaps.clone(), most(&props.layout)), |(heaps, most)| {
        guests(heaps, *most)
    });
    {
        let (root, heaps, guests) = (root.clone(), heaps.clone(), guests.clone());
        let hop_ms = props.hop_ms;
        use_effect_with(Rc::as_ptr(&props.tally) as usize, move |_| {
            running.borrow_mut().cancel();
            if let Some(root) = root.cast::<Element>() {
                flow(&mut running.borrow_mut(), &root, &heaps, &guests, hop_ms);
            }
            let running = running.clone();
            move || running.borrow_mut().cancel()
        });
    }
    {
        // After each drawing: the scene may have another size since.
        let root = root.clone();
        use_effect(move || {
            if let Some(root) = root.cast::<HtmlElement>() {
                lay_onto_scene(&root);
            }
        });
    }
    html! {
        <div class="guests" ref={root} aria-hidden="true">
            // Plain boxes: a picture inside keeps browsers from moving it by themselves.
            { for guests.iter().map(|_| html! { <i class="mini" data-guest=""></i> }) }
        </div>
    }
}

/// Lets a unit of the overlay be a unit of the scene, and its origin the scene's.
fn lay_onto_scene(root: &HtmlElement) {
    let scene = root
        .parent_element()
        .and_then(|parent| parent.query_selector("svg.scene").ok().flatten());
    let Some(scene) = scene else { return };
    let style = root.style();
    // A policy of the page has no say here: this is a script's own style.
    if style.set_property("transform", "none").is_err() {
        return;
    }
    let Some([a, d, e, f]) = screen_matrix(&scene) else {
        return;
    };
    let own = root.get_bounding_client_rect();
    let (x, y) = (e - own.left(), f - own.top());
    let matrix = format!("matrix({a}, 0, 0, {d}, {x}, {y})");
    // A browser that cannot set it draws the guests where they are.
    let _ = style.set_property("transform", &matrix);
}

/// Scale and origin of a picture's units on the screen (`getScreenCTM`, called by name).
fn screen_matrix(scene: &Element) -> Option<[f64; 4]> {
    let get = Reflect::get(scene, &"getScreenCTM".into()).ok()?;
    let matrix = get.dyn_into::<Function>().ok()?.call0(scene).ok()?;
    let number = |name: &str| Reflect::get(&matrix, &name.into()).ok()?.as_f64();
    Some([number("a")?, number("d")?, number("e")?, number("f")?])
}

/// How many requests one guest stands for.
fn merged(layout: &Layout, each: u32) -> Html {
    let m = layout.metrics;
    let words = format!("1 guest = {each} requests");
    let w = measure::width(&words, 105, Face::Sans) + 12;
    let place = Rect::new(layout.sight - w - 6, m.street.0 + 3, w, 17);
    html! {
        <>
            { rect("streamnote", place, 8) }
            { text("tsm ink am", place.middle(), place.y + 12, words) }
        </>
    }
}

/// The count at a place, against the promise.
fn plate(layout: &Layout, heap: &Heap, heaps: &[Heap], all: u32) -> Html {
    let m = layout.metrics;
    let place = match heap.place {
        Some(Place::Room(wing, window)) => {
            let room = layout.window(wing, window);
            let room = room.map(|w| w.slot.window).unwrap_or_default();
            let high = if room.h < 30 { room.h } else { 34 };
            Rect::new(room.x - 2, room.y - 1, room.w + 4, high)
        }
        // Those that came to nobody: one plate beside the other in the hall.
        _ => {
            let before = heaps
                .iter()
                .take_while(|other| *other != heap)
                .filter(|other| other.place.is_none())
                .count() as i32;
            let x = m.first_wing + 8 + before * 124;
            Rect::new(x, m.hall + 4, 118, 34)
        }
    };
    let (class, number) = match heap.failed {
        Some(_) => ("heap failed", "heapn badc"),
        None => ("heap", "heapn ink"),
    };
    let expected = heap.expected.map(|thousandths| (thousandths + 500) / 1000);
    let note = match (heap.failed, expected) {
        (Some(kind), _) => Some(kind.as_str().to_owned()),
        (None, Some(expected)) if place.h >= 30 => Some(format!("~{expected}")),
        _ => None,
    };
    // The bar is full at twice the promise, or at all of them where none is made.
    let full = expected.map_or(u64::from(all), |e| e * 2).max(1);
    let wide = place.w - 12;
    let part =
        |n: u64| i32::try_from(n.min(full) * u64::from(wide.unsigned_abs()) / full).unwrap_or(0);
    let bar = Rect::new(
        place.x + 6,
        place.bottom() - 5,
        part(u64::from(heap.count)),
        3,
    );
    let promise = expected.map(|expected| place.x + 6 + part(expected));
    let left = 6 + if note.is_some() {
        0
    } else {
        (place.w - 12 - measure::width(&heap.count.to_string(), 130, Face::Bold)).max(0) / 2
    };
    let base = place.y + (place.h - 6) / 2 + 5;
    let strip = (0..=STEPS).map(|k| {
        let count = u64::from(heap.count) * u64::from(k) / u64::from(STEPS);
        text(
            number,
            left,
            15 - (STEPS - k) as i32 * STRIP,
            count.to_string(),
        )
    });
    html! {
        <g {class}>
            { rect("heapb", place, 4) }
            <svg class="strip" x={place.x.to_string()} y={(base - 15).to_string()}
                width={place.w.to_string()} height={STRIP.to_string()}>
                <g data-strip="">{ for strip }</g>
            </svg>
            { note.map(|note| text("tiny ink2 ae", place.right() - 5, base - 1, measure::fit(&note, 100, Face::Sans, place.w * 6 / 10))) }
            { rect("heapbar", Rect::new(place.x + 6, bar.y, wide, 3), 1) }
            <rect class="heapfill" data-bar="" x={bar.x.to_string()} y={bar.y.to_string()}
                width={bar.w.to_string()} height="3" rx="1" />
            { promise.map(|x| path("heapmark", format!("M{x} {}v7", bar.y - 2))) }
        </g>
    }
}

/// Begins the flow of the guests.
fn flow(running: &mut Running, root: &Element, heaps: &[Heap], guests: &[usize], hop_ms: u32) {
    let (spread, travel) = (SETTING_OUT * hop_ms, UNDER_WAY * hop_ms);
    let ways: Vec<Vec<(Point, i32)>> = heaps.iter().map(|heap| heap.line.stations()).collect();
    let drawn = all(root, "[data-guest]");
    for (k, (element, heap)) in drawn.iter().zip(guests).enumerate() {
        let Some(stations) = ways.get(*heap).filter(|stations| stations.len() > 1) else {
            continue;
        };
        let part = |time: u32| (time * 1000 / (spread + travel).max(1)) as i32;
        let leaves = spread * k as u32 / guests.len().max(1) as u32;
        let between = (part(leaves), part(leaves + travel));
        running.pass(element, stations, between, spread + travel);
    }
}

/// Lets the counts grow, in steps: the house is drawn anew for each, and not for each frame.
fn grow(running: &mut Running, root: &Element, hop_ms: u32) {
    let timing = Timing {
        duration: (SETTING_OUT * hop_ms).max(1),
        delay: UNDER_WAY * hop_ms,
    };
    let top = format!("translate(0px, {}px)", STEPS as i32 * STRIP);
    let strip = [("transform", top.as_str())];
    let (rest, none, full) = (
        [("transform", "translate(0px, 0px)")],
        [("transform", "scaleX(0)")],
        [("transform", "scaleX(1)")],
    );
    for (selector, from, to) in [
        ("[data-strip]", &strip, &rest),
        ("[data-bar]", &none, &full),
    ] {
        for element in all(root, selector) {
            let frames = [Frame { at: 0, set: from }, Frame { at: 1000, set: to }];
            running.begin(&element, &frames, &timing, Curve::Steps(STEPS));
        }
    }
}

fn all(root: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = root.query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|i| found.get(i)?.dyn_into().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn tally(counts: &[(&str, VerdictKind, u32)]) -> Tally {
        let shares: Vec<serde_json::Value> = counts
            .iter()
            .map(|(pod, kind, count)| {
                let by = (!pod.is_empty()).then(
                    || serde_json::json!({ "address": "10.244.1.5", "port": 8080, "pod": pod }),
                );
                let mut share = serde_json::json!({
                    "kind": kind, "count": count, "expectedThousandths": 500_000,
                });
                if let Some(by) = by {
                    share["by"] = by;
                }
                share
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "request": { "from": "external/laptop", "to": "node-3:30080", "protocol": "TCP" },
            "client": { "id": "external/laptop", "name": "laptop", "kind": "lan", "node": null },
            "count": counts.iter().map(|c| c.2).sum::<u32>(),
            "shares": shares,
            "promise": "drawn",
            "fit": { "agrees": true, "said": { "hotel": [], "cluster": [] } },
            "rulesLookedAt": 15,
        }))
        .unwrap()
    }

    #[test]
    fn each_share_is_a_heap_at_its_room_and_those_of_one_window_are_one() {
        let scene = fixture::hotel();
        let layout = Layout::of(&scene, Some(&fixture::service()), View::Desk);
        let tally = tally(&[
            ("default/frontend-0-0", VerdictKind::Answered, 498),
            ("default/frontend-1-0", VerdictKind::Answered, 502),
            ("", VerdictKind::TimedOut, 3),
        ]);
        let heaps = heaps(&scene, &layout, &tally, None);
        let places: Vec<_> = heaps.iter().map(|heap| heap.place).collect();
        assert_eq!(
            places,
            [Some(Place::Room(0, 0)), Some(Place::Room(1, 0)), None]
        );
        let foot = route::foot(&layout, Place::Room(1, 0));
        assert_eq!(heaps[1].line.points().last(), Some(&foot));

        let crowd = fixture::fifty();
        let layout = Layout::of(&crowd, Some(&fixture::service()), View::Desk);
        let of_one: Vec<&str> = crowd
            .rooms
            .iter()
            .filter(|room| room.wing == Some(0) && room.owner == "frontend")
            .map(|room| room.pod.name.as_str())
            .collect();
        assert!(of_one.len() > 1);
        let names: Vec<String> = of_one
            .iter()
            .map(|name| format!("default/{name}"))
            .collect();
        let shares: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), VerdictKind::Answered, 10))
            .collect();
        let heaps = super::heaps(&crowd, &layout, &self::tally(&shares), None);
        assert_eq!(heaps.len(), 1);
        assert_eq!(heaps[0].count as usize, 10 * of_one.len());
    }

    #[test]
    fn guests_are_merged_and_divided_as_the_requests_were() {
        let heap = |count| Heap {
            place: None,
            count,
            expected: None,
            line: Line::default(),
            failed: None,
        };
        let heaps = [heap(750), heap(250), heap(0)];
        let guests = guests(&heaps, 200);
        assert_eq!(guests.len(), 200);
        assert_eq!(guests.iter().filter(|i| **i == 0).count(), 150);
        assert!(!guests.contains(&2));
        // They are mixed, not one heap after the other.
        assert!(guests[..8].contains(&1));
        assert_eq!(super::guests(&heaps[1..], 300).len(), 250);
    }
}
