//! What of a large world is drawn, and the ways of the last few packets.
//!
//! A world that is not large is drawn whole. Of a large one the neighbourhood of what a person
//! looks at is (see [`Scene::around`]); it stays while what is chosen next is already in it, so that
//! choosing moves nothing.

use std::rc::Rc;

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::Scene;
use lobby_engine::network::{Journey, Location};

/// How many earlier ways stay on the stage.
const EARLIER: usize = 2;

/// What was drawn last, and of which world.
#[derive(Default)]
pub(super) struct Drawn {
    whole: Option<Rc<Scene>>,
    cut: Option<Rc<Scene>>,
    open: Option<ObjectRef>,
}

impl Drawn {
    /// What to draw of a world when these are looked at: the open Service, what was chosen, and
    /// where the packet comes along.
    pub(super) fn of(
        &mut self,
        scene: &Rc<Scene>,
        open: Option<&ObjectRef>,
        chosen: Option<&ObjectRef>,
        journey: Option<&Journey>,
    ) -> Rc<Scene> {
        if !scene.is_large() {
            return scene.clone();
        }
        let on_way = journey.map(passed).unwrap_or_default();
        let mut focus: Vec<ObjectRef> = chosen.cloned().into_iter().collect();
        let same = self.open.as_ref() == open
            && self
                .whole
                .as_ref()
                .is_some_and(|whole| Rc::ptr_eq(whole, scene));
        if same
            && let Some(cut) = &self.cut
            && focus.iter().chain(&on_way).all(|object| is_in(cut, object))
        {
            return cut.clone();
        }
        focus.extend(open.cloned());
        let cut = Rc::new(scene.around(&focus, &on_way));
        *self = Self {
            whole: Some(scene.clone()),
            cut: Some(cut.clone()),
            open: open.cloned(),
        };
        cut
    }
}

/// The Pods and Nodes that a packet passes.
fn passed(journey: &Journey) -> Vec<ObjectRef> {
    let mut passed: Vec<ObjectRef> = Vec::new();
    for hop in &journey.hops {
        let object = match &hop.at {
            Location::Pod {
                namespace, name, ..
            } => ObjectRef::new(Kind::Pod, namespace, name),
            Location::Node { name } => ObjectRef::new(Kind::Node, "", name),
            _ => continue,
        };
        if !passed.contains(&object) {
            passed.push(object);
        }
    }
    passed
}

fn is_in(scene: &Scene, object: &ObjectRef) -> bool {
    match object.kind {
        Kind::Pod => scene.rooms.iter().any(|room| room.pod == *object),
        Kind::Node => scene.wings.iter().any(|wing| wing.node == *object),
        Kind::Service => scene.desks.iter().any(|desk| desk.service == *object),
        // Nothing else is drawn.
        _ => true,
    }
}

/// The journeys before the one in hand, the latest first, as long as the world stays.
#[derive(Default)]
pub(super) struct Earlier {
    scene: Option<Rc<Scene>>,
    now: Option<Rc<Journey>>,
    past: Vec<Rc<Journey>>,
}

impl Earlier {
    /// Takes in what is shown now.
    pub(super) fn note(
        &mut self,
        scene: &Rc<Scene>,
        journey: Option<&Rc<Journey>>,
    ) -> Vec<Rc<Journey>> {
        let same_world = (self.scene.as_ref()).is_some_and(|last| Rc::ptr_eq(last, scene));
        if !same_world {
            self.scene = Some(scene.clone());
            self.past.clear();
            self.now = None;
        }
        let is_now = |now: &Rc<Journey>| journey.is_some_and(|journey| Rc::ptr_eq(journey, now));
        if !self.now.as_ref().is_some_and(is_now) {
            if let Some(last) = self.now.take() {
                self.past.insert(0, last);
                self.past.truncate(EARLIER);
            }
            self.now = journey.cloned();
        }
        self.past.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn earlier_ways_are_few_and_go_with_the_world() {
        let scene = Rc::new(fixture::hotel());
        let journeys: Vec<Rc<Journey>> = (0..4).map(|_| Rc::new(fixture::refused())).collect();
        let mut earlier = Earlier::default();
        for journey in &journeys {
            earlier.note(&scene, Some(journey));
        }
        let past = earlier.note(&scene, Some(&journeys[3]));
        assert_eq!(past.len(), EARLIER);
        assert!(Rc::ptr_eq(&past[0], &journeys[2]));
        // What is put away is an earlier way now.
        assert!(Rc::ptr_eq(&earlier.note(&scene, None)[0], &journeys[3]));
        let other = Rc::new(fixture::hotel());
        assert!(earlier.note(&other, Some(&journeys[0])).is_empty());
    }

    #[test]
    fn a_neighbourhood_stays_while_what_is_chosen_is_in_it() {
        let mut scene = fixture::empty(3);
        for i in 0..400_u32 {
            let wing = (i % 3) as usize;
            let address = format!("10.244.{}.{}", wing + 1, i / 3);
            let room = fixture::owned(
                wing,
                i / 3,
                &address,
                lobby_engine::lab::RoomState::Ready,
                &format!("app-{}", i / 4),
            );
            scene.rooms.push(room);
        }
        for i in 0..100 {
            let rooms: Vec<_> = scene.rooms.iter().skip(i * 4).take(4).collect();
            let desk = fixture::desk(
                &format!("svc-{i}"),
                lobby_engine::lab::DeskType::ClusterIP,
                "10.96.1.1",
                &rooms,
            );
            scene.desks.push(desk);
        }
        let scene = Rc::new(scene);
        let service = |i: usize| ObjectRef::new(Kind::Service, "default", format!("svc-{i}"));
        let mut drawn = Drawn::default();
        let one = drawn.of(&scene, Some(&service(50)), None, None);
        assert_eq!(one.rooms.len(), 4);
        let inside = one.rooms[2].pod.clone();
        let two = drawn.of(&scene, Some(&service(50)), Some(&inside), None);
        assert!(Rc::ptr_eq(&one, &two));
        let three = drawn.of(&scene, Some(&service(50)), Some(&scene.rooms[0].pod), None);
        assert!(
            three
                .rooms
                .iter()
                .any(|room| room.pod == scene.rooms[0].pod)
        );
        let four = drawn.of(&scene, Some(&service(51)), None, None);
        assert!(!Rc::ptr_eq(&three, &four));
    }
}
