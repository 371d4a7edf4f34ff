//! The commands: which there are, and which one a line means.

mod apply;
mod change;
mod config;
mod create;
mod delete;
mod describe;
mod explain;
mod expose;
mod get;
mod labels;
mod node;
mod pod;
mod rollout;
mod run;
mod scale;
mod server;
mod set;

pub(crate) use server::SERVER_VERSION;

use super::api::Api;
use super::args::{self, Flag, GLOBAL, Takes, flag};
use super::error::Error;
use super::output::PRINT;
use super::select::{FILES, SELECTOR, WHICH};
use super::{Cx, Kubectl, Out};

/// What commands have that change something.
const CHANGE: &[Flag] = &[
    flag("dry-run", Takes::Maybe("unchanged")),
    flag("field-manager", Takes::Text),
    flag("save-config", Takes::Bool),
    flag("validate", Takes::Maybe("strict")),
    flag("record", Takes::Bool),
    flag("overrides", Takes::Text),
    flag("override-type", Takes::Text),
];

/// A command.
struct Command {
    /// Its words behind `kubectl`.
    words: &'static [&'static str],
    /// Other words for the last of them.
    aliases: &'static [&'static str],
    flags: &'static [&'static [Flag]],
    run: fn(&mut Cx<'_>) -> Result<(), Error>,
}

const fn command(
    words: &'static [&'static str],
    flags: &'static [&'static [Flag]],
    run: fn(&mut Cx<'_>) -> Result<(), Error>,
) -> Command {
    Command {
        words,
        aliases: &[],
        flags,
        run,
    }
}

const fn alias(mut command: Command, aliases: &'static [&'static str]) -> Command {
    command.aliases = aliases;
    command
}

static COMMANDS: &[Command] = &[
    command(
        &["annotate"],
        &[PRINT, FILES, WHICH, CHANGE, labels::FLAGS],
        labels::annotate,
    ),
    command(
        &["api-resources"],
        &[server::RESOURCES_FLAGS],
        server::api_resources,
    ),
    command(&["api-versions"], &[], server::api_versions),
    command(
        &["apply"],
        &[PRINT, FILES, SELECTOR, CHANGE, apply::FLAGS],
        apply::run,
    ),
    command(&["cluster-info"], &[], server::cluster_info),
    command(&["config", "current-context"], &[], config::current_context),
    command(
        &["config", "get-contexts"],
        &[config::GET_FLAGS],
        config::get_contexts,
    ),
    command(
        &["config", "set-context"],
        &[config::SET_FLAGS],
        config::set_context,
    ),
    command(&["config", "view"], &[config::VIEW_FLAGS], config::view),
    command(&["cordon"], &[CHANGE, SELECTOR], node::cordon),
    command(
        &["create"],
        &[PRINT, FILES, SELECTOR, CHANGE],
        create::from_files,
    ),
    alias(
        command(
            &["create", "deployment"],
            &[PRINT, CHANGE, create::DEPLOYMENT_FLAGS],
            create::deployment,
        ),
        &["deploy"],
    ),
    alias(
        command(
            &["create", "namespace"],
            &[PRINT, CHANGE],
            create::namespace,
        ),
        &["ns"],
    ),
    command(
        &["create", "service", "clusterip"],
        &[PRINT, CHANGE, create::CLUSTER_IP_FLAGS],
        create::cluster_ip,
    ),
    command(
        &["create", "service", "externalname"],
        &[PRINT, CHANGE, create::EXTERNAL_NAME_FLAGS],
        create::external_name,
    ),
    command(
        &["create", "service", "loadbalancer"],
        &[PRINT, CHANGE, create::TCP_FLAGS],
        create::load_balancer,
    ),
    command(
        &["create", "service", "nodeport"],
        &[PRINT, CHANGE, create::NODE_PORT_FLAGS],
        create::node_port,
    ),
    command(
        &["delete"],
        &[FILES, WHICH, CHANGE, delete::FLAGS],
        delete::run,
    ),
    command(
        &["describe"],
        &[FILES, WHICH, describe::FLAGS],
        describe::run,
    ),
    command(
        &["drain"],
        &[CHANGE, SELECTOR, node::DRAIN_FLAGS],
        node::drain,
    ),
    command(&["exec"], &[FILES, pod::EXEC_FLAGS], pod::exec),
    command(&["explain"], &[explain::FLAGS], explain::run),
    command(
        &["expose"],
        &[PRINT, FILES, CHANGE, expose::FLAGS],
        expose::run,
    ),
    command(
        &["get"],
        &[PRINT, FILES, WHICH_OF_GET, get::FLAGS],
        get::run,
    ),
    command(
        &["label"],
        &[PRINT, FILES, WHICH, CHANGE, labels::FLAGS],
        labels::label,
    ),
    command(&["logs"], &[pod::LOGS_FLAGS], pod::logs),
    command(
        &["patch"],
        &[PRINT, FILES, CHANGE, change::PATCH_FLAGS],
        change::patch,
    ),
    command(&["port-forward"], &[pod::FORWARD_FLAGS], pod::port_forward),
    command(
        &["replace"],
        &[PRINT, FILES, CHANGE, change::REPLACE_FLAGS],
        change::replace,
    ),
    command(
        &["rollout", "restart"],
        &[PRINT, FILES, SELECTOR, CHANGE],
        rollout::restart,
    ),
    command(
        &["rollout", "status"],
        &[FILES, SELECTOR, rollout::STATUS_FLAGS],
        rollout::status,
    ),
    command(&["run"], &[PRINT, FILES, CHANGE, run::FLAGS], run::run),
    command(
        &["scale"],
        &[PRINT, FILES, WHICH, CHANGE, scale::FLAGS],
        scale::run,
    ),
    command(
        &["set", "image"],
        &[PRINT, FILES, WHICH, CHANGE, set::FLAGS],
        set::image,
    ),
    command(
        &["set", "selector"],
        &[PRINT, FILES, WHICH, CHANGE, set::FLAGS],
        set::selector,
    ),
    command(&["uncordon"], &[CHANGE, SELECTOR], node::uncordon),
    command(&["version"], &[server::VERSION_FLAGS], server::version),
];

