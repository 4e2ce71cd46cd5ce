//! Single values: stores, times, sizes, networks and numbers. Each error says what to write.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

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

/// `250ms`, `30s`, `5m`, `1h`, or seconds: how long one step of a call may take.
pub(crate) fn parse_time_out(text: &str) -> Result<Duration, &'static str> {
    const HELP: &str = "write a time such as 250ms, 30s or 5m, of at most a day";
    const DAY: Duration = Duration::from_hours(24);
    let (number, unit) = number_and_unit(text).ok_or(HELP)?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        _ => return Err(HELP),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .filter(|time| !time.is_zero() && *time <= DAY)
        .ok_or(HELP)
}

/// `64KiB`, `16MiB`, `1GiB`, or bytes; `None` for `unlimited`. Nothing is not a size: elsewhere it means unlimited.
pub(crate) fn parse_size(text: &str) -> Result<Option<u64>, &'static str> {
    const HELP: &str = "write a size such as 64KiB, 16MiB or 1GiB, or unlimited";
    if text == "unlimited" {
        return Ok(None);
    }
    let (number, unit) = number_and_unit(text).ok_or(HELP)?;
    let bytes = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(HELP),
    };
    match number.checked_mul(bytes) {
        None | Some(0) => Err(HELP),
        size => Ok(size),
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| plain)?;
    Some((number, text.get(digits.len()..)?))
}

/// Whether this is one scope token (RFC 6749 section 3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
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

pub(crate) fn parse_at_least_one(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number of at least 1"),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{StoreSetting, is_scope, parse_size, parse_span, parse_store, parse_time_out};

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
    fn time_outs_may_be_short() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("30", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
        ] {
            assert_eq!(
                parse_time_out(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for bad in [
            "",
            "s",
            "0s",
            "0ms",
            "-1s",
            "+1s",
            "1.5s",
            "5 s",
            "25h",
            "1d",
            "99999999999999999999s",
            "9999999999999999999h",
        ] {
            assert!(parse_time_out(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_of_bytes() {
        for (text, bytes) in [
            ("1", Some(1)),
            ("64KiB", Some(65_536)),
            ("16MiB", Some(16_777_216)),
            ("1GiB", Some(1_073_741_824)),
            ("unlimited", None),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in [
            "",
            "0",
            "0MiB",
            "MiB",
            "16MB",
            "16mib",
            "+1",
            "-1",
            "1 KiB",
            "Unlimited",
            "99999999999GiB",
        ] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_is_one_token() {
        for good in [
            "openid",
            "orders:read",
            "https://api.example.com/orders.read",
            "!#[]~",
        ] {
            assert!(is_scope(good), "{good}");
        }
        for bad in ["", "a b", "a\tb", "a\"b", "a\\b", "caf\u{e9}", "a\u{7f}"] {
            assert!(!is_scope(bad), "{bad:?}");
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
