//! Names of the world outside in a Pod's settings: how often they are asked for in vain, and what an
//! alias of them (ExternalName) does not change.
//!
//! A resolver puts its search list behind a name with fewer dots than `ndots` before it takes the
//! name as it stands, and a Pod's `ndots` is 5 (kubernetes `pkg/kubelet/network/dns/dns.go`,
//! resolv.conf(5)). An alias changes the address and nothing of the request: the `Host` header
//! (RFC 9110 section 7.2) and the name that a certificate is held against (RFC 9525) stay what the
//! client's URL says.
//!
//! Only what variables say is looked at. Left out, because no manifest shows it: names that a program
//! has of its own, whether it keeps connections or answers, whether a name of two labels is of the
//! world outside (`example.org`) or of another namespace (`kafka.messaging`), and what stands in the
//! certificate of a server that the lab does not know.

use std::net::IpAddr;

use super::exam::{self, Exam};
use super::finding::{Evidence, Fix};
use super::names::{self, Host};
use crate::diagnostic::Severity;
use crate::dns::AttemptResult;
use crate::net::Protocol;
use crate::network::VerdictKind;

/// The hosts that settings name; those of one workload stand together.
pub(super) fn examine(exam: &mut Exam<'_>, hosts: &[Host]) {
    for host in hosts {
        alias(exam, host);
    }
    for own in hosts.chunk_by(|one, next| one.object == next.object) {
        searched(exam, own);
    }
}

/// A URL with the name of a Service of type ExternalName in it.
fn alias(exam: &mut Exam<'_>, host: &Host) {
    let Some((name, Some(namespace))) = names::service_named(exam, host) else {
        return;
    };
    let service = exam.store.service(namespace, name);
    let Some(service) = service.filter(|own| own.spec.type_ == "ExternalName") else {
        return;
    };
    let target = service.spec.external_name.trim_end_matches('.');
    let is_outside = target.contains('.')
        && target.parse::<IpAddr>().is_err()
        && !target.ends_with(".cluster.local");
    let scheme = host.value.split_once("://").map(|(scheme, _)| scheme);
    let is_tls = match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("https" | "wss") => true,
        Some("http" | "ws") => false,
        _ => return,
    };
    let Some(from) = names::client_of(exam, &host.object).filter(|_| is_outside) else {
        return;
    };
    let Some(journey) = exam.walk(&from, &host.value, Protocol::Tcp) else {
        return;
    };
    let evidence = match journey.verdict.kind {
        // The server has a site, or a certificate, of this name.
        VerdictKind::Answered => return,
        VerdictKind::WrongAnswer => exam::proof(&journey),
        // The lab does not know the server. That the name is an alias is seen all the same.
        _ => {
            let found = exam.lookup(&from, &host.host);
            let is_alias = found.is_some_and(|found| {
                let results = found.attempts.iter().map(|attempt| attempt.result);
                results.into_iter().any(|result| {
                    matches!(result, AttemptResult::AliasOnly | AttemptResult::Addresses)
                })
            });
            if !is_alias {
                return;
            }
            Evidence::text(format!(
                "{from} asks for {}: an alias (CNAME) of {target}.",
                host.host
            ))
        }
    };
    let (severity, message) = if is_tls {
        (
            Severity::Warning,
            format!(
                "{} is an alias: the server shows {target}'s certificate, which is not of that name",
                host.host
            ),
        )
    } else {
        (
            Severity::Note,
            format!(
                "{} is an alias: {target} is asked for a Host of that name",
                host.host
            ),
        )
    };
    let why = "ExternalName is a CNAME: it changes the address, and nothing of the request. A TLS client \
               holds the certificate against the name in its own URL and breaks off, and a server of \
               many sites does not know the Host header. Ask for the name itself, or tell the client \
               to send that Host and server name.";
    let fix = names::set(exam, host, target);
    let found = exam.find(
        "external-name-in-url",
        severity,
        &host.object,
        &*host.field,
        message,
        why,
    );
    found.evidence = Some(evidence);
    found.fix = fix;
}

