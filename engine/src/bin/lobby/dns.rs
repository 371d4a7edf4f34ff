//! `lobby dns`: what cluster DNS answers, to CoreDNS' own face or from a client.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use lobby_engine::dns::{
    CoreDns, Corefile, Listing, Name, Question, Record, RecordType, Reply, ResolutionKind,
    Upstream, dig,
};
use lobby_engine::lab::{Lab, Settings};
use serde::Deserialize;

use crate::sources::{Failure, Sources, read};

/// What `lobby dns` is given.
#[derive(Args)]
pub(crate) struct Dns {
    /// CoreDNS' configuration, over the manifests as they are; without it (or with --from) the
    /// manifests make a lab's world first, in which the ConfigMap coredns decides
    #[arg(long, value_name = "FILE")]
    corefile: Option<PathBuf>,
    /// What stands around a CoreDNS that was given its Corefile (YAML): dnsPodIPs, its own
    /// addresses, and upstream, the records behind forward, a line each
    #[arg(
        long,
        value_name = "FILE",
        requires = "corefile",
        conflicts_with = "from"
    )]
    set: Option<PathBuf>,
    /// Who asks: pod/NAME, pod/NAMESPACE/NAME, node/NAME or external. The name is then searched as
    /// this client's resolv.conf says, and each question takes its way through the rules; without
    /// it CoreDNS is asked itself
    #[arg(long, value_name = "CLIENT")]
    from: Option<String>,
    /// Print each question and its answer as a line of JSON
    #[arg(long)]
    json: bool,
    /// The name; from a client it may be a short one
    name: String,
    /// The record type: A, AAAA, SRV, PTR, CNAME, TXT, …
    #[arg(value_name = "TYPE")]
    record_type: RecordType,
    /// Manifests; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What stands around a CoreDNS.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Around {
    #[serde(rename = "dnsPodIPs")]
    dns_pod_ips: Vec<IpAddr>,
    upstream: Vec<String>,
}

impl Around {
    fn read(file: &Path) -> Result<Self, Failure> {
        serde_yaml::from_str(&read(file)?)
            .map_err(|error| Failure(format!("{}: {error}", file.display())))
    }
}

/// The answer as text.
pub(crate) fn run(args: &Dns) -> Result<String, Failure> {
    let sources = Sources::read(&args.files)?;
    let corefile = args.corefile.as_deref().map(read).transpose()?;
    if let (Some(text), Some(file)) = (&corefile, &args.corefile) {
        check(text, &file.display().to_string())?;
    }
    if let (Some(text), None) = (&corefile, &args.from) {
        let around = args.set.as_deref().map(Around::read).transpose()?;
        let around = around.unwrap_or_default();
        let upstream = around.upstream.iter().map(|line| line.parse::<Record>());
        let upstream = Upstream::new(upstream.collect::<Result<Vec<_>, _>>()?);
        let objects = sources.as_written()?;
        let corefile = Corefile::read(text).0;
        let server = CoreDns::new(corefile, &objects, &around.dns_pod_ips, upstream);
        let question = question(args)?;
        return answer(args, &question, &server.answer(&question));
    }
    let mut lab = sources.lab(Settings {
        corefile,
        ..Settings::default()
    })?;
    match &args.from {
        Some(from) => search(args, from, &mut lab),
        None => {
            let question = question(args)?;
            let found = lab.dig(&question).map_err(Failure)?;
            answer(args, &question, &found)
        }
    }
}

/// Says what is wrong with a Corefile, on standard error; an error ends the program.
fn check(text: &str, file: &str) -> Result<(), Failure> {
    let (_, diagnostics) = Corefile::read(text);
    let mut errors = String::new();
    for diagnostic in diagnostics {
        let line = match diagnostic.span {
            Some(span) => format!(
                "{file}:{}:{}: {}\n",
                span.start.line, span.start.column, diagnostic.message
            ),
            None => format!("{file}: {}\n", diagnostic.message),
        };
        if diagnostic.is_error() {
            errors.push_str(&line);
        } else {
            eprint!("{line}");
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure(errors))
    }
}

fn question(args: &Dns) -> Result<Question, Failure> {
    Ok(Question::new(Name::parse(&args.name)?, args.record_type))
}

fn answer(
    args: &Dns,
    question: &Question,
    answer: &lobby_engine::dns::Answer,
) -> Result<String, Failure> {
    if args.json {
        Ok(serde_json::to_string(&Listing::new(question, answer))? + "\n")
    } else {
        Ok(dig(question, answer))
    }
}

/// The search of a client: every question, and the last answer in full.
fn search(args: &Dns, from: &str, lab: &mut Lab) -> Result<String, Failure> {
    let lookup = lab.lookup(from, &args.name, Some(args.record_type))?;
    let attempts = &lookup.resolution.attempts;
    let mut text = String::new();
    if args.json {
        for attempt in attempts {
            if let Reply::Answered(answer) = &attempt.reply {
                let listing = Listing::new(&attempt.question, answer);
                text.push_str(&serde_json::to_string(&listing)?);
                text.push('\n');
            }
        }
        return Ok(text);
    }
    for line in lab.client_names(from)?.resolv_conf.lines() {
        writeln!(text, "; {line}")?;
    }
    for attempt in attempts {
        let status = attempt.reply.status();
        writeln!(
            text,
            ";; {} {} @{}: {status}. {}",
            attempt.number,
            attempt.question,
            attempt.server,
            attempt.because.cluster.text()
        )?;
    }
    // The last question that was answered is the one that decided.
    let last = attempts
        .iter()
        .rev()
        .find_map(|attempt| match &attempt.reply {
            Reply::Answered(answer) => Some((&attempt.question, answer)),
            _ => None,
        });
    if let Some((question, answer)) = last {
        writeln!(text)?;
        text.push_str(&dig(question, answer));
    }
    let verdict = &lookup.resolution.verdict;
    if verdict.kind != ResolutionKind::Found {
        writeln!(text, ";; {}: {}", args.name, verdict.message)?;
        writeln!(text, ";; {}", verdict.why.cluster.text())?;
    }
    Ok(text)
}
