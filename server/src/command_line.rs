//! The command line. Flags follow from the table of settings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use crate::settings::apis::KEYS;
use crate::settings::table::{Kind, SETTINGS};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Serve, with these settings over the others.
    Serve {
        file: Option<PathBuf>,
        flags: BTreeMap<&'static str, String>,
    },
    /// Print a new key.
    NewKey,
}

const ABOUT: &str = "Keeps the tokens on the server and gives the browser a ticket.\n\nWithout a subcommand it serves. Every setting can stand in the configuration file, in the environment (CLOAKROOM_ and the name in capitals) or, but for secrets, on the command line; each of these goes over the one before.";

/// APIs are as many as somebody names: they have no flags.
const APIS: &str = "APIs that pages call under /api/NAME/ are named in the environment, by CLOAKROOM_API_NAME=https://api.example.com, or in the configuration file, by a table [api.NAME], and not by flags. The keys of such a table:";

/// The whole command line.
pub(crate) fn command() -> Command {
    let settings = SETTINGS
        .iter()
        .filter(|setting| setting.kind == Kind::Plain)
        .map(|setting| {
            Arg::new(setting.name)
                .long(setting.flag())
                .value_name("VALUE")
                .help(setting.help)
        });
    Command::new("cloakroom")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(after_help())
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Configuration file [default: cloakroom.toml, where it is]"),
        )
        .args(settings)
        .subcommand(
            Command::new("keys")
                .about("Keys for the key ring")
                .subcommand_required(true)
                .subcommand(
                    Command::new("new").about("Print a new key, as CLOAKROOM_KEYS takes it"),
                ),
        )
}

fn after_help() -> String {
    let mut text = APIS.to_owned();
    for (key, meaning) in KEYS {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {key:<18} {meaning}");
    }
    text
}

/// Reads what was asked.
pub(crate) fn asked(matches: &ArgMatches) -> Asked {
    if matches.subcommand_matches("keys").is_some() {
        return Asked::NewKey;
    }
    let flags = SETTINGS
        .iter()
        .filter(|setting| setting.kind == Kind::Plain)
        .filter_map(|setting| {
            Some((
                setting.name,
                matches.get_one::<String>(setting.name)?.clone(),
            ))
        })
        .collect();
    Asked::Serve {
        file: matches.get_one::<String>("config").map(PathBuf::from),
        flags,
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, asked, command};

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_become_settings_and_secrets_are_none() {
        let matches = command()
            .try_get_matches_from([
                "cloakroom",
                "--public-url",
                "https://a",
                "--config",
                "x.toml",
            ])
            .expect("it parses");
        let Asked::Serve { file, flags } = asked(&matches) else {
            panic!("it serves")
        };
        assert_eq!(file.as_deref(), Some(std::path::Path::new("x.toml")));
        assert_eq!(
            flags.get("public_url").map(String::as_str),
            Some("https://a")
        );
        assert!(
            command()
                .try_get_matches_from(["cloakroom", "--client-secret", "x"])
                .is_err()
        );
        assert!(
            command()
                .try_get_matches_from(["cloakroom", "--keys", "x"])
                .is_err()
        );
    }

    #[test]
    fn the_help_says_how_apis_are_named() {
        let help = command().render_long_help().to_string();
        assert!(help.contains("CLOAKROOM_API_NAME="), "{help}");
        for key in ["routes", "forward_user", "danger_plain_http"] {
            assert!(help.contains(&format!("\n  {key} ")), "{key}: {help}");
        }
    }

    #[test]
    fn keys_new_prints_a_key() {
        let matches = command()
            .try_get_matches_from(["cloakroom", "keys", "new"])
            .expect("it parses");
        assert!(matches!(asked(&matches), Asked::NewKey));
    }
}
