//! The frame of the page: which panel stands where.
//!
//! [`PANELS`] is the table of all panels. Where there is room ([`Width::Wide`]) they stand in
//! [`Place`]s around the stage, whose edges can be moved and which can be folded away; where there
//! is less, the stage stands above one panel at a time, behind tabs. All panels are children of one
//! element and keep their keys: another width of the window moves them and loses nothing of them.

mod later;
mod place;
mod table;
mod tabs;
mod width;

use yew::prelude::*;

pub use later::Later;
pub use place::Place;
pub use table::{Badge, PANELS, Panel, View, Wishes};
pub use width::{Width, use_width};

use crate::state::{Frame, FrameAction, State, Tab};
use crate::ui::Separator;
use tabs::Tabs;

/// The turn in which the stage is drawn while the page opens.
pub const STAGE: u8 = 1;

/// The last turn of the first picture. What comes after it waits for the rest of the page's code.
pub const FIRST_PICTURE: u8 = STAGE;

/// The last turn: all is drawn.
pub const LAST: u8 = 4;

/// The turn in which the panels of a place are drawn while the page opens: first what people read
/// first, with the stage nothing else, and then what says something only once a request was sent.
fn turn(place: Place) -> u8 {
    match place {
        Place::Left => 0,
        Place::Right | Place::Guide => 2,
        Place::Lower => 3,
        Place::Foot => LAST,
    }
}

/// The panels that are there.
fn panels(state: &State) -> impl Iterator<Item = (usize, &'static Panel)> {
    PANELS
        .iter()
        .enumerate()
        .filter(|(_, panel)| (panel.is_there)(state) && !state.frame.hidden.contains(&panel.tab))
}

/// Whether anything stands in a place.
#[must_use]
pub fn is_used(state: &State, place: Place) -> bool {
    panels(state).any(|(_, panel)| panel.place == place)
}

/// The places that can be folded as a whole, and whether they are.
#[must_use]
pub fn folds(state: &State) -> Vec<(Place, bool)> {
    [Place::Left, Place::Foot, Place::Right]
        .into_iter()
        .filter(|place| is_used(state, *place))
        .map(|place| (place, state.frame.extent(place).folded))
        .collect()
}

/// The panel that is seen in a place.
fn shown(state: &State, place: Place) -> Option<Tab> {
    state.frame.shown(place, |tab| {
        panels(state).any(|(_, panel)| panel.tab == tab)
    })
}

/// Whether the column that a place is in is unfolded.
fn has_column(frame: &Frame, place: Place) -> bool {
    let mut columns = place.with_column().iter().filter(|of| **of != place);
    columns.all(|column| !frame.extent(*column).folded)
}

/// Whether a place and its column are unfolded.
fn is_open(frame: &Frame, place: Place) -> bool {
    has_column(frame, place) && !frame.extent(place).folded
}

/// Tells the style sheet how large the places are: properties of the root, as the page's policy
/// allows no style attributes.
pub fn measure(state: &State) {
    let Some(root) = gloo::utils::document()
        .document_element()
        .and_then(|root| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(root).ok())
    else {
        return;
    };
    let style = root.style();
    for place in Place::ALL {
        let is_seen = is_used(state, place) && is_open(&state.frame, place);
        let pixels = if is_seen {
            state.frame.extent(place).pixels
        } else {
            0
        };
        let _ = style.set_property(&format!("--{}", place.word()), &format!("{pixels}px"));
    }
}

/// The places in the order in which they are read. The stage comes before the right column.
const READING: [Place; 5] = [
    Place::Guide,
    Place::Left,
    Place::Right,
    Place::Lower,
    Place::Foot,
];

#[derive(Clone, Copy)]
enum Strip {
    /// All panels.
    All,
    /// Those of a place.
    Of(Place),
}

