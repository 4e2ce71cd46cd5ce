//! What the provider is asked for and how (OpenID Connect Core section 3.1.2.1, RFC 9126, RFC 7523). Each error says what
//! to write.

use cloakroom_bff::{ClientAuthSetting, Par, ParameterName, PublicUrl, ResponseMode, Settings};
use cloakroom_oidc::{AssertionAudience, Issuer, SigningAlg};
use percent_encoding::percent_decode_str;

use super::client_auth::Credentials;
use super::config::Reader;
use super::parse::{is_scope, parse_at_least_one};

/// The settings that concern the provider; `None` where one is not given.
pub(super) struct Protocol {
    pub(super) credentials: Credentials,
    client_auth: Option<ClientAuthSetting>,
    assertion_audience: Option<AssertionAudience>,
    id_token_algs: Option<Vec<SigningAlg>>,
    userinfo_algs: Option<Vec<SigningAlg>>,
    scopes: Option<Vec<String>>,
    response_mode: Option<ResponseMode>,
    par: Option<Par>,
    pushed_requests_a_minute: Option<u32>,
    login_parameters: Option<Vec<ParameterName>>,
    authorize_parameters: Option<Vec<(ParameterName, String)>>,
}

impl Protocol {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let id_token_algs = reader.parsed("id_token_alg", |text| parse_algs(text, "an ID token"));
        let credentials = credentials(reader, id_token_algs.as_deref());
        let client_auth = match credentials.resolve() {
            Ok(setting) => Some(setting),
            Err(wrong) => {
                for (name, text) in wrong {
                    reader.wrong(name, text);
                }
                None
            }
        };
        Self {
            credentials,
            client_auth,
            assertion_audience: reader.parsed("assertion_audience", |text| {
                AssertionAudience::parse(text).ok_or("write endpoint, issuer or token_endpoint")
            }),
            id_token_algs,
            userinfo_algs: reader.parsed("userinfo_alg", parse_userinfo_algs),
            scopes: reader.parsed("scopes", parse_scopes),
            response_mode: reader.parsed("response_mode", parse_response_mode),
            par: reader.parsed("par", parse_par),
            pushed_requests_a_minute: reader.parsed("pushed_requests_a_minute", parse_at_least_one),
            login_parameters: reader.parsed("login_parameters", parse_login_parameters),
            authorize_parameters: reader.parsed("authorize_parameters", parse_authorize_parameters),
        }
    }

    /// The counter's settings, with the defaults for all that is not said here.
    pub(super) fn settings(
        self,
        public_url: PublicUrl,
        issuer: Issuer,
        client_id: String,
    ) -> Option<Settings> {
        let mut settings = Settings::new(public_url, issuer, client_id, self.client_auth?);
        settings.assertion_audience = self
            .assertion_audience
            .unwrap_or(settings.assertion_audience);
        settings.id_token_algs = self.id_token_algs;
        settings.userinfo_algs = self.userinfo_algs;
        settings.scopes = self.scopes;
        settings.response_mode = self.response_mode.unwrap_or(settings.response_mode);
        settings.par = self.par.unwrap_or(settings.par);
        settings.pushed_requests_a_minute = self
            .pushed_requests_a_minute
            .unwrap_or(settings.pushed_requests_a_minute);
        settings.login_parameters = self.login_parameters.unwrap_or_default();
        settings.authorize_parameters = self.authorize_parameters.unwrap_or_default();
        Some(settings)
    }
}

fn credentials(reader: &Reader<'_>, id_token_algs: Option<&[SigningAlg]>) -> Credentials {
    let value = |name| reader.sources.get(name).map(|found| found.value.clone());
    let file = |name| {
        reader
            .sources
            .get(name)
            .and_then(|found| found.file.clone())
    };
    Credentials {
        method: reader.text("client_auth"),
        secret: value("client_secret"),
        key: value("client_key"),
        key_id: reader.text("client_key_id"),
        alg: reader.text("client_assertion_alg"),
        id_tokens_need_secret: id_token_algs
            .is_some_and(|algs| algs.iter().any(|alg| alg.is_symmetric())),
        secret_file: file("client_secret"),
        key_file: file("client_key"),
    }
}

/// The value of `scopes` that names none: the authorization server grants its default ones.
const PROVIDER_DEFAULT: &str = "provider-default";
/// The longest value of a parameter, in bytes.
const MAX_PARAMETER: usize = 2048;

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}

