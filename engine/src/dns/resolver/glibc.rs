//! The search of glibc 2.36: `__res_context_search`, `__res_context_query`, `__res_context_send`.

use super::{
    AttemptResult, End, Reply, ResolutionKind, Search, because_as_is_first, because_as_is_last,
    because_of_search, dots,
};
use crate::dns::{Name, Question, Rcode};
use crate::words::Words;

/// What one spelling came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Addresses.
    Found,
    /// An alias without an address: it ends the search all the same.
    AliasOnly,
    /// No such name.
    NoSuchName,
    /// No address.
    NoData,
    /// The server failed: the next spelling is tried.
    ServFail,
    /// No usable answer: the search list is left, the bare name is still tried.
    GiveUp,
    /// Nobody was there: the search ends.
    Refused,
}

/// Searches for the name.
pub(super) fn search(search: &mut Search<'_>) -> End {
    let name = search.name;
    let conf = &search.resolver.conf;
    let ndots = conf.ndots();
    let list = conf.search_list();
    let final_dot = name.ends_with('.');
    let mut as_is_first = None;
    if dots(name) >= ndots || final_dot {
        match spelling(search, name, &because_as_is_first(name, ndots)) {
            (Some(found), Step::Found) => return End::Found(found),
            (_, Step::AliasOnly) => return End::Not(ResolutionKind::NoSuchName),
            (_, step) if final_dot => return End::Not(kind(step)),
            (_, step) => as_is_first = Some(step),
        }
    }
    let mut no_data = false;
    let mut failed = false;
    let mut root_on_list = false;
    let mut last = Step::NoSuchName;
    for (place, domain) in list.iter().enumerate() {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        root_on_list |= domain.is_empty();
        let (text, why) = if domain.is_empty() {
            (name.to_owned(), because_as_is_last(name))
        } else {
            (
                format!("{name}.{domain}"),
                because_of_search(name, ndots, domain, place, list.len()),
            )
        };
        let (found, step) = spelling(search, &text, &why);
        last = step;
        match (found, step) {
            (Some(found), Step::Found) => return End::Found(found),
            (_, Step::Found | Step::NoSuchName) => {}
            (_, Step::AliasOnly) => return End::Not(ResolutionKind::NoSuchName),
            (_, Step::NoData) => no_data = true,
            (_, Step::ServFail) => failed = true,
            (_, Step::GiveUp) => break,
            (_, Step::Refused) => return End::Not(ResolutionKind::TryAgain),
        }
    }
    if as_is_first.is_none() && !root_on_list {
        match spelling(search, name, &because_as_is_last(name)) {
            (Some(found), Step::Found) => return End::Found(found),
            (_, Step::AliasOnly) => return End::Not(ResolutionKind::NoSuchName),
            (_, step) => last = step,
        }
    }
    // What the bare name said holds, if it was first; then what the list said.
    End::Not(match as_is_first {
        Some(step) => kind(step),
        None if no_data => ResolutionKind::NoAddress,
        None if failed => ResolutionKind::TryAgain,
        None => kind(last),
    })
}

fn kind(step: Step) -> ResolutionKind {
    match step {
        Step::Found | Step::AliasOnly | Step::NoSuchName => ResolutionKind::NoSuchName,
        Step::NoData => ResolutionKind::NoAddress,
        Step::ServFail | Step::GiveUp | Step::Refused => ResolutionKind::TryAgain,
    }
}

/// Asks for one spelling: both types together, server after server, until one of them is
/// answered.
fn spelling(search: &mut Search<'_>, text: &str, why: &Words) -> (Option<Name>, Step) {
    // What is no name is not asked for, and is not found.
    let Ok(name) = Name::parse(text) else {
        return (None, Step::NoSuchName);
    };
    search.spelling += 1;
    let servers = search.resolver.servers();
    let conf = &search.resolver.conf;
    let (attempts, timeout) = (conf.attempts(), conf.timeout());
    let mut why = why.clone();
    let mut anybody = false;
    let mut failure = None;
    for _ in 0..attempts {
        for (place, &server) in servers.iter().enumerate() {
            // Twice as long for each further server, shared out among all of them.
            let wait = match place {
                0 => timeout,
                _ => (timeout << place) / u32::try_from(servers.len()).unwrap_or(1),
            };
            let mut results = Vec::new();
            let mut waited = false;
            for &record_type in search.types {
                let question = Question::new(name.clone(), record_type);
                results.push(search.question(server, &question, &why));
                let Some(last) = search.attempts.last() else {
                    continue;
                };
                match &last.reply {
                    Reply::Answered(answer) => {
                        anybody = true;
                        if results.last() == Some(&AttemptResult::Failed) {
                            failure = Some(answer.rcode);
                        }
                    }
                    Reply::TimedOut => {
                        anybody = true;
                        waited = true;
                    }
                    Reply::Refused => {}
                }
            }
            if waited {
                search.waited_seconds += wait.max(1);
            }
            if let Some(step) = step(&results) {
                return (Some(name), step);
            }
            why = Words::new(
                "The directory gave no usable answer: the guest asks once more.",
                format!("No usable answer from {server}: the next server, or the same one again."),
            );
        }
    }
    let step = match failure {
        Some(Rcode::ServFail) => Step::ServFail,
        _ if anybody => Step::GiveUp,
        _ => Step::Refused,
    };
    (Some(name), step)
}

/// What the replies of one server mean together. `None` where none of them is usable.
fn step(results: &[AttemptResult]) -> Option<Step> {
    let any = |wanted| results.contains(&wanted);
    if any(AttemptResult::Addresses) {
        Some(Step::Found)
    } else if any(AttemptResult::AliasOnly) {
        Some(Step::AliasOnly)
    } else if any(AttemptResult::NoSuchName) {
        Some(Step::NoSuchName)
    } else if any(AttemptResult::NoData) {
        Some(Step::NoData)
    } else {
        None
    }
}
