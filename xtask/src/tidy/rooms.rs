//! A room of the engine uses only the rooms below it.
//!
//! The rule is the table in the documentation of `engine/src/lib.rs`: its rows, from the first to the
//! last, are the rooms from the ground up. What is checked is what the code names (`crate::room`),
//! tests aside.

use anyhow::{Result, bail};

use super::{Problem, Source};

/// Where the engine's rooms are.
const ENGINE: &str = "engine/src/";

pub(super) fn check(sources: &[Source], problems: &mut Vec<Problem>) -> Result<()> {
    let Some(lib) = sources
        .iter()
        .find(|source| source.path == "engine/src/lib.rs")
    else {
        bail!("engine/src/lib.rs is gone");
    };
    let order = order(&lib.text);
    for (number, line) in lib.text.lines().enumerate() {
        let Some(room) = line
            .strip_prefix("pub mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        else {
            continue;
        };
        if rank(&order, room).is_none() {
            problems.push(Problem {
                path: lib.path.clone(),
                line: number + 1,
                what: format!("the table of rooms above has no {room}"),
            });
        }
    }
    for source in sources {
        check_one(&order, source, problems);
    }
    Ok(())
}

/// The rooms in their order; those of one row are on one floor.
fn order(documentation: &str) -> Vec<Vec<&str>> {
    documentation
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|row| {
            let cell = row.split(" |").next().unwrap_or_default();
            cell.split('`')
                .step_by(2)
                .filter(|name| !name.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect()
}

fn rank(order: &[Vec<&str>], room: &str) -> Option<usize> {
    order.iter().position(|floor| floor.contains(&room))
}

fn check_one(order: &[Vec<&str>], source: &Source, problems: &mut Vec<Problem>) {
    let Some(inside) = source.path.strip_prefix(ENGINE) else {
        return;
    };
    let room = inside.split(['/', '.']).next().unwrap_or_default();
    let Some(own) = rank(order, room) else { return };
    if inside.ends_with("tests.rs") || inside.contains("/tests/") {
        return;
    }
    for (number, line) in code(&source.text) {
        let mut report = |what: String| {
            problems.push(Problem {
                path: source.path.clone(),
                line: number,
                what,
            });
        };
        for other in rooms_named(line) {
            if rank(order, other).is_some_and(|above| above > own) {
                report(format!(
                    "{room} uses {other}, which is above it (table in engine/src/lib.rs)"
                ));
            }
        }
        if room == "netfilter" && line.to_ascii_lowercase().contains("kube") {
            report("netfilter is to know no word of Kubernetes".to_owned());
        }
        // What kube-proxy hands over is text. How a rule of it is named is shared.
        let netfilter_but_names = line.contains("crate::netfilter") && !line.contains("RuleAt");
        if room == "proxy" && netfilter_but_names {
            report("proxy is to use nothing of netfilter but the names of rules".to_owned());
        }
    }
}

/// The lines, numbered from 1, that are neither comment nor test.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// What follows `crate::` in a line: a name, or those in braces. (rustfmt keeps a braced list that
/// begins at `crate::` on one line as long as it fits; longer ones do not occur.)
fn rooms_named(line: &str) -> Vec<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut named = Vec::new();
    for (at, word) in line.match_indices("crate::") {
        let rest = &line[at + word.len()..];
        match rest.strip_prefix('{') {
            None => named.extend(rest.split(|c| !is_name(c)).next()),
            Some(list) => {
                let mut depth = 0;
                let parts = list.split(|c| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    c == ',' && depth == 0
                });
                named.extend(parts.filter_map(|part| part.trim().split(|c| !is_name(c)).next()));
            }
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "//! | module | is |\n//! | --- | --- |\n//! | [`diagnostic`], [`limits`] | places |\n\
        //! | [`net`] | packets |\n//! | [`netfilter`] | a host |\n//! | [`api`] | objects |\n\
        //! | [`proxy`] | kube-proxy |\npub mod api;\npub mod dns;\npub mod net;\n";

    fn problems(path: &str, text: &str) -> Vec<(usize, String)> {
        let source = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let sources = [source("engine/src/lib.rs", TABLE), source(path, text)];
        let mut problems = Vec::new();
        check(&sources, &mut problems).unwrap();
        problems.retain(|problem| problem.path == path);
        problems
            .into_iter()
            .map(|problem| (problem.line, problem.what))
            .collect()
    }

    #[test]
    fn the_table_is_read() {
        assert_eq!(
            order(TABLE),
            [
                vec!["diagnostic", "limits"],
                vec!["net"],
                vec!["netfilter"],
                vec!["api"],
                vec!["proxy"]
            ]
        );
    }

    #[test]
    fn a_module_that_the_table_lacks_is_found() {
        let found = problems("engine/src/lib.rs", TABLE);
        assert!(
            found
                .iter()
                .any(|(line, what)| *line == 9 && what.contains("dns")),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_above_is_out_of_reach() {
        assert_eq!(
            problems(
                "engine/src/api/mod.rs",
                "use crate::net::Ip;\nuse crate::limits;\n"
            ),
            []
        );
        let found = problems(
            "engine/src/net/mod.rs",
            "//! x\nuse crate::{limits, api::{Pod, x}, net};\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].0 == 2 && found[0].1.contains("net uses api"),
            "{found:?}"
        );
        // Documentation may point anywhere, and a test may build what it likes.
        let text =
            "//! See [`crate::api`].\n#[cfg(test)]\nmod tests {\n    use crate::api::Pod;\n}\n";
        assert_eq!(problems("engine/src/net/mod.rs", text), []);
    }

    #[test]
    fn the_two_invariants_of_the_house() {
        assert_eq!(
            problems(
                "engine/src/netfilter/a.rs",
                "const A: &str = \"KUBE-SERVICES\";\n"
            )
            .len(),
            1
        );
        assert_eq!(
            problems(
                "engine/src/netfilter/a.rs",
                "/// As kube-proxy.\nstruct A;\n"
            ),
            []
        );
        assert_eq!(
            problems("engine/src/proxy/a.rs", "use crate::netfilter::RuleAt;\n"),
            []
        );
        assert_eq!(
            problems("engine/src/proxy/a.rs", "use crate::netfilter::Host;\n").len(),
            1
        );
    }
}
