//! A provider, a program, and the browsers that go between them; and what must hold after every test.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_testkit::{Browser, Provider, Response, leaks};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::program::{Ended, LOOK_AGAIN, PATIENCE, Program, Variables, lines};
use crate::received::Received;
use crate::start::{Start, secret_parts};
use crate::upstream::Record;

/// Everything there is in a test.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) provider: Provider,
    program: Option<Program>,
    folder: TempDir,
    variables: Variables,
    /// Of the command line.
    arguments: Vec<String>,
    pub(crate) port: u16,
    pub(crate) public_url: String,
    browsers: Mutex<Vec<Browser>>,
    /// Logs of runs before the last restart.
    earlier: String,
    /// How often an ID token was to go out as `id_token_hint`.
    hints: usize,
    /// What files of the operator hold, besides what the provider knows.
    confidential: Vec<String>,
    /// APIs behind the program, which see access tokens and no other secret.
    upstreams: Vec<Arc<Record>>,
    /// An API of this test answers 500 itself, which passes.
    apis_fail: bool,
    /// What callers that are no browser received.
    overheard: Arc<Mutex<Vec<u8>>>,
}

impl World {
    /// A provider and a program that answers.
    pub(crate) fn new(
        provider: Provider,
        program: Program,
        folder: TempDir,
        variables: Variables,
        port: u16,
        public_url: String,
    ) -> Self {
        Self {
            provider,
            program: Some(program),
            folder,
            variables,
            port,
            public_url,
            browsers: Mutex::default(),
            earlier: String::new(),
            hints: 0,
            confidential: Vec::new(),
            arguments: Vec::new(),
            upstreams: Vec::new(),
            apis_fail: false,
            overheard: Arc::default(),
        }
    }

    /// Started with these arguments, and in front of these APIs.
    pub(crate) fn with(mut self, arguments: Vec<String>, upstreams: Vec<Arc<Record>>) -> Self {
        self.arguments = arguments;
        self.upstreams = upstreams;
        self
    }

    /// Where callers that are no browser keep what they received, to be searched at the end.
    pub(crate) fn overheard(&self) -> Arc<Mutex<Vec<u8>>> {
        Arc::clone(&self.overheard)
    }

    /// An API answers 500 in this test: under `/api/`, that is no defect of ours.
    pub(crate) fn expect_failing_apis(&mut self) {
        self.apis_fail = true;
    }

    fn spawn(&self, variables: &Variables) -> Program {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        Program::spawn(variables, &arguments)
    }

    /// Replaces the file that a variable of [`Start::file`] names, at once and as a whole.
    pub(crate) fn write(&mut self, name: &str, content: &str) {
        self.confide(content);
        let written = self.folder.path().join(format!("{name}.new"));
        std::fs::write(&written, content).expect("the folder takes files");
        std::fs::rename(written, self.file(name)).expect("the file can be replaced");
    }

    /// Where the file of a variable stands.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What of this file is secret is searched for at the end.
    pub(crate) fn confide(&mut self, content: &str) {
        self.confidential.extend(secret_parts(content));
    }

    /// The usual one.
    pub(crate) async fn start() -> Self {
        Start::default().go().await
    }

    /// Another person's browser.
    pub(crate) fn browser(&self) -> Browser {
        let browser = Browser::with_base(&self.public_url);
        self.watch(&browser);
        browser
    }

    /// A browser for a public URL that is https: what stands in front of the program is left out, so the address is
    /// the program's own and the test says `Host` and `Cookie` itself.
    pub(crate) fn behind_tls(&self) -> Browser {
        let browser = Browser::with_base(format!("http://127.0.0.1:{}", self.port));
        self.watch(&browser);
        browser
    }

    /// Also what this browser receives is searched for secrets at the end.
    pub(crate) fn watch(&self, browser: &Browser) {
        self.browsers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(browser.clone());
    }

