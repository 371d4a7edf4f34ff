//! How cost grows with the number of Services: counted by the engine, timed by the page, drawn as
//! charts with a table behind them.
//!
//! The engine does its work in small steps; the page makes some of them in each of its turns, so that
//! it goes on answering, and can stop between any two.

mod chart;

use std::cell::RefCell;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use lobby_engine::lab::{COST_ENDPOINTS, COST_SIZES, CostPoint, CostStep, CostTrial};
use lobby_engine::proxy::Mode;
use yew::prelude::*;

use self::chart::{Chart, Series};
use crate::ui::CopyButton;

/// How long the page works in one turn, in milliseconds.
const TURN: f64 = 12.0;

/// Changes are timed in batches of at least so many milliseconds, for a browser's clock is coarse;
/// the median of so many batches counts.
const BATCH: f64 = 3.0;
const BATCHES: usize = 3;

/// What was measured with so many Services in one mode.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    counts: CostPoint,
    /// How long one change takes kube-proxy, in microseconds.
    change_us: f64,
    /// How many bytes it hands over then.
    change_bytes: u64,
}

/// The work, and the timer of its next turn; nothing while nothing is measured.
type Running = Rc<RefCell<Option<(Work, Option<Timeout>)>>>;

/// How far a measurement is.
#[derive(Clone, PartialEq)]
enum Phase {
    Idle,
    Running {
        /// What is being measured, and how much of all there is to do is done, in thousandths.
        what: String,
        done: u32,
    },
    Stopped,
    Done,
}

/// A measurement that goes on.
struct Work {
    /// What is still to be measured; the next one is the last.
    left: Vec<(Mode, u32)>,
    all: usize,
    trial: Option<CostTrial>,
}

impl Work {
    /// From few Services to many, so that something is seen soon.
    fn new() -> Self {
        let mut left: Vec<(Mode, u32)> = (COST_SIZES.into_iter())
            .flat_map(|size| Mode::ALL.map(|mode| (mode, size)))
            .collect();
        left.reverse();
        Self {
            all: left.len(),
            left,
            trial: None,
        }
    }

    /// Works for one turn. Gives what was measured, and how far it is: `None` at the end.
    fn turn(&mut self) -> (Option<Measured>, Option<(String, u32)>) {
        let begin = now();
        loop {
            let Some((mode, size)) = self.left.last().copied() else {
                return (None, None);
            };
            if self.trial.is_none() {
                self.trial = CostTrial::new(mode, size);
            }
            let Some(trial) = &mut self.trial else {
                // A mode in which kube-proxy does not start is left out.
                self.left.pop();
                continue;
            };
            match trial.step() {
                CostStep::Measured(counts) => {
                    let measured = timed(trial, counts);
                    self.trial = None;
                    self.left.pop();
                    return (Some(measured), self.told(1.0));
                }
                CostStep::Working { done, of } => {
                    if now() - begin > TURN {
                        return (None, self.told(f64::from(done) / f64::from(of)));
                    }
                }
            }
        }
    }

    /// What is being measured, and how much is done.
    fn told(&self, of_this: f64) -> Option<(String, u32)> {
        let (mode, size) = self.left.last()?;
        // Most of the time goes into the largest sizes.
        let weight = |size: u32| f64::from(size).sqrt();
        let whole: f64 = COST_SIZES.iter().map(|size| 3.0 * weight(*size)).sum();
        let left: f64 = self.left.iter().map(|(_, size)| weight(*size)).sum();
        let begun = if self.trial.is_some() {
            weight(*size) * of_this
        } else {
            0.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share"
        )]
        let done = ((whole - left + begun) / whole * 1_000.0) as u32;
        let number = self.all - self.left.len() + 1;
        Some((
            format!(
                "{} Services in {mode} mode ({number} of {})",
                grouped(*size),
                self.all
            ),
            done,
        ))
    }
}

