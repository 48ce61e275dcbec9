//! An integrator looks issued credentials up, changes what they are worth, and has them issued anew.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use lanyard_core::json::{self, Object};
use lanyard_oid4vci::{CredentialConfigurationId, issuer::HolderId};
use lanyard_store::{
    CallAnswer, CredentialId, CredentialStatus, IssuedFilter, IssuedPage, IssuedRecord, NewEvent,
    StatusChange, StatusEntry, StatusNote, SubjectRef, TenantId,
};
use serde::Deserialize;
use thiserror::Error;

use crate::{
    CredentialToOffer, Deferral, IssuerError, IssuerService, NewOfferRequest, OfferCreated, revoke,
    step, tenant::Tenant,
};

/// The longest reference to a subject.
pub(crate) const LONGEST_SUBJECT: usize = 256;

/// The longest reason.
const LONGEST_REASON: usize = 64;

/// How many credentials are listed unless told otherwise.
const USUAL_PAGE: u16 = 50;

/// How many are read at once where all are wanted.
const PORTION: u16 = 200;

/// Why something is done, in a word of the integrator's: `[a-z0-9_]{1,64}`.
///
/// A sentence would soon be one about somebody, and it is kept for as long as the credential is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

impl TryFrom<String> for Reason {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=LONGEST_REASON).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text));
        }
        Err("a reason is a word of 1 to 64 characters of a-z, 0-9 and _")
    }
}

/// An integrator's own reference to whom something is about, such as a staff number.
///
/// Only an HMAC of it is kept.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Subject(String);

impl TryFrom<String> for Subject {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if (1..=LONGEST_SUBJECT).contains(&text.len()) {
            return Ok(Self(text));
        }
        Err("a subject is a text of 1 to 256 bytes")
    }
}

/// Whose it is, is not for logs.
impl std::fmt::Debug for Subject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Subject")
    }
}

/// Which credentials are wanted; as JSON, the body of a search.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialSearch {
    /// Only those about this subject.
    pub subject: Option<Subject>,
    /// Only those of this configuration.
    pub configuration: Option<String>,
    /// Only what is older than this one.
    pub before: Option<CredentialId>,
    /// How many at most.
    pub limit: Option<u16>,
}

/// Many credentials at once; as JSON, the body of a change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManyCredentials {
    /// Those about this subject.
    pub subject: Option<Subject>,
    /// Those of this configuration.
    pub configuration: Option<String>,
    /// Why.
    pub reason: Option<Reason>,
}

/// How a credential is issued anew; as JSON, the body of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reissue {
    /// What it says from now on: the server keeps no claims of what it issued.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// Whether the holder has to type in a code.
    #[serde(default)]
    pub tx_code: bool,
    /// Whether the old one stays as it is.
    #[serde(default)]
    pub keep_old: bool,
    /// Why.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// Why the body of a call about credentials cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LifecycleFault {
    /// Not strict JSON, or no object of this form.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// Everything would be changed.
    #[error("name a subject, a configuration, or both")]
    NothingNamed,
}

/// The record of an issued credential: never a claim of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// What was issued, and when.
    pub issued: IssuedRecord,
    /// What it is worth now; none when it has no status.
    pub status: Option<CredentialStatus>,
    /// What became of it, oldest first.
    pub history: Vec<StatusEntry>,
}

/// Which of many credentials were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// These were.
    pub changed: Vec<CredentialId>,
    /// These have no status, were so before, or are revoked for good.
    pub unchanged: Vec<CredentialId>,
}

/// Reads the body of a call about credentials: strict JSON; none stands for an empty object.
///
/// # Errors
/// [`LifecycleFault::Body`].
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, LifecycleFault> {
    let body = if body.is_empty() { b"{}" } else { body };
    let object: Object =
        json::parse_object(body).map_err(|error| LifecycleFault::Body(error.to_string()))?;
    serde_json::from_value(object.into()).map_err(|error| LifecycleFault::Body(error.to_string()))
}

