//! `lanyard issue` and `lanyard verify`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    credential::Format,
    crypto::{AwsLc, CryptoProvider as _, Curve, PrivateKey},
    did::{DidMethods, DidUrl},
    jose::{Jwk, PrivateJwk},
    json,
    trust::IssuerIdentifier,
    verify::PolicySet,
};
use lanyard_fetch::{CachedDids, SafeFetcher};
use serde_json::{Value, json};

use super::{Ending, ExitCode, inspect::read};
use crate::files;
use crate::offline::{Order, Question, Trusted, Verdict, recognise};

/// `lanyard issue`
#[derive(Debug, Args)]
pub struct IssueArgs {
    /// dc+sd-jwt, mso_mdoc, jwt_vc_json, ldp_vc, vc+jwt or vc+sd-jwt
    #[arg(long)]
    pub format: String,
    /// The type: a vct, a docType, or what stands beside VerifiableCredential
    #[arg(long = "type", value_name = "NAME")]
    pub kind: String,
    /// The issuer's private key, a JWK; made on first use
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The curve of a key that is made: P-256, P-384 or Ed25519
    #[arg(long, default_value = "P-256")]
    pub curve: String,
    /// The issuer's certificate chain, PEM, leaf first, without the authority's own
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// The issuer: an https URL or a DID; without it the certificate's subject, or the key's own did:key
    #[arg(long)]
    pub issuer: Option<String>,
    /// The DID URL of the issuer's key, for a DID that is published elsewhere
    #[arg(long, value_name = "DID URL")]
    pub key_id: Option<String>,
    /// The holder's public key, a JWK; an mdoc needs one
    #[arg(long, value_name = "FILE")]
    pub holder: Option<PathBuf>,
    /// A further context of a W3C credential, which defines its terms; may be repeated
    #[arg(long = "context", value_name = "URL")]
    pub contexts: Vec<String>,
    /// For how many days it is valid
    #[arg(long, default_value_t = 365)]
    pub days: u16,
    /// The claims: a JSON object, @file or - for standard input; of an mdoc by namespace
    pub claims: String,
}

/// `lanyard verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The credential or presentation itself, @file, or - for standard input
    pub thing: String,
    /// Trust the issuers of these authorities, PEM; may be repeated
    #[arg(long = "trust-anchor", value_name = "FILE")]
    pub trust_anchors: Vec<PathBuf>,
    /// Trust this DID; may be repeated
    #[arg(long = "trust-did", value_name = "DID")]
    pub trust_dids: Vec<String>,
    /// Trust an issuer by its keys, a JWK or a JWK set; may be repeated
    #[arg(long = "trust-key", value_name = "ISSUER=FILE")]
    pub trust_keys: Vec<String>,
    /// Demand this type
    #[arg(long = "type", value_name = "NAME")]
    pub kind: Option<String>,
    /// The verifier that a presentation must be for: its full client identifier
    #[arg(long, requires = "nonce")]
    pub audience: Option<String>,
    /// The nonce that a presentation must answer
    #[arg(long, requires = "audience")]
    pub nonce: Option<String>,
    /// The response_uri of the request, for an mdoc
    #[arg(long, value_name = "URL", default_value = "")]
    pub response_uri: String,
    /// Policies for a presentation: a preset (standard, high_assurance, lenient) or @file with a JSON array
    #[arg(long, value_name = "POLICIES")]
    pub policies: Option<String>,
    /// Judge it at this moment instead of now, as 2026-01-15T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn issue(args: &IssueArgs) -> Ending {
    let order = match order(args) {
        Ok(order) => order,
        Err(ending) => return ending,
    };
    match crate::offline::issue(order, Timestamp::now()).await {
        Ok(text) => Ending::done(text.clone(), Value::String(text)),
        Err(error) => usage("issue", format!("Nothing was issued: {error}.")),
    }
}

