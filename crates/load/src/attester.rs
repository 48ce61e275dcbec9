//! A server where holders log in and wallets are attested: its configuration, and the authority that attests
//! the wallets of this tool.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lanyard_core::crypto::{AwsLc, SoftwareSigner};
use lanyard_testkit::{LeafOptions, TestCa};

use crate::{
    code::AttestedWallet,
    failure::Failure,
    proofs::{attestation, fresh_key},
    server::{CALLBACK, CLIENT},
};

/// The type of what the server issues.
pub(crate) const VCT: &str = "urn:example:load:verified-identity:1";

/// What the server issues: the claims of the other flows.
pub(crate) const TYPE: &str = r##"{
  "id": "verified_identity",
  "vct": "urn:example:load:verified-identity:1",
  "name": "Verified identity",
  "description": "What the load tool issues.",
  "background_color": "#27496d",
  "text_color": "#ffffff",
  "valid_days": 365,
  "holder": ["given_name", "family_name"],
  "line": "document_number",
  "claims": [
    { "path": ["given_name"], "name": "Given name", "sample": "Ada" },
    { "path": ["family_name"], "name": "Family name", "sample": "Moreau" },
    { "path": ["birthdate"], "name": "Birth date", "kind": "date", "sample": "1990-12-10" },
    { "path": ["age_over_18"], "name": "Over 18", "kind": "boolean", "sample": true },
    { "path": ["nationalities"], "name": "Nationalities", "kind": "list", "sample": ["FR", "IE"] },
    { "path": ["place_of_birth"], "name": "Place of birth", "sample": "Cork" },
    { "path": ["address", "street_address"], "name": "Street", "under": "Address", "sample": "14 Rue des Tilleuls" },
    { "path": ["address", "postal_code"], "name": "Postal code", "under": "Address", "sample": "69002" },
    { "path": ["address", "locality"], "name": "Town", "under": "Address", "sample": "Lyon" },
    { "path": ["document_number"], "name": "Document number", "sample": "X4R7T92K1" }
  ]
}"##;

/// Nobody types a password here: the hash is of none.
const HOLDERS: &str = r#"[{
  "name": "ada",
  "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$nvrQbgu1rMPnfwIAx76ImQ$3tPGFM9cFW7Xc83R9ySt1Zaz/XwBTNUdUNf8PxU0n7U",
  "claims": { "verified_identity": {
    "given_name": "Ada", "family_name": "Moreau", "birthdate": "1990-12-10", "age_over_18": true,
    "nationalities": ["FR", "IE"], "place_of_birth": "Cork",
    "address": { "street_address": "14 Rue des Tilleuls", "postal_code": "69002", "locality": "Lyon" },
    "document_number": "X4R7T92K1"
  } }
}]"#;

/// The tenant of the configured server.
pub(crate) const TENANT: &str = "load";
/// What it issues.
pub(crate) const CONFIGURATION: &str = "verified_identity";

/// Whoever vouches for the wallets of this tool.
pub(crate) struct Attester {
    signer: SoftwareSigner,
    chain: Vec<String>,
    anchor: String,
}

impl Attester {
    /// An authority and a certificate under it.
    pub(crate) fn new() -> Result<Self, Failure> {
        let authority = TestCa::new("Wallet provider of the load tool");
        let leaf = authority.leaf(&LeafOptions::named("Wallet provider of the load tool"));
        Ok(Self {
            signer: SoftwareSigner::new(&AwsLc, &leaf.key)?,
            chain: leaf.chain.iter().map(|one| STANDARD.encode(one)).collect(),
            anchor: anchor_pem(&authority),
        })
    }

    /// The tenant of a configuration that believes this attester, and the files that it names.
    pub(crate) fn tenant(&self, id: &str, folder: &Path) -> Result<String, Failure> {
        fs::write(folder.join("holders.json"), HOLDERS)?;
        fs::write(folder.join("wallets.pem"), &self.anchor)?;
        Ok(format!(
            r#"[[tenants]]
id = "{id}"
name = "Load"
api_key_files = ["api-key"]
credential_types = ["type.json"]
status_lists = {{ ttl_seconds = 300 }}
profile = "haip"
wallet_attesters = ["wallets.pem"]
login = {{ holders = "holders.json", danger_consent = "always:ada" }}
[[tenants.clients]]
id = "{CLIENT}"
redirect_uris = ["{CALLBACK}"]
authentication = "attestation"
"#
        ))
    }

    /// A wallet that this provider vouches for.
    pub(crate) async fn wallet(&self) -> Result<AttestedWallet, Failure> {
        let key = fresh_key()?;
        let attestation = attestation(&self.signer, &self.chain, CLIENT, &key).await?;
        Ok(AttestedWallet { attestation, key, credential_key: fresh_key()? })
    }
}

/// The certificate of an authority, as files name it.
pub(crate) fn anchor_pem(authority: &TestCa) -> String {
    let anchor = STANDARD.encode(authority.anchor_der());
    // RFC 7468 §2: lines of 64 characters
    let lines: Vec<_> = anchor.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let anchor = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{anchor}\n-----END CERTIFICATE-----\n")
}
