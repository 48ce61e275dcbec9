//! An authorization server of somebody else, whose access tokens open the credential endpoint (OID4VCI 1.0 §12.2.4,
//! RFC 9068, RFC 7662).

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, SignatureAlgorithm},
    jose::{HeaderKey, Slot},
    json::{self, Object},
};
use lanyard_oid4vci::{
    AccessToken, CredentialConfigurationId, CredentialIdentifier,
    client_authentication::ClientId,
    dpop::KeyThumbprint,
    issuer::{ExternalGrant, HolderId, Issuer},
};
use lanyard_store::{Handle, HandleKind, SessionId};
use serde_json::Value;
use thiserror::Error;

use crate::upstream::{
    IdTokenFault, Introspection, IntrospectionSettings, KeyHome, UpstreamError, UpstreamServer,
};

/// A JWT access token (RFC 9068 §4); beside these algorithms RS256 is taken, which every server has.
const ACCESS_TOKEN: Slot = Slot {
    name: "access token",
    typ: &["at+jwt", "application/at+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::Kid, HeaderKey::X5c],
};

/// How far clocks may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// How long a token is treated as valid when its server states no lifetime; the server is asked at every use
/// anyway.
const UNTOLD: SignedDuration = SignedDuration::from_mins(5);

/// How a tenant is served by an authorization server of somebody else.
#[derive(Clone)]
pub struct AuthorizationServerSettings {
    /// Which one it is, and the way to it.
    pub server: UpstreamServer,
    /// How it is asked what a token is good for (RFC 7662), whatever the token looks like; without it a token
    /// is a JWT that says so itself (RFC 9068).
    pub introspection: Option<IntrospectionSettings>,
    /// The claim that names the holder here; `sub` unless another one is as lasting.
    pub holder: String,
    /// The claims that are kept until the credential is issued; every other one is forgotten at once.
    pub kept: Vec<String>,
}

/// An authorization server of somebody else.
pub struct OtherAuthorizationServer {
    settings: AuthorizationServerSettings,
    tokens: Tokens,
}

/// Who says what an access token is good for.
enum Tokens {
    /// The token, signed by its server (RFC 9068).
    Signed(KeyHome),
    /// Its server, whenever it is asked (RFC 7662).
    Introspected(Introspection),
}

/// Why an access token opens nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum AccessTokenFault {
    /// Its server does not say now what it signs with.
    #[error(transparent)]
    Server(UpstreamError),
    /// It is no JWT of this server (RFC 9068 §4).
    #[error("{0}")]
    Token(#[from] IdTokenFault),
    /// Its server says that it is not good, or not for whoever asks (RFC 7662 §2.2).
    #[error("its server says that it is not active")]
    NotActive,
    /// It was made before the memory of which tokens were used begins (ADR 19).
    #[error("it may have been used before the issuer was restored")]
    BeforeRestore,
    /// It says nothing about any credential on offer (OID4VCI 1.0 §5.1).
    #[error("it gives a right to no credential")]
    NoCredential,
    /// The claim that names holders is not in it.
    #[error("it names no holder")]
    HolderMissing,
}

impl AccessTokenFault {
    /// The stable reason code, for the log.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Server(error) => error.code(),
            Self::Token(fault) => fault.code(),
            Self::NotActive => "access_token_not_active",
            Self::BeforeRestore => "access_token_before_restore",
            Self::NoCredential => "access_token_no_credential",
            Self::HolderMissing => "access_token_holder_missing",
        }
    }
}

impl OtherAuthorizationServer {
    /// A server that nothing is asked of before the first token.
    pub fn new(settings: AuthorizationServerSettings) -> Self {
        let server = settings.server.clone();
        let tokens = match &settings.introspection {
            None => Tokens::Signed(KeyHome::of_authorization_server(server)),
            Some(client) => Tokens::Introspected(Introspection::new(server, client.clone())),
        };
        Self { settings, tokens }
    }

