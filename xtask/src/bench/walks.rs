//! How many requests a second are walked: natively, as WebAssembly in Node, and by webernetes from
//! npm, which walks the same request in Node.
//!
//! The request is one from outside to a node port of a Deployment of ten: what webernetes can do,
//! too. It has no rules, modes or connections to go by, and one Service more costs it nothing; it
//! stands in the table for the pace that people know.

use anyhow::{Context, Result};

use super::{Build, MODES, builds, number, print_load};
use crate::{host, process, tools, workspace};

const SIZES: [u32; 2] = [10, 10_000];
/// How many requests webernetes answers in one of its runs.
const PEER_REQUESTS: u32 = 20_000;
/// The same as on the wall for each second that the program had a processor: others may use the
/// machine, too.
const BY_PROCESSOR: &str = "many_per_processor_second";

/// Builds, runs and prints.
pub(crate) fn run() -> Result<()> {
    host::node()?;
    let builds = builds("walks")?;
    let peer = peer();
    println!("\nrequests a second, from outside to a node port of ten Pods; medians of 5 runs");
    print_load();
    for services in SIZES {
        println!(
            "\n{:<32} {:>10} {:>14} {:>10} {:>12}",
            format!("{services} Services"),
            "counted",
            "by processor",
            "told",
            "first, ms"
        );
        for mode in MODES {
            for build in &builds {
                let size = services.to_string();
                let json = build.print(&["--mode", mode, "--services", &size])?;
                println!(
                    "{:<32} {:>10.0} {:>14.0} {:>10.0} {:>12.1}",
                    format!("{mode}, {}", build.name),
                    number(&json, "many_per_second")?,
                    number(&json, BY_PROCESSOR)?,
                    number(&json, "told_per_second")?,
                    number(&json, "first_ms")?,
                );
            }
        }
        match &peer {
            Ok(peer) => {
                let (size, requests) = (services.to_string(), PEER_REQUESTS.to_string());
                let arguments = ["--services", &size, "--requests", &requests];
                let rates = peer.print(&arguments).and_then(|json| {
                    Ok([
                        number(&json, "many_per_second")?,
                        number(&json, BY_PROCESSOR)?,
                    ])
                });
                match rates {
                    Ok([rate, by]) => println!(
                        "{:<32} {rate:>10.0} {by:>14.0} {:>10} {:>12}",
                        peer.name, "-", "-"
                    ),
                    Err(error) => println!("{}: {error:#}", peer.name),
                }
            }
            Err(error) => println!("without webernetes, which could not be installed: {error:#}"),
        }
    }
    Ok(())
}

/// webernetes, as `tests/peer/package.json` pins it.
fn peer() -> Result<Build> {
    let folder = workspace::root().join("tests/peer");
    tools::npm(&folder, "webernetes, to be measured beside")?;
    let run = folder.join("run.mjs");
    let run = run.is_file().then_some(run);
    Ok(Build {
        name: "webernetes 0.3.5, in Node",
        program: process::find("node").context("Node is missing")?,
        script: Some(run.context("tests/peer/run.mjs is missing")?),
    })
}
