//! A chart of three lines over the number of Services: both axes logarithmic, each line with a
//! colour, a shape and dashes of its own, and its name at its end.

use lobby_engine::proxy::Mode;
use yew::prelude::*;

use super::{grouped, time};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 64.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;

/// The least distance of two names at the ends of lines.
const APART: f64 = 13.0;

/// One line.
#[derive(Clone, PartialEq)]
pub(super) struct Series {
    /// What it is about.
    pub(super) mode: Mode,
    /// Services, and the value for so many.
    pub(super) points: Vec<(f64, f64)>,
}

/// Properties of [`Chart`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct ChartProps {
    pub(super) title: AttrValue,
    /// `rules` or `µs`.
    pub(super) unit: AttrValue,
    pub(super) series: Vec<Series>,
}

/// A scale of powers of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    /// The powers at its ends.
    powers: (i32, i32),
    /// Where they are, in the units of the picture.
    ends: (f64, f64),
}

impl Scale {
    /// One that holds these values.
    fn of(values: impl Iterator<Item = f64>, ends: (f64, f64)) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0) {
            least = least.min(value.log10());
            most = most.max(value.log10());
        }
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        #[expect(clippy::cast_possible_truncation, reason = "powers are small")]
        let (low, high) = (least.floor() as i32, most.ceil() as i32);
        Self {
            powers: (low, high.max(low + 1)),
            ends,
        }
    }

    fn at(self, value: f64) -> f64 {
        let (low, high) = (f64::from(self.powers.0), f64::from(self.powers.1));
        // What is nothing stands at the lower end.
        let share = if value > 0.0 {
            (value.log10() - low) / (high - low)
        } else {
            0.0
        };
        self.ends.0 + share.clamp(0.0, 1.0) * (self.ends.1 - self.ends.0)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (self.powers.0..=self.powers.1).map(|power| 10f64.powi(power))
    }
}

/// How a value stands at an axis or in a name.
fn short(value: f64, unit: &str) -> String {
    if unit == "µs" {
        return time(value);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    grouped(value.round() as u32)
}

/// The places of names: each near its own, and none on another.
fn spread(wanted: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|one, other| wanted[*one].total_cmp(&wanted[*other]));
    let mut places = wanted.to_vec();
    for pair in 1..order.len() {
        let (above, below) = (order[pair - 1], order[pair]);
        places[below] = places[below].max(places[above] + APART);
    }
    // What was pushed out below moves up again, and those above it with it.
    let mut floor = HEIGHT - BOTTOM + 2.0;
    for index in order.into_iter().rev() {
        places[index] = places[index].min(floor);
        floor = places[index] - APART;
    }
    places
}

/// A mark of a mode, at a place.
fn mark(mode: Mode, x: f64, y: f64) -> Html {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    let place = format!("translate({x} {y})");
    match mode {
        Mode::Iptables => html! { <circle class="mark" r="4" transform={place} /> },
        Mode::Ipvs => {
            html! { <rect class="mark" x="-3.6" y="-3.6" width="7.2" height="7.2" transform={place} /> }
        }
        Mode::Nftables => {
            html! { <path class="mark" d="M0-4.8 4.6 3.6H-4.6z" transform={place} /> }
        }
    }
}

