//! Places by the rules of the lanes; nothing moves that did not change.

use lobby_engine::lab::RoomState;

use super::super::fixture;
use super::*;

const VIEWS: [View; 3] = [View::Desk, View::Phone, View::Embed];

fn laid(scene: &Scene, view: View) -> Layout {
    Layout::of(scene, Some(&fixture::service()), view)
}

#[test]
fn the_mocks_places() {
    let scene = fixture::hotel();
    let layout = laid(&scene, View::Desk);
    assert_eq!(layout.frame, Rect::new(0, 0, 756, 618));
    let xs: Vec<i32> = layout.wings.iter().map(|wing| wing.x).collect();
    assert_eq!(xs, [232, 404, 576]);
    let window = |wing: usize, i: usize| layout.wings[wing].windows[i].slot.window;
    assert_eq!(window(0, 0), Rect::new(242, 190, 68, 54));
    assert_eq!(window(1, 0), Rect::new(414, 190, 68, 54));
    assert_eq!(window(1, 1), Rect::new(492, 190, 68, 54));
    assert_eq!(layout.door_x(2), 696);
    let phone = laid(&scene, View::Phone);
    assert_eq!(phone.frame, Rect::new(0, 0, 390, 408));
    // One column: the second room is a floor higher.
    assert_eq!(
        phone.wings[1].windows[1].slot.window,
        Rect::new(158, 72, 74, 36)
    );
}

#[test]
fn a_new_pod_moves_nobody() {
    for view in VIEWS {
        let mut scene = fixture::hotel();
        let before = laid(&scene, view);
        scene
            .rooms
            .push(fixture::room(1, 2, "10.244.2.12", RoomState::Ready));
        scene
            .rooms
            .push(fixture::room(2, 0, "10.244.3.2", RoomState::Pending));
        let after = laid(&scene, view);
        for room in 0..3 {
            let place = |layout: &Layout| {
                let (wing, window) = layout.window_of(room)?;
                Some(layout.window(wing, window)?.slot)
            };
            assert_eq!(place(&before), place(&after), "{view:?}");
        }
        assert_eq!(before.wings[0], after.wings[0], "{view:?}");
        assert_eq!(before.street, after.street, "{view:?}");
    }
}

#[test]
fn a_new_node_is_appended_and_moves_nothing() {
    for view in VIEWS {
        let mut scene = fixture::hotel();
        let before = laid(&scene, view);
        scene.wings = fixture::empty(6).wings;
        let after = laid(&scene, view);
        assert_eq!(before.wings[..], after.wings[..3], "{view:?}");
        assert_eq!(before.street, after.street, "{view:?}");
        assert_eq!(after.sight, before.sight, "{view:?}");
        assert!(after.frame.w > before.frame.w, "{view:?}");
        assert_eq!(before.frame.h, after.frame.h, "{view:?}");
    }
}

#[test]
fn a_freed_slot_leaves_its_gap() {
    let mut scene = fixture::hotel();
    let before = laid(&scene, View::Desk).wings[1].windows[1].slot;
    scene.rooms.remove(1);
    let layout = laid(&scene, View::Desk);
    assert_eq!(layout.wings[1].windows.len(), 1);
    assert_eq!(layout.wings[1].windows[0].slot, before);
    assert!(
        layout.wings[1]
            .blanks
            .iter()
            .any(|blank| blank.window.x == 414)
    );
}

#[test]
fn rooms_of_a_wing_never_touch_each_other_on_six_floors() {
    for view in VIEWS {
        let m = Metrics::of(view);
        let x = m.wing_x(0);
        let slots: Vec<Rect> = (0..FLOORS * m.columns)
            .map(|s| m.slot(x, s).window)
            .collect();
        for (i, a) in slots.iter().enumerate() {
            assert!(a.x >= x && a.right() <= x + m.wing, "{view:?} {i}");
            assert!(a.y > m.wall_top(FLOORS), "{view:?} {i}");
            for b in &slots[i + 1..] {
                assert_eq!(a.overlap(*b), 0, "{view:?} {i}");
            }
        }
    }
}

