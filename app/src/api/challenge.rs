//! `WWW-Authenticate`, read strictly (RFC 9110 sections 5.6 and 11.6.1): what breaks the grammar is no challenge.

/// The longest field that is read, in bytes.
const MAX_FIELD: usize = 8 * 1024;
/// The most challenges of a field, and the most parameters of a challenge.
const MOST: usize = 16;

/// One challenge: a scheme, and a `token68` or parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    token68: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The authentication scheme, as it was written; compare it without regard to case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether this is the scheme, whichever its case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The `token68` in the place of parameters.
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }

    /// `error`, as the schemes of OAuth 2.0 say it (RFC 6750 section 3).
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }

    /// A parameter's value, unquoted; its name in any case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The challenges of a field value; of several lines, their values joined by commas (RFC 9110 section 5.3). `None`
/// where any part breaks the grammar, or a challenge has a parameter twice: nobody knows then what was meant.
///
/// ```
/// let field = r#"Bearer error="insufficient_user_authentication", max_age="300", Negotiate"#;
/// let challenges = app::api::challenge::parse(field).expect("challenges");
/// assert_eq!(challenges.len(), 2);
/// assert!(challenges[0].is("bearer"));
/// assert_eq!(challenges[0].parameter("max_age"), Some("300"));
/// ```
pub fn parse(field: &str) -> Option<Vec<Challenge>> {
    if field.len() > MAX_FIELD {
        return None;
    }
    let mut rest = Rest(field);
    let mut challenges: Vec<Challenge> = Vec::new();
    loop {
        // A list may have empty elements (RFC 9110 section 5.6.1.2).
        rest.skip(is_blank);
        if rest.take(',') {
            continue;
        }
        if rest.0.is_empty() {
            return Some(challenges);
        }
        element(&mut rest, &mut challenges)?;
        rest.skip(is_blank);
        if !rest.take(',') && !rest.0.is_empty() {
            return None;
        }
    }
}

/// What stands between two commas: a challenge or its beginning, or one more parameter of the challenge before.
fn element(rest: &mut Rest<'_>, challenges: &mut Vec<Challenge>) -> Option<()> {
    if let Some(parameter) = rest.parameter() {
        return add(challenges.last_mut()?, parameter);
    }
    let scheme = rest.token()?.to_owned();
    let mut challenge = Challenge {
        scheme,
        token68: None,
        parameters: Vec::new(),
    };
    if rest.skip(|c| c == ' ') {
        if let Some(parameter) = rest.parameter() {
            add(&mut challenge, parameter)?;
        } else {
            challenge.token68 = rest.token68().map(str::to_owned);
        }
    }
    if challenges.len() == MOST {
        return None;
    }
    challenges.push(challenge);
    Some(())
}

fn add(challenge: &mut Challenge, (name, value): (&str, String)) -> Option<()> {
    let fits = challenge.token68.is_none()
        && challenge.parameters.len() < MOST
        && challenge.parameter(name).is_none();
    fits.then(|| challenge.parameters.push((name.to_owned(), value)))
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, c: char) -> bool {
        let after = self.0.strip_prefix(c);
        self.0 = after.unwrap_or(self.0);
        after.is_some()
    }

    /// Whether there was anything to skip.
    fn skip(&mut self, what: fn(char) -> bool) -> bool {
        let after = self.0.trim_start_matches(what);
        let skipped = after.len() < self.0.len();
        self.0 = after;
        skipped
    }

    /// As many of these as there are, at least one.
    fn some(&mut self, what: fn(char) -> bool) -> Option<&'a str> {
        let end = self.0.find(|c| !what(c)).unwrap_or(self.0.len());
        let (found, after) = self.0.split_at(end);
        self.0 = after;
        (!found.is_empty()).then_some(found)
    }

    fn token(&mut self) -> Option<&'a str> {
        self.some(is_token)
    }

    /// `auth-param`. Where there is none, nothing has been read.
    fn parameter(&mut self) -> Option<(&'a str, String)> {
        let mut rest = Rest(self.0);
        let name = rest.token()?;
        rest.skip(is_blank);
        if !rest.take('=') {
            return None;
        }
        rest.skip(is_blank);
        let value = if rest.take('"') {
            rest.quoted()?
        } else {
            rest.token()?.to_owned()
        };
        self.0 = rest.0;
        Some((name, value))
    }

    /// The rest of a `quoted-string`.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.0.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next().filter(|c| is_text(*c))?),
                c if is_text(c) => text.push(c),
                _ => return None,
            }
        }
        self.0 = chars.as_str();
        Some(text)
    }

    fn token68(&mut self) -> Option<&'a str> {
        let whole = self.0;
        self.some(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c))?;
        self.skip(|c| c == '=');
        whole.get(..whole.len() - self.0.len())
    }
}

/// `tchar` (RFC 9110 section 5.6.2).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// What may stand in quotes, also behind a backslash (RFC 9110 section 5.6.4).
fn is_text(c: char) -> bool {
    is_blank(c) || !c.is_control()
}

/// Blanks within a field value (RFC 9110 section 5.6.3).
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}
