//! Processes of the network: who listens, and one attempt of a client.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lobby_engine::net::Protocol;
use lobby_engine::network::{Listens, Plan, Serves, Socket};

use super::namespaces::{Namespaces, Result, enter};

/// How long a client waits: less than until its second SYN.
const PATIENCE: Duration = Duration::from_millis(600);
/// How long a server waits for somebody who connected.
const COURTESY: Duration = Duration::from_millis(300);
/// Between two looks at a socket.
const PAUSE: Duration = Duration::from_millis(1);

/// An endpoint's address and port, and whom it saw.
pub(crate) type Pair = (IpAddr, u16, IpAddr);

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Came {
    pub(crate) outcome: &'static str,
    pub(crate) pair: Option<Pair>,
}

/// All who listen in a network, until it is dropped.
pub(crate) struct Servers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Servers {
    pub(crate) fn start(namespaces: &Namespaces, plan: &Plan) -> Result<Self> {
        let mut servers = Self {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for node in &plan.nodes {
            let namespace = namespaces.name(&format!("node-{}", node.name));
            for socket in &node.sockets {
                let own = node.addresses[0].addr();
                servers.listen(&namespace, socket, socket.address.unwrap_or(own))?;
            }
        }
        for pod in &plan.pods {
            let namespace = namespaces.name(&format!("pod-{}", pod.name));
            let Listens::On(ports) = &pod.listens else {
                return Err("a Pod that listens everywhere".to_owned());
            };
            for &(protocol, port) in ports {
                let socket = Socket {
                    protocol,
                    address: None,
                    port: Some(port),
                    owner: lobby_engine::network::Owner::Machine,
                    serves: Serves::Itself,
                };
                servers.listen(&namespace, &socket, pod.addresses[0].addr())?;
            }
        }
        for outside in &plan.outside {
            let namespace = namespaces.name(&format!("out-{}", outside.name));
            for socket in &outside.sockets {
                servers.listen(&namespace, socket, outside.addresses[0].addr())?;
            }
        }
        Ok(servers)
    }

    /// Listens in a namespace; returns once the socket is there.
    fn listen(&mut self, namespace: &str, socket: &Socket, own: IpAddr) -> Result<()> {
        let (protocol, serves, port) = (socket.protocol, socket.serves, socket.port);
        let Some(port) = port.filter(|_| protocol != Protocol::Sctp) else {
            return Ok(());
        };
        let any: IpAddr = match own {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let at = SocketAddr::new(socket.address.unwrap_or(any), port);
        let (told, ready) = std::sync::mpsc::channel();
        let (stop, name) = (Arc::clone(&self.stop), namespace.to_owned());
        self.threads.push(thread::spawn(move || {
            let say = |error: io::Error| format!("{name}: {at}: {error}");
            let opened = enter(&name).and_then(|()| match protocol {
                Protocol::Udp => UdpSocket::bind(at).map(Open::Udp).map_err(say),
                _ => TcpListener::bind(at).map(Open::Tcp).map_err(say),
            });
            match opened {
                Ok(open) => {
                    let _ = told.send(Ok(()));
                    open.serve(&stop, serves, own, port);
                }
                Err(error) => drop(told.send(Err(error))),
            }
        }));
        ready.recv().map_err(|error| error.to_string())?
    }
}

enum Open {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Open {
    fn serve(self, stop: &AtomicBool, serves: Serves, own: IpAddr, port: u16) {
        match self {
            Self::Tcp(listener) => {
                if listener.set_nonblocking(true).is_err() {
                    return;
                }
                while !stop.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((stream, peer)) => {
                            // Whoever went away meanwhile is none of the server's business.
                            let _ = answer(stream, peer, serves);
                        }
                        Err(_) => thread::sleep(PAUSE),
                    }
                }
            }
            Self::Udp(socket) => {
                if socket
                    .set_read_timeout(Some(Duration::from_millis(20)))
                    .is_err()
                {
                    return;
                }
                let mut buffer = [0; 64];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((_, peer)) = socket.recv_from(&mut buffer) {
                        let text = format!("{own} {port} {}", peer.ip());
                        let _ = socket.send_to(text.as_bytes(), peer);
                    }
                }
            }
        }
    }
}

/// Says who is here and who was seen; a proxy passes on what it is told.
fn answer(mut stream: TcpStream, peer: SocketAddr, serves: Serves) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(COURTESY))?;
    let text = match serves {
        Serves::Itself => {
            let own = stream.local_addr()?;
            format!("{} {} {}", own.ip(), own.port(), peer.ip())
        }
        Serves::Proxy(to) => {
            let mut behind = TcpStream::connect_timeout(&to, COURTESY)?;
            behind.set_read_timeout(Some(COURTESY))?;
            let mut text = String::new();
            behind.read_to_string(&mut text)?;
            text
        }
    };
    stream.write_all(text.as_bytes())
}

/// One attempt, on a thread that is in the client's namespace.
pub(crate) fn attempt(protocol: Protocol, to: SocketAddr) -> Result<Came> {
    let text = match protocol {
        Protocol::Udp => by_udp(to),
        _ => by_tcp(to),
    };
    match text {
        Ok(text) => {
            let mut words = text.split(' ');
            let mut word = || words.next().ok_or_else(|| format!("an answer of {text:?}"));
            let bad = |word: &str| format!("{word:?} in an answer");
            let (own, port, peer) = (word()?, word()?, word()?);
            Ok(Came {
                outcome: "answered",
                pair: Some((
                    own.parse().map_err(|_| bad(own))?,
                    port.parse().map_err(|_| bad(port))?,
                    peer.parse().map_err(|_| bad(peer))?,
                )),
            })
        }
        Err(error) => Ok(Came {
            outcome: outcome(&error).ok_or_else(|| format!("{to}: {error:?}"))?,
            pair: None,
        }),
    }
}

/// What an error of the client's socket means.
fn outcome(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "unreachable",
        // A packet that the client's own Node drops is told to it by some calls.
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::PermissionDenied => {
            "timeout"
        }
        _ => return None,
    })
}

fn by_tcp(to: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn by_udp(to: SocketAddr) -> io::Result<String> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // A reject in OUTPUT fails the call, and leaves the ICMP error to be read.
    let _ = socket.send(b"who");
    let mut buffer = [0; 128];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
