//! Links, the files that stand for them, and the JSON of messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lobby_engine::link::{self, Codec, Content};
use lobby_engine::yaml;

fuzz_target!(|bytes: &[u8]| {
    let Some((codec, rest)) = bytes.split_first() else {
        return;
    };
    match codec % 4 {
        // A whole link.
        0 => {
            if let Ok(link) = std::str::from_utf8(rest) {
                again(Content::decode(link));
            }
        }
        // What a link carries, packed by others.
        1 => again(Content::decode(&format!("v1:z:{}", base64url(rest)))),
        2 => again(Content::decode(&format!("v1:j:{}", base64url(rest)))),
        // A file, or a message.
        _ => {
            if let Ok(text) = std::str::from_utf8(rest) {
                let _ = link::is_file(text);
                if let Ok(world) = link::read_file(text) {
                    assert_eq!(link::read_file(&link::write_file(&world)), Ok(world));
                }
                let _ = yaml::read(text);
            }
        }
    }
});

/// What was read is written, and read as the same.
fn again(content: Result<Content, link::Error>) {
    let Ok(content) = content else { return };
    for codec in [Codec::Deflated, Codec::Plain] {
        if let Ok(link) = content.encode(codec) {
            assert_eq!(Content::decode(&link).as_ref(), Ok(&content));
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}
