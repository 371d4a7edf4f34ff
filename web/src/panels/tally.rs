//! What became of many requests: who answered how often, beside what the rules promise.

use std::rc::Rc;

use lobby_engine::network::{Promise, Share, Tally, VerdictKind};
use yew::prelude::*;

use crate::prefs::Skin;
use crate::ui::{phrase, wording};

/// How many ways are drawn: a Service may have thousands of endpoints.
const SHOWN: usize = 100;

/// Properties of [`TallyPanel`].
#[derive(Clone, PartialEq, Properties)]
pub struct TallyPanelProps {
    /// The counts.
    pub tally: Rc<Tally>,
    /// The words to use.
    pub skin: Skin,
}

/// Thousandths as a number with one decimal, or none where it is whole.
fn decimal(thousandths: u64) -> String {
    let tenths = (thousandths + 50) / 100;
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

/// A share in percent with one decimal.
fn percent(part: u64, whole: u64) -> String {
    format!("{} %", decimal(part * 100_000 / whole.max(1)))
}

/// How the rules choose, in words.
fn promise(promise: Promise) -> &'static str {
    match promise {
        Promise::Fixed => "nothing to choose",
        Promise::Drawn => "each one drawn by itself",
        Promise::InTurn => "one after another",
        Promise::Evened => "to whom has the fewest connections",
        Promise::Hashed => "by the client's address",
        Promise::Spread => "by the client's address and port",
        Promise::Stays => "a client stays with whom it got first",
        Promise::Unknown => "too many ways to follow",
    }
}

/// Who answered, or how it ended.
fn who(share: &Share) -> Html {
    let kind = share.kind.as_str();
    match (&share.by, share.kind) {
        (Some(by), VerdictKind::Answered) => match &by.pod {
            Some(pod) => html! { <><b>{ pod }</b><code>{ by.address.to_string() }</code></> },
            None => html! { <code>{ by.address.to_string() }</code> },
        },
        (Some(by), _) => {
            html! { <><b class="bad">{ kind }</b><code>{ by.address.to_string() }</code></> }
        }
        (None, _) => html! { <b class="bad">{ kind }</b> },
    }
}

/// The panel.
#[component]
pub fn TallyPanel(props: &TallyPanelProps) -> Html {
    let tally = &props.tally;
    let count = u64::from(tally.count);
    let counts = tally.shares.iter().map(|share| u64::from(share.count));
    let most = counts.max().unwrap_or(1).max(1);
    let (class, verdict) = match tally.fit.agrees {
        Some(true) => ("mark ok", "as promised"),
        Some(false) => ("mark bad", "not as promised"),
        None => ("mark", "no promise"),
    };
    let row = |share: &Share| {
        let expected = share.expected_thousandths;
        let width = |part: u64| (part * 100 / most).min(100).to_string();
        html! {
            <tr>
                <th scope="row">
                    { who(share) }
                    if let Some(why) = &share.why { <span class="tally-why">{ phrase(why, props.skin) }</span> }
                </th>
                <td class="number">{ share.count }</td>
                <td class="number">{ percent(u64::from(share.count), count) }</td>
                <td class="number">{ expected.map_or_else(|| "–".to_owned(), decimal) }</td>
                <td class="tally-bar">
                    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                        <rect class={if share.kind == VerdictKind::Answered { "counted" } else { "counted bad" }}
                            x="0" y="1" height="8" width={width(u64::from(share.count))} />
                        if let Some(expected) = expected {
                            <rect class="promised" x={width(expected / 1_000)} y="0" height="10" width="1" />
                        }
                    </svg>
                </td>
            </tr>
        }
    };
    let left = tally.shares.len().saturating_sub(SHOWN);
    html! {
        <section class="tally" aria-labelledby="tally-title">
            <div class="phead">
                <h2 id="tally-title">{ format!("{} requests", tally.count) }</h2>
                <span class="grow"></span>
                <span {class}>{ verdict }</span>
            </div>
            <p class="tally-said" role="status">{ wording(&tally.fit.said, props.skin).text() }</p>
            <table>
                <caption class="vh">{ format!("From {} to {}", tally.client.name, tally.request.to) }</caption>
                <thead><tr>
                    <th scope="col">{ "who" }</th>
                    <th scope="col" class="number">{ "got" }</th>
                    <th scope="col" class="number">{ "share" }</th>
                    <th scope="col" class="number">{ "promised" }</th>
                    <td></td>
                </tr></thead>
                <tbody>{ for tally.shares.iter().take(SHOWN).map(row) }</tbody>
            </table>
            if left > 0 { <p class="more">{ format!("and {left} more") }</p> }
            <dl class="tally-facts">
                <dt>{ "from, to" }</dt>
                <dd>{ &tally.client.name }{ " → " }<code>{ &tally.request.to }</code></dd>
                <dt>{ "choice" }</dt>
                <dd>{ promise(tally.promise) }</dd>
                if let Some(chi) = &tally.fit.chi_squared {
                    <dt>{ "chance" }</dt>
                    <dd>{ format!("chi-squared {}, degrees of freedom {}; 999 of 1000 series by chance stay below {}",
                        decimal(chi.thousandths), chi.degrees, decimal(chi.limit_thousandths)) }</dd>
                }
                <dt>{ "rules read" }</dt>
                <dd>{ format!("{}, {} for each request", tally.rules_looked_at,
                    decimal(tally.rules_looked_at * 1_000 / count.max(1))) }</dd>
            </dl>
            { for tally.doubts.iter().map(|doubt| html! { <p class="doubt">{ phrase(doubt, props.skin) }</p> }) }
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_one_decimal() {
        assert_eq!(decimal(500_000), "500");
        assert_eq!(decimal(333_333), "333.3");
        assert_eq!(decimal(49), "0");
        assert_eq!(decimal(50), "0.1");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0 %");
    }
}
