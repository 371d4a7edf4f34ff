//! What goes on beside the lines: the servers' logs, commands that run on, forwarded ports.
//!
//! A log has the requests that were walked to a Pod, in the words of its image: nginx and httpd write
//! their combined format, others a line with time, request and client. What a program says at its
//! start is not known here. A command that runs on prints when it is asked ([`crate::lab::Lab::poll`]):
//! the person's time decides how often. None of this is taken back or done again.

use super::filters::args::Flags;
use super::output::{Output, Printed};
use super::place::Place;
use super::tools::image_name;
use super::verbs::milliseconds;
use crate::kubectl::time;
use crate::lab::{Lab, World};
use crate::limits::MAX_LOG_LINES;
use crate::network::{Journey, VerdictKind};

/// What goes on.
#[derive(Clone, Debug, Default)]
pub struct Live {
    logs: Vec<Logged>,
    /// How many lines of the log are gone already.
    forgotten: usize,
    running: Option<Running>,
    forwards: Vec<Forward>,
    /// The method and the agent of the request that is sent next.
    agent: Option<(String, String)>,
}

/// A line of a Pod's log.
#[derive(Clone, Debug)]
struct Logged {
    /// `namespace/name`.
    pod: String,
    line: String,
}

/// A port of the laptop that leads into a Pod.
#[derive(Clone, Debug)]
struct Forward {
    local: u16,
    pod: Place,
    port: u16,
}

/// A command that runs on.
#[derive(Clone, Debug)]
struct Running {
    what: What,
    /// When it looks again, in milliseconds of virtual time.
    next: u64,
}

#[derive(Clone, Debug)]
enum What {
    /// `watch COMMAND`.
    Watch { line: String, every: u64 },
    /// `kubectl get -w`: the words, and the version of every object.
    Get {
        words: Vec<String>,
        seen: Vec<String>,
    },
    /// `kubectl rollout status`: the words, and what was printed last.
    Rollout { words: Vec<String>, last: String },
    /// `kubectl logs -f`: of which Pods, and from which line on.
    Logs {
        pods: Vec<(String, String)>,
        from: usize,
        prefix: bool,
    },
    /// `kubectl port-forward`.
    Forward,
}

impl Live {
    /// The next request is of this method and agent.
    pub(super) fn speak_as(&mut self, method: &str, agent: &str) {
        self.agent = Some((method.to_owned(), agent.to_owned()));
    }