    pub(crate) fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("it runs")
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("sessions.db")
    }

    pub(crate) fn session_cookie(&self) -> String {
        format!("cloakroom-session-{}", self.port)
    }

    pub(crate) fn binding_cookie(&self) -> String {
        format!("cloakroom-binding-{}", self.port)
    }

    /// The session id that a browser holds.
    pub(crate) fn ticket(&self, browser: &Browser) -> Option<String> {
        browser
            .cookie(&self.session_cookie())
            .map(|cookie| cookie.value)
    }

    /// One sign-out at the provider was begun with an ID token as hint: the one place where one may go out.
    pub(crate) fn expect_hint(&mut self) {
        self.hints += 1;
    }

    /// The `state` of a sign-in that this browser has just begun.
    pub(crate) async fn fresh_state(&self, browser: &Browser) -> String {
        let begun = browser
            .get("/auth/login?return_to=/profile")
            .navigate()
            .await;
        begun.location_param("state").expect("a sign-in begins")
    }

    /// Follows a sign-in link to the provider; gives the provider's answer, which leads to the callback.
    pub(crate) async fn at_provider(&self, browser: &Browser, link: &str) -> Response {
        let begun = browser.get(link).navigate().await;
        assert_eq!(
            begun.status(),
            303,
            "{link} leads to the provider: {}",
            begun.text()
        );
        browser.follow(begun, 1).await
    }

    /// Follows a sign-in link through the provider to the callback; gives the program's answer there.
    pub(crate) async fn at_callback(&self, browser: &Browser, link: &str) -> Response {
        let answered = self.at_provider(browser, link).await;
        browser.follow(answered, 1).await
    }

    /// Signs in and arrives.
    pub(crate) async fn sign_in(&self, browser: &Browser) {
        let answer = self.at_callback(browser, "/auth/login").await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some("/")),
            "{}",
            answer.text()
        );
        self.assert_signed_in(browser).await;
    }

    /// `GET /auth/session`, as a script of a page gets it.
    pub(crate) async fn session(&self, browser: &Browser) -> Value {
        let answer = browser.get("/auth/session").fetch().await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.json()
    }

    pub(crate) async fn assert_signed_in(&self, browser: &Browser) {
        let session = self.session(browser).await;
        assert_eq!(session["signed_in"], true, "{session}");
    }

    pub(crate) async fn assert_signed_out(&self, browser: &Browser) {
        assert_eq!(
            self.session(browser).await,
            serde_json::json!({ "signed_in": false })
        );
    }

    /// The answer leads to the error page with this code; the page has this status, says what `title` says, and the
    /// reference on it is the one that the log has, with the code. Gives the page.
    pub(crate) async fn assert_failed(
        &self,
        browser: &Browser,
        answer: &Response,
        code: &str,
        status: u16,
        title: &str,
    ) -> Response {
        assert_eq!(answer.status(), 303, "{code}: {}", answer.text());
        let location = answer.location().expect("it leads somewhere");
        assert_eq!(location.path(), "/auth/error", "{location}");
        assert_eq!(
            location.origin(),
            Url::parse(&self.public_url).expect("a URL").origin()
        );
        assert_eq!(answer.location_param("code").as_deref(), Some(code));
        assert!(
            new_session(answer, &self.session_cookie()).is_none(),
            "{code}: there is a session"
        );
        let reference = answer.location_param("ref").expect("there is a reference");
        let page = browser.follow(answer.clone(), 1).await;
        assert_eq!(page.status(), status, "{code}: {}", page.text());
        let text = page.text();
        assert!(
            text.contains(title),
            "{code}: the page does not say {title:?}: {text}"
        );
        assert!(
            text.contains(&reference),
            "{code}: the reference {reference} is not on the page: {text}"
        );
        self.until_logged(|line| {
            line["span"]["ref"] == reference.as_str()
                && (line["code"] == code || line["status"] == 303)
        })
        .await;
        page
    }

    /// Waits until a line of the log fits.
    pub(crate) async fn until_logged(&self, fits: impl Fn(&Value) -> bool) -> Value {
        self.until_logged_times(1, fits).await.remove(0)
    }

    /// Waits until so many lines of the log fit.
    pub(crate) async fn until_logged_times(
        &self,
        times: usize,
        fits: impl Fn(&Value) -> bool,
    ) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.program.as_ref().expect("it runs").log();
            // The last line may be half-written.
            let whole = log.rfind('\n').map_or("", |end| &log[..end]);
            let found: Vec<Value> = lines(whole).into_iter().filter(|line| fits(line)).collect();
            if found.len() >= times {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "the log does not say it {times} times:\n{log}"
            );
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until something holds, such as a request in the background having reached the provider.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "it never came: {what}");
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends the program as an init system does and starts it again, with the same settings but these.
    pub(crate) async fn restart(&mut self, other: &[(&str, &str)]) {
        let ended = self.stop().await;
        assert_eq!(
            ended.status.code(),
            Some(0),
            "{}{}",
            ended.log,
            ended.complaints
        );
        self.start_again(other).await;
    }

    /// Ends the program and waits for its end.
    pub(crate) async fn stop(&mut self) -> Ended {
        self.program().terminate();
        self.ended_by_itself().await
    }

    /// Waits until the program that was told to end has ended.
    pub(crate) async fn ended_by_itself(&mut self) -> Ended {
        let ended = self.program.take().expect("it runs").ended().await;
        self.earlier.push_str(&ended.log);
        ended
    }

    /// A second instance over the same store, listening elsewhere.
    pub(crate) async fn another_program(&self, port: u16) -> Program {
        let mut variables = self.variables.clone();
        variables.retain(|(name, _)| name != "CLOAKROOM_LISTEN");
        variables.push(("CLOAKROOM_LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        self.spawn(&variables)
            .until_healthy(port)
            .await
            .expect("a second instance starts")
    }

    /// Ends the program without a word, as a power cut does.
    pub(crate) async fn cut_power(&mut self) {
        let ended = self.program.take().expect("it runs").kill().await;
        // The last line may be half-written.
        self.earlier
            .push_str(&ended.log[..ended.log.rfind('\n').map_or(0, |end| end + 1)]);
    }

    /// Starts the program that was stopped.
    pub(crate) async fn start_again(&mut self, other: &[(&str, &str)]) {
        for (name, value) in other {
            self.variables.retain(|(known, _)| known != name);
            self.variables
                .push(((*name).to_owned(), (*value).to_owned()));
        }
        let started = self.spawn(&self.variables).until_healthy(self.port).await;
        self.program = Some(started.unwrap_or_else(|ended| {
            panic!(
                "it does not start again:\n{}{}",
                ended.log, ended.complaints
            )
        }));
    }

    /// What holds after every test: the program lives and ends well; it never answered 500; neither its log nor any
    /// browser holds what it must not; and the provider has nothing to object to, unless the test expected that and
    /// cleared it.
    pub(crate) async fn end(mut self) {
        assert!(
            !self.program().has_ended(),
            "the program is gone:\n{}",
            self.program().log()
        );
        let ended = self.stop().await;
        assert_eq!(
            ended.status.code(),
            Some(0),
            "{}{}",
            ended.log,
            ended.complaints
        );
        assert_eq!(
            ended.complaints, "",
            "nothing is to be said on standard error"
        );
        for line in lines(&self.earlier) {
            let path = line["span"]["path"].as_str().unwrap_or_default();
            assert!(
                line["status"] != 500 || (self.apis_fail && path.starts_with("/api/")),
                "something was answered 500: {line}"
            );
            let message = line["message"].as_str().unwrap_or_default();
            assert!(
                !message.contains("panicked") && !message.contains("defect"),
                "{line}"
            );
        }
        let mut secrets = self.provider.secrets();
        let mut for_upstreams = self.provider.issued().access_tokens;
        for_upstreams.extend(self.confidential.iter().cloned());
        secrets.append(&mut self.confidential);
        let mut unspoken: BTreeSet<String> = secrets.iter().cloned().collect();
        unspoken.extend(self.provider.issued().codes);
        let received = self.provider.received();
        for request in received
            .authorize_requests
            .iter()
            .chain(&received.pushed_requests)
        {
            unspoken.extend(request.get("state").cloned());
            unspoken.extend(request.get("request_uri").cloned());
        }
        let mut hints = 0;
        // One search for all of them: each would spell out every secret in every encoding once more.
        let mut received_by_all = String::new();
        let browsers =
            std::mem::take(&mut *self.browsers.lock().unwrap_or_else(PoisonError::into_inner));
        for browser in &browsers {
            let received = Received::of(browser, &self.provider);
            hints += received.hints;
            received_by_all.push_str(&received.rest);
            assert_eq!(
                leaks(received.rest.as_bytes(), &received.tickets),
                [""; 0],
                "a cookie's value stands outside of the cookie"
            );
            unspoken.extend(received.tickets);
            unspoken.extend(received.states);
        }
        assert_eq!(
            leaks(received_by_all.as_bytes(), &secrets),
            [""; 0],
            "a browser received a secret"
        );
        assert_eq!(
            hints, self.hints,
            "an ID token goes out as a hint once a sign-out at the provider, and never else"
        );
        let unspoken: Vec<String> = unspoken.into_iter().collect();
        for upstream in &self.upstreams {
            upstream.assert_saw_no_secret(&unspoken, &for_upstreams);
        }
        let overheard = self
            .overheard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        assert_eq!(
            leaks(&overheard, &secrets),
            [""; 0],
            "a caller received a secret"
        );
        let said = format!("{}{}", self.earlier, ended.complaints);
        assert_eq!(
            leaks(said.as_bytes(), &unspoken),
            [""; 0],
            "the log holds a secret"
        );
        self.provider.assert_clean();
    }
}

/// The session cookie that an answer sets, where it sets one rather than removing it.
pub(crate) fn new_session(answer: &Response, name: &str) -> Option<String> {
    let made = answer
        .set_cookies()
        .into_iter()
        .find(|cookie| cookie.name == name && !cookie.is_removal());
    made.map(|cookie| cookie.value)
}
