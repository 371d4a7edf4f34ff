//! The engine on the command line. No logic of its own: it reads files, calls the engine, prints.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lobby_engine::api::{Object, defaults};
use lobby_engine::diagnostic::{Diagnostic, Severity};
use lobby_engine::lab::{Lab, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;
use lobby_engine::proxy;

/// Kubernetes Services as a lab: the rules that kube-proxy writes, and the way a packet takes.
#[derive(Parser)]
#[command(name = "lobby", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the rules that kube-proxy writes on one Node
    Rules(Rules),
    /// Send one packet, and print every place it comes through
    Trace(Trace),
}

#[derive(Args)]
struct Files {
    /// Manifests; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Args)]
struct Rules {
    /// The mode of kube-proxy
    #[arg(long, value_enum, default_value_t = Mode::Iptables)]
    mode: Mode,
    /// Settings of one kube-proxy (YAML); without them the manifests make a lab's world first
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Node, in a lab's world; the first one when not given
    #[arg(long, conflicts_with = "config")]
    node: Option<String>,
    #[command(flatten)]
    files: Files,
}

#[derive(Args)]
struct Trace {
    /// Who sends: pod/NAME, pod/NAMESPACE/NAME, node/NAME or external
    #[arg(long)]
    from: String,
    /// Where to: a URL, or an address with a port
    #[arg(long, value_name = "URL|IP:PORT")]
    to: String,
    /// TCP, UDP or SCTP
    #[arg(long, default_value = "TCP")]
    protocol: Protocol,
    /// Where all draws come from
    #[arg(long, default_value_t = lobby_engine::lab::DEFAULT_SEED)]
    seed: u64,
    /// Print the journey as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    files: Files,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Iptables,
    Ipvs,
    Nftables,
}

impl From<Mode> for proxy::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Iptables => Self::Iptables,
            Mode::Ipvs => Self::Ipvs,
            Mode::Nftables => Self::Nftables,
        }
    }
}

/// Something that ends the program with exit code 1.
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    // clap itself ends with code 2 when the usage is wrong.
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Rules(args) => rules(args),
        Command::Trace(args) => trace(args),
    };
    match result {
        Ok(text) => {
            // A closed pipe (`lobby rules … | head`) is no failure of ours.
            use std::io::Write as _;
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(Failure(message)) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

fn rules(args: &Rules) -> Result<String, Failure> {
    let mode = proxy::Mode::from(args.mode);
    let sources = Sources::read(&args.files.files)?;
    let Some(config) = &args.config else {
        let lab = sources.lab(Settings::default())?;
        let scene = lab.scene();
        let node = match &args.node {
            Some(node) => node.clone(),
            None => scene
                .wings
                .first()
                .map(|wing| wing.node.name.clone())
                .unwrap_or_default(),
        };
        return lab
            .dump_rules(&node, mode)
            .ok_or_else(|| Failure(format!("nodes \"{node}\" not found")));
    };
    let text = read(config)?;
    let config: proxy::ProxyConfig = serde_yaml::from_str(&text)
        .map_err(|error| Failure(format!("{}: {error}", config.display())))?;
    let objects = sources.objects()?;
    let rules = proxy::RuleSet::new(
        mode,
        &config,
        objects.iter().find_map(|object| match object {
            Object::Node(node) if node.metadata.name == config.node => Some(node),
            _ => None,
        }),
        objects.iter().filter_map(|object| match object {
            Object::Service(service) => Some(service),
            _ => None,
        }),
        objects.iter().filter_map(|object| match object {
            Object::EndpointSlice(slice) => Some(slice),
            _ => None,
        }),
    )?;
    Ok(proxy::dump(&rules))
}

fn trace(args: &Trace) -> Result<String, Failure> {
    let sources = Sources::read(&args.files.files)?;
    let mut lab = sources.lab(Settings {
        seed: args.seed,
        ..Settings::default()
    })?;
    let journey = lab.send(&Request {
        from: args.from.clone(),
        to: args.to.clone(),
        protocol: args.protocol,
    })?;
    if args.json {
        Ok(serde_json::to_string_pretty(&journey)? + "\n")
    } else {
        Ok(journey.to_string())
    }
}

/// The files of a command, one after another as documents of one text.
struct Sources {
    text: String,
    /// Each file's name and the line of the whole text on which it begins.
    starts: Vec<(String, u32)>,
}

impl Sources {
    fn read(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut sources = Self {
            text: String::new(),
            starts: Vec::new(),
        };
        for file in files {
            if !sources.text.is_empty() {
                sources.text.push_str("---\n");
            }
            let line = 1 + sources.text.matches('\n').count();
            sources
                .starts
                .push((file.display().to_string(), u32::try_from(line)?));
            sources.text.push_str(&read(file)?);
            if !sources.text.ends_with('\n') {
                sources.text.push('\n');
            }
        }
        Ok(sources)
    }

    /// The lab's world of these manifests; whatever there is to say about them goes to standard
    /// error, and an error ends the program.
    fn lab(&self, settings: Settings) -> Result<Lab, Failure> {
        let mut lab = Lab::new(settings);
        let outcome = lab.open(&self.text);
        self.tell(&outcome.diagnostics)?;
        Ok(lab)
    }

    /// The manifests' objects with the API server's defaults, and no more.
    fn objects(&self) -> Result<Vec<Object>, Failure> {
        let reading = lobby_engine::manifest::read(&self.text);
        self.tell(&reading.diagnostics)?;
        let mut objects: Vec<Object> = reading
            .documents
            .into_iter()
            .map(|document| document.object)
            .collect();
        objects.iter_mut().for_each(defaults::object);
        Ok(objects)
    }

    fn tell(&self, diagnostics: &[Diagnostic]) -> Result<(), Failure> {
        let mut errors = String::new();
        for diagnostic in diagnostics {
            let line = self.line(diagnostic);
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

    /// `file:line:column: severity: message`, and on a line of its own what to try.
    fn line(&self, diagnostic: &Diagnostic) -> String {
        let mut line = String::new();
        if let Some(span) = diagnostic.span {
            let start = self
                .starts
                .iter()
                .rev()
                .find(|(_, first)| *first <= span.start.line);
            let (file, first) = start.map_or(("", 1), |(file, first)| (file.as_str(), *first));
            let _ = write!(
                line,
                "{file}:{}:{}: ",
                span.start.line - first + 1,
                span.start.column
            );
        }
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(line, "{severity}: {}", diagnostic.message);
        if let Some(hint) = &diagnostic.hint {
            let _ = writeln!(line, "  {hint}");
        }
        line
    }
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    result.map_err(|error| Failure(format!("{}: {error}", file.display())))?;
    String::from_utf8(bytes).map_err(|_| Failure(format!("{}: not UTF-8 text", file.display())))
}
