//! A [`Plan`] built of network namespaces.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use ipnet::IpNet;
use lobby_engine::network::{Plan, PodLink};
use lobby_engine::proxy::{Mode, RuleSet};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How the namespaces' names begin; the process id follows.
const PREFIX: &str = "lobby-";

/// What every command, thread and comparison may fail with: a sentence.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Whether this machine can do it; else why not.
pub(crate) fn possible() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    if uids.and_then(|uids| uids.split_whitespace().nth(1)) != Some("0") {
        return Err("network namespaces need root".to_owned());
    }
    for tool in ["ip", "iptables-restore", "ip6tables-restore", "nft"] {
        let found = Command::new(tool)
            .arg(if tool == "ip" { "-V" } else { "--version" })
            .stdin(Stdio::null())
            .output();
        if found.is_err() {
            return Err(format!(
                "there is no `{tool}` (packages iproute2, iptables, nftables)"
            ));
        }
    }
    let namespaces = Namespaces::new();
    let probe = namespaces.add("probe")?;
    let rules = "*nat\n\
        -A PREROUTING -m comment --comment x -m statistic --mode random --probability 0.5 -m addrtype --dst-type LOCAL -j MARK --or-mark 1\n\
        -A PREROUTING -p tcp -m recent --name X --rcheck --seconds 1 --reap -m conntrack --ctstate NEW -j DNAT --to-destination 10.0.0.1:1\n\
        -A POSTROUTING -m mark --mark 1/1 -j MASQUERADE --random-fully\nCOMMIT\n";
    feed(&probe, "iptables-restore", &[], rules)
        .map_err(|error| format!("the kernel takes no iptables rules: {error}"))?;
    let rules = "add table ip x\nadd chain ip x y { type nat hook prerouting priority -100 ; }\n";
    feed(&probe, "nft", &["-f", "-"], rules)
        .map_err(|error| format!("the kernel takes no nftables rules: {error}"))?;
    if !Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists() {
        return Err("the kernel's rules do not see what bridges carry (br_netfilter)".to_owned());
    }
    Ok(())
}

/// Removes the namespaces of processes that are no more.
pub(crate) fn sweep() {
    for name in existing() {
        let process = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        let alive = process.is_some_and(|id| Path::new("/proc").join(id).exists());
        if !alive {
            remove(&name);
        }
    }
}

fn existing() -> Vec<String> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX))
        .collect()
}

