//! From the authorization code to the access token, and from the refresh token to another one
//! (RFC 6749 §4.1.3, §6; OID4VCI 1.0 §6).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Authorized, FoundClaims, HolderId, Issuer, Readiness, Refused, Sender, WaitingClaims,
    authorized::Due,
    claims::{Awaited, DueClaims},
    redeemed::Redeemed,
};
use crate::{
    AccessToken, AuthorizationCode, CredentialConfigurationId, CredentialIdentifier, RefreshToken,
    Secrets,
    authorization::{AuthorizationRequest, WantedCredential},
    client_authentication::ClientId,
    credential::Wanted,
    dpop::KeyThumbprint,
    token::{
        AuthorizationDetail, CodeTokenRequest, RefreshTokenRequest, TokenError, TokenResponse,
    },
};

/// Where the claims of a granted credential come from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Claims {
    /// The integrator gave them with the offer: issued once.
    Offered(WaitingClaims),
    /// They were looked up for the holder, and can be again.
    LookedUp(WaitingClaims),
    /// A login provider told them: issued once, as they cannot be looked up again.
    Told(WaitingClaims),
    /// Nobody could tell yet.
    Awaited(Awaited),
}

/// A holder agreed, and a code is out.
#[derive(Debug, Serialize, Deserialize)]
pub struct Granted {
    request: AuthorizationRequest,
    code: AuthorizationCode,
    holder: HolderId,
    due: Vec<(WantedCredential, Claims)>,
    expires_at: Timestamp,
    #[serde(default)]
    readiness: Readiness,
}

/// What a refresh token gives a right to: the same credentials again, with claims looked up afresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refreshable {
    token: RefreshToken,
    client: ClientId,
    /// The key of the client instance that was attested, if one was.
    instance: Option<KeyThumbprint>,
    /// The key of the DPoP proofs.
    key: Option<KeyThumbprint>,
    holder: HolderId,
    wanted: Vec<WantedCredential>,
    expires_at: Timestamp,
}

impl Granted {
    pub(super) const fn new(
        request: AuthorizationRequest,
        code: AuthorizationCode,
        holder: HolderId,
        due: Vec<(WantedCredential, Claims)>,
        expires_at: Timestamp,
    ) -> Self {
        let readiness = Readiness::Ready;
        Self { request, code, holder, due, expires_at, readiness }
    }

