//! What the provider can be told to do wrong, one fault at a time. Names in the documentation are the
//! OpenID Foundation's relying-party modules (`oidcc-client-test-..`, `fapi2-..`) and Okta's own test cases.

/// One way for the provider to be wrong. Set with [`Provider::set_fault`](super::Provider::set_fault), it
/// stays until it is cleared or another one is set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    // The authorization response (RFC 6749, section 4.1.2; RFC 9207).
    /// `error=access_denied` with this `error_description`: Okta's "User is not assigned to the client application."
    AccessDenied {
        /// Sent as it is, percent-encoded: text from outside, which may try to be markup.
        description: String,
    },
    /// No `state` (`fapi2-..-ensure-authorization-response-with-invalid-missing-state-fails`, Okta's `wrongState`).
    DropState,
    /// One character of `state` is another (`fapi2-..-ensure-authorization-response-with-invalid-state-fails`).
    AlterState,
    /// `iss` names another issuer (`fapi2-..-test-invalid-authorization-response-iss`), announced or not.
    ResponseWrongIss,
    /// `iss` is announced and missing (`fapi2-..-test-remove-authorization-response-iss`). The metadata
    /// announce it while this fault is set; a relying party that has them already needs
    /// [`announce_iss`](super::Builder::announce_iss).
    ResponseMissingIss,
    /// `code` twice (RFC 6749, section 3.1: parameters must not be repeated).
    RepeatCode,
    /// Both `code` and `error`.
    CodeAndError,
    /// An empty `code` (Okta's `noAuthCode`).
    EmptyCode,
    /// A `code` of 64 KiB.
    HugeCode,

    // The token endpoint (RFC 6749, sections 5.1 and 5.2). The request is checked and recorded all the same.
    /// 400 with this `error`; the code or refresh token of the request stays good.
    Token400(String),
    /// 401 `invalid_client`, with `WWW-Authenticate`.
    Token401,
    /// 500 with a page for people.
    Token500,
    /// 200 with `text/html`.
    TokenHtml,
    /// 307 to an address that would answer with tokens. Following it is counted
    /// ([`Counts::redirect_followed`](super::Counts::redirect_followed)) and is a protocol error.
    TokenRedirect,
    /// No answer until the fault is cleared ([`Provider::release`](super::Provider::release)), then an honest one.
    TokenHang,
    /// A good answer, with 10 MB of padding in one more member.
    TokenHuge,
    /// 200 `application/json`, and a body that is not JSON.
    TokenNotJson,
    /// `token_type` is `mac` (RFC 6749, section 7.1: unknown types must not be used).
    TokenTypeMac,
    /// No `access_token`.
    NoAccessToken,
    /// No `id_token`.
    NoIdToken,
    /// `expires_in` is a string.
    ExpiresInString,
    /// `access_token` twice in the JSON object (RFC 8259, section 4).
    DuplicateMember,
    /// 429 with `invalid_grant`, which Okta sends for a user's rate limit and which says nothing of the grant.
    Token429InvalidGrant,
    /// 429 in Okta's own JSON (`errorCode`, `errorSummary`), not OAuth's, with `X-Rate-Limit-*`.
    OktaJsonError,
    /// The request is carried out, and the connection ends in the middle of the answer.
    TokenAnswerLost,

    // The ID token (OpenID Connect Core 1.0, section 3.1.3.7).
    /// A bit of the signature is wrong (`oidcc-client-test-invalid-sig-rs256`, `-es256`; Okta's `invalidSignature`).
    BadSignature,
    /// `alg: none`, no signature (`oidcc-client-test-idtoken-sig-none`; Okta's `unsigned`).
    AlgNone,
    /// HS256 keyed with the PEM text of the provider's public key (`oidcc-client-test-invalid-sig-hs256`).
    AlgHs256WithPublicKey,
    /// Signed with a published key of an algorithm that the metadata do not list (`fapi2-..-test-invalid-alternate-alg`).
    AlternateAlg,
    /// `iss` is another issuer (`oidcc-client-test-invalid-iss`).
    WrongIss,
    /// No `iss` (`fapi2-..-test-invalid-missing-iss`).
    NoIssClaim,
    /// `aud` is another client (`oidcc-client-test-invalid-aud`).
    WrongAud,
    /// `aud` is this client and another, without `azp` (`fapi2-..-test-invalid-secondary-aud`).
    ExtraAud,
    /// No `aud` (`oidcc-client-test-missing-aud`).
    MissingAud,
    /// `azp` is another client.
    WrongAzp,
    /// `nonce` is another (`oidcc-client-test-nonce-invalid`).
    WrongNonce,
    /// No `nonce`, though one was sent (`fapi2-..-test-invalid-missing-nonce`).
    MissingNonce,
    /// Expired an hour ago (`fapi2-..-test-invalid-expired-exp`; Okta's `expired`).
    Expired,
    /// No `exp` (`fapi2-..-test-invalid-missing-exp`).
    MissingExp,
    /// Issued in one hour (Okta's `issuedInFuture`).
    IssuedInFuture,
    /// Good in one hour (Okta's `nbf in future`).
    NbfInFuture,
    /// No `iat` (`oidcc-client-test-missing-iat`).
    MissingIat,
    /// No `sub` (`oidcc-client-test-missing-sub`).
    MissingSub,
    /// `sub` is a number.
    NonStringSub,
    /// Signed with a key that is not in the key set, under a `kid` that is not there either (Okta's `wrongKeyId`).
    UnknownKid,
    /// `at_hash` belongs to another access token (`oidcc-client-test-invalid-athash`).
    WrongAtHash,
    /// `exp` is a string.
    ExpString,
    /// The header names a critical extension nobody knows (RFC 7515, section 4.1.11).
    CritHeader,
    /// The header brings its own `jwk`, and the signature fits that (RFC 8725, section 3.10).
    EmbeddedJwk,
    /// `auth_time` is a day old: wrong only where `max_age` was asked for.
    StaleAuthTime,
    /// No `auth_time`: wrong only where `max_age` was asked for.
    MissingAuthTime,
    /// `acr` is weaker than asked for: wrong only where `acr_values` were.
    WrongAcr,

    // Userinfo (OpenID Connect Core 1.0, section 5.3).
    /// `sub` is another user's (`oidcc-client-test-userinfo-invalid-sub`).
    UserinfoWrongSub,
    /// 401 `invalid_token`.
    Userinfo401,
    /// 500.
    Userinfo500,
    /// 200 with `text/html`.
    UserinfoHtml,

    // Discovery (OpenID Connect Discovery 1.0, section 4). These meet a relying party that holds nothing yet.
    /// The metadata name another issuer (`oidcc-client-test-discovery-issuer-mismatch`).
    DiscoveryIssuerMismatch,
    /// The metadata answer 503.
    DiscoveryDown,
    /// The key set answers 503.
    JwksDown,

    // Unusual and right: a relying party that refuses these is too strict.
    /// Signed with a new key that is in the key set from then on (`oidcc-client-test-signing-key-rotation-just-before-signing`).
    RotatedKey,
    /// No `kid`, and one key that it can be (`oidcc-client-test-kid-absent-single-jwks`).
    NoKid,
    /// `aud` is an array of one (`fapi2-..-test-valid-aud-as-array`).
    AudArray,
    /// `token_type` is `bEARER` (`fapi2-..-test-token-type-case-insensitivity`).
    TokenTypeCase,
    /// No `expires_in` (`fapi2-..-test-token-endpoint-response-without-expires_in`).
    NoExpiresIn,
    /// `exp` and `iat` with a fraction (RFC 7519, section 2: a `NumericDate` may have one).
    FractionalTimes,
}