fn remove(name: &str) {
    let _ = Command::new("ip")
        .args(["netns", "delete", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The namespaces of one network; they go when it does.
pub(crate) struct Namespaces {
    prefix: String,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in existing() {
            if name.starts_with(&self.prefix) {
                remove(&name);
            }
        }
    }
}

impl Namespaces {
    fn new() -> Self {
        Self {
            prefix: format!("{PREFIX}{}-", std::process::id()),
        }
    }

    /// The namespace of a machine: a Node's, a Pod's, the router's, one outside.
    pub(crate) fn name(&self, machine: &str) -> String {
        format!("{}{machine}", self.prefix)
    }

    fn add(&self, machine: &str) -> Result<String> {
        let name = self.name(machine);
        run(Command::new("ip").args(["netns", "add", &name]), None)?;
        // Addresses are there at once: nobody else can have them.
        inside(&name, || {
            set("net/ipv6/conf/all/accept_dad", "0")?;
            set("net/ipv6/conf/default/accept_dad", "0")?;
            set("net/ipv6/conf/default/dad_transmits", "0")
        })??;
        ip(&name, "link set lo up\n")?;
        Ok(name)
    }

    /// Builds a network and loads the rules.
    pub(crate) fn build(plan: &Plan, rules: &[(String, RuleSet)]) -> Result<Self> {
        let before = links()?;
        let this = Self::new();
        let router = this.add("router")?;
        let lan = plan.router.as_ref().map(|router| router.lan[0]);
        let lan = lan.ok_or("a network without a router")?;
        settings(&router, "router", false)?;
        // Only the Nodes' rules are to see what bridges carry.
        inside(&router, || set("net/bridge/bridge-nf-call-iptables", "0"))??;
        let mut script = format!(
            "link add lan type bridge\naddr add {lan} dev lan{}\nlink set lan up\n",
            nodad(lan.addr())
        );
        for (number, node) in plan.nodes.iter().enumerate() {
            let name = this.add(&format!("node-{}", node.name))?;
            settings(&name, "node", node.route_localnet)?;
            let _ = write!(
                script,
                "link add n{number} type veth peer name eth0 netns {name}\nlink set n{number} master lan up\n"
            );
        }
        ip(&router, &script)?;
        for node in &plan.nodes {
            this.node(plan, node, lan)?;
        }
        this.outside(plan, &router)?;
        for (node, rules) in rules {
            load(&this.name(&format!("node-{node}")), rules)?;
        }
        // Nobody of these has a way to anything but the others.
        if links()? != before {
            return Err("a device of the network is outside of its namespaces".to_owned());
        }
        Ok(this)
    }

    fn node(&self, plan: &Plan, node: &lobby_engine::network::PlanNode, lan: IpNet) -> Result<()> {
        let own = self.name(&format!("node-{}", node.name));
        let PodLink::Bridge {
            device: bridge,
            addresses,
            ..
        } = &node.pod_link
        else {
            return Err("a Node without a bridge".to_owned());
        };
        let mut script = String::new();
        for address in &node.addresses {
            let _ = writeln!(
                script,
                "addr add {address} dev eth0{}",
                nodad(address.addr())
            );
        }
        let _ = writeln!(
            script,
            "link set eth0 up\nlink add {bridge} type bridge\nlink set {bridge} up"
        );
        for address in addresses {
            let _ = writeln!(
                script,
                "addr add {address} dev {bridge}{}",
                nodad(address.addr())
            );
        }
        let mut dummies = BTreeSet::new();
        for (device, address) in &node.extra {
            if device != "eth0" && device != bridge && dummies.insert(device) {
                let _ = writeln!(script, "link add {device} type dummy\nlink set {device} up");
            }
            let _ = writeln!(
                script,
                "addr add {address} dev {device}{}",
                nodad(address.addr())
            );
        }
        for (number, pod) in (plan.pods.iter().enumerate()).filter(|(_, pod)| pod.node == node.name)
        {
            let name = self.add(&format!("pod-{}", pod.name))?;
            let _ = writeln!(
                script,
                "link add p{number} type veth peer name eth0 netns {name}\n\
                 link set p{number} master {bridge} up\n\
                 link set p{number} type bridge_slave hairpin on"
            );
        }
        ip(&own, &script)?;
        for pod in plan.pods.iter().filter(|pod| pod.node == node.name) {
            let mut script = String::new();
            for address in &pod.addresses {
                let _ = writeln!(
                    script,
                    "addr add {address} dev eth0{}",
                    nodad(address.addr())
                );
            }
            script.push_str("link set eth0 up\n");
            for via in &pod.gateways {
                let _ = writeln!(script, "route add default via {via} dev eth0 onlink");
            }
            ip(&self.name(&format!("pod-{}", pod.name)), &script)?;
        }
        ip(&own, &node_routes(plan, node, lan, bridge, addresses))
    }

    fn outside(&self, plan: &Plan, router: &str) -> Result<()> {
        let mut script = String::new();
        let mut own = Vec::new();
        for (number, outside) in plan.outside.iter().enumerate() {
            let name = self.add(&format!("out-{}", outside.name))?;
            let address = outside.addresses[0].addr();
            let gateway = if address.is_ipv4() {
                "169.254.0.1"
            } else {
                "fe80::1"
            };
            let _ = writeln!(
                script,
                "link add x{number} type veth peer name eth0 netns {name}\n\
                 addr add {gateway}/{} dev x{number}{}\nlink set x{number} up\nroute add {address} dev x{number}",
                if address.is_ipv4() { 32 } else { 64 },
                nodad(address),
            );
            own.push((
                name,
                format!(
                    "addr add {address} dev eth0{}\nlink set eth0 up\nroute add default via {gateway} dev eth0 onlink\n",
                    nodad(address)
                ),
            ));
        }
        for route in plan.router.iter().flat_map(|router| &router.routes) {
            let _ = match route.via {
                Some(via) => writeln!(script, "route add {} via {via}", route.to),
                None => writeln!(script, "route add blackhole {}", route.to),
            };
        }
        let any = plan.nodes.iter().flat_map(|node| &node.addresses).next();
        let six = any.is_some_and(|address| address.addr().is_ipv6());
        let _ = writeln!(
            script,
            "route add blackhole {}",
            if six { "::/0" } else { "0.0.0.0/0" }
        );
        ip(router, &script)?;
        own.iter().try_for_each(|(name, script)| ip(name, script))
    }

    /// Makes the router send addresses to Nodes, and throw them away where it sent them before.
    pub(crate) fn route(
        &self,
        plan: &Plan,
        before: &[(IpAddr, String)],
        now: &[(IpAddr, String)],
    ) -> Result<()> {
        let mut script = String::new();
        for (to, _) in before {
            let _ = writeln!(script, "route del {to}");
        }
        for (to, node) in now {
            let found = plan.nodes.iter().find(|own| own.name == *node);
            if let Some(via) = found.and_then(|node| node.addresses.first()) {
                let _ = writeln!(script, "route replace {to} via {}", via.addr());
            }
        }
        // A route to a Node that is none was never there.
        let router = self.name("router");
        let _ = run(
            Command::new("ip").args(["-n", &router, "-force", "-batch", "-"]),
            Some(&script),
        );
        Ok(())
    }
}

fn node_routes(
    plan: &Plan,
    node: &lobby_engine::network::PlanNode,
    lan: IpNet,
    bridge: &str,
    addresses: &[IpNet],
) -> String {
    let mut script = String::new();
    for route in &node.routes {
        let _ = match route.via {
            Some(via) => writeln!(script, "route replace {} via {via}", route.to),
            None => writeln!(script, "route replace blackhole {}", route.to),
        };
    }
    if !node.routes.iter().any(|route| route.to.prefix_len() == 0) {
        let _ = writeln!(script, "route replace default via {}", lan.addr());
    }
    for pod in &plan.pods {
        for address in pod.addresses.iter().map(IpNet::addr) {
            let home = plan.nodes.iter().find(|own| own.name == pod.node);
            let in_range = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
            if pod.node == node.name {
                if !in_range(addresses) {
                    let _ = writeln!(script, "route replace {address} dev {bridge}");
                }
            } else if let Some(home) = home
                && !in_range(&home.pod_cidrs)
                && let Some(via) = home.addresses.first()
            {
                let _ = writeln!(script, "route replace {address} via {}", via.addr());
            }
        }
    }
    script
}

/// No waiting until nobody else has an IPv6 address.
fn nodad(address: IpAddr) -> &'static str {
    if address.is_ipv6() { " nodad" } else { "" }
}

fn settings(namespace: &str, role: &str, route_localnet: bool) -> Result<()> {
    inside(namespace, || {
        for (name, value) in [
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv6/conf/all/forwarding", "1"),
            ("net/ipv6/conf/default/forwarding", "1"),
            ("net/ipv4/conf/all/rp_filter", "0"),
            ("net/ipv4/conf/default/rp_filter", "0"),
            ("net/ipv4/conf/all/send_redirects", "0"),
            ("net/ipv4/conf/default/send_redirects", "0"),
            ("net/ipv4/icmp_ratelimit", "0"),
            ("net/ipv6/icmp/ratelimit", "0"),
        ] {
            set(name, value)?;
        }
        if role == "node" {
            set("net/bridge/bridge-nf-call-iptables", "1")?;
            set("net/bridge/bridge-nf-call-ip6tables", "1")?;
            let value = if route_localnet { "1" } else { "0" };
            set("net/ipv4/conf/all/route_localnet", value)?;
        }
        Ok(())
    })?
}

/// Sets a sysctl of the thread's namespace.
fn set(name: &str, value: &str) -> Result<()> {
    fs::write(Path::new("/proc/sys").join(name), value).map_err(|error| format!("{name}: {error}"))
}

/// Loads a Node's rules as kube-proxy hands them to the tools.
fn load(namespace: &str, rules: &RuleSet) -> Result<()> {
    if rules.mode() == Mode::Nftables {
        return feed(namespace, "nft", &["-f", "-"], &rules.text());
    }
    let restore = match rules.family() {
        lobby_engine::net::IpFamily::IPv4 => "iptables-restore",
        lobby_engine::net::IpFamily::IPv6 => "ip6tables-restore",
    };
    // The calls of the iptables command, one after another, as one text.
    let mut calls = String::new();
    for call in rules.top_level() {
        let (table, rest) = call
            .strip_prefix("-t ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or("a call without a table")?;
        let line = match rest.strip_prefix("-N ") {
            Some(chain) => format!(":{chain} - [0:0]"),
            None => rest.to_owned(),
        };
        let _ = writeln!(calls, "*{table}\n{line}\nCOMMIT");
    }
    feed(namespace, restore, &["--noflush"], &calls)?;
    feed(namespace, restore, &["--noflush"], &rules.text())
}

/// The devices outside of all namespaces.
fn links() -> Result<String> {
    let output = Command::new("ip").args(["-o", "link"]).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = text.lines().filter_map(|line| line.split(": ").nth(1));
    Ok(names.collect::<Vec<_>>().join(" "))
}

/// Makes changes in a namespace, one a line.
fn ip(namespace: &str, script: &str) -> Result<()> {
    let mut command = Command::new("ip");
    run(command.args(["-n", namespace, "-batch", "-"]), Some(script))
        .map_err(|error| format!("{namespace}: {error}\n{script}"))
}

/// Runs a tool in a namespace.
fn feed(namespace: &str, tool: &str, arguments: &[&str], text: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", namespace, tool])
        .args(arguments);
    run(&mut command, Some(text))
}

fn run(command: &mut Command, input: Option<&str>) -> Result<()> {
    let mut child = command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start: {error}"))?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // A tool that ends early has said why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{command:?}: {told}"))
}

/// Does something on a thread of a namespace; the thread ends with it.
pub(crate) fn inside<T: Send>(namespace: &str, work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(namespace)?;
            Ok(work())
        });
        thread.join().map_err(|_| "a thread panicked".to_owned())?
    })
}

/// Moves this thread into a namespace, for good.
pub(crate) fn enter(namespace: &str) -> Result<()> {
    let path = Path::new("/run/netns").join(namespace);
    let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("{namespace}: {error}"))
}
