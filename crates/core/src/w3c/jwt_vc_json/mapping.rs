//! Between the claims of a JWT and the members of a credential (VCDM 1.1 §6.3.1.1, §6.3.1.2).

use serde_json::Value;

use super::{
    super::{CredentialV1, HolderBinding, date_time_stamp, write_date_time_stamp},
    JwtVcError,
};
use crate::{
    Timestamp,
    credential::{Validity, ValidityError},
    json::{Object, numeric_date},
    status::StatusReference,
};

/// A credential with the registered claims in their places, and what else the claims say.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    pub(super) credential: CredentialV1,
    pub(super) validity: Validity,
    pub(super) binding: HolderBinding,
    pub(super) status: Option<StatusReference>,
}

impl Mapped {
    /// Reads the claims of a JWT.
    pub(super) fn read(mut claims: Object) -> Result<Self, JwtVcError> {
        if claims.contains_key("vp") {
            return Err(JwtVcError::VpPresent);
        }
        let Some(Value::Object(mut vc)) = claims.shift_remove("vc") else {
            return Err(JwtVcError::VcMissing);
        };
        // VCDM 1.1 §6.3.1.2: each registered claim is put into its place, or is there already
        let iss = claims.get("iss").and_then(Value::as_str).ok_or(JwtVcError::IssMissing)?;
        place_issuer(&mut vc, iss)?;
        if let Some(sub) = claims.get("sub") {
            place_subject(&mut vc, sub)?;
        }
        if let Some(jti) = claims.get("jti") {
            place(&mut vc, "id", jti).ok_or(JwtVcError::Jti)?;
        }
        if let Some(nbf) = claims.get("nbf") {
            let nbf = numeric_date(nbf).ok_or(ValidityError::NotBeforeMalformed)?;
            place_date(&mut vc, "issuanceDate", nbf).ok_or(JwtVcError::Nbf)?;
        }
        if let Some(exp) = claims.get("exp") {
            let exp = numeric_date(exp).ok_or(ValidityError::ExpiryMalformed)?;
            place_date(&mut vc, "expirationDate", exp).ok_or(JwtVcError::Exp)?;
        }
        let credential = CredentialV1::parse(vc)?;
        let issued_at = Validity::read(&claims)?.issued_at;
        let validity = Validity { issued_at, ..credential.validity() };
        let binding = HolderBinding::read(&claims, credential.subjects());
        let binding = binding.map_err(JwtVcError::Holder)?;
        // Token Status List §6.2: every token in a JWT may refer to its status by a claim
        let status = match claims.get("status") {
            None => None,
            Some(status) => Some(StatusReference::read(status).ok_or(JwtVcError::Status)?),
        };
        Ok(Self { credential, validity, binding, status })
    }
}

/// `None` when something else is there already.
fn place(object: &mut Object, name: &str, value: &Value) -> Option<()> {
    let found = object.entry(name).or_insert_with(|| value.clone());
    (found == value).then_some(())
}

fn place_issuer(vc: &mut Object, iss: &str) -> Result<(), JwtVcError> {
    let placed = match vc.get_mut("issuer") {
        Some(Value::Object(issuer)) => place(issuer, "id", &iss.into()),
        _ => place(vc, "issuer", &iss.into()),
    };
    placed.ok_or(JwtVcError::Iss)
}

fn place_subject(vc: &mut Object, sub: &Value) -> Result<(), JwtVcError> {
    let Some(subject) = vc.get_mut("credentialSubject") else {
        // the rules of the data model refuse a credential that is about nothing
        return Ok(());
    };
    // VCDM 1.1 §6.3.1: sub is the one subject; of several it could not say which
    let subject = match subject {
        Value::Array(subjects) => match subjects.as_mut_slice() {
            [subject] => subject,
            _ => return Err(JwtVcError::Sub),
        },
        subject => subject,
    };
    let subject = subject.as_object_mut().ok_or(JwtVcError::Sub)?;
    place(subject, "id", sub).ok_or(JwtVcError::Sub)
}

/// To the second, as a NumericDate is written.
fn place_date(vc: &mut Object, name: &str, moment: Timestamp) -> Option<()> {
    match vc.get(name) {
        None => {
            vc.insert(name.to_owned(), write_date_time_stamp(moment).into());
            Some(())
        }
        Some(date) => {
            let date = date.as_str().and_then(date_time_stamp)?;
            (date.as_second() == moment.as_second()).then_some(())
        }
    }
}

/// The registered claims that stand for members of a credential, beside the credential itself.
///
/// The members are repeated and not left out: readers that look only at `vc` find everything there.
pub(super) fn claims_of(credential: &CredentialV1) -> Object {
    let mut claims = Object::new();
    claims.insert("iss".to_owned(), credential.issuer().as_str().into());
    let mut subjects = credential.subjects();
    if let (Some(subject), None) = (subjects.next(), subjects.next())
        && let Some(id) = subject.get("id")
    {
        claims.insert("sub".to_owned(), id.clone());
    }
    if let Some(id) = credential.id() {
        claims.insert("jti".to_owned(), id.as_str().into());
    }
    let Validity { not_before, expires_at, .. } = credential.validity();
    for (name, moment) in [("nbf", not_before), ("exp", expires_at)] {
        if let Some(moment) = moment {
            claims.insert(name.to_owned(), moment.as_second().into());
        }
    }
    claims.insert("vc".to_owned(), Value::Object(credential.document().clone()));
    claims
}
