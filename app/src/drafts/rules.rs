//! What is kept, for whom and how long: decided here, without a browser.

use serde_json::{Value, json};

use crate::api::{Call, StepUp};
use crate::auth::SessionView;

/// Before the key of everything kept.
pub(crate) const PREFIX: &str = "cloakroom.";
/// Seconds for which a text is kept: as long as a sign-in may take.
pub(crate) const DRAFT_SECONDS: u64 = 30 * 60;
/// Seconds for which a call is: nobody expects it to be made much later.
pub(crate) const AGAIN_SECONDS: u64 = 10 * 60;
/// The most that is kept under one key, in bytes.
const MAX_BYTES: usize = 32 * 1024;
/// Clocks that are set back by more than this many seconds are not believed.
const CLOCK_SKEW: u64 = 60;
/// How many identifiers of calls that were made again are remembered.
const MOST_SPENT: usize = 32;

/// A call that the person wants made again once they have signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    /// Good for one time, in all tabs of this browser.
    pub(crate) id: String,
    /// The page's word for what the call is for.
    pub(crate) purpose: String,
    pub(crate) call: Call,
    pub(crate) needs: Needs,
}

/// What has to be true for the call to be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The person is signed in.
    SignIn,
    /// And as strongly and recently as was asked for.
    StepUp(StepUp),
}

impl Again {
    pub(crate) fn to_json(&self) -> Value {
        let step_up = match &self.needs {
            Needs::SignIn => Value::Null,
            Needs::StepUp(wanted) => {
                json!({"acr_values": wanted.acr_values, "max_age": wanted.max_age})
            }
        };
        json!({
            "id": self.id,
            "purpose": self.purpose,
            "call": self.call.to_json(),
            "step_up": step_up,
        })
    }

    pub(crate) fn of_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            purpose: text("purpose")?,
            call: Call::of_json(value.get("call")?)?,
            needs: match value.get("step_up")? {
                Value::Null => Needs::SignIn,
                wanted => Needs::StepUp(StepUp::of_members(wanted)?),
            },
        })
    }
}

/// What was typed, by the names of the fields.
pub(crate) fn fields_of_json(value: &Value) -> Vec<(String, String)> {
    let pair = |pair: &Value| {
        let text = |at: usize| pair.get(at)?.as_str().map(str::to_owned);
        Some((text(0)?, text(1)?))
    };
    let pairs = value.as_array().map(Vec::as_slice).unwrap_or_default();
    pairs.iter().filter_map(pair).collect()
}

impl Needs {
    /// Whether the sign-in that the page comes from gave what was asked for. Where it did not, the call would be refused
    /// again.
    pub(crate) fn is_met_by(&self, session: &SessionView) -> bool {
        let Self::StepUp(StepUp {
            acr_values,
            max_age,
        }) = self
        else {
            return session.signed_in;
        };
        let is_strong = acr_values.is_empty()
            || session
                .acr
                .as_ref()
                .is_some_and(|acr| acr_values.contains(acr));
        // The way back takes a moment, also for who was asked to authenticate this very second.
        let is_recent = max_age.is_none_or(|age| {
            session
                .authenticated_ago
                .is_some_and(|ago| ago <= age.max(CLOCK_SKEW))
        });
        session.signed_in && is_strong && is_recent
    }
}

/// The key of a text, or of a call (`what`), of this page.
pub(crate) fn key(what: &str, page: &str) -> String {
    format!("{PREFIX}{what}:{page}")
}

/// As it is stored, with whose it is and since when; `None` where it is too much.
pub(crate) fn seal(what: &Value, owner: &str, now: u64) -> Option<String> {
    let text = json!({"owner": owner, "at": now, "what": what}).to_string();
    (text.len() <= MAX_BYTES).then_some(text)
}

/// What became of something that was kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is of the person who is signed in.
    Theirs(Value),
    /// Nobody is signed in: it waits.
    Waits,
    /// It is somebody else's, late or unreadable: it goes.
    Gone,
}

/// Opens what was stored; `owner` is who is signed in, `seconds` for how long it is good.
pub(crate) fn open(stored: &str, owner: Option<&str>, now: u64, seconds: u64) -> Opened {
    let mut kept: Value = serde_json::from_str(stored).unwrap_or_default();
    let at = kept.get("at").and_then(Value::as_u64);
    let whose = kept.get("owner").and_then(Value::as_str);
    let (Some(at), Some(whose)) = (at, whose) else {
        return Opened::Gone;
    };
    let is_late = now >= at.saturating_add(seconds);
    let is_early = at > now.saturating_add(CLOCK_SKEW);
    match owner {
        _ if is_late || is_early => Opened::Gone,
        None => Opened::Waits,
        Some(owner) if owner == whose => {
            Opened::Theirs(kept.get_mut("what").map(Value::take).unwrap_or_default())
        }
        Some(_) => Opened::Gone,
    }
}

/// Whether what is stored under this key has to go; keys of others stay.
pub(crate) fn is_to_go(key: &str, stored: &str, owner: Option<&str>, now: u64) -> bool {
    key.starts_with(PREFIX) && open(stored, owner, now, DRAFT_SECONDS) == Opened::Gone
}

