//! `GET /healthz` and `GET /readyz`: is the process alive, and can it serve.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::bff::Bff;

/// 200 while the process answers at all.
pub(crate) async fn healthz() -> Answer {
    Answer::json(StatusCode::OK, &json!({ "status": "ok" }))
}

/// 503 only where the session store is unusable. A provider that is down is 200 with `degraded`: people who are signed
/// in are served, and taking every instance out of the balancer would help nobody.
pub(crate) async fn readyz(State(bff): State<Bff>) -> Answer {
    if let Err(error) = bff.vault().ready().await {
        tracing::warn!(%error, "not ready: the session store is unusable");
        return Answer::json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": "unavailable", "store": "down" }),
        );
    }
    let degraded = bff.provider().is_degraded();
    let provider = if degraded { "down" } else { "ok" };
    let status = if degraded { "degraded" } else { "ok" };
    let mut body = json!({ "status": status, "store": "ok", "provider": provider });
    let dangers = &bff.settings().dangers;
    if !dangers.is_empty()
        && let Some(members) = body.as_object_mut()
    {
        members.insert("danger".to_owned(), json!(dangers));
    }
    Answer::json(StatusCode::OK, &body)
}
