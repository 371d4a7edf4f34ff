//! The YAML reader, what is read as manifests and as a lesson, and the world that comes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::{lesson, link, manifest, yaml};

fuzz_target!(|text: &str| {
    let stream = yaml::read(text);
    for document in &stream.documents {
        // JSON is what a tree is written as, and reads as the same tree again.
        let json = document.to_string();
        let again = yaml::read(&json);
        assert!(again.errors.is_empty(), "{json}: {:?}", again.errors);
    }
    if lesson::is_lesson(text) {
        let _ = lesson::read(text);
        return;
    }
    let reading = manifest::read(text);
    if reading.documents.is_empty() {
        return;
    }
    let _ = link::redact(text);
    let mut lab = Lab::new(Settings::default());
    lab.open(text);
    let _ = lab.scene();
    if let Some(request) = lab.suggestion() {
        let _ = lab.send(&request);
    }
});
