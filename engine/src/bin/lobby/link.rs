//! `lobby link`: manifests as a link, and a link as manifests.

use std::io::Read as _;

use clap::Args;
use lobby_engine::link::{self, Codec, Content, World};

use crate::sources::{self, Failure};

/// Manifests as a link to the page, or back.
///
/// The link holds the manifests themselves: nothing is stored anywhere, and what stands behind # in
/// an address never reaches a server.
#[derive(Args)]
pub(crate) struct Link {
    /// Manifests, or with --decode a link; - reads standard input, which --decode does by itself
    #[arg(required_unless_present = "decode", value_name = "FILE|LINK")]
    given: Option<String>,
    /// Print the manifests that a link holds
    #[arg(long)]
    decode: bool,
    /// With --decode: print all that the link holds, as JSON
    #[arg(long, requires = "decode")]
    json: bool,
    /// Where all draws come from
    #[arg(long, conflicts_with = "decode")]
    seed: Option<u64>,
    /// A console line that is run when the link is opened; may be given many times
    #[arg(long = "run", value_name = "LINE", conflicts_with = "decode")]
    lines: Vec<String>,
    /// How the page shows it, for instance step=3; may be given many times
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value, conflicts_with = "decode")]
    view: Vec<(String, String)>,
    /// Do not deflate: longer, and easy to read by a script
    #[arg(long, conflicts_with = "decode")]
    plain: bool,
    /// Replace names and addresses, and leave out what has nothing to do with traffic
    #[arg(long, conflicts_with = "decode")]
    redact: bool,
    /// The address of the page
    #[arg(
        long,
        value_name = "URL",
        default_value = "",
        conflicts_with = "decode"
    )]
    base: String,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// What is to be printed.
pub(crate) fn run(args: &Link) -> Result<String, Failure> {
    let given = args.given.as_deref().unwrap_or("-");
    if args.decode {
        decode(args, given)
    } else {
        encode(args, given)
    }
}

fn encode(args: &Link, file: &str) -> Result<String, Failure> {
    let mut text = sources::read(file.as_ref())?;
    if args.redact {
        let redacted = link::redact(&text)?;
        for (name, count) in &redacted.left_out {
            eprintln!("left out: {name}, {count} times");
        }
        eprintln!("replaced: {} names and addresses", redacted.replaced.len());
        text = redacted.text;
    }
    let content = Content::World(World {
        text,
        seed: args.seed,
        lines: args.lines.clone(),
        view: args.view.clone(),
    });
    let codec = if args.plain {
        Codec::Plain
    } else {
        Codec::Deflated
    };
    let link = format!("{}#{}", args.base, content.encode(codec)?);
    if link.len() > link::TOO_LONG_TO_SEND {
        eprintln!(
            "note: this link has {} characters; a file is easier to send",
            link.len()
        );
    } else if link.len() > link::LONG {
        eprintln!(
            "note: this link has {} characters, and some programs cut off what is longer than {}",
            link.len(),
            link::LONG
        );
    }
    Ok(link + "\n")
}

fn decode(args: &Link, link: &str) -> Result<String, Failure> {
    let mut given = link.to_owned();
    if given == "-" {
        given.clear();
        std::io::stdin()
            .read_to_string(&mut given)
            .map_err(|error| Failure(format!("standard input: {error}")))?;
    }
    match Content::decode(&given)? {
        Content::Scenario(name) => Err(Failure(format!(
            "this link stands for {name:?}, which the page brings along: it holds no manifests"
        ))),
        Content::World(world) if args.json => Ok(link::write_file(&world) + "\n"),
        Content::World(world) => {
            if let Some(seed) = world.seed {
                eprintln!("seed: {seed}");
            }
            for line in &world.lines {
                eprintln!("run: {line}");
            }
            for (name, value) in &world.view {
                eprintln!("view: {name}={value}");
            }
            Ok(world.text)
        }
    }
}
