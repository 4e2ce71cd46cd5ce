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
    /// This `error` at the callback: `invalid_scope`, `unmet_authentication_requirements`, `server_error`,
    /// `temporarily_unavailable`, one that nobody knows (okta.md A11; RFC 6749, section 4.1.2.1).
    AuthorizationError(String),
    /// `access_denied` without `iss`, which is announced: the error is what the person hears (RFC 9207, section 2.3,
    /// as providers in the field have it).
    ErrorWithoutIss,
    /// `access_denied` with another issuer's `iss` (RFC 9207, section 2.4).
    ErrorWrongIss,
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
    /// `state` twice.
    RepeatState,
    /// `iss` twice (RFC 9207, section 2.4).
    RepeatIss,
    /// Both `code` and `error`.
    CodeAndError,
    /// An empty `code` (Okta's `noAuthCode`).
    EmptyCode,
    /// Neither `code` nor `error`.
    NoCode,
    /// A `code` that is not UTF-8.
    NonUtf8Code,
    /// The answer is in the fragment, which no server sees: it looks like a callback without parameters.
    FragmentResponse,
    /// The answer is posted although `query` was asked for: a callback for queries has no POST (B1.5).
    FormPostUnasked,
    /// The answer is in the query although `form_post` was asked for (B9): a callback for forms ignores queries.
    QueryUnasked,
    /// A `code` of 64 KiB.
    HugeCode,

    // The pushed authorization request endpoint (RFC 9126, section 2). These meet a relying party that pushes.
    /// 400 with this `error` (RFC 9126, section 2.3).
    Par400(String),
    /// 401 `invalid_client`.
    Par401,
    /// 405 without a body.
    Par405,
    /// 413 without a body.
    Par413,
    /// 429 with `X-Rate-Limit-*`.
    Par429,
    /// 500 with a page for people.
    Par500,
    /// 400 without a body.
    ParEmpty,
    /// 200 with `text/html`.
    ParHtml,
    /// 201 `application/json`, and a body that is not JSON.
    ParNotJson,
    /// 307.
    ParRedirect,
    /// No `request_uri`.
    ParNoRequestUri,
    /// An empty `request_uri`.
    ParEmptyRequestUri,
    /// `expires_in` is a string (RFC 9126, section 2.2: a positive integer).
    ParExpiresInString,
    /// No answer until the fault is cleared, then an honest one.
    ParHang,
    /// A good answer, and at the authorization endpoint the `request_uri` is unknown: the person sees a page there.
    ParExpired,

    // The token endpoint (RFC 6749, sections 5.1 and 5.2). The request is checked and recorded all the same.
    /// 400 with this `error`; the code or refresh token of the request stays good.
    Token400(String),
    /// 401 `invalid_client`, with `WWW-Authenticate`.
    Token401,
    /// 401 with neither body nor `WWW-Authenticate`.
    Token401Empty,
    /// 400 with neither body nor content type.
    Token400Empty,
    /// 403 with a page for people, as gateways send it.
    Token403,
    /// 400 whose `error` and `error_description` have control characters and markup in them, and go on for 20,000 characters.
    TokenErrorMarkup,
    /// 200 with an OAuth error in it.
    TokenError200,
    /// 400 with a JSON array.
    Token400Array,
    /// 500 with a page for people.
    Token500,
    /// 503 with `Retry-After: 7`.
    Token503,
    /// 200 without a body.
    Token200Empty,
    /// 200 with `text/html`.
    TokenHtml,
    /// 307 to an address that would answer with tokens. Following it is counted
    /// ([`Counts::redirect_followed`](super::Counts::redirect_followed)) and is a protocol error.
    TokenRedirect,
    /// 302 to a page of the provider's, as sign-on gateways send it.
    Token302,
    /// No answer until the fault is cleared ([`Provider::release`](super::Provider::release)), then an honest one.
    TokenHang,
    /// The head of a good answer and one byte of its body at once, and the rest when the fault is cleared.
    TokenDrip,
    /// A good answer, with 10 MB of padding in one more member.
    TokenHuge,
    /// 200 `application/json`, and a body that is not JSON.
    TokenNotJson,
    /// A good answer as `text/plain` (RFC 6749, section 5.1: `application/json`).
    TokenWrongContentType,
    /// A good answer in an array.
    TokenArray,
    /// A good answer behind a byte order mark (RFC 8259, section 8.1: must not be added).
    TokenBom,
    /// A good answer compressed with gzip, which nobody asked for (RFC 9110, section 12.5.3).
    TokenGzip,
    /// A good answer with one more member, nested 10,000 arrays deep.
    TokenDeep,
    /// `token_type` is `mac` (RFC 6749, section 7.1: unknown types must not be used).
    TokenTypeMac,
    /// No `token_type` (RFC 6749, section 5.1: required).
    NoTokenType,
    /// No `access_token`.
    NoAccessToken,
    /// `access_token` is a number.
    AccessTokenNumber,
    /// `access_token` is empty.
    EmptyAccessToken,
    /// No `id_token`.
    NoIdToken,
    /// `id_token` is a number.
    IdTokenNumber,
    /// `refresh_token` is a number.
    RefreshTokenNumber,
    /// `expires_in` is a string.
    ExpiresInString,
    /// `expires_in` is negative.
    ExpiresInNegative,
    /// `expires_in` is 1e400, which no double holds.
    ExpiresInInfinite,
    /// `expires_in` has a fraction. Either is right: RFC 6749 says a number of seconds.
    ExpiresInFraction,
    /// `access_token` twice in the JSON object (RFC 8259, section 4).
    DuplicateMember,
    /// 429 with `invalid_grant`, which Okta sends for a user's rate limit and which says nothing of the grant.
    Token429InvalidGrant,
    /// 429 in Okta's own JSON (`errorCode`, `errorSummary`), not OAuth's, with `X-Rate-Limit-*`.
    OktaJsonError,
    /// The same without any `X-Rate-Limit-*`.
    RateLimitedWithoutReset,
    /// The same, reset an hour ago by the provider's clock.
    RateLimitedResetInPast,
    /// The same, reset in a hundred years.
    RateLimitedResetAbsurd,
    /// The request is carried out, and the connection ends in the middle of the answer.
    TokenAnswerLost,

    // The ID token (OpenID Connect Core 1.0, section 3.1.3.7).
    /// A bit of the signature is wrong (`oidcc-client-test-invalid-sig-rs256`, `-es256`; Okta's `invalidSignature`).
    BadSignature,
    /// `alg: none`, no signature (`oidcc-client-test-idtoken-sig-none`; Okta's `unsigned`).
    AlgNone,
    /// HS256 keyed with the PEM text of the provider's public key (`oidcc-client-test-invalid-sig-hs256`).
    AlgHs256WithPublicKey,
    /// HS256 keyed with the DER of the provider's public key.
    AlgHs256WithPublicKeyDer,
    /// HS256 keyed with the client's secret, which is right only where it was registered.
    AlgHs256WithSecret,
    /// HS256 keyed with a symmetric key that is published in the key set.
    AlgHs256WithPublishedKey,
    /// `alg` is one that nobody knows.
    UnknownAlg,
    /// No `alg`.
    NoAlg,
    /// `alg: nOnE`, no signature.
    AlgNoneCase,
    /// No signature, and the header of an honest token.
    EmptySignature,
    /// A signature of zeros at its right length.
    ZeroSignature,
    /// Signed with a published key of an algorithm that the metadata do not list (`fapi2-..-test-invalid-alternate-alg`).
    AlternateAlg,
    /// Signed with the provider's key, under the `kid` of its key of another type.
    KidOfAnotherKey,
    /// Signed with a key of 1,024 bits that is in the key set (RFC 7518, section 3.3).
    SmallRsaKey,
    /// Signed with a key that is in the key set for encryption.
    EncryptionKey,
    /// `iss` is another issuer (`oidcc-client-test-invalid-iss`).
    WrongIss,
    /// `iss` has a slash at its end that the issuer has not.
    IssTrailingSlash,
    /// No `iss` (`fapi2-..-test-invalid-missing-iss`).
    NoIssClaim,
    /// `aud` is another client (`oidcc-client-test-invalid-aud`).
    WrongAud,
    /// `aud` is this client and another, without `azp` (`fapi2-..-test-invalid-secondary-aud`).
    ExtraAud,
    /// `aud` is this client and another, with `azp` naming this one: refused where the other is not trusted.
    ExtraAudWithAzp,
    /// `aud` is an empty array.
    AudEmpty,
    /// `aud` is this client and a number.
    AudNumber,
    /// No `aud` (`oidcc-client-test-missing-aud`).
    MissingAud,
    /// `azp` is another client.
    WrongAzp,
    /// `nonce` is another (`oidcc-client-test-nonce-invalid`).
    WrongNonce,
    /// No `nonce`, though one was sent (`fapi2-..-test-invalid-missing-nonce`).
    MissingNonce,
    /// `nonce` is a number.
    NonceNumber,
    /// Expired an hour ago (`fapi2-..-test-invalid-expired-exp`; Okta's `expired`).
    Expired,
    /// `exp` is 0.
    ExpZero,
    /// `exp` is negative.
    ExpNegative,
    /// `exp` is 1e400, which no double holds.
    ExpInfinite,
    /// `exp` is 2^70.
    ExpHuge,
    /// No `exp` (`fapi2-..-test-invalid-missing-exp`).
    MissingExp,
    /// Issued in one hour (Okta's `issuedInFuture`).
    IssuedInFuture,
    /// `iat` is a string.
    IatString,
    /// `iat` is negative.
    IatNegative,
    /// `iat` is 1e400.
    IatInfinite,
    /// Issued ten years ago and still good. Either is right: how old one may be is the relying party's choice.
    IatFarPast,
    /// Good in one hour (Okta's `nbf in future`).
    NbfInFuture,
    /// `nbf` is a string.
    NbfString,
    /// No `iat` (`oidcc-client-test-missing-iat`).
    MissingIat,
    /// No `sub` (`oidcc-client-test-missing-sub`).
    MissingSub,
    /// `sub` is a number.
    NonStringSub,
    /// `sub` is another user's (`oidcc-client-test-refresh-token-invalid-sub`): a first sign-in learns of it from
    /// userinfo, a refresh from the ID token it has.
    OtherSub,
    /// `sub` is empty.
    SubEmpty,
    /// `sub` is 256 characters long (OpenID Connect Core 1.0, section 2: at most 255).
    SubTooLong,
    /// `sub` is not ASCII (Core 1.0, section 2).
    SubNonAscii,
    /// Signed with a key that is not in the key set, under a `kid` that is not there either (Okta's `wrongKeyId`).
    UnknownKid,
    /// `at_hash` belongs to another access token (`oidcc-client-test-invalid-athash`).
    WrongAtHash,
    /// `c_hash` belongs to another code (`oidcc-client-test-invalid-chash`).
    WrongCHash,
    /// `at_hash` is a number.
    AtHashNumber,
    /// `exp` is a string.
    ExpString,
    /// The header names a critical extension nobody knows (RFC 7515, section 4.1.11).
    CritHeader,
    /// The header brings its own `jwk`, and the signature fits that (RFC 8725, section 3.10).
    EmbeddedJwk,
    /// The header names a key set elsewhere in `jku`, and the signature fits a key there (RFC 8725, section 3.10).
    /// Fetching it is counted ([`Counts::embedded_keys_fetched`](super::Counts::embedded_keys_fetched)) and is a protocol error.
    EmbeddedJku,
    /// The same with `x5u`.
    EmbeddedX5u,
    /// The header brings bytes in `x5c`, and the signature is a stranger's.
    EmbeddedX5c,
    /// `b64: false`, marked as critical (RFC 7797).
    UnencodedPayload,
    /// `typ: logout+jwt`, a logout token's (RFC 8725, section 3.11).
    TypLogout,
    /// `typ: at+jwt`, an access token's (RFC 9068, section 2.1).
    TypAccessToken,
    /// A claim twice (RFC 7519, section 4; RFC 8725, section 3.2).
    DuplicateClaim,
    /// A member of the header twice (RFC 7515, section 4).
    DuplicateHeader,
    /// A claim nested 10,000 arrays deep.
    DeepClaim,
    /// A claim of more than a megabyte.
    HugeIdToken,
    /// The claims are an array.
    ClaimsArray,
    /// Base64 with padding (RFC 7515, section 2: without).
    PaddedBase64,
    /// The last character of the signature has bits set that belong to no byte (RFC 4648, section 3.5).
    NonCanonicalBase64,
    /// A line break in the middle of the signature.
    WhitespaceInToken,
    /// Two segments.
    TwoSegments,
    /// Four segments.
    FourSegments,
    /// Five segments, as an encrypted token has, which nobody negotiated (Core 1.0, section 3.1.3.7, item 1).
    EncryptedIdToken,
    /// An empty string.
    EmptyIdToken,
    /// `auth_time` is a day old: wrong only where `max_age` was asked for.
    StaleAuthTime,
    /// No `auth_time`: wrong only where `max_age` was asked for.
    MissingAuthTime,
    /// `acr` is weaker than asked for: wrong only where `acr_values` were.
    WrongAcr,
    /// No `acr`: wrong only where `acr_values` were asked for.
    MissingAcr,

    // Userinfo (OpenID Connect Core 1.0, section 5.3).
    /// `sub` is another user's (`oidcc-client-test-userinfo-invalid-sub`).
    UserinfoWrongSub,
    /// 401 `invalid_token`.
    Userinfo401,
    /// 500.
    Userinfo500,
    /// 200 with `text/html`.
    UserinfoHtml,
    /// 403 `insufficient_scope` (RFC 6750, section 3.1).
    Userinfo403,
    /// No `sub` (OpenID Connect Core 1.0, section 5.3.2: always returned).
    UserinfoNoSub,
    /// `sub` is a number.
    UserinfoNumericSub,
    /// An array.
    UserinfoArray,
    /// 200 without a body.
    UserinfoEmpty,
    /// Good claims as `text/plain`.
    UserinfoWrongContentType,
    /// `sub` twice, the second one right.
    UserinfoDuplicateSub,
    /// Two megabytes.
    UserinfoHuge,
    /// 307 to an address that would answer.
    UserinfoRedirect,
    /// A signed answer with a bit of the signature wrong. This and the next ones are signed whatever the builder chose.
    UserinfoBadSignature,
    /// `alg: none`, no signature.
    UserinfoAlgNone,
    /// HS256 keyed with the PEM text of the provider's public key.
    UserinfoAlgHs256WithPublicKey,
    /// Signed, with another issuer's `iss`.
    UserinfoWrongIss,
    /// Signed, with another client's `aud`.
    UserinfoWrongAud,
    /// Signed with a key that is not in the key set.
    UserinfoUnknownKid,
    /// Signed, with an `exp` an hour ago.
    UserinfoExpired,
    /// Signed, and `sub` is another user's.
    UserinfoSignedWrongSub,
    /// Five segments, as an encrypted answer has, which nobody negotiated.
    UserinfoEncrypted,
    /// The ID token of the same sign-in instead of userinfo, signature and all: told apart by `nonce` and `at_hash`.
    /// Either is right: `iss`, `aud` and `sub` are what Core 1.0, section 5.3.2, has checked.
    UserinfoIsIdToken,

    // Discovery (OpenID Connect Discovery 1.0, section 4). These meet a relying party that holds nothing yet.
    /// The metadata name another issuer (`oidcc-client-test-discovery-issuer-mismatch`).
    DiscoveryIssuerMismatch,
    /// The metadata answer 503.
    DiscoveryDown,
    /// The metadata lack this required member (`authorization_endpoint`, `token_endpoint`, `jwks_uri`, `issuer`), in
    /// RFC 8414's document too.
    MetadataWithout(String),
    /// `token_endpoint` is http on another host.
    MetadataHttpEndpoint,
    /// `issuer` has a slash at its end (B11: identical or refused).
    MetadataTrailingSlash,
    /// Good metadata as `text/html`.
    MetadataHtml,
    /// A page for people as `application/json`.
    MetadataNotJson,
    /// The metadata are an array.
    MetadataArray,
    /// 302 to the metadata of another host.
    MetadataRedirect,
    /// Two megabytes.
    MetadataHuge,
    /// `issuer` twice, the second one right.
    MetadataDuplicate,
    /// 404 in Okta's JSON (`E0000007`), for an authorization server that does not exist.
    MetadataUnknown,
    /// The key set answers 503.
    JwksDown,
    /// The key set is a page for people.
    JwksHtml,
    /// The key set has no keys.
    JwksEmpty,
    /// The key set has only keys that nothing honest is signed with.
    JwksOnlyDecoys,
    /// The key set is two megabytes.
    JwksHuge,
    /// 302 to a key set of another host.
    JwksRedirect,

    // Unusual and right: a relying party that refuses these is too strict.
    /// Signed with a new key that is in the key set from then on (`oidcc-client-test-signing-key-rotation-just-before-signing`).
    RotatedKey,
    /// No `kid`, and one key that it can be (`oidcc-client-test-kid-absent-single-jwks`).
    NoKid,
    /// No `kid`, and two keys that it can be (`oidcc-client-test-kid-absent-multiple-jwks`). Either is right: try both or refuse.
    NoKidSeveralKeys,
    /// Two keys of different types under the `kid` (FAPI 2.0; RFC 7517, section 4.5).
    DuplicateKid,
    /// Every decoy in the key set (FAPI 2.0).
    DecoyKeys,
    /// No `at_hash`, which the code flow leaves open (`oidcc-client-test-missing-athash`).
    MissingAtHash,
    /// A `c_hash` of the code, which the code flow leaves open (Core 1.0, section 3.3.2.11).
    RightCHash,
    /// No `c_hash`, where the builder has it in (`oidcc-client-test-missing-chash`).
    MissingCHash,
    /// `typ: JWT` (RFC 7519, section 5.1).
    TypJwt,
    /// `typ: jwt`: the value's case does not count (RFC 7515, section 4.1.9).
    TypJwtCase,
    /// `azp` names this client (Core 1.0, section 2).
    RightAzp,
    /// Claims that nobody knows, an aggregated and a distributed one among them (`oidcc-client-test-aggregated-claims`, `-distributed-claims`).
    UnknownClaims,
    /// More parameters at the callback (RFC 6749, section 4.1.2: unrecognized ones are ignored).
    ExtraParameters,
    /// More members in the token answer (RFC 6749, section 5.1).
    ExtraMembers,
    /// No `scope` in the token answer: it is what was asked for (RFC 6749, section 5.1).
    NoScopeInAnswer,
    /// `email` and `groups` are not granted, and the token answer says so (RFC 6749, section 3.3).
    NarrowerScope,
    /// No `refresh_token`, though `offline_access` was asked for.
    NoRefreshToken,
    /// `aud` is an array of one (`fapi2-..-test-valid-aud-as-array`).
    AudArray,
    /// `token_type` is `bEARER` (`fapi2-..-test-token-type-case-insensitivity`).
    TokenTypeCase,
    /// No `expires_in` (`fapi2-..-test-token-endpoint-response-without-expires_in`).
    NoExpiresIn,
    /// `exp` and `iat` with a fraction (RFC 7519, section 2: a `NumericDate` may have one).
    FractionalTimes,
}
