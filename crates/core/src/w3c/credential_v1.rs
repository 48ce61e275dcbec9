//! A credential by the rules of the older data model (VCDM 1.1 §4), which OpenID4VC still has formats for.

use std::{fmt, ops::Deref};

use serde_json::Value;
use thiserror::Error;

use super::{BASE_CONTEXT_V1, CredentialDocument, CredentialFault, date_time_stamp};
use crate::{Timestamp, claims::DisclosedClaims, credential::Validity, json::Object};

/// VCDM 1.1 §4.9, §5.4, §5.5: what has an `id` beside its `type`.
const IDENTIFIED: [&str; 3] = ["credentialStatus", "credentialSchema", "refreshService"];

/// A document that keeps every rule of VCDM 1.1 for credentials.
///
/// That says nothing about who wrote it: see the [module](super).
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialV1 {
    document: CredentialDocument,
    issuance_date: Timestamp,
    expiration_date: Option<Timestamp>,
}

/// Which rule of the older data model a credential breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialV1Error {
    /// A rule that VCDM 2.0 has too.
    #[error(transparent)]
    Common(#[from] CredentialFault),
    /// There is no `issuanceDate`.
    #[error("the credential has no issuanceDate")]
    IssuanceDateMissing,
    /// `issuanceDate` is not a date and time.
    #[error("issuanceDate is not a date and time")]
    IssuanceDate,
    /// `expirationDate` is not a date and time.
    #[error("expirationDate is not a date and time")]
    ExpirationDate,
    /// `issuanceDate` is after `expirationDate`.
    #[error("issuanceDate is after expirationDate")]
    ValidityOrder,
}

impl CredentialV1Error {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Common(fault) => fault.code(),
            Self::IssuanceDateMissing => "vc_issuance_date_missing",
            Self::IssuanceDate => "vc_issuance_date_malformed",
            Self::ExpirationDate => "vc_expiration_date_malformed",
            Self::ValidityOrder => "vc_validity_order",
        }
    }
}

impl CredentialV1 {
    /// Reads a credential from a JSON object.
    ///
    /// # Errors
    /// One [`CredentialV1Error`] per rule.
    pub fn parse(document: Object) -> Result<Self, CredentialV1Error> {
        let document = CredentialDocument::read(document, BASE_CONTEXT_V1, &IDENTIFIED)?;
        let (issuance_date, expiration_date) = read_dates(document.document())?;
        Ok(Self { document, issuance_date, expiration_date })
    }

    /// Gives the whole document away.
    pub fn into_document(self) -> Object {
        self.document.into_document()
    }

    /// The document as claims, for whoever verified it.
    pub(super) const fn claims(&self) -> &DisclosedClaims {
        self.document.claims()
    }

    /// When it starts and stops being valid (`issuanceDate`, `expirationDate`).
    pub const fn validity(&self) -> Validity {
        Validity {
            issued_at: None,
            // VCDM 1.1 §4.6: the moment it becomes valid, whatever the name says
            not_before: Some(self.issuance_date),
            expires_at: self.expiration_date,
        }
    }
}

impl Deref for CredentialV1 {
    type Target = CredentialDocument;

    fn deref(&self) -> &CredentialDocument {
        &self.document
    }
}

/// VCDM 1.1 §4.6, §4.8: a moment of issuance, and perhaps one of expiry after it.
fn read_dates(document: &Object) -> Result<(Timestamp, Option<Timestamp>), CredentialV1Error> {
    let date = |value: &Value| value.as_str().and_then(date_time_stamp);
    let issued = document.get("issuanceDate").ok_or(CredentialV1Error::IssuanceDateMissing)?;
    let issued = date(issued).ok_or(CredentialV1Error::IssuanceDate)?;
    let expires = match document.get("expirationDate") {
        None => None,
        Some(value) => Some(date(value).ok_or(CredentialV1Error::ExpirationDate)?),
    };
    if expires.is_some_and(|expires| issued > expires) {
        return Err(CredentialV1Error::ValidityOrder);
    }
    Ok((issued, expires))
}

impl fmt::Debug for CredentialV1 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CredentialV1(by {}, {} members)", self.issuer(), self.document().len())
    }
}
