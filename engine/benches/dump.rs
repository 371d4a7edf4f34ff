//! How long a real cluster's dump takes, and an edit and a command in a world of that size.
//!
//! The parts of opening a dump, natively and in WebAssembly, are measured by `examples/dump.rs`.

#[path = "../examples/yardstick/texts.rs"]
mod texts;

use divan::{Bencher, counter::BytesCount};
use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::Command;
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::manifest;
use texts::{dump, manifests};

/// So many Deployments of two Pods with a Service each make 5,000 objects.
const MANY: usize = 720;

fn main() {
    divan::main();
}

#[divan::bench(args = [false, true], sample_count = 5)]
fn read_text(bencher: Bencher<'_, '_>, as_json: bool) {
    let text = dump(5_000, as_json);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| manifest::read(&text).documents.len());
}

#[divan::bench(args = [false, true], sample_count = 5)]
fn open(bencher: Bencher<'_, '_>, as_json: bool) {
    let text = dump(5_000, as_json);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut lab = Lab::new(Settings::default());
        lab.open(&text);
        lab.cluster().store().len()
    });
}

#[divan::bench(sample_count = 5)]
fn scale_one_of_many(bencher: Bencher<'_, '_>) {
    let mut lab = Lab::new(Settings::default());
    lab.open(&manifests(MANY));
    let mut replicas = 2;
    bencher.bench_local(move || {
        replicas = 5 - replicas;
        let target = ObjectRef::new(Kind::Deployment, "ns-7", "web-7");
        lab.execute(&Command::Scale { target, replicas })
            .expect("it is there");
        lab.execute(&Command::Settle).expect("time passes")
    });
}