/// A chart.
#[component]
pub(super) fn Chart(props: &ChartProps) -> Html {
    let points = || props.series.iter().flat_map(|series| &series.points);
    let across = Scale::of(points().map(|point| point.0), (LEFT, WIDTH - RIGHT));
    let up = Scale::of(points().map(|point| point.1), (HEIGHT - BOTTOM, TOP));
    let id = props
        .title
        .split(' ')
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase();
    let number = |value: f64| format!("{value:.1}");
    let line = |series: &Series| {
        let path: Vec<String> = (series.points.iter())
            .map(|(x, y)| format!("{:.1},{:.1}", across.at(*x), up.at(*y)))
            .collect();
        html! {
            <g class={format!("line {}", series.mode)}>
                <polyline points={path.join(" ")} />
                { for series.points.iter().map(|(x, y)| mark(series.mode, across.at(*x), up.at(*y))) }
            </g>
        }
    };
    let ends: Vec<(Mode, f64, f64, f64)> = (props.series.iter())
        .filter_map(|series| {
            let (x, y) = *series.points.last()?;
            Some((series.mode, across.at(x), up.at(y), y))
        })
        .collect();
    let places = spread(&ends.iter().map(|end| end.2).collect::<Vec<_>>());
    let said: Vec<String> = (props.series.iter())
        .filter_map(|series| {
            let (first, last) = (series.points.first()?, series.points.last()?);
            Some(format!(
                "{}: {} with {} Services, {} with {}.",
                series.mode,
                short(first.1, &props.unit),
                short(first.0, ""),
                short(last.1, &props.unit),
                short(last.0, ""),
            ))
        })
        .collect();
    html! {
        <figure class="chart">
            <figcaption>{ &props.title }</figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-labelledby={format!("{id}-t {id}-d")}>
                <title id={format!("{id}-t")}>{ &props.title }</title>
                <desc id={format!("{id}-d")}>{ said.join(" ") }</desc>
                { for up.ticks().map(|tick| { let y = up.at(tick); html! {
                    <g class="grid">
                        <line x1={number(LEFT)} x2={number(WIDTH - RIGHT)} y1={number(y)} y2={number(y)} />
                        <text x={number(LEFT - 6.0)} y={number(y + 3.5)} text-anchor="end">{ short(tick, &props.unit) }</text>
                    </g>
                } }) }
                { for across.ticks().map(|tick| { let x = across.at(tick); html! {
                    <g class="grid">
                        <line x1={number(x)} x2={number(x)} y1={number(TOP)} y2={number(HEIGHT - BOTTOM)} />
                        <text x={number(x)} y={number(HEIGHT - BOTTOM + 14.0)} text-anchor="middle">{ short(tick, "") }</text>
                    </g>
                } }) }
                <text class="axis" x={number((LEFT + WIDTH - RIGHT) / 2.0)} y={number(HEIGHT - 3.0)} text-anchor="middle">{ "Services" }</text>
                { for props.series.iter().map(line) }
                { for ends.iter().zip(places).map(|((mode, x, _, _), place)| html! {
                    <text class={format!("name {mode}")} x={number(x + 9.0)} y={number(place + 3.5)}>{ mode.as_str() }</text>
                }) }
            </svg>
            <ul class="legend" aria-hidden="true">
                { for ends.iter().map(|(mode, _, _, value)| html! {
                    <li>
                        <svg viewBox="-8 -7 16 14" class="chart-key"><g class={format!("line {mode}")}>{ mark(*mode, 0.0, 0.0) }</g></svg>
                        { format!("{mode} {}", short(*value, &props.unit)) }
                    </li>
                }) }
            </ul>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_powers_of_ten() {
        let scale = Scale::of([3.0, 4_200.0, 0.0].into_iter(), (0.0, 100.0));
        assert_eq!(scale.powers, (0, 4));
        assert!((scale.at(1.0) - 0.0).abs() < 1e-9);
        assert!((scale.at(100.0) - 50.0).abs() < 1e-9);
        assert!((scale.at(0.0) - 0.0).abs() < 1e-9);
        assert_eq!(scale.ticks().count(), 5);
        assert_eq!(Scale::of([7.0].into_iter(), (0.0, 1.0)).powers, (0, 1));
        assert_eq!(Scale::of(std::iter::empty(), (0.0, 1.0)).powers, (0, 1));
    }

    #[test]
    fn names_keep_apart_and_inside() {
        let places = spread(&[168.0, 169.0, 170.0]);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(
            sorted
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= APART - 1e-9),
            "{places:?}"
        );
        assert!(sorted[2] <= HEIGHT - BOTTOM + 2.0);
        assert_eq!(spread(&[10.0, 100.0]), [10.0, 100.0]);
    }
}
