//! How many requests a second are walked: prints one JSON object.
//!
//! `cargo run --release --example walks -- --mode iptables --services 10000`
//!
//! The request is the one that others can make as well: from outside to a node port of a Deployment
//! of ten. Beside it stand other Services, whose rules have to be passed over. Each number is the
//! median of five runs in one thread: requests that are counted, none told, and requests each told
//! hop by hop. Beside the time on the wall stands the processor's, which says more on a machine that
//! others use, too. Built for wasm32 it is the same program for Node; `cargo xtask bench --walks` runs
//! both, and webernetes, side by side.

#[cfg(not(target_arch = "wasm32"))]
#[path = "yardstick/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "yardstick/node.rs"]
mod host;
#[cfg(not(target_arch = "wasm32"))]
#[path = "walks/native.rs"]
mod processor;
#[cfg(target_arch = "wasm32")]
#[path = "walks/node.rs"]
mod processor;

use lobby_engine::lab::{Lab, ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Request, VerdictKind};
use lobby_engine::proxy::Mode;

const USAGE: &str = "usage: walks [--mode iptables|ipvs|nftables] [--services N]";
const RUNS: usize = 5;
/// How many requests one run counts, and how many it tells.
const COUNTED: u32 = 50_000;
const TOLD: u32 = 200;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 10
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
";

fn main() {
    let Some((mode, services)) = size(host::arguments()) else {
        host::refuse(USAGE);
        return;
    };
    let clock = host::clock();
    let report = measure(mode, services, &clock);
    match report {
        Ok(mut json) => {
            json["peak_rss_kib"] = serde_json::json!(host::peak_memory_kib());
            host::print(&json.to_string());
        }
        Err(error) => host::refuse(&error),
    }
}

fn size(words: Vec<String>) -> Option<(Mode, usize)> {
    let mut size = (Mode::Iptables, 10);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--mode" => size.0 = value.parse().ok()?,
            "--services" => size.1 = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(size)
}

fn measure(
    mode: Mode,
    services: usize,
    clock: &impl Fn() -> f64,
) -> Result<serde_json::Value, String> {
    let mut text = WEB.to_owned();
    for number in 1..services {
        text += &format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: other-{number}}}\n\
             spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}\n"
        );
    }
    let mut lab = Lab::new(Settings {
        proxy: ProxySettings {
            mode,
            ..ProxySettings::default()
        },
        ..Settings::default()
    });
    lab.open(&text);
    let request = Request {
        from: "external".to_owned(),
        to: "node-2:30080".to_owned(),
        protocol: Protocol::Tcp,
    };
    // The first request builds the network.
    let start = clock();
    lab.send(&request).map_err(|error| error.to_string())?;
    let first_ms = clock() - start;
    let mut told = Vec::new();
    let mut many = Vec::new();
    let mut many_by_processor = Vec::new();
    for _ in 0..RUNS {
        let start = clock();
        for _ in 0..TOLD {
            lab.send(&request).map_err(|error| error.to_string())?;
        }
        told.push(f64::from(TOLD) * 1000.0 / (clock() - start));
        let (start, worked) = (clock(), processor::time_ms());
        let tally = lab.send_many(&request, COUNTED);
        many.push(f64::from(COUNTED) * 1000.0 / (clock() - start));
        if let Some((from, to)) = worked.zip(processor::time_ms()) {
            many_by_processor.push(f64::from(COUNTED) * 1000.0 / (to - from));
        }
        let tally = tally.map_err(|error| error.to_string())?;
        let answered = (tally.shares.iter())
            .filter(|share| share.kind == VerdictKind::Answered)
            .map(|share| share.count);
        if answered.sum::<u32>() != COUNTED {
            return Err("not every request was answered".to_owned());
        }
    }
    Ok(serde_json::json!({
        "mode": mode,
        "services": services,
        "first_ms": first_ms,
        "told_per_second": median(told),
        "many_per_second": median(many),
        "many_per_processor_second": median(many_by_processor),
    }))
}

/// Nothing where nothing was measured.
fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).map(|middle| middle.round())
}
