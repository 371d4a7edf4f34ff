//! A scenario in the kernel and in the engine.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lobby_engine::net::Protocol;
use lobby_engine::proxy::Mode;
use lobby_tests::kinds::walks::scenario::{Attempt, Scenario, lines};
use serde_json::Value;

use super::namespaces::{Namespaces, Result, enter};
use super::wire::{Came, Pair, Servers, attempt};

/// Attempts for each line, so that draws are seen more than once.
const ATTEMPTS: usize = 8;
/// After so many failures of one kind another one tells nothing new, and costs time.
const FAILURES: usize = 2;
/// Clients at once.
const CLIENTS: usize = 8;

/// Which addresses the router sends to which Node.
type Routes = Vec<(IpAddr, String)>;

/// A line, as a client of the network.
struct Line {
    number: usize,
    namespace: String,
    protocol: Protocol,
    to: SocketAddr,
    possible: BTreeSet<(&'static str, Option<Pair>)>,
    /// Whether silence is taken only because a TCP socket may not hear of an ICMP error over IPv6.
    silence_for_icmp: bool,
    affinity: bool,
    told: String,
}

/// Builds a scenario, sends every line's requests, and names what the engine does not allow.
pub(crate) fn scenario(folder: &Path, mode: Mode) -> Result<()> {
    let scenario = Scenario::load(folder, mode);
    let lines = lines(folder, mode);
    let namespaces = Namespaces::build(&scenario.plan, &scenario.rules)?;
    let servers = Servers::start(&namespaces, &scenario.plan)?;
    let mut batches: Vec<(Routes, Vec<Line>)> = Vec::new();
    for (number, line) in &lines {
        let Some(read) = read(*number, line, &scenario, &namespaces)? else {
            continue;
        };
        let routes = scenario.sent_to_nodes(line);
        match batches.iter_mut().find(|(own, _)| *own == routes) {
            Some((_, batch)) => batch.push(read),
            None => batches.push((routes, vec![read])),
        }
    }
    let mut before = Vec::new();
    let (mut differences, mut answered) = (Vec::new(), 0);
    let (mut unheard, mut heard) = (0, 0);
    for (routes, batch) in batches {
        namespaces.route(&scenario.plan, &before, &routes)?;
        before = routes;
        for (line, came) in batch.iter().zip(all(&batch)?) {
            answered += came
                .iter()
                .filter(|came| came.outcome == "answered")
                .count();
            if line.silence_for_icmp {
                unheard += came.iter().filter(|c| c.outcome == "timeout").count();
                heard += came.iter().filter(|c| c.pair.is_none()).count();
            }
            differences.extend(difference(line, &came));
        }
    }
    if unheard > 0 {
        println!(
            "{}, {mode}: {unheard} of {heard} refusals over IPv6 were silence to the client: this \
             kernel told its TCP socket nothing of the ICMPv6 error that the rule sends. That the \
             packet was stopped is proven, by which error is not.",
            folder.display()
        );
    }
    drop(servers);
    drop(namespaces);
    let expected = (lines.iter())
        .any(|(_, line)| line["outcome"] == "answered" && line["to"]["kind"] != "ping");
    if answered == 0 && expected {
        differences.push("nobody answered at all: the network is not as it should be".to_owned());
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n"))
    }
}

fn read(
    number: usize,
    line: &Value,
    scenario: &Scenario,
    namespaces: &Namespaces,
) -> Result<Option<Line>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let Some(port) = line["to"]["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
    else {
        return Ok(None);
    };
    let protocol: Protocol = text(&line["to"]["proto"])
        .parse()
        .map_err(|error| format!("line {number}: {error}"))?;
    if protocol == Protocol::Sctp {
        return Ok(None);
    }
    let (kind, name) = (text(&line["from"]["kind"]), text(&line["from"]["name"]));
    let address: IpAddr =
        (text(&line["to"]["ip"]).parse()).map_err(|error| format!("line {number}: {error}"))?;
    let machine = match kind.as_str() {
        "pod" => format!("pod-{name}"),
        "node" => format!("node-{name}"),
        _ => format!("out-{name}"),
    };
    // What the client's socket does not hear of; see the head of this test.
    let deaf = |outcome: &str, how: Option<&String>| {
        let icmp = how.is_some_and(|how| how.starts_with("icmp"));
        (protocol == Protocol::Udp && outcome == "unreachable") || (address.is_ipv6() && icmp)
    };
    let ends = scenario.possible(line);
    let silent_too = ends.iter().any(|end| end.outcome == "timeout");
    let silence_for_icmp = !silent_too
        && protocol == Protocol::Tcp
        && ends.iter().any(|end| deaf(end.outcome, end.how.as_ref()));
    let possible = (ends.into_iter())
        .flat_map(|Attempt { outcome, pair, how }| {
            let pair = pair.and_then(|(own, port, peer)| Some((own, port?, peer)));
            let silent = deaf(outcome, how.as_ref()).then_some(("timeout", None));
            [Some((outcome, pair)), silent].into_iter().flatten()
        })
        .collect();
    Ok(Some(Line {
        number,
        namespace: namespaces.name(&machine),
        protocol,
        to: SocketAddr::new(address, port),
        possible,
        silence_for_icmp,
        affinity: line.get("affinity").is_some(),
        told: format!(
            "{kind} {name} -> {} {address}:{port}/{protocol}",
            text(&line["to"]["kind"])
        ),
    }))
}

/// The attempts of all lines, several lines at once; those with affinity after another.
fn all(batch: &[Line]) -> Result<Vec<Vec<Came>>> {
    let results: Vec<Mutex<Option<Result<Vec<Came>>>>> =
        batch.iter().map(|_| Mutex::default()).collect();
    let keep = |place: usize, result| {
        if let Ok(mut kept) = results[place].lock() {
            *kept = Some(result);
        }
    };
    let free: Vec<usize> = (0..batch.len())
        .filter(|&place| !batch[place].affinity)
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(&place) = free.get(next.fetch_add(1, Ordering::Relaxed)) {
                    keep(place, attempts(&batch[place]));
                }
            });
        }
    });
    for (place, line) in batch.iter().enumerate().filter(|(_, line)| line.affinity) {
        keep(place, attempts(line));
    }
    (results.into_iter())
        .map(|result| {
            let kept = result.into_inner().map_err(|error| error.to_string())?;
            kept.ok_or("a line was not tried")?
        })
        .collect()
}

