//! How far a sign-in gets under each fault, and what a relying party must be like to meet it: one row a fault.

use super::fault::Fault;

/// How far a sign-in gets under a [`Fault`]: which requests the provider may see, and whether a session comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// The browser is never sent to the provider: the relying party has no metadata that it may use.
    NoStart,
    /// The browser is never sent to the provider: the pushed authorization request got no usable answer.
    RefusedAtPush,
    /// The browser is sent to the provider, and stays there with a page.
    EndsAtProvider,
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
    /// Either is right: refused like [`RefusedIdToken`](Self::RefusedIdToken), or a sign-in that succeeds.
    EitherWay,
    /// The sign-in succeeds.
    Succeeds,
}

/// What a relying party, or the test, must be like for a [`Fault`] to bite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing: any sign-in meets it.
    Nothing,
    /// The relying party has fetched neither metadata nor keys yet.
    FreshStart,
    /// The provider announces `iss` ([`Builder::announce_iss`](super::Builder::announce_iss)).
    AnnouncedIss,
    /// The relying party pushes its authorization requests (RFC 9126).
    Pushing,
    /// The relying party asks for `response_mode=form_post`.
    FormPost,
    /// The relying party asks for `response_mode=query`, and the test submits forms
    /// ([`Browser::submit_form`](crate::Browser::submit_form)).
    FormSubmission,
    /// The request has `max_age` and `acr_values`.
    Asking,
    /// Patience: it takes as long as the relying party waits.
    Patience,
}

impl Effect {
    /// Whether the provider may see a token request in the course of the sign-in.
    pub fn token_request(self) -> bool {
        !matches!(
            self,
            Self::NoStart | Self::RefusedAtPush | Self::EndsAtProvider | Self::RefusedAtCallback
        )
    }

    /// Whether the provider may see a userinfo request in the course of the sign-in.
    pub fn userinfo_request(self) -> bool {
        matches!(
            self,
            Self::UserinfoUnusable | Self::RefusedWhereAsked | Self::EitherWay | Self::Succeeds
        )
    }

    /// Whether a session may come of it.
    pub fn session(self) -> bool {
        matches!(
            self,
            Self::UserinfoUnusable | Self::RefusedWhereAsked | Self::EitherWay | Self::Succeeds
        )
    }
}

impl Fault {
    /// Every fault that makes a sign-in fail, with how far it gets: for tests that walk the table.
    ///
    /// Not among them: what is wrong only where it was asked for, what may be taken either way, and what is unusual
    /// and right ([`tolerated`](Self::tolerated)). Some bite only under a condition: [`needs`](Self::needs) says which.
    pub fn all() -> impl Iterator<Item = (Self, Effect)> {
        let failing = |effect: &Effect| {
            !matches!(
                effect,
                Effect::Succeeds | Effect::RefusedWhereAsked | Effect::EitherWay
            )
        };
        table()
            .into_iter()
            .filter(move |(_, effect, _)| failing(effect))
            .map(|(fault, effect, _)| (fault, effect))
    }

    /// What is unusual and right: under each of these a sign-in succeeds.
    pub fn tolerated() -> impl Iterator<Item = Self> {
        table()
            .into_iter()
            .filter(|(_, effect, _)| *effect == Effect::Succeeds)
            .map(|(fault, ..)| fault)
    }

    /// Every fault there is; those with a value, with some that say what it is for.
    pub fn every() -> Vec<Self> {
        table().into_iter().map(|(fault, ..)| fault).collect()
    }

    /// How far a sign-in gets under this fault.
    pub fn effect(&self) -> Effect {
        self.row().0
    }

    /// What it takes for this fault to bite.
    pub fn needs(&self) -> Needs {
        self.row().1
    }

    fn row(&self) -> (Effect, Needs) {
        let kind = std::mem::discriminant(self);
        table()
            .into_iter()
            .find(|(fault, ..)| std::mem::discriminant(fault) == kind)
            .map(|(_, effect, needs)| (effect, needs))
            .expect("every fault has a row")
    }
}

type Row = (Fault, Effect, Needs);

fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |effect, needs, faults: Vec<Fault>| {
        rows.extend(faults.into_iter().map(|fault| (fault, effect, needs)));
    };
    add(
        Effect::RefusedAtCallback,
        Needs::Nothing,
        authorization_response(),
    );
    add(
        Effect::RefusedAtCallback,
        Needs::AnnouncedIss,
        vec![Fault::ResponseMissingIss, Fault::ErrorWithoutIss],
    );
    add(
        Effect::RefusedAtCallback,
        Needs::FormPost,
        vec![Fault::QueryUnasked],
    );
    add(
        Effect::RefusedAtCallback,
        Needs::FormSubmission,
        vec![Fault::FormPostUnasked],
    );
    add(Effect::RefusedAtPush, Needs::Pushing, pushed());
    add(
        Effect::EndsAtProvider,
        Needs::Pushing,
        vec![Fault::ParExpired],
    );
    add(Effect::RefusedAtToken, Needs::Nothing, token_answer());
    add(
        Effect::RefusedAtToken,
        Needs::Patience,
        vec![Fault::TokenHang, Fault::TokenDrip],
    );
    add(Effect::RefusedIdToken, Needs::Nothing, id_token());
    add(
        Effect::RefusedWhereAsked,
        Needs::Asking,
        vec![
            Fault::StaleAuthTime,
            Fault::MissingAuthTime,
            Fault::WrongAcr,
            Fault::MissingAcr,
        ],
    );
    add(
        Effect::EitherWay,
        Needs::Nothing,
        vec![
            Fault::NoKidSeveralKeys,
            Fault::IatFarPast,
            Fault::ExpiresInFraction,
            Fault::UserinfoIsIdToken,
        ],
    );
    add(Effect::UserinfoUnusable, Needs::Nothing, userinfo());
    add(Effect::NoStart, Needs::FreshStart, metadata());
    add(
        Effect::RefusedIdToken,
        Needs::FreshStart,
        vec![
            Fault::JwksDown,
            Fault::JwksHtml,
            Fault::JwksEmpty,
            Fault::JwksOnlyDecoys,
            Fault::JwksHuge,
            Fault::JwksRedirect,
        ],
    );
    add(Effect::Succeeds, Needs::Nothing, tolerated());
    rows
}

fn authorization_response() -> Vec<Fault> {
    let denied = |description: &str| Fault::AccessDenied {
        description: description.to_owned(),
    };
    let error = |code: &str| Fault::AuthorizationError(code.to_owned());
    vec![
        denied("<script>alert('a policy says no')</script> & \"more\""),
        denied("two\r\nlines\u{0}\u{1b}[31m and \u{202e}backwards"),
        error("invalid_scope"),
        error("unmet_authentication_requirements"),
        error("temporarily_unavailable"),
        error("urn:example:nobody-knows"),
        Fault::ErrorWrongIss,
        Fault::DropState,
        Fault::AlterState,
        Fault::ResponseWrongIss,
        Fault::RepeatCode,
        Fault::RepeatState,
        Fault::RepeatIss,
        Fault::CodeAndError,
        Fault::EmptyCode,
        Fault::NoCode,
        Fault::NonUtf8Code,
        Fault::FragmentResponse,
        Fault::HugeCode,
    ]
}

fn pushed() -> Vec<Fault> {
    vec![
        Fault::Par400("invalid_request".to_owned()),
        Fault::Par401,
        Fault::Par405,
        Fault::Par413,
        Fault::Par429,
        Fault::Par500,
        Fault::ParEmpty,
        Fault::ParHtml,
        Fault::ParNotJson,
        Fault::ParRedirect,
        Fault::ParNoRequestUri,
        Fault::ParEmptyRequestUri,
        Fault::ParExpiresInString,
        Fault::ParHang,
    ]
}

fn token_answer() -> Vec<Fault> {
    vec![
        Fault::Token400("invalid_grant".to_owned()),
        Fault::Token401,
        Fault::Token401Empty,
        Fault::Token400Empty,
        Fault::Token400Array,
        Fault::Token403,
        Fault::Token500,
        Fault::Token503,
        Fault::Token200Empty,
        Fault::TokenError200,
        Fault::TokenErrorMarkup,
        Fault::TokenHtml,
        Fault::TokenRedirect,
        Fault::Token302,
        Fault::TokenHuge,
        Fault::TokenNotJson,
        Fault::TokenWrongContentType,
        Fault::TokenArray,
        Fault::TokenBom,
        Fault::TokenGzip,
        Fault::TokenDeep,
        Fault::TokenTypeMac,
        Fault::NoTokenType,
        Fault::NoAccessToken,
        Fault::AccessTokenNumber,
        Fault::EmptyAccessToken,
        Fault::NoIdToken,
        Fault::IdTokenNumber,
        Fault::RefreshTokenNumber,
        Fault::ExpiresInString,
        Fault::ExpiresInNegative,
        Fault::ExpiresInInfinite,
        Fault::DuplicateMember,
        Fault::Token429InvalidGrant,
        Fault::OktaJsonError,
        Fault::RateLimitedWithoutReset,
        Fault::RateLimitedResetInPast,
        Fault::RateLimitedResetAbsurd,
        Fault::TokenAnswerLost,
    ]
}

