//! The modules by name, with the fault that makes each: `oidcc-client-test-..` of the basic, configuration and full plans,
//! `fapi2-security-profile-final-client-test-..`, and the scenarios of `okta-oidc-tck`.

use crate::provider::{Effect, Fault, Needs};

/// One module: what the provider does, and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Module {
    /// Its name: the suite's, or `testkit-` and the fault's.
    pub name: String,
    /// How the provider is wrong; none where it is honest.
    pub fault: Option<Fault>,
    /// How far the sign-in may get.
    pub expects: Effect,
    /// What the application or the provider must be like for it.
    pub requires: Requirement,
}

/// What a module asks for beyond an application that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// Nothing.
    Nothing,
    /// The application is started anew for it ([`Runner::restart`](super::Runner::restart)).
    FreshStart,
    /// The provider announces `iss` ([`Builder::announce_iss`](crate::provider::Builder::announce_iss)).
    AnnouncedIss,
    /// The application pushes its authorization requests.
    Pushing,
    /// The application asks for `response_mode=form_post`.
    FormPost,
    /// The application asks for `response_mode=query`.
    Query,
    /// The provider signs with ES256.
    Es256,
    /// The provider signs userinfo.
    SignedUserinfo,
    /// The application authenticates by `client_secret_basic`.
    Basic,
    /// The signing key is another from this module on, until its end.
    Rotation,
    /// The sign-in starts at `/auth/initiate` (OpenID Connect Core 1.0, section 4).
    Initiation,
    /// The application is made to refresh, which only its own tests can.
    Refresh,
    /// The sign-in asks for `max_age` and `acr_values`.
    Asking,
    /// It takes as long as the application waits.
    Patience,
}

impl From<Needs> for Requirement {
    fn from(needs: Needs) -> Self {
        match needs {
            Needs::Nothing => Self::Nothing,
            Needs::FreshStart | Needs::FreshKeys => Self::FreshStart,
            Needs::AnnouncedIss => Self::AnnouncedIss,
            Needs::Pushing => Self::Pushing,
            Needs::FormPost => Self::FormPost,
            Needs::FormSubmission => Self::Query,
            Needs::Asking => Self::Asking,
            Needs::Patience => Self::Patience,
        }
    }
}

impl Module {
    fn honest(name: &str, requires: Requirement) -> Self {
        Self {
            name: name.to_owned(),
            fault: None,
            expects: Effect::Succeeds,
            requires,
        }
    }

    fn of(name: &str, fault: Fault) -> Self {
        Self {
            name: name.to_owned(),
            expects: fault.effect(),
            requires: fault.needs().into(),
            fault: Some(fault),
        }
    }

    fn requiring(mut self, requires: Requirement) -> Self {
        self.requires = requires;
        self
    }
}

/// Every module that applies to the code flow. Those about rotation come first: an application fetches keys again for an
/// unknown `kid` only so often.
pub fn modules() -> Vec<Module> {
    let mut modules = basic();
    modules.extend(refused());
    modules.extend(fapi());
    modules.extend(okta());
    modules
}

fn basic() -> Vec<Module> {
    use Requirement as R;
    let name = |end: &str| format!("oidcc-client-test{end}");
    let honest = |end: &str, requires| Module::honest(&name(end), requires);
    let of = |end: &str, fault| Module::of(&name(end), fault);
    vec![
        honest("", R::Nothing),
        of(
            "-signing-key-rotation-just-before-signing",
            Fault::RotatedKey,
        ),
        honest("-signing-key-rotation", R::Rotation),
        of("-kid-absent-multiple-jwks", Fault::NoKidSeveralKeys),
        honest("-client-secret-basic", R::Basic),
        honest("-idtoken-sig-rs256", R::Nothing),
        honest("-scope-userinfo-claims", R::Nothing),
        honest("-userinfo-bearer-header", R::Nothing),
        honest("-userinfo-signed", R::SignedUserinfo),
        honest("-discovery-openid-config", R::FreshStart),
        honest("-discovery-jwks-uri-keys", R::FreshStart),
        honest("-3rd-party-init-login", R::Initiation),
        honest("-refresh-token", R::Refresh),
        of("-refresh-token-invalid-issuer", Fault::WrongIss).requiring(R::Refresh),
        of("-refresh-token-invalid-sub", Fault::OtherSub).requiring(R::Refresh),
        of("-missing-athash", Fault::MissingAtHash),
        of("-missing-chash", Fault::MissingCHash),
        of("-aggregated-claims", Fault::UnknownClaims),
        of("-distributed-claims", Fault::UnknownClaims),
    ]
}