    /// With what was granted not ready before it is.
    pub(super) const fn ready(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    pub(super) const fn readiness(&self) -> Readiness {
        self.readiness
    }

    /// Who agreed.
    pub const fn holder(&self) -> &HolderId {
        &self.holder
    }

    /// The request, for the answer to it.
    pub const fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// The code, for the answer and for the handle that leads to this session.
    pub const fn code(&self) -> &AuthorizationCode {
        &self.code
    }

    /// From this moment on the code is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Trades the code for an access token, once.
    ///
    /// # Errors
    /// One [`TokenError`] per rule; whatever is wrong with the request, the code is left as it was: it
    /// lives a minute.
    pub fn exchange(
        self,
        request: &CodeTokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
        secrets: &dyn Secrets,
    ) -> Result<(TokenResponse, Authorized), Refused<TokenError, Self>> {
        if let Err(error) =
            sender.accept(issuer).and_then(|()| self.accept(request, sender, issuer, now))
        {
            return Err(Refused::unchanged(error, self));
        }
        let code_ends_at = self.expires_at;
        let granted = self.narrowed_to(&request.details);
        let scope = scope_of(granted.due.iter().map(|(wanted, _)| wanted), issuer);
        let wanted: Vec<_> = granted
            .due
            .iter()
            .filter(|(_, claims)| match claims {
                Claims::LookedUp(_) => true,
                // what a login provider told is part of what is awaited, and is not told again
                Claims::Awaited(awaited) => awaited.profile.is_none(),
                Claims::Offered(_) | Claims::Told(_) => false,
            })
            .map(|(wanted, _)| wanted.clone())
            .collect();
        let refresh = granted.refreshable(sender, wanted, issuer, now, secrets);
        let due = granted.due.into_iter().map(|(wanted, claims)| {
            let claims = match claims {
                Claims::Offered(claims) | Claims::LookedUp(claims) | Claims::Told(claims) => {
                    DueClaims::Known(claims)
                }
                Claims::Awaited(awaited) => DueClaims::Awaited(awaited),
            };
            due(wanted, claims)
        });
        let (response, authorized) = respond(due.collect(), refresh, sender, issuer, now, secrets);
        let response = TokenResponse { scope, ..response };
        let mut authorized = authorized.for_holder(Some(granted.holder)).ready(granted.readiness);
        authorized.redeemed = Redeemed::new(request, sender, &response, code_ends_at, issuer);
        Ok((response, authorized))
    }

    /// What a token request asks for of what was granted, named as §6.2 demands of the answer to one that names it.
    fn narrowed_to(mut self, details: &[AuthorizationDetail]) -> Self {
        if details.is_empty() {
            return self;
        }
        let is_asked = |wanted: &WantedCredential| {
            details.iter().any(|detail| detail.credential_configuration_id == wanted.configuration)
        };
        self.due.retain(|(wanted, _)| is_asked(wanted));
        for (wanted, _) in &mut self.due {
            wanted.named = true;
        }
        self
    }

    fn accept(
        &self,
        request: &CodeTokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        if request.code != self.code {
            return Err(TokenError::CodeUnknown);
        }
        if now >= self.expires_at {
            return Err(TokenError::CodeExpired);
        }
        // RFC 6749 §4.1.3: issued to this client
        if sender.client.id() != Some(&self.request.client) {
            return Err(TokenError::OtherClient);
        }
        // RFC 6749 §4.1.3: identical with the one of the authorization request, which had one
        if request.redirect_uri.as_deref() != Some(&*self.request.redirect_uri) {
            return Err(TokenError::RedirectUri);
        }
        // RFC 7636 §4.6
        let verifier = request.verifier.as_ref().ok_or(TokenError::VerifierMissing)?;
        if !self.request.challenge.is_met_by(verifier, issuer.provider()) {
            return Err(TokenError::VerifierWrong);
        }
        // RFC 9449 §10: the key that the code was bound to
        if self.request.key.as_ref().is_some_and(|key| sender.key() != Some(key)) {
            return Err(TokenError::OtherKey);
        }
        // RFC 9396 §6: nothing beyond what was granted
        let is_granted = |detail: &AuthorizationDetail| {
            let id = &detail.credential_configuration_id;
            self.due.iter().any(|(wanted, _)| wanted.configuration == *id)
        };
        if request.details.iter().all(is_granted) {
            Ok(())
        } else {
            Err(TokenError::AuthorizationDetails)
        }
    }

    /// A refresh token, if it can be bound to a key or to an authenticated client.
    fn refreshable(
        &self,
        sender: &Sender,
        wanted: Vec<WantedCredential>,
        issuer: &Issuer,
        now: Timestamp,
        secrets: &dyn Secrets,
    ) -> Option<Refreshable> {
        // RFC 9700 §2.2.2: refresh tokens of public clients are sender-constrained
        let held = sender.key().is_some() || sender.client.is_proven();
        (held && !wanted.is_empty()).then(|| Refreshable {
            token: RefreshToken::generate(secrets),
            client: self.request.client.clone(),
            instance: sender.client.instance().cloned(),
            key: sender.key().cloned(),
            holder: self.holder.clone(),
            wanted,
            expires_at: now + issuer.configuration.policy().refresh_life,
        })
    }
}

impl Refreshable {
    /// The token, for the handle that leads to this session.
    pub const fn token(&self) -> &RefreshToken {
        &self.token
    }

    /// From this moment on it is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whose credentials they are.
    pub const fn holder(&self) -> &HolderId {
        &self.holder
    }

    /// What has to be looked up for the holder.
    pub fn configurations(&self) -> impl Iterator<Item = &CredentialConfigurationId> {
        self.wanted.iter().map(|wanted| &wanted.configuration)
    }

    /// Whether this sender may use it; before anything is looked up.
    ///
    /// # Errors
    /// One [`TokenError`] per rule.
    pub fn accept(
        &self,
        request: &RefreshTokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        sender.accept(issuer)?;
        if request.token != self.token || now >= self.expires_at {
            return Err(TokenError::RefreshTokenUnknown);
        }
        // RFC 6749 §6: issued to this client
        if sender.client.id() != Some(&self.client) {
            return Err(TokenError::OtherClient);
        }
        // attestation-based client authentication §9: bound to the key of the instance
        if self.instance.as_ref() != sender.client.instance() {
            return Err(TokenError::OtherClient);
        }
        // RFC 9449 §5: a public client is held by the key of its proof, any other by how it proves who it is
        let is_held = if sender.client.is_proven() {
            self.key.is_none() || sender.key().is_some()
        } else {
            self.key.as_ref() == sender.key()
        };
        if is_held { Ok(()) } else { Err(TokenError::OtherKey) }
    }

