//! What a status means for a verdict.

use jiff::SignedDuration;

use super::{
    CauseKind, CheckName, Checks, Outcome, PresentationVerifier, RefusalReason, StatusPolicy,
    VerifyError, refuse, undetermined,
};
use crate::{
    Timestamp,
    credential::CredentialType,
    status::{Status, StatusError, StatusQuestion, StatusReading, StatusReference},
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
    /// Looks at the status of a credential of which everything else holds, lists how that came out, and
    /// gives what was read.
    pub(super) async fn look_at_status(
        &self,
        credential: &StatusOf<'_>,
        mut checks: Checks,
        now: Timestamp,
    ) -> Result<(Checks, Vec<StatusReading>), VerifyError> {
        let StatusOf { references, issuer, types } = *credential;
        if references.is_empty() {
            checks.set(CheckName::Status, Outcome::NotApplicable);
            checks.set(CheckName::StatusFreshness, Outcome::NotApplicable);
            return Ok((checks, Vec::new()));
        }
        let not_before = self.policies.status_age().map(|age| oldest(now, age));
        let mut unknown = None;
        let mut readings = Vec::new();
        for reference in references {
            let verdict = match (&self.status, reference) {
                (None, _) | (_, StatusReference::Unknown) => {
                    Err(StatusVerdict::Unknown(CauseKind::StatusUnknown))
                }
                (Some(check), reference) => {
                    let question = StatusQuestion { reference, issuer, types, now, not_before };
                    StatusVerdict::of(check.status(&question).await)
                }
            };
            match verdict {
                Ok(reading) => readings.push(reading),
                Err(StatusVerdict::Refused(reason)) => {
                    return Err(refuse(checks, CheckName::Status, reason));
                }
                Err(StatusVerdict::Unknown(kind)) => unknown = unknown.or(Some(kind)),
            }
        }
        let Some(unknown) = unknown else {
            checks.set(CheckName::Status, Outcome::Passed);
            let Some(not_before) = not_before else { return Ok((checks, readings)) };
            if readings.iter().all(|reading| reading.is_since(not_before)) {
                checks.set(CheckName::StatusFreshness, Outcome::Passed);
                return Ok((checks, readings));
            }
            // a newer list may say the same or something else
            let cause = CauseKind::StatusListTooOld;
            return Err(undetermined(checks, CheckName::StatusFreshness, cause));
        };
        // Token Status List §8.3: a status that nobody can tell is neither valid nor invalid
        match self.policies.over(self.policy).status {
            StatusPolicy::Accept => {
                checks.set(CheckName::Status, Outcome::Undetermined);
                if not_before.is_some() {
                    let cause = CauseKind::StatusListTooOld;
                    return Err(undetermined(checks, CheckName::StatusFreshness, cause));
                }
                Ok((checks, readings))
            }
            StatusPolicy::Undetermined => Err(undetermined(checks, CheckName::Status, unknown)),
        }
    }
}

/// The moment before which a list is too old.
fn oldest(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// Why a status is no reason to rely on a credential.
enum StatusVerdict {
    Refused(RefusalReason),
    Unknown(CauseKind),
}

impl StatusVerdict {
    fn of(reading: Result<StatusReading, StatusError>) -> Result<StatusReading, Self> {
        // Token Status List §7.1: whatever is not VALID is not valid
        Err(Self::Refused(match reading {
            Ok(reading) => match reading.status {
                Status::Valid => return Ok(reading),
                Status::Invalid => RefusalReason::Revoked,
                Status::Suspended => RefusalReason::Suspended,
                Status::ApplicationSpecific(_) | Status::Unassigned(_) => {
                    RefusalReason::StatusNotValid
                }
            },
            Err(error) if error.is_undetermined() => {
                return Err(Self::Unknown(CauseKind::StatusUndetermined(error)));
            }
            Err(error) => RefusalReason::Status(error),
        }))
    }
}
