//! Worlds and journeys made by hand, for the tests and the gallery: what the engine could say.

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::Listening;
use lobby_engine::lab::{
    Client as Street, Desk, DeskPort, DeskType, Directory, Door, Entrance, LeftOut, ListEntry,
    Room, RoomState, Scene, Wing,
};
use lobby_engine::net::{Packet, Protocol, TcpFlags, Transport};
use lobby_engine::netfilter::{Look, RuleAt};
use lobby_engine::network::{
    Change, ClientKind, Direction, Hop, Journey, Location, Step, VerdictKind, Words,
};
use serde_json::{Value, json};

/// A world with so many Nodes, nobody in it, and a laptop on the street.
pub fn empty(nodes: usize) -> Scene {
    Scene {
        cluster: "lab".into(),
        directory: Some(Directory {
            service: ObjectRef::new(Kind::Service, "kube-system", "kube-dns"),
            address: "10.96.0.10:53".into(),
        }),
        wings: (1..=nodes)
            .map(|i| Wing {
                node: ObjectRef::new(Kind::Node, "", format!("node-{i}")),
                address: format!("192.168.10.{}", 10 + i),
                zone: None,
                rules: Some(21),
                cordoned: false,
                running: true,
                more: 0,
            })
            .collect(),
        rooms: Vec::new(),
        desks: vec![kubernetes()],
        street: vec![Street {
            id: "external/laptop".into(),
            name: "laptop".into(),
            kind: ClientKind::Lan,
            address: "192.168.10.50".into(),
        }],
        left_out: LeftOut::default(),
    }
}

/// The Service that every cluster has.
fn kubernetes() -> Desk {
    let mut desk = desk("kubernetes", DeskType::ClusterIP, "10.96.0.1", &[]);
    desk.of_the_cluster = true;
    desk.missing = None;
    desk
}

/// Somebody on the internet.
pub fn internet() -> Street {
    Street {
        id: "external/internet".into(),
        name: "internet".into(),
        kind: ClientKind::Internet,
        address: "203.0.113.7".into(),
    }
}

/// A Pod in a slot of a wing.
pub fn room(wing: usize, slot: u32, address: &str, state: RoomState) -> Room {
    owned(wing, slot, address, state, "frontend")
}

/// A Pod of some owner.
pub fn owned(wing: usize, slot: u32, address: &str, state: RoomState, owner: &str) -> Room {
    Room {
        pod: ObjectRef::new(Kind::Pod, "default", format!("{owner}-{wing}-{slot}")),
        wing: Some(wing),
        slot,
        address: address.into(),
        state,
        owner: owner.into(),
        owner_kind: "Deployment".into(),
        host_network: false,
        listening: Listening::Everywhere,
    }
}

/// A Service that lists some rooms.
pub fn desk(name: &str, type_: DeskType, address: &str, rooms: &[&Room]) -> Desk {
    let node_port = matches!(type_, DeskType::NodePort | DeskType::LoadBalancer);
    Desk {
        service: ObjectRef::new(Kind::Service, "default", name),
        type_,
        address: address.into(),
        ports: vec![DeskPort {
            name: String::new(),
            text: if node_port { "80:30080/TCP" } else { "80/TCP" }.into(),
            target: "8080".into(),
        }],
        list: rooms
            .iter()
            .map(|room| ListEntry {
                address: room.address.clone(),
                pod: Some(room.pod.clone()),
                in_: room.state == RoomState::Ready,
                reason: if room.state == RoomState::Ready {
                    String::new()
                } else {
                    room.state.as_str().into()
                },
            })
            .collect(),
        doors: if node_port {
            vec![Door {
                port: 30080,
                service_port: "80".into(),
            }]
        } else {
            Vec::new()
        },
        entrance: Entrance::None,
        forward: None,
        missing: None,
        of_the_cluster: false,
    }
}

/// The open Service of the stories.
pub fn service() -> ObjectRef {
    ObjectRef::new(Kind::Service, "default", "frontend-service")
}

