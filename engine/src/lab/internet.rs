//! A small internet: the hosts that a lab's packets and names can reach outside the cluster.
//!
//! Their names are of the domains kept for examples (RFC 2606), their addresses of the blocks kept
//! for documentation (RFC 5737, RFC 3849). Each host says for which names it has a site and a
//! certificate, because that is where an ExternalName ends: DNS changes the address, and neither
//! the `Host` header (RFC 9110 section 7.2) nor the name that the certificate is checked against
//! (RFC 9525). Two resolvers know the names: one on the Nodes' own network, which knows the Nodes
//! too, and one for everybody, which has the addresses of well-known public resolvers besides.
//!
//! Left out: what a site says beside its status, TLS versions and ciphers, HTTP/2, redirects. A
//! resolver's own way to the zones' servers is not walked.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::dns::{Record, Upstream};
use crate::net::Protocol;
use crate::network::{
    Cause, Journey, Mark, NameLookup, Owner, Phrase, PlanOutside, Serves, Socket, Step, Tally,
    Verdict, VerdictKind, Words,
};

/// The resolver on the Nodes' network, which Nodes and laptop ask.
pub(super) const LAN_RESOLVER: &str = "resolver";
/// The last part of its address on the LAN, if nobody has that.
const LAN_RESOLVER_HOST: u32 = 53;
/// The resolver on the internet.
pub(super) const PUBLIC_RESOLVER: &str = "public-resolver";
/// Its addresses. Behind the first two are the ones that manifests name most often.
pub(super) const PUBLIC_RESOLVER_ADDRESSES: [&str; 4] =
    ["198.51.100.53", "2001:db8:53::53", "1.1.1.1", "8.8.8.8"];
/// The port of DNS.
pub(super) const DNS_PORT: u16 = 53;
/// The TTL of the names out here, in seconds.
const TTL: u32 = 300;

/// A host.
struct InternetHost {
    /// Its name, which is the first one that it has a site for.
    name: &'static str,
    addresses: [&'static str; 2],
    /// What is spoken on which port.
    ports: &'static [(u16, Speaks)],
    /// The names that it has a site and a certificate for.
    sites: &'static [&'static str],
    /// What it says to any other `Host`.
    otherwise: &'static str,
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http,
    Https,
    /// Something in which no name is said.
    Other(&'static str),
}

const HOSTS: [InternetHost; 3] = [
    InternetHost {
        name: "example.com",
        addresses: ["203.0.113.10", "2001:db8:10::10"],
        ports: &[(80, Speaks::Http), (443, Speaks::Https)],
        sites: &[
            "example.com",
            "www.example.com",
            "example.net",
            "example.org",
        ],
        otherwise: "404 Not Found",
    },
    InternetHost {
        name: "api.example.org",
        addresses: ["203.0.113.20", "2001:db8:20::20"],
        ports: &[(80, Speaks::Http), (443, Speaks::Https)],
        sites: &["api.example.org"],
        otherwise: "421 Misdirected Request",
    },
    InternetHost {
        name: "db.example.net",
        addresses: ["203.0.113.30", "2001:db8:30::30"],
        ports: &[
            (3306, Speaks::Other("MySQL")),
            (5432, Speaks::Other("PostgreSQL")),
            (6379, Speaks::Other("Redis")),
        ],
        sites: &[],
        otherwise: "",
    },
];

/// Names that are aliases of a host's.
const ALIASES: [(&str, &str); 2] = [
    ("www.example.com", "example.com"),
    ("my.database.example.com", "db.example.net"),
];

/// Names of a host beside its own.
const MORE_NAMES: [(&str, &str); 2] = [
    ("example.net", "example.com"),
    ("example.org", "example.com"),
];

/// The hosts and the resolvers as machines. `lan` are the networks of the Nodes' LAN with the
/// addresses that are taken there.
pub(super) fn machines(lan: &[IpNet], taken: &[IpAddr]) -> Vec<PlanOutside> {
    let hosts = HOSTS.iter().map(|host| PlanOutside {
        name: host.name.to_owned(),
        addresses: whole(&host.addresses),
        on_lan: false,
        sockets: host
            .ports
            .iter()
            .map(|(port, _)| socket(Protocol::Tcp, *port))
            .collect(),
    });
    let dns = || {
        vec![
            socket(Protocol::Udp, DNS_PORT),
            socket(Protocol::Tcp, DNS_PORT),
        ]
    };
    let resolvers = [
        PlanOutside {
            name: LAN_RESOLVER.to_owned(),
            addresses: lan.iter().filter_map(|net| free(net, taken)).collect(),
            on_lan: true,
            sockets: dns(),
        },
        PlanOutside {
            name: PUBLIC_RESOLVER.to_owned(),
            addresses: whole(&PUBLIC_RESOLVER_ADDRESSES),
            on_lan: false,
            sockets: dns(),
        },
    ];
    resolvers.into_iter().chain(hosts).collect()
}

/// The host behind a name, and its first address; `None` for a name that nobody has.
pub(super) fn house(name: &str) -> Option<(&'static str, &'static str)> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let mut others = ALIASES.iter().chain(&MORE_NAMES);
    let host = others
        .find(|(other, _)| *other == name)
        .map_or(name.as_str(), |(_, host)| host);
    let host = HOSTS.iter().find(|known| known.name == host)?;
    Some((host.name, host.addresses[0]))
}

