//! How long the picture of a large world takes: whole, cut to a neighbourhood, and searched.

use std::fmt::Write as _;

use divan::Bencher;
use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{Lab, Scene, Settings};

fn main() {
    divan::main();
}

/// A world of about 5,000 objects: 720 Deployments of two Pods with a Service each, on ten Nodes.
fn lab() -> Lab {
    let mut text = String::new();
    for number in 0..720 {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{number}}}\n\
             spec: {{replicas: 2, selector: {{matchLabels: {{app: web-{number}}}}}, template: {{metadata: \
             {{labels: {{app: web-{number}}}}}, spec: {{containers: [{{name: web, image: nginx}}]}}}}}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-{number}}}\n\
             spec: {{selector: {{app: web-{number}}}, ports: [{{port: 80}}]}}\n"
        );
    }
    let mut lab = Lab::new(Settings {
        nodes: (1..=10).map(|number| format!("node-{number}")).collect(),
        ..Settings::default()
    });
    lab.open(&text);
    // The rules are made once and kept; here it is the picture that counts.
    let _ = lab.scene();
    lab
}

#[divan::bench(sample_count = 20)]
fn whole(bencher: Bencher<'_, '_>) {
    let lab = lab();
    bencher.bench_local(|| lab.scene());
}

#[divan::bench(sample_count = 20)]
fn around_a_service(bencher: Bencher<'_, '_>) {
    let scene: Scene = lab().scene();
    let focus = [ObjectRef::new(Kind::Service, "default", "web-333")];
    bencher.bench_local(|| scene.around(&focus, &[]));
}

#[divan::bench(sample_count = 20)]
fn search(bencher: Bencher<'_, '_>) {
    let scene: Scene = lab().scene();
    bencher.bench_local(|| scene.find("web-33"));
}
