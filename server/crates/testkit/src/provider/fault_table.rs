//! One row a fault: how far a sign-in gets under it, and what it takes for it to bite.

use super::effect::{Effect, Needs};
use super::fault::Fault;

pub(super) type Row = (Fault, Effect, Needs);

pub(super) fn table() -> Vec<Row> {
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
    add(
        Effect::RefusedIdToken,
        Needs::FreshKeys,
        vec![
            Fault::SmallRsaKey,
            Fault::EncryptionKey,
            Fault::AlgHs256WithPublishedKey,
        ],
    );
    add(
        Effect::Succeeds,
        Needs::FreshKeys,
        vec![Fault::DuplicateKid, Fault::DecoyKeys],
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
        Fault::UnknownAlg,
        Fault::NoAlg,
        Fault::AlternateAlg,
        Fault::KidOfAnotherKey,
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
