//! Why an answer is what it is, as data and in words.
//!
//! CoreDNS says only NXDOMAIN; which of its checks said no is what a person wants to know.

use serde::{Deserialize, Serialize};

use super::{Name, RecordType};
use crate::words::Words;

/// What decided about an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Reason {
    /// The cluster's zone has records of that name and type.
    Found,
    /// The name exists, but has no record of this type.
    OtherType {
        /// The type asked for.
        record_type: RecordType,
    },
    /// The name is a branch of the zone (the zone itself, `svc`, a namespace) without records.
    Branch,
    /// There is no such Namespace.
    NoSuchNamespace {
        /// Its name.
        namespace: String,
    },
    /// The Corefile keeps the Namespace out (`namespaces`, `namespace_labels`).
    HiddenNamespace {
        /// Its name.
        namespace: String,
    },
    /// There is no such Service.
    NoSuchService {
        /// Its Namespace.
        namespace: String,
        /// Its name.
        service: String,
    },
    /// The Service has no port of that name and protocol.
    NoSuchPort {
        /// The Service's Namespace.
        namespace: String,
        /// The Service.
        service: String,
        /// The port's name, without its underscore.
        port: String,
        /// The protocol, without its underscore.
        protocol: String,
    },
    /// The Service has no ready endpoint of that name.
    NoSuchEndpoint {
        /// The Service's Namespace.
        namespace: String,
        /// The Service.
        service: String,
        /// The endpoint's hostname or dashed address.
        endpoint: String,
    },
    /// A headless Service, or one that the Corefile ignores while it is empty, has no ready
    /// endpoint.
    NoReadyEndpoints {
        /// The Service's Namespace.
        namespace: String,
        /// The Service.
        service: String,
        /// How many endpoints are listed but not ready.
        not_ready: usize,
    },
    /// An ExternalName Service names an address, which is not a name.
    ExternalNameIsAddress {
        /// The Service's Namespace.
        namespace: String,
        /// The Service.
        service: String,
        /// What it says.
        address: String,
    },
    /// An ExternalName Service has no endpoints and no named ports.
    ExternalNameHasNoParts {
        /// The Service's Namespace.
        namespace: String,
        /// The Service.
        service: String,
    },
    /// An ExternalName Service leads to a name in the zone that has no address or leads back.
    AliasLeadsNowhere {
        /// Where it leads.
        target: Name,
    },
    /// An ExternalName Service leads outside, and nobody there knows the name.
    AliasUnknownOutside {
        /// Where it leads.
        target: Name,
    },
    /// Names of Pods are switched off (no `pods` line in the Corefile).
    PodsDisabled,
    /// The label is no address written with dashes.
    NotAPodAddress {
        /// The label.
        label: String,
    },
    /// With `pods verified`: no live Pod of the Namespace has that address.
    NoSuchPod {
        /// The Namespace.
        namespace: String,
        /// The address.
        address: String,
    },
    /// The name has neither `svc` nor `pod` in front of the zone, or too many labels.
    NotAClusterName,
    /// No Service and no ready endpoint has the address.
    NoSuchAddress,
    /// A server outside answered.
    Forwarded,
    /// No server outside knows the name.
    UnknownOutside,
    /// The name is not the cluster's, and no server that the Corefile forwards to answered.
    UpstreamSilent {
        /// The servers, as the Corefile names them.
        servers: String,
    },
    /// The name is not the cluster's, and the Corefile forwards it nowhere.
    NotForwarded,
    /// No server block of the Corefile is for that name.
    NotServed,
    /// CoreDNS hands out no zones unless it is told to.
    ZoneTransfer,
    /// The answer holds a name that no message can carry.
    NotWritable {
        /// The name.
        name: Name,
    },
    /// Aliases lead in a circle through several zones.
    TooManyLookups,
}

