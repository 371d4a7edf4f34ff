//! `cargo xtask serve`: the page on this machine alone.
//!
//! Trunk's own server writes a script into the page to reload it, which the page's
//! Content-Security-Policy refuses. This one serves the built files as any static host would.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::site::{self, Profile};
use crate::workspace;

/// Longest line of a request, in bytes.
const MAX_LINE: u64 = 8192;

/// Builds, serves, and with `watch` builds again when a source changes. Does not return.
pub(crate) fn run(profile: Profile, port: u16, watch: bool) -> Result<()> {
    // A build for looking at shall not take the place of the one that is tested and published.
    let dist = match profile {
        Profile::Dev => workspace::target().join("serve"),
        Profile::Release => workspace::dist(),
    };
    // Before the build: minutes later is late to hear that the port is taken.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("cannot listen on 127.0.0.1:{port} (--port takes another)"))?;
    site::build(profile, &dist)?;
    println!(
        "\nLobby is at http://{}/ (Ctrl-C ends it)",
        listener.local_addr()?
    );
    if watch {
        println!("Watching the sources; reload the page after a build");
        let dist = dist.clone();
        thread::spawn(move || rebuild_on_change(profile, &dist));
    }
    answer_all(&listener, &dist)
}

fn answer_all(listener: &TcpListener, dist: &Path) -> Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let dist = dist.to_owned();
        thread::spawn(move || {
            // The browser went away: nobody is left to be told.
            let _ = answer(stream, &dist);
        });
    }
    Ok(())
}

fn rebuild_on_change(profile: Profile, dist: &Path) {
    let mut seen = newest_source();
    loop {
        thread::sleep(Duration::from_millis(700));
        let now = newest_source();
        if now > seen {
            seen = now;
            match site::build(profile, dist) {
                Ok(()) => println!("Built; reload the page"),
                Err(error) => eprintln!("error: {error:#}"),
            }
        }
    }
}

/// When the latest change to a source was.
fn newest_source() -> Option<SystemTime> {
    let root = workspace::root();
    [
        "web",
        "engine/src",
        "static",
        "Cargo.toml",
        "Cargo.lock",
        "Trunk.toml",
    ]
    .iter()
    .filter_map(|path| newest(&root.join(path)))
    .max()
}

fn newest(path: &Path) -> Option<SystemTime> {
    let name = path.file_name()?.to_str()?;
    if matches!(name, "node_modules" | "generated" | "target") || name.starts_with('.') {
        return None;
    }
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    fs::read_dir(path)
        .ok()?
        .filter_map(|entry| newest(&entry.ok()?.path()))
        .max()
}

/// One request, one answer.
fn answer(stream: TcpStream, dist: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let request = read_line(&mut reader)?;
    loop {
        // The headers decide nothing here.
        if read_line(&mut reader)?.is_empty() {
            break;
        }
    }
    let mut stream = reader.into_inner();
    let mut words = request.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if !matches!(method, "GET" | "HEAD") {
        return respond(
            &mut stream,
            "405 Method Not Allowed",
            "text/plain",
            b"",
            true,
        );
    }
    let found = file_for(dist, target).and_then(|path| Some((File::open(&path).ok()?, path)));
    let Some((mut file, path)) = found else {
        return respond(
            &mut stream,
            "404 Not Found",
            "text/plain",
            b"Not found\n",
            method == "GET",
        );
    };
    let mut body = Vec::new();
    file.read_to_end(&mut body)?;
    respond(
        &mut stream,
        "200 OK",
        media_type(&path),
        &body,
        method == "GET",
    )
}

/// A line without its end; an empty one at the end of the stream.
fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    reader
        .by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)?;
    if line.len() as u64 == MAX_LINE {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    Ok(String::from_utf8_lossy(&line)
        .trim_end_matches(['\r', '\n'])
        .to_owned())
}

fn respond(
    stream: &mut TcpStream,
    status: &str,
    media_type: &str,
    body: &[u8],
    with_body: bool,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(body)?;
    }
    stream.flush()
}

/// The file that a request's target names; None if it names no file of the folder.
fn file_for(dist: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = percent_decode(path)?;
    let relative = Path::new(&path);
    // Nothing but names below the folder: no `..`, no root, no drive.
    if path.contains(['\\', '\0'])
        || !relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let mut file = dist.join(relative);
    if file.is_dir() {
        file.push("index.html");
    }
    file.is_file().then_some(file)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        // The browser compiles while it loads only if the type is this one.
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "yaml" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("lobby-serve-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("dist/sub dir")).unwrap();
        fs::write(folder.join("secret.txt"), "no").unwrap();
        fs::write(folder.join("dist/index.html"), "<p>hello").unwrap();
        fs::write(folder.join("dist/app.wasm"), [0, 97, 115, 109]).unwrap();
        fs::write(folder.join("dist/sub dir/a.js"), "1").unwrap();
        folder
    }

    #[test]
    fn names_below_the_folder_are_files() {
        let folder = folder("names");
        let dist = folder.join("dist");
        let found = |target: &str| file_for(&dist, target);
        assert_eq!(found("/"), Some(dist.join("index.html")));
        assert_eq!(found("/?seed=1#x"), Some(dist.join("index.html")));
        assert_eq!(found("/sub%20dir/a.js"), Some(dist.join("sub dir/a.js")));
        for outside in [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/sub%20dir/..%2f..%2f..%2fsecret.txt",
            "//etc/passwd",
            "/%2Fetc/passwd",
            "/..%5csecret.txt",
            "secret.txt",
            "/missing",
            "/%zz",
            "/%e9",
            "/%+1",
        ] {
            assert_eq!(found(outside), None, "{outside}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_browser_gets_its_files() {
        let folder = folder("socket");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let dist = folder.join("dist");
        thread::spawn(move || answer_all(&listener, &dist));
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };
        let page = ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n<p>hello"),
            "{page}"
        );
        let wasm = ask("HEAD /app.wasm HTTP/1.1\r\n\r\n");
        assert!(
            wasm.contains("Content-Type: application/wasm\r\nContent-Length: 4\r\n"),
            "{wasm}"
        );
        assert!(wasm.ends_with("\r\n\r\n"));
        assert!(ask("GET /../secret.txt HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask("POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        fs::remove_dir_all(folder).unwrap();
    }
}
