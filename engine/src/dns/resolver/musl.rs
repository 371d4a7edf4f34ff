//! The search of musl 1.2.5: `name_from_dns_search`, `name_from_dns`, `__res_msend_rc`.

use super::{
    AttemptResult, End, ResolutionKind, Search, because_as_is_first, because_as_is_last,
    because_of_search, dots,
};
use crate::dns::{Name, Question};
use crate::words::Words;

/// The longest line of resolv.conf that musl reads, in octets without the line's end.
const MAX_LINE: usize = 254;
/// The longest name, in octets.
const MAX_NAME: usize = 255;

/// What one spelling came to.
enum Step {
    Found(Name),
    /// Only this lets the search go on.
    NoSuchName,
    NoData,
    TryAgain,
}

/// Searches for the name. Unlike glibc it stops at the first spelling that is not NXDOMAIN, and a
/// name with `ndots` dots or more is tried as it is and nothing else.
pub(super) fn search(search: &mut Search<'_>) -> End {
    let name = search.name;
    let conf = &search.resolver.conf;
    let ndots = conf.ndots();
    if name.is_empty() || name.len() >= MAX_NAME || name.ends_with("..") || name == "." {
        return End::Not(ResolutionKind::NoSuchName);
    }
    let as_is = dots(name) >= ndots || name.ends_with('.');
    let list = conf.search_list();
    let line = "search ".len() + list.iter().map(|domain| domain.len() + 1).sum::<usize>();
    // A longer line is skipped as a whole.
    if !as_is && line <= MAX_LINE + 1 {
        for (place, domain) in list.iter().enumerate() {
            if domain.len() + name.len() >= MAX_NAME {
                continue;
            }
            let why = because_of_search(name, ndots, domain, place, list.len());
            match spelling(search, &format!("{name}.{domain}"), &why) {
                Step::Found(found) => return End::Found(found),
                Step::NoSuchName => {}
                Step::NoData => return End::Not(ResolutionKind::NoAddress),
                Step::TryAgain => return End::Not(ResolutionKind::TryAgain),
            }
        }
    }
    let why = if as_is {
        because_as_is_first(name, ndots)
    } else {
        because_as_is_last(name)
    };
    match spelling(search, name, &why) {
        Step::Found(found) => End::Found(found),
        Step::NoSuchName => End::Not(ResolutionKind::NoSuchName),
        Step::NoData => End::Not(ResolutionKind::NoAddress),
        Step::TryAgain => End::Not(ResolutionKind::TryAgain),
    }
}

/// Asks for one spelling: both types of all servers at once, and again while an answer is missing.
/// The first server's answer counts, as if it were the fastest. Only "here it is" and "there is no
/// such name" are answers; any other code is waited over.
fn spelling(search: &mut Search<'_>, text: &str, why: &Words) -> Step {
    let Ok(name) = Name::parse(text) else {
        return Step::NoSuchName;
    };
    search.spelling += 1;
    let servers = search.resolver.servers();
    let types = search.types;
    let mut answers = vec![None; types.len()];
    for round in 0..search.resolver.conf.attempts() {
        let why = if round == 0 {
            why.clone()
        } else {
            Words::new(
                "The directory gave no usable answer: the guest asks once more.",
                "An answer is still missing: all servers are asked again.",
            )
        };
        for &server in &servers {
            for (answer, &record_type) in answers.iter_mut().zip(types) {
                // An answer of an earlier round is kept; within a round all servers are asked.
                if answer.is_some_and(|(when, _)| when < round) {
                    continue;
                }
                let question = Question::new(name.clone(), record_type);
                let result = search.question(server, &question, &why);
                if !matches!(result, AttemptResult::Failed | AttemptResult::NoReply) {
                    answer.get_or_insert((round, result));
                }
            }
        }
        if answers.iter().all(Option::is_some) {
            break;
        }
    }
    if answers.iter().any(Option::is_none) {
        // The whole time, however many rounds are in it: an unreachable port is no answer either.
        search.waited_seconds += search.resolver.conf.timeout();
        return Step::TryAgain;
    }
    let any = |wanted| {
        answers
            .iter()
            .flatten()
            .any(|(_, result)| *result == wanted)
    };
    if any(AttemptResult::NoSuchName) {
        Step::NoSuchName
    } else if any(AttemptResult::Addresses) {
        Step::Found(name)
    } else {
        Step::NoData
    }
}
