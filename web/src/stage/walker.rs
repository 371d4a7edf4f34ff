//! The packet: the way it walked and has still to walk, the guest, the card, and where it was
//! turned away.

use std::rc::Rc;

use lobby_engine::network::{Journey, VerdictKind};
use web_sys::Element;
use yew::prelude::*;

use super::Skin;
use super::card::{self, Card, CardLine, Held, StampKind, StampState, stamp_w};
use super::draw::{dot, either, path, rect, text, translate};
use super::geometry::{Line, Point, Rect};
use super::layout::Layout;
use super::motion::{Frame, Motion, Running, Timing};
use super::way::{Break, Way};

/// What the packet is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// Where things stand.
    pub(super) layout: Rc<Layout>,
    /// What happened.
    pub(super) journey: Rc<Journey>,
    /// Where it goes.
    pub(super) way: Rc<Way>,
    /// The hop in hand, from 1.
    pub(super) hop: usize,
    /// How it looks.
    pub(super) skin: Skin,
    /// Whether it travels.
    pub(super) motion: Motion,
    /// How long a hop takes, in milliseconds.
    pub(super) hop_ms: u32,
}

/// How long a stamp takes, in milliseconds (`--m-stamp`).
const STAMP_MS: u32 = 240;

/// The packet.
#[component]
pub(super) fn Walker(props: &Props) -> Html {
    let root = use_node_ref();
    let running = use_mut_ref(Running::default);
    let before = use_mut_ref(|| None::<(Rc<Journey>, usize)>);
    {
        let (root, props) = (root.clone(), props.clone());
        use_effect_with((props.journey.clone(), props.hop), move |(journey, hop)| {
            let last = before.borrow_mut().replace((journey.clone(), *hop));
            running.borrow_mut().cancel();
            let next = last.is_some_and(|(past, from)| {
                Rc::ptr_eq(&past, journey) && from > 0 && from + 1 == *hop
            });
            if next
                && props.motion == Motion::Full
                && let Some(root) = root.cast::<Element>()
            {
                set_out(&mut running.borrow_mut(), &root, &props);
            }
        });
    }
    let Props {
        layout,
        journey,
        way,
        hop,
        skin,
        motion,
        ..
    } = props;
    let Some(stop) = hop.checked_sub(1).and_then(|i| way.stops.get(i)) else {
        return html! { <g ref={root} /> };
    };
    let card = Card::at(journey, *hop);
    let held = card
        .as_ref()
        .and_then(|card| card::hold(layout, way, *hop, card.size(layout)));
    let broken = way.break_.as_ref().filter(|b| b.hop <= *hop);
    let bad = broken.is_some_and(|b| b.hop == *hop);
    let m = layout.metrics;
    let number = journey.hops.get(hop - 1).map_or(0, |h| h.number);
    html! {
        <g class="walker" ref={root} aria-hidden="true">
            { lines(layout, way, *hop) }
            { badges(journey, way, *hop) }
            { broken.map(severed) }
            <g data-walk="guest" transform={translate(stop.feet)}>
                { (*motion == Motion::Reduced).then(|| ring(m.scaled(26), m.scaled(22))) }
                <g transform={format!("scale({}.{:02})", m.guest / 100, m.guest % 100)}>
                    { figure(*skin) }
                </g>
                { badge(either(bad, "num now bad", "num now"), Point::new(m.scaled(20), -m.scaled(37)), number) }
            </g>
            { card.zip(held).map(|(card, held)| draw_card(layout, &card, held, bad)) }
            { broken.map(|b| {
                let over = held.map(|held| held.card);
                verdict(layout, b, m.guest_box(stop.feet), over)
            }) }
        </g>
    }
}

