//! The hashes in the names of chains: base32 of SHA-256, cut short.
//!
//! Source: `portProtoHash` and `servicePortEndpointChainName` of `pkg/proxy/iptables/proxier.go`,
//! `hashAndTruncate` of `pkg/proxy/nftables/proxier.go`, Kubernetes v1.30.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// The first ten bytes of a SHA-256, which are sixteen characters in base32: iptables mode shows
/// all of them, nftables mode eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameHash([u8; 10]);

/// RFC 4648, section 6.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What fits into SHA-256's one block beside its padding: a one, and the length in eight bytes.
const ONE_BLOCK: usize = 64 - 1 - 8;

/// SHA-256's initial state: the first 32 bits of the fractional parts of the square roots of the
/// first eight primes (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

impl NameHash {
    /// The hash of the pieces, one after the other.
    ///
    /// Names are short: nearly all fit into one block, which is filled here at once.
    pub(super) fn of(pieces: &[&str]) -> Self {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut head = [0u8; 10];
        if length <= ONE_BLOCK {
            let mut block = [0u8; 64];
            let mut at = 0;
            for piece in pieces {
                block[at..at + piece.len()].copy_from_slice(piece.as_bytes());
                at += piece.len();
            }
            block[at] = 0x80;
            // At most 55 bytes: their number of bits fits into the last two bytes.
            let bits = (length as u16) * 8;
            block[62..].copy_from_slice(&bits.to_be_bytes());
            let mut state = INITIAL;
            compress256(&mut state, &[block]);
            head[..4].copy_from_slice(&state[0].to_be_bytes());
            head[4..8].copy_from_slice(&state[1].to_be_bytes());
            head[8..].copy_from_slice(&state[2].to_be_bytes()[..2]);
        } else {
            let mut hasher = Sha256::new();
            for piece in pieces {
                hasher.update(piece.as_bytes());
            }
            head.copy_from_slice(&hasher.finalize()[..10]);
        }
        Self(head)
    }

    /// Appends all sixteen characters.
    pub(super) fn push_long(self, out: &mut String) {
        let text = self.base32();
        // Base32 is ASCII.
        out.push_str(std::str::from_utf8(&text).unwrap_or_default());
    }

    /// Appends the first eight.
    pub(super) fn push_short(self, out: &mut String) {
        let text = self.base32();
        out.push_str(std::str::from_utf8(&text[..8]).unwrap_or_default());
    }

    fn base32(self) -> [u8; 16] {
        let mut text = [0u8; 16];
        for (half, five) in text.chunks_exact_mut(8).zip(self.0.chunks_exact(5)) {
            let bits = five
                .iter()
                .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for (place, character) in (0u32..).zip(half) {
                *character = ALPHABET[(bits >> (35 - 5 * place)) as usize & 31];
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE32;

    use super::*;

    fn long(pieces: &[&str]) -> String {
        let mut text = String::new();
        NameHash::of(pieces).push_long(&mut text);
        text
    }

    #[test]
    fn known_names() {
        assert_eq!(
            long(&["default/kubernetes:https", "tcp"]),
            "NPX46M4PTMTKRN6Y"
        );
        assert_eq!(
            long(&["kube-system/kube-dns:dns", "udp"]),
            "TCOU7JCQXEZGVUNU"
        );
        assert_eq!(
            long(&["default/web", "tcp", "10.244.1.5:8080"]),
            "XQWD6PXGZUTOOIVQ"
        );
        let mut short = String::new();
        NameHash::of(&["ns1/svc1/tcp/p80"]).push_short(&mut short);
        assert_eq!(short, "ULMVA6XW");
    }

    #[test]
    fn one_block_and_many_agree_with_the_library() {
        for length in [0, 1, 54, 55, 56, 63, 64, 119, 200] {
            let text = "k".repeat(length);
            let expected = BASE32.encode(&Sha256::digest(&text)[..10]);
            assert_eq!(long(&[&text]), expected, "{length}");
        }
    }
}
