//! The values of options: numbers, rates, probabilities, flags and names.

use super::rule::{AddressType, State};
use crate::netfilter::chance::ONE;

/// A number in decimal, with `0x` in hexadecimal, with a leading `0` in octal.
pub(crate) fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// A decimal fraction from 0 to 1 times 2^31, rounded to the nearest, as
/// `lround(0x80000000 * p)` in `extensions/libxt_statistic.c` has it.
pub(super) fn threshold(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // More digits than these cannot change the nearest of 2^31 steps.
    let digits = &fraction[..fraction.len().min(20)];
    let scale = 10_u128.pow(u32::try_from(digits.len()).ok()?);
    let part: u128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let value = whole.checked_mul(scale)?.checked_add(part)?;
    if value > scale {
        return None;
    }
    u32::try_from((value * u128::from(ONE) + scale / 2) / scale).ok()
}

/// `5/minute` as the time between two packets, in units of 100 µs (`XT_LIMIT_SCALE`).
pub(super) fn rate(text: &str) -> Option<u64> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "second"));
    let count: u64 = count.parse().ok()?;
    let seconds = if unit.is_empty() {
        return None;
    } else if "second".starts_with(unit) {
        1
    } else if "minute".starts_with(unit) {
        60
    } else if "hour".starts_with(unit) {
        3_600
    } else if "day".starts_with(unit) {
        86_400
    } else {
        return None;
    };
    (10_000_u64 * seconds)
        .checked_div(count)
        .filter(|&interval| interval > 0)
}

pub(super) fn tcp_flags(text: &str) -> Option<u8> {
    text.split(',').try_fold(0, |flags, name| {
        Some(
            flags
                | match name {
                    "FIN" => 1,
                    "SYN" => 2,
                    "RST" => 4,
                    "PSH" => 8,
                    "ACK" => 16,
                    "URG" => 32,
                    "ALL" => 63,
                    "NONE" => 0,
                    _ => return None,
                },
        )
    })
}

pub(super) fn address_type(text: &str) -> Option<AddressType> {
    Some(match text.to_ascii_uppercase().as_str() {
        "UNSPEC" => AddressType::Unspec,
        "UNICAST" => AddressType::Unicast,
        "LOCAL" => AddressType::Local,
        "BROADCAST" => AddressType::Broadcast,
        "MULTICAST" => AddressType::Multicast,
        "BLACKHOLE" => AddressType::Blackhole,
        "UNREACHABLE" => AddressType::Unreachable,
        _ => return None,
    })
}

pub(super) fn is_rare_address_type(text: &str) -> bool {
    let known = ["ANYCAST", "PROHIBIT", "THROW", "NAT", "XRESOLVE"];
    address_type(text).is_some() || known.contains(&text.to_ascii_uppercase().as_str())
}

pub(crate) fn state(text: &str) -> Option<State> {
    Some(match text.to_ascii_uppercase().as_str() {
        "INVALID" => State::Invalid,
        "NEW" => State::New,
        "ESTABLISHED" => State::Established,
        "RELATED" => State::Related,
        "UNTRACKED" => State::Untracked,
        "SNAT" => State::Snat,
        "DNAT" => State::Dnat,
        _ => return None,
    })
}

/// Type and codes; names are those of iptables-extensions(8), as far as they matter here.
pub(super) fn icmp_type(text: &str, option: &str) -> Option<(u8, std::ops::RangeInclusive<u8>)> {
    let any = 0..=u8::MAX;
    if option == "--icmpv6-type" {
        let named = match text {
            "destination-unreachable" => Some((1, any.clone())),
            "no-route" => Some((1, 0..=0)),
            "address-unreachable" => Some((1, 3..=3)),
            "port-unreachable" => Some((1, 4..=4)),
            "packet-too-big" => Some((2, any.clone())),
            "time-exceeded" | "ttl-exceeded" => Some((3, any.clone())),
            "echo-request" | "ping" => Some((128, any.clone())),
            "echo-reply" | "pong" => Some((129, any.clone())),
            "router-solicitation" => Some((133, any.clone())),
            "router-advertisement" => Some((134, any.clone())),
            "neighbour-solicitation" | "neighbor-solicitation" => Some((135, any.clone())),
            "neighbour-advertisement" | "neighbor-advertisement" => Some((136, any.clone())),
            _ => None,
        };
        if named.is_some() {
            return named;
        }
    } else {
        let named = match text {
            "echo-reply" | "pong" => Some((0, any.clone())),
            "destination-unreachable" => Some((3, any.clone())),
            "network-unreachable" => Some((3, 0..=0)),
            "host-unreachable" => Some((3, 1..=1)),
            "port-unreachable" => Some((3, 3..=3)),
            "fragmentation-needed" => Some((3, 4..=4)),
            "source-quench" => Some((4, any.clone())),
            "redirect" => Some((5, any.clone())),
            "echo-request" | "ping" => Some((8, any.clone())),
            "time-exceeded" | "ttl-exceeded" => Some((11, any.clone())),
            "parameter-problem" => Some((12, any.clone())),
            _ => None,
        };
        if named.is_some() {
            return named;
        }
    }
    match text.split_once('/') {
        Some((kind, code)) => {
            let code = code.parse().ok()?;
            Some((kind.parse().ok()?, code..=code))
        }
        None => Some((text.parse().ok()?, any)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_round_to_the_nearest_of_two_to_the_31() {
        assert_eq!(threshold("0.5000000000"), Some(ONE / 2));
        assert_eq!(threshold("1"), Some(ONE));
        assert_eq!(threshold("0"), Some(0));
        // Ten digits of a third, and the eleven that iptables-save prints for the kernel's number.
        assert_eq!(threshold("0.3333333333"), Some(715_827_883));
        assert_eq!(threshold("0.33333333349"), Some(715_827_883));
        assert_eq!(threshold("0.2500000000"), Some(ONE / 4));
        assert_eq!(threshold("1.1"), None);
        assert_eq!(threshold("-0.5"), None);
        assert_eq!(threshold("."), None);
    }

    #[test]
    fn numbers_read_in_three_bases() {
        assert_eq!(number("0x00004000"), Some(0x4000));
        assert_eq!(number("16384"), Some(0x4000));
        assert_eq!(number("010"), Some(8));
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("x"), None);
    }

    #[test]
    fn rates_are_times_between_packets() {
        assert_eq!(rate("5/min"), Some(120_000));
        assert_eq!(rate("10/sec"), Some(1_000));
        assert_eq!(rate("3"), Some(3_333));
        assert_eq!(rate("0/sec"), None);
        assert_eq!(rate("1/"), None);
    }
}
