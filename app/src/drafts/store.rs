//! Where it is kept, in the browser. A browser that keeps nothing costs comfort and nothing else: every failure is as if
//! there were nothing.

use leptos::prelude::window;
use serde_json::{Value, json};
use web_sys::Storage;

use super::rules::{
    AGAIN_SECONDS, Again, DRAFT_SECONDS, Needs, Opened, PREFIX, fields_of_json, is_to_go, key,
    open, seal, spend,
};
use crate::api::Call;
use crate::auth::SessionView;

/// Of all tabs, in `localStorage`: identifiers alone.
const SPENT: &str = "cloakroom.spent";

/// Keeps what was typed into a form of this page.
pub(super) fn keep_draft(form: &str, owner: &str, fields: &[(String, String)]) {
    put(&key("draft", form), seal(&json!(fields), owner, now()));
}

/// What was typed into it, once.
pub(super) fn take_draft(form: &str, owner: &str) -> Option<Vec<(String, String)>> {
    take(&key("draft", form), owner, DRAFT_SECONDS).map(|kept| fields_of_json(&kept))
}

/// Keeps a call of this page, to be made again by whoever `owner` is, once they meet the need.
pub(crate) fn keep_again(page: &str, owner: &str, purpose: &str, call: &Call, needs: Needs) {
    let again = Again {
        id: one_time_id(),
        purpose: purpose.to_owned(),
        call: call.clone(),
        needs,
    };
    put(&key("again", page), seal(&again.to_json(), owner, now()));
}

/// The call that was kept, if any, and whether it is to be made again: the need is met, and no other tab was faster.
pub(crate) fn take_again(page: &str, session: &SessionView) -> Option<(Again, bool)> {
    let owner = session.owner.as_deref()?;
    let again = Again::of_json(&take(&key("again", page), owner, AGAIN_SECONDS)?)?;
    let is_on = again.needs.is_met_by(session) && is_unspent(&again.id);
    Some((again, is_on))
}

/// The person signs out: nothing of theirs stays.
pub(crate) fn forget_all() {
    remove(|_, _| true);
}

/// Removes what is somebody else's, late or unreadable.
pub(crate) fn tidy(owner: Option<&str>) {
    let now = now();
    remove(|key, stored| is_to_go(key, stored, owner, now));
}

fn remove(is_to_go: impl Fn(&str, &str) -> bool) {
    let Some(storage) = storage() else {
        return;
    };
    let count = storage.length().unwrap_or_default();
    let keys: Vec<String> = (0..count)
        .filter_map(|at| storage.key(at).ok().flatten())
        .filter(|key| key.starts_with(PREFIX))
        .collect();
    for key in keys {
        let stored = storage.get_item(&key).ok().flatten().unwrap_or_default();
        if is_to_go(&key, &stored) {
            let _ = storage.remove_item(&key);
        }
    }
}

fn put(key: &str, stored: Option<String>) {
    if let (Some(storage), Some(stored)) = (storage(), stored) {
        let _ = storage.set_item(key, &stored);
    }
}

fn take(key: &str, owner: &str, seconds: u64) -> Option<Value> {
    let storage = storage()?;
    let stored = storage.get_item(key).ok()??;
    // Used up before it is used: nothing that goes wrong on the way uses it twice.
    storage.remove_item(key).ok()?;
    match open(&stored, Some(owner), now(), seconds) {
        Opened::Theirs(what) => Some(what),
        Opened::Waits | Opened::Gone => None,
    }
}

/// A tab that is duplicated takes a copy of what is kept with it; what all tabs share says that it is used. Where a
/// browser has no such thing, the call is not made: better once too few.
fn is_unspent(id: &str) -> bool {
    let Ok(Some(shared)) = window().local_storage() else {
        return false;
    };
    let spent = shared.get_item(SPENT).ok().flatten().unwrap_or_default();
    spend(&spent, id, now()).is_some_and(|spent| shared.set_item(SPENT, &spent).is_ok())
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// Unix seconds by the browser's clock.
fn now() -> u64 {
    whole(js_sys::Date::now() / 1000.0)
}

/// Unlike any other of this browser; nothing hangs on its being guessed.
fn one_time_id() -> String {
    let (time, random) = (js_sys::Date::now(), js_sys::Math::random() * 1e15);
    format!("{}-{}", whole(time), whole(random))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "neither is negative, nor larger than a double counts"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
