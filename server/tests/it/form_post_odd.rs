//! Posted answers that are wrong: forms that could be read two ways, codes in the address, and everything a provider can
//! get wrong in a form (OAuth 2.0 Form Post Response Mode, RFC 6749 sections 3.1 and 4.1.2).

use std::fmt::Write as _;

use cloakroom_testkit::{Effect, Fault, Needs, raw_request};
use http::Method;

use crate::form_post::{REFUSED, arrival, by_form, posted, sign_in};
use crate::world::new_session;

const ODD: &str = "This address is not right";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_the_address_is_never_taken_and_the_address_beside_a_form_is_not_read() {
    let world = by_form().go().await;
    let browser = world.browser();
    let page = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let (action, fields) = page.form().unwrap();
    let mut address = action.clone();
    address.query_pairs_mut().extend_pairs(&fields);
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = browser.request(method.clone(), &address).await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    let other = world.browser();
    let others = world
        .at_provider(&other, "/auth/login?return_to=/elsewhere")
        .await;
    let mut theirs = others.form().unwrap().0;
    theirs
        .query_pairs_mut()
        .extend_pairs(&others.form().unwrap().1);
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let posted = browser
        .post_form(&theirs, &fields)
        .from_page(page.url())
        .await;
    let arrived = browser.follow(posted, 1).await;
    assert_eq!(
        arrived.header("location"),
        Some("/profile"),
        "the form counts"
    );
    // And what stands in the address alone is nothing.
    let posted = other.post_form(&theirs, &[]).from_page(page.url()).await;
    world
        .assert_failed(&other, &posted, "state_missing", 400, REFUSED)
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_knows_no_form_post_may_say_so_in_the_address() {
    let world = by_form().go().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let iss = world.provider.issuer();
    let answer = browser
        .get(format!(
            "/auth/callback?error=unsupported_response_mode&state={state}&iss={iss}"
        ))
        .navigate()
        .await;
    let title = "The sign-in service reports an error";
    world
        .assert_failed(&browser, &answer, "provider_error", 502, title)
        .await;
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table: each row is one case")]
async fn a_form_that_is_too_large_or_doubled_or_not_text_or_no_form_is_refused() {
    let world = by_form().go().await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let page = format!("{}/page", world.provider.origin());
    let with = |rest: &[u8]| [format!("state={state}&").as_bytes(), rest].concat();
    let repeated = "parameter_repeated";
    let malformed = "parameter_malformed";
    for (what, content_type, body, code, status) in [
        ("a code twice", FORM, with(b"code=a&code=b"), repeated, 400),
        (
            "a state twice",
            FORM,
            with(b"code=a&state=x"),
            repeated,
            400,
        ),
        (
            "a name that decodes to one that is there",
            FORM,
            with(b"code=a&c%6fde=b"),
            repeated,
            400,
        ),
        (
            "an unknown name twice",
            FORM,
            with(b"code=a&x=1&x=2"),
            repeated,
            400,
        ),
        (
            "bytes that are no UTF-8",
            FORM,
            with(b"code=\xff\xfe"),
            malformed,
            400,
        ),
        (
            "escapes of bytes that are none",
            FORM,
            with(b"code=%ff%fe"),
            malformed,
            400,
        ),
        (
            "an overlong escape",
            FORM,
            with(b"code=%c0%af"),
            malformed,
            400,
        ),
        ("a broken escape", FORM, with(b"code=%zz"), malformed, 400),
        (
            "a long value",
            FORM,
            with(&[b"code=", &vec![b'a'; 9 * 1024][..]].concat()),
            "parameter_too_long",
            400,
        ),
        (
            "a body of 33 KiB",
            FORM,
            with(&[b"x=", &vec![b'a'; 33 * 1024][..]].concat()),
            "body_too_large",
            413,
        ),
        ("nothing", FORM, Vec::new(), "state_missing", 400),
        ("no state", FORM, b"code=a".to_vec(), "state_missing", 400),
        (
            "JSON",
            "application/json",
            b"{\"code\":\"a\"}".to_vec(),
            malformed,
            400,
        ),
        ("plain text", "text/plain", with(b"code=a"), malformed, 400),
        (
            "several parts",
            "multipart/form-data; boundary=x",
            b"--x--\r\n".to_vec(),
            malformed,
            400,
        ),
    ] {
        let answer = browser
            .request(Method::POST, "/auth/callback")
            .from_page(&page)
            .header("content-type", content_type)
            .body(body)
            .await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some(code),
            "{what}: {} {:?}",
            answer.status(),
            answer.location()
        );
        assert_eq!(new_session(&answer, &world.session_cookie()), None);
        let shown = browser.follow(answer, 1).await;
        assert_eq!(shown.status(), status, "{what}");
        if code.starts_with("parameter_repeated") || code.ends_with("long") {
            assert!(shown.text().contains(ODD), "{what}: {}", shown.text());
        }
    }
    world.assert_signed_out(&browser).await;
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_is_cut_off() {
    let world = by_form().go().await;
    let head = format!(
        "POST /auth/callback HTTP/1.1\r\nhost: localhost:{}\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\ncontent-type: application/x-www-form-urlencoded\r\nconnection: close\r\n",
        world.port
    );
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    for _ in 0..64 {
        let _ = write!(chunked, "400\r\n{}\r\n", "a".repeat(1024));
    }
    chunked.push_str("0\r\n\r\n");
    let answer = raw_request(("127.0.0.1", world.port), chunked.as_bytes())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 303") && text.contains("code=body_too_large"),
        "{text}"
    );
    let declared = format!("{head}content-length: 99999999\r\n\r\nstate=x");
    let answer = raw_request(("127.0.0.1", world.port), declared.as_bytes())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    sign_in(&world, &world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_answer_in_a_form_is_refused_without_a_token_request() {
    let world = by_form().go().await;
    let mut met = 0;
    let faults = Fault::all().filter(|(fault, effect)| {
        *effect == Effect::RefusedAtCallback
            && matches!(fault.needs(), Needs::Nothing | Needs::AnnouncedIss)
    });
    for (fault, _) in faults {
        println!("{fault:?}");
        let browser = world.browser();
        world.provider.reset_counts();
        world.provider.set_fault(fault.clone());
        let answered = world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await;
        // Two of them come in an address whatever was asked for.
        let mut answer = if answered.form().is_some() {
            browser.submit_form(&answered).await
        } else {
            browser.follow(answered, 1).await
        };
        if answer
            .location()
            .is_some_and(|to| to.path() == "/auth/arrive")
        {
            answer = browser.follow(answer, 1).await;
        }
        if fault == Fault::NonUtf8Code {
            assert_eq!(answer.status(), 405, "a code in the address");
        } else {
            assert_eq!(answer.status(), 303, "{fault:?}: {}", answer.text());
            assert_eq!(
                answer.location().unwrap().path(),
                "/auth/error",
                "{fault:?}"
            );
            let page = browser.follow(answer, 1).await;
            assert!(
                page.status() >= 400 && page.text().contains("Try again"),
                "{fault:?}"
            );
            assert!(!page.text().contains("<script>alert"), "{}", page.text());
        }
        world.provider.clear_fault();
        world.assert_signed_out(&browser).await;
        assert_eq!(world.ticket(&browser), None, "{fault:?}");
        let counts = world.provider.counts();
        assert_eq!(
            (counts.authorize, counts.token, counts.userinfo),
            (1, 0, 0),
            "{fault:?}"
        );
        met += 1;
    }
    assert!(met > 15, "the table has rows");
    sign_in(&world, &world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_after_the_form_is_a_page_at_once() {
    let world = by_form().go().await;
    for (fault, code, status, title) in [
        (
            Fault::Token503,
            "provider_down",
            503,
            "The sign-in service does not answer",
        ),
        (
            Fault::WrongNonce,
            "id_token_refused",
            502,
            "Your sign-in could not be verified",
        ),
        (
            Fault::UserinfoWrongSub,
            "userinfo_refused",
            502,
            "Your sign-in could not be verified",
        ),
    ] {
        let browser = world.browser();
        world.provider.set_fault(fault);
        let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
        world
            .assert_failed(&browser, &answer, code, status, title)
            .await;
        assert_eq!(arrival(&browser), None);
        world.assert_signed_out(&browser).await;
    }
    world.provider.clear_fault();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_may_be_posted_here_from_another_site() {
    let world = by_form().go().await;
    let browser = world.browser();
    sign_in(&world, &browser).await;
    let page = world.at_provider(&browser, "/auth/login").await;
    let (action, fields) = page.form().unwrap();
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    for request in [
        browser
            .post_form(&action, &fields)
            .frame()
            .from_page(page.url()),
        browser
            .post_form(&action, &fields)
            .fetch()
            .from_page(page.url()),
        browser
            .post_form(&action, &fields)
            .subresource("script")
            .from_page(page.url()),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation"))
        );
    }
    for path in [
        "/auth/logout",
        "/auth/callback/",
        "/auth/callback%2f",
        "/Auth/callback",
        "/auth/session",
        "/auth/arrive",
        "/",
    ] {
        let answer = browser.post_form(path, &fields).from_page(page.url()).await;
        assert!(
            matches!(answer.status(), 403..=405),
            "{path}: {}",
            answer.status()
        );
    }
    assert_eq!(world.provider.counts().token, 1);
    world.assert_signed_in(&browser).await;
    world.end().await;
}
