//! The wallet's side of the Digital Credentials API.

use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::{CryptoProvider, HpkeMessage, PublicKey},
    jose::{JweError, UnverifiedJws},
    json::{self, Object},
    mdoc::{
        DeviceResponse, DocumentRequest, ElementName, EncryptionInfo, OpenId4VpDcApiHandover,
        SessionTranscript, UnverifiedDeviceRequest, encrypted_response,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::x509::CertificatePurpose,
};
use serde_json::{Value, json};

use super::{Origin, Protocol};
use crate::{
    ClientId, ErrorCode,
    dcql::{CredentialView, DcqlQuery, Matches},
    request::{
        ClientMetadata, Delivery, RequestError, VerifierInfo, VerifierStatement,
        object::{self, check_times},
        parameters::{Asked, metadata, text},
    },
    transaction::TransactionData,
    wallet::{
        AnswerError, Binding, Choices, Consent, NothingFits, PresentError, Presenter, WalletSide,
        answer::presentations, identity::SignedBy, matching,
    },
};

/// The most signatures of one request that are looked at.
const MAX_SIGNATURES: usize = 16;

/// A request that the platform handed over, and that keeps every rule.
pub struct DcApiRequest {
    origin: Origin,
    verifier: DcApiVerifier,
    asked: Asked,
    metadata: ClientMetadata,
    answering: Answering,
    statement: VerifierStatement,
}

/// The parameters of a request, and who answers for them.
struct Signed {
    verifier: DcApiVerifier,
    claims: Object,
    /// What the signer registered with the wallet.
    registered: Option<Value>,
}

impl Signed {
    const fn nobody(claims: Object) -> Self {
        Self { verifier: DcApiVerifier::Origin, claims, registered: None }
    }
}

/// In which form the answer goes back.
enum Answering {
    /// As an authorization response (App. A.2).
    OpenId4Vp(Delivery),
    /// As an encrypted DeviceResponse (ISO/IEC 18013-7 Annex C), to this key, in this exchange.
    IsoMdoc(PublicKey, SessionTranscript),
}

/// Who asks; the origin is what the platform vouches for in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DcApiVerifier {
    /// The origin alone.
    Origin,
    /// Somebody vouches for it beside the platform.
    Known {
        /// In which name it signed.
        client_id: ClientId,
        /// The name for people, where somebody vouches for one.
        name: Option<String>,
    },
}

impl WalletSide {
    /// Takes a request that the platform handed over with the origin that made it.
    ///
    /// # Errors
    /// One [`RequestError`] per rule.
    pub async fn read_dc_api(
        &self,
        protocol: &str,
        data: &Value,
        origin: &str,
        now: Timestamp,
    ) -> Result<DcApiRequest, RequestError> {
        let origin = Origin::parse(origin, self.transport)?;
        let data = data.as_object().ok_or(RequestError::ProtocolForm)?;
        match Protocol::parse(protocol)? {
            // OID4VP 1.0 App. A.2: client_id and expected_origins are ignored
            Protocol::Unsigned => DcApiRequest::new(origin, Signed::nobody(data.clone())),
            Protocol::Signed => {
                let object = text(data, "request")?.ok_or(RequestError::ProtocolForm)?;
                let unverified = UnverifiedJws::parse(object)?.danger_unverified_claims()?;
                let client_id = text(&unverified, "client_id")?;
                let client_id: ClientId =
                    client_id.ok_or(RequestError::Missing("client_id"))?.parse()?;
                let signed = self.verify_object(object, &client_id, now).await?;
                expect(&signed.claims, &origin)?;
                DcApiRequest::new(origin, signed)
            }
            Protocol::MultiSigned => {
                let signed = self.verify_one_of(data, now).await?;
                expect(&signed.claims, &origin)?;
                DcApiRequest::new(origin, signed)
            }
            Protocol::IsoMdoc => self.read_iso_mdoc(data, origin, now),
        }
    }

