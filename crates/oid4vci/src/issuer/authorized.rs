//! From the access token to the credentials (OID4VCI 1.0 §8).

use jiff::Timestamp;
use lanyard_core::{json::Object, status::StatusReference};
use serde::{Deserialize, Serialize};

use super::{
    FoundClaims, HolderId, HolderKey, Issuance, Issuer, Readiness, Refreshable, Refused,
    WaitingClaims,
    claims::{Awaited, DueClaims},
    deferral::DeferredCredential,
    holder::holder_keys,
    kept_answer::KeptAnswer,
    redeemed::Redeemed,
};
use crate::{
    AccessToken, CredentialConfigurationId, CredentialIdentifier, NotificationId,
    client_authentication::ClientId,
    configuration::SubjectClaimsError,
    credential::{CredentialError, CredentialRequest, CredentialResponse, Wanted},
    dpop::KeyThumbprint,
    notification::NotificationEvent,
};

/// A session whose access token is out; some credentials are still due.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authorized {
    token: AccessToken,
    /// The key that the token is bound to; none makes it a bearer token.
    #[serde(default)]
    bound_to: Option<KeyThumbprint>,
    /// The client that the token was issued to; none is anonymous access.
    #[serde(default)]
    pub(super) client: Option<ClientId>,
    /// Who logged in; none where a code of the offer was all that it took.
    #[serde(default)]
    holder: Option<HolderId>,
    due: Vec<Due>,
    issued: Vec<IssuedCredential>,
    /// What was issued under the access tokens that this one replaced: the wallet may still tell about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<IssuedCredential>,
    expires_at: Timestamp,
    /// What the access token is renewed with.
    #[serde(default)]
    refresh: Option<Refreshable>,
    /// The answer that the token was in, as long as nothing was got with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) redeemed: Option<Redeemed>,
    #[serde(default)]
    pub(super) readiness: Readiness,
    /// What was asked for before it was ready.
    #[serde(default)]
    pub(super) deferred: Vec<DeferredCredential>,
    /// What was collected and may not have arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) answers: Vec<KeptAnswer>,
}

/// What a token of another authorization server gives a right to, after it was verified.
pub struct ExternalGrant {
    /// The token.
    pub token: AccessToken,
    /// The key that it is bound to; none makes it a bearer token.
    pub bound_to: Option<KeyThumbprint>,
    /// The client that it was issued to.
    pub client: Option<ClientId>,
    /// Who logged in.
    pub holder: HolderId,
    /// What the token tells about them, for whoever knows more.
    pub profile: Object,
    /// The credentials, each by the identifier that the other server gave it, if it gave one.
    pub credentials: Vec<(CredentialConfigurationId, Option<CredentialIdentifier>)>,
    /// From this moment on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Whose claims have to be looked up, for which credential, and what their login told.
pub type AwaitedClaims = (CredentialConfigurationId, HolderId, Option<Object>);

/// A credential that the access token gives a right to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Due {
    pub(super) configuration: CredentialConfigurationId,
    /// Given out in the token response: then the credential request must use it.
    pub(super) identifier: Option<CredentialIdentifier>,
    pub(super) claims: DueClaims,
    /// Whether whoever knows the holder said that they are to have none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) denied: bool,
}

/// What was issued: how many copies, when, until when; no claim of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCredential {
    /// Which configuration.
    pub configuration: CredentialConfigurationId,
    identifier: Option<CredentialIdentifier>,
    /// How many copies, each for a key of its own.
    pub copies: usize,
    /// When.
    pub issued_at: Timestamp,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// Where each copy has its status, if any has; known to the step that issued it, and not kept.
    #[serde(skip)]
    pub statuses: Vec<StatusReference>,
    /// What the wallet tells about it with.
    #[serde(default)]
    pub(super) notification: Option<NotificationId>,
    /// What the wallet told last.
    #[serde(default)]
    pub heard: Option<NotificationEvent>,
}

/// A session that has given out everything; no claim is left in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    credentials: Vec<IssuedCredential>,
    /// What was issued under the access tokens that this one replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<IssuedCredential>,
    /// Who logged in.
    #[serde(default)]
    holder: Option<HolderId>,
    /// What another access token is had with, to be issued the same again.
    #[serde(default)]
    refresh: Option<Refreshable>,
    /// The token that it was got with, and its key: what became of it is told with the same.
    #[serde(default)]
    token: Option<AccessToken>,
    #[serde(default)]
    bound_to: Option<KeyThumbprint>,
    /// The client that the token was issued to.
    #[serde(default)]
    client: Option<ClientId>,
    /// From this moment on the token gets nothing again.
    #[serde(default)]
    token_expires_at: Option<Timestamp>,
    /// What was collected and may not have arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) answers: Vec<KeptAnswer>,
}

