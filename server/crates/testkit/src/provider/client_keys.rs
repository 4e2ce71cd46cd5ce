//! Keys of clients that publish them at a `jwks_uri` (OpenID Connect Dynamic Client Registration 1.0, section 2): a plain
//! GET on loopback at each assertion, so that a rotation counts at once. Other hosts are not asked.

use serde_json::Value;
use url::{Host, Url};

use super::http::Received;
use super::state::Shared;
use super::verify::Jws;
use crate::Browser;

/// A key set that was fetched, or why there is none.
pub(super) type Fetched = Result<Value, String>;

/// The keys of the client that this request's assertion names, where that client publishes them at an address.
pub(super) async fn fetch(shared: &Shared, received: &Received) -> Option<Fetched> {
    let assertion = Jws::parse(received.params.get("client_assertion")?)?;
    let id = assertion.claims.get("sub")?.as_str()?;
    let address = {
        let mut state = shared.state();
        let address = state.client(id)?.jwks_uri.clone()?;
        state.counts.client_keys += 1;
        address
    };
    let fetched = get(&address).await;
    if let Err(problem) = &fetched {
        let mut state = shared.state();
        state.object(format!("the client's jwks_uri {address}: {problem}"));
    }
    Some(fetched)
}

async fn get(address: &str) -> Fetched {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    if url.scheme() != "http" || !loopback {
        return Err("this provider asks loopback only".to_owned());
    }
    // No browser, but the same few lines of HTTP: without fetch metadata and with an empty jar.
    let answer = Browser::new().get(address).bare().send().await;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("the answer has status {}", answer.status()));
    }
    serde_json::from_slice(answer.body()).map_err(|error| error.to_string())
}
