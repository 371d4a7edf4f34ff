//! curl and wget.

use std::rc::Rc;

use super::server::{self, Reply, Response};
use super::{Told, is_busybox};
use crate::console::filters::args::{Flags, Given};
use crate::console::filters::unescaped;
use crate::console::output::Printed;
use crate::console::place::Place;
use crate::console::shell::Shell;
use crate::net::{Protocol, host_port};
use crate::network::{Journey, Request, RequestError, Step, VerdictKind};

/// How long Linux tries to open a connection, in milliseconds: six retries of a SYN.
const SYN_TIMEOUT_MS: u64 = 133_000;

const CURL: Flags = Flags {
    switches: "vsSLkIifg46OnN#",
    values: "HmoXdwuAetTrCRW",
    long: &[
        ("verbose", 'v'),
        ("silent", 's'),
        ("show-error", 'S'),
        ("location", 'L'),
        ("insecure", 'k'),
        ("head", 'I'),
        ("include", 'i'),
        ("fail", 'f'),
        ("ipv4", '4'),
        ("ipv6", '6'),
        ("no-progress-meter", 'n'),
        ("header", 'H'),
        ("max-time", 'm'),
        ("output", 'o'),
        ("request", 'X'),
        ("data", 'd'),
        ("write-out", 'w'),
        ("user", 'u'),
        ("user-agent", 'A'),
        ("connect-timeout", 't'),
        ("resolve", 'R'),
        ("retry", 'r'),
    ],
};

/// A URL as curl and wget read it.
struct Url {
    tls: bool,
    /// As it was written.
    host: String,
    port: u16,
    has_port: bool,
    path: String,
}

impl Url {
    fn read(text: &str) -> Result<Self, String> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("http".to_owned(), text),
        };
        let tls = match scheme.as_str() {
            "http" => false,
            "https" => true,
            other => return Err(format!("Protocol \"{other}\" not supported")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest[..end].rsplit('@').next().unwrap_or_default();
        let path = match &rest[end..] {
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/{path}"),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest
                    .split_once(']')
                    .ok_or("URL rejected: Malformed input")?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() {
            return Err("URL rejected: No host part in the URL".to_owned());
        }
        let number = match port {
            Some(port) => port.parse().map_err(
                |_| "URL rejected: Port number was not a decimal number between 0 and 65535",
            )?,
            None if tls => 443,
            None => 80,
        };
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: number,
            has_port: port.is_some(),
            path,
        })
    }

    /// What is sent to: a URL with its port.
    fn target(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let host = match self.host.parse() {
            Ok(address) => host_port(address, Some(self.port)),
            Err(_) => format!("{}:{}", self.host, self.port),
        };
        format!("{scheme}://{host}{}", self.path)
    }
}

/// How a request ended.
struct Ended {
    journey: Option<Rc<Journey>>,
    /// Which address was connected to.
    address: Option<String>,
    outcome: Outcome,
}

enum Outcome {
    /// The target cannot be understood.
    Bad(String),
    NoSuchName,
    Refused,
    TimedOut,
    Unreachable,
    Replied(Reply),
}

