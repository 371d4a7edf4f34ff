//! How fast kube-proxy's rules are written: prints one JSON object.
//!
//! `cargo run --release --example yardstick -- --mode iptables --services 10000 --endpoints 10`
//!
//! Each number is the median of five runs in one thread. The workload is fixed, so that bytes and
//! rules can be compared with those of kube-proxy itself; `yardstick/measure.rs` says what it is,
//! and what each number includes. Built for wasm32 it is the same program for Node:
//! `cargo xtask bench` runs both side by side.

#[cfg(not(target_arch = "wasm32"))]
#[path = "yardstick/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "yardstick/node.rs"]
mod host;
#[path = "yardstick/measure.rs"]
mod measure;

use lobby_engine::proxy::Mode;
use measure::{Size, measure};

const USAGE: &str =
    "usage: yardstick [--mode iptables|ipvs|nftables] [--services N] [--endpoints E]";

fn main() {
    let Some(size) = size(host::arguments()) else {
        host::refuse(USAGE);
        return;
    };
    let clock = host::clock();
    let report = measure(size, &clock);
    let mut json = serde_json::json!(report);
    json["peak_rss_kib"] = serde_json::json!(host::peak_memory_kib());
    host::print(&json.to_string());
}

fn size(words: Vec<String>) -> Option<Size> {
    let mut size = Size {
        mode: Mode::Iptables,
        services: 10_000,
        endpoints: 10,
    };
    let mut words = words.into_iter();
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
