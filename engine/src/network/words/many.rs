//! What many requests come to.

use crate::network::tally::{ChiSquared, Promise};
use crate::words::Words;

/// `13.8` for 13,816 thousandths.
fn tenths(thousandths: u64) -> String {
    format!("{}.{}", thousandths / 1000, thousandths % 1000 / 100)
}

pub(in crate::network) fn fit(
    promise: Promise,
    agrees: Option<bool>,
    chi_squared: Option<ChiSquared>,
    ways: usize,
    count: u32,
) -> Words {
    if count == 0 {
        return Words::same("Nothing was sent.");
    }
    let good = agrees == Some(true);
    match promise {
        Promise::Fixed if good => Words::new(
            "There was nothing to choose: every guest fared alike.",
            "There was nothing to choose: every request ended alike.",
        ),
        Promise::Drawn | Promise::Spread => by_chance(promise, agrees, chi_squared, ways),
        Promise::InTurn if good => Words::new(
            "The wing's list gives its rooms in turn, and so they were given.",
            "IPVS takes its real servers in turn, on each Node by itself: the counts differ by what is left of a round.",
        ),
        Promise::Evened => Words::new(
            "The wing's list gives the room with the fewest visits: the counts even out.",
            "IPVS takes the real server with the fewest connections: the counts even out, those of before included.",
        ),
        Promise::Hashed if good => Words::new(
            "The room goes by the guest's name: the same guest, the same room.",
            "IPVS hashes the source address: one client always gets the same real server.",
        ),
        Promise::Stays if good => Words::new(
            "The guest stays with the room of his first visit.",
            "Session affinity: the client stays with the endpoint of its first request.",
        ),
        Promise::Unknown => Words::same(
            "There are more ways than are followed, so nothing is said of what to expect.",
        ),
        Promise::Fixed | Promise::InTurn | Promise::Hashed | Promise::Stays => Words::new(
            "That is not what the sheet says: something else changed on the way.",
            "That is not what the rules promise: something else decided on the way, such as a connection of before or a reply that got lost.",
        ),
    }
}

fn by_chance(
    promise: Promise,
    agrees: Option<bool>,
    chi_squared: Option<ChiSquared>,
    ways: usize,
) -> Words {
    let how = if promise == Promise::Spread {
        "IPVS hashes source address and port: each real server has its part of the table."
    } else {
        "Each request is drawn by itself."
    };
    let hotel = if promise == Promise::Spread {
        "The room goes by the guest's card."
    } else {
        "The desk draws for each guest anew."
    };
    match (agrees, chi_squared) {
        (Some(good), Some(found)) => {
            let measured = format!(
                "\u{3c7}\u{b2} is {} with {} {}; 999 of 1000 such series stay below {}",
                tenths(found.thousandths),
                found.degrees,
                if found.degrees == 1 {
                    "degree of freedom"
                } else {
                    "degrees of freedom"
                },
                tenths(found.limit_thousandths),
            );
            if good {
                Words::new(
                    format!("{hotel} The difference is chance."),
                    format!("{how} {measured}: the difference is chance."),
                )
            } else {
                Words::new(
                    format!("{hotel} So great a difference is no chance."),
                    format!("{how} {measured}: so great a difference is hardly chance."),
                )
            }
        }
        (Some(false), None) => Words::new(
            format!("{hotel} Some visits ended as none of the draws leads to."),
            format!("{how} Some requests ended in a way to which no draw leads."),
        ),
        _ if ways == 1 => Words::new(
            format!("{hotel} All draws lead to the same end."),
            format!("{how} All draws lead to the same end."),
        ),
        _ => Words::new(
            format!("{hotel} For a judgement there were too few guests."),
            format!(
                "{how} There were too few requests to judge the difference (five of each are to be expected at least)."
            ),
        ),
    }
}