    /// Takes a DeviceRequest (ISO/IEC 18013-7 Annex C).
    fn read_iso_mdoc(
        &self,
        data: &Object,
        origin: Origin,
        now: Timestamp,
    ) -> Result<DcApiRequest, RequestError> {
        let provider = self.provider.as_ref();
        let form = || RequestError::ProtocolForm;
        let info = text(data, "encryptionInfo")?.ok_or_else(form)?;
        let transcript = SessionTranscript::annex_c(info, origin.as_str(), provider);
        let info = EncryptionInfo::from_base64url(info, provider)?;
        let request = text(data, "deviceRequest")?.ok_or_else(form)?;
        let request = json::base64url_decode(request).map_err(|_| form())?;
        let request = UnverifiedDeviceRequest::parse(&request)?;
        // ISO/IEC 18013-5 §9.1.4: who signed is known, and nobody else is shown as the reader
        let verifier = match request.claimed_reader()? {
            None => DcApiVerifier::Origin,
            Some(certificates) => {
                let chain = self.anchors.read(&certificates)?;
                let purpose = CertificatePurpose::RequestSigning;
                let chain = chain.verify(&self.anchors, purpose, now, provider)?;
                request.verify_reader(chain.public_key(), &transcript, provider)?;
                let leaf = certificates.first().map(Vec::as_slice).unwrap_or_default();
                let client_id = ClientId::x509_hash(leaf, provider);
                DcApiVerifier::Known { client_id, name: Some(chain.subject()) }
            }
        };
        let asked = Asked {
            nonce: json::base64url(&info.nonce).parse().map_err(RequestError::Nonce)?,
            query: query(&request)?,
            transactions: Vec::new(),
            verifier_info: Vec::new(),
        };
        let answering = Answering::IsoMdoc(info.recipient, transcript);
        let (metadata, statement) = (ClientMetadata::default(), VerifierStatement::default());
        Ok(DcApiRequest { origin, verifier, asked, metadata, answering, statement })
    }

