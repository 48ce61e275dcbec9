//! What a status means for a verdict.

use super::{CauseKind, RefusalReason};
use crate::status::{Status, StatusError};

/// Why a status is no reason to rely on a credential.
pub(super) enum StatusVerdict {
    Refused(RefusalReason),
    Unknown(CauseKind),
}

impl StatusVerdict {
    pub(super) fn of(status: Result<Status, StatusError>) -> Result<(), Self> {
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