fn whole(addresses: &[&str]) -> Vec<IpNet> {
    let addresses = addresses.iter().filter_map(|text| text.parse().ok());
    addresses
        .map(|address: IpAddr| IpNet::from(address))
        .collect()
}

fn socket(protocol: Protocol, port: u16) -> Socket {
    Socket {
        protocol,
        address: None,
        port: Some(port),
        owner: Owner::Machine,
        serves: Serves::Itself,
    }
}

/// The resolver's address in a network: the usual one, or the next one that nobody has.
fn free(net: &IpNet, taken: &[IpAddr]) -> Option<IpNet> {
    let nth = |host: u32| match net.network() {
        IpAddr::V4(base) => IpAddr::from(u32::from(base).wrapping_add(host).to_be_bytes()),
        IpAddr::V6(base) => IpAddr::from(u128::from(base).wrapping_add(host.into()).to_be_bytes()),
    };
    let address = (LAN_RESOLVER_HOST..)
        .map(nth)
        .take(1 + taken.len())
        .find(|address| !taken.contains(address))?;
    IpNet::new(address, net.prefix_len()).ok()
}

/// What a resolver knows: the names out here, and those given.
pub(super) fn upstream(own: impl Iterator<Item = (String, IpAddr)>) -> Upstream {
    let addresses = |host: &str| {
        let host = HOSTS.iter().find(|known| known.name == host);
        host.map_or(&[][..], |host| &host.addresses)
    };
    let mut lines: Vec<String> = Vec::new();
    let mut add = |name: &str, address: &str| {
        let kind = if address.contains(':') { "AAAA" } else { "A" };
        lines.push(format!("{name}. {TTL} IN {kind} {address}"));
    };
    let names = HOSTS.iter().map(|host| (host.name, host.name));
    for (name, host) in names.chain(MORE_NAMES) {
        for address in addresses(host) {
            add(name, address);
        }
    }
    for (name, address) in own {
        add(&name, &address.to_string());
    }
    for (name, target) in ALIASES {
        lines.push(format!("{name}. {TTL} IN CNAME {target}."));
    }
    Upstream::new(lines.iter().filter_map(|line| line.parse::<Record>().ok()))
}

/// Every name out here, for those who look for one.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let own = HOSTS.iter().map(|host| host.name);
    let more = MORE_NAMES.iter().chain(&ALIASES).map(|(name, _)| *name);
    own.chain(more)
}

/// What a host out here says to a request that reached it: the verdict beyond the connection.
pub(super) fn judge(journey: &mut Journey) {
    let Some(served) = &journey.served else {
        return;
    };
    if journey.verdict.kind != VerdictKind::Answered || journey.request.to.starts_with("ping:") {
        return;
    }
    let Some((host, speaks)) = found(served.address, served.port) else {
        return;
    };
    let asked = Asked::new(&journey.request.to);
    let answer = asked.answer(host, speaks);
    let (Answer::Right { short, .. } | Answer::Wrong { short, .. }) = &answer;
    // What the host says is said at its hop, too.
    if let Some(hop) = journey
        .hops
        .iter_mut()
        .rfind(|hop| hop.step == Step::Deliver)
    {
        hop.aside = Words::same(short.clone());
    }
    let verdict = &mut journey.verdict;
    match answer {
        Answer::Right { detail, .. } => verdict.detail = Words::same(detail),
        Answer::Wrong {
            detail, why, next, ..
        } => {
            let origin = journey.hops.first().and_then(|hop| hop.origins.first());
            *verdict = Verdict {
                kind: VerdictKind::WrongAnswer,
                detail: Words::same(detail),
                why,
                cause: origin.map(|origin| Cause {
                    rule: None,
                    origin: Some(origin.clone()),
                }),
                next: Some(next),
            };
        }
    }
}

