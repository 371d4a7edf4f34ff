//! How fast kube-proxy's rules are written: prints one JSON object.
//!
//! `cargo run --release --example yardstick -- --mode iptables --services 10000 --endpoints 10`
//!
//! Each number is the median of five runs in one thread. The workload is fixed, so that bytes and
//! rules can be compared with those of kube-proxy itself; `yardstick/measure.rs` says what it is.

#[path = "yardstick/measure.rs"]
mod measure;

use std::process::ExitCode;
use std::time::Instant;

use lobby_engine::proxy::Mode;
use measure::{Size, measure};

const USAGE: &str =
    "usage: yardstick [--mode iptables|ipvs|nftables] [--services N] [--endpoints E]";

fn main() -> ExitCode {
    let Some(size) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let report = measure(size, &|| start.elapsed().as_secs_f64() * 1000.0);
    let mut json = serde_json::json!(report);
    json["peak_rss_kib"] = serde_json::json!(peak_rss_kib());
    println!("{json}");
    ExitCode::SUCCESS
}

fn arguments() -> Option<Size> {
    let mut size = Size {
        mode: Mode::Iptables,
        services: 10_000,
        endpoints: 10,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--mode" => size.mode = value.parse().ok()?,
            "--services" => size.services = value.parse().ok()?,
            "--endpoints" => size.endpoints = value.parse().ok()?,
            _ => return None,
        }
    }
    Some(size)
}

/// The most memory that the process ever held, where Linux says it.
fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
