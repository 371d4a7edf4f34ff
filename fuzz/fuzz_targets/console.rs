//! Lines of the console, on a world of its own for each run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lobby_engine::lab::{EXAMPLES, Lab, Settings};

/// More lines make a run slow and find the same.
const MOST: usize = 6;

fuzz_target!(|text: &str| {
    let mut lab = Lab::new(Settings::default());
    lab.open(EXAMPLES[0].text());
    for line in text.lines().take(MOST) {
        // What runs on by itself is ended, as Ctrl C does.
        lab.run(line);
        lab.poll();
        lab.interrupt();
        let at = line.len() / 2;
        if line.is_char_boundary(at) {
            let _ = lab.complete(line, at);
        }
    }
    let _ = lab.scene();
    // All that was done can be taken back.
    lab.run("lab reset");
});
