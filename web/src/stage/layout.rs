//! Where everything stands: a pure function of the scene, the open Service and the width class.
//!
//! Lanes run upward: street (clients), doors (ports), desk (Service), corridor (Pod network), rooms
//! (Pods). The first column holds what belongs to the whole cluster, then comes a column a Node.
//! A thing's place follows from its own index or slot and from the width class, never from how
//! many things there are: what did not change does not move.
//!
//! Left out: where the packet goes (see [`super::way`]) and how anything looks.

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{DeskType, Scene};
use lobby_engine::network::ClientKind;

use super::geometry::{Point, Rect};
use super::metrics::{FLOORS, Metrics, Slot, View};

/// Where everything stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The measures.
    pub metrics: &'static Metrics,
    /// The whole picture.
    pub frame: Rect,
    /// What of it one sees without panning.
    pub sight: i32,
    /// Index of the Service whose desk is open in [`Scene::desks`].
    pub open: Option<usize>,
    /// Whether rooms are drawn where the open Service looks for some and finds none.
    pub nobody: bool,
    /// One for each of [`Scene::wings`].
    pub wings: Vec<WingPlace>,
    /// Pods without a Node, as indices in [`Scene::rooms`].
    pub waiting: Vec<usize>,
    /// One for each of [`Scene::street`].
    pub street: Vec<ClientPlace>,
    /// Where another house stands, if one is to be seen: after all clients.
    pub house: ClientPlace,
}

/// A wing's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WingPlace {
    /// Left edge.
    pub x: i32,
    /// Where its wall begins, under the roof.
    pub top: i32,
    /// Its rooms.
    pub windows: Vec<Window>,
    /// Windows behind which nobody lives.
    pub blanks: Vec<Slot>,
    /// Where the open Service looks for a room and finds none.
    pub ghost: Option<Rect>,
}

/// What is seen at one slot: a Pod, or all Pods of an owner where a wing has too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where.
    pub slot: Slot,
    /// The Pods, as indices in [`Scene::rooms`]; one, unless grouped.
    pub rooms: Vec<usize>,
    /// Whether it stands for its owner.
    pub grouped: bool,
    /// How many owners share it: more than one only in the last window of a crowded wing.
    pub owners: usize,
}

/// A client's place on the street.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPlace {
    /// The middle of its picture.
    pub icon: Point,
    /// Where its packets leave.
    pub out: Point,
    /// Where its name ends, at its left; a phone's internet has it below instead.
    pub name: Point,
    /// Whether its name is small and below.
    pub small: bool,
}

impl Layout {
    /// Lays a scene out.
    #[must_use]
    pub fn of(scene: &Scene, open: Option<&ObjectRef>, view: View) -> Self {
        let metrics = Metrics::of(view);
        let open = open.and_then(|open| scene.desks.iter().position(|d| d.service == *open));
        let nobody = open.and_then(|i| scene.desks.get(i)).is_some_and(|desk| {
            desk.missing.is_some() && desk.list.is_empty() && desk.type_ != DeskType::ExternalName
        });
        let wings: Vec<WingPlace> = (0..scene.wings.len())
            .map(|wing| WingPlace::of(scene, wing, metrics, nobody))
            .collect();
        let waiting = (0..scene.rooms.len())
            .filter(|&i| scene.rooms[i].wing.is_none_or(|w| w >= scene.wings.len()))
            .collect();
        let (street, house) = street(scene, metrics);
        let top = wings
            .iter()
            .map(|wing| wing.top - metrics.roof - 8)
            .min()
            .unwrap_or(0)
            .min(0);
        let right = metrics.wing_x(wings.len() as i32) + metrics.tail;
        let frame = Rect::new(0, top, right.max(metrics.width), metrics.height - top);
        Self {
            metrics,
            frame,
            sight: metrics.width,
            open,
            nobody,
            wings,
            waiting,
            street,
            house,
        }
    }