/// Sends a request by HTTP.
fn fetch(shell: &mut Shell<'_>, url: &Url, insecure: bool, agent: (&str, &str)) -> Ended {
    let place = shell.place();
    // On the laptop, `localhost` leads where `kubectl port-forward` does.
    let forwarded = match (&place, url.host.as_str()) {
        (Place::Laptop, "localhost" | "127.0.0.1") => shell.forwarded(url.port),
        _ => None,
    };
    let mut target = url.target();
    let mut from = place.client();
    if let Some((pod, port)) = forwarded {
        from = pod.client();
        target = format!("http://127.0.0.1:{port}{}", url.path);
    }
    let request = Request {
        from,
        to: target,
        protocol: Protocol::Tcp,
    };
    shell.speak_as(agent.0, agent.1);
    let journey = match shell.send(&request, false) {
        Ok(journey) => journey,
        Err(error @ (RequestError::NoSuchClient(_) | RequestError::BadClient(_))) => {
            return Ended {
                journey: None,
                address: None,
                outcome: Outcome::Bad(error.to_string()),
            };
        }
        Err(_) => {
            return Ended {
                journey: None,
                address: None,
                outcome: Outcome::NoSuchName,
            };
        }
    };
    let sent = journey.hops.iter().find(|hop| hop.step == Step::Send);
    let address = sent.map(|hop| hop.before.dst.to_string());
    let outcome = match journey.verdict.kind {
        VerdictKind::Answered | VerdictKind::WrongAnswer => {
            match server::reply(shell, &journey, &url.path, url.tls, insecure) {
                Some(reply) => Outcome::Replied(reply),
                None => Outcome::TimedOut,
            }
        }
        _ if address.is_none() => Outcome::NoSuchName,
        VerdictKind::Refused => Outcome::Refused,
        VerdictKind::NoSuchName => Outcome::NoSuchName,
        VerdictKind::Unreachable => Outcome::Unreachable,
        _ => Outcome::TimedOut,
    };
    Ended {
        journey: Some(journey),
        address,
        outcome,
    }
}

/// A number of seconds, with parts, in milliseconds.
fn seconds(text: &str) -> Result<u64, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number = |text: &str| {
        text.parse::<u32>()
            .map_err(|_| format!("expected a proper numerical parameter: {text:?}"))
    };
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    Ok(u64::from(number(whole)?) * 1_000 + u64::from(number(&part)?))
}

pub(super) fn curl(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    const HELP: &str = "(2) no URL specified\ncurl: try 'curl --help' for more information";
    let given = CURL
        .read(args)
        .map_err(|why| format!("{why}\ncurl: try 'curl --help' for more information"))?;
    if given.words.is_empty() {
        return Err(HELP.to_owned());
    }
    let limits = [given.value('m'), given.value('t')];
    let limit = limits
        .into_iter()
        .flatten()
        .map(seconds)
        .collect::<Result<Vec<u64>, String>>()?
        .into_iter()
        .min();
    let mut printed = Printed::default();
    for text in &given.words {
        let one = one_url(shell, &given, text, limit);
        printed.then(one);
    }
    Ok(printed)
}

