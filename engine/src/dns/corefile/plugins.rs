//! What the plugins of a server block are told.

use super::lines::{Line, Word};
use super::{
    Cache, CacheTtl, Forward, Kubernetes, PodsMode, ServerAddress, ServerBlock, zones, zones_or,
};
use crate::api::selector::Selector;
use crate::diagnostic::Diagnostic;
use crate::dns::Name;

/// Plugins of CoreDNS 1.13.1 that change no answer to an ordinary question.
const SILENT: [&str; 25] = [
    "root",
    "metadata",
    "geoip",
    "cancel",
    "tls",
    "quic",
    "timeouts",
    "multisocket",
    "reload",
    "nsid",
    "bufsize",
    "debug",
    "trace",
    "ready",
    "health",
    "pprof",
    "prometheus",
    "errors",
    "log",
    "dnstap",
    "tsig",
    "transfer",
    "loop",
    "on",
    "sign",
];

/// Plugins of CoreDNS 1.13.1 that do, and are not modelled.
const NOT_MODELLED: [&str; 25] = [
    "bind",
    "local",
    "dns64",
    "acl",
    "any",
    "chaos",
    "rewrite",
    "header",
    "dnssec",
    "autopath",
    "minimal",
    "template",
    "hosts",
    "route53",
    "azure",
    "clouddns",
    "k8s_external",
    "file",
    "auto",
    "secondary",
    "etcd",
    "grpc",
    "erratic",
    "whoami",
    "view",
];

/// Reads the plugins of a block.
pub(super) fn read(
    addresses: Vec<ServerAddress>,
    lines: &[Line],
    diagnostics: &mut Vec<Diagnostic>,
) -> ServerBlock {
    let mut server = ServerBlock {
        addresses,
        kubernetes: None,
        forward: Vec::new(),
        cache: None,
        loadbalance: false,
    };
    for line in lines {
        let name = line.word.text.as_str();
        match name {
            "kubernetes" if server.kubernetes.is_some() => diagnostics.push(once(line)),
            "kubernetes" => server.kubernetes = kubernetes(line, &server.addresses, diagnostics),
            "cache" if server.cache.is_some() => diagnostics.push(once(line)),
            "cache" => server.cache = Some(cache(line, &server.addresses, diagnostics)),
            "forward" => server.forward.extend(forward(line, diagnostics)),
            "loadbalance" => {
                let weighted = line.args.first().is_some_and(|arg| arg.text == "weighted");
                if weighted || !line.block.is_empty() {
                    diagnostics.push(not_modelled(
                        line,
                        "loadbalance with weights or preferences",
                    ));
                }
                server.loadbalance = true;
            }
            _ if SILENT.contains(&name) => {}
            "nomad" => diagnostics.push(not_modelled(line, "the plugin nomad")),
            _ if NOT_MODELLED.contains(&name) => {
                diagnostics.push(not_modelled(line, &format!("the plugin {name}")));
            }
            _ => diagnostics.push(Diagnostic::error(
                format!("Unknown directive '{name}'"),
                line.word.span,
            )),
        }
    }
    server
}

fn once(line: &Line) -> Diagnostic {
    Diagnostic::error(
        "this plugin can only be used once per Server Block",
        line.word.span,
    )
}

fn not_modelled(line: &Line, what: &str) -> Diagnostic {
    Diagnostic::warning(format!("{what} is not modelled"), line.span())
        .with_hint("names are answered as if the line were not there")
}

fn wrong_count(line: &Line) -> Diagnostic {
    let last = line.args.last().unwrap_or(&line.word);
    Diagnostic::error(
        format!(
            "Wrong argument count or unexpected line ending after '{}'",
            last.text
        ),
        line.span(),
    )
}

fn unknown_property(line: &Line) -> Diagnostic {
    Diagnostic::error(
        format!("unknown property '{}'", line.word.text),
        line.word.span,
    )
}

/// The only argument of a line.
fn single<'a>(line: &'a Line, diagnostics: &mut Vec<Diagnostic>) -> Option<&'a Word> {
    if let [arg] = line.args.as_slice() {
        return Some(arg);
    }
    diagnostics.push(wrong_count(line));
    None
}

/// Whether a line has arguments, or has none, as it should.
fn has_args(line: &Line, wanted: bool, diagnostics: &mut Vec<Diagnostic>) -> bool {
    let fine = line.args.is_empty() != wanted;
    if !fine {
        diagnostics.push(wrong_count(line));
    }
    fine
}

