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

/// A lean walk is the walk that is told: from the same state and the same draws it ends the same,
/// at the same process, which sees the same client; it looks at as many rules; and it leaves the
/// same connections, lists and turns behind.
#[test]
fn counting_requests_finds_the_same_as_telling_of_them() {
    use crate::network::exchange::ephemeral_port;
    use crate::network::state::PortSequence;
    use crate::network::walk::How;

    // Of the endpoints of the second list one is gone.
    let lists = [&BOTH[..], &[BOTH[0], "10.244.2.99"], &[]];
    let mut walked = 0;
    for (mode, change, list) in Mode::ALL
        .into_iter()
        .flat_map(|mode| CHANGED_SPECS.map(|change| (mode, change)))
        .flat_map(|(mode, change)| lists.map(|list| (mode, change, list)))
    {
        let network = lab_in(mode, list, change);
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
            let request = ask(from, to);
            let ready = network.ready(&request, Lookups::default()).unwrap();
            let ready = ready.unwrap_or_else(|_| panic!("no names here"));
            for seed in 0..3 {
                let (mut lean, mut told) = (State::default(), State::default());
                let mut chances = [Seeded::new(seed), Seeded::new(seed)];
                let mut ports = chances.each_mut().map(|own| {
                    let first = ephemeral_port(own);
                    PortSequence::from(first)
                });
                for number in 0..12 {
                    let mut go = |quiet: bool, state: &mut State| {
                        let own = usize::from(quiet);
                        let how = How {
                            port: Some(ports[own].next()),
                            quiet,
                            ..How::default()
                        };
                        state.now_ms = 700 * number;
                        let went = network.go(state, &mut chances[own], &ready, how, Vec::new());
                        let events: Vec<_> = (went.events.iter())
                            .map(|event| {
                                let passage = &event.passage;
                                let looked_at = passage.trace.rules_looked_at();
                                (event.machine, looked_at, passage.skb.packet, passage.tuple)
                            })
                            .collect();
                        (went.sent, went.ending, events)
                    };
                    let one = go(true, &mut lean);
                    assert_eq!(
                        one,
                        go(false, &mut told),
                        "{mode}: {from} to {to}, {number}"
                    );
                    walked += 1;
                }
                assert_eq!(lean, told, "{mode}: {from} to {to}, seed {seed}");
            }
        }
    }
    assert_eq!(walked, 3 * 4 * 3 * 8 * 3 * 12);
}