    /// Notes a request in the log of who answered it.
    pub(crate) fn note(&mut self, world: &World, journey: &Journey) {
        let agent = self.agent.take();
        let Some((served, pod)) = journey
            .served
            .as_ref()
            .and_then(|s| Some((s, s.pod.as_ref()?)))
        else {
            return;
        };
        let to = journey.request.to.as_str();
        let is_http = match to.split_once("://") {
            Some((scheme, _)) => scheme == "http",
            None => agent.is_some(),
        };
        if served.port.is_none() || !is_http || journey.verdict.kind == VerdictKind::Unreachable {
            return;
        }
        let (method, agent) = agent.unwrap_or_else(|| ("GET".to_owned(), "lobby".to_owned()));
        let rest = to.split_once("://").map_or(to, |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
        let found = world.store.pod(namespace, name);
        let image = found.and_then(|pod| pod.spec.containers.first());
        let image = image.map_or("", |container| container.image.as_str());
        let seconds = world.cluster().seconds();
        let sees = served.sees;
        let line = match image_name(image).0 {
            "nginx" | "nginx-unprivileged" => format!(
                "{sees} - - [{}] \"{method} {path} HTTP/1.1\" 200 - \"-\" \"{agent}\" \"-\"",
                clf(seconds)
            ),
            "httpd" => format!(
                "{sees} - - [{}] \"{method} {path} HTTP/1.1\" 200 -",
                clf(seconds)
            ),
            _ => format!("{} {method} {path} from {sees}", time::print(seconds)),
        };
        if self.logs.len() >= MAX_LOG_LINES {
            self.logs.remove(0);
            self.forgotten += 1;
        }
        self.logs.push(Logged {
            pod: pod.clone(),
            line,
        });
    }

    /// The lines of some Pods from a place on, and the place behind them.
    fn lines(&self, pods: &[(String, String)], from: usize, prefix: bool) -> (Vec<String>, usize) {
        let skipped = from.saturating_sub(self.forgotten);
        let lines = self.logs.iter().skip(skipped).filter_map(|logged| {
            let (pod, container) = pods.iter().find(|(pod, _)| *pod == logged.pod)?;
            Some(if prefix {
                let name = pod.rsplit('/').next().unwrap_or(pod);
                format!("[pod/{name}/{container}] {}\n", logged.line)
            } else {
                format!("{}\n", logged.line)
            })
        });
        (lines.collect(), self.forgotten + self.logs.len())
    }

    /// `kubectl logs`: what the Pods logged, the last so many lines of each.
    pub(super) fn logs(
        &mut self,
        pods: Vec<(String, String)>,
        tail: Option<usize>,
        prefix: bool,
        follows: bool,
    ) -> Printed {
        let mut text = String::new();
        for pod in &pods {
            let (lines, _) = self.lines(std::slice::from_ref(pod), 0, prefix);
            let skip = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
            text.extend(lines.into_iter().skip(skip));
        }
        if follows {
            let from = self.forgotten + self.logs.len();
            self.start(What::Logs { pods, from, prefix }, 0);
        }
        Printed::stdout(text)
    }

    fn start(&mut self, what: What, next: u64) {
        self.running = Some(Running { what, next });
    }

    /// `kubectl port-forward`: ports of the laptop lead into a Pod until it is interrupted.
    pub(super) fn forward(&mut self, pod: &Place, ports: &[(u16, u16)]) {
        for (local, port) in ports {
            self.forwards.retain(|own| own.local != *local);
            self.forwards.push(Forward {
                local: *local,
                pod: pod.clone(),
                port: *port,
            });
        }
        self.start(What::Forward, 0);
    }

    /// Where a port of the laptop leads.
    pub(super) fn forwarded(&self, local: u16) -> Option<(Place, u16)> {
        let found = self.forwards.iter().find(|own| own.local == local);
        found.map(|own| (own.pod.clone(), own.port))
    }

    /// Whether a command runs on.
    pub(crate) fn runs_on(&self) -> bool {
        self.running.is_some()
    }

    /// `kubectl get -w` runs on: these are its words.
    pub(super) fn watch_get(&mut self, words: Vec<String>, seen: Vec<String>) {
        self.start(What::Get { words, seen }, 0);
    }

    /// `kubectl rollout status` runs on.
    pub(super) fn watch_rollout(&mut self, words: Vec<String>, last: String) {
        self.start(What::Rollout { words, last }, 0);
    }

    /// Ends what runs on; gives whether anything did.
    pub(crate) fn interrupt(&mut self) -> bool {
        self.forwards.clear();
        self.running.take().is_some()
    }
}

/// The time of day in the Common Log Format: `01/Jan/2026:08:00:05 +0000`.
fn clf(seconds: i64) -> String {
    let text = time::print(seconds);
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("");
    let month = part(5, 7).parse::<usize>().unwrap_or(1).clamp(1, 12);
    format!(
        "{}/{}/{}:{} +0000",
        part(8, 10),
        months[month - 1],
        part(0, 4),
        part(11, 19)
    )
}

/// `watch [-n SECONDS] COMMAND`.
pub(super) fn watch(shell: &mut super::shell::Shell<'_>, args: &[&str]) -> Printed {
    // The flags end where the command begins.
    let mut own = 0;
    while let Some(arg) = args.get(own).filter(|arg| arg.starts_with('-')) {
        own += 1 + usize::from(matches!(*arg, "-n" | "--interval"));
    }
    let (flags, command) = args.split_at(own.min(args.len()));
    let given = Flags {
        switches: "tdxeg",
        values: "n",
        long: &[("interval", 'n'), ("no-title", 't'), ("differences", 'd')],
    }
    .read(flags);
    let given = match given {
        Ok(given) => given,
        Err(why) => return Printed::failure(1, format!("watch: {why}")),
    };
    let every = given
        .value('n')
        .map_or(Some(2_000), |text| match text.split_once('.') {
            Some((whole, _)) => milliseconds(whole),
            None => milliseconds(text),
        });
    let Some(every) = every.filter(|_| !command.is_empty()) else {
        return Printed::failure(1, "usage: watch [-n SECONDS] COMMAND");
    };
    if !shell.is_alone() {
        return Printed::failure(1, "watch: it stands alone on its line");
    }
    let line = command.join(" ");
    let every = every.max(100);
    let printed = screen(&line, every, shell.text(&line, None));
    let next = shell.lab.cluster().now().saturating_add(every);
    shell.lab.live().start(What::Watch { line, every }, next);
    printed
}

fn screen(line: &str, every: u64, printed: Printed) -> Printed {
    let head = format!("Every {}.{}s: {line}\n\n", every / 1_000, every / 100 % 10);
    let mut all = Printed::stdout(head);
    all.then(printed);
    all
}

/// What a command that runs on prints now.
pub(crate) fn poll(lab: &mut Lab) -> Output {
    let now = lab.cluster().now();
    let Some(mut running) = lab.live().running.take() else {
        return Output::default();
    };
    let mut output = Output {
        runs_on: true,
        ..Output::default()
    };
    let mut printed = Printed::default();
    if now >= running.next {
        let mut shell = super::shell::Shell::new(lab);
        match &mut running.what {
            What::Watch { line, every } => {
                running.next = now.saturating_add(*every);
                printed = screen(line, *every, shell.text(line, None));
                output.replaces = true;
            }
            What::Get { words, seen } => {
                let (rows, versions) = shell.rows(words);
                let changed = rows
                    .into_iter()
                    .zip(&versions)
                    .filter(|(_, version)| !seen.contains(version));
                printed.out(changed.map(|(row, _)| row + "\n").collect::<String>());
                *seen = versions;
            }
            What::Rollout { words, last } => {
                let next = shell.kubectl_alone(words);
                let text: String = next
                    .chunks
                    .iter()
                    .map(|chunk| chunk.text.as_str())
                    .collect();
                if text != *last {
                    printed = next.clone();
                }
                output.runs_on = is_waiting(&text);
                output.exit_code = next.code;
                *last = text;
            }
            What::Logs { pods, from, prefix } => {
                let (lines, next) = shell.lab.live().lines(pods, *from, *prefix);
                printed.out(lines.concat());
                *from = next;
            }
            What::Forward => {}
        }
    }
    if output.runs_on {
        lab.live().running = Some(running);
    }
    output.chunks = printed.chunks;
    output
}

/// Whether a rollout is not over yet.
pub(super) fn is_waiting(text: &str) -> bool {
    text.lines()
        .last()
        .is_some_and(|line| line.starts_with("Waiting ") || line.starts_with("waiting "))
}