impl IssuerService {
    /// The issued credentials of a tenant, newest first.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`] and [`IssuerError::Store`].
    pub async fn credentials(
        &self,
        tenant: &TenantId,
        search: &CredentialSearch,
    ) -> Result<Vec<CredentialRecord>, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let filter = self.filter(tenant, search.subject.as_ref(), search.configuration.as_deref());
        let page = IssuedPage { before: search.before, limit: search.limit.unwrap_or(USUAL_PAGE) };
        let mut found = Vec::new();
        for issued in self.environment().store.list_issued(&tenant.id, &filter, page).await? {
            found.push(self.record_of(tenant, issued).await?);
        }
        Ok(found)
    }

    /// The record of one credential.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownCredential`] and [`IssuerError::Store`].
    pub async fn credential(
        &self,
        tenant: &TenantId,
        id: CredentialId,
    ) -> Result<CredentialRecord, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let issued = self.environment().store.issued(&tenant.id, id).await?;
        self.record_of(tenant, issued.ok_or(IssuerError::UnknownCredential)?).await
    }

    /// Sets the status of every copy of a credential, and records why; whoever asks for the list from now
    /// on sees it.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`], [`IssuerError::UnknownCredential`],
    /// [`IssuerError::RevokedForGood`] and [`IssuerError::Store`].
    pub async fn change_status(
        &self,
        tenant: &TenantId,
        credential: CredentialId,
        status: CredentialStatus,
        reason: Option<Reason>,
    ) -> Result<(), IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        self.change(tenant, credential, status, reason).await.map(|_| ())
    }

    /// Changes all credentials about a subject, of a configuration, or both.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`] and [`IssuerError::Store`]: some may be changed by then, and the same
    /// call changes the rest.
    pub async fn change_many(
        &self,
        tenant: &TenantId,
        many: &ManyCredentials,
        status: CredentialStatus,
    ) -> Result<Changed, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let filter = self.filter(tenant, many.subject.as_ref(), many.configuration.as_deref());
        self.change_all(tenant, &filter, status, many.reason.as_ref()).await
    }

    pub(crate) async fn change_all(
        &self,
        tenant: &Tenant,
        filter: &IssuedFilter,
        status: CredentialStatus,
        reason: Option<&Reason>,
    ) -> Result<Changed, IssuerError> {
        let (mut before, mut done) = (None, Changed::default());
        loop {
            let page = IssuedPage { before, limit: PORTION };
            let found = self.environment().store.list_issued(&tenant.id, filter, page).await?;
            before = found.last().map(|record| record.credential);
            if before.is_none() {
                return Ok(done);
            }
            for IssuedRecord { credential, .. } in found {
                match self.change(tenant, credential, status, reason.cloned()).await {
                    Ok(true) => done.changed.push(credential),
                    Ok(false)
                    | Err(
                        IssuerError::RevokedForGood
                        | IssuerError::NotSuspendable
                        | IssuerError::UnknownCredential,
                    ) => {
                        done.unchanged.push(credential);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Offers a credential anew, for the same subject; the old one is revoked unless it is to be kept.
    ///
    /// # Errors
    /// As of an offer that is made, and of a status that is changed: the offer is there by then.
    pub async fn reissue(
        &self,
        tenant: &TenantId,
        id: CredentialId,
        wanted: Reissue,
    ) -> Result<OfferCreated, IssuerError> {
        self.reissue_once(tenant, id, wanted, |_| None).await
    }

    /// The same as the outcome of a call, whose answer is kept with the offer.
    pub(crate) async fn reissue_once(
        &self,
        tenant: &TenantId,
        id: CredentialId,
        wanted: Reissue,
        told: impl FnOnce(&OfferCreated) -> Option<CallAnswer> + Send,
    ) -> Result<OfferCreated, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let issued = self.environment().store.issued(&tenant.id, id).await?;
        let issued = issued.ok_or(IssuerError::UnknownCredential)?;
        let request = NewOfferRequest {
            credentials: vec![CredentialToOffer {
                configuration: CredentialConfigurationId::new(issued.configuration),
                claims: wanted.claims.into_iter().collect(),
            }],
            looked_up: Vec::new(),
            login: None,
            tx_code: wanted.tx_code,
            by_reference: true,
            deferral: Deferral::None,
            subject: None,
        };
        let draft = self.draft_offer(tenant, request, issued.subject)?;
        // first of the two: a call that is made again after a crash makes up for the one that is missing
        if !wanted.keep_old {
            let reason = wanted.reason.or_else(|| Reason::try_from("superseded".to_owned()).ok());
            match self.change(tenant, id, CredentialStatus::Revoked, reason).await {
                // one without a status runs out by itself
                Ok(_) | Err(IssuerError::UnknownCredential) => {}
                Err(error) => return Err(error),
            }
        }
        let call = told(&draft.created);
        self.keep(tenant, draft, call).await
    }

    /// Changes a status; says whether it was another one before.
    async fn change(
        &self,
        tenant: &Tenant,
        credential: CredentialId,
        status: CredentialStatus,
        reason: Option<Reason>,
    ) -> Result<bool, IssuerError> {
        let lists = tenant.status_lists.as_ref().ok_or(IssuerError::UnknownCredential)?;
        let store = &self.environment().store;
        let note = StatusNote {
            reason: reason.map(|reason| reason.0),
            ..StatusNote::at(to_the_hour(self.now()))
        };
        let changed = match store.set_status(&tenant.id, credential, status, note).await? {
            StatusChange::Done(changed) => changed,
            // ARF VCR_04: a revocation is not undone
            StatusChange::Final => return Err(IssuerError::RevokedForGood),
            // nobody who reads the credential would look for it
            StatusChange::NotSuspendable => return Err(IssuerError::NotSuspendable),
            StatusChange::Absent => return Err(IssuerError::UnknownCredential),
        };
        if changed.is_empty() {
            return Ok(false);
        }
        lists.renew(changed).await;
        let Some(record) = store.issued(&tenant.id, credential).await? else { return Ok(true) };
        let event =
            NewEvent::done(self.now(), step::STATUS_CHANGED).with_detail(revoke::name(status));
        // the session may be gone by now, and its trail with it; the change counts all the same
        let kept = store.append_event(&tenant.id, record.session, event.clone()).await;
        if let Err(error) = kept {
            tracing::info!(tenant = tenant.id.as_str(), reason = error.reason(), "trail");
        }
        self.announce(tenant, record.session, &event);
        Ok(true)
    }

    async fn record_of(
        &self,
        tenant: &Tenant,
        issued: IssuedRecord,
    ) -> Result<CredentialRecord, IssuerError> {
        let store = &self.environment().store;
        let status = store.status(&tenant.id, issued.credential).await?;
        let history = store.status_history(&tenant.id, issued.credential).await?;
        Ok(CredentialRecord { issued, status, history })
    }

    fn filter(
        &self,
        tenant: &Tenant,
        subject: Option<&Subject>,
        configuration: Option<&str>,
    ) -> IssuedFilter {
        IssuedFilter {
            subject: subject.map(|subject| self.subject_ref(tenant, subject)),
            configuration: configuration.map(str::to_owned),
        }
    }

    /// What is kept of a reference to a subject.
    pub(crate) fn subject_ref(&self, tenant: &Tenant, subject: &Subject) -> SubjectRef {
        tenant.data_key.subject(&tenant.id, &subject.0, self.provider())
    }

    /// The subject that whoever logged in is: the name that they logged in with.
    pub(crate) fn logged_in_subject(
        &self,
        tenant: &Tenant,
        holder: Option<&HolderId>,
    ) -> Option<SubjectRef> {
        let subject = Subject::try_from(holder?.as_str().to_owned()).ok()?;
        Some(self.subject_ref(tenant, &subject))
    }
}

/// When exactly somebody left is nobody's business a year later.
pub(crate) fn to_the_hour(now: Timestamp) -> Timestamp {
    let hour = TimestampRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc);
    now.round(hour).unwrap_or(now)
}