/// What a wallet may tell about.
pub(super) struct ToldAbout<'s> {
    pub(super) earlier: &'s mut [IssuedCredential],
    pub(super) issued: &'s mut [IssuedCredential],
    /// What may not have arrived, until the wallet says that it has.
    pub(super) answers: &'s mut Vec<KeptAnswer>,
}

/// Where a session goes after it gave out a credential.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once, and most are the large one"
)]
#[derive(Debug)]
pub enum Progress {
    /// More credentials are due.
    Authorized(Authorized),
    /// None is.
    Issued(Issued),
}

impl Authorized {
    pub(super) fn new(
        token: AccessToken,
        bound_to: Option<KeyThumbprint>,
        due: Vec<Due>,
        expires_at: Timestamp,
    ) -> Self {
        let readiness = Readiness::Ready;
        Self {
            token,
            bound_to,
            client: None,
            holder: None,
            due,
            issued: Vec::new(),
            earlier: Vec::new(),
            expires_at,
            refresh: None,
            redeemed: None,
            readiness,
            deferred: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// What another authorization server granted; the claims are still to be had.
    pub fn granted_elsewhere(grant: ExternalGrant) -> Self {
        let ExternalGrant { token, bound_to, client, holder, profile, credentials, expires_at } =
            grant;
        let profile = WaitingClaims::new(&profile);
        let due = |(configuration, identifier)| {
            let awaited = Awaited { holder: holder.clone(), profile: Some(profile.clone()) };
            let claims = DueClaims::Awaited(awaited);
            Due { configuration, identifier, claims, denied: false }
        };
        let due = credentials.into_iter().map(due).collect();
        Self::new(token, bound_to, due, expires_at)
            .issued_to(client.as_ref())
            .for_holder(Some(holder))
    }

    pub(super) fn issued_to(mut self, client: Option<&ClientId>) -> Self {
        self.client = client.cloned();
        self
    }

    pub(super) fn for_holder(mut self, holder: Option<HolderId>) -> Self {
        self.holder = holder;
        self
    }

    /// Who logged in, if anybody did.
    pub fn holder(&self) -> Option<&HolderId> {
        // a session that began under an earlier release names them with its refresh token alone
        self.holder.as_ref().or_else(|| self.refresh.as_ref().map(Refreshable::holder))
    }

    pub(super) fn refreshed_by(mut self, refresh: Option<Refreshable>) -> Self {
        self.refresh = refresh;
        self
    }

    /// What the access token is renewed with, if it can be.
    pub const fn refresh(&self) -> Option<&Refreshable> {
        self.refresh.as_ref()
    }

    /// From this moment on neither the access token nor the refresh token leads anywhere.
    pub fn session_ends_at(&self) -> Timestamp {
        let refresh = self.refresh.as_ref().map(Refreshable::expires_at);
        let access = self.access_ends_at();
        refresh.map_or(access, |refresh| refresh.max(access))
    }

    /// The key that the token is bound to (`cnf.jkt`, RFC 9449 §6).
    pub const fn bound_to(&self) -> Option<&KeyThumbprint> {
        self.bound_to.as_ref()
    }

    /// The token, for the handle that leads to this session.
    pub const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// What was issued so far.
    pub fn issued(&self) -> &[IssuedCredential] {
        &self.issued
    }

    pub(super) fn told_about(&mut self) -> ToldAbout<'_> {
        ToldAbout {
            earlier: &mut self.earlier,
            issued: &mut self.issued,
            answers: &mut self.answers,
        }
    }

    /// From this moment on the access token is worth nothing, not even for what was deferred under it.
    fn access_ends_at(&self) -> Timestamp {
        let answered = self.answers.iter().map(KeptAnswer::ends_at).max();
        [self.deferral_ends(), answered].into_iter().flatten().fold(self.expires_at, Timestamp::max)
    }

    /// From this moment on the access token is worth nothing for anything new.
    pub(super) const fn token_expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Issues one credential, once, in as many copies as keys were proven.
    ///
    /// The claims are dropped from the session in the same step.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; the session is always left as it was.
    pub async fn accept(
        mut self,
        request: CredentialRequest,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(CredentialResponse, IssuedCredential, Progress), Refused<CredentialError, Self>>
    {
        let (place, response, issued) = match self.issue(&request, issuer, now).await {
            Ok(done) => done,
            Err(error) => return Err(Refused::unchanged(error, self)),
        };
        self.due.remove(place);
        let progress = self.after(&issued);
        Ok((response, issued, progress))
    }

    /// Where the session goes once this was issued.
    pub(super) fn after(mut self, issued: &IssuedCredential) -> Progress {
        self.redeemed = None;
        self.issued.push(issued.clone());
        if self.due.is_empty() && self.deferred.is_empty() {
            Progress::Issued(Issued {
                credentials: self.issued,
                earlier: self.earlier,
                holder: self.holder,
                refresh: self.refresh,
                token: Some(self.token),
                bound_to: self.bound_to,
                client: self.client,
                token_expires_at: Some(self.expires_at),
                answers: self.answers,
            })
        } else {
            Progress::Authorized(self)
        }
    }

    async fn issue(
        &self,
        request: &CredentialRequest,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(usize, CredentialResponse, IssuedCredential), CredentialError> {
        // 1. RFC 6750 §3.1: an expired token is no token
        if now >= self.expires_at {
            return Err(CredentialError::AccessTokenExpired);
        }
        // 2. §8.2: the credential is named the way the token response demands, and is due
        let place = self.place(&request.wanted, issuer)?;
        let due = &self.due[place];
        let configuration = issuer
            .configuration
            .credential(&due.configuration)
            .ok_or(CredentialError::UnknownConfiguration)?;
        // 3. App. F: the holder has shown each key
        let (proofs, client) = (request.proofs.as_ref(), self.client.as_ref());
        let keys = holder_keys(proofs, client, configuration, issuer, now).await?;
        // 4. §8.3: one credential per key
        let (response, issued) = self.issue_to(due, &keys, issuer, now).await?;
        Ok((place, response, issued))
    }

    /// One credential for each of these keys.
    pub(super) async fn issue_to(
        &self,
        due: &Due,
        keys: &[Option<HolderKey>],
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(CredentialResponse, IssuedCredential), CredentialError> {
        let configuration = issuer
            .configuration
            .credential(&due.configuration)
            .ok_or(CredentialError::UnknownConfiguration)?;
        let DueClaims::Known(claims) = &due.claims else {
            return Err(CredentialError::NotReady);
        };
        let (response, expires_at, statuses) =
            issuer.issue(configuration, claims, keys, now).await?;
        let issued = IssuedCredential {
            configuration: due.configuration.clone(),
            identifier: due.identifier.clone(),
            copies: response.credentials.len(),
            issued_at: now,
            expires_at,
            statuses,
            notification: response.notification_id.clone(),
            heard: None,
        };
        Ok((response, issued))
    }

    /// Goes on with what waits under the access token that this one replaces, and remembers what was issued
    /// under it.
    #[must_use]
    pub fn instead_of(mut self, before: Progress, now: Timestamp) -> Self {
        let (mut earlier, issued) = match before {
            Progress::Issued(before) => {
                self.answers = before.answers;
                (before.earlier, before.credentials)
            }
            Progress::Authorized(mut before) => {
                // what waited too long is due again
                before.deferred.retain(|waiting| waiting.waits(now));
                let waits = |due: &Due| {
                    let mut waiting = before.deferred.iter().map(|waiting| &waiting.due);
                    waiting.any(|waiting| waiting.configuration == due.configuration)
                };
                // what waits already is not due a second time
                self.due.retain(|due| !waits(due));
                self.deferred = before.deferred;
                self.answers = before.answers;
                self.readiness = before.readiness;
                (before.earlier, before.issued)
            }
        };
        earlier.extend(issued);
        // the newest
        earlier.drain(..earlier.len().saturating_sub(Issued::MOST_ISSUED));
        self.earlier = earlier;
        self
    }

    /// The claims that have to be looked up for what a wallet asks for under this name: of which credential, of
    /// whom, and what their login told. None where they are known, or where nothing is issued yet anyway.
    pub fn awaited_for(&self, wanted: &Wanted, now: Timestamp) -> Option<AwaitedClaims> {
        let waiting = self.deferred.iter().map(|waiting| &waiting.due);
        let mut all = self.due.iter().chain(waiting);
        self.awaited(all.find(|due| due.is(wanted))?, now)
    }

    pub(super) fn awaited(&self, due: &Due, now: Timestamp) -> Option<AwaitedClaims> {
        match &due.claims {
            DueClaims::Awaited(awaited) if !due.denied && self.readiness.is_ready(now) => {
                let profile = awaited.profile.as_ref().map(WaitingClaims::to_object);
                Some((due.configuration.clone(), awaited.holder.clone(), profile))
            }
            _ => None,
        }
    }

    /// Takes claims that somebody could tell in the meantime.
    ///
    /// # Errors
    /// [`SubjectClaimsError`] when they do not fit the configuration; the session is left as it was.
    pub fn bring(
        &mut self,
        id: &CredentialConfigurationId,
        found: &FoundClaims,
        issuer: &Issuer,
    ) -> Result<(), SubjectClaimsError> {
        let (FoundClaims::Lasting(claims) | FoundClaims::Passing(claims)) = found else {
            return Ok(());
        };
        if let Some(configuration) = issuer.configuration.credential(id) {
            configuration.accept_claims(claims)?;
        }
        let waiting = self.deferred.iter_mut().map(|waiting| &mut waiting.due);
        for due in self.due.iter_mut().chain(waiting) {
            if due.configuration == *id && matches!(due.claims, DueClaims::Awaited(_)) {
                due.claims = DueClaims::Known(WaitingClaims::new(claims));
            }
        }
        Ok(())
    }

    /// Whoever knows the holder says that they are to have no such credential (§9.3): nobody is asked again, neither
    /// with this access token nor with what it is renewed with.
    pub fn deny(&mut self, id: &CredentialConfigurationId) {
        let waiting = self.deferred.iter_mut().map(|waiting| &mut waiting.due);
        for due in self.due.iter_mut().chain(waiting).filter(|due| due.configuration == *id) {
            if let DueClaims::Awaited(awaited) = &mut due.claims {
                due.denied = true;
                awaited.profile = None;
            }
        }
        self.redeemed = None;
        self.refresh = self.refresh.take().and_then(|refresh| refresh.without(id));
    }

    /// Whether everything that is left was denied.
    pub fn is_denied(&self) -> bool {
        let waiting = self.deferred.iter().map(|waiting| &waiting.due);
        let mut left = self.due.iter().chain(waiting).peekable();
        left.peek().is_some() && (self.readiness == Readiness::Denied || left.all(|due| due.denied))
    }

    /// Drops what can no longer be issued, as the issuer's types have changed and the claims do not fit them.
    pub fn drop_unfit(&mut self, issuer: &Issuer) {
        let fits = |due: &Due| {
            let configuration = issuer.configuration.credential(&due.configuration);
            configuration.is_some_and(|configuration| match &due.claims {
                DueClaims::Known(claims) => {
                    configuration.accept_claims(&claims.to_object()).is_ok()
                }
                DueClaims::Awaited(_) => true,
            })
        };
        self.due.retain(fits);
        self.deferred.retain(|waiting| fits(&waiting.due));
    }

    /// What is due under a name.
    pub(super) fn due_for(
        &self,
        wanted: &Wanted,
        issuer: &Issuer,
    ) -> Result<&Due, CredentialError> {
        self.place(wanted, issuer).map(|place| &self.due[place])
    }

    /// Takes what is due under a name out.
    pub(super) fn take_due(&mut self, wanted: &Wanted) -> Option<Due> {
        let place = self.due.iter().position(|due| due.is(wanted))?;
        Some(self.due.remove(place))
    }

    fn place(&self, wanted: &Wanted, issuer: &Issuer) -> Result<usize, CredentialError> {
        let named = self
            .due
            .iter()
            .map(|due| &due.identifier)
            .chain(self.deferred.iter().map(|waiting| &waiting.due.identifier))
            .chain(self.issued.iter().map(|issued| &issued.identifier));
        let named = named.into_iter().any(Option::is_some);
        match wanted {
            // §8.3.1.2: a name that nobody knows is that before it is anything else
            Wanted::Configuration(id) if issuer.configuration.credential(id).is_none() => {
                Err(CredentialError::UnknownConfiguration)
            }
            // §8.2: either name may be used in one case only, and never in the other
            Wanted::Configuration(_) if named => Err(CredentialError::IdentifierExpected),
            Wanted::Identifier(_) if !named => Err(CredentialError::ConfigurationExpected),
            Wanted::Configuration(id) => {
                let due = self.due.iter().position(|due| due.configuration == *id);
                due.ok_or_else(|| {
                    let before = self.issued.iter().any(|issued| issued.configuration == *id);
                    if before {
                        CredentialError::AlreadyIssued
                    } else {
                        // §6.1: the token gives a right to what was offered and to nothing else
                        CredentialError::NotOffered
                    }
                })
            }
            Wanted::Identifier(id) => {
                let due = self.due.iter().position(|due| due.identifier.as_ref() == Some(id));
                due.ok_or_else(|| {
                    let before =
                        self.issued.iter().any(|issued| issued.identifier.as_ref() == Some(id));
                    if before {
                        CredentialError::AlreadyIssued
                    } else {
                        CredentialError::UnknownIdentifier
                    }
                })
            }
        }
    }
}

impl Due {
    /// Whether it goes by this name.
    pub(super) fn is(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Configuration(id) => self.identifier.is_none() && self.configuration == *id,
            Wanted::Identifier(id) => self.identifier.as_ref() == Some(id),
        }
    }

    /// Whether its claims are here.
    pub(super) const fn is_known(&self) -> bool {
        matches!(self.claims, DueClaims::Known(_))
    }
}

impl Issued {
    /// How often one access token gives something out, at most.
    pub const MOST_ISSUED: usize = 32;

    /// Goes on with a credential that this access token gave out before; its claims are looked up afresh.
    ///
    /// `None` where they cannot be: what came with an offer or was told at a login is issued once.
    pub fn reopen(&self, wanted: &Wanted) -> Option<Authorized> {
        // §14.3: the same token may be shown again, even for the same credential
        let (token, refresh) = (self.token.as_ref()?, self.refresh.as_ref()?);
        if self.credentials.len() >= Self::MOST_ISSUED {
            return None;
        }
        let due = vec![refresh.due_again(wanted)?];
        let bound_to = self.bound_to.clone();
        let mut authorized = Authorized::new(token.clone(), bound_to, due, self.token_expires_at?)
            .issued_to(self.client.as_ref())
            .for_holder(self.holder.clone())
            .refreshed_by(Some(refresh.clone()));
        authorized.issued = self.credentials.clone();
        authorized.earlier = self.earlier.clone();
        authorized.answers = self.answers.clone();
        Some(authorized)
    }

    /// What was issued.
    pub fn credentials(&self) -> &[IssuedCredential] {
        &self.credentials
    }

    /// What another access token is had with.
    pub const fn refresh(&self) -> Option<&Refreshable> {
        self.refresh.as_ref()
    }

    pub(super) fn told_about(&mut self) -> ToldAbout<'_> {
        ToldAbout {
            earlier: &mut self.earlier,
            issued: &mut self.credentials,
            answers: &mut self.answers,
        }
    }

    pub(super) const fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref()
    }

    pub(super) const fn bound_to(&self) -> Option<&KeyThumbprint> {
        self.bound_to.as_ref()
    }

    /// From this moment on nothing that was collected is given again.
    pub fn answers_end(&self) -> Option<Timestamp> {
        self.answers.iter().map(KeptAnswer::ends_at).max()
    }
}

/// Who it is and what is known of them is not for logs.
impl std::fmt::Debug for ExternalGrant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("ExternalGrant").field(&self.credentials).finish()
    }
}

impl From<Progress> for Issuance {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Authorized(authorized) => Self::Authorized(authorized),
            Progress::Issued(issued) => Self::Issued(issued),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_of_an_earlier_release_says_by_its_refresh_token_who_logged_in() {
        let end = "2026-01-15T12:00:00Z";
        let stored = json!({
            "token": "access", "due": [], "issued": [], "expires_at": end,
            "refresh": {
                "token": "refresh", "client": "wallet", "instance": null, "key": null,
                "holder": "ada", "wanted": [], "expires_at": end,
            },
        });
        let read: Authorized = serde_json::from_value(stored).unwrap();
        assert_eq!(read.holder(), Some(&HolderId::new("ada")));
    }
}
