//! Claims made readable: which come first, and how their values are shown (OpenID Connect Core section 5.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What people look for first, in this order; the rest follows by name.
const FIRST: &[&str] = &[
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "nickname",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "groups",
    "locale",
    "zoneinfo",
    "updated_at",
    "sub",
    "iss",
];

/// A claim's value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    /// Text, a number, a time, yes or no.
    Text(String),
    /// One thing under the other.
    List(Vec<Shown>),
    /// Named parts, such as those of an address.
    Parts(Vec<(String, Shown)>),
    /// The claim is there, with nothing in it.
    Nothing,
}

/// All claims, in the order in which to show them.
pub fn in_order(claims: &Map<String, Value>) -> Vec<(String, Shown)> {
    let place = |name: &str| {
        FIRST
            .iter()
            .position(|first| *first == name)
            .unwrap_or(FIRST.len())
    };
    let mut ordered: Vec<_> = claims.iter().collect();
    ordered.sort_by(|(a, _), (b, _)| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
    ordered
        .into_iter()
        .map(|(name, value)| (name.clone(), shown(name, value)))
        .collect()
}

fn shown(name: &str, value: &Value) -> Shown {
    match value {
        Value::Null => Shown::Nothing,
        Value::Bool(true) => Shown::Text("yes".to_owned()),
        Value::Bool(false) => Shown::Text("no".to_owned()),
        Value::Number(number) => Shown::Text(
            Some(name)
                .filter(|name| *name == "updated_at")
                .and_then(|_| number.as_u64())
                .and_then(utc)
                .unwrap_or_else(|| number.to_string()),
        ),
        Value::String(text) if text.trim().is_empty() => Shown::Nothing,
        Value::String(text) => Shown::Text(text.clone()),
        Value::Array(values) if values.is_empty() => Shown::Nothing,
        Value::Array(values) => Shown::List(values.iter().map(|value| shown("", value)).collect()),
        Value::Object(members) if members.is_empty() => Shown::Nothing,
        Value::Object(members) => Shown::Parts(
            members
                .iter()
                .map(|(name, value)| (name.clone(), shown(name, value)))
                .collect(),
        ),
    }
}

/// Seconds since 1970 as a date and time; `None` beyond the year 9999. Proleptic Gregorian, by counting in eras of 400
/// years that begin in March, so that the leap day is the last of a year.
fn utc(seconds: u64) -> Option<String> {
    const LAST: u64 = 253_402_300_799;
    if seconds > LAST {
        return None;
    }
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Some(format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        rest / 3_600,
        rest / 60 % 60
    ))
}

/// A length of time, rounded down, as it is said.
pub fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => return "less than a minute".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Shown, in_order, span};

    fn shown(claims: &Value) -> Vec<(String, Shown)> {
        in_order(claims.as_object().expect("an object"))
    }

    fn text(text: &str) -> Shown {
        Shown::Text(text.to_owned())
    }

    #[test]
    fn the_name_comes_first_and_unknown_claims_last_by_name() {
        let names: Vec<_> =
            shown(&json!({"zeta": 1, "alpha": 1, "sub": "1", "email": "a", "name": "A"}))
                .into_iter()
                .map(|(name, _)| name)
                .collect();
        assert_eq!(names, ["name", "email", "sub", "alpha", "zeta"]);
    }

    #[test]
    fn values_are_words_a_person_reads() {
        let claims = shown(
            &json!({"email_verified": true, "age": 41.5, "updated_at": 1_700_000_000, "count": 1_700_000_000, "nickname": " ", "x": null}),
        );
        let value = |name: &str| {
            claims
                .iter()
                .find(|(claim, _)| claim == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(value("email_verified"), Some(text("yes")));
        assert_eq!(value("age"), Some(text("41.5")));
        assert_eq!(value("updated_at"), Some(text("2023-11-14 22:13 UTC")));
        assert_eq!(value("count"), Some(text("1700000000")));
        assert_eq!(value("nickname"), Some(Shown::Nothing));
        assert_eq!(value("x"), Some(Shown::Nothing));
    }

    #[test]
    fn lists_and_parts_keep_their_shape() {
        let claims = shown(
            &json!({"groups": ["everyone", ["nested", false]], "address": {"locality": "Berlin", "lines": []}, "roles": []}),
        );
        assert_eq!(
            claims,
            [
                (
                    "groups".to_owned(),
                    Shown::List(vec![
                        text("everyone"),
                        Shown::List(vec![text("nested"), text("no")])
                    ])
                ),
                (
                    "address".to_owned(),
                    Shown::Parts(vec![
                        ("lines".to_owned(), Shown::Nothing),
                        ("locality".to_owned(), text("Berlin"))
                    ])
                ),
                ("roles".to_owned(), Shown::Nothing),
            ]
        );
    }

    #[test]
    fn times_are_right_around_leap_days_and_at_the_ends() {
        for (seconds, date) in [
            (0_u64, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
        ] {
            assert_eq!(
                shown(&json!({"updated_at": seconds})),
                [("updated_at".to_owned(), text(date))]
            );
        }
        assert_eq!(
            shown(&json!({"updated_at": 253_402_300_800_u64}))[0].1,
            text("253402300800")
        );
        assert_eq!(shown(&json!({"updated_at": -1}))[0].1, text("-1"));
    }

    #[test]
    fn a_span_is_never_longer_than_it_is() {
        for (seconds, words) in [
            (0, "less than a minute"),
            (60, "1 minute"),
            (1_799, "29 minutes"),
            (3_600, "1 hour"),
            (86_399, "23 hours"),
            (172_800, "2 days"),
            (1_209_600, "14 days"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }
}