fn order(args: &IssueArgs) -> Result<Order, Ending> {
    let format = Format::ALL.iter().copied().find(|format| format.name() == args.format);
    let format = format.ok_or_else(|| {
        let names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
        usage("format", format!("{} is not a format; there are {}.", args.format, names.join(", ")))
    })?;
    let claims = read(&args.claims)
        .map_err(|error| usage("claims", format!("{} cannot be read: {error}", args.claims)))?;
    let claims = json::parse_object(claims.as_bytes())
        .map_err(|error| usage("claims", format!("The claims are no JSON object: {error}.")))?;
    let certificates = match &args.certificate {
        None => Vec::new(),
        Some(file) => pem(&text(file)?)
            .ok_or_else(|| usage("certificate", format!("{} is not PEM.", file.display())))?,
    };
    let holder = match &args.holder {
        None => None,
        Some(file) => Some(public_key(file)?),
    };
    let issuer = args.issuer.as_deref().map(IssuerIdentifier::parse).transpose();
    let issuer = issuer.map_err(|error| usage("issuer", format!("--issuer: {error}.")))?;
    let key_id = args.key_id.as_deref().map(DidUrl::parse).transpose();
    let key_id = key_id.map_err(|error| usage("key_id", format!("--key-id: {error}.")))?;
    Ok(Order {
        format,
        kind: args.kind.clone(),
        claims,
        key: key(&args.key, &args.curve)?,
        certificates,
        issuer,
        key_id,
        holder,
        contexts: args.contexts.iter().map(|context| context.as_str().into()).collect(),
        lasting: SignedDuration::from_hours(24 * i64::from(args.days)),
    })
}

/// The private key in a file that its owner alone can read, or a new one.
fn key(file: &Path, curve: &str) -> Result<PrivateKey, Ending> {
    let failed = |why: String| usage("key", format!("{}: {why}", file.display()));
    if file.exists() {
        if files::open_to_others(file).is_some() {
            return Err(failed("others can read this key; chmod 600 closes it".to_owned()));
        }
        let value =
            json::parse(text(file)?.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let jwk = PrivateJwk::from_value(&value).map_err(|error| failed(error.to_string()))?;
        return Ok(jwk.key);
    }
    let curve = match curve {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "Ed25519" => Curve::Ed25519,
        other => return Err(usage("curve", format!("{other} is not P-256, P-384 or Ed25519."))),
    };
    let key = AwsLc.generate_key(curve).map_err(|error| failed(error.to_string()))?;
    let jwk = PrivateJwk { key: key.clone(), kid: None };
    files::write_private(file, jwk.danger_to_json().as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    Ok(key)
}

/// A public key; of a file with a private one, its public half.
fn public_key(file: &Path) -> Result<Jwk, Ending> {
    let failed = |why: String| usage("holder", format!("{}: {why}", file.display()));
    let value = json::parse(text(file)?.as_bytes()).map_err(|error| failed(error.to_string()))?;
    match PrivateJwk::from_value(&value) {
        Ok(private) => Ok(Jwk::new(*private.key.public())),
        Err(_) => Jwk::from_value(&value).map_err(|error| failed(error.to_string())),
    }
}

/// The certificates of a PEM text, in DER.
fn pem(text: &str) -> Option<Vec<Vec<u8>>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};

    let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
    let certificates: Vec<_> =
        certificates.map(|der| Some(der.ok()?.to_vec())).collect::<Option<_>>()?;
    (!certificates.is_empty()).then_some(certificates)
}

pub(super) async fn verify(args: &VerifyArgs) -> Ending {
    let text = match read(&args.thing) {
        Ok(text) => text,
        Err(error) => {
            return usage("unreadable", format!("{} cannot be read: {error}", args.thing));
        }
    };
    let Some(recognised) = recognise(&text) else {
        let what = "This is neither a credential nor a presentation of a format that this program \
                    knows; `lanyard inspect` says what it is.";
        return usage("format", what.to_owned());
    };
    if recognised.presented && args.nonce.is_none() && recognised.format != Format::SdJwtVc {
        let what =
            "This is a presentation, which answers a request: give its --audience and --nonce.";
        return usage("request", what.to_owned());
    }
    match question(args) {
        Ok(question) => conclude(crate::offline::verify(&text, recognised, question).await),
        Err(ending) => ending,
    }
}