    /// Middle of a wing's door, of its sheet's guest, and of the way up.
    #[must_use]
    pub fn door_x(&self, wing: usize) -> i32 {
        let x = self.wings.get(wing).map_or(0, |w| w.x);
        self.metrics.door_x(x)
    }

    /// Middle of the main entrance.
    #[must_use]
    pub fn entrance_x(&self) -> i32 {
        match self.metrics.lobby {
            Some((x, w)) => x + w / 2,
            None => 27,
        }
    }

    /// The wall of the column that belongs to the whole cluster.
    #[must_use]
    pub fn lobby(&self) -> Option<Rect> {
        let (x, w) = self.metrics.lobby?;
        let top = self.metrics.wall_top;
        Some(Rect::new(x, top, w, self.metrics.street.0 - top))
    }

    /// In which wing and behind which of its windows a Pod lives.
    #[must_use]
    pub fn window_of(&self, room: usize) -> Option<(usize, usize)> {
        self.wings.iter().enumerate().find_map(|(w, wing)| {
            let i = wing.windows.iter().position(|i| i.rooms.contains(&room))?;
            Some((w, i))
        })
    }

    /// One window.
    #[must_use]
    pub fn window(&self, wing: usize, window: usize) -> Option<&Window> {
        self.wings.get(wing)?.windows.get(window)
    }
}

impl WingPlace {
    fn of(scene: &Scene, wing: usize, metrics: &Metrics, nobody: bool) -> Self {
        let x = metrics.wing_x(wing as i32);
        let mut rooms: Vec<usize> = (0..scene.rooms.len())
            .filter(|&i| scene.rooms[i].wing == Some(wing))
            .collect();
        rooms.sort_by_key(|&i| scene.rooms[i].slot);
        let highest = rooms.last().map_or(0, |&i| scene.rooms[i].slot);
        let windows = if highest / metrics.columns < FLOORS {
            rooms
                .iter()
                .map(|&i| Window {
                    slot: metrics.slot(x, scene.rooms[i].slot),
                    rooms: vec![i],
                    grouped: false,
                    owners: 1,
                })
                .collect()
        } else {
            by_owner(scene, &rooms, x, metrics)
        };
        let floors = windows.iter().map(|w: &Window| w.slot.floor + 1).max();
        let mut floors = floors.unwrap_or(0).max(metrics.tall);
        let taken = |slot: &Slot| windows.iter().any(|w| w.slot == *slot);
        let mut ghost = None;
        if nobody {
            let free = (0..FLOORS * metrics.columns)
                .map(|slot| metrics.slot(x, slot))
                .find(|slot| !taken(slot));
            floors = floors.max(free.map_or(0, |slot| slot.floor + 1));
            ghost = free.map(|slot| slot.window);
        }
        let blanks = (0..floors * metrics.columns)
            .map(|slot| metrics.slot(x, slot))
            .filter(|slot| !taken(slot))
            .collect();
        Self {
            x,
            top: metrics.wall_top(floors),
            windows,
            blanks,
            ghost,
        }
    }
}

/// One window an owner, in the order in which their first rooms came; what does not fit shares the
/// last one.
fn by_owner(scene: &Scene, rooms: &[usize], x: i32, metrics: &Metrics) -> Vec<Window> {
    let mut owners: Vec<(&str, &str, Vec<usize>)> = Vec::new();
    for &i in rooms {
        let room = &scene.rooms[i];
        let key = (room.pod.namespace.as_str(), room.owner.as_str());
        match owners.iter_mut().find(|o| (o.0, o.1) == key) {
            Some(owner) => owner.2.push(i),
            None => owners.push((key.0, key.1, vec![i])),
        }
    }
    let most = (FLOORS * metrics.columns) as usize;
    let mut windows: Vec<Window> = Vec::new();
    for (k, (_, _, rooms)) in owners.into_iter().enumerate() {
        match windows.last_mut() {
            Some(last) if k >= most => {
                last.rooms.extend(rooms);
                last.owners += 1;
            }
            _ => windows.push(Window {
                slot: metrics.slot(x, k as u32),
                rooms,
                grouped: true,
                owners: 1,
            }),
        }
    }
    windows
}

