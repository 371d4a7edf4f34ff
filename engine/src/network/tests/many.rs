//! Many requests at once.

use super::*;

fn many(network: &Network, from: &str, to: &str, count: u32) -> Tally {
    let (mut state, mut chance) = (State::default(), Seeded::new(1));
    let request = ask(from, to);
    network
        .walk_many(&mut state, &mut chance, &request, Lookups::default(), count)
        .unwrap()
}

fn counts(tally: &Tally) -> Vec<(String, u32, Option<u64>)> {
    (tally.shares.iter())
        .map(|share| {
            let name = match &share.by {
                Some(by) => by.address.to_string(),
                None => share.kind.as_str().to_owned(),
            };
            (name, share.count, share.expected_thousandths)
        })
        .collect()
}

#[test]
fn draws_are_held_against_their_probabilities() {
    for mode in [Mode::Iptables, Mode::Nftables] {
        let network = lab_in(mode, &BOTH, |_| {});
        let tally = many(&network, "pod/client", "10.96.32.10:80", 1000);
        assert_eq!(tally.promise, Promise::Drawn, "{mode}");
        let shares = counts(&tally);
        assert_eq!(shares.iter().map(|share| share.1).sum::<u32>(), 1000);
        assert!(
            shares.iter().all(|share| share.2 == Some(500_000)),
            "{shares:?}"
        );
        let found = tally.fit.chi_squared.unwrap();
        assert_eq!((found.degrees, found.limit_thousandths), (1, 10_828));
        assert_eq!(tally.fit.agrees, Some(true), "{mode}: {tally}");
    }
}

#[test]
fn seeds_disagree_about_as_often_as_chance_does() {
    // One series in 1000 is beyond the limit on average: of 200, none or very few.
    let network = lab(&BOTH, |_| {});
    let request = ask("pod/client", "10.96.32.10:80");
    let beyond = (0..200)
        .filter(|&seed| {
            let tally = network
                .walk_many(
                    &mut State::default(),
                    &mut Seeded::new(seed),
                    &request,
                    Lookups::default(),
                    100,
                )
                .unwrap();
            tally.fit.agrees == Some(false)
        })
        .count();
    assert!(beyond <= 3, "{beyond} of 200");
}

#[test]
fn ipvs_takes_turns_exactly_and_hashes_by_the_ports() {
    let network = lab_in(Mode::Ipvs, &BOTH, |_| {});
    let tally = many(&network, "external/laptop", "node-3:30080", 1001);
    assert_eq!(tally.promise, Promise::InTurn);
    assert_eq!(
        counts(&tally),
        [
            (BOTH[0].to_owned(), 501, Some(500_500)),
            (BOTH[1].to_owned(), 500, Some(500_500)),
        ]
    );
    assert_eq!(tally.fit.agrees, Some(true));
}

#[test]
fn what_fails_is_counted_with_its_reason() {
    // One of the endpoints is a Pod that is gone.
    let network = lab(&[BOTH[0], "10.244.2.99"], |_| {});
    let tally = many(&network, "pod/client", "10.96.32.10:80", 400);
    let kinds: Vec<VerdictKind> = tally.shares.iter().map(|share| share.kind).collect();
    assert_eq!(kinds, [VerdictKind::Answered, VerdictKind::Unreachable]);
    let failed = &tally.shares[1];
    assert!(failed.count > 100);
    assert_eq!(failed.expected_thousandths, Some(200_000));
    let why = failed.why.as_ref().unwrap().cluster.text();
    assert!(why.contains("10.244.2.99"), "{why}");
    assert_eq!(tally.fit.agrees, Some(true));

    let tally = many(&lab(&[], |_| {}), "pod/client", "10.96.32.10:80", 50);
    assert_eq!(counts(&tally), [("Refused".to_owned(), 50, None)]);
    let (node, rule) = tally.shares[0]
        .cause
        .as_ref()
        .unwrap()
        .rule
        .as_ref()
        .unwrap();
    assert_eq!((node.as_str(), rule.table.as_str()), ("node-1", "filter"));
    assert_eq!(
        (tally.promise, tally.fit.agrees),
        (Promise::Fixed, Some(true))
    );
}

#[test]
fn a_client_with_affinity_stays() {
    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |spec| {
            spec.session_affinity = "ClientIP".to_owned();
            spec.session_affinity_config = Some(api::SessionAffinityConfig {
                client_ip: Some(api::ClientIpConfig {
                    timeout_seconds: Some(10_800),
                }),
            });
        });
        let tally = many(&network, "pod/client", "10.96.32.10:80", 100);
        assert_eq!(tally.promise, Promise::Stays, "{mode}");
        assert_eq!(counts(&tally).len(), 1, "{mode}");
        assert_eq!(tally.fit.agrees, Some(true), "{mode}");
    }
}

#[test]
fn too_few_too_many_and_none_at_all() {
    let network = lab(&BOTH, |_| {});
    let tally = many(&network, "pod/client", "10.96.32.10:80", 8);
    assert_eq!((tally.fit.agrees, tally.fit.chi_squared), (None, None));
    let tally = many(&network, "pod/client", "10.96.32.10:80", 0);
    assert_eq!(tally.fit.agrees, None);
    let error = network
        .walk_many(
            &mut State::default(),
            &mut Seeded::new(1),
            &ask("pod/client", "10.96.32.10:80"),
            Lookups::default(),
            crate::limits::MAX_REQUESTS + 1,
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "at most 100000 requests are sent at once"
    );
}

#[test]
fn counting_rules_finds_the_same_as_telling_of_them() {
    use crate::network::walk::How;

    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |spec| {
            spec.load_balancer_source_ranges = vec!["203.0.113.0/24".to_owned()];
        });
        for (from, to) in [
            ("pod/client", "10.96.32.10:80"),
            ("pod/web-1", "10.96.32.10:80"),
            ("node/node-1", "10.96.32.10:80"),
            ("external/laptop", "node-3:30080"),
            ("pod/client", "10.96.32.10:81"),
            ("pod/client", "10.244.2.7:9999"),
            ("external/laptop", "node-2:22"),
            ("pod/client", "ping://10.96.32.10"),
        ] {
            for seed in 0..4 {
                let request = ask(from, to);
                let ready = network.ready(&request, Lookups::default()).unwrap();
                let ready = ready.unwrap_or_else(|_| panic!("no names here"));
                let go = |quiet| {
                    let how = How {
                        quiet,
                        ..How::default()
                    };
                    let mut state = State::default();
                    let went = network.go(&mut state, &mut Seeded::new(seed), &ready, how);
                    let counts: Vec<u32> = (went.events.iter())
                        .map(|event| event.passage.trace.rules_looked_at())
                        .collect();
                    (went.ending, counts, state)
                };
                assert_eq!(go(true), go(false), "{mode}: {from} to {to}");
            }
        }
    }
}
