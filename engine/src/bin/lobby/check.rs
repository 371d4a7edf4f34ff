//! `lobby check`: what the doctor finds.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use lobby_engine::controllers::load_balancer::Provider;
use lobby_engine::diagnostic::Severity;
use lobby_engine::doctor::{self, Finding, Fix, Options};
use lobby_engine::lab::{Lab, ProxySettings, Settings};
use lobby_engine::proxy::Mode;
use serde::Serialize;

use crate::sources::{Failure, Files, Sources};

/// What `lobby check` is given.
#[derive(Args)]
pub(crate) struct Check {
    /// Print the findings as JSON: a list of severity, object, field, line (in the object's own
    /// file), message, why, fix (a unified diff, or a command)
    #[arg(long)]
    json: bool,
    /// List all findings that there are, as the README has them, and examine nothing
    #[arg(long, exclusive = true)]
    list: bool,
    /// The mode of kube-proxy
    #[arg(long, default_value_t, value_name = "iptables|ipvs|nftables")]
    mode: Mode,
    /// Who builds load balancers: none, metallb, aws, gcp, azure or kind
    #[arg(long, default_value = "none", value_name = "NAME", value_parser = provider)]
    provider: Provider,
    /// Who has to reach every Service: pod/NAME, pod/NAMESPACE/NAME, node/NAME or external
    #[arg(long, value_name = "CLIENT")]
    from: Option<String>,
    #[command(flatten)]
    files: Files,
}

fn provider(text: &str) -> Result<Provider, String> {
    let known = Provider::ALL
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        let names = Provider::ALL.map(|known| known.as_str().to_ascii_lowercase());
        format!("must be one of {}", names.join(", "))
    })
}

/// A finding as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    severity: Severity,
    object: &'a str,
    field: &'a str,
    line: Option<u32>,
    message: &'a str,
    why: &'a str,
    fix: Option<String>,
}

/// Prints the findings; exit code 1 if one of them is an error, 2 if nothing could be examined.
pub(crate) fn run(args: &Check) -> ExitCode {
    match examine(args) {
        Ok((text, has_errors)) => {
            // A closed pipe is no failure of ours.
            use std::io::Write as _;
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::from(u8::from(has_errors))
        }
        Err(Failure(message)) => {
            eprintln!("{}", message.trim_end());
            ExitCode::from(2)
        }
    }
}

/// The findings as text, and whether one of them is an error.
fn examine(args: &Check) -> Result<(String, bool), Failure> {
    if args.list {
        return Ok((doctor::table(), false));
    }
    let sources = Sources::read(&args.files.files)?;
    let mut lab = Lab::new(Settings {
        provider: args.provider,
        proxy: ProxySettings {
            mode: args.mode,
            ..ProxySettings::default()
        },
        ..Settings::default()
    });
    lab.open(sources.text());
    if let Some(from) = &args.from {
        // Said here once, and not by every Service.
        lab.client_names(from)?;
    }
    let options = Options {
        from: args.from.clone(),
    };
    let findings = doctor::examine(&lab, sources.text(), &options);
    let mut out = String::new();
    if args.json {
        let lines: Vec<Line<'_>> = findings.iter().map(|found| line(&sources, found)).collect();
        out = serde_json::to_string_pretty(&lines)? + "\n";
    } else {
        for finding in &findings {
            tell(&mut out, &sources, finding)?;
        }
        summary(&mut out, &findings)?;
    }
    let has_errors = findings
        .iter()
        .any(|found| found.severity == Severity::Error);
    Ok((out, has_errors))
}

fn line<'a>(sources: &Sources, finding: &'a Finding) -> Line<'a> {
    let place = place(sources, finding);
    Line {
        severity: finding.severity,
        object: &finding.object,
        field: finding.field.as_str(),
        line: place.map(|(_, line)| line),
        message: &finding.message,
        why: &finding.why,
        fix: fix(sources, finding),
    }
}

/// The file, and the line in it.
fn place<'a>(sources: &'a Sources, finding: &Finding) -> Option<(&'a str, u32)> {
    Some(sources.place(finding.span?.start.line))
}

/// The diff, with the name and the lines of its own file; or the command.
fn fix(sources: &Sources, finding: &Finding) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    let Fix::Edits(edits) = fix else {
        return Some(fix.show(sources.text(), ""));
    };
    let place = place(sources, finding);
    let (file, start, end) = sources.file_of(place.map_or("", |(file, _)| file));
    // The edits are those of the whole text.
    let own: Vec<_> = edits
        .iter()
        .map(|edit| {
            let mut edit = edit.clone();
            edit.start = edit.start.checked_sub(start)?;
            edit.end = edit.end.checked_sub(start).filter(|_| edit.end <= end)?;
            Some(edit)
        })
        .collect::<Option<_>>()?;
    let text = sources.text().get(start as usize..end as usize)?;
    Some(Fix::Edits(own).show(text, file))
}

/// The form for people.
fn tell(out: &mut String, sources: &Sources, finding: &Finding) -> Result<(), Failure> {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    write!(out, "{severity}: {}", finding.object)?;
    if !finding.field.as_str().is_empty() {
        write!(out, " {}", finding.field)?;
    }
    if let Some((file, line)) = place(sources, finding) {
        write!(out, " ({file}:{line})")?;
    }
    writeln!(out, "\n  {}", finding.message)?;
    writeln!(out, "  why: {}", finding.why)?;
    if let Some(evidence) = &finding.evidence {
        writeln!(out, "  tried: {}", evidence.text)?;
    }
    if let Some(fix) = fix(sources, finding) {
        writeln!(out, "  fix:")?;
        for line in fix.lines() {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(out, "  see: {}\n", finding.see)?;
    Ok(())
}

fn summary(out: &mut String, findings: &[Finding]) -> Result<(), Failure> {
    let count = |severity| {
        findings
            .iter()
            .filter(|found| found.severity == severity)
            .count()
    };
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let (errors, warnings, notes) = (
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note),
    );
    writeln!(
        out,
        "{errors} error{}, {warnings} warning{}, {notes} note{}",
        plural(errors),
        plural(warnings),
        plural(notes)
    )?;
    Ok(())
}
