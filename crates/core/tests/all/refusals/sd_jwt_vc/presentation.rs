//! A good presentation, to be made bad in one place.

use lanyard_core::json;
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{refusals::keys::Known, sd_jwt_support::digest};

pub(in crate::refusals) const AUDIENCE: &str = "x509_san_dns:verifier.example";
pub(in crate::refusals) const NONCE: &str = "n-0S6_WzA2Mj";
pub(in crate::refusals) const ISS: &str = "https://issuer.example";
pub(in crate::refusals) const VCT: &str = "urn:example:identity:1";

/// The parts of a presentation before they are signed and put together.
pub(in crate::refusals) struct Presentation {
    pub(in crate::refusals) header: Value,
    pub(in crate::refusals) payload: Value,
    /// Encoded disclosures, in the order they are presented.
    pub(in crate::refusals) disclosures: Vec<String>,
    pub(in crate::refusals) binding_header: Value,
    /// `sd_hash` is computed where it is missing and `null` removes it.
    pub(in crate::refusals) binding: Value,
    pub(in crate::refusals) issuer: Known,
    pub(in crate::refusals) holder: Known,
}

/// The digests of a presentation's disclosures stand in its payload, as they do in a good one.
impl Presentation {
    pub(in crate::refusals) fn good() -> Self {
        let (issuer, holder) = (Known::issuer(), Known::holder());
        let now = test_now().as_second();
        let street = disclosure(&json!(["2GLC42sKQveCfGfryNRN9w", "street", "12 Rose Lane"]));
        let address = json!(["eluV5Og3gSNII8EYnsxA_A", "address",
            {"_sd": [digest(&street)], "country": "XX"}]);
        let disclosures = vec![
            disclosure(&json!(["6Ij7tM-a5iVPGboS5tmvVA", "given_name", "Ada"])),
            disclosure(&address),
            street,
            disclosure(&json!(["lklxF5jMYlGTPUovMNIvCA", "XY"])),
        ];
        let payload = json!({
            "iss": ISS,
            "vct": VCT,
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 86_400,
            "_sd_alg": "sha-256",
            "cnf": {"jwk": holder.jwk().to_value()},
            "family_name": "Lovelace",
            "_sd": [digest(&disclosures[0]), digest(&disclosures[1])],
            "nationalities": [{"...": digest(&disclosures[3])}, "XZ"],
        });
        Self {
            header: json!({"alg": "ES256", "typ": "dc+sd-jwt"}),
            payload,
            disclosures,
            binding_header: json!({"alg": "ES256", "typ": "kb+jwt"}),
            binding: json!({"iat": now, "aud": AUDIENCE, "nonce": NONCE}),
            issuer,
            holder,
        }
    }

    /// A good one with a change.
    pub(in crate::refusals) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut presentation = Self::good();
        change(&mut presentation);
        presentation
    }

    /// One more disclosure whose digest the issuer signed at the top level.
    pub(in crate::refusals) fn signed_disclosure(&mut self, encoded: String) {
        let digests = self.payload["_sd"].as_array_mut().expect("there are digests");
        digests.push(digest(&encoded).into());
        self.disclosures.push(encoded);
    }

    pub(in crate::refusals) fn issuer_jwt(&self) -> String {
        sign(&self.issuer, self.header.to_string().as_bytes(), self.payload.to_string().as_bytes())
    }

    /// Everything before the key binding.
    pub(in crate::refusals) fn sd_jwt(&self) -> String {
        self.sd_jwt_of(&self.issuer_jwt())
    }

    pub(in crate::refusals) fn sd_jwt_of(&self, issuer_jwt: &str) -> String {
        let mut text = format!("{issuer_jwt}~");
        for disclosure in &self.disclosures {
            text.push_str(disclosure);
            text.push('~');
        }
        text
    }

    pub(in crate::refusals) fn binding_over(&self, sd_jwt: &str) -> String {
        let mut claims = self.binding.clone();
        let members = claims.as_object_mut().expect("claims are an object");
        members.entry("sd_hash").or_insert_with(|| digest(sd_jwt).into());
        members.retain(|_, value| !value.is_null());
        let header = self.binding_header.to_string();
        sign(&self.holder, header.as_bytes(), claims.to_string().as_bytes())
    }

    /// The whole presentation, bound to what is in it.
    pub(in crate::refusals) fn text(&self) -> String {
        self.around(&self.issuer_jwt())
    }

    /// The whole presentation around another issuer-signed JWT.
    pub(in crate::refusals) fn around(&self, issuer_jwt: &str) -> String {
        let sd_jwt = self.sd_jwt_of(issuer_jwt);
        let binding = self.binding_over(&sd_jwt);
        sd_jwt + &binding
    }
}

/// A compact JWS over any bytes, whatever they are.
pub(in crate::refusals) fn sign(key: &Known, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", json::base64url(header), json::base64url(payload));
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", json::base64url(signature))
}

pub(in crate::refusals) fn disclosure(parts: &Value) -> String {
    json::base64url(parts.to_string())
}