/// How far a sign-in gets under a [`Fault`]: which requests the provider may see, and whether a session comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// The browser is never sent to the provider: the relying party has no metadata that it may use.
    NoStart,
    /// Refused at the callback: no token request, no session.
    RefusedAtCallback,
    /// The token request gets no usable answer: no userinfo request, no session.
    RefusedAtToken,
    /// The ID token is refused: no userinfo request, no session.
    RefusedIdToken,
    /// The userinfo answer must not be used. Whether the sign-in goes on without it is the relying party's choice.
    UserinfoUnusable,
    /// Refused like [`RefusedIdToken`](Self::RefusedIdToken), but only where the request asked for what is missing.
    RefusedWhereAsked,
    /// The sign-in succeeds.
    Succeeds,
}

impl Effect {
    /// Whether the provider may see a token request in the course of the sign-in.
    pub fn token_request(self) -> bool {
        !matches!(self, Self::NoStart | Self::RefusedAtCallback)
    }

    /// Whether the provider may see a userinfo request in the course of the sign-in.
    pub fn userinfo_request(self) -> bool {
        matches!(
            self,
            Self::UserinfoUnusable | Self::RefusedWhereAsked | Self::Succeeds
        )
    }
}

impl Fault {
    /// Every fault that makes a sign-in fail, with how far it gets: for tests that walk the table.
    ///
    /// Not among them: what is wrong only where it was asked for, and what is unusual and right
    /// ([`tolerated`](Self::tolerated)). [`ResponseMissingIss`](Self::ResponseMissingIss) needs a provider that
    /// announces `iss`, and [`Effect::NoStart`] and [`JwksDown`](Self::JwksDown) a relying party that has
    /// fetched nothing yet. [`TokenHang`](Self::TokenHang) takes as long as the relying party waits.
    pub fn all() -> impl Iterator<Item = (Self, Effect)> {
        Self::every()
            .into_iter()
            .map(|fault| {
                let effect = fault.effect();
                (fault, effect)
            })
            .filter(|(_, effect)| !matches!(effect, Effect::Succeeds | Effect::RefusedWhereAsked))
    }

