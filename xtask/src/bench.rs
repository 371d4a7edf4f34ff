//! `cargo xtask bench`: the yardstick natively and as WebAssembly in Node, side by side.
//!
//! Both are the same program, `engine/examples/yardstick.rs`, in one thread each, and they take
//! turns, so that a machine that is busy for a while is so for both. The WebAssembly is built
//! twice: with the optimisation of native code, and as the page is built, for size.
//!
//! `cargo xtask bench --walks`: how many requests a second are walked, in the same way, by
//! `engine/examples/walks.rs` (see [`walks`]).
//!
//! `cargo xtask bench --dump`: how long a real cluster's dump takes to open, by
//! `engine/examples/dump.rs` (see [`dump`]).

mod dump;
mod walks;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cargo::cargo;
use crate::wasm::{TARGET, Toolchain};
use crate::{host, process, tools, workspace};

pub(crate) use dump::run as dump;
pub(crate) use walks::run as walks;

const MODES: [&str; 3] = ["iptables", "nftables", "ipvs"];

/// kube-proxy v1.30.5 itself, for 10,000 Services with 10 endpoints each on the same class of
/// machine, in milliseconds: first sync, full sync, one endpoint changed.
const KUBE_PROXY: [[f64; 3]; 3] = [
    [719.0, 195.0, 181.0],
    [1435.0, 544.0, 522.0],
    [381.0, 273.0, 315.0],
];

/// The numbers of a row, as the yardstick calls them.
const TIMES: [&str; 5] = [
    "first_ms",
    "full_ms",
    "one_endpoint_ms",
    "one_endpoint_copied_ms",
    "memcpy_ms",
];

/// A built yardstick.
struct Build {
    name: &'static str,
    program: PathBuf,
    /// What goes before its own arguments.
    script: Option<PathBuf>,
}

/// Builds, runs and prints. `size` is Services and endpoints of each.
pub(crate) fn run(services: u32, endpoints: u32) -> Result<()> {
    host::node()?;
    let builds = builds("yardstick")?;
    println!("\n{services} Services with {endpoints} endpoints each, medians of 5, milliseconds");
    print_load();
    let is_kube_proxys_size = (services, endpoints) == (10_000, 10);
    for (mode, kube_proxy) in MODES.into_iter().zip(KUBE_PROXY) {
        println!(
            "\n{mode:<22} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11}",
            "first", "full", "one", "copied", "memcpy", "peak memory"
        );
        let mut native: Option<[f64; 5]> = None;
        let mut shown = String::new();
        for build in &builds {
            let json = build.measure(mode, services, endpoints)?;
            let mut times = [0.0; 5];
            for (time, name) in times.iter_mut().zip(TIMES) {
                *time = number(&json, name)?;
            }
            print_row(build.name, &times.map(Some));
            let memory =
                number(&json, "peak_rss_kib").map(|kib| format!("{:>7.0} MiB", kib / 1024.0));
            println!(" {}", memory.unwrap_or_default());
            match native {
                None => {
                    native = Some(times);
                    shown = format!(
                        "text {} bytes, {} rules; after one endpoint {} bytes",
                        number(&json, "bytes")?,
                        number(&json, "rules")?,
                        number(&json, "one_endpoint_bytes")?
                    );
                }
                Some(native) => {
                    let mut ratios = times;
                    for (ratio, native) in ratios.iter_mut().zip(native) {
                        *ratio /= native;
                    }
                    print_row("  times native", &ratios.map(Some));
                    println!();
                }
            }
        }
        if is_kube_proxys_size {
            let [first, full, one] = kube_proxy.map(Some);
            print_row("kube-proxy v1.30.5", &[first, full, one, None, None]);
            println!();
        }
        println!("{shown}");
    }
    Ok(())
}

impl Build {
    /// One run of the yardstick: what it printed.
    fn measure(&self, mode: &str, services: u32, endpoints: u32) -> Result<String> {
        let (services, endpoints) = (services.to_string(), endpoints.to_string());
        let size = ["--services", &services, "--endpoints", &endpoints];
        self.print(&[&["--mode", mode], &size[..]].concat())
    }

    /// What it prints.
    fn print(&self, arguments: &[&str]) -> Result<String> {
        let mut command = process::command(&self.program);
        process::capture(command.args(&self.script).args(arguments))
    }
}

/// An example natively, as WebAssembly for speed, and as the page has it.
fn builds(example: &str) -> Result<[Build; 3]> {
    let toolchain = Toolchain::choose()?;
    Ok([
        native(example)?,
        wasm(&toolchain, example, "Wasm", "release")?,
        wasm(&toolchain, example, "Wasm, as the page", "web")?,
    ])
}

/// What else the machine does.
fn print_load() {
    if let Some(load) = host::load() {
        println!("load of this machine before the runs: {load}");
    }
}

fn native(example: &str) -> Result<Build> {
    let mut build = cargo("build");
    build.args(["--release", "--package", "lobby-engine"]);
    process::run(build.args(["--example", example]))?;
    let folder = workspace::target().join("release/examples");
    Ok(Build {
        name: "native",
        program: folder.join(example),
        script: None,
    })
}

fn wasm(toolchain: &Toolchain, example: &str, name: &'static str, profile: &str) -> Result<Build> {
    let tools = [tools::wasm_bindgen()?];
    let mut build = cargo("build");
    build.args(["--profile", profile, "--target", TARGET]);
    build.args(["--package", "lobby-engine", "--no-default-features"]);
    build.args(["--example", example]);
    process::run(toolchain.apply(&mut build, &tools)?)?;
    let folder = workspace::wasm_target().join(TARGET).join(profile);
    let out = folder.join(example);
    let [bin] = tools;
    let mut bindgen = process::command(bin.join("wasm-bindgen"));
    bindgen.args(["--target", "nodejs", "--out-dir"]).arg(&out);
    bindgen.arg(folder.join(format!("examples/{example}.wasm")));
    process::run(&mut bindgen)?;
    Ok(Build {
        name,
        program: PathBuf::from("node"),
        script: Some(out.join(format!("{example}.js"))),
    })
}

/// A number of a flat JSON object without strings that hold commas.
fn number(json: &str, name: &str) -> Result<f64> {
    let key = format!("\"{name}\":");
    let Some((_, rest)) = json.split_once(&key) else {
        bail!("there is no {name} in what was printed: {json}");
    };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    let text = rest[..end].trim();
    text.parse()
        .with_context(|| format!("{text} was printed as {name}"))
}

/// Prints a row without the end of its line.
fn print_row(name: &str, numbers: &[Option<f64>]) {
    print!("{name:<22}");
    for number in numbers {
        match number {
            Some(number) if *number < 10.0 => print!(" {number:>9.2}"),
            Some(number) => print!(" {number:>9.1}"),
            None => print!(" {:>9}", "-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_flat_object() {
        let json =
            "{\"bytes\":32648773,\"first_ms\":57.25,\"mode\":\"ipvs\",\"peak_rss_kib\":null}\n";
        assert_eq!(number(json, "bytes").unwrap(), 32_648_773.0);
        assert_eq!(number(json, "first_ms").unwrap(), 57.25);
        assert!(number(json, "full_ms").is_err());
        assert!(number(json, "peak_rss_kib").is_err());
    }
}
