//! `GET /auth/arrive`: the second half of a sign-in whose answer was posted (OAuth 2.0 Form Post Response Mode).
//!
//! The POST comes from the provider's site, and a `Lax` session cookie does not come with it. So the POST completes the
//! exchange, makes the session, and leaves what came of it sealed in a cookie of a name of its own; the GET it answers
//! with has all cookies, and decides what depends on the session. The session is made to end within the two minutes that
//! the cookie lives, and gets its whole time here: one that nobody arrives for ends by itself.
//!
//! A sign-in that is late, spent or another browser's leaves no cookie, for any site can have any browser post such a
//! one, as often as it likes: what is to be decided stands sealed in the address.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_vault::Ticket;

use crate::access::AccessError;
use crate::answer::Answer;
use crate::bff::Bff;
use crate::code::Code;
use crate::failure;
use crate::fetch_metadata::Caller;
use crate::make_session::Made;
use crate::problem;
use crate::query;
use crate::return_to::ReturnTo;
use crate::time::random_bytes;
use crate::transaction::{Binding, Transaction};
use crate::visit::Visit;

/// Where the browser is led once its POST was answered.
pub(crate) const ARRIVAL_PATH: &str = "/auth/arrive";
/// How long it may take to get there, in seconds.
pub(crate) const ARRIVAL_SECONDS: u64 = 120;

const SEAL: &str = "cloakroom arrival";
const STALE: &str = "cloakroom stale arrival";
const TAG_BYTES: usize = 9;

/// What the provider's POST came to: a session was made.
#[derive(Debug)]
struct SignedIn {
    ticket: Ticket,
    return_to: ReturnTo,
}

/// Why nobody arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum ArrivalError {
    #[error("the cookie that the sign-in left is not there, or not of this browser")]
    Foreign,
    #[error("the sign-in was completed too long ago")]
    Late,
    #[error("the session was ended before the browser arrived")]
    Ended,
    #[error("the session store does not answer")]
    StoreDown,
    #[error("the session's cookie could not be prepared")]
    Handle,
}

impl ArrivalError {
    fn code(self) -> Code {
        match self {
            Self::Foreign => Code::StateForeign,
            Self::Late => Code::StateExpired,
            Self::Ended => Code::EndedMeanwhile,
            Self::StoreDown => Code::StoreDown,
            Self::Handle => Code::Internal,
        }
    }
}

impl Bff {
    /// Leaves the new session for the GET that follows.
    pub(crate) fn leave_session(&self, visit: &Visit, made: Made, return_to: &ReturnTo) -> Answer {
        let tag = URL_SAFE_NO_PAD.encode(random_bytes::<TAG_BYTES>(self.random()));
        let mut content = self.now().to_be_bytes().to_vec();
        content.extend_from_slice(made.ticket.bytes());
        content.extend_from_slice(return_to.as_str().as_bytes());
        let sealed = self.ring().seal(
            SEAL,
            &bound_to(self, visit),
            &[tag.as_bytes()],
            &content,
            random_bytes(self.random()),
        );
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let answer = Answer::see_other(&format!("{ARRIVAL_PATH}?t={tag}"))
            .cookie(self.cookies().set_arrival(&tag, &value, ARRIVAL_SECONDS));
        made.keep();
        answer
    }

    /// Leaves it to the GET that follows whether the browser may go on.
    pub(crate) fn leave_stale(&self, code: Code, state: &str) -> Answer {
        let content = format!("{} {state}", code.as_str());
        let sealed = self.ring().seal(
            STALE,
            &[],
            &[],
            content.as_bytes(),
            random_bytes(self.random()),
        );
        let value = URL_SAFE_NO_PAD.encode(sealed);
        Answer::see_other(&format!("{ARRIVAL_PATH}?stale={value}"))
    }

    /// Completes a sign-in whose answer was posted: sets the session cookie and goes to the return path.
    pub async fn arrive(&self, visit: &Visit) -> Answer {
        if visit.caller() != Caller::Navigation {
            return problem::document(Code::NotANavigation, visit.reference());
        }
        if let Some((code, state)) = self.stale(visit) {
            return self.judge_stale(visit, code, &state).await;
        }
        let tag = query::get(visit.query(), "t").filter(|tag| is_tag(tag));
        if let Some(tag) = tag
            .as_deref()
            .filter(|tag| self.cookies().arrival(visit.headers(), tag).is_some())
        {
            visit.add_cookie(self.cookies().remove_arrival(tag));
        }
        match self.take(visit, tag.as_deref()) {
            Ok(SignedIn { ticket, return_to }) => match self.admit_arrival(visit, &ticket).await {
                Ok(()) => Answer::see_other(return_to.as_str()),
                Err(error) => self.turn_away(visit, error, Some(&return_to)),
            },
            Err(error) => self.turn_away(visit, error, None),
        }
    }

    /// What is sealed in the address, where something is. It says no more than the answer that was posted did: it is
    /// good in any browser, as a stale answer in an address is.
    fn stale(&self, visit: &Visit) -> Option<(Code, String)> {
        let sealed = query::get(visit.query(), "stale")?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let opened = self.ring().open(STALE, &[], &[], &sealed).ok()?;
        let (code, state) = std::str::from_utf8(&opened).ok()?.split_once(' ')?;
        Some((Code::parse(code)?, state.to_owned()))
    }

