//! What a machine tells of itself: hostname, env, ip, ss, and the files under `/etc`.
//!
//! The variables of Services are those that the kubelet gives a container when it starts: of the
//! Services that were there then, in the Pod's own Namespace, and of `default/kubernetes`. Source:
//! Kubernetes v1.34 `pkg/kubelet/envvars/envvars.go`, `pkg/kubelet/kubelet_pods.go`. Left out:
//! `valueFrom`, the variables of an image.

use super::Told;
use crate::api::Service;
use crate::console::output::Printed;
use crate::console::place::Place;
use crate::console::shell::Shell;
use crate::kubectl::tree::Value;
use crate::net::Protocol;
use crate::netfilter::route::{Lookup, RouteKind};

pub(super) fn run(shell: &mut Shell<'_>, name: &str, args: &[&str]) -> Told {
    match name {
        "hostname" => hostname(shell, args),
        "env" => Ok(Printed::stdout(
            variables(shell)
                .into_iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect::<String>(),
        )),
        "printenv" => printenv(shell, args),
        "ip" => ip(shell, args),
        "ss" => ss(shell, args),
        "whoami" => Ok(Printed::stdout(match shell.place() {
            Place::Laptop | Place::Outside { .. } => "you\n",
            _ => "root\n",
        })),
        "uname" => Ok(Printed::stdout(match args {
            [] => "Linux\n".to_owned(),
            _ => format!("Linux {} 6.1.0 x86_64 GNU/Linux\n", own_name(shell)),
        })),
        _ => {
            let seconds = shell.lab.cluster().seconds();
            let text = crate::kubectl::time::print(seconds);
            Ok(Printed::stdout(text + "\n"))
        }
    }
}

/// What a machine calls itself: a Pod its own name, unless it says otherwise.
fn own_name(shell: &mut Shell<'_>) -> String {
    match shell.place() {
        Place::Laptop => "laptop".to_owned(),
        Place::Outside { name } | Place::Node { name } => name,
        Place::Pod {
            namespace, name, ..
        } => {
            let pod = shell.lab.world().store.pod(&namespace, &name);
            match pod {
                Some(pod) if pod.spec.host_network => pod.spec.node_name.clone(),
                Some(pod) if !pod.spec.hostname.is_empty() => pod.spec.hostname.clone(),
                _ => name,
            }
        }
    }
}

fn hostname(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let name = own_name(shell);
    match args {
        [] | ["-s"] => Ok(Printed::stdout(name + "\n")),
        ["-i" | "-I"] => {
            let from = shell.place().client();
            let addresses = shell.lab.look_at(&from, |seen| {
                let devices = seen.machine.host.routing.devices().iter();
                let all = devices.filter(|device| device.name != "lo");
                all.flat_map(|device| &device.addresses)
                    .map(|net| net.addr().to_string())
                    .collect::<Vec<_>>()
            });
            let addresses = addresses.map_err(|error| error.to_string())?;
            Ok(Printed::stdout(addresses.join(" ") + "\n"))
        }
        _ => Err("there is: hostname, hostname -i".to_owned()),
    }
}

fn printenv(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let all = variables(shell);
    let mut printed = Printed::default();
    if args.is_empty() {
        let lines = all
            .into_iter()
            .map(|(name, value)| format!("{name}={value}\n"));
        printed.out(lines.collect::<String>());
        return Ok(printed);
    }
    for wanted in args {
        match all.iter().find(|(name, _)| name == wanted) {
            Some((_, value)) => printed.out(format!("{value}\n")),
            None => printed.code = 1,
        }
    }
    Ok(printed)
}

