//! When a credential is valid: written by the issuer, judged by whoever relies on it.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::json::{Object, numeric_date};

/// A day, to which the times in a credential are rounded.
const DAY: i64 = 86_400;

/// The times in a credential: `iat`, `nbf` and `exp` (SD-JWT VC §2.2.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
    /// When it starts to be valid.
    pub not_before: Option<Timestamp>,
    /// When it stops being valid.
    pub expires_at: Option<Timestamp>,
}

impl Validity {
    /// Without any times.
    pub const UNLIMITED: Self = Self { issued_at: None, not_before: None, expires_at: None };

    /// Valid from now for so long, rounded to whole days.
    ///
    /// The second of issuance would tell verifiers apart whom they must not: `iat` and `nbf` are the start
    /// of the day (UTC), `exp` is the start of the day after the last (RFC 9901 §10.1).
    pub fn rounded_to_days(now: Timestamp, lasting: SignedDuration) -> Self {
        let last = now.as_second().saturating_add(lasting.as_secs());
        let start = start_of_day(now.as_second());
        Self {
            issued_at: start,
            not_before: start,
            expires_at: start_of_day(last.saturating_add(DAY - 1)),
        }
    }

    /// Reads the times of a processed payload.
    pub(crate) fn read(claims: &Object) -> Result<Self, ValidityError> {
        let time = |name, error| match claims.get(name) {
            None => Ok(None),
            Some(value) => numeric_date(value).map(Some).ok_or(error),
        };
        Ok(Self {
            issued_at: time("iat", ValidityError::IssuedAtMalformed)?,
            not_before: time("nbf", ValidityError::NotBeforeMalformed)?,
            expires_at: time("exp", ValidityError::ExpiryMalformed)?,
        })
    }
}

fn start_of_day(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second.div_euclid(DAY) * DAY).ok()
}

/// How the times in a credential are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityPolicy {
    /// How far the clocks of issuer and verifier may be apart.
    pub leeway: SignedDuration,
    /// Whether a credential must expire at all.
    pub expiry: ExpiryRule,
}

/// Whether a credential must have an `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryRule {
    /// It may be valid for ever.
    Optional,
    /// It must expire: for credentials that are short-lived instead of revocable.
    Required,
}

impl Default for ValidityPolicy {
    /// A minute of leeway, `exp` optional.
    fn default() -> Self {
        Self { leeway: SignedDuration::from_secs(60), expiry: ExpiryRule::Optional }
    }
}

/// Why a credential is not valid now.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValidityError {
    /// `iat` is not a time.
    #[error("iat is not a time")]
    IssuedAtMalformed,
    /// `nbf` is not a time.
    #[error("nbf is not a time")]
    NotBeforeMalformed,
    /// `exp` is not a time.
    #[error("exp is not a time")]
    ExpiryMalformed,
    /// There is no `exp` where one is required.
    #[error("the credential does not say when it expires")]
    ExpiryMissing,
    /// `exp` has passed.
    #[error("the credential has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the credential is not valid yet")]
    NotYetValid,
    /// `iat` has not come.
    #[error("the credential was issued in the future")]
    IssuedInTheFuture,
}

impl ValidityError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::IssuedAtMalformed => "credential_iat_malformed",
            Self::NotBeforeMalformed => "credential_nbf_malformed",
            Self::ExpiryMalformed => "credential_exp_malformed",
            Self::ExpiryMissing => "credential_exp_missing",
            Self::Expired => "credential_expired",
            Self::NotYetValid => "credential_not_yet_valid",
            Self::IssuedInTheFuture => "credential_issued_in_the_future",
        }
    }
}

impl ValidityPolicy {
    /// Judges the times of a credential at a moment.
    ///
    /// # Errors
    /// One [`ValidityError`] per rule.
    pub fn judge(&self, validity: &Validity, now: Timestamp) -> Result<(), ValidityError> {
        // RFC 7519 §4.1.4: on or after exp it is not accepted; the leeway is for clock skew
        match validity.expires_at {
            Some(end) if end.duration_until(now) >= self.leeway => {
                return Err(ValidityError::Expired);
            }
            None if self.expiry == ExpiryRule::Required => {
                return Err(ValidityError::ExpiryMissing);
            }
            _ => {}
        }
        let is_ahead = |time: Timestamp| now.duration_until(time) > self.leeway;
        // RFC 7519 §4.1.5: before nbf it is not accepted
        if validity.not_before.is_some_and(is_ahead) {
            return Err(ValidityError::NotYetValid);
        }
        // RFC 7519 §4.1.6: an issuer that is ahead of us is wrong about more than the time
        if validity.issued_at.is_some_and(is_ahead) {
            return Err(ValidityError::IssuedInTheFuture);
        }
        Ok(())
    }
}