    /// Another access token; and for a public client another refresh token in place of this one.
    ///
    /// # Errors
    /// [`TokenError::NothingToIssue`] when there are no claims for the holder any more.
    pub fn refresh(
        &self,
        found: &[(CredentialConfigurationId, FoundClaims)],
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
        secrets: &dyn Secrets,
    ) -> Result<(TokenResponse, Authorized), TokenError> {
        let claims = |wanted: &WantedCredential| {
            let configuration = issuer.configuration.credential(&wanted.configuration)?;
            let (_, found) = found.iter().find(|(id, _)| *id == wanted.configuration)?;
            let claims = match found {
                FoundClaims::Lasting(claims) | FoundClaims::Passing(claims) => {
                    configuration.accept_claims(claims).ok()?;
                    DueClaims::Known(WaitingClaims::new(claims))
                }
                FoundClaims::Later => {
                    DueClaims::Awaited(Awaited { holder: self.holder.clone(), profile: None })
                }
            };
            Some(due(wanted.clone(), claims))
        };
        let due: Vec<_> = self.wanted.iter().filter_map(claims).collect();
        let is_due = |wanted: &&WantedCredential| {
            due.iter().any(|due| due.configuration == wanted.configuration)
        };
        let scope = scope_of(self.wanted.iter().filter(is_due), issuer);
        if due.is_empty() {
            return Err(TokenError::NothingToIssue);
        }
        // FAPI 2.0 §5.3.2.1(9): no rotation where the client itself holds the token
        let token = if sender.client.is_proven() {
            self.token.clone()
        } else {
            RefreshToken::generate(secrets)
        };
        let expires_at = now + issuer.configuration.policy().refresh_life;
        let renewed = Self { token, expires_at, ..self.clone() };
        let (response, authorized) = respond(due, Some(renewed), sender, issuer, now, secrets);
        let authorized = authorized.for_holder(Some(self.holder.clone()));
        Ok((TokenResponse { scope, ..response }, authorized))
    }

    /// What it gives a right to without this credential; none when that is nothing.
    pub(super) fn without(mut self, id: &CredentialConfigurationId) -> Option<Self> {
        self.wanted.retain(|wanted| wanted.configuration != *id);
        (!self.wanted.is_empty()).then_some(self)
    }

    /// What a name stands for, to be looked up afresh.
    pub(super) fn due_again(&self, wanted: &Wanted) -> Option<Due> {
        let is_meant = |known: &&WantedCredential| match wanted {
            Wanted::Configuration(id) => !known.named && known.configuration == *id,
            Wanted::Identifier(id) => known.named && identifier(&known.configuration) == *id,
        };
        let known = self.wanted.iter().find(is_meant)?;
        let awaited = Awaited { holder: self.holder.clone(), profile: None };
        Some(due(known.clone(), DueClaims::Awaited(awaited)))
    }
}

fn due(wanted: WantedCredential, claims: DueClaims) -> Due {
    Due {
        identifier: wanted.named.then(|| identifier(&wanted.configuration)),
        configuration: wanted.configuration,
        claims,
        denied: false,
    }
}

/// One data set per configuration, so its identifier can be derived.
pub(super) fn identifier(configuration: &CredentialConfigurationId) -> CredentialIdentifier {
    CredentialIdentifier::new(format!("{configuration}.1"))
}

/// RFC 6749 §5.1: what was granted of the scopes that were asked for; none where none was.
fn scope_of<'w>(
    granted: impl Iterator<Item = &'w WantedCredential>,
    issuer: &Issuer,
) -> Option<String> {
    let scope = |wanted: &WantedCredential| {
        let configuration = issuer.configuration.credential(&wanted.configuration)?;
        Some(configuration.scope.clone())
    };
    let scopes: Vec<_> = granted.filter(|wanted| wanted.by_scope).filter_map(scope).collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

/// The token response to every grant, and the session it leaves.
pub(super) fn respond(
    due: Vec<Due>,
    refresh: Option<Refreshable>,
    sender: &Sender,
    issuer: &Issuer,
    now: Timestamp,
    secrets: &dyn Secrets,
) -> (TokenResponse, Authorized) {
    let policy = issuer.configuration.policy();
    // RFC 9449 §5: the token is bound to the key that the request proved
    let (life, token_type) = match sender.key() {
        Some(_) => (policy.bound_token_life, "DPoP"),
        None => (policy.token_life, "Bearer"),
    };
    let access_token = AccessToken::generate(secrets);
    // §6.2: whoever asked with authorization details is answered with credential identifiers
    let details: Vec<_> = due
        .iter()
        .filter_map(|due| {
            let identifier = due.identifier.clone()?;
            Some(AuthorizationDetail::issued(due.configuration.clone(), identifier))
        })
        .collect();
    let response = TokenResponse {
        authorization_details: (!details.is_empty()).then_some(details),
        access_token: access_token.clone(),
        token_type: token_type.to_owned(),
        expires_in: u64::try_from(life.as_secs()).ok(),
        refresh_token: refresh.as_ref().map(|refresh| refresh.token.clone()),
        scope: None,
    };
    let authorized = Authorized::new(access_token, sender.key().cloned(), due, now + life)
        .issued_to(sender.client.id())
        .refreshed_by(refresh);
    (response, authorized)
}
