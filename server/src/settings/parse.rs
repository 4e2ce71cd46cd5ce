//! Single values: stores, times, networks and numbers. Each error says what to write.

use std::path::PathBuf;

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

    use super::{StoreSetting, parse_span, parse_store};

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
