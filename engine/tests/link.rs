//! `lobby link`, run as people run it.
#![cfg(feature = "cli")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const MANIFEST: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: books # ours\n";

fn lobby(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lobby"))
        .arg("link")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built with this test");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes())
        .expect("it reads all, or ends before");
    child.wait_with_output().expect("it was started")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it prints UTF-8")
}

#[test]
fn a_file_comes_back_from_its_link() {
    for packing in [&[][..], &["--plain"]] {
        let link = lobby(&[&["-", "--seed", "3"], packing].concat(), MANIFEST);
        assert!(link.status.success(), "{}", text(&link.stderr));
        let link = text(&link.stdout);
        assert!(link.starts_with("#v1:"), "{link}");
        let back = lobby(&["--decode"], link);
        assert_eq!(text(&back.stdout), MANIFEST);
        assert_eq!(text(&back.stderr), "seed: 3\n");
        let all = lobby(&["--decode", "--json", link.trim()], "");
        assert!(
            text(&all.stdout).starts_with("{\"seed\":3,\"text\":"),
            "{all:?}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_link_is_said() {
    let newer = lobby(&["--decode", "v9:z:AAAA"], "");
    assert_eq!(newer.status.code(), Some(1));
    assert!(text(&newer.stderr).contains("version \"v9\""), "{newer:?}");
    assert_eq!(lobby(&[], "").status.code(), Some(2), "nothing given");
}

#[test]
fn names_can_be_kept_back() {
    let link = lobby(&["-", "--redact"], MANIFEST);
    let back = lobby(&["--decode"], text(&link.stdout));
    assert!(text(&back.stdout).contains("kind: Service"));
    assert!(!text(&back.stdout).contains("books"), "{back:?}");
    assert!(!text(&back.stdout).contains("ours"), "comments are gone");
}
