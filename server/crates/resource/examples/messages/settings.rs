//! What the program is told by its environment, and the resource server that comes of it.

use std::error::Error;

use cloakroom_oidc::client::{Clock, HttpClient, HttpLimits, Provider};
use cloakroom_oidc::{ClientAuth, ClientSecret, Issuer, RelyingParty};
use cloakroom_resource::{ProtectedResource, Random, ResourceServer, TrustedIssuer};
use tracing::Level;

use super::routes::SCOPES;

/// | variable | meaning |
/// |---|---|
/// | `MESSAGES_ISSUER` | whose access tokens count |
/// | `MESSAGES_AUDIENCE` | what they call this API; default `api://default` |
/// | `MESSAGES_LISTEN` | default `127.0.0.1:4001` |
/// | `MESSAGES_PROFILE` | `okta` (default) or `rfc9068` |
/// | `MESSAGES_CLIENT_ID`, `MESSAGES_CLIENT_SECRET` | with both, the issuer is asked about each token (RFC 7662), whatever the profile |
/// | `MESSAGES_RESOURCE` | this API's own address (RFC 9728); default `http://` and where it listens |
/// | `MESSAGES_LOG` | `info` (default), `debug` says why tokens are refused |
pub(crate) struct Settings {
    pub(crate) issuer: Issuer,
    pub(crate) listen: String,
    pub(crate) level: Level,
    audience: String,
    profile: Profile,
    resource: Option<String>,
}

enum Profile {
    Okta,
    Rfc9068,
    Introspected(RelyingParty),
}

impl Settings {
    pub(crate) fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Box<dyn Error>> {
        let or = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        let issuer = variable("MESSAGES_ISSUER")
            .ok_or("MESSAGES_ISSUER is not set; it names the issuer whose access tokens count")?;
        let client = (
            variable("MESSAGES_CLIENT_ID"),
            variable("MESSAGES_CLIENT_SECRET"),
        );
        let profile = match (client, or("MESSAGES_PROFILE", "okta").as_str()) {
            ((Some(id), Some(secret)), "okta" | "rfc9068") => {
                let auth = ClientAuth::SecretBasic(ClientSecret::new(secret));
                Profile::Introspected(RelyingParty::new(id, auth, ""))
            }
            ((None, None), "okta") => Profile::Okta,
            ((None, None), "rfc9068") => Profile::Rfc9068,
            ((None, None) | (Some(_), Some(_)), _) => {
                return Err("MESSAGES_PROFILE is okta or rfc9068".into());
            }
            _ => {
                return Err("set MESSAGES_CLIENT_ID and MESSAGES_CLIENT_SECRET, or neither".into());
            }
        };
        Ok(Self {
            issuer: Issuer::parse(&issuer)?,
            listen: or("MESSAGES_LISTEN", "127.0.0.1:4001"),
            level: or("MESSAGES_LOG", "info")
                .parse()
                .map_err(|_| "MESSAGES_LOG is error, warn, info, debug or trace")?,
            audience: or("MESSAGES_AUDIENCE", "api://default"),
            profile,
            resource: variable("MESSAGES_RESOURCE"),
        })
    }

    /// `address` is where this API is found, unless the settings say something else.
    pub(crate) fn server(
        &self,
        address: &str,
        clock: &Clock,
        random: Random,
    ) -> Result<ResourceServer, Box<dyn Error>> {
        let http = HttpClient::new(HttpLimits::default())?;
        let provider = Provider::new(self.issuer.clone(), http, Clock::clone(clock));
        let issuer = match &self.profile {
            Profile::Okta => TrustedIssuer::okta(provider),
            Profile::Rfc9068 => TrustedIssuer::rfc9068(provider),
            Profile::Introspected(client) => {
                TrustedIssuer::introspected(provider, client.clone(), random)
            }
        };
        let resource = self.resource.as_deref().unwrap_or(address);
        let resource = ProtectedResource::new(resource)
            .map_err(|error| format!("MESSAGES_RESOURCE: {error}"))?;
        let server = ResourceServer::builder([self.audience.as_str()], Clock::clone(clock))
            .issuer(issuer)
            .metadata(resource.scopes(SCOPES))
            .build()?;
        Ok(server)
    }
}