/// A line's attempts, on a thread of the client's namespace.
fn attempts(line: &Line) -> Result<Vec<Came>> {
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            enter(&line.namespace)?;
            let mut all = Vec::new();
            let mut failures = 0;
            while all.len() < ATTEMPTS && failures < FAILURES {
                let came = attempt(line.protocol, line.to)
                    .map_err(|error| format!("line {}: {}: {error}", line.number, line.told))?;
                failures += usize::from(came.pair.is_none());
                all.push(came);
            }
            Ok(all)
        });
        client.join().map_err(|_| "a client panicked".to_owned())?
    })
}

fn difference(line: &Line, all: &[Came]) -> Option<String> {
    let place = |what: String| Some(format!("line {}: {}: {what}", line.number, line.told));
    let strange: BTreeSet<&Came> = (all.iter())
        .filter(|came| !line.possible.contains(&(came.outcome, came.pair)))
        .collect();
    if !strange.is_empty() {
        return place(format!(
            "the kernel says {strange:?}, the engine {:?}",
            line.possible
        ));
    }
    let endpoints: BTreeSet<_> = all
        .iter()
        .filter_map(|came| came.pair)
        .map(|(own, port, _)| (own, port))
        .collect();
    if line.affinity && endpoints.len() > 1 {
        return place(format!("with affinity the kernel went to {endpoints:?}"));
    }
    None
}
