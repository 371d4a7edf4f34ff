//! Zoom, pan and fit.
//!
//! The picture lies in a frame that scrolls: panning is the browser's own scrolling, by touch,
//! wheel, keyboard or by pulling with the mouse, and what gets the focus comes into sight by
//! itself. Zooming changes the picture's size. Neither a step nor an edit touches them; only a
//! packet that walks out of sight takes the frame along.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use lobby_engine::network::Journey;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, TouchEvent};
use yew::prelude::*;

use super::geometry::Point;
use super::layout::Layout;
use super::metrics::View;
use super::shapes;

/// The whole house, in hundredths of what fits.
pub(super) const WHOLE: i32 = 100;
const STEPS: [i32; 8] = [100, 125, 150, 200, 250, 300, 350, 400];

/// How the frame is handled.
#[derive(Clone)]
pub(super) struct Camera {
    /// The frame.
    pub(super) scroller: NodeRef,
    /// How large the picture is, in hundredths.
    pub(super) zoom: UseStateHandle<i32>,
    /// While it is pulled: the pointer's place and the frame's at the beginning.
    pub(super) pulled: Rc<RefCell<Option<[i32; 4]>>>,
    /// Whether the last pull went anywhere.
    pub(super) pulled_far: Rc<RefCell<bool>>,
    /// What is to stay where it is when the size changes: thousandths of the picture, and pixels.
    pub(super) held: Rc<RefCell<Option<[i32; 4]>>>,
}

impl Camera {
    fn frame(&self) -> Option<HtmlElement> {
        self.scroller.cast::<HtmlElement>()
    }

    /// The next larger or smaller size.
    pub(super) fn step(&self, by: i32) {
        let Some(frame) = self.frame() else { return };
        self.zoom_at(by, frame.client_width() / 2, frame.client_height() / 2);
    }

    /// The whole house again.
    pub(super) fn whole(&self) {
        self.zoom.set(WHOLE);
    }

    fn zoom_at(&self, by: i32, x: i32, y: i32) {
        let next = if by > 0 {
            STEPS.iter().copied().find(|step| *step > *self.zoom)
        } else {
            STEPS.iter().rev().copied().find(|step| *step < *self.zoom)
        };
        if let Some(next) = next {
            self.zoom_to(next, x, y);
        }
    }

    /// A size, with a place of the frame held where it is.
    fn zoom_to(&self, next: i32, x: i32, y: i32) {
        let Some(frame) = self.frame() else { return };
        let part = |at: i32, all: i32| at * 1000 / all.max(1);
        *self.held.borrow_mut() = Some([
            part(frame.scroll_left() + x, frame.scroll_width()),
            part(frame.scroll_top() + y, frame.scroll_height()),
            x,
            y,
        ]);
        self.zoom.set(next);
    }

    /// Control and the wheel zoom; the wheel alone scrolls, as everywhere.
    pub(super) fn wheel(&self) -> Callback<WheelEvent> {
        let camera = self.clone();
        Callback::from(move |event: WheelEvent| {
            if !event.ctrl_key() {
                return;
            }
            event.prevent_default();
            let Some(frame) = camera.frame() else { return };
            let place = frame.get_bounding_client_rect();
            let x = event.client_x() - place.left() as i32;
            let y = event.client_y() - place.top() as i32;
            camera.zoom_at(if event.delta_y() < 0.0 { 1 } else { -1 }, x, y);
        })
    }

    /// A mouse begins to pull. Fingers scroll by themselves.
    pub(super) fn pull(&self) -> Callback<PointerEvent> {
        let camera = self.clone();
        Callback::from(move |event: PointerEvent| {
            *camera.pulled_far.borrow_mut() = false;
            if event.pointer_type() != "mouse" || event.button() != 0 {
                return;
            }
            let Some(frame) = camera.frame() else { return };
            *camera.pulled.borrow_mut() = Some([
                event.client_x(),
                event.client_y(),
                frame.scroll_left(),
                frame.scroll_top(),
            ]);
        })
    }

