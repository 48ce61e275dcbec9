//! The application trades its code, once (OpenID Connect Core 1.0 §3.1.3, §5.3).

use std::collections::HashMap;

use jiff::SignedDuration;
use lanyard_core::{
    crypto::{HashAlgorithm, SignerError},
    jose,
    json::{self, Object},
    pkce::CodeVerifier,
};
use lanyard_oid4vp::verifier::{Conclusion, Verdict};
use lanyard_store::{HandleKind, NewEvent, Next, Replaced, Taken};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{SignIn, SignInClient};
use crate::{
    VerifierError, VerifierService,
    sessions::{End, Held, Phase, State},
    step,
    tenant::Tenant,
};

/// For how long a code is good.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// For how long an ID token and an access token are good.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// Names that say something about the token, and that no credential may fill.
const RESERVED: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "sid",
    "cnf",
    "events",
    "presentations",
];

/// Why there is no token.
#[derive(Debug, Error)]
pub(crate) enum TokenFault {
    #[error("the request is not a form, or a parameter is missing or there twice")]
    Malformed,
    #[error("grant_type must be authorization_code")]
    GrantType,
    #[error("the client is unknown, or its secret is not right")]
    Client,
    #[error("the code is not good, or not for this client, redirect_uri and code_verifier")]
    Grant,
    #[error("the access token is not good")]
    AccessToken,
    #[error("{0}")]
    Verifier(#[from] VerifierError),
}

impl TokenFault {
    /// The code of RFC 6749 §5.2 and RFC 6750 §3.1.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "invalid_request",
            Self::GrantType => "unsupported_grant_type",
            Self::Client => "invalid_client",
            Self::Grant => "invalid_grant",
            Self::AccessToken => "invalid_token",
            Self::Verifier(_) => "server_error",
        }
    }
}