fn one_url(shell: &mut Shell<'_>, given: &Given<'_>, text: &str, limit: Option<u64>) -> Printed {
    let mut printed = Printed::default();
    let shows = !given.has('s') || given.has('S');
    let fail = |mut printed: Printed, code: u8, words: String| {
        if shows {
            printed.err(format!("curl: ({code}) {words}\n"));
        }
        printed.code = code;
        printed
    };
    let mut url = match Url::read(text) {
        Ok(url) => url,
        Err(why) => {
            return fail(
                printed,
                if why.starts_with("Protocol") { 1 } else { 3 },
                why,
            );
        }
    };
    let named = url.host.clone();
    // `--resolve HOST:PORT:ADDRESS` goes past all name servers.
    for rule in given.values('R') {
        if let Some(address) = rule.strip_prefix(&format!("{named}:{}:", url.port)) {
            url.host = address.trim_matches(['[', ']']).to_owned();
        }
    }
    let head = given.has('I');
    let method = match given.value('X') {
        Some(method) => method,
        None if head => "HEAD",
        None if given.has('d') => "POST",
        None => "GET",
    };
    let agent = given.value('A').unwrap_or("curl/8.9.1");
    let ended = fetch(shell, &url, given.has('k'), (method, agent));
    let verbose = given.has('v');
    let host = if url.has_port {
        format!("{named}:{}", url.port)
    } else {
        named.clone()
    };
    if verbose && let Some(address) = &ended.address {
        let names = ended
            .journey
            .as_ref()
            .is_some_and(|journey| journey.names.is_some());
        if names {
            let is_v6 = address.contains(':');
            let (v6, v4) = if is_v6 {
                (address.as_str(), "(none)")
            } else {
                ("(none)", address.as_str())
            };
            printed.err(format!(
                "* Host {named}:{} was resolved.\n* IPv6: {v6}\n* IPv4: {v4}\n",
                url.port
            ));
        }
        printed.err(format!("*   Trying {address}:{}...\n", url.port));
    }
    let port = url.port;
    let mut code = 0;
    let mut body = String::new();
    let result = match ended.outcome {
        Outcome::Bad(why) => return fail(printed, 7, why),
        Outcome::NoSuchName => fail(printed, 6, format!("Could not resolve host: {named}")),
        Outcome::Refused | Outcome::Unreachable => fail(
            printed,
            7,
            format!("Failed to connect to {named} port {port}: Could not connect to server"),
        ),
        Outcome::TimedOut => match limit.filter(|limit| *limit < SYN_TIMEOUT_MS) {
            Some(limit) => fail(
                printed,
                28,
                format!("Connection timed out after {limit} milliseconds"),
            ),
            None => fail(
                printed,
                28,
                format!(
                    "Failed to connect to {named} port {port} after {SYN_TIMEOUT_MS} ms: Could not connect to server"
                ),
            ),
        },
        Outcome::Replied(reply) => {
            let address = ended.address.clone().unwrap_or_default();
            if verbose {
                printed.err(format!("* Connected to {named} ({address}) port {port}\n"));
                if matches!(reply, Reply::Http(_) | Reply::Empty | Reply::NotHttp) {
                    printed.err(sent_head(given, method, &url.path, &host, agent));
                }
            }
            match reply {
                Reply::Http(response) => {
                    code = response.code();
                    if verbose {
                        printed.err(format!("{}< \n", response.head("< ", "\n")));
                    }
                    if head || given.has('i') {
                        body.push_str(&format!("{}\r\n", response.head("", "\r\n")));
                    }
                    if given.has('f') && code >= 400 {
                        let words = format!("The requested URL returned error: {code}");
                        fail(printed, 22, words)
                    } else {
                        if !head {
                            body.push_str(&response.body);
                        }
                        if verbose {
                            printed.err(format!("* Connection #0 to host {named} left intact\n"));
                        }
                        printed
                    }
                }
                Reply::BadCertificate(why) => fail(
                    printed,
                    60,
                    if why.starts_with("no alternative") {
                        format!("SSL: {why}")
                    } else {
                        format!(
                            "SSL certificate problem: {why}\nMore details here: https://curl.se/docs/sslcerts.html"
                        )
                    },
                ),
                Reply::NoTls => fail(
                    printed,
                    35,
                    "TLS connect error: error:0A00010B:SSL routines::wrong version number"
                        .to_owned(),
                ),
                Reply::NotHttp => fail(printed, 1, "Received HTTP/0.9 when not allowed".to_owned()),
                Reply::Empty => fail(printed, 52, "Empty reply from server".to_owned()),
            }
        }
    };
    printed = result;
    match given.value('o') {
        Some(file) => shell.write_file(file, &body, false),
        None => printed.out(body.replace("\r\n", "\n")),
    }
    if let Some(format) = given.value('w') {
        let served = ended
            .journey
            .as_ref()
            .and_then(|journey| journey.served.clone());
        let size = body.len().to_string();
        let answer = |name: &str| match name {
            "http_code" | "response_code" => Some(format!("{code:03}")),
            "remote_ip" => Some(ended.address.clone().unwrap_or_default()),
            "remote_port" => Some(port.to_string()),
            "local_ip" => served.as_ref().map(|served| served.sees.to_string()),
            "size_download" => Some(size.clone()),
            "url" => Some(text.to_owned()),
            "url_effective" => Some(url.target()),
            "exitcode" => Some(printed.code.to_string()),
            _ => None,
        };
        let out = written(format, answer);
        printed.out(out);
    }
    printed
}