    /// It is pulled on.
    pub(super) fn drag(&self) -> Callback<PointerEvent> {
        let camera = self.clone();
        Callback::from(move |event: PointerEvent| {
            let Some([x, y, left, top]) = *camera.pulled.borrow() else {
                return;
            };
            if event.buttons() & 1 == 0 {
                return;
            }
            let (dx, dy) = (event.client_x() - x, event.client_y() - y);
            if dx.abs() + dy.abs() < 5 {
                return;
            }
            *camera.pulled_far.borrow_mut() = true;
            if let Some(frame) = camera.frame() {
                frame.set_scroll_left(left - dx);
                frame.set_scroll_top(top - dy);
            }
        })
    }

    /// The pull ends.
    pub(super) fn release(&self) -> Callback<PointerEvent> {
        let camera = self.clone();
        Callback::from(move |_: PointerEvent| {
            *camera.pulled.borrow_mut() = None;
        })
    }

    /// Whether the click that comes now is only the end of a pull.
    pub(super) fn was_drag(&self) -> bool {
        *self.pulled_far.borrow()
    }

    /// The buttons.
    pub(super) fn buttons(&self) -> Html {
        let press = |by: i32| {
            let camera = self.clone();
            Callback::from(move |_: MouseEvent| camera.step(by))
        };
        let whole = {
            let camera = self.clone();
            Callback::from(move |_: MouseEvent| camera.whole())
        };
        let at_most = *self.zoom >= STEPS[STEPS.len() - 1];
        let at_least = *self.zoom <= WHOLE;
        html! {
            <>
                <button type="button" class="stage-tool zoom" aria-label="Zoom in" title="Zoom in (+)"
                    disabled={at_most} onclick={press(1)}>{ shapes::sign("M8 3.500v9M3.500 8h9") }</button>
                <button type="button" class="stage-tool zoom" aria-label="Zoom out" title="Zoom out (-)"
                    disabled={at_least} onclick={press(-1)}>{ shapes::sign("M3.500 8h9") }</button>
                <button type="button" class="stage-tool zoom" aria-label="Show the whole house"
                    title="Show the whole house (0)" disabled={at_least} onclick={whole}>
                    { shapes::sign("M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3") }
                </button>
            </>
        }
    }
}

/// After the size changed, what was held is where it was.
#[hook]
pub(super) fn use_held(camera: &Camera) {
    let scroller = camera.scroller.clone();
    let held = camera.held.clone();
    use_effect_with(*camera.zoom, move |_| {
        let (Some(frame), Some([px, py, x, y])) =
            (scroller.cast::<HtmlElement>(), held.borrow_mut().take())
        else {
            return;
        };
        frame.set_scroll_left(frame.scroll_width() * px / 1000 - x);
        frame.set_scroll_top(frame.scroll_height() * py / 1000 - y);
    });
}

