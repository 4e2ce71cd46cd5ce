//! Ended by SIGTERM, by a restart and by a power cut: nobody is cut off, and sessions outlive the process.

use std::process::Command;

use cloakroom_testkit::{Fault, Provider};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::start::Start;
use crate::world::{World, new_session};

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_under_way_finishes_after_sigterm() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.provider.set_fault(Fault::TokenHang);
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let under_way = tokio::spawn({
        let browser = browser.clone();
        async move { browser.follow(answered, 1).await }
    });
    world
        .until("the token request is under way", || {
            world.provider.counts().token == 1
        })
        .await;
    world.program().terminate();
    world
        .until_logged(|line| line["message"] == "ending: requests under way may finish")
        .await;
    assert!(
        TcpStream::connect(("127.0.0.1", world.port)).await.is_err(),
        "nobody new is let in"
    );
    world.provider.release();
    let answer = under_way.await.unwrap();
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/profile")),
        "{}",
        answer.text()
    );
    assert!(new_session(&answer, &world.session_cookie()).is_some());
    let ended = world.ended_by_itself().await;
    assert_eq!(
        ended.status.code(),
        Some(0),
        "{}{}",
        ended.log,
        ended.complaints
    );
    world.start_again(&[]).await;
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_came_through_a_pipe_is_not_waited_for_a_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("secret");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let written = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, Provider::CLIENT_SECRET)
    });
    let world = Start::default()
        .set("CLOAKROOM_CLIENT_SECRET", "")
        .set("CLOAKROOM_CLIENT_SECRET_FILE", pipe.to_str().unwrap())
        .go()
        .await;
    written.join().unwrap().unwrap();
    world.sign_in(&world.browser()).await;
    // It ends, too: nothing waits for somebody to write once more.
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_after_an_answer_is_done_before_the_end() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    assert_eq!(
        browser
            .request(Method::POST, "/auth/logout")
            .fetch()
            .await
            .status(),
        204
    );
    world.stop().await;
    assert_eq!(
        world.provider.received().revoked.len(),
        2,
        "both tokens were revoked before the program ended"
    );
    world.start_again(&[]).await;
    world.assert_signed_out(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let mut world = World::start().await;
    let mut idle = TcpStream::connect(("127.0.0.1", world.port)).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 1024];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let begun = tokio::time::Instant::now();
    let ended = world.stop().await;
    assert_eq!(ended.status.code(), Some(0));
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    world.start_again(&[]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_a_restart_and_a_power_cut() {
    let mut world = World::start().await;
    let (one, other) = (world.browser(), world.browser());
    world.sign_in(&one).await;
    world.restart(&[]).await;
    world.assert_signed_in(&one).await;
    world.sign_in(&other).await;
    world.cut_power().await;
    world.start_again(&[]).await;
    world.assert_signed_in(&one).await;
    world.assert_signed_in(&other).await;
    other.request(Method::POST, "/auth/logout").fetch().await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    let thief = other.copy();
    world.watch(&thief);
    world.cut_power().await;
    world.start_again(&[]).await;
    world.assert_signed_out(&thief).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_memory_ends_with_the_process_and_is_removed_then() {
    let mut world = Start::default()
        .set("CLOAKROOM_STORE", "memory:")
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.restart(&[]).await;
    world.assert_signed_out(&browser).await;
    assert_eq!(world.ticket(&browser), None);
    world.sign_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_over_one_store_are_one_place() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    // The second one listens elsewhere and is the same place to browsers, as behind a load balancer.
    let port = crate::program::free_port();
    let second = world.another_program(port).await;
    let through_the_second = |path: &'static str, browser: &cloakroom_testkit::Browser| {
        let cookies: Vec<String> = browser
            .cookies()
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let host = format!("localhost:{}", world.port);
        world
            .browser()
            .get(format!("http://127.0.0.1:{port}{path}"))
            .navigate()
            .header("host", &host)
            .header("cookie", &cookies.join("; "))
    };
    let session = through_the_second("/auth/session", &browser).await;
    assert_eq!(session.json()["signed_in"], true, "{}", session.text());
    // Begun at one, completed at the other, and then spent at both.
    let other = world.browser();
    let answered = world
        .at_provider(&other, "/auth/login?return_to=/profile")
        .await;
    let location = answered.location().unwrap();
    let path: &'static str = location[url::Position::BeforePath..].to_owned().leak();
    let answer = through_the_second(path, &other).await;
    assert_eq!(
        answer.header("location"),
        Some("/profile"),
        "{}",
        answer.text()
    );
    let again = other.follow(answered, 1).await;
    assert_eq!(again.location_param("code").as_deref(), Some("state_spent"));
    browser.request(Method::POST, "/auth/logout").fetch().await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    let session = through_the_second("/auth/session", &browser).await;
    assert_eq!(session.json()["signed_in"], false);
    second.terminate();
    assert_eq!(second.ended().await.status.code(), Some(0));
    world.end().await;
}