/// The names outside that one workload's settings have: the first one that is looked for among the
/// cluster's names before it is asked for as it stands.
fn searched(exam: &mut Exam<'_>, hosts: &[Host]) {
    let mut outside: Vec<&Host> = Vec::new();
    for host in hosts {
        if is_outside(exam, host) && !outside.iter().any(|own| own.host == host.host) {
            outside.push(host);
        }
    }
    let Some(object) = outside.first().map(|host| &host.object) else {
        return;
    };
    let Some(from) = names::client_of(exam, object) else {
        return;
    };
    let mut found: Option<(&Host, Vec<String>)> = None;
    let mut more = 0;
    for host in outside {
        let Some(before) = asked_before(exam, &from, host) else {
            continue;
        };
        match &found {
            Some(_) => more += 1,
            None => found = Some((host, before)),
        }
    }
    let Some((host, before)) = found else { return };
    let others = match more {
        0 => String::new(),
        1 => ", and so is another host".to_owned(),
        _ => format!(", and so are {more} other hosts"),
    };
    let message = format!(
        "{} is looked for under {} of the cluster first{others}",
        host.host,
        exam::count(before.len(), "name"),
    );
    let why = "A name with fewer dots than ndots (5, where dnsConfig does not say otherwise) is looked for \
               with the search list behind it first, each time for A and for AAAA. It works, and every \
               new connection waits for it; cluster DNS has to say no each time. A final dot, or ndots \
               2, takes such a name as it stands first.";
    let evidence = Evidence::text(format!(
        "{from} asks for {}, and only then for {}.",
        before.join(", "),
        host.host
    ));
    let fix = fewer_dots(exam, host);
    let found = exam.find(
        "outside-name-searched",
        Severity::Note,
        &host.object,
        &*host.field,
        message,
        why,
    );
    found.evidence = Some(evidence);
    found.fix = fix;
}

/// Whether a name can only be one of the world outside: it has three labels at least, none of which
/// is of the cluster. `db-0.db.shop` is a Pod's.
fn is_outside(exam: &Exam<'_>, host: &Host) -> bool {
    let labels: Vec<&str> = host.host.split('.').collect();
    let is_pod = |label: &str| {
        let ordinal = label.rsplit_once('-').map(|(_, ordinal)| ordinal);
        ordinal.is_some_and(|own| !own.is_empty() && own.bytes().all(|b| b.is_ascii_digit()))
    };
    let namespace = labels.last().copied().unwrap_or_default();
    labels.len() >= 3
        && !labels.contains(&"svc")
        && !host.host.ends_with(".cluster.local")
        && exam.store.namespace("", namespace).is_none()
        && !(labels.len() == 3 && is_pod(labels[0]))
}

/// The names that a Pod's resolver asks for before it takes a host as it stands; `None` where there
/// are none, or where one of them has an address.
fn asked_before(exam: &mut Exam<'_>, from: &str, host: &Host) -> Option<Vec<String>> {
    let found = exam.lookup(from, &host.host)?;
    let mut before: Vec<String> = Vec::new();
    for attempt in &found.attempts {
        let name = attempt.question.name.relative();
        if name.eq_ignore_ascii_case(&host.host) {
            return (!before.is_empty()).then_some(before);
        }
        if attempt.result != AttemptResult::NoSuchName {
            return None;
        }
        if before.last().is_none_or(|last| last != name) {
            before.push(name.to_owned());
        }
    }
    None
}

/// A `dnsConfig` by which names of three labels and more are taken as they stand. Names of the
/// cluster have at most one dot, or are found by the search list all the same.
fn fewer_dots(exam: &Exam<'_>, host: &Host) -> Option<Fix> {
    let template = exam
        .templates
        .iter()
        .find(|own| own.object == host.object)?;
    if template.spec.dns_config.is_some() {
        return None;
    }
    let path: Vec<&str> = template.prefix().split('.').collect();
    let config = "\n  options:\n    - name: ndots\n      value: \"2\"";
    let writer = exam.writer(&host.object)?;
    exam::edits([writer.insert(&path, "dnsPolicy", "dnsConfig", config)])
}
