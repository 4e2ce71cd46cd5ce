//! An API that speaks HTTP/2 in the clear, by prior knowledge, and nothing else (RFC 9113 section 3.3).

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// It ends when dropped.
#[derive(Debug)]
pub(crate) struct Http2Upstream {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Http2Upstream {
    /// Answers everything by `hello over HTTP/2`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let accepting = tokio::spawn(accept(
            listener,
            Arc::clone(&asked),
            Arc::clone(&connections),
        ));
        Self {
            address,
            asked,
            connections,
            accepting,
        }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}/base", self.address)
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
) {
    let mut serving = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("loopback accepts");
        connections.fetch_add(1, Ordering::Relaxed);
        let asked = Arc::clone(&asked);
        serving.spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&asked), request));
            // An error: the caller did not speak HTTP/2, and the test sees that nothing was asked.
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    asked: Arc<Mutex<Vec<Asked>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_or(Bytes::new(), http_body_util::Collected::to_bytes);
    let mut list = asked.lock().unwrap_or_else(PoisonError::into_inner);
    list.push(Asked {
        method: parts.method,
        uri: parts.uri,
        version: parts.version,
        headers: parts.headers,
        body,
    });
    Ok(Response::new(Full::from("hello over HTTP/2")))
}
