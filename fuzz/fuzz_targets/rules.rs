//! What `iptables-save`, `ipset save` and `nft` print, as text and in the place of a Node's rules, and a
//! packet that meets them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lobby_engine::lab::{EXAMPLES, Lab, Settings};
use lobby_engine::net::IpFamily;
use lobby_engine::netfilter::ipset::Sets;
use lobby_engine::netfilter::iptables::{Before, Tables};
use lobby_engine::netfilter::nft::Ruleset;

fuzz_target!(|text: &str| {
    let Some((kind, text)) = text.split_at_checked(1) else {
        return;
    };
    match kind {
        "n" => {
            let _ = Ruleset::new(IpFamily::IPv4).read(text);
        }
        "s" => {
            let _ = Sets::default().read(text);
        }
        "i" => {
            let mut tables = Tables::new(IpFamily::IPv4);
            if tables.restore(text, Before::Flush).is_empty() {
                // What is printed is read as the same.
                let printed = tables.save();
                let mut again = Tables::new(IpFamily::IPv4);
                let errors = again.restore(&printed, Before::Flush);
                assert!(errors.is_empty(), "{errors:?} in\n{printed}");
                assert_eq!(again.save(), printed);
            }
        }
        _ => {
            let mut lab = Lab::new(Settings::default());
            lab.open(EXAMPLES[0].text());
            let _ = lab.replace_rules("node-1", text);
            if let Some(request) = lab.suggestion() {
                let _ = lab.send(&request);
            }
        }
    }
});
