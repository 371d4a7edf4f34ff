//! Where chance comes from: seeded words, or a script that takes every branch in turn.
//!
//! The kernel asks for randomness in two places that decide about a packet: `-m statistic --mode
//! random` compares 31 random bits with a probability times 2^31 (`net/netfilter/xt_statistic.c`),
//! and NAT picks ports (`net/netfilter/nf_nat_core.c`). Both go through [`Chance`], so that a walk
//! is a function of its seed.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// One, as the kernel keeps a probability: 2^31.
pub const ONE: u32 = 1 << 31;

/// A source of randomness.
pub trait Chance {
    /// 32 random bits.
    fn word(&mut self) -> u32;

    /// 31 random bits, to be compared with `threshold` (a probability times 2^31): smaller means
    /// that the rule matches.
    fn draw(&mut self, threshold: u32) -> u32 {
        let _ = threshold;
        self.word() & (ONE - 1)
    }

    /// A number below `count`, as `numgen random` draws it: the top bits of a word times the count
    /// (`reciprocal_scale`).
    fn choose(&mut self, count: u32) -> u32 {
        u32::try_from((u64::from(self.word()) * u64::from(count)) >> 32).unwrap_or(0)
    }
}

/// Chance from a seed: the same seed, the same words, on every machine (PCG32, M. O'Neill 2014).
#[derive(Clone, PartialEq, Eq)]
pub struct Seeded(Pcg32);

impl Seeded {
    /// The generator's stream; any fixed odd number serves.
    const STREAM: u64 = 0xa02_bdbf_7bb3_c0a7;

    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Pcg32::new(seed, Self::STREAM))
    }
}

impl std::fmt::Debug for Seeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeded")
    }
}

impl Chance for Seeded {
    fn word(&mut self) -> u32 {
        self.0.next_u32()
    }
}

/// Takes every branch that draws can take, one walk after another.
///
/// Run a walk, look at the outcome and its [`weight`](Branches::weight), call
/// [`next_branch`](Branches::next_branch), and run it again from the same state until there is no
/// next one. The words that pick ports come from a seed and do not branch.
#[derive(Clone, Debug)]
pub struct Branches {
    words: Seeded,
    seed: u64,
    /// The draws so far.
    script: Vec<Branch>,
    at: usize,
}

/// One draw, and the way it goes.
#[derive(Clone, Copy, Debug)]
enum Branch {
    /// Against a threshold: whether the rule is to match.
    Draw { threshold: u32, matched: bool },
    /// One of so many.
    Choice { chosen: u32, of: u32 },
}

impl Branches {
    /// Before the first walk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            words: Seeded::new(seed),
            seed,
            script: Vec::new(),
            at: 0,
        }
    }

    /// How probable the walk just made was: fractions, of which the product is its probability.
    #[must_use]
    pub fn weight(&self) -> Vec<(u32, u32)> {
        self.script
            .iter()
            .take(self.at)
            .map(|branch| match *branch {
                Branch::Draw { threshold, matched } => {
                    (if matched { threshold } else { ONE - threshold }, ONE)
                }
                Branch::Choice { of, .. } => (1, of),
            })
            .collect()
    }

    /// Turns to the next branch; `false` when all were taken.
    pub fn next_branch(&mut self) -> bool {
        self.script.truncate(self.at);
        while let Some(branch) = self.script.pop() {
            let next = match branch {
                Branch::Draw { threshold, matched } => {
                    (matched && threshold < ONE).then_some(Branch::Draw {
                        threshold,
                        matched: false,
                    })
                }
                Branch::Choice { chosen, of } => (chosen + 1 < of).then_some(Branch::Choice {
                    chosen: chosen + 1,
                    of,
                }),
            };
            if let Some(next) = next {
                self.script.push(next);
                self.at = 0;
                self.words = Seeded::new(self.seed);
                return true;
            }
        }
        false
    }

    /// The script's next step; `first` when the script ends here.
    fn step(&mut self, first: Branch) -> Branch {
        if self.at == self.script.len() {
            self.script.push(first);
        }
        self.at += 1;
        self.script[self.at - 1]
    }
}

