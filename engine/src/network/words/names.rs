//! Looking up a name: the hop in front, and the verdict where there is no address.

use std::net::IpAddr;

use super::{Said, and, phrase};
use crate::dns::ResolutionKind;
use crate::network::{NameLookup, VerdictKind};
use crate::words::{Mark, Words};

pub(in crate::network) fn resolve(lookup: &NameLookup) -> Said {
    let resolution = &lookup.resolution;
    let name = &resolution.name;
    let aside = match lookup.address {
        Some(address) => address.to_string(),
        None => resolution.verdict.message.clone(),
    };
    let questions = resolution.attempts.len();
    let spellings = (resolution.attempts.last()).map_or(0, |attempt| attempt.spelling);
    let server = resolution.attempts.last().map(|attempt| attempt.server);
    let server = server.map_or_else(String::new, |server| format!(" to {server}"));
    let by = lookup
        .queries
        .last()
        .and_then(|query| query.answered_by.as_deref());
    let by = by.map_or_else(
        || ", and no answer".to_owned(),
        |by| format!(", answered by {by}"),
    );
    let questions = counted(u32::try_from(questions).unwrap_or(u32::MAX), "question");
    let spellings = counted(spellings, "spelling");
    let mut why = and(
        resolution.verdict.why.clone(),
        Words::new(
            format!("The guest asked for {spellings}, in {questions}."),
            format!("{questions} for {spellings}{server}{by}."),
        ),
    );
    for over in &lookup.passed_over {
        let (address, kind) = (over.address, over.kind.as_str());
        why = and(
            why,
            Words::new(
                format!("Nobody opened at {address}, so the guest tries the next number."),
                format!(
                    "{address} was tried first: {kind}. So the client goes on to the next address."
                ),
            ),
        );
    }
    let sentence = match (lookup.address, resolution.verdict.kind) {
        (Some(address), _) => Words::new(
            phrase()
                .say(format!("The directory says: {name} is "))
                .mark(Mark::Guest, address.to_string())
                .say("."),
            phrase()
                .say(format!("The name {name} is "))
                .mark(Mark::Guest, address.to_string())
                .say("."),
        ),
        (None, ResolutionKind::TryAgain) => Words::new(
            format!("Nobody can tell the guest the number of {name}."),
            format!("No name server could say what {name} is."),
        ),
        (None, _) => Words::new(
            format!("The directory has no number for {name}."),
            format!("The name {name} has no address."),
        ),
    };
    Said {
        title: Words::new(format!("Directory: {name}"), format!("DNS: {name}")),
        aside: Words::same(aside),
        tick: Words::new("directory", "DNS"),
        sentence,
        why,
    }
}

/// `1 question`, `2 questions`.
fn counted(count: u32, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

pub(in crate::network) fn no_name_detail(name: &str, message: &str) -> Words {
    Words::same(format!("{name} · {message}"))
}

pub(in crate::network) fn no_reply_detail(
    message: &str,
    server: IpAddr,
    kind: VerdictKind,
) -> Words {
    let what = match kind {
        VerdictKind::Refused => "refused the question",
        VerdictKind::Unreachable => "cannot be reached",
        _ => "did not answer",
    };
    Words::same(format!("{message} · {server} {what}"))
}

/// Why there is no address, and why nobody answered.
pub(in crate::network) fn no_reply(why: &Words, because: &Words) -> Words {
    and(why.clone(), because.clone())
}

pub(in crate::network) fn next_name_server() -> Words {
    Words::new(
        "Is it the hotel's directory that answers at that number?",
        "Is it CoreDNS that answers there? Look at the Service's endpoints, and at the client's resolv.conf.",
    )
}