impl VerifierService {
    /// Trades a code for an ID token; whatever the interleaving, once.
    pub(crate) async fn sign_in_token(
        &self,
        tenant: &Tenant,
        basic: Option<(String, String)>,
        body: &[u8],
    ) -> Result<Value, TokenFault> {
        let now = self.now();
        // 1. who asks, with what
        let form = read(body)?;
        let field = |name: &str| form.get(name).map(String::as_str);
        if field("grant_type").ok_or(TokenFault::Malformed)? != "authorization_code" {
            return Err(TokenFault::GrantType);
        }
        let client = self.authenticated(tenant, basic, &form)?;
        let (Some(code), Some(redirect_uri)) = (field("code"), field("redirect_uri")) else {
            return Err(TokenFault::Malformed);
        };
        let verifier = field("code_verifier").ok_or(TokenFault::Malformed)?;
        let verifier = CodeVerifier::parse(verifier.to_owned()).ok_or(TokenFault::Grant)?;

        // 2. the sign-in that the code is for
        let handle = self.sessions().handle(tenant, HandleKind::AuthorizationCode, code);
        let taken = self.environment().store.take(&tenant.id, &handle, now).await;
        let held = match taken.map_err(VerifierError::from)? {
            Taken::Live(session) => self.sessions().open(tenant, session)?,
            Taken::Used(id) => {
                // RFC 6749 §4.1.2: a code shown twice takes back what the first use gave out
                self.environment()
                    .store
                    .delete(&tenant.id, id)
                    .await
                    .map_err(VerifierError::from)?;
                return Err(TokenFault::Grant);
            }
            Taken::Expired(_) | Taken::Absent => return Err(TokenFault::Grant),
        };
        let Held { session, state } = held;
        let (sign_in, verdict) = concluded(&state).ok_or(TokenFault::Grant)?;
        let in_time = sign_in.code_at.is_some_and(|at| now < at + CODE_LIFETIME);
        let is_own = sign_in.client == client.id && sign_in.redirect_uri == redirect_uri;
        // RFC 7636 §4.6
        let is_bound = sign_in.challenge.is_met_by(&verifier, self.provider());
        if !in_time || !is_own || !is_bound {
            return Err(TokenFault::Grant);
        }

        // 3. the tokens, only after the code is used up
        let access_token = self.sessions().secret(tenant, session.id);
        let claims = self.claims_of(tenant, client, sign_in, verdict, session.id.to_string());
        let id_token = self.id_token(tenant, sign_in, verdict, claims, &access_token).await;
        let id_token = id_token.map_err(VerifierError::from)?;
        let sealed = self.sessions().seal(tenant, session.id, &state);
        let event = NewEvent::done(now, step::CODE_TRADED);
        let next = Next::new(now, sealed, session.expires_at.min(now + TOKEN_LIFETIME))
            .retiring(handle)
            .adding(self.sessions().handle(tenant, HandleKind::AccessToken, &access_token))
            .with_event(event.clone());
        match self.environment().store.replace(&session, next).await.map_err(VerifierError::from)? {
            Replaced::Done(_) => self.announce(tenant, session.id, &event),
            Replaced::Conflict => return Err(TokenFault::Grant),
        }
        Ok(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME.as_secs(),
            "id_token": id_token,
            "scope": format!("openid {}", sign_in.preset),
        }))
    }

    /// The claims again, for whoever has the access token.
    pub(crate) async fn sign_in_userinfo(
        &self,
        tenant: &Tenant,
        access_token: &str,
    ) -> Result<Value, TokenFault> {
        let handle = self.sessions().handle(tenant, HandleKind::AccessToken, access_token);
        let held = match self.sessions().take(tenant, &handle, self.now()).await {
            Ok(held) => held,
            Err(VerifierError::UnknownRequest) => return Err(TokenFault::AccessToken),
            Err(error) => return Err(error.into()),
        };
        let (sign_in, verdict) = concluded(&held.state).ok_or(TokenFault::AccessToken)?;
        let client = tenant.sign_in_client(&sign_in.client).ok_or(TokenFault::AccessToken)?;
        let id = held.session.id.to_string();
        Ok(Value::Object(self.claims_of(tenant, client, sign_in, verdict, id)))
    }

    fn authenticated<'t>(
        &self,
        tenant: &'t Tenant,
        basic: Option<(String, String)>,
        form: &HashMap<String, String>,
    ) -> Result<&'t SignInClient, TokenFault> {
        let posted = form.get("client_secret").cloned();
        let (id, secret) = match (basic, form.get("client_id").cloned(), posted) {
            // RFC 6749 §2.3: not more than one method
            (Some(_), _, Some(_)) => return Err(TokenFault::Malformed),
            (Some((id, _)), Some(other), None) if id != other => return Err(TokenFault::Client),
            (Some((id, secret)), _, None) => (id, Some(secret)),
            (None, Some(id), secret) => (id, secret),
            (None, None, _) => return Err(TokenFault::Client),
        };
        let client = tenant.sign_in_client(&id).ok_or(TokenFault::Client)?;
        let is_good = match (&client.secret_sha256, secret) {
            (None, None) => true,
            (Some(digest), Some(secret)) => {
                let own = self.provider().hash(HashAlgorithm::Sha256, secret.as_bytes());
                bool::from(own.as_bytes().ct_eq(digest))
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        if is_good { Ok(client) } else { Err(TokenFault::Client) }
    }

    /// `sub`, and what was disclosed: by the ids of its credential queries, and flat where nothing else has
    /// the name.
    fn claims_of(
        &self,
        tenant: &Tenant,
        client: &SignInClient,
        sign_in: &SignIn,
        verdict: &Verdict,
        session: String,
    ) -> Object {
        let mut claims = Object::new();
        let mut presentations = Object::new();
        for credential in &verdict.credentials {
            let disclosed = credential.claims.clone().unwrap_or_default();
            for (name, value) in &disclosed {
                if !RESERVED.contains(&name.as_str()) && !claims.contains_key(name) {
                    claims.insert(name.clone(), value.clone());
                }
            }
            let one = json!({
                "format": credential.format,
                "types": credential.types,
                "issuer": credential.issuer.as_ref().map(|issuer| &issuer.name),
                "claims": disclosed,
            });
            let id = credential.query.as_str().to_owned();
            let list = presentations.entry(id).or_insert_with(|| json!([]));
            list.as_array_mut().into_iter().for_each(|list| list.push(one.clone()));
        }
        let person = client.subject.as_ref().and_then(|subject| {
            let own = verdict.credentials.iter().find(|one| one.query == subject.credential)?;
            let claims = Value::Object(own.claims.clone()?);
            let value = subject.path.select(&claims).ok()?.first()?.to_string();
            let issuer = own.issuer.as_ref().map(|issuer| issuer.name.as_str())?;
            Some(json!([issuer, value]).to_string())
        });
        // a sign-in that shows no name of its own is somebody new
        let who = person.unwrap_or_else(|| json!([session]).to_string());
        let sub = tenant.data_key.pseudonym(&tenant.id, &client.id, &who, self.provider());
        claims.insert("sub".to_owned(), json!(json::base64url(sub)));
        claims.insert("acr".to_owned(), json!(sign_in.preset));
        claims.insert("presentations".to_owned(), Value::Object(presentations));
        claims
    }

    async fn id_token(
        &self,
        tenant: &Tenant,
        sign_in: &SignIn,
        verdict: &Verdict,
        mut claims: Object,
        access_token: &str,
    ) -> Result<String, SignerError> {
        let now = self.now();
        let hash = self.provider().hash(HashAlgorithm::Sha256, access_token.as_bytes());
        let half = &hash.as_bytes()[..hash.as_bytes().len() / 2];
        let members = [
            ("iss", json!(self.sign_in_issuer(tenant).as_str())),
            ("aud", json!(sign_in.client)),
            ("iat", json!(now.as_second())),
            ("exp", json!((now + TOKEN_LIFETIME).as_second())),
            ("auth_time", json!(verdict.concluded_at.as_second())),
            // OpenID Connect Core 1.0 §3.1.3.6
            ("at_hash", json!(json::base64url(half))),
        ];
        claims.extend(members.map(|(name, value)| (name.to_owned(), value)));
        if let Some(nonce) = &sign_in.nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!("JWT"));
        header.insert("kid".to_owned(), json!(self.sign_in_key(tenant).kid));
        jose::sign(header, &claims, tenant.names.certified().signer().as_ref()).await
    }
}

fn concluded(state: &State) -> Option<(&SignIn, &Verdict)> {
    let sign_in = state.sign_in.as_ref()?;
    let Phase::Ended(ended) = &state.phase else { return None };
    let End::Concluded(Conclusion::Answered(verdict)) = &ended.end else { return None };
    (verdict.is_verified() && !ended.awaits_return).then_some((sign_in, verdict))
}

/// A form in which each parameter is there once.
fn read(body: &[u8]) -> Result<HashMap<String, String>, TokenFault> {
    let mut form = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(TokenFault::Malformed);
        }
    }
    Ok(form)
}
