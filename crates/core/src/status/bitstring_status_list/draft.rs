//! Publishing a list: putting its credential together and securing it (§3.1).

use jiff::SignedDuration;

use super::{Bitstring, BitstringStatusList, StatusPurpose};
use crate::{
    Timestamp,
    status::StatusListUri,
    trust::IssuerIdentifier,
    w3c::{Credential, CredentialDraft, CredentialError, CredentialFault, Uri},
};

/// A list that is about to become a credential.
///
/// It is secured like any other, by [`issue_jwt`](crate::w3c::vc_jose_cose::issue_jwt) or
/// [`ldp_vc::issue`](crate::w3c::ldp_vc::issue), and should be secured like the credentials that refer to
/// it (§3.6).
#[derive(Clone, Debug)]
pub struct BitstringListDraft {
    uri: StatusListUri,
    issuer: IssuerIdentifier,
    purpose: StatusPurpose,
    encoded: String,
    valid_from: Timestamp,
    valid_until: Option<Timestamp>,
    ttl: Option<i64>,
}

impl BitstringListDraft {
    /// A list that is published under this URL.
    pub fn new(
        uri: &StatusListUri,
        issuer: &IssuerIdentifier,
        purpose: StatusPurpose,
        bits: &Bitstring,
        valid_from: Timestamp,
    ) -> Self {
        Self::of_encoded(uri, issuer, purpose, bits.encode(), valid_from)
    }

    /// Takes bits that were [encoded](Bitstring::encode_again) already.
    pub fn of_encoded(
        uri: &StatusListUri,
        issuer: &IssuerIdentifier,
        purpose: StatusPurpose,
        encoded: String,
        valid_from: Timestamp,
    ) -> Self {
        Self {
            uri: uri.clone(),
            issuer: issuer.clone(),
            purpose,
            encoded,
            valid_from,
            valid_until: None,
            ttl: None,
        }
    }

    /// With the moment from which nobody may rely on it any more.
    #[must_use]
    pub const fn with_expiry(mut self, valid_until: Timestamp) -> Self {
        self.valid_until = Some(valid_until);
        self
    }

    /// With how long a copy may be kept before the list is fetched again; at least a millisecond.
    #[must_use]
    pub fn with_ttl(mut self, ttl: SignedDuration) -> Self {
        // §2.2: milliseconds, unlike the seconds of a Token Status List
        self.ttl = Some(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1));
        self
    }

    /// The list as a credential that nobody has secured yet.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; [`CredentialFault::Id`] for a list whose URI is no URL.
    pub fn credential(&self) -> Result<Credential, CredentialError> {
        let id = Uri::parse(self.uri.as_str()).map_err(|_| CredentialFault::Id)?;
        let subject = format!("{}#list", self.uri);
        let mut subject =
            BitstringStatusList::subject_of_encoded(Some(&subject), self.purpose, &self.encoded);
        if let Some(ttl) = self.ttl {
            subject.insert("ttl".to_owned(), ttl.into());
        }
        let draft = CredentialDraft::new(&self.issuer)
            .with_id(&id)
            .of_type("BitstringStatusListCredential")
            .valid_from(self.valid_from)
            .about(subject);
        match self.valid_until {
            Some(moment) => draft.valid_until(moment),
            None => draft,
        }
        .finish()
    }
}