    /// Whether a token that was good when it was shown first still is.
    pub(crate) async fn confirm(
        &self,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<(), AccessTokenFault> {
        match &self.tokens {
            // RFC 9068 §4: nobody is asked, so it is good until it expires
            Tokens::Signed(_) => Ok(()),
            Tokens::Introspected(server) => active(server, token, now).await.map(drop),
        }
    }

    /// What a token gives a right to, once it keeps every rule of RFC 9068 §4; what its server says about it
    /// when asked may leave out what RFC 7662 §2.2 leaves out, and must not say anything else.
    pub(crate) async fn grant(
        &self,
        token: &AccessToken,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<ExternalGrant, AccessTokenFault> {
        let (claims, is_told) = match &self.tokens {
            Tokens::Signed(keys) => (signed(keys, token, now).await?, false),
            Tokens::Introspected(server) => (active(server, token, now).await?, true),
        };
        let may_lack = |name: &str| is_told && !claims.contains_key(name);
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        // §4: of this server, for this issuer, and in its time
        if text("iss") != Some(&self.settings.server.issuer) && !may_lack("iss") {
            return Err(IdTokenFault::Issuer.into());
        }
        let own = issuer.configuration().issuer().as_str();
        let is_for_us = match claims.get("aud") {
            Some(Value::String(one)) => one == own,
            Some(Value::Array(all)) => all.iter().any(|one| one == own),
            _ => may_lack("aud"),
        };
        if !is_for_us {
            return Err(IdTokenFault::Audience.into());
        }
        let moment = |name: &str| claims.get(name).and_then(json::numeric_date);
        let expires_at = moment("exp").filter(|end| now < *end);
        let expires_at = expires_at.or_else(|| may_lack("exp").then(|| now + UNTOLD));
        let expires_at = expires_at.ok_or(IdTokenFault::Expired)?;
        let issued_at = moment("iat").filter(|start| *start <= now + TOLERANCE);
        if issued_at.is_none() && !may_lack("iat") {
            return Err(IdTokenFault::IssuedAt.into());
        }
        // whether it was used before a restore nobody remembers (ADR 19)
        let is_since = |restored_at| issued_at.is_some_and(|start| start > restored_at + TOLERANCE);
        if issuer.restored_at().is_some_and(|restored_at| !is_since(restored_at)) {
            return Err(AccessTokenFault::BeforeRestore);
        }
        let credentials = granted(&claims, issuer);
        if credentials.is_empty() {
            return Err(AccessTokenFault::NoCredential);
        }
        // RFC 9449 §6.1
        let bound_to = claims.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Value::as_str);
        let kept = |(name, value): (&String, &Value)| {
            self.settings.kept.contains(name).then(|| (name.clone(), value.clone()))
        };
        Ok(ExternalGrant {
            token: token.clone(),
            bound_to: bound_to.map(KeyThumbprint::new),
            client: text("client_id").map(ClientId::new),
            holder: self.holder(&claims)?,
            profile: claims.iter().filter_map(kept).collect(),
            credentials,
            expires_at,
        })
    }

    fn holder(&self, claims: &Object) -> Result<HolderId, AccessTokenFault> {
        let name = &self.settings.holder;
        let holder = claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let usable = (1..=255).contains(&holder.len()) && !holder.contains(char::is_control);
        // OpenID Connect Core §5.7: an address is whoever's says so, unless the server has verified it
        let unverified =
            name == "email" && claims.get("email_verified") != Some(&Value::Bool(true));
        if !usable || unverified {
            return Err(AccessTokenFault::HolderMissing);
        }
        Ok(HolderId::new(holder))
    }
}

async fn signed(
    keys: &KeyHome,
    token: &AccessToken,
    now: Timestamp,
) -> Result<Object, AccessTokenFault> {
    let claims = keys.verify(token.reveal(), &ACCESS_TOKEN, now).await;
    claims.map_err(|error| match error {
        UpstreamError::IdToken(fault) => AccessTokenFault::Token(fault),
        error => AccessTokenFault::Server(error),
    })
}

async fn active(
    server: &Introspection,
    token: &AccessToken,
    now: Timestamp,
) -> Result<Object, AccessTokenFault> {
    let told = server.ask(token, now).await.map_err(AccessTokenFault::Server)?;
    told.ok_or(AccessTokenFault::NotActive)
}

/// The credentials that a token is for: by authorization details (RFC 9396 §9.1), or by scope.
fn granted(
    claims: &Object,
    issuer: &Issuer,
) -> Vec<(CredentialConfigurationId, Option<CredentialIdentifier>)> {
    let details = claims.get("authorization_details").and_then(Value::as_array);
    let details = || details.into_iter().flatten();
    let is_about = |detail: &&Value, id: &CredentialConfigurationId| {
        let member = |name: &str| detail.get(name).and_then(Value::as_str);
        member("type") == Some("openid_credential")
            && member("credential_configuration_id") == Some(id.as_str())
    };
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    let scoped = |wanted: &str| scope.split(' ').any(|one| one == wanted);
    let mut granted = Vec::new();
    for one in issuer.configuration().credentials() {
        let own = || details().filter(|detail| is_about(detail, &one.id));
        // OID4VCI 1.0 §6.2: each identifier is a credential, and the wallet asks for it by that name
        let names = own().filter_map(|detail| detail.get("credential_identifiers")?.as_array());
        let names: BTreeSet<_> = names.flatten().filter_map(Value::as_str).collect();
        let named = names.iter().map(|name| Some(CredentialIdentifier::new(*name)));
        granted.extend(named.map(|name| (one.id.clone(), name)));
        if names.is_empty() && (own().next().is_some() || scoped(&one.scope)) {
            granted.push((one.id.clone(), None));
        }
    }
    granted
}

/// The handle for a foreign token; derived from the token, so that its session is found again.
pub(crate) fn handle(token: &AccessToken, provider: &dyn CryptoProvider) -> Handle {
    let digest = token.digest(provider);
    // in the order of time, for the store's sake; what stands there is not believed yet
    let payload =
        token.reveal().split('.').nth(1).and_then(|text| json::base64url_decode(text).ok());
    let claims = payload.and_then(|text| json::parse_object(&text).ok());
    let issued_at = claims.and_then(|claims| json::numeric_date(claims.get("iat")?));
    let mut name = [0; 10];
    name.copy_from_slice(&digest[..10]);
    let id = SessionId::new(issued_at.unwrap_or(Timestamp::UNIX_EPOCH), name);
    Handle::new(id, HandleKind::AccessToken, digest)
}

impl fmt::Debug for OtherAuthorizationServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OtherAuthorizationServer({})", self.settings.server.issuer)
    }
}