/// Begins the travel from the hop before to this one.
fn set_out(running: &mut Running, root: &Element, props: &Props) {
    let Props {
        layout,
        journey,
        way,
        hop,
        hop_ms,
        ..
    } = props;
    let find = |selector: &str| root.query_selector(selector).ok().flatten();
    let (Some(from), Some(to), Some(leg)) = (
        way.stops.get(hop.wrapping_sub(2)),
        way.stops.get(hop - 1),
        way.legs.get(hop.wrapping_sub(2)),
    ) else {
        return;
    };
    let mut stations = leg.line.stations();
    if stations.len() < 2 {
        stations = vec![(from.feet, 0), (to.feet, 1000)];
    }
    if let Some(first) = stations.first_mut() {
        first.0 = from.feet;
    }
    if let Some(last) = stations.last_mut() {
        last.0 = to.feet;
    }
    if let Some(guest) = find("[data-walk=guest]") {
        running.travel(&guest, &stations, *hop_ms);
    }
    let travel = Timing {
        duration: *hop_ms,
        delay: 0,
    };
    if let Ok(drawn) = root.query_selector_all("[data-walk=leg]") {
        for i in 0..drawn.length() {
            let element = drawn.get(i).and_then(|n| {
                use wasm_bindgen::JsCast;
                n.dyn_into::<Element>().ok()
            });
            if let Some(element) = element {
                let dashes = ("strokeDasharray", "1 1");
                let frames = [
                    Frame {
                        at: 0,
                        set: &[dashes, ("strokeDashoffset", "1")],
                    },
                    Frame {
                        at: 1000,
                        set: &[dashes, ("strokeDashoffset", "0")],
                    },
                ];
                running.start(&element, &frames, &travel);
            }
        }
    }
    let held = |hop: usize| {
        let card = Card::at(journey, hop)?;
        card::hold(layout, way, hop, card.size(layout))
    };
    if let (Some(card), Some(was), Some(now)) =
        (find("[data-walk=card]"), held(hop - 1), held(*hop))
    {
        // It is held in the hand: it goes the guest's way, from how it was held to how it will be.
        let held = |held: Held, feet: Point| (held.card.x - feet.x, held.card.y - feet.y);
        let ((ax, ay), (bx, by)) = (held(was, from.feet), held(now, to.feet));
        let between = |a: i32, b: i32, at: i32| a + (b - a) * at / 1000;
        let shifts: Vec<(Point, i32)> = stations
            .iter()
            .map(|&(guest, at)| {
                let x = guest.x + between(ax, bx, at) - now.card.x;
                let y = guest.y + between(ay, by, at) - now.card.y;
                (Point::new(x, y), at)
            })
            .collect();
        running.travel(&card, &shifts, *hop_ms);
    }
    arrive(running, root, *hop_ms);
}

/// What appears only when the guest is there: the card's point, stamps, rewritten lines, the break.
fn arrive(running: &mut Running, root: &Element, after: u32) {
    use wasm_bindgen::JsCast;
    let Ok(things) = root.query_selector_all("[data-arrive]") else {
        return;
    };
    let timing = Timing {
        duration: STAMP_MS,
        delay: after,
    };
    for i in 0..things.length() {
        let element = things.get(i).and_then(|n| n.dyn_into::<Element>().ok());
        let Some(element) = element else { continue };
        let how = element.get_attribute("data-arrive").unwrap_or_default();
        let (first, last): (&[_], &[_]) = match how.as_str() {
            "stamp" => (
                &[("opacity", "0"), ("transform", "scale(1.25)")],
                &[("opacity", "1"), ("transform", "scale(1)")],
            ),
            "leave" => (&[("opacity", "1")], &[("opacity", "0")]),
            _ => (&[("opacity", "0")], &[("opacity", "1")]),
        };
        let frames = [
            Frame { at: 0, set: first },
            Frame {
                at: 1000,
                set: last,
            },
        ];
        running.start(&element, &frames, &timing);
    }
}

