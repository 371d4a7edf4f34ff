//! The developer's commands: everything that is done by hand twice.
//!
//! `cargo xtask help` lists them. They need Rust and, for the page, Node; what else is missing they
//! install, saying what and why. The engine's own tests need none of this: `cargo test` runs them.

mod args;
mod bench;
mod browser;
mod cargo;
mod dist;
mod host;
mod lint;
mod process;
mod serve;
mod site;
mod size;
mod split;
mod test;
mod tidy;
mod tools;
mod totals;
mod wasm;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use args::Args;

const HELP: &str = "\
cargo xtask COMMAND

  serve [--release] [--port N] [--watch]
        build the page and serve it on 127.0.0.1 (port 8080)
  build [--dev]
        build the static site into dist/
  dist  build the site, and put it into target/dist/ as a zip, with its checksum
  test [PART ...]
        every check there is, or the named parts:
        format clippy tidy native clippy-web site components page
  fmt   format the Rust code
  lint [--deny]
        formatting, clippy with warnings as errors, and the repository's own rules. --deny: what
        dependencies may be (deny.toml), by cargo-deny, which is built once
  size [--keep]
        what the first load of the page weighs; fails above the budget. --keep measures the dist/
        that is there
  bench [--services N] [--endpoints E] [--walks] [--dump [--objects N]]
        how fast kube-proxy's rules are written, natively and as WebAssembly (10000 and 10);
        --walks: how many requests a second are walked instead, beside webernetes;
        --dump: how long a dump of a cluster takes to open instead (5000)
  screenshots [--keep]
        pictures of the page into target/screenshots/
  help  this text

Environment
  LOBBY_CHROMIUM, CHROMEDRIVER   the browser and its driver, where they are not found
  LOBBY_CONFORMANCE              another folder of conformance vectors for `test`
  XDG_CACHE_HOME                 tools that take minutes to build are kept in its folder lobby/
                                 (default ~/.cache)
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = Args::new(std::env::args().skip(1));
    let command = args.positional().unwrap_or_else(|| "help".to_owned());
    match command.as_str() {
        "serve" => {
            let profile = if args.flag("--release") {
                site::Profile::Release
            } else {
                site::Profile::Dev
            };
            let port = args.option("--port")?.unwrap_or(8080);
            let watch = args.flag("--watch");
            args.finish()?;
            serve::run(profile, port, watch)
        }
        "build" => {
            let profile = if args.flag("--dev") {
                site::Profile::Dev
            } else {
                site::Profile::Release
            };
            args.finish()?;
            site::build(profile, &workspace::dist()).map(|_| ())
        }
        "dist" => {
            args.finish()?;
            dist::run()
        }
        "test" => test::run(&args.rest()?),
        "fmt" => {
            args.finish()?;
            lint::format()
        }
        "lint" => {
            let deny = args.flag("--deny");
            args.finish()?;
            if deny { lint::deny() } else { lint::run() }
        }
        "size" => {
            let keep = args.flag("--keep");
            args.finish()?;
            if !keep {
                site::build(site::Profile::Release, &workspace::dist())?;
            }
            size::run(&workspace::dist())
        }
        "bench" => {
            if args.flag("--dump") {
                let objects = args.option("--objects")?.unwrap_or(5_000);
                args.finish()?;
                return bench::dump(objects);
            }
            if args.flag("--walks") {
                args.finish()?;
                return bench::walks();
            }
            let services = args.option("--services")?.unwrap_or(10_000);
            let endpoints = args.option("--endpoints")?.unwrap_or(10);
            args.finish()?;
            bench::run(services, endpoints)
        }
        "screenshots" => {
            let keep = args.flag("--keep");
            args.finish()?;
            if !keep {
                site::build(site::Profile::Release, &workspace::dist())?;
            }
            browser::screenshots()
        }
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command {other:?}\n\n{HELP}"),
    }
}
