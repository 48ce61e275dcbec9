//! What a status means for a verdict.

use super::{
    CauseKind, CheckName, Checks, Outcome, PresentationVerifier, RefusalReason, StatusPolicy,
    VerifyError, refuse, undetermined,
};
use crate::{
    Timestamp,
    credential::CredentialType,
    status::{Status, StatusError, StatusQuestion, StatusReference},
    trust::IssuerIdentity,
};

/// The status of one credential, as far as the credential says where it is kept.
pub(super) struct StatusOf<'s> {
    /// Where it is kept; several are all to be asked.
    pub(super) references: &'s [StatusReference],
    pub(super) issuer: &'s IssuerIdentity,
    pub(super) types: &'s [CredentialType],
}

impl PresentationVerifier {
    /// Looks at the status of a credential of which everything else holds, and lists how that came out.
    pub(super) async fn look_at_status(
        &self,
        credential: &StatusOf<'_>,
        mut checks: Checks,
        now: Timestamp,
    ) -> Result<Checks, VerifyError> {
        let StatusOf { references, issuer, types } = *credential;
        if references.is_empty() {
            checks.set(CheckName::Status, Outcome::NotApplicable);
            return Ok(checks);
        }
        let mut unknown = None;
        for reference in references {
            let verdict = match (&self.status, reference) {
                (None, _) | (_, StatusReference::Unknown) => {
                    Err(StatusVerdict::Unknown(CauseKind::StatusUnknown))
                }
                (Some(check), reference) => {
                    let question = StatusQuestion { reference, issuer, types, now };
                    StatusVerdict::of(check.status(&question).await)
                }
            };
            match verdict {
                Ok(()) => {}
                Err(StatusVerdict::Refused(reason)) => {
                    return Err(refuse(checks, CheckName::Status, reason));
                }
                Err(StatusVerdict::Unknown(kind)) => unknown = unknown.or(Some(kind)),
            }
        }
        let Some(unknown) = unknown else {
            checks.set(CheckName::Status, Outcome::Passed);
            return Ok(checks);
        };
        // Token Status List §8.3: a status that nobody can tell is neither valid nor invalid
        match self.policies.over(self.policy).status {
            StatusPolicy::Accept => {
                checks.set(CheckName::Status, Outcome::Undetermined);
                Ok(checks)
            }
            StatusPolicy::Undetermined => Err(undetermined(checks, CheckName::Status, unknown)),
        }
    }
}

/// Why a status is no reason to rely on a credential.
enum StatusVerdict {
    Refused(RefusalReason),
    Unknown(CauseKind),
}

impl StatusVerdict {
    fn of(status: Result<Status, StatusError>) -> Result<(), Self> {
        // Token Status List §7.1: whatever is not VALID is not valid
        Err(Self::Refused(match status {
            Ok(Status::Valid) => return Ok(()),
            Ok(Status::Invalid) => RefusalReason::Revoked,
            Ok(Status::Suspended) => RefusalReason::Suspended,
            Ok(Status::ApplicationSpecific(_) | Status::Unassigned(_)) => {
                RefusalReason::StatusNotValid
            }
            Err(error) if error.is_undetermined() => {
                return Err(Self::Unknown(CauseKind::StatusUndetermined(error)));
            }
            Err(error) => RefusalReason::Status(error),
        }))
    }
}