#[test]
fn only_the_wing_that_grew_is_higher() {
    let mut scene = fixture::hotel();
    for slot in 2..6 {
        let room = fixture::room(1, slot, "10.244.2.20", RoomState::Ready);
        scene.rooms.push(room);
    }
    let layout = laid(&scene, View::Desk);
    let tops: Vec<i32> = layout.wings.iter().map(|wing| wing.top).collect();
    assert_eq!(tops[0], tops[2]);
    assert!(tops[1] < tops[0]);
    assert_eq!(layout.frame.bottom(), 618);
}

#[test]
fn over_six_floors_there_is_a_window_an_owner() {
    let scene = fixture::fifty();
    let layout = laid(&scene, View::Desk);
    for (w, wing) in layout.wings.iter().enumerate() {
        let here = scene.rooms.iter().filter(|r| r.wing == Some(w)).count();
        let shown: usize = wing.windows.iter().map(|window| window.rooms.len()).sum();
        assert_eq!(here, shown);
        assert_eq!(wing.windows.len(), 4);
        for window in &wing.windows {
            let owner = &scene.rooms[window.rooms[0]].owner;
            assert!(window.grouped && window.owners == 1);
            assert!(window.rooms.iter().all(|&i| scene.rooms[i].owner == *owner));
        }
    }
}

#[test]
fn what_does_not_fit_even_by_owner_shares_the_last_window() {
    let mut scene = fixture::empty(1);
    for slot in 0..40 {
        let owner = format!("owner-{slot}");
        let room = fixture::owned(0, slot, "10.244.1.9", RoomState::Ready, &owner);
        scene.rooms.push(room);
    }
    let layout = Layout::of(&scene, None, View::Desk);
    let wing = &layout.wings[0];
    assert_eq!(wing.windows.len(), 12);
    assert_eq!(wing.windows[11].owners, 29);
    let shown: usize = wing.windows.iter().map(|window| window.rooms.len()).sum();
    assert_eq!(shown, 40);
}

#[test]
fn nobody_is_drawn_only_where_a_service_looks_for_somebody() {
    let asked = laid(&fixture::nobody(), View::Desk);
    assert!(asked.wings.iter().all(|wing| wing.ghost.is_some()));
    // The ghost is beside the rooms that are there, not over them.
    for wing in &asked.wings {
        let ghost = wing.ghost.unwrap();
        assert!(
            wing.windows
                .iter()
                .all(|w| w.slot.window.overlap(ghost) == 0)
        );
    }
    let fine = laid(&fixture::hotel(), View::Desk);
    assert!(fine.wings.iter().all(|wing| wing.ghost.is_none()));
}

#[test]
fn pods_without_a_node_wait() {
    let scene = fixture::states();
    let layout = laid(&scene, View::Desk);
    assert_eq!(layout.waiting.len(), 1);
    assert_eq!(layout.window_of(layout.waiting[0]), None);
}

#[test]
fn an_empty_world_has_a_frame() {
    for view in VIEWS {
        let layout = Layout::of(&Scene::default(), None, view);
        assert_eq!(layout.frame.w, Metrics::of(view).width);
        assert!(layout.wings.is_empty() && layout.open.is_none());
    }
}

#[test]
fn keys_name_their_things() {
    let things = [
        Thing::Wing(0),
        Thing::Room(12),
        Thing::Door(3),
        Thing::Desk(4999),
        Thing::Entrance,
    ];
    for thing in things {
        assert_eq!(Thing::from_key(&thing.key()), Some(thing));
    }
    for bad in ["", "w", "x1", "r-1", "ä1"] {
        assert_eq!(Thing::from_key(bad), None, "{bad}");
    }
    let scene = fixture::hotel();
    let layout = laid(&scene, View::Desk);
    assert_eq!(Thing::Room(99).object(&scene, &layout), None);
    assert_eq!(
        Thing::Door(1).object(&scene, &layout),
        Some(fixture::service())
    );
}