/// Spends the identifier of a call. `spent` are those that were, with their times; gives the list to store in its
/// place, or `None` where this one was among them.
pub(crate) fn spend(spent: &str, id: &str, now: u64) -> Option<String> {
    let recent = |entry: &&str| {
        entry
            .split_once('@')
            .and_then(|(_, at)| at.parse::<u64>().ok())
            .is_some_and(|at| now < at.saturating_add(DRAFT_SECONDS))
    };
    let mut entries: Vec<&str> = spent.split(' ').filter(recent).collect();
    let is_spent = |entry: &&str| entry.split_once('@').is_some_and(|(spent, _)| spent == id);
    if entries.iter().any(is_spent) {
        return None;
    }
    let entry = format!("{id}@{now}");
    entries.push(&entry);
    let too_many = entries.len().saturating_sub(MOST_SPENT);
    Some(entries.split_off(too_many).join(" "))
}

/// Whether what is typed into a field may be kept: by its `type`, `textarea` for one of several lines, and its
/// `autocomplete`. Passwords, codes, cards and files never; nor what the page asks the browser not to remember.
pub(crate) fn may_be_kept(kind: &str, autocomplete: &str) -> bool {
    const TYPED: &[&str] = &[
        "", "text", "textarea", "search", "email", "url", "tel", "number", "date", "time", "month",
        "week",
    ];
    const SECRET: &[&str] = &["off", "current-password", "new-password", "one-time-code"];
    TYPED.iter().any(|typed| kind.eq_ignore_ascii_case(typed))
        && !autocomplete.split_ascii_whitespace().any(|token| {
            let token = token.to_ascii_lowercase();
            SECRET.contains(&token.as_str()) || token.starts_with("cc-")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        AGAIN_SECONDS, Again, DRAFT_SECONDS, Needs, Opened, fields_of_json, is_to_go, key,
        may_be_kept, open, seal, spend,
    };
    use crate::api::{Call, Method, StepUp};
    use crate::auth::SessionView;

    const NOW: u64 = 1_700_000_000;

    fn again() -> Again {
        Again {
            id: "1".to_owned(),
            purpose: "clear".to_owned(),
            call: Call::new(Method::Delete, "/api/sample/messages"),
            needs: Needs::SignIn,
        }
    }

    fn opened(stored: &str, owner: Option<&str>, now: u64) -> Opened {
        open(stored, owner, now, AGAIN_SECONDS)
    }

    fn theirs() -> Opened {
        Opened::Theirs(json!("Hello"))
    }

    #[test]
    fn what_was_kept_comes_back_to_whom_it_is_from() {
        let stored = seal(&json!("Hello"), "ada", NOW).expect("it is small");
        assert_eq!(opened(&stored, Some("ada"), NOW), theirs());
        assert_eq!(opened(&stored, Some("bob"), NOW), Opened::Gone);
        assert_eq!(opened(&stored, None, NOW), Opened::Waits);
    }

    #[test]
    fn a_call_comes_back_from_where_it_was_kept_as_it_went() {
        let wanted = StepUp {
            acr_values: vec!["2fa".to_owned()],
            max_age: Some(300),
        };
        let body = json!({"text": "Hello"});
        let posted = Call::with_body(Method::Post, "/api/sample/messages", &body).expect("JSON");
        for again in [
            again(),
            Again {
                call: posted,
                needs: Needs::StepUp(wanted),
                ..again()
            },
        ] {
            assert_eq!(Again::of_json(&again.to_json()), Some(again));
        }
    }

    #[test]
    fn what_is_no_call_is_not_made() {
        let whole = again().to_json();
        assert!(Again::of_json(&whole).is_some());
        for (at, value) in [
            ("/id", json!(7)),
            ("/purpose", Value::Null),
            ("/call", json!("DELETE /api/sample/messages")),
            ("/call/method", json!("delete")),
            ("/call/method", json!("CONNECT")),
            ("/call/path", Value::Null),
            ("/step_up", json!({"acr_values": "2fa"})),
            ("/step_up", json!({"acr_values": ["a b"]})),
            ("/step_up", json!({"max_age": -1})),
        ] {
            let mut broken = whole.clone();
            *broken.pointer_mut(at).expect("a member") = value;
            assert_eq!(Again::of_json(&broken), None, "{broken}");
        }
    }

    #[test]
    fn fields_come_back_by_their_names() {
        let text = |text: &str| text.to_owned();
        let kept = json!([["text", "Hello"], ["to", "Bob"], ["odd"], 7]);
        let both = vec![(text("text"), text("Hello")), (text("to"), text("Bob"))];
        assert_eq!(fields_of_json(&kept), both);
        assert_eq!(fields_of_json(&json!({"text": "Hello"})), []);
    }

    #[test]
    fn what_is_late_is_gone_for_everybody() {
        let stored = seal(&json!("Hello"), "ada", NOW).expect("it is small");
        let last = NOW + AGAIN_SECONDS;
        assert_eq!(opened(&stored, Some("ada"), last - 1), theirs());
        assert_eq!(opened(&stored, Some("ada"), last), Opened::Gone);
        assert_eq!(opened(&stored, None, last), Opened::Gone);
        assert_eq!(
            opened(&stored, Some("ada"), NOW - 61),
            Opened::Gone,
            "a clock that was set back must not make it last"
        );
    }

    #[test]
    fn what_cannot_be_read_is_gone() {
        for stored in [
            "",
            "{}",
            "null",
            "{\"owner\":\"ada\"}",
            "{\"at\":1700000000}",
            "[]",
        ] {
            assert_eq!(opened(stored, Some("ada"), NOW), Opened::Gone, "{stored}");
        }
    }

    #[test]
    fn too_much_is_not_kept() {
        assert!(seal(&json!("x".repeat(32 * 1024)), "ada", NOW).is_none());
        assert!(seal(&json!("x".repeat(31 * 1024)), "ada", NOW).is_some());
    }

    #[test]
    fn tidying_leaves_what_is_of_others_and_of_this_person() {
        let draft = key("draft", "/messages#message");
        let stored = seal(&json!([["text", "Hello"]]), "ada", NOW).expect("it is small");
        assert!(!is_to_go(&draft, &stored, Some("ada"), NOW));
        assert!(!is_to_go(&draft, &stored, None, NOW), "she may come back");
        assert!(is_to_go(&draft, &stored, Some("bob"), NOW));
        assert!(is_to_go(&draft, &stored, None, NOW + DRAFT_SECONDS));
        assert!(is_to_go(&draft, "rubbish", Some("ada"), NOW));
        assert!(!is_to_go("theme", "dark", Some("bob"), NOW));
    }

    #[test]
    fn a_call_is_made_again_once() {
        let spent = spend("", "a", NOW).expect("a new one");
        assert_eq!(spend(&spent, "a", NOW + 5), None);
        let spent = spend(&spent, "b", NOW + 5).expect("a new one");
        assert_eq!(spend(&spent, "a", NOW + 5), None);
        assert_eq!(
            spend("what is this", "a", NOW).as_deref(),
            Some("a@1700000000")
        );
    }

    #[test]
    fn the_list_of_spent_calls_does_not_grow() {
        let mut spent = String::new();
        for id in 0..100 {
            spent = spend(&spent, &id.to_string(), NOW).expect("a new one");
        }
        assert_eq!(spent.split(' ').count(), 32);
        assert_eq!(spend(&spent, "99", NOW), None, "the newest are in it");
        assert_eq!(
            spend(&spent, "new", NOW + DRAFT_SECONDS).map(|spent| spent.split(' ').count()),
            Some(1),
            "late ones are not needed: what they were for is gone"
        );
    }

    #[test]
    fn a_call_is_made_again_where_the_sign_in_gave_what_was_asked() {
        let view = |acr: Option<&str>, ago| SessionView {
            signed_in: true,
            acr: acr.map(str::to_owned),
            authenticated_ago: ago,
            ..SessionView::default()
        };
        let step_up = |acr_values: &[&str], max_age| {
            Needs::StepUp(StepUp {
                acr_values: acr_values.iter().map(|acr| (*acr).to_owned()).collect(),
                max_age,
            })
        };
        assert!(Needs::SignIn.is_met_by(&view(None, None)));
        assert!(!Needs::SignIn.is_met_by(&SessionView::default()));

        let strong = step_up(&["2fa", "phr"], Some(300));
        assert!(strong.is_met_by(&view(Some("2fa"), Some(300))));
        assert!(strong.is_met_by(&view(Some("phr"), Some(0))));
        assert!(!strong.is_met_by(&view(Some("1fa"), Some(0))));
        assert!(!strong.is_met_by(&view(None, Some(0))));
        assert!(!strong.is_met_by(&view(Some("2fa"), Some(301))));
        assert!(!strong.is_met_by(&view(Some("2fa"), None)));
        assert!(!strong.is_met_by(&SessionView::default()));

        assert!(step_up(&[], Some(0)).is_met_by(&view(None, Some(3))));
        assert!(step_up(&["2fa"], None).is_met_by(&view(Some("2fa"), None)));
    }

    #[test]
    fn secrets_are_not_kept() {
        for (kind, autocomplete) in [
            ("text", ""),
            ("TEXT", "name"),
            ("", ""),
            ("textarea", ""),
            ("email", "section-a email"),
        ] {
            assert!(may_be_kept(kind, autocomplete), "{kind} {autocomplete}");
        }
        for (kind, autocomplete) in [
            ("password", ""),
            ("PassWord", ""),
            ("hidden", ""),
            ("file", ""),
            ("checkbox", ""),
            ("submit", ""),
            ("text", "off"),
            ("text", "one-time-code"),
            ("text", "section-a Current-Password"),
            ("text", "new-password webauthn"),
            ("text", "cc-number"),
            ("tel", "billing cc-csc"),
        ] {
            assert!(!may_be_kept(kind, autocomplete), "{kind} {autocomplete}");
        }
    }
}