/// The same for many requests at once. `names` is how the name in the request became an address.
pub(super) fn judge_many(tally: &mut Tally, names: Option<&NameLookup>) {
    if tally.request.to.starts_with("ping:") {
        return;
    }
    let asked = Asked::new(&tally.request.to);
    for share in &mut tally.shares {
        let answerer = (share.by.as_ref()).filter(|_| share.kind == VerdictKind::Answered);
        let host = answerer.and_then(|by| found(by.address, by.port));
        let Some((host, speaks)) = host else {
            continue;
        };
        if let Answer::Wrong { why, .. } = asked.answer(host, speaks) {
            let origin = names.and_then(|names| names.origins().into_iter().next());
            share.kind = VerdictKind::WrongAnswer;
            share.why = Some(why);
            share.cause = origin.map(|origin| Cause {
                rule: None,
                origin: Some(origin),
            });
        }
    }
}

/// The host out here that has an address, and what is spoken on its port.
fn found(address: IpAddr, port: Option<u16>) -> Option<(&'static InternetHost, Speaks)> {
    let address = address.to_string();
    let mut hosts = HOSTS.iter();
    let host = hosts.find(|host| host.addresses.contains(&address.as_str()))?;
    let (_, speaks) = host.ports.iter().find(|(own, _)| Some(*own) == port)?;
    Some((host, *speaks))
}

/// A request as its client means it.
struct Asked<'a> {
    scheme: Option<&'a str>,
    /// The name or address in the URL, without its final dot: what goes into the `Host` header,
    /// and what the certificate is held against.
    host: &'a str,
}

enum Answer {
    Right {
        /// In a few words, at the host itself.
        short: String,
        /// Beside the verdict.
        detail: String,
    },
    Wrong {
        short: String,
        detail: String,
        why: Words,
        next: Words,
    },
}

impl<'a> Asked<'a> {
    fn new(to: &'a str) -> Self {
        let to = to.trim();
        let (scheme, rest) = match to.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, to),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        };
        Self {
            scheme,
            host: host.strip_suffix('.').unwrap_or(host),
        }
    }

    /// Whether the client speaks TLS, or plain HTTP; `None` for something else. Without a scheme
    /// it speaks what belongs to the port.
    fn tls(&self, speaks: Speaks) -> Option<bool> {
        let is = |names: &[&str]| {
            let own = self.scheme.unwrap_or_default();
            names.iter().any(|name| own.eq_ignore_ascii_case(name))
        };
        match speaks {
            _ if is(&["https", "wss"]) => Some(true),
            _ if is(&["http", "ws"]) => Some(false),
            Speaks::Https if self.scheme.is_none() => Some(true),
            Speaks::Http if self.scheme.is_none() => Some(false),
            _ => None,
        }
    }

    fn answer(&self, host: &InternetHost, speaks: Speaks) -> Answer {
        let name = host.name;
        let own = self.host;
        let is_site = host.sites.iter().any(|site| site.eq_ignore_ascii_case(own));
        let sites = host.sites.join(", ");
        match (speaks, self.tls(speaks)) {
            (_, None) => Answer::Right {
                short: "connected".to_owned(),
                detail: format!("connected to {name}"),
            },
            (Speaks::Http, Some(false)) | (Speaks::Https, Some(true)) if is_site => Answer::Right {
                short: "200 OK".to_owned(),
                detail: format!("200 OK, answered by {name}"),
            },
            (Speaks::Https, Some(true)) => Answer::Wrong {
                short: "another certificate".to_owned(),
                detail: format!("certificate for {}, not for {own}", host.sites.join(", ")),
                why: Words::new(
                    Phrase::default()
                        .say(format!("The house opened, but its sign says {sites}: the guest asked for "))
                        .mark(Mark::Bad, own)
                        .say(" and turned away."),
                    Phrase::default()
                        .say(format!("{name} shows a certificate for {sites}. The client holds it against the name in its URL, "))
                        .mark(Mark::Bad, own)
                        .say(", and breaks off."),
                ),
                next: next(name),
            },
            (Speaks::Http, Some(false)) => Answer::Wrong {
                short: host.otherwise.to_owned(),
                detail: format!("{}, answered by {name}", host.otherwise),
                why: Words::new(
                    Phrase::default()
                        .say("The house opened, but nobody called ")
                        .mark(Mark::Bad, own)
                        .say(" lives there."),
                    Phrase::default()
                        .say("The client sends ")
                        .mark(Mark::Bad, format!("Host: {own}"))
                        .say(format!(", the name in its URL. {name} has sites for {sites} alone, so it says {}.", host.otherwise)),
                ),
                next: next(name),
            },
            (Speaks::Http, Some(true)) => wrong_language(name, "speaks plain HTTP on that port, and not TLS"),
            (Speaks::Https, Some(false)) => wrong_language(name, "speaks TLS on that port: a plain request is a 400 Bad Request"),
            (Speaks::Other(what), Some(_)) => {
                wrong_language(name, &format!("speaks {what} on that port, and not HTTP"))
            }
        }
    }
}

