//! The hashes of the schedulers `sh` and `mh`, and the tables that they look into.
//!
//! `sh` (`ip_vs_sh.c`) folds the client's address into 8 bits by the kernel's multiplicative hash
//! (`include/linux/hash.h`; kernels before 4.8 had another one). `mh` (`ip_vs_mh.c`) is Maglev:
//! Eisenbud et al., *Maglev*, NSDI 2016, section 3.4, with a table of 4093 places and SipHash-1-3
//! (`lib/siphash.c`: `hsiphash` on 64-bit machines) under two fixed keys.

use std::net::IpAddr;

use super::server::RealServer;

/// Buckets of `sh`, as a power of two (`CONFIG_IP_VS_SH_TAB_BITS`).
const SH_BITS: u32 = 8;
/// Places in the table of `mh`: the prime for the default `CONFIG_IP_VS_MH_TAB_INDEX` of 12.
const MH_SIZE: usize = 4093;
/// The highest bits of a weight that count (`IP_VS_MH_TAB_BITS`).
const MH_WEIGHT_BITS: u32 = 6;
/// The keys of the two hashes of `mh`, each used for both halves.
const MH_KEYS: [u64; 2] = [2_654_435_761, 2_654_446_892];

/// An address as one number: the four words of an IPv6 address are XORed, each as the kernel
/// reads it from the wire.
fn folded(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

/// The index of `sh`'s bucket for a client.
fn sh_bucket(address: IpAddr, port: u16) -> usize {
    const GOLDEN_RATIO: u32 = 0x61C8_8647;
    let value = folded(address).wrapping_add(u32::from(port));
    (value.wrapping_mul(GOLDEN_RATIO) >> (32 - SH_BITS)) as usize
}

/// The real server that `sh` means for a client: 256 buckets, filled by the servers in turn, each
/// as often as its weight says and once at least.
pub(super) fn sh(real: &[RealServer], address: IpAddr, port: u16) -> usize {
    server_of_bucket(real, sh_bucket(address, port))
}

fn server_of_bucket(real: &[RealServer], bucket: usize) -> usize {
    let turns = |server: &RealServer| (server.weight as usize).max(1);
    let round: usize = real.iter().map(turns).sum();
    let mut left = bucket % round.max(1);
    for (index, server) in real.iter().enumerate() {
        match left.checked_sub(turns(server)) {
            Some(rest) => left = rest,
            None => return index,
        }
    }
    0
}

/// SipHash-1-3 of four bytes, folded to 32 bits (`hsiphash_1u32`).
fn siphash_1_3(value: u32, key: u64) -> u32 {
    fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
        *v0 = v0.wrapping_add(*v1);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v3);
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.wrapping_add(*v3);
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.wrapping_add(*v1);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v2 = v2.rotate_left(32);
    }
    let mut v = [
        0x736f_6d65_7073_6575 ^ key,
        0x646f_7261_6e64_6f6d ^ key,
        0x6c79_6765_6e65_7261 ^ key,
        0x7465_6462_7974_6573 ^ key,
    ];
    let last = 4_u64 << 56 | u64::from(value);
    v[3] ^= last;
    round(&mut v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    let folded = v[0] ^ v[1] ^ v[2] ^ v[3];
    folded as u32
}

fn mh_hash(address: IpAddr, port: u16, key: u64) -> usize {
    let value = folded(address).wrapping_add(u32::from(port));
    siphash_1_3(value, key) as usize
}