/// `get` has no `--all`: a type without a name means all of them.
const WHICH_OF_GET: &[Flag] = &[
    args::short("selector", 'l', Takes::Text),
    flag("field-selector", Takes::Text),
    args::short("all-namespaces", 'A', Takes::Bool),
];

/// Commands of kubectl that are not there, and what is near.
const NOT_THERE: &[(&str, &str)] = &[
    ("attach", "exec and logs"),
    ("auth", "nothing: everybody may do everything"),
    ("autoscale", "scale"),
    ("certificate", "nothing: there are no certificates"),
    ("cp", "nothing: Pods have no files"),
    ("debug", "run"),
    ("diff", "apply --dry-run=server"),
    ("edit", "patch, or the editor and apply -f -"),
    ("events", "get events"),
    ("kustomize", "apply -f -"),
    ("plugin", "nothing"),
    ("proxy", "get --output=json"),
    ("taint", "cordon"),
    ("top", "nothing: nothing is measured"),
    ("wait", "rollout status"),
];

/// The names of all commands, for completion: `get`, `create service nodeport`.
#[must_use]
pub(super) fn names() -> Vec<String> {
    COMMANDS
        .iter()
        .map(|command| command.words.join(" "))
        .collect()
}

/// The flags of a command by its words.
pub(super) fn flags(command: &str) -> Vec<(&'static str, char)> {
    let own = COMMANDS.iter().find(|own| own.words.join(" ") == command);
    let own = own.map_or(&[][..], |own| own.flags).iter().copied();
    let own = own.chain([GLOBAL]).flatten();
    own.map(|flag| (flag.name, flag.short)).collect()
}

/// Runs what a command line says.
pub(super) fn run(
    kubectl: &mut Kubectl,
    api: &mut dyn Api,
    words: &[String],
    stdin: &str,
    out: &mut Out,
) -> Result<(), Error> {
    // The places of the words that name the command.
    let mut places: Vec<usize> = Vec::new();
    let mut path: Vec<&'static str> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let word = words[at].as_str();
        if word == "--" {
            break;
        }
        if word.starts_with('-') && word.len() > 1 {
            at += 1 + usize::from(takes_next(word));
            continue;
        }
        let depth = path.len();
        let next = COMMANDS.iter().find_map(|command| {
            let on_path = command.words.len() > depth && command.words[..depth] == path[..];
            let name = *command.words.get(depth)?;
            let last = command.words.len() == depth + 1;
            let named = name == word
                || (last && command.aliases.contains(&word))
                || (name == "service" && depth == 1 && word == "svc");
            (on_path && named).then_some(name)
        });
        let Some(next) = next else { break };
        path.push(next);
        places.push(at);
        at += 1;
    }
    let full = std::iter::once("kubectl")
        .chain(path.iter().copied())
        .collect::<Vec<_>>()
        .join(" ");
    let rest: Vec<String> = words
        .iter()
        .enumerate()
        .filter(|(at, _)| !places.contains(at))
        .map(|(_, word)| word.clone())
        .collect();
    let Some(command) = COMMANDS.iter().find(|command| command.words == path) else {
        return no_command(&path, &full, &rest, out);
    };
    let flags = args::parse(&full, command.flags, &rest)?;
    if flags.on("help") {
        out.stdout.push_str(&help(command, &full));
        return Ok(());
    }
    let mut cx = Cx {
        kubectl,
        api,
        command: full,
        flags,
        stdin,
        out,
    };
    (command.run)(&mut cx)
}