fn id_token() -> Vec<Fault> {
    vec![
        Fault::BadSignature,
        Fault::AlgNone,
        Fault::AlgNoneCase,
        Fault::EmptySignature,
        Fault::ZeroSignature,
        Fault::AlgHs256WithPublicKey,
        Fault::AlgHs256WithPublicKeyDer,
        Fault::AlgHs256WithSecret,
        Fault::AlgHs256WithPublishedKey,
        Fault::UnknownAlg,
        Fault::NoAlg,
        Fault::AlternateAlg,
        Fault::KidOfAnotherKey,
        Fault::SmallRsaKey,
        Fault::EncryptionKey,
        Fault::WrongIss,
        Fault::IssTrailingSlash,
        Fault::NoIssClaim,
        Fault::WrongAud,
        Fault::ExtraAud,
        Fault::ExtraAudWithAzp,
        Fault::AudEmpty,
        Fault::AudNumber,
        Fault::MissingAud,
        Fault::WrongAzp,
        Fault::WrongNonce,
        Fault::MissingNonce,
        Fault::NonceNumber,
        Fault::Expired,
        Fault::ExpZero,
        Fault::ExpNegative,
        Fault::ExpInfinite,
        Fault::ExpHuge,
        Fault::ExpString,
        Fault::MissingExp,
        Fault::IssuedInFuture,
        Fault::IatString,
        Fault::IatNegative,
        Fault::IatInfinite,
        Fault::MissingIat,
        Fault::NbfInFuture,
        Fault::NbfString,
        Fault::MissingSub,
        Fault::NonStringSub,
        Fault::SubEmpty,
        Fault::SubTooLong,
        Fault::SubNonAscii,
        Fault::UnknownKid,
        Fault::WrongAtHash,
        Fault::AtHashNumber,
        Fault::WrongCHash,
        Fault::CritHeader,
        Fault::UnencodedPayload,
        Fault::EmbeddedJwk,
        Fault::EmbeddedJku,
        Fault::EmbeddedX5u,
        Fault::EmbeddedX5c,
        Fault::TypLogout,
        Fault::TypAccessToken,
        Fault::DuplicateClaim,
        Fault::DuplicateHeader,
        Fault::DeepClaim,
        Fault::HugeIdToken,
        Fault::ClaimsArray,
        Fault::PaddedBase64,
        Fault::NonCanonicalBase64,
        Fault::WhitespaceInToken,
        Fault::TwoSegments,
        Fault::FourSegments,
        Fault::EncryptedIdToken,
        Fault::EmptyIdToken,
    ]
}

fn userinfo() -> Vec<Fault> {
    vec![
        Fault::OtherSub,
        Fault::UserinfoWrongSub,
        Fault::Userinfo401,
        Fault::Userinfo403,
        Fault::Userinfo500,
        Fault::UserinfoHtml,
        Fault::UserinfoNoSub,
        Fault::UserinfoNumericSub,
        Fault::UserinfoArray,
        Fault::UserinfoEmpty,
        Fault::UserinfoWrongContentType,
        Fault::UserinfoDuplicateSub,
        Fault::UserinfoHuge,
        Fault::UserinfoRedirect,
        Fault::UserinfoBadSignature,
        Fault::UserinfoAlgNone,
        Fault::UserinfoAlgHs256WithPublicKey,
        Fault::UserinfoWrongIss,
        Fault::UserinfoWrongAud,
        Fault::UserinfoUnknownKid,
        Fault::UserinfoExpired,
        Fault::UserinfoSignedWrongSub,
        Fault::UserinfoEncrypted,
    ]
}

fn metadata() -> Vec<Fault> {
    let without = |member: &str| Fault::MetadataWithout(member.to_owned());
    vec![
        Fault::DiscoveryIssuerMismatch,
        Fault::DiscoveryDown,
        without("issuer"),
        without("authorization_endpoint"),
        without("token_endpoint"),
        without("jwks_uri"),
        Fault::MetadataHttpEndpoint,
        Fault::MetadataTrailingSlash,
        Fault::MetadataHtml,
        Fault::MetadataNotJson,
        Fault::MetadataArray,
        Fault::MetadataRedirect,
        Fault::MetadataHuge,
        Fault::MetadataDuplicate,
        Fault::MetadataUnknown,
    ]
}

fn tolerated() -> Vec<Fault> {
    vec![
        Fault::RotatedKey,
        Fault::NoKid,
        Fault::DuplicateKid,
        Fault::DecoyKeys,
        Fault::AudArray,
        Fault::RightAzp,
        Fault::MissingAtHash,
        Fault::RightCHash,
        Fault::MissingCHash,
        Fault::TypJwt,
        Fault::TypJwtCase,
        Fault::UnknownClaims,
        Fault::ExtraParameters,
        Fault::ExtraMembers,
        Fault::TokenTypeCase,
        Fault::NoExpiresIn,
        Fault::NoScopeInAnswer,
        Fault::NarrowerScope,
        Fault::NoRefreshToken,
        Fault::FractionalTimes,
    ]
}
