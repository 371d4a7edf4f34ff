//! Travel by the browser's own animation engine (Web Animations), so that no code of ours runs a
//! frame.
//!
//! `Element.animate` is called by name: web-sys has it only behind an unstable switch. Where a
//! browser lacks it, nothing moves and everything stands where it belongs.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use super::geometry::Point;

/// Whether things travel or jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// They travel.
    #[default]
    Full,
    /// They are at the next place at once, and the place has a ring.
    Reduced,
}

/// One moment of an animation: CSS properties by their script names.
pub(super) struct Frame<'a> {
    /// When, in thousandths.
    pub(super) at: i32,
    /// What holds then.
    pub(super) set: &'a [(&'a str, &'a str)],
}

/// How long, from when, and along which curve.
pub(super) struct Timing {
    /// Milliseconds.
    pub(super) duration: u32,
    /// Milliseconds before it begins; the first moment holds until then.
    pub(super) delay: u32,
}

/// Along which curve something moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// `--ease` of the tokens.
    Eased,
    /// Always as fast.
    Straight,
    /// In so many jumps.
    Steps(u32),
}

impl Curve {
    fn text(self) -> String {
        match self {
            Self::Eased => "cubic-bezier(.3, 0, .2, 1)".to_owned(),
            Self::Straight => "linear".to_owned(),
            Self::Steps(steps) => format!("steps({steps})"),
        }
    }
}

/// Animations under way.
#[derive(Default)]
pub(super) struct Running(Vec<JsValue>);

impl Running {
    /// Ends all of them: everything stands where it belongs.
    pub(super) fn cancel(&mut self) {
        for animation in self.0.drain(..) {
            if let Some(cancel) = method(&animation, "cancel") {
                // A finished animation has nothing to cancel; that is no error here.
                let _ = cancel.call0(&animation);
            }
        }
    }

    /// Begins one that eases in and out.
    pub(super) fn start(&mut self, element: &Element, frames: &[Frame<'_>], timing: &Timing) {
        self.begin(element, frames, timing, Curve::Eased);
    }

    /// Begins one.
    pub(super) fn begin(
        &mut self,
        element: &Element,
        frames: &[Frame<'_>],
        timing: &Timing,
        curve: Curve,
    ) {
        let Some(animate) = method(element, "animate") else {
            return;
        };
        let list = Array::new();
        for frame in frames {
            let moment = Object::new();
            set(&moment, "offset", &(f64::from(frame.at) / 1000.0).into());
            for (name, value) in frame.set {
                set(&moment, name, &(*value).into());
            }
            list.push(&moment);
        }
        let options = Object::new();
        set(&options, "duration", &timing.duration.into());
        set(&options, "delay", &timing.delay.into());
        set(&options, "easing", &curve.text().into());
        set(&options, "fill", &"backwards".into());
        if let Ok(animation) = animate.call2(element, &list, &options) {
            self.0.push(animation);
        }
    }

    /// Moves an element through points, each with how far it is along, in thousandths.
    pub(super) fn travel(&mut self, element: &Element, way: &[(Point, i32)], duration: u32) {
        let timing = Timing { duration, delay: 0 };
        self.walk(element, way, &timing, Curve::Eased);
    }

    /// As [`Running::travel`], of something that is seen only while it is under way: from `leaves`
    /// to `comes`, in thousandths of `duration`. Before and after it waits out of sight.
    ///
    /// Many that set out one after the other begin and end as one: a browser that moves them by
    /// itself is asked for nothing in between.
    pub(super) fn pass(
        &mut self,
        element: &Element,
        way: &[(Point, i32)],
        (leaves, comes): (i32, i32),
        duration: u32,
    ) {
        let under_way = |at: i32| leaves + (comes - leaves) * at / 1000;
        let mut whole = vec![(AWAY, 0), (AWAY, leaves)];
        whole.extend(way.iter().map(|&(point, at)| (point, under_way(at))));
        whole.extend([(AWAY, comes), (AWAY, 1000)]);
        let timing = Timing { duration, delay: 0 };
        self.walk(element, &whole, &timing, Curve::Straight);
    }

    fn walk(&mut self, element: &Element, way: &[(Point, i32)], timing: &Timing, curve: Curve) {
        let places: Vec<String> = way
            .iter()
            .map(|(point, _)| format!("translate({}px, {}px)", point.x, point.y))
            .collect();
        let sets: Vec<[(&str, &str); 1]> = places
            .iter()
            .map(|place| [("transform", place.as_str())])
            .collect();
        let frames: Vec<Frame<'_>> = way
            .iter()
            .zip(&sets)
            .map(|((_, at), set)| Frame { at: *at, set })
            .collect();
        self.begin(element, &frames, timing, curve);
    }
}

/// Where nobody sees a thing and nobody can scroll to it: above the picture's upper edge.
const AWAY: Point = Point { x: 0, y: -9000 };

fn method(of: &JsValue, name: &str) -> Option<Function> {
    Reflect::get(of, &name.into()).ok()?.dyn_into().ok()
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object takes any property.
    let _ = Reflect::set(object, &name.into(), value);
}