fn question(args: &VerifyArgs) -> Result<Question, Ending> {
    let mut trusted = Trusted::default();
    for file in &args.trust_anchors {
        let failed = |error| usage("trust_anchor", format!("{}: {error}", file.display()));
        trusted = trusted.authorities(&self::text(file)?).map_err(failed)?;
    }
    for did in &args.trust_dids {
        trusted = trusted
            .did(did)
            .map_err(|error| usage("trust_did", format!("--trust-did {did}: {error}")))?;
    }
    for pair in &args.trust_keys {
        let (issuer, file) = pair.split_once('=').ok_or_else(|| {
            usage("trust_key", format!("--trust-key {pair}: it is ISSUER=FILE, with '=' between"))
        })?;
        let failed = |error| usage("trust_key", format!("--trust-key {pair}: {error}"));
        trusted = trusted.keys(issuer, &self::text(Path::new(file))?).map_err(failed)?;
    }
    let now = match &args.at {
        None => Timestamp::now(),
        Some(at) => at.parse().map_err(|_| {
            usage("at", format!("--at {at}: not a moment such as 2026-01-15T12:00:00Z"))
        })?,
    };
    let fetcher = Arc::new(SafeFetcher::new());
    Ok(Question {
        trusted,
        resolver: Arc::new(CachedDids::over(fetcher, DidMethods::new(Arc::new(AwsLc)))),
        kind: args.kind.clone(),
        request: args.audience.clone().zip(args.nonce.clone()),
        response_uri: args.response_uri.clone(),
        policies: policies(args.policies.as_deref())?,
        now,
    })
}

fn policies(given: Option<&str>) -> Result<PolicySet, Ending> {
    let Some(given) = given else { return Ok(PolicySet::new()) };
    if let Some(preset) = PolicySet::preset(given) {
        return Ok(preset);
    }
    let failed = |why: String| usage("policies", format!("--policies {given}: {why}"));
    let text = read(given).map_err(|error| failed(error.to_string()))?;
    let value = json::parse(text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    PolicySet::from_value(&value).map_err(|faults| failed(faults.to_string()))
}

fn conclude(verdict: Verdict) -> Ending {
    let (code, word, said) = match verdict {
        Verdict::Verified(said) => (ExitCode::Done, "Verified", said),
        Verdict::Refused(said) => (ExitCode::Refused, "Refused", said),
        Verdict::Undetermined(said) => (ExitCode::Undecided, "Undetermined", said),
    };
    let mut text = format!("{word}: {}", said["format"].as_str().unwrap_or_default());
    if let Some(message) = said["message"].as_str() {
        text = format!("{text}\n{message} ({})", said["reason"].as_str().unwrap_or_default());
    }
    for check in said["checks"].as_array().into_iter().flatten() {
        let (outcome, title, rule) = (&check["outcome"], &check["title"], &check["rule"]);
        let words = [outcome, title, rule].map(|word| word.as_str().unwrap_or_default());
        text = format!("{text}\n  {:<14} {} ({})", words[0], words[1], words[2]);
    }
    for credential in said["credentials"].as_array().into_iter().flatten().chain([&said]) {
        if let Some(issuer) = credential["issuer"].as_str() {
            text = format!("{text}\nIssuer: {issuer}\n{:#}", credential["claims"]);
        }
    }
    let verdict = json!({ "verdict": word.to_lowercase() });
    let mut json = said;
    if let (Value::Object(all), Value::Object(verdict)) = (&mut json, verdict) {
        all.extend(verdict);
    }
    Ending { code, text, json }
}

fn text(file: &Path) -> Result<String, Ending> {
    std::fs::read_to_string(file)
        .map_err(|error| usage("file", format!("{} cannot be read: {error}", file.display())))
}

fn usage(reason: &str, text: String) -> Ending {
    Ending::not_done(ExitCode::Usage, reason, text)
}