/// What `-w` writes: `%{name}` is what is known of that name, and stays as it is where nothing is.
fn written(format: &str, answer: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let format = unescaped(format);
    let mut rest = format.as_str();
    while let Some((before, after)) = rest.split_once("%{") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            rest = after;
            break;
        };
        match answer(name) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&format!("%{{{name}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The lines that `-v` shows of a request.
fn sent_head(given: &Given<'_>, method: &str, path: &str, host: &str, agent: &str) -> String {
    let own = given.values('H');
    let is_own = |name: &str| {
        own.iter().any(|header| {
            let header = header.split(':').next().unwrap_or_default();
            header.trim().eq_ignore_ascii_case(name)
        })
    };
    let mut text = format!("> {method} {path} HTTP/1.1\n");
    for (name, value) in [("Host", host), ("User-Agent", agent), ("Accept", "*/*")] {
        if !is_own(name) {
            text.push_str(&format!("> {name}: {value}\n"));
        }
    }
    for header in own {
        text.push_str(&format!("> {header}\n"));
    }
    text.push_str("> \n* Request completely sent off\n");
    text
}

const WGET: Flags = Flags {
    switches: "qScv46dnN",
    values: "OTtPUo",
    long: &[
        ("quiet", 'q'),
        ("server-response", 'S'),
        ("spider", 'd'),
        ("no-verbose", 'v'),
        ("no-check-certificate", 'N'),
        ("output-document", 'O'),
        ("timeout", 'T'),
        ("connect-timeout", 'T'),
        ("tries", 't'),
        ("user-agent", 'U'),
        ("header", 'P'),
    ],
};

pub(super) fn wget(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let busybox = is_busybox(shell);
    let given = WGET.read(args)?;
    if given.words.is_empty() {
        return Err("missing URL\nUsage: wget [OPTION]... [URL]...".to_owned());
    }
    let mut printed = Printed::default();
    for text in &given.words {
        let url = match Url::read(text) {
            Ok(url) => url,
            Err(_) if busybox => return Err(format!("not an http or ftp url: {text}")),
            Err(why) => return Err(why),
        };
        let agent = given.value('U').unwrap_or("Wget");
        let ended = fetch(shell, &url, given.has('N') || busybox, ("GET", agent));
        let one = if busybox {
            busybox_wget(shell, &given, &url, ended)
        } else {
            gnu_wget(shell, &given, &url, ended)
        };
        printed.then(one);
    }
    Ok(printed)
}

/// What a URL is kept as without `-O`.
fn file_of(url: &Url) -> String {
    let path = url.path.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.is_empty() { "index.html" } else { last }.to_owned()
}

/// Writes a body where it belongs.
fn keep(shell: &mut Shell<'_>, printed: &mut Printed, file: &str, response: &Response) {
    if file == "-" {
        printed.out(response.body.clone());
    } else {
        shell.write_file(file, &response.body, false);
    }
}

fn busybox_wget(shell: &mut Shell<'_>, given: &Given<'_>, url: &Url, ended: Ended) -> Printed {
    let mut printed = Printed::default();
    let quiet = given.has('q');
    let named = match url.has_port {
        true => format!("{}:{}", url.host, url.port),
        false => url.host.clone(),
    };
    let address = ended.address.clone().unwrap_or_default();
    if !quiet && ended.address.is_some() {
        printed.err(format!("Connecting to {named} ({address}:{})\n", url.port));
    }
    let fail = |mut printed: Printed, words: String| {
        printed.err(format!("wget: {words}\n"));
        printed.code = 1;
        printed
    };
    let failed = |why: &str| format!("can't connect to remote host ({address}): {why}");
    match ended.outcome {
        Outcome::Bad(why) => fail(printed, why),
        Outcome::NoSuchName => fail(printed, format!("bad address '{named}'")),
        Outcome::Refused => fail(printed, failed("Connection refused")),
        Outcome::Unreachable => fail(printed, failed("Host is unreachable")),
        Outcome::TimedOut if given.has('T') => fail(printed, "download timed out".to_owned()),
        Outcome::TimedOut => fail(printed, failed("Operation timed out")),
        Outcome::Replied(Reply::Http(response)) => {
            if given.has('S') {
                printed.err(response.head("  ", "\n"));
            }
            if response.code() >= 400 {
                let words = format!("server returned error: HTTP/1.1 {}", response.status);
                return fail(printed, words);
            }
            if given.has('d') {
                if !quiet {
                    printed.err("remote file exists\n");
                }
                return printed;
            }
            let file = given.value('O').map_or_else(|| file_of(url), str::to_owned);
            if !quiet {
                printed.err(match file.as_str() {
                    "-" => "writing to stdout\n".to_owned(),
                    file => format!("saving to '{file}'\n"),
                });
            }
            keep(shell, &mut printed, &file, &response);
            if !quiet {
                let name: String = file.chars().take(20).collect();
                let stars = "*".repeat(32);
                let size = response.body.len();
                printed.err(format!(
                    "{name:<20} 100% |{stars}| {size:>5}  0:00:00 ETA\n"
                ));
                printed.err(match file.as_str() {
                    "-" => "written to stdout\n".to_owned(),
                    file => format!("'{file}' saved\n"),
                });
            }
            printed
        }
        Outcome::Replied(Reply::NoTls) => fail(
            printed,
            "error getting response: Invalid argument".to_owned(),
        ),
        Outcome::Replied(Reply::BadCertificate(why)) => fail(printed, why),
        Outcome::Replied(Reply::NotHttp | Reply::Empty) => {
            fail(printed, "error getting response".to_owned())
        }
    }
}

fn gnu_wget(shell: &mut Shell<'_>, given: &Given<'_>, url: &Url, ended: Ended) -> Printed {
    let mut printed = Printed::default();
    let quiet = given.has('q');
    let host = &url.host;
    let address = ended.address.clone().unwrap_or_default();
    let names = ended
        .journey
        .as_ref()
        .is_some_and(|journey| journey.names.is_some());
    let mut said = String::new();
    let mut say = |text: String| said.push_str(&text);
    let mut kept = None;
    let shown = match names {
        true => format!("{host} ({host})|{address}|:{}", url.port),
        false => format!("{address}:{}", url.port),
    };
    say(format!("--  {}\n", url.target()));
    if names && !address.is_empty() {
        say(format!("Resolving {host} ({host})... {address}\n"));
    }
    let code = match ended.outcome {
        Outcome::Bad(why) => {
            say(format!("wget: {why}\n"));
            4
        }
        Outcome::NoSuchName => {
            say(format!(
                "Resolving {host} ({host})... failed: Name or service not known.\nwget: unable to resolve host address '{host}'\n"
            ));
            4
        }
        Outcome::Refused => {
            say(format!(
                "Connecting to {shown}... failed: Connection refused.\n"
            ));
            4
        }
        Outcome::Unreachable => {
            say(format!(
                "Connecting to {shown}... failed: No route to host.\n"
            ));
            4
        }
        Outcome::TimedOut => {
            say(format!(
                "Connecting to {shown}... failed: Connection timed out.\n"
            ));
            4
        }
        Outcome::Replied(Reply::Http(response)) => {
            say(format!(
                "Connecting to {shown}... connected.\nHTTP request sent, awaiting response... {}\n",
                response.status
            ));
            if given.has('S') {
                say(response.head("  ", "\n"));
            }
            if response.code() >= 400 {
                say(format!(
                    "ERROR {}.\n",
                    response.status.replacen(' ', ": ", 1)
                ));
                8
            } else if given.has('d') {
                say("Remote file exists.\n".to_owned());
                0
            } else {
                let file = given.value('O').map_or_else(|| file_of(url), str::to_owned);
                let size = response.body.len();
                let to = if file == "-" { "STDOUT" } else { file.as_str() };
                say(format!("Length: {size}\nSaving to: '{to}'\n"));
                kept = Some((file, response));
                0
            }
        }
        Outcome::Replied(Reply::BadCertificate(why)) => {
            say(format!(
                "ERROR: cannot verify {host}'s certificate: {why}\n"
            ));
            5
        }
        Outcome::Replied(Reply::NoTls) => {
            say("GnuTLS: An unexpected TLS packet was received.\nUnable to establish SSL connection.\n".to_owned());
            4
        }
        Outcome::Replied(Reply::NotHttp | Reply::Empty) => {
            say(format!(
                "Connecting to {shown}... connected.\nHTTP request sent, awaiting response... No data received.\n"
            ));
            4
        }
    };
    if !quiet {
        printed.err(said);
    }
    if let Some((file, response)) = kept {
        keep(shell, &mut printed, &file, &response);
    }
    printed.code = code;
    printed
}