/// Scopes, with `openid` among them, or `provider-default`, which is the empty list.
fn parse_scopes(text: &str) -> Result<Vec<String>, &'static str> {
    let scopes: Vec<String> = words(text).map(str::to_owned).collect();
    if scopes == [PROVIDER_DEFAULT] {
        return Ok(Vec::new());
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(
            "must hold openid: without it the provider gives no ID token (OpenID Connect Core section 3.1.2.1)",
        );
    }
    if !scopes.iter().all(|scope| is_scope(scope)) {
        return Err("a scope is of printable ASCII without quotes and backslashes");
    }
    if scopes.iter().any(|scope| scope == PROVIDER_DEFAULT) {
        return Err("provider-default stands alone: it asks for no scope by name");
    }
    Ok(scopes)
}

/// Signature algorithms by their registered names.
fn parse_algs(text: &str, what: &str) -> Result<Vec<SigningAlg>, String> {
    let algs = words(text)
        .map(|name| {
            SigningAlg::parse(name).ok_or_else(|| {
                format!("{name} is not an algorithm {what} may be signed with here: RS256, ES256, PS256, EdDSA, .. (none never)")
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if algs.is_empty() {
        return Err("names no algorithm: name one, such as RS256, or leave it out".to_owned());
    }
    Ok(algs)
}

fn parse_response_mode(text: &str) -> Result<ResponseMode, &'static str> {
    match text {
        "query" => Ok(ResponseMode::Query),
        "form_post" => Ok(ResponseMode::FormPost),
        _ => Err("write query or form_post"),
    }
}

fn parse_par(text: &str) -> Result<Par, &'static str> {
    match text {
        "auto" => Ok(Par::Auto),
        "always" => Ok(Par::Always),
        "off" => Ok(Par::Off),
        _ => Err("write auto, always or off"),
    }
}

/// The keys of the provider verify them, so an algorithm that shares a secret is none.
fn parse_userinfo_algs(text: &str) -> Result<Vec<SigningAlg>, String> {
    let algs = parse_algs(text, "a userinfo answer")?;
    if algs.iter().any(|alg| alg.is_symmetric()) {
        return Err("name asymmetric algorithms, such as RS256 or ES256".to_owned());
    }
    Ok(algs)
}

/// Names that a sign-in link may carry.
fn parse_login_parameters(text: &str) -> Result<Vec<ParameterName>, String> {
    let mut names: Vec<ParameterName> = Vec::new();
    for word in words(text) {
        let name = ParameterName::of_link(word).map_err(|error| error.to_string())?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// `name=value`, separated by spaces; a space within a value is written `%20`, and a percent sign `%25`.
fn parse_authorize_parameters(text: &str) -> Result<Vec<(ParameterName, String)>, String> {
    let mut parameters: Vec<(ParameterName, String)> = Vec::new();
    for pair in text.split_ascii_whitespace() {
        let (name, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
            .ok_or("write name=value, such as audience=https://api.example.com, and %20 for a space within a value")?;
        let name = ParameterName::fixed(name).map_err(|error| error.to_string())?;
        let value = percent_decode_str(value)
            .decode_utf8()
            .ok()
            .filter(|value| value.len() <= MAX_PARAMETER && !value.chars().any(char::is_control))
            .ok_or_else(|| {
                format!("the value of {name} is not text of at most {MAX_PARAMETER} bytes")
            })?
            .into_owned();
        // RFC 8707 section 2 alone has a parameter come more than once.
        if name.as_str() != "resource" && parameters.iter().any(|(known, _)| *known == name) {
            return Err(format!("{name} stands there twice: keep one"));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::{parse_authorize_parameters, parse_login_parameters, parse_scopes};

    #[test]
    fn scopes_are_named_or_left_to_the_provider() {
        assert_eq!(
            parse_scopes("openid, profile"),
            Ok(vec!["openid".to_owned(), "profile".to_owned()])
        );
        assert_eq!(parse_scopes("provider-default"), Ok(Vec::new()));
        for bad in ["", ",", "profile", "openid provider-default", "openid a\"b"] {
            assert!(parse_scopes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parameters_have_names_that_are_not_the_protocol_s() {
        let fixed = |text: &str| -> Result<Vec<(String, String)>, String> {
            let parameters = parse_authorize_parameters(text)?;
            Ok(parameters
                .into_iter()
                .map(|(name, value)| (name.as_str().to_owned(), value))
                .collect())
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fixed("audience=https://a/?b=c,d resource=x  resource=y note=a%20b%25"),
            Ok(vec![
                pair("audience", "https://a/?b=c,d"),
                pair("resource", "x"),
                pair("resource", "y"),
                pair("note", "a b%"),
            ])
        );
        for bad in [
            "audience",
            "audience=",
            "=x",
            "a=b a=c",
            "state=x",
            "prompt=none",
            "a=%ff",
            "a=%0a",
        ] {
            assert!(fixed(bad).is_err(), "{bad}");
        }
        let link = |text| parse_login_parameters(text).map(|names| names.len());
        assert_eq!(link("connection, organization connection"), Ok(2));
        assert!(link("idp").is_err() && link("nonce").is_err());
    }
}