/// The median time of a change.
fn timed(trial: &mut CostTrial, counts: CostPoint) -> Measured {
    // The first one is for warming up.
    let mut change_bytes = trial.change();
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..BATCHES {
        let begin = now();
        let mut changes = 0.0;
        let mut passed = 0.0;
        // A clock that stands still ends it, too.
        while passed < BATCH && changes < 1_000.0 {
            change_bytes = trial.change();
            changes += 1.0;
            passed = now() - begin;
        }
        times.push(passed * 1_000.0 / changes);
    }
    times.sort_unstable_by(f64::total_cmp);
    Measured {
        counts,
        change_us: times.get(BATCHES / 2).copied().unwrap_or_default(),
        change_bytes,
    }
}

/// The browser's clock, in milliseconds.
fn now() -> f64 {
    let clock = web_sys::window().and_then(|window| window.performance());
    clock.map_or(0.0, |clock| clock.now())
}

/// A number with spaces between its thousands.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time as people read it.
fn time(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.0} µs")
    } else if us < 10_000.0 {
        format!("{:.1} ms", us / 1_000.0)
    } else {
        format!("{:.0} ms", us / 1_000.0)
    }
}

/// The instrument.
#[component]
pub fn Cost() -> Html {
    let phase = use_state(|| Phase::Idle);
    let found = use_state(Vec::<Measured>::new);
    // The work and its timer; both gone when it stops or the panel goes.
    let running: Running = use_mut_ref(|| None);
    {
        let running = running.clone();
        use_effect_with((), move |()| move || drop(running.borrow_mut().take()));
    }
    let start = {
        let (running, phase, found) = (running.clone(), phase.setter(), found.setter());
        Callback::from(move |_: MouseEvent| {
            *running.borrow_mut() = Some((Work::new(), None));
            found.set(Vec::new());
            go_on(running.clone(), phase.clone(), found.clone(), Vec::new());
        })
    };
    let stop = {
        let (running, phase) = (running.clone(), phase.setter());
        Callback::from(move |_: MouseEvent| {
            running.borrow_mut().take();
            phase.set(Phase::Stopped);
        })
    };
    let is_running = matches!(*phase, Phase::Running { .. });
    let copy = {
        let found = found.clone();
        Callback::from(move |()| plain(&found))
    };
    html! {
        <section class="cost" aria-labelledby="cost-title">
            <div class="phead"><h2 id="cost-title">{ "How cost grows" }</h2></div>
            <div class="cost-body">
                <p>{ "Each Service brings rules. How many, how many of them one packet meets, and what one change costs, depends on the mode of kube-proxy." }</p>
                <p class="quiet">
                    { format!("Measured on one Node in your browser, with {} to {} Services of type ClusterIP, each with {COST_ENDPOINTS} endpoints. \
                        Rules and rules looked at are counted off the lab’s own kube-proxy and kernel. \
                        Times are this machine’s: how long this page’s kube-proxy takes after one endpoint changed, until all is written that it hands over; \
                        what iptables-restore, ipvsadm or nft need then is not in them.",
                        COST_SIZES[0], grouped(COST_SIZES[COST_SIZES.len() - 1])) }
                </p>
                <p class="cost-acts">
                    if is_running {
                        <button type="button" class="btn" onclick={stop}>{ "Stop" }</button>
                    } else {
                        <button type="button" class="btn primary" onclick={start}>
                            { if found.is_empty() { "Measure" } else { "Measure again" } }
                        </button>
                    }
                    if !found.is_empty() && !is_running { <CopyButton label="Copy the numbers" text={copy} /> }
                </p>
                { progress(&phase) }
                if !found.is_empty() { { charts(&found) }{ table(&found) } }
            </div>
        </section>
    }
}

/// Works one turn after another.
fn go_on(
    running: Running,
    phase: UseStateSetter<Phase>,
    found: UseStateSetter<Vec<Measured>>,
    mut all: Vec<Measured>,
) {
    let next = {
        let mut guard = running.borrow_mut();
        let Some((work, _)) = guard.as_mut() else {
            return;
        };
        let (measured, next) = work.turn();
        if let Some(measured) = measured {
            all.push(measured);
            found.set(all.clone());
        }
        next
    };
    let Some((what, done)) = next else {
        running.borrow_mut().take();
        phase.set(Phase::Done);
        return;
    };
    phase.set(Phase::Running { what, done });
    let timer = {
        let running = running.clone();
        // A turn of the browser's own between: for keys, pointer and drawing.
        Timeout::new(4, move || go_on(running, phase, found, all))
    };
    if let Some((_, waiting)) = running.borrow_mut().as_mut() {
        *waiting = Some(timer);
    }
}

