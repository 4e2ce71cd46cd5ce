//! Single values: stores, times, networks, and what the provider is asked for. Each error says what to write.

use std::path::PathBuf;

use cloakroom_bff::{Par, ParameterName, ResponseMode};
use cloakroom_oidc::SigningAlg;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;

use super::config::StoreSetting;

/// `sqlite:PATH` or `memory:`.
pub(crate) fn parse_store(text: &str) -> Result<StoreSetting, &'static str> {
    match text.split_once(':') {
        Some(("sqlite", "")) => Ok(StoreSetting::Sqlite(None)),
        Some(("sqlite", path)) => Ok(StoreSetting::Sqlite(Some(PathBuf::from(
            path.strip_prefix("//").unwrap_or(path),
        )))),
        Some(("memory", "")) => Ok(StoreSetting::Memory),
        Some(("redis" | "rediss" | "valkey" | "postgres" | "postgresql", _)) => {
            Err("this version does not have it yet: use sqlite:PATH or memory:")
        }
        _ => Err("write sqlite:PATH or memory:"),
    }
}

/// `90s`, `30m`, `12h`, `7d`, or seconds.
pub(crate) fn parse_span(text: &str) -> Result<u64, &'static str> {
    const HELP: &str = "write a time such as 90s, 30m, 12h or 7d, of at least a minute";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(HELP),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| (60..=366 * 86400).contains(seconds))
        .ok_or(HELP)
}

pub(crate) fn parse_nets(text: &str) -> Result<Vec<IpNet>, &'static str> {
    text.split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse::<IpNet>()
                .or_else(|_| word.parse::<std::net::IpAddr>().map(IpNet::from))
        })
        .collect::<Result<Vec<IpNet>, _>>()
        .map_err(|_| "write networks such as 10.0.0.0/8 or single addresses, separated by commas")
        .and_then(|nets| {
            if nets.iter().any(|net| net.prefix_len() == 0) {
                return Err("a network of every address would let each client name its own: name the proxies");
            }
            Ok(nets)
        })
}

/// The value of `scopes` that names none: the authorization server grants its default ones.
const PROVIDER_DEFAULT: &str = "provider-default";
/// The longest value of a parameter, in bytes.
const MAX_PARAMETER: usize = 2048;

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}

/// Scopes, with `openid` among them, or `provider-default`, which is the empty list.
pub(crate) fn parse_scopes(text: &str) -> Result<Vec<String>, &'static str> {
    let scopes: Vec<String> = words(text).map(str::to_owned).collect();
    if scopes == [PROVIDER_DEFAULT] {
        return Ok(Vec::new());
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(
            "must hold openid: without it the provider gives no ID token (OpenID Connect Core section 3.1.2.1)",
        );
    }
    // RFC 6749 section 3.3
    let sound = |scope: &String| {
        scope
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if !scopes.iter().all(sound) {
        return Err("a scope is of printable ASCII without quotes and backslashes");
    }
    if scopes.iter().any(|scope| scope == PROVIDER_DEFAULT) {
        return Err("provider-default stands alone: it asks for no scope by name");
    }
    Ok(scopes)
}

/// Signature algorithms by their registered names.
pub(crate) fn parse_algs(text: &str, what: &str) -> Result<Vec<SigningAlg>, String> {
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

pub(crate) fn parse_response_mode(text: &str) -> Result<ResponseMode, &'static str> {
    match text {
        "query" => Ok(ResponseMode::Query),
        "form_post" => Ok(ResponseMode::FormPost),
        _ => Err("write query or form_post"),
    }
}

pub(crate) fn parse_par(text: &str) -> Result<Par, &'static str> {
    match text {
        "auto" => Ok(Par::Auto),
        "always" => Ok(Par::Always),
        "off" => Ok(Par::Off),
        _ => Err("write auto, always or off"),
    }
}

pub(crate) fn parse_at_least_one(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number of at least 1"),
        Ok(number) => Ok(number),
    }
}

/// Names that a sign-in link may carry.
pub(crate) fn parse_login_parameters(text: &str) -> Result<Vec<ParameterName>, String> {
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
pub(crate) fn parse_authorize_parameters(
    text: &str,
) -> Result<Vec<(ParameterName, String)>, String> {
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
    use std::path::PathBuf;

    use super::{
        StoreSetting, parse_authorize_parameters, parse_login_parameters, parse_scopes, parse_span,
        parse_store,
    };

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

    #[test]
    fn times_have_units() {
        assert_eq!(
            (
                parse_span("90s"),
                parse_span("30m"),
                parse_span("12h"),
                parse_span("7d"),
                parse_span("600")
            ),
            (Ok(90), Ok(1800), Ok(43200), Ok(604_800), Ok(600))
        );
        for bad in ["", "h", "12 h", "12w", "-1h", "30s", "999999999999d"] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn stores_are_named_by_scheme() {
        assert_eq!(parse_store("memory:"), Ok(StoreSetting::Memory));
        assert_eq!(parse_store("sqlite:"), Ok(StoreSetting::Sqlite(None)));
        assert_eq!(
            parse_store("sqlite:a/b.db"),
            Ok(StoreSetting::Sqlite(Some(PathBuf::from("a/b.db"))))
        );
        assert_eq!(
            parse_store("sqlite:///var/lib/c.db"),
            Ok(StoreSetting::Sqlite(Some(PathBuf::from("/var/lib/c.db"))))
        );
        assert!(parse_store("file.db").is_err());
    }
}
