//! How long 5,000 objects take to open: natively and as WebAssembly in Node.
//!
//! Three texts that make as many objects: what `kubectl get -A -o yaml` and `-o json` print of a
//! cluster, and the manifests that a person would have written. `engine/examples/dump.rs` says what
//! each number is.

use anyhow::Result;

use super::{builds, number, print_load, print_row};
use crate::host;

const FORMS: [&str; 3] = ["yaml", "json", "manifests"];

/// The numbers of a row, as the example calls them.
const TIMES: [&str; 7] = [
    "read_ms",
    "open_ms",
    "picture_ms",
    "edit_ms",
    "first_request_ms",
    "next_request_ms",
    "endpoints_ms",
];

/// Builds, runs and prints.
pub(crate) fn run(objects: u32) -> Result<()> {
    host::node()?;
    let builds = builds("dump")?;
    println!("\n{objects} objects, medians of 5, milliseconds");
    print_load();
    let size = objects.to_string();
    for form in FORMS {
        println!(
            "\n{form:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "read", "open", "picture", "edit", "first", "next", "endpoints"
        );
        let mut bytes = 0.0;
        for build in &builds {
            let json = build.print(&["--objects", &size, "--form", form])?;
            let mut times = [None; 7];
            for (time, name) in times.iter_mut().zip(TIMES) {
                *time = Some(number(&json, name)?);
            }
            print_row(build.name, &times);
            println!();
            bytes = number(&json, "bytes")?;
        }
        println!("a text of {:.1} MB", bytes / 1e6);
    }
    Ok(())
}