    /// Verifies a compact request object in this name.
    async fn verify_object(
        &self,
        compact: &str,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Signed, RequestError> {
        let jws = UnverifiedJws::parse(compact)?;
        jws.check_slot(&object::SLOT)?;
        let signed_by = self.signed_by(&jws, client_id, now).await?;
        let key = *signed_by.key();
        let claims = jws.verify(&object::SLOT, &key, self.provider.as_ref())?.claims()?;
        check_times(&claims, now)?;
        let name = match &signed_by {
            SignedBy::Certificate(chain) => {
                self.check_certificate(client_id, chain)?;
                Some(chain.subject())
            }
            SignedBy::Did(..) => None,
            SignedBy::Attestation(name, _) => Some(name.clone()),
            SignedBy::Registered(known, _) => Some(known.name.clone()),
        };
        let registered = match &signed_by {
            SignedBy::Registered(known, _) => known.metadata.clone(),
            SignedBy::Certificate(_) | SignedBy::Did(..) | SignedBy::Attestation(..) => None,
        };
        let claims = signed_by.with_metadata(claims)?;
        let verifier = DcApiVerifier::Known { client_id: client_id.clone(), name };
        Ok(Signed { verifier, claims, registered })
    }

    /// Verifies a request with several signatures: the first that is good counts (App. A.3.2.2).
    async fn verify_one_of(&self, data: &Object, now: Timestamp) -> Result<Signed, RequestError> {
        let form = || RequestError::ProtocolForm;
        let object = data.get("request").and_then(Value::as_object).ok_or_else(form)?;
        let payload = text(object, "payload")?.ok_or_else(form)?;
        let signatures = object.get("signatures").and_then(Value::as_array);
        let signatures = signatures.filter(|all| (1..=MAX_SIGNATURES).contains(&all.len()));
        let mut first_refusal = None;
        for signature in signatures.ok_or_else(form)? {
            match self.verify_signature(payload, signature, now).await {
                Ok(verified) => return Ok(verified),
                Err(refusal) => {
                    first_refusal.get_or_insert(refusal);
                }
            }
        }
        Err(first_refusal.unwrap_or(RequestError::ProtocolForm))
    }

    async fn verify_signature(
        &self,
        payload: &str,
        signature: &Value,
        now: Timestamp,
    ) -> Result<Signed, RequestError> {
        let part = |name| signature.get(name).and_then(Value::as_str);
        let (protected, signature) =
            part("protected").zip(part("signature")).ok_or(RequestError::ProtocolForm)?;
        // RFC 7515 §7.2: each signature is over its own header and the one payload
        let compact = format!("{protected}.{payload}.{signature}");
        let header = UnverifiedJws::parse(&compact)?.header().members.clone();
        let client_id = text(&header, "client_id")?;
        let client_id: ClientId = client_id.ok_or(RequestError::Missing("client_id"))?.parse()?;
        let mut signed = self.verify_object(&compact, &client_id, now).await?;
        // OID4VP 1.0 App. A.3.2.2: these are in the protected headers alone
        for name in ["client_id", "verifier_info"] {
            if signed.claims.contains_key(name) {
                return Err(RequestError::WrongPart(name));
            }
        }
        if let Some(info) = header.get("verifier_info") {
            signed.claims.insert("verifier_info".to_owned(), info.clone());
        }
        Ok(signed)
    }
}

/// What a DeviceRequest asks for, as a query: every element of every document.
fn query(request: &UnverifiedDeviceRequest<'_>) -> Result<DcqlQuery, RequestError> {
    let credential = |(place, document): (usize, &DocumentRequest)| {
        let claims = document.elements.iter();
        let claim = |(name, _): &(ElementName, bool)| json!({ "path": [name.name_space.as_str(), name.identifier.as_str()] });
        json!({
            "id": format!("document-{place}"),
            "format": Format::MsoMdoc.name(),
            "meta": { "doctype_value": document.doc_type.as_str() },
            "claims": claims.map(claim).collect::<Vec<_>>(),
        })
    };
    let credentials: Vec<_> = request.documents().enumerate().map(credential).collect();
    Ok(DcqlQuery::from_value(&json!({ "credentials": credentials }))?)
}

/// OID4VP 1.0 App. A.2: the origin is one of those that are expected, compared as text.
fn expect(claims: &Object, origin: &Origin) -> Result<(), RequestError> {
    let expected = claims.get("expected_origins").and_then(Value::as_array);
    let expected = expected.ok_or(RequestError::Missing("expected_origins"))?;
    if expected.iter().any(|one| one == origin.as_str()) {
        Ok(())
    } else {
        Err(RequestError::ExpectedOrigins)
    }
}

impl DcApiRequest {
    /// What is asked for.
    #[must_use]
    pub const fn query(&self) -> &DcqlQuery {
        &self.asked.query
    }

    fn new(origin: Origin, signed: Signed) -> Result<Self, RequestError> {
        let Signed { verifier, claims: parameters, registered } = signed;
        let parameters = &parameters;
        let metadata = metadata(parameters)?;
        // OID4VP 1.0 App. A.2: one of the two modes of the API
        let delivery = match text(parameters, "response_mode")? {
            Some("dc_api") => Delivery::Plain,
            Some("dc_api.jwt") => Delivery::Encrypted(metadata.recipient()?),
            Some(_) => return Err(RequestError::ResponseMode),
            None => return Err(RequestError::Missing("response_mode")),
        };
        let asked = Asked::from_parameters(parameters, &metadata)?;
        let answering = Answering::OpenId4Vp(delivery);
        let statement = match &verifier {
            // what nobody signed is nobody's word
            DcApiVerifier::Origin => VerifierStatement::default(),
            DcApiVerifier::Known { .. } => {
                let said = VerifierStatement::of_signed(&asked.verifier_info);
                registered.iter().fold(said, VerifierStatement::with_registered)
            }
        };
        Ok(Self { origin, verifier, asked, metadata, answering, statement })
    }

    /// What the verifier says of itself and of why it asks: empty where the request is not signed.
    #[must_use]
    pub const fn statement(&self) -> &VerifierStatement {
        &self.statement
    }

    /// The origin that asks, as the platform reports it.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Who asks, beyond its origin.
    #[must_use]
    pub const fn verifier(&self) -> &DcApiVerifier {
        &self.verifier
    }

    /// What the holder would authorize by answering; to be shown before consent.
    #[must_use]
    pub fn transactions(&self) -> &[TransactionData] {
        &self.asked.transactions
    }

