//! An API behind the program that remembers the exact bytes it was asked in, and answers by a script: what a test
//! knows of a call is what came over the wire (RFC 9112).

mod answer;
mod http2;
mod record;
mod web_socket;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) use answer::{Answer, Piece};
pub(crate) use http2::Http2Upstream;
pub(crate) use record::{Record, Seen};
pub(crate) use web_socket::{Frame, accept_of};

use crate::framing::Wire;

/// How much of a connection's bytes are kept for the search after secrets.
const KEPT: usize = 256 * 1024;

/// Which answer a request gets, by its head.
type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

/// An API on a free port of loopback. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    record: Arc<Record>,
    feed: broadcast::Sender<Piece>,
    released: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// What a connection needs.
#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    record: Arc<Record>,
    feed: broadcast::Sender<Piece>,
    released: watch::Receiver<bool>,
}

impl Upstream {
    /// Answers everything by `hello`.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| Answer::text("hello")).await
    }

    /// Answers by the script.
    pub(crate) async fn answering(
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), script).await
    }

    /// The same at an address that is free.
    pub(crate) async fn at(
        address: SocketAddr,
        script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("it is free");
        let address = listener.local_addr().expect("it is bound");
        let record = Arc::new(Record::default());
        // More than any test feeds before it is read.
        let feed = broadcast::Sender::new(4096);
        let released = watch::Sender::new(false);
        let shared = Shared {
            script: Arc::new(script),
            record: Arc::clone(&record),
            feed: feed.clone(),
            released: released.subscribe(),
        };
        let accepting = tokio::spawn(accept(listener, shared));
        Self {
            address,
            record,
            feed,
            released,
            accepting,
        }
    }

    /// The setting that leads here: `/api/{name}/x` is `/base/x` of it.
    pub(crate) fn base(&self) -> String {
        format!("http://{}/base", self.address)
    }

    /// Host and port, as `Host` says them.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// What came, for a world to look through at its end.
    pub(crate) fn record(&self) -> Arc<Record> {
        Arc::clone(&self.record)
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.seen()
    }

    /// The only request so far. Panics where there are more or none.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "one request: {seen:?}");
        seen.remove(0)
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.record.count()
    }

    /// What every answer that is fed sends next ([`Answer::Fed`]). Panics where there is none.
    #[track_caller]
    pub(crate) fn feed(&self, piece: Piece) {
        assert!(self.feed.send(piece).is_ok(), "nobody is fed");
    }

    /// Gives the answers that are held ([`Answer::Held`]), now and from now on.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    /// Closes the port and every connection, and waits until that is done.
    pub(crate) async fn stop(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("loopback accepts");
                shared.record.connected();
                connections.spawn(serve(stream, shared.clone()));
            }
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    shared.record.went_wrong(&error.to_string());
                }
            }
        }
    }
}

/// One connection, request after request.
async fn serve(mut stream: TcpStream, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let (reading, mut writing) = stream.split();
    let mut wire = Wire::new(reading).copying(KEPT);
    loop {
        let head = match wire.head().await {
            Ok(Some(head)) => head,
            Ok(None) => break,
            Err(_) => {
                shared.record.received(&wire.copy());
                shared.record.went_wrong("a connection ended in a head");
                break;
            }
        };
        let seen = Seen::new(head);
        let at = shared.record.add(seen.clone());
        let answer = (shared.script)(&seen);
        let given = answer
            .give(&seen, at, &mut wire, &mut writing, &shared)
            .await;
        shared.record.received(&wire.copy());
        match given {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) => {
                shared.record.hung_up();
                break;
            }
        }
    }
}
