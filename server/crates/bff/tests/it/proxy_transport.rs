//! How upstreams are reached: connections that are used again, HTTP/2 where it is spoken, TLS that is believed, and what
//! is said where none of it works (RFC 9110 sections 9.2.2 and 15.6.3, RFC 9112 section 9.3, RFC 9113, RFC 7301).

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_bff::{Upstream, UpstreamProtocol, UpstreamTrust};
use cloakroom_testkit::Browser;
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::app::App;
use crate::upstream::{Api, FINE, app_of, app_with, assert_refused, upstream};

#[tokio::test]
async fn a_connection_is_used_again() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for _ in 0..5 {
        assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    }
    let connections: Vec<_> = api.take().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0; 5]);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_connection_that_died_meanwhile_is_tried_once_more_where_that_is_safe() {
    // The first connection ends as its second request comes.
    for (method, body, repeated) in [
        (Method::GET, "", true),
        (Method::PUT, "abc", true),
        (Method::DELETE, "", true),
        (Method::POST, "abc", false),
    ] {
        let count = Mutex::new(0);
        let api = Api::answering(move |seen| {
            let mut count = count.lock().unwrap();
            *count += 1;
            if seen.connection == 0 && *count > 1 {
                ""
            } else {
                FINE
            }
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        assert_eq!(app.call(&browser, "/api/orders/warm").await.status(), 200);
        api.only();
        let answer = browser
            .request(method.clone(), "/api/orders/x")
            .fetch()
            .header("x-csrf", "1")
            .body(body)
            .await;
        let seen = api.take();
        if repeated {
            assert_eq!(answer.status(), 200, "{method}");
            assert_eq!((seen.len(), seen[1].connection), (2, 1), "{method}");
            assert_eq!(seen[1].body, body.as_bytes());
        } else {
            assert_refused(&answer, 502, "upstream_answer");
            assert_eq!(seen.len(), 1, "{method} was sent twice");
        }
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn an_api_that_always_hangs_up_is_asked_twice_and_no_more() {
    let api = Api::answering(|_| "").await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 502, "upstream_answer");
    assert_eq!(api.take().len(), 2);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unreachable() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for base in [
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        "https://no-such-host.invalid".to_owned(),
    ] {
        let (app, browser) = app_of(vec![upstream("orders", &base)], |_| {}).await;
        let answer = app.call(&browser, "/api/orders/x").await;
        assert_refused(&answer, 502, "upstream_unreachable");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn an_api_that_accepts_and_never_speaks_tls_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut silent = upstream("orders", &format!("https://127.0.0.1:{port}"));
    silent.timeouts.connect = Duration::from_millis(200);
    let (app, browser) = app_of(vec![silent], |_| {}).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 502, "upstream_unreachable");
    app.end(&[&browser]).await;
}

/// An authority, and a certificate of its for 127.0.0.1.
struct Authority {
    root: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = root.self_signed(&root_key).unwrap();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        Self {
            root: certificate.der().clone(),
            leaf: leaf.der().clone(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }
}

/// What an API heard: in which version of HTTP, for which authority, what, on which connection.
type Heard = Arc<Mutex<Vec<(Version, String, Vec<u8>, usize)>>>;

/// An API that speaks whatever it is asked in; over TLS where it has a certificate, with these protocols.
async fn versatile(tls: Option<(&Authority, &[&str])>) -> (u16, Heard) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Heard = Arc::default();
    let acceptor = tls.map(|(authority, protocols)| {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![authority.leaf.clone()], authority.key.clone_key())
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    });
    let log = Arc::clone(&heard);
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let (log, acceptor, this) = (Arc::clone(&log), acceptor.clone(), connection);
            connection += 1;
            tokio::spawn(async move {
                let service = service_fn(move |request| hear(Arc::clone(&log), this, request));
                let builder = Builder::new(TokioExecutor::new());
                // A connection that is given up is no error here.
                let _ = match acceptor {
                    None => {
                        builder
                            .serve_connection(TokioIo::new(stream), service)
                            .await
                    }
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => {
                            builder
                                .serve_connection(TokioIo::new(stream), service)
                                .await
                        }
                        Err(_) => Ok(()),
                    },
                };
            });
        }
    });
    (port, heard)
}

async fn hear(
    log: Heard,
    connection: usize,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (version, uri) = (request.version(), request.uri().clone());
    let host = request
        .headers()
        .get("host")
        .map(|host| host.to_str().unwrap().to_owned());
    let authority = uri
        .authority()
        .map(ToString::to_string)
        .or(host)
        .unwrap_or_default();
    assert!(
        request.headers()["authorization"]
            .to_str()
            .unwrap()
            .starts_with("Bearer ")
    );
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes().to_vec());
    log.lock()
        .unwrap()
        .push((version, authority, body.unwrap_or_default(), connection));
    Ok(Response::new(Full::from(format!(
        "{} {version:?}",
        uri.path()
    ))))
}

