//! The sign-in link of a page: it leads back to that page.

use crate::api::StepUp;

/// The sign-in address that comes back to `here`, a path with an optional query. Where `here` is no place to come back
/// to, it leads to the start page.
#[cfg(feature = "ssr")]
pub fn sign_in_path(here: &str) -> String {
    cloakroom_bff::sign_in_path(
        &cloakroom_bff::ReturnTo::parse(here).unwrap_or_else(|_| cloakroom_bff::ReturnTo::root()),
    )
}

/// The sign-in address that comes back to `here`, a path with an optional query. Where `here` is no place to come back
/// to, it leads to the start page.
#[cfg(not(feature = "ssr"))]
pub fn sign_in_path(here: &str) -> String {
    in_browser::sign_in_path(here)
}

/// The sign-in address that asks for a stronger or more recent authentication (RFC 9470 section 4) and comes back to
/// `here`.
pub fn step_up_path(here: &str, step_up: &StepUp) -> String {
    step_up.added_to(&sign_in_path(here))
}

/// The browser's half. The server parses a return path in full and refuses what it does not like; this one knows only
/// plain paths, so that what it writes is never refused.
#[cfg(any(test, not(feature = "ssr")))]
mod in_browser {
    use crate::api::encode;

    /// The longest return path the server takes, in bytes.
    const MAX_BYTES: usize = 512;

    pub(super) fn sign_in_path(here: &str) -> String {
        let mut address = String::from("/auth/login");
        if here != "/" && is_plain(here) {
            address.push_str("?return_to=");
            encode(here, &mut address);
        }
        address
    }

    fn is_plain(here: &str) -> bool {
        let (path, query) = here.split_once('?').unwrap_or((here, ""));
        path.starts_with('/')
            && !path.contains("//")
            && here.len() <= MAX_BYTES
            && path
                .split('/')
                .skip(1)
                .enumerate()
                .all(|(place, segment)| is_plain_segment(place, segment))
            && query
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\\\"'<>`{}|^#".contains(&byte))
    }

    fn is_plain_segment(place: usize, segment: &str) -> bool {
        let is_reserved = place == 0
            && ["auth", "api"]
                .iter()
                .any(|reserved| segment.eq_ignore_ascii_case(reserved));
        !is_reserved
            && !segment.starts_with('.')
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use cloakroom_bff::{ReturnTo, sign_in_path as at_the_counter};

    use super::in_browser;
    use crate::api::StepUp;

    #[test]
    fn the_browser_writes_the_link_as_the_server_does() {
        for here in [
            "/",
            "/profile",
            "/orders?page=2&sort=a%20b",
            "/a/b-c.d_e~f",
            "/orders/?q=x+y*",
            "/authors",
            "/a/b/",
            "/?x=1",
        ] {
            let path = ReturnTo::parse(here).expect("a return path");
            assert_eq!(
                in_browser::sign_in_path(here),
                at_the_counter(&path),
                "{here}"
            );
        }
    }

    #[test]
    fn a_demand_is_added_as_the_server_adds_it() {
        for (acr_values, max_age) in [
            (&["urn:okta:loa:2fa:any"][..], Some(300)),
            (&["a&b=c", "x+y%"], None),
            (&[], Some(0)),
        ] {
            let acr_values: Vec<String> = acr_values.iter().map(|acr| (*acr).to_owned()).collect();
            for here in ["/", "/messages", "/orders?page=2"] {
                let path = ReturnTo::parse(here).expect("a return path");
                let theirs = cloakroom_bff::StepUp {
                    acr_values: acr_values.clone(),
                    max_age,
                };
                let ours = StepUp {
                    acr_values: acr_values.clone(),
                    max_age,
                };
                assert_eq!(
                    ours.added_to(&in_browser::sign_in_path(here)),
                    cloakroom_bff::step_up_path(&path, &theirs),
                    "{here}"
                );
            }
        }
    }

    #[test]
    fn what_the_server_would_refuse_leads_to_the_start_page() {
        let long = format!("/{}", "a".repeat(512));
        for here in [
            "",
            "profile",
            "//evil.example",
            "/\\evil.example",
            "/%2f/evil",
            "/%ff",
            "/auth/error?code=x",
            "/AUTH",
            "/api/orders",
            "/a/../auth",
            "/a b",
            "/a?b=\u{0}",
            "/\u{fc}",
            "/a;b",
            &long,
        ] {
            assert_eq!(in_browser::sign_in_path(here), "/auth/login", "{here}");
        }
    }

    #[test]
    fn the_server_never_passes_on_a_path_it_did_not_parse() {
        assert_eq!(super::sign_in_path("//evil.example"), "/auth/login");
        assert_eq!(
            super::sign_in_path("/profile"),
            "/auth/login?return_to=%2Fprofile"
        );
    }
}