impl Chance for Branches {
    fn word(&mut self) -> u32 {
        self.words.word()
    }

    fn draw(&mut self, threshold: u32) -> u32 {
        let threshold = threshold.min(ONE);
        // The branch that matches first, unless nothing is smaller than the threshold.
        let first = Branch::Draw {
            threshold,
            matched: threshold > 0,
        };
        match self.step(first) {
            Branch::Draw { matched: false, .. } => threshold,
            // A walk from the same state asks the same questions in the same order.
            Branch::Draw { .. } | Branch::Choice { .. } => 0,
        }
    }

    fn choose(&mut self, count: u32) -> u32 {
        match self.step(Branch::Choice {
            chosen: 0,
            of: count,
        }) {
            Branch::Choice { chosen, .. } => chosen,
            Branch::Draw { .. } => 0,
        }
    }
}

/// A number of 2^31 as a decimal fraction with this many digits, the rest cut off: `0.71`.
#[must_use]
pub fn decimal(value: u32, digits: usize) -> String {
    let mut text = format!("{}.", value / ONE);
    let mut rest = u64::from(value % ONE);
    for _ in 0..digits {
        rest *= 10;
        text.push(char::from(b'0' + (rest / u64::from(ONE)) as u8));
        rest %= u64::from(ONE);
    }
    text
}

/// A draw and a threshold with as many digits, two at least, as tell them apart.
#[must_use]
pub fn compared(draw: u32, threshold: u32) -> (String, String) {
    for digits in 2..10 {
        let (left, right) = (decimal(draw, digits), decimal(threshold, digits));
        if left != right {
            return (left, right);
        }
    }
    (decimal(draw, 10), decimal(threshold, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_cut_and_never_rounded_up() {
        assert_eq!(decimal(ONE / 2, 2), "0.50");
        assert_eq!(decimal(ONE - 1, 3), "0.999");
        assert_eq!(decimal(ONE, 1), "1.0");
        assert_eq!(
            compared(ONE / 2 + 1, ONE / 2),
            ("0.5000000004".into(), "0.5000000000".into())
        );
    }

    #[test]
    fn branches_take_every_way_once() {
        let mut branches = Branches::new(1);
        let mut seen = Vec::new();
        loop {
            let mut chosen = 2;
            for (index, threshold) in [715_827_883, ONE / 2].into_iter().enumerate() {
                if branches.draw(threshold) < threshold {
                    chosen = index;
                    break;
                }
            }
            seen.push((chosen, branches.weight()));
            if !branches.next_branch() {
                break;
            }
        }
        assert_eq!(
            seen,
            vec![
                (0, vec![(715_827_883, ONE)]),
                (1, vec![(ONE - 715_827_883, ONE), (ONE / 2, ONE)]),
                (2, vec![(ONE - 715_827_883, ONE), (ONE / 2, ONE)]),
            ]
        );
    }

    #[test]
    fn choices_branch_as_often_as_there_are_numbers() {
        let mut branches = Branches::new(1);
        let mut seen = Vec::new();
        loop {
            seen.push((branches.choose(2), branches.choose(3)));
            assert_eq!(branches.weight(), [(1, 2), (1, 3)]);
            if !branches.next_branch() {
                break;
            }
        }
        assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
        let mut seeded = Seeded::new(7);
        assert!((0..100).all(|_| seeded.choose(3) < 3));
    }

    #[test]
    fn one_seed_one_sequence() {
        let words = |seed| {
            let mut chance = Seeded::new(seed);
            [chance.word(), chance.word(), chance.word()]
        };
        assert_eq!(words(42), words(42));
        assert_ne!(words(42), words(43));
    }
}