/// The environment of a process, by name.
fn variables(shell: &mut Shell<'_>) -> Vec<(String, String)> {
    let mut all = vec![
        (
            "PATH".to_owned(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("HOSTNAME".to_owned(), own_name(shell)),
    ];
    let Place::Pod {
        namespace,
        name,
        container,
    } = shell.place()
    else {
        return all;
    };
    all.push(("HOME".to_owned(), "/root".to_owned()));
    let tree = shell.tree_of_pod(&namespace, &name);
    let own = tree.list_at("spec.containers").iter();
    let own = own
        .clone()
        .find(|own| own.name_of() == container)
        .or_else(|| own.clone().next());
    let links = tree.at("spec.enableServiceLinks").as_bool_or(true);
    let started = tree.str_at("status.startTime").to_owned();
    let services = shell.lab.world().store.services().filter(|service| {
        let metadata = &service.metadata;
        let is_master = metadata.namespace == "default" && metadata.name == "kubernetes";
        let was_there = metadata
            .creation_timestamp
            .as_ref()
            .is_none_or(|at| started.is_empty() || *at <= started);
        was_there && (is_master || (links && metadata.namespace == namespace))
    });
    for service in services {
        all.extend(of_service(service));
    }
    // What the container says itself comes last, and counts.
    if let Some(own) = own {
        for variable in own.list_at("env") {
            let name = variable.str_at("name").to_owned();
            let value = variable.str_at("value").to_owned();
            all.retain(|(other, _)| *other != name);
            all.push((name, value));
        }
    }
    all.sort();
    all
}

/// The variables of one Service.
fn of_service(service: &Service) -> Vec<(String, String)> {
    let spec = &service.spec;
    let address = spec.cluster_ip.as_str();
    if address.is_empty() || address == "None" {
        return Vec::new();
    }
    let name = service.metadata.name.to_uppercase().replace('-', "_");
    let mut all = vec![(format!("{name}_SERVICE_HOST"), address.to_owned())];
    for (at, port) in spec.ports.iter().enumerate() {
        let number = port.port;
        if at == 0 {
            all.push((format!("{name}_SERVICE_PORT"), number.to_string()));
        }
        if !port.name.is_empty() {
            let own = port.name.to_uppercase().replace('-', "_");
            all.push((format!("{name}_SERVICE_PORT_{own}"), number.to_string()));
        }
        let protocol = port.protocol.to_lowercase();
        let host = match address.contains(':') {
            true => format!("[{address}]"),
            false => address.to_owned(),
        };
        let url = format!("{protocol}://{host}:{number}");
        if at == 0 {
            all.push((format!("{name}_PORT"), url.clone()));
        }
        let prefix = format!("{name}_PORT_{number}_{}", port.protocol.to_uppercase());
        all.push((format!("{prefix}_ADDR"), address.to_owned()));
        all.push((format!("{prefix}_PORT"), number.to_string()));
        all.push((format!("{prefix}_PROTO"), protocol));
        all.push((prefix, url));
    }
    all
}

fn ip(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let only = match args.first() {
        Some(&"-4") => Some(true),
        Some(&"-6") => Some(false),
        _ => None,
    };
    let words: Vec<&str> = args
        .iter()
        .copied()
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let from = shell.place().client();
    let is_wanted = |is_v4: bool| only.is_none_or(|only| only == is_v4);
    let text = match words.first().copied().unwrap_or_default() {
        "a" | "addr" | "address" => shell.lab.look_at(&from, |seen| {
            let mut text = String::new();
            for (at, device) in seen.machine.host.routing.devices().iter().enumerate() {
                let is_loopback = device.name == "lo";
                let flags = match is_loopback {
                    true => "LOOPBACK,UP,LOWER_UP",
                    false => "BROADCAST,MULTICAST,UP,LOWER_UP",
                };
                let mtu = if is_loopback { 65_536 } else { 1_500 };
                text.push_str(&format!(
                    "{}: {}: <{flags}> mtu {mtu}\n",
                    at + 1,
                    device.name
                ));
                for net in device
                    .addresses
                    .iter()
                    .filter(|net| is_wanted(net.addr().is_ipv4()))
                {
                    let family = if net.addr().is_ipv4() {
                        "inet"
                    } else {
                        "inet6"
                    };
                    let scope = if is_loopback { "host" } else { "global" };
                    text.push_str(&format!(
                        "    {family} {net} scope {scope} {}\n",
                        device.name
                    ));
                }
            }
            text
        }),
        "r" | "route" | "ro" => {
            let is_v6 = only == Some(false);
            if let Some(at) = words.iter().position(|word| *word == "get") {
                return route_get(shell, words.get(at + 1).copied());
            }
            shell.lab.look_at(&from, |seen| {
                let routing = &seen.machine.host.routing;
                let mut routes: Vec<_> = routing
                    .routes()
                    .iter()
                    .filter(|route| route.to.addr().is_ipv4() != is_v6)
                    .collect();
                routes.sort_by_key(|route| route.to.prefix_len() != 0);
                let mut text = String::new();
                for route in routes {
                    let to = match route.to.prefix_len() {
                        0 => "default".to_owned(),
                        length if length == route.to.max_prefix_len() => {
                            route.to.addr().to_string()
                        }
                        _ => route.to.to_string(),
                    };
                    let device = routing.device_name(route.device);
                    text.push_str(&match (route.kind, route.via) {
                        (RouteKind::Unicast, Some(via)) => format!("{to} via {via} dev {device}\n"),
                        (RouteKind::Unicast, None) => format!("{to} dev {device} scope link\n"),
                        (kind, _) => format!("{} {to}\n", format!("{kind:?}").to_lowercase()),
                    });
                }
                text
            })
        }
        _ => return Err("there is: ip addr, ip route, ip route get ADDRESS".to_owned()),
    };
    Ok(Printed::stdout(text.map_err(|error| error.to_string())?))
}

fn route_get(shell: &mut Shell<'_>, to: Option<&str>) -> Told {
    let to = to.unwrap_or_default();
    let address: std::net::IpAddr = to
        .parse()
        .map_err(|_| format!("any valid prefix is expected rather than {to:?}."))?;
    let from = shell.place().client();
    let text = shell.lab.look_at(&from, |seen| {
        let routing = &seen.machine.host.routing;
        let source = routing.source_for(address);
        match routing.lookup(address) {
            Lookup::Local => format!("local {address} dev lo src {address}\n"),
            Lookup::Out { device, next_hop } => {
                let device = routing.device_name(device);
                let via = match next_hop == address {
                    true => String::new(),
                    false => format!(" via {next_hop}"),
                };
                let src = source.map_or_else(String::new, |src| format!(" src {src}"));
                format!("{address}{via} dev {device}{src}\n")
            }
            _ => String::new(),
        }
    });
    let text = text.map_err(|error| error.to_string())?;
    if text.is_empty() {
        let words = "RTNETLINK answers: Network is unreachable";
        return Ok(Printed::failure(2, words));
    }
    Ok(Printed::stdout(text))
}

fn ss(shell: &mut Shell<'_>, args: &[&str]) -> Told {
    let letters: String = args
        .iter()
        .filter_map(|arg| arg.strip_prefix('-'))
        .collect();
    if args.iter().any(|arg| !arg.starts_with('-'))
        || letters.chars().any(|c| !"ltunapH46".contains(c))
    {
        return Err("there is: ss -ltn, ss -lun, ss -ltun".to_owned());
    }
    let (tcp, udp) = (letters.contains('t'), letters.contains('u'));
    let from = shell.place().client();
    let rows = shell.lab.look_at(&from, |seen| {
        let mut rows = Vec::new();
        for socket in &seen.machine.sockets {
            let state = match socket.protocol {
                Protocol::Tcp if tcp || !udp => "LISTEN",
                Protocol::Udp if udp || !tcp => "UNCONN",
                _ => continue,
            };
            let address = match socket.address {
                None => "*".to_owned(),
                Some(address) if address.is_ipv6() => format!("[{address}]"),
                Some(address) => address.to_string(),
            };
            let port = socket.port.map_or("*".to_owned(), |port| port.to_string());
            rows.push((state, format!("{address}:{port}")));
        }
        rows.sort();
        rows.dedup();
        rows
    });
    let rows = rows.map_err(|error| error.to_string())?;
    let mut text = String::new();
    if !letters.contains('H') {
        text.push_str("State   Recv-Q  Send-Q   Local Address:Port   Peer Address:Port\n");
    }
    for (state, local) in rows {
        text.push_str(&format!(
            "{state:<7} 0       4096     {local:>18}   {:>17}\n",
            "*:*"
        ));
    }
    Ok(Printed::stdout(text))
}

/// A file under `/etc` that a place has; `None` for any other name.
pub(in crate::console) fn file(shell: &mut Shell<'_>, name: &str) -> Option<String> {
    let from = shell.place().client();
    match name {
        "/etc/resolv.conf" => Some(shell.lab.client_names(&from).ok()?.resolv_conf),
        "/etc/hosts" => Some(shell.lab.client_names(&from).ok()?.hosts),
        "/etc/hostname" => Some(own_name(shell) + "\n"),
        _ => {
            let field = name.strip_prefix("/var/run/secrets/kubernetes.io/serviceaccount/")?;
            let Place::Pod { namespace, .. } = shell.place() else {
                return None;
            };
            (field == "namespace").then_some(namespace)
        }
    }
}

/// What is asked of trees here alone.
trait Asked {
    fn name_of(&self) -> &str;
    fn as_bool_or(&self, otherwise: bool) -> bool;
}

impl Asked for Value {
    fn name_of(&self) -> &str {
        self.str_at("name")
    }

    fn as_bool_or(&self, otherwise: bool) -> bool {
        match self {
            Value::Bool(value) => *value,
            _ => otherwise,
        }
    }
}