/// The internet under the main entrance, everybody else in front of a wing, from the second on, so
/// that the way to the nearest door is to be seen.
fn street(scene: &Scene, metrics: &Metrics) -> (Vec<ClientPlace>, ClientPlace) {
    let mut wing = 1;
    let mut under_entrance = 0;
    let clients = scene
        .street
        .iter()
        .map(|client| {
            if client.kind == ClientKind::Internet && under_entrance == 0 {
                under_entrance = 1;
                return match (metrics.view, metrics.lobby) {
                    (View::Desk, Some((x, w))) => {
                        place(Point::new(x + w - 42, metrics.walk), false)
                    }
                    // Beside the words under the entrance.
                    (View::Embed, _) => place(Point::new(166, metrics.walk - 3), true),
                    _ => place(Point::new(67, metrics.walk - 4), true),
                };
            }
            let x = metrics.wing_x(wing) + metrics.client_at;
            wing += 1;
            place(Point::new(x, metrics.walk), false)
        })
        .collect();
    let x = metrics.wing_x(wing) + metrics.client_at;
    let house = match metrics.view {
        // Its name is longer than a client's.
        View::Desk => place(Point::new(x + 40, metrics.walk), false),
        View::Embed => place(Point::new(x + 44, metrics.walk), false),
        View::Phone => place(Point::new(x + 8, metrics.walk - 4), true),
    };
    (clients, house)
}

fn place(icon: Point, small: bool) -> ClientPlace {
    let (out, name) = if small { (20, 0) } else { (34, -38) };
    ClientPlace {
        icon,
        out: icon.by(out, 0),
        name: icon.by(name, 0),
        small,
    }
}

/// What can be pointed at, by its index in the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A wing's roof: a Node.
    Wing(usize),
    /// A window: a Pod.
    Room(usize),
    /// A door of a wing: the open Service's node port.
    Door(usize),
    /// A plate: a Service.
    Desk(usize),
    /// The main entrance of the open Service.
    Entrance,
    /// The directory: cluster DNS.
    Directory,
    /// The other house, to which the open Service's forwarding card leads.
    House,
}

impl Thing {
    /// A short text that names it in the document.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Wing(i) => format!("w{i}"),
            Self::Room(i) => format!("r{i}"),
            Self::Door(i) => format!("d{i}"),
            Self::Desk(i) => format!("s{i}"),
            Self::Entrance => "e0".to_owned(),
            Self::House => "h0".to_owned(),
            Self::Directory => "n0".to_owned(),
        }
    }

    /// The thing that a [`Thing::key`] names.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let number = key.get(1..)?.parse().ok()?;
        match key.get(..1)? {
            "w" => Some(Self::Wing(number)),
            "r" => Some(Self::Room(number)),
            "d" => Some(Self::Door(number)),
            "s" => Some(Self::Desk(number)),
            "e" => Some(Self::Entrance),
            "h" => Some(Self::House),
            "n" => Some(Self::Directory),
            _ => None,
        }
    }

    /// The object that it shows.
    #[must_use]
    pub fn object(self, scene: &Scene, layout: &Layout) -> Option<ObjectRef> {
        let desk = |i: usize| scene.desks.get(i).map(|desk| desk.service.clone());
        match self {
            Self::Wing(i) => scene
                .wings
                .get(i)
                .map(|wing| ObjectRef::new(Kind::Node, "", wing.node.name.clone())),
            Self::Room(i) => scene.rooms.get(i).map(|room| room.pod.clone()),
            Self::Desk(i) => desk(i),
            Self::Directory => Some(scene.directory.as_ref()?.service.clone()),
            Self::Door(_) | Self::Entrance | Self::House => desk(layout.open?),
        }
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
