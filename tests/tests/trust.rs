//! The numbers of the page's trust line are those of the recorded vectors.

use std::collections::BTreeSet;

use lobby_engine::trust::HELD;
use lobby_tests::kinds::KINDS;

#[test]
fn each_kind_is_named_once_and_counted_right() {
    let mut named = BTreeSet::new();
    for held in HELD {
        let mut count = 0;
        for kind in held.kinds {
            assert!(named.insert(*kind), "{kind} is named twice");
            let known = KINDS.iter().find(|known| known.name == *kind);
            count += known.map_or(0, |known| known.recorded);
        }
        assert_eq!(held.count, count, "{}", held.part);
    }
    let all: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(named, all);
}