/// The table of `mh`: which real server each place has. Empty when none has a weight.
pub(super) fn mh_table(real: &[RealServer]) -> Vec<u16> {
    let gcd = real
        .iter()
        .fold(0, |gcd, server| greatest_common(server.weight, gcd));
    if gcd == 0 || real.len() > MH_SIZE {
        return Vec::new();
    }
    let most = real
        .iter()
        .map(|server| server.weight / gcd)
        .max()
        .unwrap_or(0);
    let shift = (32 - most.leading_zeros()).saturating_sub(MH_WEIGHT_BITS);
    struct Setup {
        place: usize,
        skip: usize,
        turns: u32,
    }
    let mut setups: Vec<Setup> = (real.iter())
        .map(|server| {
            let (address, port) = (server.address.ip(), server.address.port());
            let turns = (server.weight / gcd) >> shift;
            Setup {
                place: mh_hash(address, port, MH_KEYS[0]) % MH_SIZE,
                skip: mh_hash(address, port, MH_KEYS[1]) % (MH_SIZE - 1) + 1,
                turns: turns.max(u32::from(server.weight > 0)),
            }
        })
        .collect();
    const NOBODY: u16 = u16::MAX;
    let mut table = vec![NOBODY; MH_SIZE];
    let mut filled = 0;
    loop {
        for (index, setup) in setups.iter_mut().enumerate() {
            for _ in 0..setup.turns {
                while table[setup.place] != NOBODY {
                    setup.place = (setup.place + setup.skip) % MH_SIZE;
                }
                table[setup.place] = index as u16;
                filled += 1;
                if filled == MH_SIZE {
                    return table;
                }
            }
        }
    }
}

/// The place in `mh`'s table for a client.
pub(super) fn mh_place(address: IpAddr, port: u16) -> usize {
    mh_hash(address, port, MH_KEYS[0]) % MH_SIZE
}

/// The greatest common divisor; of 0 and a number, the number.
pub(super) fn greatest_common(one: u32, other: u32) -> u32 {
    let (mut one, mut other) = (one, other);
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(weights: &[u32]) -> Vec<RealServer> {
        (1..)
            .zip(weights)
            .map(|(last, &weight)| RealServer {
                address: ([10, 244, 1, last], 8080).into(),
                weight,
            })
            .collect()
    }

    #[test]
    fn an_even_table_is_nearly_even_and_complete() {
        let table = mh_table(&servers(&[1, 1, 1]));
        assert_eq!(table.len(), MH_SIZE);
        for index in 0..3 {
            let share = table.iter().filter(|&&own| own == index).count();
            assert!((1364..=1365).contains(&share), "{share}");
        }
    }

    #[test]
    fn a_server_that_goes_moves_few_of_the_others() {
        let before = mh_table(&servers(&[1, 1, 1, 1]));
        let after = mh_table(&servers(&[1, 1, 1]));
        let moved = (before.iter().zip(&after))
            .filter(|(before, after)| **before != 3 && before != after)
            .count();
        assert!(moved < MH_SIZE / 10, "{moved}");
    }

    #[test]
    fn weights_are_shares_and_none_at_all_is_nobody() {
        let table = mh_table(&servers(&[3, 0, 1]));
        let share = |index| table.iter().filter(|&&own| own == index).count();
        assert_eq!(share(1), 0);
        assert!(share(0) > 2 * share(2));
        assert!(mh_table(&servers(&[0, 0])).is_empty());
        assert!(mh_table(&[]).is_empty());
    }

    #[test]
    fn sh_fills_its_buckets_by_weight() {
        let real = servers(&[2, 1, 0]);
        let mut shares = [0; 3];
        for bucket in 0..1 << SH_BITS {
            shares[server_of_bucket(&real, bucket)] += 1;
        }
        // Two, one, and the one that every server gets.
        assert_eq!(shares, [128, 64, 64]);
    }

    #[test]
    fn addresses_are_told_apart() {
        let bucket = |last| sh_bucket([10, 244, 1, last].into(), 0);
        let different: std::collections::BTreeSet<usize> = (0..=255).map(bucket).collect();
        assert!(different.len() > 100, "{}", different.len());
        let v6: IpAddr = "fd00::1".parse().unwrap();
        assert_eq!(folded(v6), 0xfd00_0000 ^ 1);
    }
}
