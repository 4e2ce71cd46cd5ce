//! A transport other than the network: what is promised about requests and answers still holds.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloakroom_oidc::client::{Answer, HttpClient, Transport, TransportError};
use http::{Request, Response};

type Seen = Arc<Mutex<Vec<Request<Bytes>>>>;

/// Answers everything alike and keeps what it was asked.
fn over(answer: Response<Bytes>) -> (HttpClient, Seen) {
    let seen = Seen::default();
    let asked = Arc::clone(&seen);
    let http = HttpClient::over(move |request: Request<Bytes>| {
        asked.lock().unwrap().push(request);
        let answer = answer.clone();
        async move { Ok(answer) }
    });
    (http, seen)
}

fn request(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn requests_go_through_it_and_not_to_the_network() {
    let answer = Response::builder()
        .status(418)
        .header("x-a", "b")
        .body(Bytes::from_static(b"hello"))
        .unwrap();
    let (http, seen) = over(answer);
    let request = Request::post("https://nobody.invalid/token?a=b")
        .header("authorization", "Basic eA==")
        .header("cookie", "session=hush")
        .header("origin", "https://app.example.com")
        .header("referer", "https://app.example.com/x")
        .body(Bytes::from_static(b"grant_type=x"))
        .unwrap();
    let answer = http.send(request).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-a"]),
        (418, &"b".parse().unwrap())
    );
    assert_eq!(answer.body().as_ref(), b"hello");
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].method(), "POST");
    assert_eq!(seen[0].uri(), "https://nobody.invalid/token?a=b");
    assert_eq!(seen[0].body().as_ref(), b"grant_type=x");
    let names: Vec<_> = seen[0]
        .headers()
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    assert_eq!(
        names,
        ["authorization"],
        "nothing that a browser would send"
    );
}

#[tokio::test]
async fn it_never_sees_what_may_not_be_sent() {
    let (http, seen) = over(Response::new(Bytes::new()));
    for url in [
        "http://id.example.com/",
        "http://127.0.0.1.example.com/",
        "http://192.168.0.1/",
    ] {
        assert_eq!(
            http.send(request(url)).await.unwrap_err(),
            TransportError::Insecure,
            "{url}"
        );
    }
    assert_eq!(
        http.send(request("/path")).await.unwrap_err(),
        TransportError::InvalidRequest
    );
    assert!(seen.lock().unwrap().is_empty());
    for url in ["http://127.0.0.1:1/", "http://[::1]/", "http://localhost/"] {
        http.send(request(url)).await.unwrap();
    }
}

#[tokio::test]
async fn its_answers_are_bounded_and_plain() {
    let host = "id.example.com".to_owned();
    let of = async |answer: Response<Bytes>| {
        let (http, _) = over(answer);
        http.send(request("https://id.example.com/"))
            .await
            .map(|_| ())
    };
    let limit = 1024 * 1024;
    assert_eq!(of(Response::new(vec![b'x'; limit].into())).await, Ok(()));
    assert_eq!(
        of(Response::new(vec![b'x'; limit + 1].into())).await,
        Err(TransportError::BodyTooLarge {
            host: host.clone(),
            limit
        })
    );
    for (coding, expected) in [
        ("identity", Ok(())),
        (
            "gzip",
            Err(TransportError::Compressed { host: host.clone() }),
        ),
        ("identity, br", Err(TransportError::Compressed { host })),
    ] {
        let answer = Response::builder()
            .header("content-encoding", coding)
            .body(Bytes::new())
            .unwrap();
        assert_eq!(of(answer).await, expected, "{coding}");
    }
}

/// One with state of its own, and an error to tell.
struct Down(String);

impl Transport for Down {
    fn send(&self, _: Request<Bytes>) -> Answer<'_> {
        Box::pin(async {
            Err(TransportError::Connect {
                host: self.0.clone(),
                reason: "down".to_owned(),
            })
        })
    }
}

#[tokio::test]
async fn any_type_can_be_one() {
    let http = HttpClient::over(Down("id.example.com".to_owned()));
    let error = http.clone().send(request("https://id.example.com/")).await;
    assert!(error.unwrap_err().nothing_was_sent());
    assert!(!format!("{http:?}").contains("id.example.com"));
}
