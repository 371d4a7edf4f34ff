//! Messages of the page around an embed: a text is a command, or a sentence about what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;
use message::{Command, NAMES};

// The page's own reader. It needs the engine alone, so the page is not built for it.
#[path = "../../web/src/visit/message.rs"]
#[allow(dead_code)]
mod message;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    // A whole message, or the arguments of a command.
    let read = match NAMES.get(usize::from(*kind)) {
        Some(name) => message::read(&format!("{{\"command\": \"{name}\", \"args\": {text}}}")),
        None => message::read(text),
    };
    match read {
        // No other commands behind a word that becomes a console line.
        Ok(Command::SetMode(mode)) => assert!(mode.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        Ok(Command::Send { count, .. }) => assert_ne!(count, Some(0)),
        Ok(_) => {}
        Err(why) => assert!(!why.is_empty()),
    }
});