    async fn judge_stale(&self, visit: &Visit, code: Code, state: &str) -> Answer {
        let transaction = Transaction::open(self.ring(), state).ok();
        let asked = transaction.as_ref().map(|transaction| &transaction.asked);
        if let Some(asked) = asked
            && let Some(answer) = self.go_on(visit, code, asked).await
        {
            return answer;
        }
        tracing::warn!(code = code.as_str(), "a sign-in failed");
        failure::answer(self, visit, code, asked.map(|asked| &asked.return_to), None)
    }

    fn turn_away(
        &self,
        visit: &Visit,
        error: ArrivalError,
        return_to: Option<&ReturnTo>,
    ) -> Answer {
        let code = error.code();
        tracing::warn!(code = code.as_str(), %error, "a sign-in did not arrive");
        failure::answer(self, visit, code, return_to, None)
    }

    fn take(&self, visit: &Visit, tag: Option<&str>) -> Result<SignedIn, ArrivalError> {
        let tag = tag.ok_or(ArrivalError::Foreign)?;
        let sealed = self
            .cookies()
            .arrival(visit.headers(), tag)
            .and_then(|value| URL_SAFE_NO_PAD.decode(value).ok())
            .ok_or(ArrivalError::Foreign)?;
        let opened = self
            .ring()
            .open(SEAL, &bound_to(self, visit), &[tag.as_bytes()], &sealed)
            .map_err(|_| ArrivalError::Foreign)?;
        let (left_at, content) = opened
            .split_first_chunk::<8>()
            .ok_or(ArrivalError::Foreign)?;
        if self.now() >= u64::from_be_bytes(*left_at).saturating_add(ARRIVAL_SECONDS) {
            return Err(ArrivalError::Late);
        }
        decode(content).ok_or(ArrivalError::Foreign)
    }

    /// Gives the browser its ticket, where the session still lives, and the session its whole time.
    async fn admit_arrival(&self, visit: &Visit, ticket: &Ticket) -> Result<(), ArrivalError> {
        // The way here was gone twice, and this browser has its ticket already.
        if visit
            .ticket()
            .is_some_and(|shown| shown.bytes() == ticket.bytes())
        {
            return Ok(());
        }
        match visit.open(ticket).await {
            Ok(Some(_)) => {}
            Err(AccessError::StoreDown) => return Err(ArrivalError::StoreDown),
            Ok(None) | Err(_) => return Err(ArrivalError::Ended),
        }
        self.hand_over(visit, ticket).await.map_err(|error| {
            tracing::error!(%error, "a sign-in could not be handed over");
            if error.code() == Code::StoreDown {
                ArrivalError::StoreDown
            } else {
                ArrivalError::Handle
            }
        })?;
        let now = self.now();
        let until = now.saturating_add(self.settings().idle_seconds);
        if let Err(error) = self.vault().touch(ticket, until, now).await {
            // The next request in it moves the deadline, if one comes in time.
            tracing::warn!(%error, "a new session's deadline could not be moved");
        }
        Ok(())
    }
}

fn decode(content: &[u8]) -> Option<SignedIn> {
    let (ticket, path) = content.split_first_chunk::<16>()?;
    Some(SignedIn {
        ticket: Ticket::from_bytes(*ticket),
        return_to: ReturnTo::parse(std::str::from_utf8(path).ok()?).ok()?,
    })
}

/// The browser's binding goes into the key: nobody can plant a session of theirs in another's browser by a cookie.
/// Where there is none, nobody was signed in either.
fn bound_to(bff: &Bff, visit: &Visit) -> Vec<u8> {
    bff.cookies()
        .binding(visit.headers())
        .and_then(Binding::parse)
        .map_or_else(Vec::new, |binding| binding.as_str().as_bytes().to_vec())
}

fn is_tag(text: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == TAG_BYTES)
}

#[cfg(test)]
mod tests {
    use super::{decode, is_tag};

    #[test]
    fn what_was_left_is_read_again() {
        let left = [&[7; 16], &b"/private?a=b"[..]].concat();
        assert!(decode(&left).is_some_and(|signed_in| {
            signed_in.ticket.bytes() == &[7; 16] && signed_in.return_to.as_str() == "/private?a=b"
        }));
    }

    #[test]
    fn what_no_program_left_is_nothing() {
        for content in [
            &b""[..],
            b"012345678901234",
            b"0123456789012345",
            b"0123456789012345//evil.example",
            b"0123456789012345\xff",
        ] {
            assert!(decode(content).is_none(), "{content:?}");
        }
    }

    #[test]
    fn a_tag_is_of_one_form() {
        assert!(is_tag("AAAAAAAAAAAA"));
        for other in [
            "",
            "AAAAAAAAAAA",
            "AAAAAAAAAAA;",
            "AAAAAAAAAAAAAAAA",
            "AAAAAAAAAAA=",
        ] {
            assert!(!is_tag(other), "{other}");
        }
    }
}
