//! What became of an attestation since it was made: the `status` of wallet attestations and key attestations
//! (OID4VCI 1.0 App. D.1 and App. E).

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{
    json::Object,
    status::{
        Status, StatusCheck, StatusError, StatusListUnavailable, StatusQuestion, StatusReference,
    },
    trust::{IssuerIdentity, x509::VerifiedChain},
};
use thiserror::Error;

/// Why its status refuses an attestation.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AttestationStatusError {
    /// The claim is no reference to a status.
    #[error("its status is malformed")]
    Malformed,
    /// Whoever attested took it back.
    #[error("it was revoked")]
    Revoked,
    /// Whoever attested stands by it no longer for now.
    #[error("it is suspended")]
    Suspended,
    /// The list has no such entry, or a value in it that says nothing here.
    #[error("its status is none that is known here")]
    Unknown,
    /// Nobody can tell now.
    #[error("its status cannot be read now")]
    Unreadable,
}

impl AttestationStatusError {
    /// The stable reason for the operator and the trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "attestation_status_malformed",
            Self::Revoked => "attestation_revoked",
            Self::Suspended => "attestation_suspended",
            Self::Unknown => "attestation_status_unknown",
            Self::Unreadable => "attestation_status_unreadable",
        }
    }
}

/// What is done with an attestation whose status cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnreadableStatus {
    /// It is refused.
    #[default]
    Refused,
    /// It is taken, as one without a status is.
    Taken,
}

/// Looks up what became of attestations; the default knows no lists, and so refuses whatever refers to one.
#[derive(Clone, Default)]
pub struct AttestationStatuses {
    check: Option<Arc<dyn StatusCheck>>,
    unreadable: UnreadableStatus,
}

/// Where the status of an attestation is kept, and by whom it was attested.
pub(crate) struct AttestationStatus {
    reference: StatusReference,
    attester: IssuerIdentity,
}

impl AttestationStatus {
    /// Reads the `status` of a verified attestation; none where it has none.
    pub(crate) fn of(
        claims: &Object,
        attester: &VerifiedChain,
    ) -> Result<Option<Self>, AttestationStatusError> {
        let Some(status) = claims.get("status") else { return Ok(None) };
        let reference = StatusReference::read(status).ok_or(AttestationStatusError::Malformed)?;
        let chain = Box::new(attester.clone());
        Ok(Some(Self { reference, attester: IssuerIdentity::Certificate { chain, issuer: None } }))
    }
}

impl AttestationStatuses {
    /// Asks here. A list is believed by the same authorities as the attestation that refers to it: whoever makes
    /// the check sees to that.
    pub fn new(check: Arc<dyn StatusCheck>, unreadable: UnreadableStatus) -> Self {
        Self { check: Some(check), unreadable }
    }

    /// Refuses an attestation that somebody took back; one without a status is good until it expires.
    pub(crate) async fn accept(
        &self,
        status: Option<&AttestationStatus>,
        now: Timestamp,
    ) -> Result<(), AttestationStatusError> {
        let Some(AttestationStatus { reference, attester }) = status else { return Ok(()) };
        let question =
            StatusQuestion { reference, issuer: attester, types: &[], now, not_before: None };
        let found = match &self.check {
            Some(check) => check.status(&question).await,
            None => Err(StatusError::from(StatusListUnavailable)),
        };
        // Token Status List §8.3: what has another status than VALID is not relied on
        match found.map(|reading| reading.status) {
            Ok(Status::Valid) => Ok(()),
            Ok(Status::Invalid) => Err(AttestationStatusError::Revoked),
            Ok(Status::Suspended) => Err(AttestationStatusError::Suspended),
            Ok(_) => Err(AttestationStatusError::Unknown),
            Err(error) if !error.is_undetermined() => Err(AttestationStatusError::Unknown),
            Err(_) => match self.unreadable {
                UnreadableStatus::Refused => Err(AttestationStatusError::Unreadable),
                UnreadableStatus::Taken => Ok(()),
            },
        }
    }
}

impl fmt::Debug for AttestationStatuses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AttestationStatuses")
            .field("check", &self.check.is_some())
            .field("unreadable", &self.unreadable)
            .finish()
    }
}
