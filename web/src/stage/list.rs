//! The scene as a text: the same things, in the same order, for who does not see the picture.

use std::rc::Rc;

use lobby_engine::cluster::Listening;
use lobby_engine::lab::{Desk, Entrance, ForwardTo, Room, Scene, Wing};
use lobby_engine::network::{Journey, Location, Share, Tally};
use yew::prelude::*;

use super::Skin;
use super::lobby::desk_name;
use crate::hooks::use_whole;

/// What the list is made from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Index of the open Service.
    pub(super) open: Option<usize>,
    /// The journey under way.
    pub(super) journey: Option<Rc<Journey>>,
    /// The hop in hand, from 1; 0 for none.
    pub(super) hop: usize,
    /// Whose words come first.
    pub(super) skin: Skin,
    /// Many requests that were counted.
    pub(super) tally: Option<Rc<Tally>>,
}

/// The list. It comes with the rest of the page's code.
#[component]
pub(super) fn SceneList(props: &Props) -> Html {
    if *use_whole() {
        list(props)
    } else {
        html! {}
    }
}

fn list(props: &Props) -> Html {
    let scene = &props.scene;
    let packet = props
        .journey
        .as_ref()
        .and_then(|j| packet(j, props.hop, props.skin));
    let open = props.open.and_then(|i| scene.desks.get(i));
    html! {
        <ul class="stage-list">
            { match &props.tally {
                Some(tally) => html! {
                    <li>
                        { format!("{} requests to {}", tally.count, tally.request.to) }
                        <ul>{ for tally.shares.iter().map(|share| html! { <li>{ share_line(share) }</li> }) }</ul>
                    </li>
                },
                None => packet.map(|text| html! { <li>{ text }</li> }).into_iter().collect(),
            } }
            { for scene.wings.iter().enumerate().map(|(i, wing)| html! {
                <li>
                    { wing_line(wing) }
                    { rooms(scene, Some(i)) }
                </li>
            }) }
            { scene.rooms.iter().any(|r| r.wing.is_none()).then(|| html! {
                <li>{ "Rooms without a wing, Pods that are not scheduled" }{ rooms(scene, None) }</li>
            }) }
            { open.map(open_desk) }
            { for scene.desks.iter().enumerate().filter(|(i, _)| Some(*i) != props.open).map(|(_, desk)| {
                html! { <li>{ desk_name(desk) }</li> }
            }) }
            { for scene.directory.iter().map(|d| html! {
                <li>{ format!("Directory, cluster DNS, {}", d.address) }</li>
            }) }
            { for scene.street.iter().map(|client| html! {
                <li>{ format!("On the street: {}, {}", client.name, client.address) }</li>
            }) }
        </ul>
    }
}

fn rooms(scene: &Scene, wing: Option<usize>) -> Html {
    let rooms: Vec<_> = scene.rooms.iter().filter(|r| r.wing == wing).collect();
    if rooms.is_empty() {
        return html! { <ul><li>{ "no room in this wing, no Pod on this Node" }</li></ul> };
    }
    html! {
        <ul>
            { for rooms.iter().map(|room| html! {
                <li>{ room_line(room) }</li>
            }) }
        </ul>
    }
}

fn share_line(share: &Share) -> String {
    let mut line = format!("{}: {}", share.kind.as_str(), share.count);
    if let Some(by) = &share.by {
        line += &format!(
            " by {}",
            by.pod.clone().unwrap_or_else(|| by.address.to_string())
        );
    }
    if let Some(expected) = share.expected_thousandths {
        line += &format!(", promised about {}", (expected + 500) / 1000);
    }
    line
}

fn wing_line(wing: &Wing) -> String {
    let mut line = format!("Wing {0}, Node {0}, {1}", wing.node.name, wing.address);
    if let Some(rules) = wing.rules {
        line += &format!(", {rules} rules");
    }
    if !wing.running {
        line += ", switched off";
    } else if wing.cordoned {
        line += ", cordoned";
    }
    if wing.more > 0 {
        line += &format!(", {} Pods not drawn", wing.more);
    }
    line
}

fn room_line(room: &Room) -> String {
    let mut line = format!(
        "Room {}, Pod {}, {}",
        room.address,
        room.pod.name,
        room.state.as_str()
    );
    if room.owner_kind != "Pod" {
        line += &format!(", of {} {}", room.owner_kind, room.owner);
    }
    if room.host_network {
        line += ", in the Node's own network";
    }
    match room.listening {
        Listening::Everywhere => {}
        Listening::LocalhostOnly => line += ", listens on 127.0.0.1 only",
        Listening::Nowhere => line += ", nobody listens",
    }
    line
}

fn open_desk(desk: &Desk) -> Html {
    let entrance = match &desk.entrance {
        Entrance::None => None,
        Entrance::Pending { why, .. } => Some(format!(
            "main entrance: a building site, the load balancer is pending. {}",
            why.cluster.text()
        )),
        Entrance::Built {
            addresses, doorman, ..
        } => Some(format!(
            "main entrance, load balancer: {}. {}",
            addresses.join(", "),
            doorman.cluster.text()
        )),
    };
    let forward = desk.forward.as_ref().map(|forward| match &forward.to {
        ForwardTo::House { host, address } => {
            format!(
                "forwarding card: ask for {}, the house {host} at {address}",
                forward.name
            )
        }
        ForwardTo::Inside => format!(
            "forwarding card: ask for {}, a name of this cluster",
            forward.name
        ),
        ForwardTo::Nobody => format!(
            "forwarding card: ask for {}, which nobody has",
            forward.name
        ),
    });
    html! {
        <li>
            { format!("Open: {}", desk_name(desk)) }
            <ul>
                { for desk.doors.iter().map(|door| html! {
                    <li>{ format!("side door {} on every wing, nodePort of port {}", door.port, door.service_port) }</li>
                }) }
                { entrance.map(|text| html! { <li>{ text }</li> }) }
                { forward.map(|text| html! { <li>{ text }</li> }) }
                { for desk.missing.iter().map(|words| html! {
                    <li>{ format!("missing: {}", words.cluster.text()) }</li>
                }) }
                { for desk.list.iter().map(|entry| {
                    let reason = if entry.reason.is_empty() { String::new() } else { format!(", {}", entry.reason) };
                    let place = if entry.in_ { "in the list" } else { "out of the list" };
                    html! { <li>{ format!("{} {place}{reason}", entry.address) }</li> }
                }) }
            </ul>
        </li>
    }
}

fn packet(journey: &Journey, hop: usize, skin: Skin) -> Option<String> {
    let now = journey.hops.get(hop.checked_sub(1)?)?;
    let place = match &now.at {
        Location::Outside { name } => format!("at {name}, outside"),
        Location::Node { name } => format!("on Node {name}"),
        Location::Pod { name, .. } => format!("in Pod {name}"),
        Location::Wire { from, to } if from == to => format!("on the bridge of {from}"),
        Location::Wire { from, to } => format!("between {from} and {to}"),
        Location::Router => "at the router".to_owned(),
        Location::Balancer { name, .. } => format!("at the load balancer of {name}"),
    };
    let title = match skin {
        Skin::Hotel => &now.title.hotel,
        Skin::Cluster => &now.title.cluster,
    };
    Some(format!(
        "The packet, hop {hop} of {}: {}, {place}, from {} to {}",
        journey.hops.len(),
        title.text(),
        now.after.from_text(),
        now.after.to_text()
    ))
}