fn progress(phase: &Phase) -> Html {
    match phase {
        Phase::Idle => html! {},
        Phase::Running { what, done } => html! {
            <div class="cost-progress">
                <progress max="1000" value={done.to_string()} aria-label="How far it is"></progress>
                <span>{ what }</span>
            </div>
        },
        Phase::Stopped => {
            html! { <p role="status">{ "Stopped. What was measured so far stands below." }</p> }
        }
        Phase::Done => html! { <p role="status">{ "Done." }</p> },
    }
}

/// One series for each mode.
fn series(found: &[Measured], value: impl Fn(&Measured) -> f64) -> Vec<Series> {
    (Mode::ALL.into_iter())
        .map(|mode| Series {
            mode,
            points: (found.iter())
                .filter(|measured| measured.counts.mode == mode)
                .map(|measured| (f64::from(measured.counts.services), value(measured)))
                .collect(),
        })
        .collect()
}

fn charts(found: &[Measured]) -> Html {
    html! {
        <>
            <Chart title="Rules in the table" unit="rules" series={series(found, |m| f64::from(m.counts.rules))} />
            <Chart title="Rules looked at for one request, the last Service’s" unit="rules"
                series={series(found, |m| f64::from(m.counts.looked_at_last))} />
            <Chart title="Time of one change" unit="µs" series={series(found, |m| m.change_us)} />
        </>
    }
}

/// What stands over the columns.
const COLUMNS: [&str; 7] = [
    "Mode",
    "Services",
    "Rules",
    "Entries of sets, maps and IPVS",
    "Looked at (first – last)",
    "One change",
    "Handed over",
];

fn cells(measured: &Measured) -> [String; 7] {
    let counts = &measured.counts;
    [
        counts.mode.to_string(),
        grouped(counts.services),
        grouped(counts.rules),
        grouped(counts.entries),
        format!(
            "{} – {}",
            grouped(counts.looked_at_first),
            grouped(counts.looked_at_last)
        ),
        time(measured.change_us),
        format!(
            "{} kB",
            grouped(u32::try_from(measured.change_bytes.div_ceil(1_000)).unwrap_or(u32::MAX))
        ),
    ]
}

fn sorted(found: &[Measured]) -> Vec<Measured> {
    let mut all = found.to_vec();
    all.sort_by_key(|measured| (measured.counts.mode as u8, measured.counts.services));
    all
}

fn table(found: &[Measured]) -> Html {
    html! {
        <details class="cost-table" open=true>
            <summary>{ "All numbers" }</summary>
            <div class="cost-scroll" tabindex="0" role="group" aria-label="All numbers">
                <table>
                    <thead><tr>{ for COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>
                        { for sorted(found).iter().map(|measured| html! {
                            <tr>{ for cells(measured).into_iter().map(|cell| html! { <td>{ cell }</td> }) }</tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </details>
    }
}

/// The numbers as text, with tabs between the columns.
fn plain(found: &[Measured]) -> String {
    let mut text = COLUMNS.join("\t");
    text.push('\n');
    for measured in sorted(found) {
        text.push_str(&cells(&measured).join("\t"));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_short_enough_to_be_read() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1\u{202f}000");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(time(12.4), "12 µs");
        assert_eq!(time(1_540.0), "1.5 ms");
        assert_eq!(time(61_540.0), "62 ms");
    }

    #[test]
    fn every_mode_is_measured_with_every_size_from_few_to_many() {
        let work = Work::new();
        assert_eq!(work.all, 3 * COST_SIZES.len());
        let sizes: Vec<u32> = work.left.iter().rev().map(|(_, size)| *size).collect();
        assert!(sizes.is_sorted());
        assert_eq!(work.told(0.0).map(|(_, done)| done), Some(0));
    }
}