fn kubernetes(
    line: &Line,
    addresses: &[ServerAddress],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Kubernetes> {
    let mut plugin = Kubernetes::new(zones_or(&line.args, addresses, diagnostics));
    if plugin.primary_zone().is_none() {
        diagnostics.push(Diagnostic::error(
            "non-reverse zone name must be used",
            line.span(),
        ));
        return None;
    }
    for option in &line.block {
        kubernetes_option(&mut plugin, option, diagnostics);
    }
    if !plugin.namespaces.is_empty() && plugin.namespace_labels.is_some() {
        diagnostics.push(Diagnostic::error(
            "namespaces and namespace_labels cannot both be set",
            line.span(),
        ));
    }
    Some(plugin)
}

fn kubernetes_option(plugin: &mut Kubernetes, line: &Line, diagnostics: &mut Vec<Diagnostic>) {
    match line.word.text.as_str() {
        "pods" => {
            let Some(mode) = single(line, diagnostics) else {
                return;
            };
            match mode.text.as_str() {
                "disabled" => plugin.pods = PodsMode::Disabled,
                "insecure" => plugin.pods = PodsMode::Insecure,
                "verified" => plugin.pods = PodsMode::Verified,
                other => diagnostics.push(Diagnostic::error(
                    format!(
                        "wrong value for pods: {other},  must be one of: disabled, verified, insecure"
                    ),
                    mode.span,
                )),
            }
        }
        "endpoint_pod_names" => {
            plugin.endpoint_pod_names |= has_args(line, false, diagnostics);
        }
        "noendpoints" => plugin.no_endpoints |= has_args(line, false, diagnostics),
        "namespaces" => {
            if has_args(line, true, diagnostics) {
                let names = line.args.iter().map(|arg| arg.text.clone());
                plugin.namespaces.extend(names);
            }
        }
        "labels" => plugin.labels = labels(line, "label", diagnostics),
        "namespace_labels" => {
            plugin.namespace_labels = labels(line, "namespace_label", diagnostics);
        }
        "fallthrough" => {
            plugin.fallthrough = if line.args.is_empty() {
                vec![Name::root()]
            } else {
                zones_or(&line.args, &[], diagnostics)
            };
        }
        "ttl" => {
            let Some(arg) = line.args.first() else {
                diagnostics.push(wrong_count(line));
                return;
            };
            match arg.text.parse::<i64>() {
                Ok(ttl @ 0..=3600) => {
                    plugin.ttl = u32::try_from(ttl).unwrap_or(Kubernetes::DEFAULT_TTL);
                }
                Ok(ttl) => diagnostics.push(Diagnostic::error(
                    format!("ttl must be in range [0, 3600]: {ttl}"),
                    arg.span,
                )),
                Err(_) => diagnostics.push(Diagnostic::error(
                    format!("parsing {:?}: invalid syntax", arg.text),
                    arg.span,
                )),
            }
        }
        "ignore" => match line.args.first() {
            Some(arg) if arg.text == "empty_service" => plugin.ignore_empty_service = true,
            Some(arg) => diagnostics.push(Diagnostic::error(
                format!("unable to parse ignore value: '{}'", arg.text),
                arg.span,
            )),
            None => {}
        },
        // How CoreDNS finds the API server: the objects are there without.
        "endpoint" | "tls" | "kubeconfig" | "startup_timeout" => {}
        "multicluster" => diagnostics.push(not_modelled(line, "multicluster")),
        _ => diagnostics.push(unknown_property(line)),
    }
}

fn labels(line: &Line, what: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Selector> {
    if !has_args(line, true, diagnostics) {
        return None;
    }
    let text = line
        .args
        .iter()
        .map(|arg| arg.text.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    text.parse()
        .map_err(|error| {
            diagnostics.push(Diagnostic::error(
                format!("unable to parse {what} selector value: '{text}': {error}"),
                line.span(),
            ));
        })
        .ok()
}

fn forward(line: &Line, diagnostics: &mut Vec<Diagnostic>) -> Option<Forward> {
    let [from, to @ ..] = line.args.as_slice() else {
        diagnostics.push(wrong_count(line));
        return None;
    };
    if to.is_empty() {
        diagnostics.push(wrong_count(line));
        return None;
    }
    let zones = match zones::host_and_port(zones::transport(&from.text).1) {
        Ok((zones, _)) => zones,
        Err(_) => {
            diagnostics.push(Diagnostic::error(
                format!("unable to normalize '{}'", from.text),
                from.span,
            ));
            return None;
        }
    };
    if zones.len() > 1 {
        diagnostics.push(Diagnostic::warning(
            format!(
                "Unsupported CIDR notation: '{}' expands to multiple zones. Using only '{}'.",
                from.text, zones[0]
            ),
            from.span,
        ));
    }
    let mut plugin = Forward {
        from: zones.into_iter().next()?,
        to: to.iter().map(|word| word.text.clone()).collect(),
        except: Vec::new(),
    };
    for option in &line.block {
        match option.word.text.as_str() {
            "except" => {
                if has_args(option, true, diagnostics) {
                    plugin
                        .except
                        .extend(zones_or(&option.args, &[], diagnostics));
                }
            }
            // How the servers are reached and watched; which of them is asked.
            "max_fails"
            | "health_check"
            | "force_tcp"
            | "prefer_udp"
            | "tls"
            | "tls_servername"
            | "expire"
            | "policy"
            | "max_concurrent"
            | "failfast_all_unhealthy_upstreams" => {}
            "next" | "failover" => diagnostics.push(not_modelled(
                option,
                &format!("{} of forward", option.word.text),
            )),
            _ => diagnostics.push(unknown_property(option)),
        }
    }
    Some(plugin)
}

fn cache(line: &Line, addresses: &[ServerAddress], diagnostics: &mut Vec<Diagnostic>) -> Cache {
    let kept = |max| CacheTtl {
        min: 5,
        max,
        disabled: Vec::new(),
    };
    let mut plugin = Cache {
        zones: Vec::new(),
        success: kept(3600),
        denial: kept(1800),
    };
    let mut zones = line.args.as_slice();
    if let Some((first, rest)) = zones.split_first()
        && let Ok(ttl) = first.text.parse::<i64>()
    {
        if let Some(ttl) = positive(ttl, first, diagnostics) {
            plugin.success.max = ttl;
            plugin.denial.max = ttl;
        }
        zones = rest;
    }
    plugin.zones = zones_or(zones, addresses, diagnostics);
    for option in &line.block {
        match option.word.text.as_str() {
            "success" => cache_ttl(&mut plugin.success, option, diagnostics),
            "denial" => cache_ttl(&mut plugin.denial, option, diagnostics),
            "disable" => {
                let Some((what, zones)) = option.args.split_first() else {
                    diagnostics.push(wrong_count(option));
                    continue;
                };
                let zones = if zones.is_empty() {
                    vec![Name::root()]
                } else {
                    zones_or(zones, &[], diagnostics)
                };
                match what.text.as_str() {
                    "success" => plugin.success.disabled = zones,
                    "denial" => plugin.denial.disabled = zones,
                    _ => diagnostics.push(Diagnostic::error(
                        "cache type for disable must be \"success\" or \"denial\"",
                        what.span,
                    )),
                }
            }
            // What is kept longer, or fetched before it is asked for.
            "prefetch" | "serve_stale" | "servfail" | "keepttl" => {}
            _ => diagnostics.push(wrong_count(option)),
        }
    }
    plugin
}

/// `success CAPACITY [TTL] [MINTTL]`.
fn cache_ttl(kept: &mut CacheTtl, line: &Line, diagnostics: &mut Vec<Diagnostic>) {
    if !has_args(line, true, diagnostics) {
        return;
    }
    let mut numbers = Vec::new();
    for arg in &line.args {
        match arg.text.parse::<i64>() {
            Ok(number) => numbers.push((number, arg)),
            Err(_) => {
                diagnostics.push(Diagnostic::error(
                    format!("parsing {:?}: invalid syntax", arg.text),
                    arg.span,
                ));
                return;
            }
        }
    }
    if let Some(&(ttl, arg)) = numbers.get(1)
        && let Some(ttl) = positive(ttl, arg, diagnostics)
    {
        kept.max = ttl;
    }
    if let Some(&(ttl, arg)) = numbers.get(2) {
        match u32::try_from(ttl) {
            Ok(ttl) => kept.min = ttl,
            Err(_) => diagnostics.push(Diagnostic::error(
                format!("cache min TTL can not be negative: {ttl}"),
                arg.span,
            )),
        }
    }
}

fn positive(ttl: i64, word: &Word, diagnostics: &mut Vec<Diagnostic>) -> Option<u32> {
    let number = u32::try_from(ttl).ok().filter(|&ttl| ttl > 0);
    if number.is_none() {
        diagnostics.push(Diagnostic::error(
            format!("cache TTL can not be zero or negative: {ttl}"),
            word.span,
        ));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::super::Corefile;
    use super::*;
    use crate::diagnostic::Severity;

    fn read_block(lines: &str) -> (ServerBlock, Vec<(Severity, String)>) {
        let (corefile, diagnostics) = Corefile::read(&format!(".:53 {{\n{lines}\n}}\n"));
        let messages = diagnostics
            .into_iter()
            .map(|d| (d.severity, d.message))
            .collect();
        (corefile.servers.into_iter().next().unwrap(), messages)
    }

    fn errors(lines: &str) -> Vec<String> {
        let (_, messages) = read_block(lines);
        messages
            .into_iter()
            .filter(|(severity, _)| *severity == Severity::Error)
            .map(|(_, message)| message)
            .collect()
    }

    #[test]
    fn every_plugin_of_coredns_is_known() {
        for name in SILENT.iter().chain(&NOT_MODELLED) {
            assert_eq!(errors(name), [""; 0], "{name}");
        }
        let (_, messages) = read_block("hosts {\n fallthrough\n}");
        assert_eq!(
            messages,
            [(
                Severity::Warning,
                "the plugin hosts is not modelled".to_owned()
            )]
        );
        assert_eq!(errors("kubernets"), ["Unknown directive 'kubernets'"]);
    }

    #[test]
    fn options_of_kubernetes() {
        let (server, messages) = read_block(
            "kubernetes example.org 10.96.0.0/16 {\n pods verified\n endpoint_pod_names\n \
             namespaces a b\n labels app=web\n ttl 0\n fallthrough\n noendpoints\n \
             ignore empty_service\n kubeconfig /x\n}",
        );
        assert_eq!(messages, []);
        let plugin = server.kubernetes.unwrap();
        assert_eq!(plugin.pods, PodsMode::Verified);
        assert!(plugin.endpoint_pod_names && plugin.no_endpoints && plugin.ignore_empty_service);
        assert_eq!(plugin.namespaces.len(), 2);
        assert_eq!(plugin.ttl, 0);
        assert_eq!(plugin.fallthrough, [Name::root()]);
        assert!(plugin.labels.is_some());
        assert_eq!(
            plugin.primary_zone().map(Name::as_str),
            Some("example.org.")
        );
    }

    #[test]
    fn mistakes_are_said_in_corednss_words() {
        let option = |line: &str| errors(&format!("kubernetes x {{\n{line}\n}}"));
        assert_eq!(
            option("pods on"),
            ["wrong value for pods: on,  must be one of: disabled, verified, insecure"]
        );
        assert_eq!(
            option("pods"),
            ["Wrong argument count or unexpected line ending after 'pods'"]
        );
        assert_eq!(option("ttl 3601"), ["ttl must be in range [0, 3600]: 3601"]);
        assert_eq!(option("ttl x"), ["parsing \"x\": invalid syntax"]);
        assert_eq!(option("upstream"), ["unknown property 'upstream'"]);
        assert_eq!(
            option("namespaces a\nnamespace_labels b"),
            ["namespaces and namespace_labels cannot both be set"]
        );
        assert_eq!(
            errors("kubernetes 10.0.0.0/8"),
            ["non-reverse zone name must be used"]
        );
        assert_eq!(
            errors("kubernetes x\nkubernetes y"),
            ["this plugin can only be used once per Server Block"]
        );
        assert_eq!(
            errors("forward ."),
            ["Wrong argument count or unexpected line ending after '.'"]
        );
        assert_eq!(
            errors("cache 0"),
            ["cache TTL can not be zero or negative: 0"]
        );
    }

    #[test]
    fn cache_and_forward() {
        let (server, messages) = read_block(
            "cache 30 example.org {\n success 100 20 2\n denial 100 10\n disable success cluster.local\n \
             disable denial\n}\nforward example.org 1.1.1.1 {\n except a.example.org\n}\nforward . 8.8.8.8",
        );
        assert_eq!(messages, []);
        let cache = server.cache.unwrap();
        assert_eq!((cache.success.max, cache.success.min), (20, 2));
        assert_eq!((cache.denial.max, cache.denial.min), (10, 5));
        assert_eq!(cache.denial.disabled, [Name::root()]);
        assert_eq!(server.forward.len(), 2);
        assert_eq!(server.forward[0].except.len(), 1);
    }
}