fn strip(view: &View<'_>, strip: Strip) -> Option<Html> {
    let is_in = |panel: &Panel| match strip {
        Strip::All => true,
        Strip::Of(place) => panel.place == place,
    };
    let entries: Vec<_> = panels(view.state)
        .filter(|(_, panel)| is_in(panel))
        .map(|(index, panel)| (index, (panel.badge)(view.state)))
        .collect();
    let (key, name, tab, class) = match strip {
        Strip::All => ("all", "Panels", view.state.frame.tab, classes!("strip")),
        Strip::Of(place) => {
            let frame = &view.state.frame;
            // Folded, the lower part keeps its tabs: they bring it back.
            let is_seen = if place == Place::Lower {
                has_column(frame, place)
            } else {
                is_open(frame, place)
            };
            if entries.len() < 2 || !is_seen {
                return None;
            }
            let name = match place {
                Place::Left | Place::Guide => "Manifests and more",
                Place::Right => "Journey and more",
                Place::Lower => "Inspector",
                Place::Foot => "Console and more",
            };
            let class = classes!("strip", format!("in-{}", place.word()));
            (place.word(), name, shown(view.state, place)?, class)
        }
    };
    Some(html! { <Tabs key={format!("strip-{key}")} {name} {tab} {entries} {class} /> })
}

/// The edge of a place, by which its extent changes.
fn edge(view: &View<'_>, place: Place) -> Option<Html> {
    if !is_used(view.state, place) || !has_column(&view.state.frame, place) {
        return None;
    }
    let controls = PANELS
        .iter()
        .find(|panel| Some(panel.tab) == shown(view.state, place))?;
    let (least, most) = place.bounds();
    let resize = {
        let session = view.session.clone();
        Callback::from(move |pixels: u32| session.dispatch(FrameAction::Resize(place, pixels)))
    };
    let extent = view.state.frame.extent(place);
    // What stands above the manifests comes and goes with its panel: it is not folded by hand.
    let fold = (place != Place::Guide).then(|| {
        let session = view.session.clone();
        Callback::from(move |()| session.dispatch(FrameAction::Fold(place, !extent.folded)))
    });
    Some(html! {
        <Separator key={format!("edge-{}", place.word())} label={place.edge()} controls={controls.id}
            class={classes!("edge", format!("of-{}", place.word()))} is_column={place.is_column()}
            // A place at the left or the top grows toward its end, the others toward their start.
            grows_back={matches!(place, Place::Right | Place::Lower | Place::Foot)}
            value={if extent.folded { 0 } else { extent.pixels }} {least} {most}
            onchange={resize} onfold={fold} />
    })
}

/// The stage and the panels around it, or below it.
pub fn layout(view: &View<'_>, main: Html) -> Html {
    let wide = view.width == Width::Wide;
    let frame = &view.state.frame;
    let body = panels(view.state).map(|(index, panel)| {
        let is_shown = if wide {
            shown(view.state, panel.place) == Some(panel.tab) && is_open(frame, panel.place)
        } else {
            frame.tab == panel.tab
        };
        let folded = wide && !is_open(frame, panel.place);
        // At the foot one line is left of what is folded.
        let hidden = !(is_shown || folded && panel.place == Place::Foot);
        let tabbed = !wide
            || panels(view.state)
                .filter(|(_, other)| other.place == panel.place)
                .count()
                > 1;
        if !hidden {
            view.seen.set(view.seen.get() | 1 << index);
        }
        // What Later would not draw yet is not made either.
        let is_due = turn(panel.place) <= FIRST_PICTURE || view.state.world.has_rules;
        let content = (is_due && view.seen.get() & 1 << index != 0).then(|| {
            (panel.view)(&View {
                shown: is_shown,
                folded,
                ..*view
            })
        });
        html! {
            <div key={panel.id} id={panel.id} {hidden} role={tabbed.then_some("tabpanel")}
                class={classes!("panel", format!("{}-panel", panel.id), format!("in-{}", panel.place.word()),
                    (wide && tabbed).then_some("tabbed"), folded.then_some("folded"))}>
                if let Some(content) = content {
                    <Later turn={turn(panel.place)} opened={view.opened.clone()}>{ content }</Later>
                }
            </div>
        }
    });
    let mut parts = Vec::new();
    if wide {
        // The order of reading is that of the screen: left column, stage, right column, foot.
        let panels: Vec<(Place, Html)> = panels(view.state)
            .map(|(_, panel)| panel.place)
            .zip(body)
            .collect();
        let mut main = Some(main);
        for place in READING {
            if place == Place::Right {
                parts.extend(main.take());
            }
            parts.extend(strip(view, Strip::Of(place)));
            let here = panels.iter().filter(|(of, _)| *of == place);
            parts.extend(here.map(|(_, panel)| panel.clone()));
            parts.extend(edge(view, place));
        }
    } else {
        parts.push(main);
        parts.extend(strip(view, Strip::All));
        parts.extend(body);
    }
    html! { <div class="mid">{ for parts }</div> }
}