/// Whether a flag before the command has its value in the next word.
fn takes_next(word: &str) -> bool {
    let found = if let Some(name) = word.strip_prefix("--") {
        !name.contains('=')
            && GLOBAL
                .iter()
                .any(|flag| flag.name == name && flag.takes != Takes::Bool)
    } else {
        let mut chars = word.chars().skip(1);
        let first = chars.next();
        chars.next().is_none()
            && GLOBAL
                .iter()
                .any(|flag| Some(flag.short) == first && flag.takes != Takes::Bool)
    };
    // Flags of the commands themselves seldom stand before them: `--tcp 80` is read with them.
    found
        || COMMANDS
            .iter()
            .flat_map(|command| command.flags.iter().copied().flatten())
            .any(|flag| {
                let takes = !matches!(flag.takes, Takes::Bool | Takes::Maybe(_));
                takes
                    && (word.strip_prefix("--") == Some(flag.name)
                        || (flag.short != '\0'
                            && word.strip_prefix('-').is_some_and(|short| {
                                short.chars().eq(std::iter::once(flag.short))
                            })))
            })
}

/// The line means no command.
fn no_command(
    path: &[&'static str],
    full: &str,
    rest: &[String],
    out: &mut Out,
) -> Result<(), Error> {
    let depth = path.len();
    let children: Vec<&'static str> = {
        let mut names: Vec<&'static str> = COMMANDS
            .iter()
            .filter(|command| command.words.len() > depth && command.words[..depth] == *path)
            .map(|command| command.words[depth])
            .collect();
        names.dedup();
        names
    };
    let word = rest.iter().find(|word| !word.starts_with('-'));
    match word {
        Some(word) if depth == 0 => {
            if let Some((_, near)) = NOT_THERE.iter().find(|(name, _)| name == word) {
                return Err(Error::Plain(format!(
                    "kubectl {word} is not there in this lab; near: {near}"
                )));
            }
            let mut text = format!(
                "unknown command {} for \"kubectl\"",
                crate::api::validation::quote(word)
            );
            let near: Vec<&str> = children
                .iter()
                .copied()
                .filter(|name| distance(word, name) <= 2 || name.starts_with(word.as_str()))
                .collect();
            if !near.is_empty() {
                text.push_str("\n\nDid you mean this?\n");
                for name in near {
                    text.push_str(&format!("\t{name}\n"));
                }
            }
            Err(Error::Plain(text))
        }
        Some(word) if !rest.is_empty() => Err(Error::Plain(format!(
            "{full} {word} is not there; there is: {}",
            children.join(", ")
        ))),
        _ => {
            out.stdout.push_str(&format!(
                "Available Commands:\n{}",
                children
                    .iter()
                    .map(|name| format!("  {name}\n"))
                    .collect::<String>()
            ));
            Ok(())
        }
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    // Beyond this length nothing is near.
    for (i, x) in a.to_lowercase().chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// A short help: the flags. kubectl's own help texts are not reproduced.
fn help(command: &Command, full: &str) -> String {
    let mut text = format!("Usage:\n  {full} [flags] [options]\n\nOptions:\n");
    let mut flags: Vec<&Flag> = command.flags.iter().copied().flatten().collect();
    flags.sort_by_key(|flag| flag.name);
    for flag in flags {
        let short = match flag.short {
            '\0' => "    ".to_owned(),
            short => format!("-{short}, "),
        };
        text.push_str(&format!("    {short}--{}\n", flag.name));
    }
    text
}