    /// What others say about the verifier; nothing of it is verified.
    #[must_use]
    pub fn verifier_info(&self) -> &[VerifierInfo] {
        &self.asked.verifier_info
    }

    /// Whether the answer is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        !matches!(self.answering, Answering::OpenId4Vp(Delivery::Plain))
    }

    /// Finds what the request could be answered with, among the credentials held.
    ///
    /// # Errors
    /// [`NothingFits`]: show it to the holder, then [`DcApiRequest::decline`].
    pub fn choices(&self, held: &[CredentialView<'_>]) -> Result<Choices, NothingFits> {
        let Asked { nonce, query, transactions, .. } = &self.asked;
        Choices::find(query, &self.metadata, (nonce, transactions), held)
    }

    /// Finds every credential that fits some part of the request, whether or not all of it can be answered.
    #[must_use]
    pub fn matches(&self, held: &[CredentialView<'_>]) -> Matches {
        matching(&self.asked.query, &self.metadata, held)
    }

    /// Answers with what the holder consented to: the `data` for the platform.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing may be handed over then.
    pub async fn answer(
        &self,
        consent: Consent,
        presenter: &dyn Presenter,
        provider: &dyn CryptoProvider,
    ) -> Result<Value, AnswerError> {
        if consent.nonce != self.asked.nonce {
            return Err(AnswerError::OtherRequest);
        }
        let token = presentations(&consent, presenter, &self.binding(provider)).await?;
        match &self.answering {
            Answering::OpenId4Vp(delivery) => {
                Ok(data(delivery, json!({ "vp_token": token }), provider)?)
            }
            Answering::IsoMdoc(recipient, transcript) => {
                let documents = token.values().flatten().filter_map(Value::as_str);
                let documents =
                    documents.map(json::base64url_decode).collect::<Result<Vec<_>, _>>();
                let documents = documents.map_err(|_| PresentError::Credential)?;
                let response = DeviceResponse::join(&documents);
                let response = response.map_err(|_| PresentError::Credential)?;
                // ISO/IEC 18013-7 Annex C: HPKE, with the session transcript as info
                let info = transcript.as_bytes();
                let sealed = HpkeMessage::seal(recipient, info, response.as_bytes(), provider);
                Ok(json!({ "response": encrypted_response(&sealed.map_err(JweError::from)?) }))
            }
        }
    }

    /// Says no: the `data` for the platform, the same for a holder who does not want to and for one who has
    /// nothing that fits; only after the holder acted (§15.9).
    #[must_use]
    pub fn decline(&self) -> Value {
        json!({ "error": ErrorCode::AccessDenied })
    }

    /// What every presentation for this request is bound to.
    #[must_use]
    pub fn binding(&self, provider: &dyn CryptoProvider) -> Binding {
        let nonce = RequestNonce::from(self.asked.nonce.as_str());
        let transcript = match &self.answering {
            Answering::IsoMdoc(_, transcript) => transcript.clone(),
            Answering::OpenId4Vp(delivery) => {
                let handover = OpenId4VpDcApiHandover {
                    origin: self.origin.as_str(),
                    nonce: &nonce,
                    encryption_key: match delivery {
                        Delivery::Plain => None,
                        Delivery::Encrypted(recipient) => Some(recipient.jwk.thumbprint(provider)),
                    },
                };
                SessionTranscript::openid4vp_dc_api(&handover, provider)
            }
        };
        // OID4VP 1.0 App. A.4: the origin, also for signed requests
        Binding { audience: Audience::from(self.origin.audience()), nonce, transcript }
    }
}

fn data(
    delivery: &Delivery,
    members: Value,
    provider: &dyn CryptoProvider,
) -> Result<Value, JweError> {
    match delivery {
        Delivery::Plain => Ok(members),
        // OID4VP 1.0 §8.3, App. A.2: an encrypted, unsigned JWT
        Delivery::Encrypted(recipient) => {
            let token = recipient.encrypt(members.to_string().as_bytes(), None, provider)?;
            Ok(json!({ "response": token }))
        }
    }
}

impl std::fmt::Debug for DcApiRequest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "DcApiRequest({:?}, {:?})", self.origin, self.verifier)
    }
}