/// Two fingers zoom: where they are stays under them.
///
/// The listeners are not passive ones, so that the browser neither scrolls nor zooms the page.
#[hook]
pub(super) fn use_pinch(camera: &Camera) {
    // What the fingers began with: their distance, and the size of the picture.
    let began = use_mut_ref(|| None::<(i32, i32)>);
    let latest = use_mut_ref(|| camera.clone());
    *latest.borrow_mut() = camera.clone();
    use_effect_with(camera.scroller.clone(), move |scroller| {
        let options = EventListenerOptions::enable_prevent_default();
        let listeners = scroller.cast::<HtmlElement>().map(|frame| {
            let moved = {
                let began = began.clone();
                move |event: &web_sys::Event| {
                    let Some(fingers) = fingers(event) else {
                        *began.borrow_mut() = None;
                        return;
                    };
                    event.prevent_default();
                    let camera = latest.borrow().clone();
                    let Some(frame) = camera.frame() else { return };
                    let ((ax, ay), (bx, by)) = fingers;
                    let apart = Point::new(ax, ay).distance(Point::new(bx, by)).max(1);
                    let Some((first, zoom)) = *began.borrow() else {
                        *began.borrow_mut() = Some((apart, *camera.zoom));
                        return;
                    };
                    let most = STEPS[STEPS.len() - 1];
                    let next = (zoom * apart / first.max(1)).clamp(WHOLE, most);
                    if next != *camera.zoom {
                        let place = frame.get_bounding_client_rect();
                        let (left, top) = (place.left() as i32, place.top() as i32);
                        camera.zoom_to(next, (ax + bx) / 2 - left, (ay + by) / 2 - top);
                    }
                }
            };
            let ended = move |_: &web_sys::Event| *began.borrow_mut() = None;
            [
                EventListener::new_with_options(&frame, "touchmove", options, moved),
                EventListener::new(&frame, "touchend", ended.clone()),
                EventListener::new(&frame, "touchcancel", ended),
            ]
        });
        move || drop(listeners)
    });
}

/// Where two fingers are, if there are two.
fn fingers(event: &web_sys::Event) -> Option<((i32, i32), (i32, i32))> {
    let touches = event.dyn_ref::<TouchEvent>()?.touches();
    if touches.length() != 2 {
        return None;
    }
    let (a, b) = (touches.get(0)?, touches.get(1)?);
    Some(((a.client_x(), a.client_y()), (b.client_x(), b.client_y())))
}

/// On a narrow screen the picture keeps its own size at least, so that it stays readable.
#[hook]
pub(super) fn use_smallest(camera: &Camera, layout: &Rc<Layout>, pictures: usize) {
    let scroller = camera.scroller.clone();
    let least = (layout.metrics.view == View::Phone).then(|| layout.frame.w * *camera.zoom / 100);
    use_effect_with((least, pictures), move |(least, _)| {
        let Some(frame) = scroller.cast::<HtmlElement>() else {
            return;
        };
        let mut next = frame.first_element_child();
        while let Some(svg) = next {
            let style = svg.unchecked_ref::<HtmlElement>().style();
            // Set through the object model: the page's policy forbids style attributes.
            let _ = match least {
                Some(least) => style.set_property("min-width", &format!("{least}px")),
                None => style.remove_property("min-width").map(|_| ()),
            };
            next = svg.next_element_sibling();
        }
    });
}

/// A packet that walked out of sight is brought back into it, by as little as that takes.
#[hook]
pub(super) fn use_in_sight(camera: &Camera, walked: (Option<Rc<Journey>>, usize)) {
    let scroller = camera.scroller.clone();
    use_effect_with(walked, move |_| {
        let Some(frame) = scroller.cast::<HtmlElement>() else {
            return;
        };
        let guest = frame.query_selector("[data-walk=guest]").ok().flatten();
        let card = frame.query_selector("[data-walk=card]").ok().flatten();
        let word = frame.query_selector(".refword").ok().flatten();
        for thing in [card, word, guest].into_iter().flatten() {
            bring(&frame, &thing);
        }
    });
}

fn bring(frame: &HtmlElement, thing: &Element) {
    let (outer, inner) = (
        frame.get_bounding_client_rect(),
        thing.get_bounding_client_rect(),
    );
    let margin = 8.0;
    let shift = |low: f64, high: f64, from: f64, to: f64| {
        if high > to - margin {
            high - to + margin
        } else if low < from + margin {
            low - from - margin
        } else {
            0.0
        }
    };
    let dx = shift(inner.left(), inner.right(), outer.left(), outer.right());
    let dy = shift(inner.top(), inner.bottom(), outer.top(), outer.bottom());
    if dx != 0.0 {
        frame.set_scroll_left(frame.scroll_left() + dx as i32);
    }
    if dy != 0.0 {
        frame.set_scroll_top(frame.scroll_top() + dy as i32);
    }
}