/// The lines: walked, to go, and what could have been.
fn lines(layout: &Layout, way: &Way, hop: usize) -> Html {
    let reply = way.stops.get(hop - 1).is_some_and(|stop| stop.reply);
    let drawn: Vec<(usize, Line, &'static str)> = way
        .legs
        .iter()
        .enumerate()
        .filter(|(_, leg)| !leg.line.is_empty())
        .filter_map(|(i, leg)| {
            let walked = i + 1 < hop;
            let class = match (leg.reply, walked, reply) {
                (false, true, true) => "way past",
                (_, true, _) => "way",
                (false, false, false) | (true, false, true) => "way todo",
                _ => return None,
            };
            let line = if i + 1 == hop && class == "way todo" {
                above_head(&leg.line, layout)
            } else {
                leg.line.clone()
            };
            Some((i, line, class))
        })
        .collect();
    let others = way
        .others
        .iter()
        .filter(|_| way.others_from > 0)
        .map(|line| path("way alt", line.d()));
    // Under the line that grows, what it has still to cover.
    let ahead = drawn
        .iter()
        .filter(|(i, _, class)| *class == "way" && i + 2 == hop)
        .map(|(_, line, _)| path("way todo", line.d()));
    let cases = drawn.iter().filter(|(_, _, class)| *class == "way");
    html! {
        <>
            { for others }
            { for ahead }
            { for cases.map(|(i, line, _)| {
                let moving = (i + 2 == hop).then_some("leg");
                html! { <path class="waycase" d={line.d()} pathLength="1" data-walk={moving} /> }
            }) }
            { for drawn.iter().map(|(i, line, class)| {
                let walked = *class == "way";
                let moving = (walked && i + 2 == hop).then_some("leg");
                let length = walked.then_some("1");
                html! { <path class={*class} d={line.d()} pathLength={length} data-walk={moving} /> }
            }) }
        </>
    }
}

/// The ways of earlier guests: thin, and how each of them ended.
pub(super) fn earlier_ways(ways: &[Way]) -> Html {
    html! {
        <g class="earlier" aria-hidden="true">
            { for ways.iter().map(|way| {
                let there = way.legs.iter().filter(|leg| !leg.reply && !leg.line.is_empty());
                let end = way.break_.as_ref().filter(|b| b.verdict != VerdictKind::WrongAnswer).map(|b| {
                    let Point { x, y } = b.cross;
                    path("sever", format!("M{} {}l8 8m0 -8l-8 8", x - 4, y - 4))
                });
                html! { <g>{ for there.map(|leg| path("way trace", leg.line.d())) }{ end }</g> }
            }) }
        </g>
    }
}

/// The part of a line that the guest at its beginning does not hide.
fn above_head(line: &Line, layout: &Layout) -> Line {
    let mut points = line.points().to_vec();
    if let [first, second, ..] = &mut points[..]
        && first.x == second.x
        && second.y < first.y
    {
        first.y = (first.y - layout.metrics.scaled(50)).max(second.y);
    }
    Line::new(points, 10)
}

fn badge(class: &'static str, at: Point, number: u32) -> Html {
    html! {
        <g {class}>
            { dot("", at, "8.500") }
            { text("numt am", at.x, at.y + 4, number.to_string()) }
        </g>
    }
}

/// The numbers on the way. A place that the reply passes again takes the reply's number.
fn badges(journey: &Journey, way: &Way, hop: usize) -> Html {
    let reply = way.stops.get(hop - 1).is_some_and(|stop| stop.reply);
    let near = |a: Point, b: Point| (a.x - b.x).abs() < 18 && (a.y - b.y).abs() < 18;
    let shown: Vec<usize> = (0..way.stops.len())
        .filter(|&i| i + 1 != hop)
        .filter(|&i| reply || !way.stops[i].reply)
        .collect();
    let here = way.stops.get(hop - 1).map(|stop| stop.badge);
    shown
        .iter()
        .filter(|&&i| here.is_none_or(|here| !near(way.stops[i].badge, here)))
        .filter(|&&i| {
            let at = way.stops[i].badge;
            // Only the latest number stands at a place.
            !shown.iter().any(|&k| k > i && near(way.stops[k].badge, at))
        })
        .map(|&i| {
            let number = journey.hops.get(i).map_or(0, |hop| hop.number);
            let class = either(i + 1 < hop, "num done", "num");
            badge(class, way.stops[i].badge, number)
        })
        .collect()
}

fn ring(rx: i32, up: i32) -> Html {
    html! {
        <ellipse class="ring here" cx="0" cy={(-up).to_string()} rx={rx.to_string()}
            ry={(up + 8).to_string()} />
    }
}

/// The guest, or the packet as an envelope.
fn figure(skin: Skin) -> Html {
    match skin {
        Skin::Hotel => html! {
            <>
                <ellipse class="g-shade" cx="0" cy="0" rx="17" ry="3.400" />
                <rect class="g-case" x="9" y="-17" width="13" height="15" rx="2.500" />
                { path("g-caseh", "M12.500 -17v-3.500h6v3.500") }
                { path("g-body", "M-11 -1.500c0-17 2-29.500 11-29.500s11 12.500 11 29.500z") }
                { path("g-arm", "M-6.500 -24l-8-8") }
                <circle class="g-head" cx="0" cy="-37" r="6.800" />
                { path("g-hat", "M-10 -39.500h20M-6 -40c0-5 2-7.500 6-7.500s6 2.500 6 7.500z") }
            </>
        },
        Skin::Cluster => html! {
            <>
                <rect class="g-pkt" x="-17" y="-33" width="34" height="24" rx="3" />
                { path("g-pktl", "M-16 -31.500l16 12.500 16-12.500") }
            </>
        },
    }
}

fn draw_card(layout: &Layout, card: &Card, held: Held, bad: bool) -> Html {
    let m = layout.metrics;
    let Held {
        card: at,
        tip,
        below,
    } = held;
    let class = either(bad, "cardb bad", "cardb");
    let edge = if below { at.bottom() } else { at.y };
    let inward = if below { -1 } else { 1 };
    let root = (tip.x).clamp(at.x + 14, at.right() - 14);
    let point = format!(
        "M{} {e}L{} {}L{} {e}z",
        root - 7,
        tip.x,
        tip.y,
        root + 7,
        e = edge + inward
    );
    let cover = format!("M{} {}h12", root - 6, edge + 2 * inward);
    let base = at.y + (at.h - m.card_line) / 2 + 5;
    html! {
        <g class="card" data-walk="card">
            <g data-arrive="show">{ path(class, point) }</g>
            { rect(class, at, 5) }
            <g data-arrive="show">{ path("cardcover", cover) }</g>
            { line("from", &card.from, at, base) }
            { line("to", &card.to, at, base + m.card_line) }
        </g>
    }
}

fn line(word: &'static str, line: &CardLine, at: Rect, y: i32) -> Html {
    let x = at.x + 39;
    let tint = line
        .stamp
        .filter(|stamp| stamp.state != StampState::Kept && line.was.is_some())
        .map(|stamp| {
            let class = match stamp.kind {
                StampKind::Dnat => "hl dnat",
                StampKind::Snat => "hl snat",
            };
            let w = line.now.chars().count() as i32 * 64 / 10 + 6;
            html! { <g data-arrive="show">{ rect(class, Rect::new(x - 3, y - 12, w, 16), 2) }</g> }
        });
    let was = line.was.as_ref().map(|was| {
        html! { <g class="was" data-arrive="leave">{ text("monosm b ink", x, y, was.clone()) }</g> }
    });
    let arrive = line.was.is_some().then_some("show");
    let stamp = line.stamp.map(|stamp| {
        let (class, round) = match stamp.kind {
            StampKind::Dnat => ("stamp dnat", 2),
            StampKind::Snat => ("stamp snat", 8),
        };
        let class = classes!(
            class,
            (stamp.state == StampState::Lifted).then_some("lifted")
        );
        let w = stamp_w(stamp);
        let place = Rect::new(at.right() - w - 6, y - 12, w, 16);
        let arrive = (stamp.state != StampState::Kept).then_some("stamp");
        html! {
            <g {class} data-arrive={arrive}>
                { rect("", place, round) }
                { text("stampt am", place.middle(), y, stamp.word()) }
            </g>
        }
    });
    html! {
        <>
            { tint }
            { text("tsm ink2", at.x + 8, y, word) }
            { was }
            <g data-arrive={arrive}>{ text("monosm b ink", x, y, line.now.clone()) }</g>
            { stamp }
        </>
    }
}

/// The last piece of a way that breaks off, its cross, and where it would have gone.
fn severed(b: &Break) -> Html {
    if b.verdict == VerdictKind::WrongAnswer {
        return Html::default();
    }
    let Point { x, y } = b.cross;
    html! {
        <g data-arrive="show">
            { path("way cut", b.cut.d()) }
            { path("way bad", b.line.d()) }
            { path("sever", format!("M{} {}l16 16m0 -16l-16 16", x - 8, y - 8)) }
        </g>
    }
}

/// The verdict's word at the break.
fn verdict(layout: &Layout, b: &Break, guest: Rect, over: Option<Rect>) -> Html {
    let word = b.verdict.as_str();
    let at = card::word_place(layout, b.cross, word, guest, over);
    html! {
        <g class="refword" data-arrive="stamp">
            { rect("", at, 5) }
            { text("refw am", at.middle(), at.y + 20, word) }
        </g>
    }
}
