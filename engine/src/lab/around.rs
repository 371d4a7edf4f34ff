//! A large world's picture, cut to what a person looks at, and the search over all of it.
//!
//! Both are pure functions of a [`Scene`]: nothing is worked out anew. A neighbourhood holds the
//! Services of what is looked at, the Pods that they send to, the Nodes of those, and some of the
//! rest as company; how much is left out is said. What is shown keeps its slot.

use serde::Serialize;

use super::scene::{LeftOut, Scene};
use crate::api::{Kind, ObjectRef};
use crate::limits::{MAX_DRAWN, MAX_DRAWN_NODES, MAX_FOUND};

/// How many Nodes a neighbourhood has at least, where the world has so many.
const LEAST_WINGS: usize = 3;
/// How many Services stand in a neighbourhood for company.
const COMPANY: usize = 24;
/// How many Services a Pod brings with it.
const MOST_DESKS: usize = 12;

/// Something that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The object.
    pub object: ObjectRef,
    /// Its addresses, or what else tells it apart.
    pub note: String,
}

impl Scene {
    /// Whether there is too much in it to draw it whole.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.rooms.len() + self.desks.len() + self.wings.len() > MAX_DRAWN
    }

    /// The neighbourhood of some things, with the Pods and Nodes on a packet's way as they are; the
    /// whole scene if that is not large.
    #[must_use]
    pub fn around(&self, focus: &[ObjectRef], on_way: &[ObjectRef]) -> Self {
        if !self.is_large() {
            return self.clone();
        }
        let is_focus = |object: &ObjectRef| focus.contains(object);
        let is_drawn = |object: &ObjectRef| is_focus(object) || on_way.contains(object);

        let mut desks: Vec<usize> = Vec::new();
        for (i, desk) in self.desks.iter().enumerate() {
            let lists_one = || {
                let mut pods = desk.list.iter().filter_map(|entry| entry.pod.as_ref());
                pods.any(is_focus)
            };
            if is_focus(&desk.service) || (desks.len() < MOST_DESKS && lists_one()) {
                desks.push(i);
            }
        }
        let mut listed: Vec<&ObjectRef> = desks
            .iter()
            .flat_map(|&i| &self.desks[i].list)
            .filter_map(|entry| entry.pod.as_ref())
            .collect();
        listed.sort_unstable();
        let mut wanted: Vec<usize> = (0..self.rooms.len())
            .filter(|&i| {
                let room = &self.rooms[i];
                let wing = room.wing.and_then(|wing| self.wings.get(wing));
                is_drawn(&room.pod)
                    || listed.binary_search(&&room.pod).is_ok()
                    || wing.is_some_and(|wing| is_focus(&wing.node))
            })
            .collect();

        // The wings of what is looked at come first, then those with most of the rest.
        let mut weight: Vec<(usize, usize)> = vec![(0, 0); self.wings.len()];
        for (i, wing) in self.wings.iter().enumerate() {
            weight[i] = (usize::from(is_drawn(&wing.node)), 0);
        }
        for &i in &wanted {
            let room = &self.rooms[i];
            if let Some(weight) = room.wing.and_then(|wing| weight.get_mut(wing)) {
                weight.0 += usize::from(is_drawn(&room.pod));
                weight.1 += 1;
            }
        }
        let mut wings: Vec<usize> = (0..self.wings.len()).collect();
        wings.sort_by_key(|&i| std::cmp::Reverse(weight[i]));
        let used = weight.iter().filter(|weight| **weight != (0, 0)).count();
        wings.truncate(used.clamp(LEAST_WINGS, MAX_DRAWN_NODES));
        wings.sort_unstable();

        let company = (0..self.desks.len()).filter(|i| !desks.contains(i));
        let company: Vec<usize> = company.take(COMPANY).collect();
        desks.extend(company);
        desks.sort_unstable();

        let mut more: Vec<usize> = vec![0; self.wings.len()];
        for room in &self.rooms {
            if let Some(more) = room.wing.and_then(|wing| more.get_mut(wing)) {
                *more += 1;
            }
        }
        let place = |wing: usize| wings.binary_search(&wing).ok();
        wanted.retain(|&i| self.rooms[i].wing.is_none_or(|wing| place(wing).is_some()));
        let rooms: Vec<_> = wanted
            .iter()
            .map(|&i| {
                let mut room = self.rooms[i].clone();
                if let Some(wing) = room.wing {
                    more[wing] -= 1;
                    room.wing = place(wing);
                }
                room
            })
            .collect();
        let wings: Vec<_> = wings
            .iter()
            .map(|&i| {
                let mut wing = self.wings[i].clone();
                wing.more = more[i];
                wing
            })
            .collect();
        Self {
            cluster: self.cluster.clone(),
            directory: self.directory.clone(),
            street: self.street.clone(),
            left_out: LeftOut {
                wings: self.wings.len() - wings.len(),
                rooms: self.rooms.len() - rooms.len(),
                desks: self.desks.len() - desks.len(),
            },
            desks: desks.iter().map(|&i| self.desks[i].clone()).collect(),
            wings,
            rooms,
        }
    }

    /// The Services, Pods and Nodes whose name, namespace or address has a text in it, those whose
    /// name begins with it first; and how many more there are.
    #[must_use]
    pub fn find(&self, text: &str) -> (Vec<Found>, usize) {
        let text = text.trim().to_ascii_lowercase();
        if text.is_empty() {
            return (Vec::new(), 0);
        }
        let services = self.desks.iter().map(|desk| {
            let mut notes: Vec<&str> = vec![desk.type_.as_str(), &desk.address];
            if let super::scene::Entrance::Built { addresses, .. } = &desk.entrance {
                notes.extend(addresses.iter().map(String::as_str));
            }
            if let Some(forward) = &desk.forward {
                notes.push(&forward.name);
            }
            (&desk.service, notes)
        });
        let pods = self.rooms.iter().map(|room| {
            let node = room.wing.and_then(|wing| self.wings.get(wing));
            let node = node.map_or("", |wing| wing.node.name.as_str());
            (&room.pod, vec![room.address.as_str(), node])
        });
        let nodes = self.wings.iter();
        let nodes = nodes.map(|wing| (&wing.node, vec![wing.address.as_str()]));

        let mut ranked: [Vec<Found>; 3] = Default::default();
        let mut count = 0;
        for (object, notes) in services.chain(nodes).chain(pods) {
            let name = object.name.to_ascii_lowercase();
            let in_note = |note: &&str| note.to_ascii_lowercase().contains(&text);
            let rank = if name == text || notes.contains(&text.as_str()) {
                0
            } else if name.starts_with(&text) {
                1
            } else if name.contains(&text)
                || object.namespace.contains(&text)
                || notes.iter().any(in_note)
            {
                2
            } else {
                continue;
            };
            count += 1;
            if ranked[rank].len() < MAX_FOUND {
                let mut note = match object.kind {
                    Kind::Node => String::new(),
                    _ => object.namespace.clone(),
                };
                for part in notes.into_iter().filter(|part| !part.is_empty()) {
                    if !note.is_empty() {
                        note += " · ";
                    }
                    note += part;
                }
                let object = object.clone();
                ranked[rank].push(Found { object, note });
            }
        }
        let mut found: Vec<Found> = ranked.into_iter().flatten().collect();
        found.truncate(MAX_FOUND);
        let more = count - found.len();
        (found, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Lab, Settings};

    fn large() -> Scene {
        let mut text = String::new();
        for i in 0..90 {
            text += &format!(
                "apiVersion: v1\nkind: Service\nmetadata: {{name: svc-{i}}}\n\
                 spec: {{selector: {{app: app-{i}}}, ports: [{{port: 80}}]}}\n---\n\
                 apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{i}}}\n\
                 spec: {{replicas: 2, selector: {{matchLabels: {{app: app-{i}}}}}, template: \
                 {{metadata: {{labels: {{app: app-{i}}}}}, spec: {{containers: [{{name: c, image: nginx}}]}}}}}}\n---\n"
            );
        }
        let mut lab = Lab::new(Settings {
            nodes: (1..=20).map(|n| format!("node-{n}")).collect(),
            ..Settings::default()
        });
        lab.open(&text);
        lab.scene()
    }

    #[test]
    fn a_small_scene_stays_whole() {
        let lab = Lab::new(Settings::default());
        let scene = lab.scene();
        assert!(!scene.is_large());
        assert_eq!(scene.around(&[], &[]), scene);
    }

    #[test]
    fn a_neighbourhood_has_the_service_its_pods_and_their_nodes_and_says_what_is_left_out() {
        let scene = large();
        assert!(scene.is_large());
        let focus = ObjectRef::new(Kind::Service, "default", "svc-77");
        let cut = scene.around(std::slice::from_ref(&focus), &[]);
        let desk = cut.desks.iter().find(|desk| desk.service == focus).unwrap();
        assert_eq!(desk.list.len(), 2);
        assert_eq!(cut.rooms.len(), 2);
        for room in &cut.rooms {
            let wing = &cut.wings[room.wing.unwrap()];
            let whole = scene.rooms.iter().find(|r| r.pod == room.pod).unwrap();
            assert_eq!(scene.wings[whole.wing.unwrap()].node, wing.node);
            assert_eq!(whole.slot, room.slot);
        }
        assert_eq!(cut.wings.len(), LEAST_WINGS);
        assert_eq!(cut.left_out.rooms + cut.rooms.len(), scene.rooms.len());
        assert_eq!(cut.left_out.desks + cut.desks.len(), scene.desks.len());
        assert_eq!(cut.left_out.wings + cut.wings.len(), scene.wings.len());
        let on_shown: usize = cut.wings.iter().map(|wing| wing.more).sum();
        assert!(on_shown <= cut.left_out.rooms);
    }

    #[test]
    fn a_pod_brings_its_service_and_a_node_its_pods() {
        let scene = large();
        let room = &scene.rooms[31];
        let cut = scene.around(std::slice::from_ref(&room.pod), &[]);
        assert!(cut.rooms.iter().any(|r| r.pod == room.pod));
        assert!(cut.desks.iter().any(|desk| {
            let mut pods = desk.list.iter().filter_map(|entry| entry.pod.as_ref());
            pods.any(|pod| *pod == room.pod)
        }));
        let node = &scene.wings[7].node;
        let cut = scene.around(std::slice::from_ref(node), &[]);
        let there = scene.rooms.iter().filter(|r| r.wing == Some(7)).count();
        let at = cut.wings.iter().position(|w| w.node == *node).unwrap();
        assert_eq!(
            cut.rooms.iter().filter(|r| r.wing == Some(at)).count(),
            there
        );
        assert_eq!(cut.wings[at].more, 0);
        // A Node that is only passed is there without its Pods.
        let cut = scene.around(&[], std::slice::from_ref(node));
        let at = cut.wings.iter().position(|w| w.node == *node).unwrap();
        assert!(!cut.rooms.iter().any(|r| r.wing == Some(at)));
        assert_eq!(cut.wings[at].more, there);
    }

    #[test]
    fn the_search_knows_names_and_addresses_and_counts_the_rest() {
        let scene = large();
        let (found, _) = scene.find("svc-7");
        assert_eq!(found[0].object.name, "svc-7");
        let address = &scene.rooms[3].address;
        let (found, _) = scene.find(address);
        assert_eq!(found[0].object, scene.rooms[3].pod);
        let (found, more) = scene.find("app-");
        assert_eq!(found.len(), MAX_FOUND);
        assert_eq!(more, 180 - MAX_FOUND);
        assert_eq!(scene.find("  "), (Vec::new(), 0));
        assert_eq!(scene.find("nobody-has-this").0, Vec::new());
    }
}
