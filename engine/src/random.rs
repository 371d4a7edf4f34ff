//! Draws that a seed and a key decide.
//!
//! A draw that belongs to a thing (a Service's address, a Pod's name) is keyed by the thing's own
//! name. So an edit somewhere else never moves it, and the same seed gives the same world on every
//! machine.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// A generator for the thing that `key` names.
#[must_use]
pub fn keyed(seed: u64, key: &str) -> Pcg32 {
    // FNV-1a, 64 bits: it only has to tell keys apart, not to keep a secret.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Pcg32::new(seed, hash)
}

/// A number below `bound`, all equally likely. `bound` must not be 0; 0 gives 0.
pub fn below(rng: &mut Pcg32, bound: u64) -> u64 {
    if bound <= 1 {
        return 0;
    }
    // Reject the uneven rest, so that no number is more likely than another.
    let zone = u64::MAX - u64::MAX % bound;
    loop {
        let draw = rng.next_u64();
        if draw < zone {
            return draw % bound;
        }
    }
}

/// The alphabet of generated names: no vowels, no digits that look like letters.
///
/// Source: k8s.io/apimachinery `pkg/util/rand/rand.go`.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A generated part of a name, as the API server and the controllers add them.
pub fn name_suffix(rng: &mut Pcg32, length: usize) -> String {
    (0..length)
        .map(|_| char::from(NAME_ALPHABET[below(rng, NAME_ALPHABET.len() as u64) as usize]))
        .collect()
}

/// A text in which every character is one of the safe alphabet: how controllers write a hash.
///
/// Source: `SafeEncodeString` of the same file.
#[must_use]
pub fn safe_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| char::from(NAME_ALPHABET[usize::from(byte) % NAME_ALPHABET.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_key_draw_the_same_and_another_key_draws_another() {
        let draw = |seed, key| below(&mut keyed(seed, key), 1 << 40);
        assert_eq!(
            draw(42, "Service default/web"),
            draw(42, "Service default/web")
        );
        assert_ne!(
            draw(42, "Service default/web"),
            draw(42, "Service default/db")
        );
        assert_ne!(
            draw(42, "Service default/web"),
            draw(43, "Service default/web")
        );
    }

    #[test]
    fn draws_stay_below_their_bound_and_reach_all_of_it() {
        let mut rng = keyed(1, "bound");
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[below(&mut rng, 5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(below(&mut rng, 1), 0);
    }

    #[test]
    fn names_use_only_the_safe_alphabet() {
        let name = name_suffix(&mut keyed(7, "names"), 200);
        assert!(name.bytes().all(|byte| NAME_ALPHABET.contains(&byte)));
    }
}