/// A journey of each kind, with the picture that it is drawn in.
#[cfg(test)]
pub fn journeys() -> [(Scene, Journey); 5] {
    let (hotel, fleet) = (hotel(), fleet());
    [
        (hotel.clone(), node_port(&hotel)),
        (hotel.clone(), cluster_ip(&hotel)),
        (hotel, refused()),
        (fleet.clone(), lost()),
        (fleet.clone(), balanced(&fleet)),
    ]
}

/// Three rooms on two of three wings, one of them not ready, behind a NodePort Service.
pub fn hotel() -> Scene {
    let mut scene = empty(3);
    scene.rooms = vec![
        room(0, 0, "10.244.1.5", RoomState::Ready),
        room(1, 0, "10.244.2.7", RoomState::Ready),
        room(1, 1, "10.244.2.9", RoomState::NotReady),
    ];
    let rooms: Vec<&Room> = scene.rooms.iter().collect();
    let open = desk(
        "frontend-service",
        DeskType::NodePort,
        "10.96.32.10",
        &rooms,
    );
    scene.desks.insert(0, open);
    scene
}

/// The same, but the Service asks for rooms that nobody has.
pub fn nobody() -> Scene {
    let mut scene = hotel();
    for wing in &mut scene.wings {
        wing.rules = Some(16);
    }
    let desk = &mut scene.desks[0];
    desk.list.clear();
    desk.missing = Some(Words::new(
        "asks for app: front-end rooms: app: frontend",
        "selector app=front-end matches no Pod; Pods have app=frontend",
    ));
    scene
}

fn tcp(src: &str, sport: u16, dst: &str, dport: u16, flags: TcpFlags) -> Packet {
    let transport = Transport::Tcp {
        sport,
        dport,
        flags,
    };
    Packet::new(ip(src), ip(dst), transport)
}

fn ip(text: &str) -> std::net::IpAddr {
    text.parse()
        .unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into())
}

fn looks(hit: u32) -> Vec<Look> {
    (1..=hit)
        .map(|number| Look {
            at: RuleAt::new("nat", "KUBE-SERVICES", number),
            matched: true,
            why: String::new(),
            through: None,
        })
        .collect()
}

/// Builds a journey hop by hop.
///
/// By way of JSON, as the engine writes it, so that a result type may gain a field with a default.
pub struct Story {
    head: Value,
    hops: Vec<Hop>,
}

impl Story {
    /// Nothing has happened yet.
    pub fn new(client: &str, kind: ClientKind, verdict: VerdictKind) -> Self {
        let none = Words::default();
        let head = json!({
            "request": { "from": client, "to": "node-3:30080", "protocol": Protocol::Tcp },
            "client": { "id": client, "name": client, "kind": kind },
            "hops": [],
            "verdict": { "kind": verdict, "detail": none, "why": none },
            "rulesLookedAt": 15,
        });
        Self {
            head,
            hops: Vec::new(),
        }
    }

    /// One more hop.
    pub fn hop(
        mut self,
        step: Step,
        at: Location,
        before: Packet,
        after: Packet,
        changes: &[Change],
    ) -> Self {
        let turned = matches!(step, Step::Unnat | Step::Reply)
            || self.hops.last().is_some_and(|h| {
                h.direction == Direction::Reply || matches!(h.step, Step::Deliver | Step::Reject)
            });
        let direction = if turned {
            Direction::Reply
        } else {
            Direction::Request
        };
        let met = match step {
            Step::Nat => 9,
            Step::Reject => 2,
            _ => 0,
        };
        let hop = json!({
            "number": self.hops.len() + 1,
            "step": step,
            "at": at,
            "direction": direction,
            "before": before,
            "after": after,
            "changes": changes,
            "title": Words::same(format!("{step:?}")),
            "aside": Words::default(),
            "tick": Words::same(format!("{step:?}")),
            "sentence": Words::default(),
            "why": Words::default(),
            "looks": looks(met),
            "origins": [],
        });
        self.hops.push(read(hop));
        self
    }

