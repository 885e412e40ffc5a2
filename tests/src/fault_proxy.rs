//! A TCP proxy in front of a real part, for tests in which that part goes away and comes back. The part itself is
//! shared by all tests and stays untouched.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Passes everything on.
    Open,
    /// Closes every connection, old and new: the part's process is gone.
    Cut,
    /// Takes connections and bytes and passes nothing on: the part's process is frozen, or its host unreachable.
    Frozen,
}

/// The proxy. Dropping it closes everything.
#[derive(Debug)]
pub struct FaultProxy {
    addr: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// A proxy to `target` (`host:port`) on a free port of this machine.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn to(target: impl Into<String>) -> Self {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("the port's address");
        let line = Arc::new(watch::Sender::new(Line::Open));
        let states = Arc::clone(&line);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, target.clone(), states.subscribe()));
            }
        });
        Self { addr, line, accepting }
    }

    /// A proxy to the present primary of the tests' replica set, and the connection string through it.
    ///
    /// # Panics
    /// When there is no primary.
    pub async fn to_mongo(primary: &str) -> (Self, String) {
        let proxy = Self::to(primary).await;
        // Without this the driver would learn the members' own addresses and go round the proxy.
        let uri = format!("mongodb://{}/?directConnection=true", proxy.addr);
        (proxy, uri)
    }

    /// Where clients connect.
    #[must_use]
    pub fn addr(&self) -> String {
        self.addr.to_string()
    }

    /// Closes every connection and every later one at once.
    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    /// Lets connections stand, and passes nothing on.
    pub fn freeze(&self) {
        self.line.send_replace(Line::Frozen);
    }

    /// As if nothing had been. What was held back while frozen is passed on now.
    pub fn heal(&self) {
        self.line.send_replace(Line::Open);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn serve(client: TcpStream, target: String, mut line: watch::Receiver<Line>) {
    if line.wait_for(|line| *line != Line::Frozen).await.is_err() || *line.borrow() == Line::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(&target).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let gone = async {
        let mut line = line.clone();
        drop(line.wait_for(|line| *line == Line::Cut).await);
    };
    tokio::select! {
        () = pass(from_client, to_server, line.clone()) => {}
        () = pass(from_server, to_client, line.clone()) => {}
        () = gone => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut buffer = vec![0_u8; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if line.wait_for(|line| *line != Line::Frozen).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