fn refused() -> Vec<Module> {
    use Requirement as R;
    let of = |end: &str, fault| Module::of(&format!("oidcc-client-test{end}"), fault);
    let denied = Fault::AccessDenied {
        description: "The resource owner or authorization server denied the request.".to_owned(),
    };
    vec![
        of("-idtoken-sig-none", Fault::AlgNone),
        of("-invalid-iss", Fault::WrongIss),
        of("-invalid-aud", Fault::WrongAud),
        of("-missing-aud", Fault::MissingAud),
        of("-invalid-sig-rs256", Fault::BadSignature),
        of("-invalid-sig-es256", Fault::BadSignature).requiring(R::Es256),
        of("-invalid-sig-hs256", Fault::AlgHs256WithPublicKey),
        of("-missing-iat", Fault::MissingIat),
        of("-missing-sub", Fault::MissingSub),
        of("-nonce-invalid", Fault::WrongNonce),
        of("-invalid-athash", Fault::WrongAtHash),
        of("-invalid-chash", Fault::WrongCHash),
        of("-userinfo-invalid-sub", Fault::UserinfoWrongSub),
        of("-form-post-error", denied).requiring(R::FormPost),
        of("-discovery-issuer-mismatch", Fault::DiscoveryIssuerMismatch),
    ]
}

fn fapi() -> Vec<Module> {
    let of =
        |end: &str, fault| Module::of(&format!("fapi2-security-profile-final-client-{end}"), fault);
    let happy = "fapi2-security-profile-final-client-test-happy-path";
    vec![
        Module::honest(happy, Requirement::Pushing),
        of(
            "test-discovery-issuer-mismatch",
            Fault::DiscoveryIssuerMismatch,
        ),
        of(
            "test-ensure-authorization-response-with-invalid-state-fails",
            Fault::AlterState,
        ),
        of(
            "test-ensure-authorization-response-with-invalid-missing-state-fails",
            Fault::DropState,
        ),
        of(
            "test-invalid-authorization-response-iss",
            Fault::ResponseWrongIss,
        ),
        of(
            "test-remove-authorization-response-iss",
            Fault::ResponseMissingIss,
        ),
        of("test-invalid-aud", Fault::WrongAud),
        of("test-invalid-secondary-aud", Fault::ExtraAud),
        of("test-invalid-missing-aud", Fault::MissingAud),
        of("test-invalid-iss", Fault::WrongIss),
        of("test-invalid-missing-iss", Fault::NoIssClaim),
        of("test-invalid-expired-exp", Fault::Expired),
        of("test-invalid-missing-exp", Fault::MissingExp),
        of("test-invalid-nonce", Fault::WrongNonce),
        of("test-invalid-missing-nonce", Fault::MissingNonce),
        of("test-invalid-null-alg", Fault::AlgNone),
        of("test-invalid-alternate-alg", Fault::AlternateAlg),
        of("test-valid-aud-as-array", Fault::AudArray),
        of(
            "test-token-endpoint-response-without-expires_in",
            Fault::NoExpiresIn,
        ),
        of("test-token-type-case-insensitivity", Fault::TokenTypeCase),
    ]
}

fn okta() -> Vec<Module> {
    let honest = |end: &str| Module::honest(&format!("okta-tck-{end}"), Requirement::Nothing);
    let of = |end: &str, fault| Module::of(&format!("okta-tck-{end}"), fault);
    vec![
        honest("redirectToLogin"),
        honest("followRedirect"),
        honest("respondWithCode"),
        of("wrongState", Fault::AlterState),
        of("noAuthCode", Fault::NoCode),
        of("invalidSignature", Fault::BadSignature),
        of("wrongKeyId", Fault::UnknownKid),
        of("wrongAudience", Fault::WrongAud),
        of("invalidIssuer", Fault::WrongIss),
        of("issuedInFuture", Fault::IssuedInFuture),
        of("expired", Fault::Expired),
        of("nbfInFuture", Fault::NbfInFuture),
        of("unsigned", Fault::AlgNone),
    ]
}

/// The faults that no module of another's names, each as one of ours.
pub fn remaining_faults() -> Vec<Module> {
    let named: Vec<Fault> = modules()
        .into_iter()
        .filter_map(|module| module.fault)
        .collect();
    let rest = Fault::every()
        .into_iter()
        .filter(|fault| !named.contains(fault));
    rest.map(|fault| Module::of(&format!("testkit-{}", kebab(&fault)), fault))
        .collect()
}

/// `UserinfoWrongSub` as `userinfo-wrong-sub`, with a value behind it where there is one.
fn kebab(fault: &Fault) -> String {
    let debug = format!("{fault:?}");
    let name: String = debug
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let mut text = String::new();
    for (index, character) in name.chars().enumerate() {
        if index > 0 && character.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(character.to_ascii_lowercase());
    }
    match fault {
        Fault::AuthorizationError(value)
        | Fault::Par400(value)
        | Fault::Token400(value)
        | Fault::MetadataWithout(value) => format!("{text}-{value}"),
        _ => text,
    }
}
