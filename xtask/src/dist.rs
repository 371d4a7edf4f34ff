//! `cargo xtask dist`: the site as people take it away.

use anyhow::Result;

use crate::{process, site, tools, workspace};

/// Builds the site and packs it, with its checksum, into `target/dist/`.
pub(crate) fn run() -> Result<()> {
    let dist = workspace::dist();
    site::build(site::Profile::Release, &dist)?;
    let node = workspace::root().join("xtask/node");
    tools::npm(&node, "fflate")?;
    let folder = workspace::target().join("dist");
    process::run(
        process::command("node")
            .arg(node.join("pack.mjs"))
            .arg(&dist)
            .arg(folder)
            .arg(concat!("lobby-", env!("CARGO_PKG_VERSION"))),
    )
}
