//! The picture of the world: what the stage draws, without where it draws it.
//!
//! Every thing carries the [`ObjectRef`] that linked highlighting needs. Hotel words and the
//! field's own words for a thing stand side by side in [`Words`].

use serde::{Deserialize, Serialize};

use crate::api::ObjectRef;
use crate::cluster::Listening;
use crate::network::{ClientKind, Words};

/// Everything on the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scene {
    /// The cluster's name.
    pub cluster: String,
    /// Cluster DNS.
    pub directory: Option<Directory>,
    /// The Nodes, in the order in which they came; a place is kept when its Node goes.
    pub wings: Vec<Wing>,
    /// The Pods.
    pub rooms: Vec<Room>,
    /// The Services.
    pub desks: Vec<Desk>,
    /// Who can send from outside, in fixed order.
    pub street: Vec<Client>,
    /// What this picture leaves out; nothing, unless it was cut ([`Scene::around`]).
    pub left_out: LeftOut,
}

/// How much of the world a cut picture does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// Nodes.
    pub wings: usize,
    /// Pods.
    pub rooms: usize,
    /// Services.
    pub desks: usize,
}

/// Cluster DNS, as a card on the wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// The Service of cluster DNS.
    pub service: ObjectRef,
    /// Its Service's address and port.
    pub address: String,
}

/// A Node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wing {
    /// The Node.
    pub node: ObjectRef,
    /// Its internal address.
    pub address: String,
    /// Its zone, where it has one.
    pub zone: Option<String>,
    /// How many rules kube-proxy wrote here; `None` where they were not counted, because the world
    /// has more than [`crate::limits::MAX_COUNTED_NODES`].
    pub rules: Option<u32>,
    /// Whether new Pods are kept off it.
    pub cordoned: bool,
    /// Whether it is switched on.
    pub running: bool,
    /// How many of its Pods a cut picture leaves out.
    pub more: usize,
}

/// A Pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// The Pod.
    pub pod: ObjectRef,
    /// Index of its Node in [`Scene::wings`]; `None` while it is not scheduled.
    pub wing: Option<usize>,
    /// Its place in the wing, from 0: the lowest that was free when it came. It keeps it.
    pub slot: u32,
    /// Its address; empty until it has one.
    pub address: String,
    /// Its state.
    pub state: RoomState,
    /// The workload that owns it, or its own name.
    pub owner: String,
    /// The workload's kind: `Deployment`; `Pod` where nobody owns it.
    pub owner_kind: String,
    /// Whether it lives in the Node's own network.
    pub host_network: bool,
    /// Who listens in it.
    pub listening: Listening,
}

/// What the light at a room's window says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RoomState {
    /// It passes its readiness probe.
    Ready,
    /// It does not.
    NotReady,
    /// It is being deleted.
    Terminating,
    /// It has no Node or no address yet.
    Pending,
    /// It ran to its end.
    Finished,
}

impl RoomState {
    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Terminating => "terminating",
            Self::Pending => "pending",
            Self::Finished => "finished",
        }
    }
}

/// A Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desk {
    /// The Service.
    pub service: ObjectRef,
    /// Shape and word of its type.
    pub type_: DeskType,
    /// Its cluster address; empty for headless and ExternalName.
    pub address: String,
    /// Its ports.
    pub ports: Vec<DeskPort>,
    /// Its list of rooms: every Pod that it selects, or that somebody listed by hand.
    pub list: Vec<ListEntry>,
    /// The node ports, the same on every wing.
    pub doors: Vec<Door>,
    /// The load balancer's entrance.
    pub entrance: Entrance,
    /// Where an ExternalName sends people on to.
    pub forward: Option<Forward>,
    /// What it is missing, in one sentence, drawn as a ghost: no selector, nothing selected.
    pub missing: Option<Words>,
    /// Whether the cluster made it and no manifest did.
    pub of_the_cluster: bool,
}

/// A Service's type as people see it; headless is one of its own here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeskType {
    /// ClusterIP: the internal phone.
    ClusterIP,
    /// NodePort: the side door.
    NodePort,
    /// LoadBalancer: the main entrance.
    LoadBalancer,
    /// ExternalName: the forwarding card.
    ExternalName,
    /// ClusterIP without an address: the room list.
    Headless,
}

impl DeskType {
    /// As Kubernetes writes it; headless as people say it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
            Self::ExternalName => "ExternalName",
            Self::Headless => "headless",
        }
    }
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeskPort {
    /// Its name; empty for a single one.
    pub name: String,
    /// `80/TCP`, or `80:30080/TCP`, as kubectl prints it.
    pub text: String,
    /// The Pods' port, as written.
    pub target: String,
}

/// One line of a Service's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListEntry {
    /// The address.
    pub address: String,
    /// The Pod behind it, where there is one.
    pub pod: Option<ObjectRef>,
    /// Whether new connections may go there.
    pub in_: bool,
    /// Why not, or why all the same: `not ready`, `terminating`.
    pub reason: String,
}

/// A node port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Door {
    /// Its number.
    pub port: u16,
    /// The Service's port behind it, by name or number.
    pub service_port: String,
}

/// The load balancer's entrance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Entrance {
    /// There is none, and none was asked for.
    None,
    /// It was asked for, and is not built: `<pending>`.
    Pending {
        /// Who is building it; empty if nobody is.
        by: String,
        /// Why it takes its time, in a sentence.
        why: Words,
    },
    /// It stands.
    Built {
        /// Its addresses or names.
        addresses: Vec<String>,
        /// Who built it; empty where the manifest brought it along.
        by: String,
        /// What stands at the door, in a few words.
        doorman: Words,
    },
}

/// A forwarding card: ExternalName.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// `spec.externalName`.
    pub name: String,
    /// Whose name that is.
    pub to: ForwardTo,
}

/// Whose name an ExternalName is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "to")]
pub enum ForwardTo {
    /// Another house's, in the lab's small internet.
    House {
        /// The host's own name.
        host: String,
        /// Its address.
        address: String,
    },
    /// A name of this cluster.
    Inside,
    /// Nobody's that the lab knows.
    Nobody,
}

/// Somebody on the street.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// What [`crate::network::Request::from`] says to mean it.
    pub id: String,
    /// A short name.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
    /// Its address.
    pub address: String,
}
