//! A list that was verified as the credential it is (§2.2), and looking entries up in it (§3.2).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Bitstring, BitstringError, StatusEntry, StatusPurpose, entry::has_type};
use crate::{
    Timestamp,
    credential::{Validity, ValidityPolicy},
    json::Object,
    status::{Freshness, Status, StatusListUri},
    w3c::Credential,
};

/// A status list, out of a credential that was verified.
///
/// ```
/// # use lanyard_core::{Timestamp, status::bitstring_status_list::*, w3c::Credential};
/// # fn look_up(entry: &StatusEntry, verified: &Credential, now: Timestamp) -> Result<(), BitstringError> {
/// let list = BitstringStatusList::of_verified(verified, entry.list(), now)?;
/// let status = list.look_up(entry)?;
/// println!("{:?} {:?}", status.status(), status.message());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BitstringStatusList {
    uri: StatusListUri,
    purposes: Vec<StatusPurpose>,
    bits: Bitstring,
    ttl: Option<SignedDuration>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl BitstringStatusList {
    /// Reads the list that was fetched from a URL, out of its credential.
    ///
    /// The credential's proof or signature must have been verified, and whoever made it must be trusted
    /// for the credentials that refer to it: a [`Credential`] alone says neither.
    ///
    /// # Errors
    /// One [`BitstringError`] per rule.
    pub fn of_verified(
        verified: &Credential,
        uri: &StatusListUri,
        now: Timestamp,
    ) -> Result<Self, BitstringError> {
        Self::valid_for(verified, &verified.validity(), uri, now)
    }

    /// As [`BitstringStatusList::of_verified`], where the signature may end before the credential does.
    pub(super) fn valid_for(
        verified: &Credential,
        validity: &Validity,
        uri: &StatusListUri,
        now: Timestamp,
    ) -> Result<Self, BitstringError> {
        if !verified.types().any(|one| one == "BitstringStatusListCredential") {
            return Err(BitstringError::ListType);
        }
        // §2.2: where the list has an id, it is the URL it was fetched from
        if verified.id().is_some_and(|id| id.as_str() != uri.as_str()) {
            return Err(BitstringError::AnotherList);
        }
        // following it would be following a chain that anybody can make endless
        if verified.statuses().next().is_some() {
            return Err(BitstringError::Recursive);
        }
        // §2.2: before validFrom and after validUntil it says nothing
        ValidityPolicy::default().judge(validity, now)?;
        let mut subjects = verified.subjects();
        let (Some(subject), None) = (subjects.next(), subjects.next()) else {
            return Err(BitstringError::Subject);
        };
        if !has_type(subject, "BitstringStatusList") {
            return Err(BitstringError::Subject);
        }
        let encoded = subject.get("encodedList").and_then(Value::as_str);
        Ok(Self {
            uri: uri.clone(),
            purposes: read_purposes(subject.get("statusPurpose")).ok_or(BitstringError::Purpose)?,
            bits: Bitstring::decode(encoded.ok_or(BitstringError::Subject)?)?,
            ttl: read_ttl(subject.get("ttl"))?,
            issued_at: validity.issued_at.or(validity.not_before),
            expires_at: validity.expires_at,
        })
    }

    /// The subject of a list credential that will be published.
    pub fn subject(id: Option<&str>, purpose: StatusPurpose, bits: &Bitstring) -> Object {
        Self::subject_of_encoded(id, purpose, &bits.encode())
    }

    /// As [`BitstringStatusList::subject`], of bits that were [encoded](Bitstring::encode) already.
    pub(super) fn subject_of_encoded(
        id: Option<&str>,
        purpose: StatusPurpose,
        encoded: &str,
    ) -> Object {
        let mut subject = Object::from_iter([
            ("type".to_owned(), "BitstringStatusList".into()),
            ("statusPurpose".to_owned(), purpose.name().into()),
            ("encodedList".to_owned(), json!(encoded)),
        ]);
        if let Some(id) = id {
            subject.insert("id".to_owned(), id.into());
        }
        subject
    }

    /// Looks up what an entry refers to.
    ///
    /// # Errors
    /// [`BitstringError::AnotherList`], [`BitstringError::PurposeMismatch`],
    /// [`BitstringError::TooShort`] and [`BitstringError::IndexOutOfRange`].
    pub fn look_up<'e>(
        &self,
        entry: &'e StatusEntry,
    ) -> Result<BitstringStatus<'e>, BitstringError> {
        if *entry.list() != self.uri {
            return Err(BitstringError::AnotherList);
        }
        // §3.2(8): the purpose of the entry is one of the list's
        if !self.purposes.contains(&entry.purpose()) {
            return Err(BitstringError::PurposeMismatch);
        }
        let value = self.bits.value(entry.index(), entry.size())?;
        Ok(BitstringStatus { purpose: entry.purpose(), value, message: entry.message(value) })
    }

    /// How long a copy may be kept before the list is fetched again.
    pub const fn ttl(&self) -> Option<SignedDuration> {
        self.ttl
    }

    /// The bits.
    pub const fn bits(&self) -> &Bitstring {
        &self.bits
    }

    /// Until when a copy that was fetched at a moment need not be fetched again; never beyond
    /// `validUntil`.
    pub fn fresh_until(&self, fetched_at: Timestamp, freshness: &Freshness) -> Timestamp {
        // §2.2: ttl replaces no validity period
        freshness.until(fetched_at, self.ttl, self.expires_at)
    }

    /// When it was made, by `validFrom`.
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// From when on it says nothing any more.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

fn read_purposes(purposes: Option<&Value>) -> Option<Vec<StatusPurpose>> {
    // a purpose that is unknown here matches no entry that is read here
    let known = |name: &Value| name.as_str().map(StatusPurpose::from_name);
    match purposes? {
        Value::Array(names) if !names.is_empty() => {
            let purposes: Option<Vec<_>> = names.iter().map(known).collect();
            Some(purposes?.into_iter().flatten().collect())
        }
        name @ Value::String(_) => Some(known(name)?.into_iter().collect()),
        _ => None,
    }
}

fn read_ttl(ttl: Option<&Value>) -> Result<Option<SignedDuration>, BitstringError> {
    let Some(ttl) = ttl else { return Ok(None) };
    // §2.2: milliseconds, unlike the seconds of a Token Status List
    let milliseconds = ttl.as_i64().filter(|ttl| *ttl > 0).ok_or(BitstringError::Ttl)?;
    Ok(Some(SignedDuration::from_millis(milliseconds)))
}

/// What a list says about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitstringStatus<'e> {
    purpose: StatusPurpose,
    value: u8,
    message: Option<&'e str>,
}

impl<'e> BitstringStatus<'e> {
    /// The value.
    pub const fn value(&self) -> u8 {
        self.value
    }

    /// What the value means, where the issuer says.
    pub const fn message(&self) -> Option<&'e str> {
        self.message
    }

    /// What it means for the credential: a message and a refresh say nothing against it.
    pub const fn status(&self) -> Status {
        match (self.purpose, self.value) {
            (_, 0) | (StatusPurpose::Message | StatusPurpose::Refresh, _) => Status::Valid,
            (StatusPurpose::Revocation, _) => Status::Invalid,
            (StatusPurpose::Suspension, _) => Status::Suspended,
        }
    }
}