fn wrong_language(name: &str, what: &str) -> Answer {
    Answer::Wrong {
        short: "another protocol".to_owned(),
        detail: format!("{name} {what}"),
        why: Words::new(
            format!(
                "The house opened, but guest and porter speak different languages: {name} {what}."
            ),
            format!("The connection stands, but {name} {what}."),
        ),
        next: Words::same("Compare scheme and port of the URL."),
    }
}

/// What to try where a name was not meant.
fn next(name: &str) -> Words {
    Words::new(
        format!(
            "A forwarding card changes where the guest goes, not for whom he asks: let him ask for {name}."
        ),
        format!(
            "DNS (an ExternalName, too) changes the address and nothing of the request: let the client ask for {name} itself, or tell it to send that Host and server name."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(to: &str, host: usize, port: u16) -> (bool, String) {
        let host = &HOSTS[host];
        let (_, speaks) = host.ports.iter().find(|(own, _)| *own == port).unwrap();
        match Asked::new(to).answer(host, *speaks) {
            Answer::Right { detail, .. } => (true, detail),
            Answer::Wrong { detail, .. } => (false, detail),
        }
    }

    #[test]
    fn a_host_knows_its_own_names_alone() {
        let right = |text: &str| (true, text.to_owned());
        let wrong = |text: &str| (false, text.to_owned());
        assert_eq!(
            says("http://www.Example.com/x", 0, 80),
            right("200 OK, answered by example.com")
        );
        assert_eq!(
            says("http://ext.shop./", 0, 80),
            wrong("404 Not Found, answered by example.com")
        );
        assert_eq!(
            says("api:80", 1, 80),
            wrong("421 Misdirected Request, answered by api.example.org")
        );
        assert_eq!(
            says("https://ext.shop", 1, 443),
            wrong("certificate for api.example.org, not for ext.shop")
        );
        assert_eq!(
            says("https://api.example.org", 1, 443),
            right("200 OK, answered by api.example.org")
        );
        assert!(!says("http://[2001:db8::1]", 1, 80).0);
        assert_eq!(
            says("tcp://db:5432", 2, 5432),
            right("connected to db.example.net")
        );
        assert_eq!(
            says("db:5432", 2, 5432),
            right("connected to db.example.net")
        );
        assert!(!says("http://db:5432", 2, 5432).0);
        assert!(!says("http://example.com:443", 0, 443).0);
        assert!(!says("https://example.com:80", 0, 80).0);
    }

    #[test]
    fn every_line_of_the_resolvers_is_a_record() {
        let names = [("node-1".to_owned(), IpAddr::from([192, 168, 10, 11]))];
        let table = upstream(names.into_iter());
        for name in self::names().chain(["node-1"]) {
            let name = crate::dns::Name::parse(name).unwrap();
            let question = crate::dns::Question::new(name, crate::dns::RecordType::A);
            let answer = table.answer(&question);
            assert_eq!(answer.rcode, crate::dns::Rcode::NoError, "{question}");
            assert!(!answer.answer.is_empty(), "{question}");
        }
    }

    #[test]
    fn the_lans_resolver_takes_a_free_address() {
        let net: IpNet = "192.168.10.1/24".parse().unwrap();
        let taken = [IpAddr::from([192, 168, 10, 53])];
        let address = |taken: &[IpAddr]| free(&net, taken).unwrap().to_string();
        assert_eq!(address(&[]), "192.168.10.53/24");
        assert_eq!(address(&taken), "192.168.10.54/24");
    }
}
