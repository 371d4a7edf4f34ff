//! What answers a request: which program a port's owner is, and what it says over HTTP.
//!
//! A journey ends when somebody has the packet. What an application says then is told by its image's
//! name, as far as people know these images by heart; what stands on the pages is the lab's own.
//!
//! Left out: paths that a server knows, but for the API server's and those of echo servers.

use crate::console::shell::Shell;
use crate::lab::Lab;
use crate::network::{Journey, VerdictKind};

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// An answer over HTTP.
    Http(Response),
    /// The other side's certificate is for somebody else, or signed by nobody known.
    BadCertificate(String),
    /// The other side does not speak TLS.
    NoTls,
    /// The other side spoke first, and not HTTP.
    NotHttp,
    /// The other side closed the connection without a word.
    Empty,
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// `200 OK`.
    pub status: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Response {
    fn new(status: &str, server: Option<&str>, kind: &str, body: String) -> Self {
        let mut headers = Vec::new();
        headers.extend(server.map(|server| ("Server", server.to_owned())));
        headers.push(("Content-Type", kind.to_owned()));
        headers.push(("Content-Length", body.len().to_string()));
        Self {
            status: status.to_owned(),
            headers,
            body,
        }
    }

    /// The status' number.
    pub(super) fn code(&self) -> u16 {
        let digits = self.status.split(' ').next().unwrap_or_default();
        digits.parse().unwrap_or(0)
    }

    /// The lines before the body, each behind a prefix.
    pub(super) fn head(&self, prefix: &str, end: &str) -> String {
        let mut text = format!("{prefix}HTTP/1.1 {}{end}", self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{prefix}{name}: {value}{end}"));
        }
        text
    }
}

/// What a journey that was answered brought back; `None` for one that was not.
pub(super) fn reply(
    shell: &mut Shell<'_>,
    journey: &Journey,
    path: &str,
    tls: bool,
    insecure: bool,
) -> Option<Reply> {
    let served = journey.served.as_ref()?;
    match journey.verdict.kind {
        VerdictKind::Answered => {}
        VerdictKind::WrongAnswer => return Some(wrong(journey, insecure)),
        _ => return None,
    }
    let port = served.port.unwrap_or(0);
    let sees = served.sees.to_string();
    Some(match &served.pod {
        Some(pod) => {
            let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
            let found = shell.lab.world().store.pod(namespace, name);
            let owner = found.and_then(|pod| {
                let listens = |port_of: &crate::api::ContainerPort| {
                    u16::try_from(port_of.container_port) == Ok(port)
                };
                let all = &pod.spec.containers;
                all.iter()
                    .find(|own| own.ports.iter().any(listens))
                    .or_else(|| all.first())
            });
            let image = owner.map(|own| own.image.clone()).unwrap_or_default();
            let container = owner.map(|own| own.name.clone()).unwrap_or_default();
            let args = args_of(shell, namespace, name, &container);
            if tls && !matches!(port, 443 | 6443 | 8443) {
                Reply::NoTls
            } else if tls && !insecure {
                Reply::BadCertificate("self-signed certificate".to_owned())
            } else {
                of_image(&image, &args, name, path, &sees)
            }
        }
        None if is_api_server(shell.lab, journey) => api_server(path, tls, insecure),
        None => {
            let (status, host) = detail(journey);
            let body = format!("<!doctype html>\n<title>{host}</title>\n<p>This is {host}.</p>\n");
            Reply::Http(Response::new(&status, None, "text/html", body))
        }
    })
}

