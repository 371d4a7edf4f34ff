//! kubectl: a command line in, the very text that kubectl prints out.
//!
//! Modelled on kubectl v1.36 (k8s.io/kubectl, k8s.io/cli-runtime) against an API of v1.34: how a
//! line is read ([`args`]), which objects it means (`select`), the tables that the API server
//! prints (`table`, Kubernetes `pkg/printers/internalversion/printers.go`), descriptions
//! (`describe`), generators (`create`, `expose`, `run`), patches and the three-way merge of `apply`
//! ([`patch`]), and every error with its exit code ([`error`]).
//!
//! It speaks to an [`api::Api`] and to nothing else: no clock, no file, no network. `-f -` reads
//! the text given as standard input; a file is one of those in [`Kubectl::files`].
//!
//! Left out, and said so when asked for: Go templates, `edit`, `--server-side`, `--prune`, `diff`,
//! `debug`, everything about other clusters and other kinds than those of
//! [`resource::RESOURCES`]. `--watch` prints what there is, because no time passes here.

pub mod api;
pub mod args;
mod commands;
mod describe;
pub mod error;
mod jsonpath;
mod output;
pub mod patch;
pub mod resource;
mod select;
pub mod shell;
mod sort;
pub mod state;
mod table;
pub mod time;
pub mod tree;
mod yaml_out;

use api::Api;
use args::Parsed;
use error::Error;
use resource::Resource;

pub(crate) use commands::SERVER_VERSION;
pub use state::State;
pub(crate) use state::validate::decodable as refused_as_undecodable;

/// What a command leaves to its caller: something happens in a Pod, and kubectl only shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// A command runs in a container, and what it prints is printed.
    Exec {
        /// The Pod's namespace.
        namespace: String,
        /// The Pod's name.
        pod: String,
        /// The container's name.
        container: String,
        /// The words of the command; none for the image's own.
        command: Vec<String>,
        /// Whether the Pod was made for this command (`run`), which is then its own process.
        is_new: bool,
        /// Whether the Pod is deleted when the command has ended (`run --rm`).
        remove: bool,
        /// Whether standard input is handed on (`-i`), and whether a terminal is (`-t`).
        input: (bool, bool),
    },
    /// What containers printed is printed.
    Logs {
        /// The Pods' namespace.
        namespace: String,
        /// Pods and one container of each.
        targets: Vec<(String, String)>,
        /// How many of the last lines; all of them when there is no number.
        tail: Option<usize>,
        /// Whether every line begins with its Pod and container.
        prefix: bool,
        /// Whether what comes later is printed too (`-f`).
        follow: bool,
    },
    /// Objects are being deleted, and kubectl waits until they are gone (`delete --wait`).
    Gone {
        /// Each one's resource, namespace, name and uid: one of its name that comes later is
        /// another.
        objects: Vec<(&'static Resource, String, String, String)>,
        /// For how many seconds; as long as it takes when there is no number.
        timeout: Option<u64>,
    },
    /// Ports of the person's own machine lead to a Pod: past the Service, even when one was named.
    PortForward {
        /// The Pod's namespace.
        namespace: String,
        /// The Pod's name.
        pod: String,
        /// Local ports, zero for any, and the Pod's.
        ports: Vec<(u16, u16)>,
    },
}

/// What a command printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Zero when all went well.
    pub exit_code: u8,
    /// What is still to be done, and printed, by who has a cluster that runs.
    pub then: Option<Then>,
}

/// kubectl with its configuration: all that lives longer than a command, beside the cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    /// The namespace of the current context.
    pub namespace: String,
    /// The files that `-f` finds, with their contents.
    pub files: Vec<(String, String)>,
}

impl Default for Kubectl {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            files: Vec::new(),
        }
    }
}

impl Kubectl {
    /// The commands that are there, `get` and `create service nodeport` among them: for completion.
    #[must_use]
    pub fn commands() -> Vec<String> {
        commands::names()
    }

    /// The flags of a command, each by its long name and its letter (`\0` for none); those that all
    /// commands have come last.
    #[must_use]
    pub fn flags(command: &str) -> Vec<(&'static str, char)> {
        commands::flags(command)
    }

    /// Runs one command. `words` are what stands behind `kubectl`; `stdin` is read by `-f -`.
    ///
    /// Never panics, whatever the words are.
    pub fn run(&mut self, api: &mut dyn Api, words: &[String], stdin: &str) -> Output {
        let mut out = Out::default();
        let result = commands::run(self, api, words, stdin, &mut out);
        let exit_code = u8::from(result.is_err());
        if let Err(error) = result {
            out.stderr.push_str(&error.print());
        }
        Output {
            stdout: out.stdout,
            stderr: out.stderr,
            exit_code,
            then: out.then,
        }
    }
}

/// A tree as `kubectl get -o yaml` prints it.
#[must_use]
pub fn print_yaml(object: &crate::yaml::Node) -> String {
    yaml_out::print(&tree::Value::from(object))
}

/// What was printed so far.
#[derive(Default)]
struct Out {
    stdout: String,
    stderr: String,
    /// Each of the server's warnings is told once.
    warned: Vec<&'static str>,
    then: Option<Then>,
}

/// A command at work.
struct Cx<'a> {
    kubectl: &'a mut Kubectl,
    api: &'a mut dyn Api,
    /// `kubectl create service nodeport`.
    command: String,
    flags: Parsed,
    stdin: &'a str,
    out: &'a mut Out,
}

/// Whether a command does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DryRun {
    No,
    Client,
    Server,
}

impl Cx<'_> {
    /// The namespace that the command is about.
    fn namespace(&self) -> String {
        match self.flags.text("namespace") {
            "" => self.kubectl.namespace.clone(),
            namespace => namespace.to_owned(),
        }
    }

    /// Whether `-n` was given.
    fn enforce_namespace(&self) -> bool {
        !self.flags.text("namespace").is_empty()
    }

    fn print(&mut self, text: &str) {
        self.out.stdout.push_str(text);
    }

    fn warn(&mut self, text: &str) {
        self.out.stderr.push_str(text);
        self.out.stderr.push('\n');
    }

    /// Tells what the server warns of when this resource is asked for.
    fn asked_for(&mut self, resource: &Resource) {
        if let Some(warning) = resource.warning
            && !self.out.warned.contains(&warning)
        {
            self.out.warned.push(warning);
            self.warn(&format!("Warning: {warning}"));
        }
    }

    fn dry_run(&self) -> Result<DryRun, Error> {
        if !self.flags.has("dry-run") {
            return Ok(DryRun::No);
        }
        match self.flags.text("dry-run") {
            "client" | "unchanged" | "true" | "1" | "t" | "T" | "TRUE" | "True" => {
                Ok(DryRun::Client)
            }
            "server" => Ok(DryRun::Server),
            "none" | "false" | "0" | "f" | "F" | "FALSE" | "False" => Ok(DryRun::No),
            other => Err(Error::Plain(format!(
                "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
