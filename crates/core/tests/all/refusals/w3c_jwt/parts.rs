//! A good presentation, to be made bad in one place.

use lanyard_core::w3c::{BASE_CONTEXT, BASE_CONTEXT_V1, EnvelopedCredential};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::refusals::keys::Known;

pub(super) const AUDIENCE: &str = "x509_san_dns:verifier.example";
pub(super) const NONCE: &str = "n-0S6_WzA2Mj";
pub(super) const TYPES: [&str; 1] = ["Badge"];

/// A moment so many seconds from now, as documents write it.
pub(in crate::refusals) fn moment(seconds: i64) -> String {
    let at = lanyard_core::Timestamp::from_second(test_now().as_second() + seconds);
    at.expect("it is near").to_string()
}

/// A NumericDate so many seconds from now.
pub(super) fn numeric(seconds: i64) -> Value {
    (test_now().as_second() + seconds).into()
}

/// The document of a good credential.
pub(super) fn credential() -> Value {
    json!({
        "@context": [BASE_CONTEXT],
        "id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
        "type": ["VerifiableCredential", "Badge"],
        "issuer": Known::issuer().did().as_str(),
        "validFrom": moment(-60),
        "validUntil": moment(86_400),
        "credentialSubject": {"id": Known::holder().did().as_str(), "name": "Ada"},
    })
}

/// The document of a good presentation, without its credentials.
pub(super) fn presentation() -> Value {
    json!({
        "@context": [BASE_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": Known::holder().did().as_str(),
    })
}

/// An envelope around a `vc+jwt`.
pub(super) fn envelope(jwt: &str) -> Value {
    Value::Object(EnvelopedCredential::around_jwt(jwt).to_object())
}

/// A `vp+jwt` with a `vc+jwt` in it, before either is signed.
pub(super) struct Parts {
    pub(super) vc_header: Value,
    pub(super) vc: Value,
    pub(super) vp_header: Value,
    /// The credential is put into its envelope and in here, unless something else is in its place.
    pub(super) vp: Value,
    pub(super) issuer: Known,
    pub(super) holder: Known,
}

impl Parts {
    pub(super) fn good() -> Self {
        let (issuer, holder) = (Known::issuer(), Known::holder());
        let mut vp = presentation();
        for (name, value) in
            [("aud", json!(AUDIENCE)), ("nonce", json!(NONCE)), ("iat", numeric(0))]
        {
            vp[name] = value;
        }
        Self {
            vc_header: json!({"alg": "ES256", "typ": "vc+jwt", "kid": issuer.key_id()}),
            vc: credential(),
            vp_header: json!({"alg": "ES256", "typ": "vp+jwt", "kid": holder.key_id()}),
            vp,
            issuer,
            holder,
        }
    }

    /// A good one with a change.
    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut parts = Self::good();
        change(&mut parts);
        parts
    }

    /// A good one with a member of one part set, or removed by null.
    pub(super) fn set(part: &str, name: &str, value: Value) -> Self {
        Self::with(|p| match value {
            Value::Null => p.without(part, name),
            value => p.part(part)[name] = value,
        })
    }

    fn part(&mut self, part: &str) -> &mut Value {
        match part {
            "vc_header" => &mut self.vc_header,
            "vc" => &mut self.vc,
            "vp_header" => &mut self.vp_header,
            _ => &mut self.vp,
        }
    }

    pub(super) fn without(&mut self, part: &str, name: &str) {
        remove(self.part(part), name);
    }

    /// The credential, signed.
    pub(super) fn vc_jwt(&self) -> String {
        jws(&self.issuer, &self.vc_header, &self.vc)
    }

    pub(super) fn text(&self) -> String {
        self.around(envelope(&self.vc_jwt()))
    }

    /// The presentation of another credential, in whatever it is.
    pub(super) fn around(&self, credential: Value) -> String {
        let mut vp = self.vp.clone();
        if vp.get("verifiableCredential").is_none() {
            vp["verifiableCredential"] = json!([credential]);
        }
        jws(&self.holder, &self.vp_header, &vp)
    }
}

/// A `jwt_vc_json` in its presentation, before either is signed.
pub(super) struct PartsV1 {
    pub(super) vc_header: Value,
    pub(super) vc: Value,
    pub(super) vp_header: Value,
    /// The credential is put in here, unless something else is in its place.
    pub(super) vp: Value,
    pub(super) issuer: Known,
    pub(super) holder: Known,
}

impl PartsV1 {
    pub(super) fn good() -> Self {
        let (issuer, holder) = (Known::issuer(), Known::holder());
        let id = "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008";
        Self {
            vc_header: json!({"alg": "ES256", "typ": "JWT", "kid": issuer.key_id()}),
            vc: json!({
                "iss": issuer.did().as_str(),
                "sub": holder.did().as_str(),
                "jti": id,
                "nbf": numeric(-60),
                "exp": numeric(86_400),
                "vc": {
                    "@context": [BASE_CONTEXT_V1],
                    "id": id,
                    "type": ["VerifiableCredential", "Badge"],
                    "issuer": issuer.did().as_str(),
                    "issuanceDate": moment(-60),
                    "expirationDate": moment(86_400),
                    "credentialSubject": {"id": holder.did().as_str(), "name": "Ada"},
                },
            }),
            vp_header: json!({"alg": "ES256", "typ": "JWT", "kid": holder.key_id()}),
            vp: json!({
                "iss": holder.did().as_str(),
                "aud": AUDIENCE,
                "nonce": NONCE,
                "iat": numeric(0),
                "vp": {
                    "@context": [BASE_CONTEXT_V1],
                    "type": ["VerifiablePresentation"],
                    "holder": holder.did().as_str(),
                },
            }),
            issuer,
            holder,
        }
    }

    pub(super) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut parts = Self::good();
        change(&mut parts);
        parts
    }

    /// A good one with a member of a part set, or removed by null; a part is `vc`, `vc.vc` and so on.
    pub(super) fn set(part: &str, name: &str, value: Value) -> Self {
        Self::with(|p| {
            let part = match part {
                "vc_header" => &mut p.vc_header,
                "vc" => &mut p.vc,
                "vc.vc" => &mut p.vc["vc"],
                "vp_header" => &mut p.vp_header,
                "vp" => &mut p.vp,
                _ => &mut p.vp["vp"],
            };
            match value {
                Value::Null => remove(part, name),
                value => part[name] = value,
            }
        })
    }

    pub(super) fn vc_jwt(&self) -> String {
        jws(&self.issuer, &self.vc_header, &self.vc)
    }

    pub(super) fn text(&self) -> String {
        self.around(json!([self.vc_jwt()]))
    }

    /// The presentation of other credentials, whatever they are.
    pub(super) fn around(&self, credentials: Value) -> String {
        let mut vp = self.vp.clone();
        if let Some(inner) = vp.get_mut("vp").and_then(Value::as_object_mut) {
            inner.entry("verifiableCredential").or_insert(credentials);
        }
        jws(&self.holder, &self.vp_header, &vp)
    }
}

pub(super) fn remove(part: &mut Value, name: &str) {
    part.as_object_mut().expect("it is an object").shift_remove(name);
}

pub(super) fn jws(by: &Known, header: &Value, payload: &Value) -> String {
    by.jws(header.to_string().as_bytes(), payload.to_string().as_bytes())
}
