//! Splits the page's WebAssembly in two: what runs until the first packet arrived, and the rest.
//!
//! `cargo xtask build` calls it (`xtask/src/split.rs`); `docs/size.md` tells the whole story.
//!
//! - `lobby-split shorten MODULE GLUE` shortens the names between a module and its glue, in place.
//! - `lobby-split mark IN OUT` copies a module so that it remembers what of it ran.
//! - `lobby-split split IN LINKED RAN FIRST REST` writes the two parts. LINKED is the module as the
//!   linker wrote it, IN as wasm-bindgen did. RAN has the marks that were set, one a line; with `-`
//!   everything is the first part's.

mod body;
mod data;
mod mark;
mod module;
mod outline;
mod parts;
mod shorten;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use module::Module;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lobby-split: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["shorten", module, glue] => {
            let (bytes, text) = shorten::shorten(&read(module)?, &fs::read_to_string(glue)?)?;
            write(module, &bytes)?;
            write(glue, text.as_bytes())
        }
        ["mark", input, output] => write(output, &mark::mark(&read(input)?)?),
        ["split", input, linked, ran, first, rest] => {
            let bytes = read(input)?;
            let mut later = Vec::new();
            let (bytes, kept) = match ran {
                "-" => {
                    let all = all(&Module::parse(&bytes)?);
                    (bytes, all)
                }
                ran => {
                    let marks = mark::read(&fs::read_to_string(ran)?)?;
                    let outlined = outline::outline(&bytes, &marks)?;
                    later = data::later(
                        &read(linked)?,
                        &Module::parse(&bytes)?,
                        &outlined.ran,
                        &outlined.stretches,
                    )?;
                    (outlined.bytes, outlined.ran)
                }
            };
            let parts = parts::split(&Module::parse(&bytes)?, &kept, &later)?;
            write(first, &parts.first)?;
            write(rest, &parts.rest)
        }
        _ => bail!(
            "usage: lobby-split shorten MODULE GLUE | lobby-split mark IN OUT | lobby-split split IN LINKED RAN FIRST REST"
        ),
    }
}

/// All functions that a module defines.
fn all(module: &Module<'_>) -> BTreeSet<u32> {
    (module.imported..)
        .zip(&module.code)
        .map(|(function, _)| function)
        .collect()
}

fn read(name: &str) -> Result<Vec<u8>> {
    fs::read(name).with_context(|| name.to_owned())
}

fn write(name: &str, bytes: &[u8]) -> Result<()> {
    fs::write(name, bytes).with_context(|| name.to_owned())
}