impl Reason {
    /// One sentence, for the hotel and for the cluster.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one sentence a reason")]
    pub fn words(&self) -> Words {
        match self {
            Self::Found => Words::new(
                "The directory has that line.",
                "The zone has records of that name and type.",
            ),
            Self::OtherType { record_type } => Words::new(
                "The directory knows the name, but has no number of that kind for it.",
                format!("The name exists, but it has no {record_type} record."),
            ),
            Self::Branch => Words::new(
                "That is a heading of the directory, not a line.",
                "The name is a branch of the zone and has no records of its own.",
            ),
            Self::NoSuchNamespace { namespace } => Words::new(
                format!("The directory has no pages for {namespace}."),
                format!("There is no Namespace {namespace}."),
            ),
            Self::HiddenNamespace { namespace } => Words::new(
                format!("The directory does not list {namespace}."),
                format!("The Corefile keeps Namespace {namespace} out of the zone."),
            ),
            Self::NoSuchService { namespace, service } => Words::new(
                format!("The directory lists no desk {service} in {namespace}."),
                format!("Namespace {namespace} has no Service {service}."),
            ),
            Self::NoSuchPort {
                namespace,
                service,
                port,
                protocol,
            } => Words::new(
                format!("Desk {service} lists no extension {port} ({protocol})."),
                format!("Service {namespace}/{service} has no port named {port} for {protocol}."),
            ),
            Self::NoSuchEndpoint {
                namespace,
                service,
                endpoint,
            } => Words::new(
                format!("No made-up room on the list of desk {service} is called {endpoint}."),
                format!(
                    "Service {namespace}/{service} has no ready endpoint named {endpoint}: a hostname, or an address with dashes where there is no hostname."
                ),
            ),
            Self::NoReadyEndpoints {
                namespace,
                service,
                not_ready: 0,
            } => Words::new(
                format!("The list of desk {service} is empty."),
                format!("Service {namespace}/{service} has no endpoints."),
            ),
            Self::NoReadyEndpoints {
                namespace,
                service,
                not_ready,
            } => Words::new(
                format!("No room on the list of desk {service} is made up ({not_ready} are not)."),
                format!(
                    "Service {namespace}/{service} has no ready endpoint ({not_ready} not ready)."
                ),
            ),
            Self::ExternalNameIsAddress {
                namespace,
                service,
                address,
            } => Words::new(
                format!("The forwarding card {service} says {address}: not a name to ask for."),
                format!(
                    "ExternalName Service {namespace}/{service} says {address}; an address is not a name, so CoreDNS gives no record."
                ),
            ),
            Self::ExternalNameHasNoParts { namespace, service } => Words::new(
                format!("The forwarding card {service} has one line only."),
                format!(
                    "ExternalName Service {namespace}/{service} has no endpoints and no named ports in DNS."
                ),
            ),
            Self::AliasLeadsNowhere { target } => Words::new(
                format!("The forwarding card leads to {target}, which leads nowhere."),
                format!(
                    "The CNAME leads to {target}, which has no address in the zone or leads back; CoreDNS then leaves the CNAME out."
                ),
            ),
            Self::AliasUnknownOutside { target } => Words::new(
                format!("The forwarding card says {target}; nobody outside knows that house."),
                format!("The CNAME leads to {target}, for which the upstream gave no address."),
            ),
            Self::PodsDisabled => Words::new(
                "The directory lists no rooms.",
                "Names of Pods are switched off: the Corefile has no pods line.",
            ),
            Self::NotAPodAddress { label } => Words::new(
                format!("{label} is not a room number."),
                format!("{label} is not an address written with dashes."),
            ),
            Self::NoSuchPod { namespace, address } => Words::new(
                format!("No room {address} in {namespace} is in use."),
                format!("pods verified: no live Pod of Namespace {namespace} has {address}."),
            ),
            Self::NotAClusterName => Words::new(
                "The directory has no such heading.",
                "The name is not of a form that the cluster has: service.namespace.svc, or address.namespace.pod.",
            ),
            Self::NoSuchAddress => Words::new(
                "No desk and no made-up room has that number.",
                "No cluster IP and no ready endpoint is that address.",
            ),
            Self::Forwarded => Words::new(
                "A directory outside the hotel has that line.",
                "The upstream resolver answered.",
            ),
            Self::UnknownOutside => Words::new(
                "Not a name of the hotel, and no directory outside knows it.",
                "The name is not in the cluster's zone, and the upstream resolver does not know it.",
            ),
            Self::UpstreamSilent { servers } => Words::new(
                "Not a name of the hotel, and the directory outside does not answer.",
                format!(
                    "The name is not in the cluster's zone, and no server behind `forward . {servers}` answered CoreDNS."
                ),
            ),
            Self::NotForwarded => Words::new(
                "Not a name of the hotel, and the directory asks nobody outside.",
                "The name is not in a zone of CoreDNS, and the Corefile has no forward for it.",
            ),
            Self::NotServed => Words::new(
                "The directory does not answer for such names.",
                "No server block of the Corefile is for that name.",
            ),
            Self::ZoneTransfer => Words::new(
                "The directory is not handed out as a whole.",
                "CoreDNS refuses zone transfers unless the transfer plugin allows them.",
            ),
            Self::NotWritable { name } => Words::new(
                format!("The directory's line is too long to be read out: {name}"),
                format!("The answer holds a name that no DNS message can carry: {name}"),
            ),
            Self::TooManyLookups => Words::new(
                "The forwarding cards lead in a circle.",
                "Aliases lead in a circle through several zones.",
            ),
        }
    }
}
