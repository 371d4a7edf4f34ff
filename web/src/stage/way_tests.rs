//! The way of a packet, from hop to hop.

use lobby_engine::network::ClientKind;

use super::super::fixture::{self, Story, node, outside, wire};
use super::super::geometry::Rect;
use super::super::metrics::View;
use super::*;

const VIEWS: [View; 3] = [View::Desk, View::Phone, View::Embed];

fn walked(scene: &Scene, journey: &Journey, view: View) -> (Layout, Way) {
    let layout = Layout::of(scene, Some(&fixture::service()), view);
    let way = Way::of(journey, scene, &layout);
    (layout, way)
}

#[test]
fn a_node_ports_way_leads_through_door_desk_corridor_and_room() {
    let scene = fixture::hotel();
    let (_, way) = walked(&scene, &fixture::node_port(&scene), View::Desk);
    let places: Vec<Place> = way.stops.iter().map(|stop| stop.place).collect();
    assert_eq!(places[0], Place::Client(0));
    assert_eq!(places[1], Place::Door(2));
    assert_eq!(places[2], Place::Counter(2));
    assert!(matches!(places[3], Place::Corridor(2, 1, _)));
    assert_eq!(places[4], Place::Room(1, 0));
    assert_eq!(places[5], Place::Counter(2));
    assert_eq!(places[6], Place::Client(0));
    // The mock's lines: along the street and up the door's axis, then along the corridor.
    assert_eq!(
        way.legs[0].line.d(),
        "M518 536L686 536Q696 536 696 526L696 474"
    );
    assert_eq!(way.legs[1].line.d(), "M696 474L696 408");
    assert_eq!(way.stops[2].feet, Point::new(696, 408));
    assert_eq!(way.stops[3].badge.y, 264);
    let reply: Vec<bool> = way.stops.iter().map(|stop| stop.reply).collect();
    assert_eq!(reply, [false, false, false, false, false, true, true]);
}

#[test]
fn there_is_a_stop_a_hop_and_a_leg_between_two() {
    let journeys = fixture::journeys();
    for view in VIEWS {
        for (scene, journey) in &journeys {
            let (layout, way) = walked(scene, journey, view);
            assert_eq!(way.stops.len(), journey.hops.len());
            assert_eq!(way.legs.len() + 1, way.stops.len());
            for stop in &way.stops {
                let feet = Rect::new(stop.feet.x, stop.feet.y, 1, 1);
                assert!(layout.frame.holds(feet), "{view:?} {stop:?}");
            }
        }
    }
}

#[test]
fn legs_join_and_run_along_the_axes() {
    let scene = fixture::hotel();
    for view in VIEWS {
        for journey in [fixture::node_port(&scene), fixture::cluster_ip(&scene)] {
            let (_, way) = walked(&scene, &journey, view);
            for leg in &way.legs {
                for pair in leg.line.points().windows(2) {
                    let straight = pair[0].x == pair[1].x || pair[0].y == pair[1].y;
                    assert!(straight, "{view:?} {:?}", leg.line.points());
                }
            }
            let request: Vec<_> = way.legs.iter().filter(|leg| !leg.reply).collect();
            for pair in request.windows(2) {
                let (end, start) = (pair[0].line.points().last(), pair[1].line.points().first());
                let far = end.unwrap().distance(*start.unwrap());
                // To the desk and on from it, one stands aside of the axis.
                assert!(far <= 16, "{view:?} {end:?} {start:?}");
            }
        }
    }
}

#[test]
fn the_reply_runs_beside_the_request() {
    let scene = fixture::hotel();
    let (_, way) = walked(&scene, &fixture::node_port(&scene), View::Desk);
    let there: Vec<Point> = way.legs[..4]
        .iter()
        .flat_map(|leg| leg.line.points().to_vec())
        .collect();
    for leg in way.legs.iter().filter(|leg| leg.reply) {
        for pair in leg.line.points().windows(2) {
            for past in there.windows(2) {
                let on_it =
                    pair[0].x == past[0].x && pair[1].x == past[1].x && pair[0].x == pair[1].x;
                assert!(!on_it, "{pair:?} lies on {past:?}");
            }
        }
    }
}

#[test]
fn other_candidates_are_those_in_the_list_that_were_not_drawn() {
    let scene = fixture::hotel();
    let (_, way) = walked(&scene, &fixture::node_port(&scene), View::Desk);
    // Three rooms are listed; one was drawn and one is not ready.
    assert_eq!(way.others.len(), 1);
    assert_eq!(way.others_from, 3);
    assert_eq!(way.others[0].points().first(), Some(&Point::new(448, 264)));
    assert_eq!(way.others[0].points().last().map(|p| p.x), Some(276));
    // Nothing was drawn where nothing was rewritten.
    let (_, way) = walked(&fixture::nobody(), &fixture::refused(), View::Desk);
    assert!(way.others.is_empty());
}

#[test]
fn a_refusal_breaks_off_over_the_desk() {
    let (layout, way) = walked(&fixture::nobody(), &fixture::refused(), View::Desk);
    let b = way.break_.unwrap();
    assert_eq!((b.hop, b.verdict), (3, VerdictKind::Refused));
    assert_eq!(b.cross, Point::new(696, 286));
    assert!(
        b.line
            .points()
            .iter()
            .all(|p| p.x == 696 && p.y > b.cross.y)
    );
    assert!(!b.cut.is_empty());
    assert_eq!(layout.door_x(2), 696);
}

#[test]
fn what_is_answered_breaks_off_nowhere() {
    let scene = fixture::hotel();
    let (_, way) = walked(&scene, &fixture::node_port(&scene), View::Desk);
    assert_eq!(way.break_, None);
}

#[test]
fn a_packet_without_an_end_breaks_off_at_its_last_hop() {
    let scene = fixture::hotel();
    let mut journey = fixture::node_port(&scene);
    journey.hops.truncate(4);
    journey.verdict.kind = VerdictKind::TimedOut;
    let (_, way) = walked(&scene, &journey, View::Desk);
    assert_eq!(way.break_.unwrap().hop, 4);
    journey.hops.clear();
    let (_, way) = walked(&scene, &journey, View::Desk);
    assert_eq!(way, Way::default());
}

#[test]
fn a_load_balancers_packet_takes_the_main_entrance() {
    let scene = fixture::fleet();
    let (_, way) = walked(&scene, &fixture::balanced(&scene), View::Desk);
    assert_eq!(way.stops[1].place, Place::Entrance);
    assert_eq!(way.stops[2].place, Place::Counter(4));
}

#[test]
fn what_the_scene_does_not_show_leaves_the_guest_where_it_was() {
    let scene = fixture::hotel();
    let sent = fixture::refused().hops[0].before;
    let journey = Story::new("laptop", ClientKind::Lan, VerdictKind::TimedOut)
        .hop(Step::Send, outside("laptop"), sent, sent, &[])
        .hop(Step::Nat, node(9), sent, sent, &[])
        .hop(Step::Route, wire(9, 8), sent, sent, &[])
        .end();
    let (_, way) = walked(&scene, &journey, View::Desk);
    assert!(way.stops.iter().all(|stop| stop.place == Place::Client(0)));
    let journey = Story::new("nobody", ClientKind::Lan, VerdictKind::TimedOut)
        .hop(Step::Send, outside("nobody"), sent, sent, &[])
        .end();
    let (_, way) = walked(&Scene::default(), &journey, View::Desk);
    assert_eq!(way.stops.len(), 1);
}