/// The application, believing this authority too.
async fn believing(authority: &Authority, upstream: Upstream) -> (App, Browser) {
    let trust = UpstreamTrust::with_roots([authority.root.clone()]).unwrap();
    let app = App::with(
        |settings| settings.upstreams = vec![upstream],
        |builder| builder.upstream_trust(trust),
    )
    .await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    (app, browser)
}

#[tokio::test]
async fn over_tls_the_protocol_is_what_both_speak() {
    let authority = Authority::new();
    for (protocol, spoken, version) in [
        (
            UpstreamProtocol::Auto,
            &["h2", "http/1.1"][..],
            Version::HTTP_2,
        ),
        (UpstreamProtocol::Auto, &["http/1.1"], Version::HTTP_11),
        (UpstreamProtocol::Auto, &[], Version::HTTP_11),
        (
            UpstreamProtocol::Http1,
            &["h2", "http/1.1"],
            Version::HTTP_11,
        ),
        (
            UpstreamProtocol::Http2,
            &["h2", "http/1.1"],
            Version::HTTP_2,
        ),
    ] {
        let (port, heard) = versatile(Some((&authority, spoken))).await;
        let mut orders = upstream("orders", &format!("https://127.0.0.1:{port}/v1"));
        orders.protocol = protocol;
        let (app, browser) = believing(&authority, orders).await;
        let body = vec![b'x'; 300_000];
        for _ in 0..2 {
            let answer = browser
                .request(Method::POST, "/api/orders/x")
                .fetch()
                .header("x-csrf", "1")
                .body(body.clone())
                .await;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, format!("/v1/x {version:?}")),
                "{protocol:?} {spoken:?}"
            );
        }
        let expected = (version, format!("127.0.0.1:{port}"), body, 0);
        assert_eq!(*heard.lock().unwrap(), vec![expected; 2]);
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn in_the_clear_http_2_is_spoken_by_prior_knowledge() {
    let (port, heard) = versatile(None).await;
    let mut orders = upstream("orders", &format!("http://127.0.0.1:{port}"));
    orders.protocol = UpstreamProtocol::Http2;
    let (app, browser) = app_of(vec![orders], |_| {}).await;
    let calls = (0..20).map(|_| app.call(&browser, "/api/orders/x"));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.text(), "/x HTTP/2.0");
    }
    let heard = heard.lock().unwrap().clone();
    assert!(
        heard
            .iter()
            .all(|(version, _, _, connection)| *version == Version::HTTP_2 && *connection == 0)
    );
    assert_eq!(heard.len(), 20);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_token() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (port, heard) = versatile(Some((&theirs, &["h2", "http/1.1"]))).await;
    let base = format!("https://127.0.0.1:{port}");
    let (app, browser) = believing(&ours, upstream("orders", &base)).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 502, "upstream_unreachable");
    app.end(&[&browser]).await;
    // Another name than the certificate's.
    let base = format!("https://localhost:{port}");
    let (app, browser) = believing(&theirs, upstream("orders", &base)).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 502, "upstream_unreachable");
    app.end(&[&browser]).await;
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_browser_may_speak_http_2_too() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let io = TokioIo::new(app.open().await);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = |method: Method, path: &str| {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", app.public_url))
            .header("cookie", browser.cookie_header("/").unwrap())
    };
    let body = |text: &'static str| {
        let frames = [Ok::<_, Infallible>(http_body::Frame::data(Bytes::from(
            text,
        )))];
        http_body_util::StreamBody::new(futures_util::stream::iter(frames))
    };
    // Of no length that is known beforehand.
    let posted = request(Method::POST, "/api/orders/x?y")
        .header("x-csrf", "1")
        .body(body("abc"));
    assert_eq!(
        client.send_request(posted.unwrap()).await.unwrap().status(),
        200
    );
    let seen = api.only();
    assert_eq!(
        (seen.line(), seen.body.as_slice()),
        ("POST /v1/x?y HTTP/1.1", &b"abc"[..])
    );
    assert_eq!(seen.all("transfer-encoding"), ["chunked"]);
    assert_eq!(seen.all("host"), [api.base().trim_start_matches("http://")]);
    for (path, status) in [
        ("/api/orders/../x", 403),
        ("/api/orders/a%2Fb", 403),
        ("/api/orders/x", 200),
    ] {
        let asked = request(Method::GET, path)
            .header("x-csrf", "1")
            .body(body(""));
        assert_eq!(
            client.send_request(asked.unwrap()).await.unwrap().status(),
            status,
            "{path}"
        );
    }
    assert_eq!(api.only().target(), "/v1/x");
    app.end(&[&browser]).await;
}