    /// What is unusual and right: under each of these a sign-in succeeds.
    pub fn tolerated() -> impl Iterator<Item = Self> {
        Self::every()
            .into_iter()
            .filter(|fault| fault.effect() == Effect::Succeeds)
    }

    /// How far a sign-in gets under this fault.
    pub fn effect(&self) -> Effect {
        match self {
            Self::DiscoveryIssuerMismatch | Self::DiscoveryDown => Effect::NoStart,
            Self::AccessDenied { .. }
            | Self::DropState
            | Self::AlterState
            | Self::ResponseWrongIss
            | Self::ResponseMissingIss
            | Self::RepeatCode
            | Self::CodeAndError
            | Self::EmptyCode
            | Self::HugeCode => Effect::RefusedAtCallback,
            Self::Token400(_)
            | Self::Token401
            | Self::Token500
            | Self::TokenHtml
            | Self::TokenRedirect
            | Self::TokenHang
            | Self::TokenHuge
            | Self::TokenNotJson
            | Self::TokenTypeMac
            | Self::NoAccessToken
            | Self::NoIdToken
            | Self::ExpiresInString
            | Self::DuplicateMember
            | Self::Token429InvalidGrant
            | Self::OktaJsonError
            | Self::TokenAnswerLost => Effect::RefusedAtToken,
            Self::UserinfoWrongSub | Self::Userinfo401 | Self::Userinfo500 | Self::UserinfoHtml => {
                Effect::UserinfoUnusable
            }
            Self::StaleAuthTime | Self::MissingAuthTime | Self::WrongAcr => {
                Effect::RefusedWhereAsked
            }
            Self::RotatedKey
            | Self::NoKid
            | Self::AudArray
            | Self::TokenTypeCase
            | Self::NoExpiresIn
            | Self::FractionalTimes => Effect::Succeeds,
            _ => Effect::RefusedIdToken,
        }
    }

    /// Every fault there is; those with a value, with one that says what it is for.
    pub fn every() -> Vec<Self> {
        vec![
            Self::AccessDenied {
                description: "<script>alert('a policy says no')</script> & \"more\"".to_owned(),
            },
            Self::DropState,
            Self::AlterState,
            Self::ResponseWrongIss,
            Self::ResponseMissingIss,
            Self::RepeatCode,
            Self::CodeAndError,
            Self::EmptyCode,
            Self::HugeCode,
            Self::Token400("invalid_grant".to_owned()),
            Self::Token401,
            Self::Token500,
            Self::TokenHtml,
            Self::TokenRedirect,
            Self::TokenHang,
            Self::TokenHuge,
            Self::TokenNotJson,
            Self::TokenTypeMac,
            Self::NoAccessToken,
            Self::NoIdToken,
            Self::ExpiresInString,
            Self::DuplicateMember,
            Self::Token429InvalidGrant,
            Self::OktaJsonError,
            Self::TokenAnswerLost,
            Self::BadSignature,
            Self::AlgNone,
            Self::AlgHs256WithPublicKey,
            Self::AlternateAlg,
            Self::WrongIss,
            Self::NoIssClaim,
            Self::WrongAud,
            Self::ExtraAud,
            Self::MissingAud,
            Self::WrongAzp,
            Self::WrongNonce,
            Self::MissingNonce,
            Self::Expired,
            Self::MissingExp,
            Self::IssuedInFuture,
            Self::NbfInFuture,
            Self::MissingIat,
            Self::MissingSub,
            Self::NonStringSub,
            Self::UnknownKid,
            Self::WrongAtHash,
            Self::ExpString,
            Self::CritHeader,
            Self::EmbeddedJwk,
            Self::StaleAuthTime,
            Self::MissingAuthTime,
            Self::WrongAcr,
            Self::UserinfoWrongSub,
            Self::Userinfo401,
            Self::Userinfo500,
            Self::UserinfoHtml,
            Self::DiscoveryIssuerMismatch,
            Self::DiscoveryDown,
            Self::JwksDown,
            Self::RotatedKey,
            Self::NoKid,
            Self::AudArray,
            Self::TokenTypeCase,
            Self::NoExpiresIn,
            Self::FractionalTimes,
        ]
    }
}