/// The words behind a container's program.
fn args_of(shell: &Shell<'_>, namespace: &str, pod: &str, container: &str) -> Vec<String> {
    let tree = shell.tree_of_pod(namespace, pod);
    let mut all = tree.list_at("spec.containers").iter();
    let own = all.find(|own| own.str_at("name") == container);
    let words = own.into_iter().flat_map(|own| own.list_at("args"));
    words
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

/// `200 OK` and who said it, of `200 OK, answered by example.com`.
fn detail(journey: &Journey) -> (String, String) {
    let text = journey.verdict.detail.cluster.text();
    let (status, by) = text.split_once(", ").unwrap_or(("200 OK", &text));
    let is_status = status.starts_with(|c: char| c.is_ascii_digit());
    let by = by.rsplit(' ').next().unwrap_or_default().to_owned();
    let status = if is_status { status } else { "200 OK" };
    (status.to_owned(), by)
}

fn wrong(journey: &Journey, insecure: bool) -> Reply {
    let text = journey.verdict.detail.cluster.text();
    if text.starts_with("certificate for ") {
        if insecure {
            let body = "Misdirected Request\n".to_owned();
            return Reply::Http(Response::new(
                "421 Misdirected Request",
                None,
                "text/plain",
                body,
            ));
        }
        let name = text.rsplit(" for ").next().unwrap_or_default();
        return Reply::BadCertificate(format!(
            "no alternative certificate subject name matches target host name '{name}'"
        ));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (status, _) = detail(journey);
        let body = format!("{status}\n");
        return Reply::Http(Response::new(&status, None, "text/plain", body));
    }
    if text.contains("and not TLS") {
        Reply::NoTls
    } else if text.contains("400 Bad Request") {
        let body = "The plain HTTP request was sent to an HTTPS port\n".to_owned();
        Reply::Http(Response::new("400 Bad Request", None, "text/plain", body))
    } else {
        Reply::NotHttp
    }
}

/// Whether the endpoint of `default/kubernetes` answered.
fn is_api_server(lab: &Lab, journey: &Journey) -> bool {
    let slice = lab.world().store.endpoint_slice("default", "kubernetes");
    let Some((slice, served)) = slice.zip(journey.served.as_ref()) else {
        return false;
    };
    let address = served.address.to_string();
    let mut endpoints = slice.endpoints.iter();
    endpoints.any(|endpoint| endpoint.addresses.contains(&address))
}

fn api_server(path: &str, tls: bool, insecure: bool) -> Reply {
    if !tls {
        let body = "Client sent an HTTP request to an HTTPS server.\n".to_owned();
        return Reply::Http(Response::new("400 Bad Request", None, "text/plain", body));
    }
    if !insecure {
        // The cluster's own authority is known to Pods by a file, and to nobody by default.
        return Reply::BadCertificate("unable to get local issuer certificate".to_owned());
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    match path {
        "/healthz" | "/livez" | "/readyz" => Reply::Http(Response::new(
            "200 OK",
            None,
            "text/plain; charset=utf-8",
            "ok".to_owned(),
        )),
        "/version" | "/version/" => {
            let version = crate::kubectl::SERVER_VERSION;
            let body = format!(
                "{{\n  \"gitVersion\": \"{version}\",\n  \"platform\": \"linux/amd64\"\n}}"
            );
            Reply::Http(Response::new("200 OK", None, "application/json", body))
        }
        _ => {
            let body = format!(
                "{{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {{}},\n  \
                 \"status\": \"Failure\",\n  \"message\": \"forbidden: User \\\"system:anonymous\\\" \
                 cannot get path \\\"{path}\\\"\",\n  \"reason\": \"Forbidden\",\n  \"details\": \
                 {{}},\n  \"code\": 403\n}}"
            );
            Reply::Http(Response::new(
                "403 Forbidden",
                None,
                "application/json",
                body,
            ))
        }
    }
}

/// `nginx` and its tag of `docker.io/library/nginx:1.27-alpine`.
pub(in crate::console) fn image_name(image: &str) -> (&str, &str) {
    let last = image.rsplit('/').next().unwrap_or(image);
    let last = last.split('@').next().unwrap_or(last);
    last.split_once(':').unwrap_or((last, ""))
}

/// What an image's program says.
fn of_image(image: &str, args: &[String], pod: &str, path: &str, sees: &str) -> Reply {
    let (name, tag) = image_name(image);
    let html = |server: String, title: &str| {
        let body = format!(
            "<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
        );
        Reply::Http(Response::new("200 OK", Some(&server), "text/html", body))
    };
    let text = |body: String| {
        Reply::Http(Response::new(
            "200 OK",
            None,
            "text/plain; charset=utf-8",
            body,
        ))
    };
    // `1.27-alpine` is release 1.27.
    let release = tag
        .split('-')
        .next()
        .filter(|tag| tag.starts_with(|c: char| c.is_ascii_digit()));
    match name {
        "nginx" | "nginx-unprivileged" => {
            let server = release.map_or("nginx".to_owned(), |release| format!("nginx/{release}"));
            html(server, "Welcome to nginx!")
        }
        "httpd" => html("Apache".to_owned(), "It works!"),
        "http-echo" => {
            let given = args.iter().enumerate().find_map(|(at, arg)| {
                let arg = arg.trim_start_matches('-');
                match arg.strip_prefix("text=") {
                    Some(text) => Some(text.trim_matches('"').to_owned()),
                    None if arg == "text" => args.get(at + 1).cloned(),
                    None => None,
                }
            });
            text(given.unwrap_or_else(|| "hello-world".to_owned()) + "\n")
        }
        "whoami" => text(format!(
            "Hostname: {pod}\nRemoteAddr: {sees}\nGET {path} HTTP/1.1\n"
        )),
        "agnhost" | "netexec" | "echoserver" | "echo-server" | "hello-app" | "serve_hostname" => {
            if path.starts_with("/clientip") {
                text(format!("{sees}\n"))
            } else if name == "hello-app" {
                text(format!("Hello, world!\nVersion: 1.0.0\nHostname: {pod}\n"))
            } else {
                text(format!("{pod}\n"))
            }
        }
        "mysql" | "mariadb" | "percona" => Reply::NotHttp,
        "redis" | "valkey" | "postgres" | "memcached" | "kafka" | "zookeeper" => Reply::Empty,
        "mongo" => text(
            "It looks like you are trying to access MongoDB over HTTP on the native driver port.\n"
                .to_owned(),
        ),
        _ => text(format!("Hello from {pod}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_say_what_answers() {
        assert_eq!(
            image_name("docker.io/library/nginx:1.27-alpine"),
            ("nginx", "1.27-alpine")
        );
        assert_eq!(image_name("localhost:5000/x@sha256:00"), ("x", ""));
        let Reply::Http(page) = of_image("nginx:1.27-alpine", &[], "p", "/", "10.0.0.1") else {
            panic!("nginx speaks HTTP");
        };
        assert_eq!(
            (page.code(), page.headers[0].1.as_str()),
            (200, "nginx/1.27")
        );
        let echo = of_image(
            "hashicorp/http-echo",
            &["-text=hi".to_owned()],
            "p",
            "/",
            "",
        );
        assert!(matches!(echo, Reply::Http(page) if page.body == "hi\n"));
        assert_eq!(of_image("mysql:8", &[], "p", "/", ""), Reply::NotHttp);
    }
}