    /// The journey.
    pub fn end(self) -> Journey {
        let mut journey: Journey = read(self.head);
        journey.hops = self.hops;
        journey
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    match serde_json::from_value(value) {
        Ok(read) => read,
        Err(error) => panic!("a hand-made result that the engine cannot read: {error}"),
    }
}

/// At a client on the street.
pub fn outside(name: &str) -> Location {
    Location::Outside { name: name.into() }
}

/// At a Node's rules.
pub fn node(number: usize) -> Location {
    Location::Node {
        name: format!("node-{number}"),
    }
}

/// At a Pod.
pub fn pod(room: &Room) -> Location {
    Location::Pod {
        namespace: room.pod.namespace.clone(),
        name: room.pod.name.clone(),
        node: format!("node-{}", room.wing.map_or(0, |wing| wing + 1)),
    }
}

/// Between two Nodes.
pub fn wire(from: usize, to: usize) -> Location {
    Location::Wire {
        from: format!("node-{from}"),
        to: format!("node-{to}"),
    }
}

/// From the laptop through node-3's door to a room of node-2, and back: seven hops.
pub fn node_port(scene: &Scene) -> Journey {
    let syn = TcpFlags::SYN;
    let sent = tcp("192.168.10.50", 51742, "192.168.10.13", 30080, syn);
    let written = tcp("192.168.10.13", 24817, "10.244.2.7", 8080, syn);
    let back = TcpFlags::SYN_ACK;
    let answer = tcp("10.244.2.7", 8080, "192.168.10.13", 24817, back);
    let home = tcp("192.168.10.13", 30080, "192.168.10.50", 51742, back);
    let room = &scene.rooms[1];
    Story::new("laptop", ClientKind::Lan, VerdictKind::Answered)
        .hop(Step::Send, outside("laptop"), sent, sent, &[])
        .hop(Step::Enter, node(3), sent, sent, &[])
        .hop(
            Step::Nat,
            node(3),
            sent,
            written,
            &[Change::Dnat, Change::Snat],
        )
        .hop(Step::Route, wire(3, 2), written, written, &[])
        .hop(Step::Deliver, pod(room), written, written, &[])
        .hop(
            Step::Unnat,
            node(3),
            answer,
            home,
            &[Change::UnSnat, Change::UnDnat],
        )
        .hop(Step::Reply, outside("laptop"), home, home, &[])
        .end()
}

/// The same request to a Service without rooms.
pub fn refused() -> Journey {
    let sent = tcp(
        "192.168.10.50",
        51742,
        "192.168.10.13",
        30080,
        TcpFlags::SYN,
    );
    let icmp = tcp(
        "192.168.10.13",
        30080,
        "192.168.10.50",
        51742,
        TcpFlags::RST,
    );
    Story::new("laptop", ClientKind::Lan, VerdictKind::Refused)
        .hop(Step::Send, outside("laptop"), sent, sent, &[])
        .hop(Step::Enter, node(3), sent, sent, &[])
        .hop(Step::Reject, node(3), sent, sent, &[])
        .hop(Step::Reply, outside("laptop"), icmp, icmp, &[])
        .end()
}

/// From a Pod to the cluster address, to a room on another wing.
pub fn cluster_ip(scene: &Scene) -> Journey {
    let sent = tcp("10.244.2.9", 40112, "10.96.32.10", 80, TcpFlags::SYN);
    let written = tcp("10.244.2.9", 40112, "10.244.1.5", 8080, TcpFlags::SYN);
    let answer = tcp("10.244.1.5", 8080, "10.244.2.9", 40112, TcpFlags::SYN_ACK);
    let home = tcp("10.96.32.10", 80, "10.244.2.9", 40112, TcpFlags::SYN_ACK);
    let (client, server) = (&scene.rooms[2], &scene.rooms[0]);
    Story::new("pod/frontend-1-1", ClientKind::Pod, VerdictKind::Answered)
        .hop(Step::Send, pod(client), sent, sent, &[])
        .hop(Step::Nat, node(2), sent, written, &[Change::Dnat])
        .hop(Step::Route, wire(2, 1), written, written, &[])
        .hop(Step::Deliver, pod(server), written, written, &[])
        .hop(Step::Unnat, node(2), answer, home, &[Change::UnDnat])
        .hop(Step::Reply, pod(client), home, home, &[])
        .end()
}

/// From the internet through the router and a door that leads nowhere.
pub fn lost() -> Journey {
    let sent = tcp("203.0.113.7", 40001, "192.168.10.11", 30080, TcpFlags::SYN);
    Story::new("internet", ClientKind::Internet, VerdictKind::TimedOut)
        .hop(Step::Send, outside("internet"), sent, sent, &[])
        .hop(Step::Route, Location::Router, sent, sent, &[])
        .hop(Step::Enter, node(1), sent, sent, &[])
        .hop(Step::Drop, node(1), sent, sent, &[])
        .end()
}

/// Fifty Pods of four owners on three wings.
pub fn fifty() -> Scene {
    let mut scene = empty(3);
    let owners = ["frontend", "api", "worker", "cache"];
    for i in 0..50_u32 {
        let (wing, slot) = ((i % 3) as usize, i / 3);
        let owner = owners[(i as usize * 7 + i as usize / 5) % owners.len()];
        let state = if i % 9 == 4 {
            RoomState::NotReady
        } else {
            RoomState::Ready
        };
        let address = format!("10.244.{}.{}", wing + 1, slot + 2);
        scene.rooms.push(owned(wing, slot, &address, state, owner));
    }
    let front: Vec<&Room> = scene
        .rooms
        .iter()
        .filter(|r| r.owner == "frontend")
        .collect();
    let open = desk(
        "frontend-service",
        DeskType::NodePort,
        "10.96.32.10",
        &front,
    );
    scene.desks.insert(0, open);
    scene
}

/// Six floors, every state, and a Pod that waits.
pub fn states() -> Scene {
    let mut scene = empty(3);
    let states = [
        RoomState::Ready,
        RoomState::NotReady,
        RoomState::Terminating,
        RoomState::Pending,
        RoomState::Finished,
        RoomState::Ready,
        RoomState::NotReady,
        RoomState::Terminating,
        RoomState::Ready,
        RoomState::Ready,
        RoomState::Ready,
    ];
    for (slot, state) in states.into_iter().enumerate() {
        let address = if state == RoomState::Pending {
            String::new()
        } else {
            format!("10.244.1.{}", slot + 2)
        };
        let slot = u32::try_from(slot).unwrap_or(0);
        scene.rooms.push(room(0, slot, &address, state));
    }
    for slot in 0..5 {
        let address = format!("10.244.2.{}", slot + 2);
        scene.rooms.push(room(1, slot, &address, RoomState::Ready));
    }
    let mut waiting = room(2, 0, "", RoomState::Pending);
    waiting.wing = None;
    scene.rooms.push(waiting);
    scene.wings[1].cordoned = true;
    let rooms: Vec<&Room> = scene.rooms.iter().filter(|r| r.wing.is_some()).collect();
    let mut open = desk(
        "frontend-service",
        DeskType::LoadBalancer,
        "10.96.32.10",
        &rooms,
    );
    open.entrance = Entrance::Pending {
        by: "AWS".into(),
        why: Words::same("AWS is building it: about 150 s."),
    };
    scene.desks.insert(0, open);
    scene.street.insert(0, internet());
    scene
}

/// Five wings, twenty Services and a load balancer that stands.
pub fn fleet() -> Scene {
    let mut scene = hotel();
    scene.wings = empty(5).wings;
    scene.street.insert(0, internet());
    let types = [
        DeskType::ClusterIP,
        DeskType::Headless,
        DeskType::ExternalName,
        DeskType::LoadBalancer,
    ];
    for i in 0..20 {
        let name = format!("service-{i:02}");
        let address = format!("10.96.40.{i}");
        scene.desks.push(desk(&name, types[i % 4], &address, &[]));
    }
    let open = &mut scene.desks[0];
    open.type_ = DeskType::LoadBalancer;
    open.entrance = Entrance::Built {
        addresses: vec!["203.0.113.80".into()],
        by: "GCP".into(),
        doorman: Words::same("passthrough"),
    };
    scene
}

/// From the internet through the main entrance; the source stays.
pub fn balanced(scene: &Scene) -> Journey {
    let sent = tcp("203.0.113.7", 40001, "203.0.113.80", 80, TcpFlags::SYN);
    let written = tcp("192.168.10.15", 1893, "10.244.1.5", 8080, TcpFlags::SYN);
    let answer = tcp("10.244.1.5", 8080, "192.168.10.15", 1893, TcpFlags::SYN_ACK);
    let home = tcp("203.0.113.80", 80, "203.0.113.7", 40001, TcpFlags::SYN_ACK);
    Story::new("internet", ClientKind::Internet, VerdictKind::Answered)
        .hop(Step::Send, outside("internet"), sent, sent, &[])
        .hop(Step::Enter, node(5), sent, sent, &[])
        .hop(
            Step::Nat,
            node(5),
            sent,
            written,
            &[Change::Dnat, Change::Snat],
        )
        .hop(Step::Route, wire(5, 1), written, written, &[])
        .hop(Step::Deliver, pod(&scene.rooms[0]), written, written, &[])
        .hop(
            Step::Unnat,
            node(5),
            answer,
            home,
            &[Change::UnSnat, Change::UnDnat],
        )
        .hop(Step::Reply, outside("internet"), home, home, &[])
        .end()
}

/// Long names, two node ports, IPv6 and more zones than one would like.
pub fn long() -> Scene {
    let mut scene = hotel();
    scene.cluster = "production-europe-central-2".into();
    for (i, wing) in scene.wings.iter_mut().enumerate() {
        wing.node.name = format!("ip-10-0-12-{i}.eu-central-1.compute.internal");
        wing.address = format!("2001:db8:10::{}", i + 11);
        wing.rules = Some(48_213);
    }
    for (i, room) in scene.rooms.iter_mut().enumerate() {
        room.owner = "recommendation-engine-canary".into();
        room.address = format!("fd00:10:244:{i}::a{i}");
    }
    scene.rooms[2].host_network = true;
    let rooms: Vec<&Room> = scene.rooms.iter().collect();
    let name = "recommendation-engine-canary-public";
    let mut open = desk(name, DeskType::NodePort, "fd00:10:96::ab12", &rooms);
    open.service = service();
    open.doors.push(Door {
        port: 30443,
        service_port: "https".into(),
    });
    scene.desks[0] = open;
    scene.desks[0].service.name = name.into();
    let mut other = desk(name, DeskType::Headless, "", &[]);
    other.service.namespace = "shop".into();
    scene.desks.push(other);
    scene
}

/// An IPv6 packet rewritten at the first wing.
pub fn long_way(scene: &Scene) -> Journey {
    let sent = tcp(
        "2001:db8:ffff:1:2:3:4:5",
        51742,
        "2001:db8:10::11",
        30080,
        TcpFlags::SYN,
    );
    let written = tcp(
        "2001:db8:10::11",
        51742,
        "fd00:10:244:1::a1",
        8080,
        TcpFlags::SYN,
    );
    let at = Location::Node {
        name: scene.wings[0].node.name.clone(),
    };
    Story::new("laptop", ClientKind::Lan, VerdictKind::Answered)
        .hop(Step::Send, outside("laptop"), sent, sent, &[])
        .hop(Step::Enter, at.clone(), sent, sent, &[])
        .hop(Step::Nat, at, sent, written, &[Change::Dnat, Change::Snat])
        .hop(Step::Deliver, pod(&scene.rooms[1]), written, written, &[])
        .end()
}
