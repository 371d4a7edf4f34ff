//! How long a real cluster's dump takes to open: prints one JSON object, times in milliseconds.
//!
//! `cargo run --release --example dump -- --objects 5000 --form yaml`
//!
//! `--form json` is `kubectl get -o json`; `--form manifests` is what a person would have written to
//! get as many objects. `open_ms` is from the text to a world at rest, `picture_ms` what the page asks
//! for to show it, and `read_ms` the part of the former that reads the text. Then come one change
//! of the text, the first request (it lays the network) and the next one, and the Endpoints of one
//! Service. Each number is the median of five runs in one thread. Built for wasm32 it is the same
//! program for Node; `cargo xtask bench --dump` runs both side by side.

#[cfg(not(target_arch = "wasm32"))]
#[path = "yardstick/native.rs"]
mod host;
#[cfg(target_arch = "wasm32")]
#[path = "yardstick/node.rs"]
mod host;
#[path = "yardstick/texts.rs"]
mod texts;

use std::hint::black_box;

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::manifest;
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;

const USAGE: &str = "usage: dump [--objects N] [--form yaml|json|manifests] [--runs N]";

/// What is opened, and how often.
struct Job {
    objects: usize,
    form: String,
    runs: usize,
}

fn main() {
    let Some(job) = job(host::arguments()) else {
        host::refuse(USAGE);
        return;
    };
    let clock = host::clock();
    match measure(&job, &clock) {
        Ok(mut json) => {
            json["peak_rss_kib"] = serde_json::json!(host::peak_memory_kib());
            host::print(&json.to_string());
        }
        Err(error) => host::refuse(&error),
    }
}

fn job(words: Vec<String>) -> Option<Job> {
    let mut job = Job {
        objects: 5_000,
        form: "yaml".to_owned(),
        runs: 5,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--objects" => job.objects = value.parse().ok()?,
            "--form" => job.form = value,
            "--runs" => job.runs = value.parse().ok().filter(|runs| *runs > 0)?,
            _ => return None,
        }
    }
    Some(job)
}

fn measure(job: &Job, clock: &impl Fn() -> f64) -> Result<serde_json::Value, String> {
    let text = match job.form.as_str() {
        "yaml" => texts::dump(job.objects, false),
        "json" => texts::dump(job.objects, true),
        "manifests" => texts::manifests(job.objects / 7),
        _ => return Err(USAGE.to_owned()),
    };
    // As somebody who writes a line behind what is there.
    let edited = format!("{text}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: more}}\n");
    let request = Request {
        from: "external".to_owned(),
        to: "web-7.ns-7:80".to_owned(),
        protocol: Protocol::Tcp,
    };
    let service = ObjectRef::new(Kind::Service, "ns-7", "web-7");
    let mut times: [Vec<f64>; 7] = Default::default();
    let mut objects = 0;
    for _ in 0..job.runs {
        let mut lab = Lab::new(Settings::default());
        let mut now = clock();
        let mut lap = || {
            let before = std::mem::replace(&mut now, clock());
            now - before
        };
        black_box(manifest::read(&text).documents.len());
        let read = lap();
        lab.open(&text);
        let open = lap();
        let picture = lab.scene();
        black_box((
            lab.clients(),
            lab.targets(),
            lab.outline(),
            lab.suggestion(),
        ));
        let picture_drawn = lap();
        let from = lab
            .clients()
            .into_iter()
            .find(|client| client.id.contains("web-"));
        let mut request = request.clone();
        request.from = from.map_or(request.from, |client| client.id);
        let node = picture.wings.first().map(|wing| wing.node.name.clone());
        lap();
        lab.send(&request).map_err(|error| error.to_string())?;
        let first = lap();
        lab.send(&request).map_err(|error| error.to_string())?;
        let second = lap();
        let report = lab.endpoints(&service, &node.unwrap_or_default());
        let endpoints = lap();
        if report.is_none() {
            return Err("there are no endpoints".to_owned());
        }
        lab.edit(&edited);
        let edit = lap();
        let laps = [read, open, picture_drawn, first, second, endpoints, edit];
        for (times, lap) in times.iter_mut().zip(laps) {
            times.push(lap);
        }
        objects = lab.cluster().store().len();
    }
    let [read, open, picture, first, second, endpoints, edit] = times.map(median);
    Ok(serde_json::json!({
        "form": job.form,
        "objects": objects,
        "bytes": text.len(),
        "read_ms": read,
        "open_ms": open,
        "picture_ms": picture,
        "first_request_ms": first,
        "next_request_ms": second,
        "endpoints_ms": endpoints,
        "edit_ms": edit,
    }))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
