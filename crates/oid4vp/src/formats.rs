//! Which algorithms go with which format: what is advertised, and what the other side takes (OID4VP 1.0
//! §11.1, App. B).

use std::collections::BTreeMap;

use lanyard_core::{
    cose,
    credential::{Format, HeldCredential},
    crypto::{Curve, PublicKey, SignatureAlgorithm},
    data_integrity::Cryptosuite,
    json::Object,
    mdoc::UnverifiedMdoc,
    sd_jwt_vc::UnverifiedSdJwtVc,
    w3c::{HolderBinding, jwt_vc_json::UnverifiedJwtVc},
};
use serde_json::{Value, json};

/// The type of every Data Integrity proof.
const PROOF_TYPE: &str = "DataIntegrityProof";

/// The formats that are taken with their algorithms, generated from what verification allows.
pub(crate) fn supported(formats: impl IntoIterator<Item = Format>) -> Value {
    formats.into_iter().map(|format| (format.name().to_owned(), members(format))).collect()
}

fn members(format: Format) -> Value {
    match format {
        // OID4VP 1.0 App. B.3.4
        Format::SdJwtVc => json!({
            "sd-jwt_alg_values": jose_names(),
            "kb-jwt_alg_values": jose_names(),
        }),
        // OID4VP 1.0 App. B.2.2: a device answers with a signature, as no reader key is given
        Format::MsoMdoc => json!({
            "issuerauth_alg_values": cose_identifiers(),
            "deviceauth_alg_values": cose_identifiers(),
        }),
        // OID4VP 1.0 App. B.1.3.1
        Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt => {
            json!({ "alg_values": jose_names() })
        }
        // OID4VP 1.0 App. B.1.3.2
        Format::LdpVc => json!({
            "proof_type_values": [PROOF_TYPE],
            "cryptosuite_values":
                Cryptosuite::ALL.iter().map(|suite| suite.name()).collect::<Vec<_>>(),
        }),
    }
}

/// Fully-specified names; `EdDSA` is the older name of `Ed25519` (RFC 9864).
fn jose_names() -> Vec<&'static str> {
    let names = SignatureAlgorithm::OPENID4VC.iter().map(|algorithm| algorithm.name());
    names.chain(SignatureAlgorithm::from_name("Ed25519").map(|_| "Ed25519")).collect()
}

/// Every number that stands for one of the algorithms, those of fully-specified names included.
fn cose_identifiers() -> Vec<i128> {
    let allowed = |number: &i128| {
        cose::algorithm_from_identifier(*number)
            .is_some_and(|algorithm| SignatureAlgorithm::OPENID4VC.contains(&algorithm))
    };
    (-100..0).rev().filter(allowed).collect()
}

/// By which algorithms a credential was issued and would be presented, in the words of its format; what is
/// not known is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Algorithms {
    /// Each way to name an algorithm of the issuer; for each signature one of them has to be taken.
    issuer: Vec<Vec<Value>>,
    /// Each way to name the holder's algorithm.
    holder: Vec<Value>,
}

impl Algorithms {
    /// The algorithms of a credential in its holder's hands.
    #[must_use]
    pub fn of_held(held: &HeldCredential) -> Self {
        let bound = |binding: &HolderBinding| match binding {
            HolderBinding::Key(jwk) => Some(jwk.key),
            HolderBinding::KeyId(_) | HolderBinding::Subject(_) | HolderBinding::None => None,
        };
        match held {
            HeldCredential::SdJwtVc(credential) => {
                let parsed = UnverifiedSdJwtVc::parse(credential.as_str()).ok();
                let curve = parsed.and_then(|parsed| parsed.claimed_issuer().curve);
                Self::new(curve, credential.holder_key(), jose)
            }
            HeldCredential::MsoMdoc(credential) => {
                let bytes = credential.to_bytes();
                let parsed = UnverifiedMdoc::parse(&bytes).ok();
                let curve = parsed.and_then(|parsed| parsed.claimed_issuer().curve);
                Self::new(curve, Some(*credential.device_key()), by_cose)
            }
            HeldCredential::JwtVcJson(credential) => {
                let parsed = UnverifiedJwtVc::parse(credential.as_str()).ok();
                let curve = parsed.and_then(|parsed| parsed.claimed_issuer().curve);
                Self::new(curve, bound(credential.binding()), jose)
            }
            HeldCredential::LdpVc(credential) => {
                let secured = credential.danger_to_secured();
                let proofs = match secured.get("proof") {
                    Some(Value::Array(proofs)) => proofs.as_slice(),
                    Some(proof) => std::slice::from_ref(proof),
                    None => &[],
                };
                let suites = proofs.iter().filter_map(|proof| proof.get("cryptosuite"));
                let issuer = suites.map(|suite| vec![suite.clone()]).collect();
                let key = bound(credential.binding());
                Self { issuer, holder: key.map(|key| of_holder(&key)).into_iter().collect() }
            }
            HeldCredential::VcJwt(_) | HeldCredential::VcSdJwt(_) => Self::default(),
        }
    }

