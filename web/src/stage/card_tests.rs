//! The card stays in the scene and hides nothing that matters.

use lobby_engine::lab::{EXAMPLES, Lab, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::Request;

use super::super::fixture;
use super::super::metrics::View;
use super::*;

const VIEWS: [View; 3] = [View::Desk, View::Phone, View::Embed];

#[test]
fn stamps_are_put_on_kept_and_lifted() {
    let scene = fixture::hotel();
    let journey = fixture::node_port(&scene);
    let stamps = |hop| {
        let card = Card::at(&journey, hop).unwrap();
        let say = |line: CardLine| line.stamp.map(|s| (s.word(), s.state));
        (say(card.from), say(card.to))
    };
    assert_eq!(stamps(2), (None, None));
    assert_eq!(
        stamps(3),
        (
            Some(("SNAT", StampState::New)),
            Some(("DNAT", StampState::New))
        )
    );
    assert_eq!(
        stamps(5),
        (
            Some(("SNAT", StampState::Kept)),
            Some(("DNAT", StampState::Kept))
        )
    );
    // On the reply the rewritten destination is the source, and the other way round.
    assert_eq!(
        stamps(6),
        (
            Some(("un-DNAT", StampState::Lifted)),
            Some(("un-SNAT", StampState::Lifted))
        )
    );
    assert_eq!(stamps(7), (None, None));
    assert_eq!(Card::at(&journey, 0), None);
    assert_eq!(Card::at(&journey, 8), None);
}

#[test]
fn while_a_name_is_asked_for_the_answer_takes_its_place() {
    let example = EXAMPLES
        .iter()
        .find(|example| example.id == "names")
        .unwrap();
    let mut lab = Lab::new(Settings::default());
    lab.open(example.text());
    let mut send = |to: &str| {
        let request = Request {
            from: "pod/front/client".to_owned(),
            to: to.to_owned(),
            protocol: Protocol::Tcp,
        };
        lab.send(&request).unwrap()
    };
    let found = send("backend.shop:8080");
    let asking = Card::at(&found, 1).unwrap();
    assert_eq!(
        (asking.to.was, asking.to.now),
        (None, "backend.shop:8080".to_owned())
    );
    let next = Card::at(&found, 2).unwrap();
    assert_eq!(next.to.was.as_deref(), Some("backend.shop:8080"));
    assert!(next.to.now.starts_with("10.") && next.to.now.ends_with(":8080"));
    // The question's own rewriting leaves no stamp on the request.
    assert_eq!((next.from.stamp, next.to.stamp), (None, None));
    assert_eq!(Card::at(&found, 3).unwrap().to.was, Some(next.to.now));
    let unknown = Card::at(&send("backend:8080"), 1).unwrap();
    assert_eq!(
        (unknown.to.was, unknown.to.now),
        (None, "backend:8080".to_owned())
    );
}

#[test]
fn a_line_tells_what_it_was_only_where_it_changed() {
    let scene = fixture::hotel();
    let journey = fixture::node_port(&scene);
    let was = |hop| {
        let card = Card::at(&journey, hop).unwrap();
        (card.from.was, card.to.was)
    };
    assert_eq!(was(2), (None, None));
    let (from, to) = was(3);
    assert_eq!(from.as_deref(), Some("192.168.10.50:51742"));
    assert_eq!(to.as_deref(), Some("192.168.10.13:30080"));
    assert_eq!(was(4), (None, None));
    let only_dnat = fixture::cluster_ip(&scene);
    let card = Card::at(&only_dnat, 2).unwrap();
    assert_eq!(card.from.was, None);
    assert_eq!(card.from.stamp, None);
}

#[test]
fn the_card_stays_in_the_picture_and_off_the_guest() {
    let journeys = fixture::journeys();
    for view in VIEWS {
        for (scene, journey) in &journeys {
            let layout = Layout::of(scene, Some(&fixture::service()), view);
            let way = Way::of(journey, scene, &layout);
            for hop in 1..=journey.hops.len() {
                let size = Card::at(journey, hop).unwrap().size(&layout);
                let held = hold(&layout, &way, hop, size).unwrap();
                assert!(layout.frame.holds(held.card), "{view:?} hop {hop} {held:?}");
                let feet = way.stops[hop - 1].feet;
                let head = layout.metrics.guest_box(feet);
                assert_eq!(head.overlap(held.card), 0, "{view:?} hop {hop} {held:?}");
            }
        }
    }
}

#[test]
fn a_refused_card_leaves_the_cut_to_be_seen() {
    let scene = fixture::nobody();
    for view in VIEWS {
        let layout = Layout::of(&scene, Some(&fixture::service()), view);
        let way = Way::of(&fixture::refused(), &scene, &layout);
        let held = hold(&layout, &way, 3, (206, 52)).unwrap();
        let b = way.break_.unwrap();
        let cross = Rect::new(b.cross.x - 9, b.cross.y - 9, 18, 18);
        assert_eq!(held.card.overlap(cross), 0, "{view:?}");
        let guest = layout.metrics.guest_box(way.stops[2].feet);
        let word = word_place(&layout, b.cross, "Refused", guest, Some(held.card));
        assert_eq!(word.overlap(cross), 0, "{view:?}");
        assert_eq!(word.overlap(held.card), 0, "{view:?}");
        assert!(layout.frame.holds(word), "{view:?}");
    }
}