    fn new(
        issuer: Option<Curve>,
        holder: Option<PublicKey>,
        names: fn(SignatureAlgorithm) -> Vec<Value>,
    ) -> Self {
        let of = |curve: Curve| curve.signature_algorithm().map(names);
        Self {
            issuer: issuer.and_then(of).into_iter().collect(),
            holder: holder.and_then(|key| of(key.curve())).unwrap_or_default(),
        }
    }
}

fn jose(algorithm: SignatureAlgorithm) -> Vec<Value> {
    let same = |name: &&str| SignatureAlgorithm::from_name(name) == Some(algorithm);
    jose_names().into_iter().filter(same).map(Value::from).collect()
}

/// OID4VP 1.0 App. B.2.2: `-7` by a P-256 key is `-9` too.
fn by_cose(algorithm: SignatureAlgorithm) -> Vec<Value> {
    let same = |number: &i128| cose::algorithm_from_identifier(*number) == Some(algorithm);
    cose_identifiers().into_iter().filter(same).map(|number| json!(number as i64)).collect()
}

/// The cryptosuite of a presentation by this key.
fn of_holder(key: &PublicKey) -> Value {
    match key.curve() {
        Curve::Ed25519 => Cryptosuite::EddsaRdfc2022.name().into(),
        _ => Cryptosuite::EcdsaRdfc2019.name().into(),
    }
}

/// The formats that the other side takes, as `vp_formats_supported` says it.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenFormats(BTreeMap<String, Object>);

impl TakenFormats {
    /// Reads `vp_formats_supported`; none when it has another form than the specification gives it.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let format = |(name, members): (&String, &Value)| {
            let members = members.as_object()?;
            // OID4VP 1.0 App. B: whatever is in it is a non-empty array
            let is_list = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
            let is_good = members.iter().all(|(name, value)| !is_known(name) || is_list(value));
            is_good.then(|| (name.clone(), members.clone()))
        };
        value.as_object()?.iter().map(format).collect::<Option<_>>().map(Self)
    }

    /// Whether a format is among them, by its identifier.
    #[must_use]
    pub fn has(&self, identifier: &str) -> bool {
        self.0.contains_key(identifier)
    }

    /// Whether a credential is taken that was issued and would be presented like this.
    #[must_use]
    pub fn takes(&self, format: Format, algorithms: &Algorithms) -> bool {
        let Some(members) = self.0.get(format.name()) else { return false };
        let allows = |member: &str, names: &[Value]| {
            let listed = members.get(member).and_then(Value::as_array);
            names.is_empty()
                || listed.is_none_or(|listed| names.iter().any(|name| listed.contains(name)))
        };
        let by_issuer = |member| algorithms.issuer.iter().all(|names| allows(member, names));
        let by_holder = |member| allows(member, &algorithms.holder);
        match format {
            Format::SdJwtVc => by_issuer("sd-jwt_alg_values") && by_holder("kb-jwt_alg_values"),
            Format::MsoMdoc => {
                by_issuer("issuerauth_alg_values") && by_holder("deviceauth_alg_values")
            }
            Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt => {
                by_issuer("alg_values") && by_holder("alg_values")
            }
            Format::LdpVc => {
                allows("proof_type_values", &[PROOF_TYPE.into()])
                    && by_issuer("cryptosuite_values")
                    && by_holder("cryptosuite_values")
            }
        }
    }
}

/// The members that the specification gives to a format.
fn is_known(name: &str) -> bool {
    name == "alg_values"
        || name.ends_with("_alg_values")
        || name == "proof_type_values"
        || name == "cryptosuite_values"
}
