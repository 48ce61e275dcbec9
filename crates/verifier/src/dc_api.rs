//! The same question through the Digital Credentials API (OID4VP 1.0 App. A): a page hands the request to
//! the platform, and the answer back.

use jiff::Timestamp;
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vp::{
    dc_api::{DcApiAsk, DcApiRequested, IsoMdocRequested, Origin, Protocol},
    verifier::{Conclusion, OpenError},
};
use lanyard_store::{SessionId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    BrowserSession, ClientIdChoice, Reply, RequestFault, VerifierError, VerifierService,
    policy::PolicyVerifiers,
    respond::Received,
    sessions::{Held, Phase},
    tenant::Tenant,
};

/// How a question is asked through the Digital Credentials API.
///
/// The answer is encrypted (`dc_api.jwt`) where the response of the request is, and plain (`dc_api`) otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewDcApi {
    /// How the request is made, best first; signed and unsigned unless told otherwise.
    pub protocols: Vec<Protocol>,
    /// The origins whose pages or apps ask; all that this verifier allows unless told otherwise.
    pub origins: Vec<String>,
}

/// What a page hands to `navigator.credentials.get`, as its `digital` member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DigitalRequests {
    /// The same question in each of its protocols, best first.
    pub requests: Vec<Value>,
}

/// What the platform gave to the page: the `protocol` and the `data` of a `DigitalCredential`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DcApiAnswer {
    /// By which protocol it was asked for.
    pub protocol: Protocol,
    /// The answer itself.
    pub data: Value,
    /// The origin of the page or app that asked, as the platform knows it.
    pub origin: String,
}

impl std::fmt::Debug for DcApiAnswer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "DcApiAnswer({}, {})", self.protocol.as_str(), self.origin)
    }
}

/// A question that was asked through the API, until its answer comes.
#[derive(Serialize, Deserialize)]
pub(crate) struct AskedByApi {
    protocols: Vec<Protocol>,
    name: ClientIdChoice,
    requested: DcApiRequested,
    /// The same question as a DeviceRequest, where it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    iso_mdoc: Option<IsoMdocRequested>,
}

impl AskedByApi {
    /// Opens an answer by one of the protocols that were offered.
    pub(crate) async fn open(
        &self,
        answer: &DcApiAnswer,
        verifiers: &PolicyVerifiers,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, OpenError> {
        // OID4VP 1.0 App. A.1: the protocol of the answer is that of a request
        if !self.protocols.contains(&answer.protocol) {
            return Err(OpenError::Protocol);
        }
        let own = self.requested.origins().iter().find(|own| own.as_str() == answer.origin);
        let origin = own.ok_or(OpenError::Origin)?;
        let data = &answer.data;
        if answer.protocol == Protocol::IsoMdoc {
            let requested = self.iso_mdoc.as_ref().ok_or(OpenError::Protocol)?;
            return requested.open(data, origin, verifiers, now, provider).await;
        }
        let requested = self.requested.clone();
        let opened = requested.open(data, origin, verifiers, now, provider).await;
        opened.map_err(|refused| refused.reason)
    }
}

impl VerifierService {
    /// What is to be asked through the API.
    pub(crate) fn asked_by_api(
        &self,
        tenant: &Tenant,
        new: &NewDcApi,
        name: ClientIdChoice,
        ask: DcApiAsk,
    ) -> Result<AskedByApi, VerifierError> {
        let cannot_sign = name == ClientIdChoice::RedirectUri;
        let protocols = match &new.protocols[..] {
            [] if cannot_sign => vec![Protocol::Unsigned],
            [] if IsoMdocRequested::can_ask(&ask).is_ok() => {
                vec![Protocol::Signed, Protocol::Unsigned, Protocol::IsoMdoc]
            }
            [] => vec![Protocol::Signed, Protocol::Unsigned],
            chosen => chosen.to_vec(),
        };
        let signs = |one: &Protocol| matches!(one, Protocol::Signed | Protocol::MultiSigned);
        if cannot_sign && protocols.iter().any(signs) {
            return Err(RequestFault::CannotSign.into());
        }
        tenant.names.chosen(name)?;
        let allowed = self.web_origins(tenant);
        let origins = match &new.origins[..] {
            [] => allowed,
            chosen => {
                // OID4VP 1.0 App. A.2: the origins are signed for, so they are this verifier's own
                let known = |one: &String| allowed.iter().find(|own| own.as_str() == *one).cloned();
                let known = chosen.iter().map(known).collect::<Option<_>>();
                known.ok_or(RequestFault::Origin)?
            }
        };
        let ask = DcApiAsk { origins, ..ask };
        let iso_mdoc = match protocols.contains(&Protocol::IsoMdoc) {
            true => {
                IsoMdocRequested::can_ask(&ask).map_err(RequestFault::DeviceRequest)?;
                Some(IsoMdocRequested::new(ask.clone(), self.provider())?)
            }
            false => None,
        };
        let requested = DcApiRequested::new(ask, self.provider())?;
        Ok(AskedByApi { protocols, name, requested, iso_mdoc })
    }

    /// The origins whose pages may ask: this server's own, and those of the tenant.
    pub(crate) fn web_origins(&self, tenant: &Tenant) -> Vec<Origin> {
        let own = self.environment().base_url.origin().ascii_serialization();
        let own = Origin::parse(&own, self.transport());
        own.into_iter().chain(tenant.web_origins.iter().cloned()).collect()
    }

    /// The question in each of its protocols; signed anew each time.
    pub(crate) async fn digital_requests(
        &self,
        tenant: &Tenant,
        asked: &AskedByApi,
        now: Timestamp,
    ) -> Result<DigitalRequests, VerifierError> {
        let AskedByApi { protocols, name, requested, iso_mdoc } = asked;
        let name = tenant.names.chosen(*name)?;
        let mut requests = Vec::with_capacity(protocols.len());
        for protocol in protocols {
            let iso_mdoc = iso_mdoc.as_ref();
            requests.push(match protocol {
                Protocol::Unsigned => requested.unsigned(),
                Protocol::Signed => requested.signed(&name.client_id, &name.signer, now).await?,
                Protocol::MultiSigned => requested.multi_signed(&tenant.names.all(name)).await?,
                Protocol::IsoMdoc => match iso_mdoc {
                    // ISO/IEC 18013-5 §9.1.4: a reader goes by its certificate, whatever else it is called
                    Some(one) => {
                        let reader = tenant.names.certified();
                        one.request(Some(reader), self.provider()).await?
                    }
                    None => continue,
                },
            });
        }
        Ok(DigitalRequests { requests })
    }

    /// The question for `navigator.credentials.get`, for the browser in which it began; nothing where it is not
    /// asked that way, or takes no answer any more.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] for every other browser.
    pub async fn digital_requests_in_browser(
        &self,
        tenant: &TenantId,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Option<DigitalRequests>, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let now = self.now();
        let held = self.held_in_browser(tenant, id, browser, now).await?;
        let Phase::Waiting(waiting) = &held.state.phase else { return Ok(None) };
        match &waiting.dc_api {
            Some(asked) if now < waiting.requested.expires_at() => {
                Ok(Some(self.digital_requests(tenant, asked, now).await?))
            }
            _ => Ok(None),
        }
    }

    /// Takes the answer from an integrator, whose own page asked.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] where there is no such request or it has expired.
    pub async fn answer_dc_api(
        &self,
        tenant: &TenantId,
        id: SessionId,
        answer: &DcApiAnswer,
    ) -> Result<Reply, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let now = self.now();
        let held = self.sessions().by_id(tenant, id, now).await?;
        self.conclude(tenant, held, Received::DcApi(answer), now).await
    }

    /// Takes the answer from the browser in which the request began, and from no other (§14.2).
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] for every other browser, which uses up nothing.
    pub async fn answer_dc_api_in_browser(
        &self,
        tenant: &TenantId,
        id: SessionId,
        browser: &BrowserSession,
        answer: &DcApiAnswer,
    ) -> Result<Reply, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let now = self.now();
        let held = self.held_in_browser(tenant, id, browser, now).await?;
        self.conclude(tenant, held, Received::DcApi(answer), now).await
    }

    /// The session, for the browser in which it began; another one leaves a trace.
    pub(crate) async fn held_in_browser(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
        now: Timestamp,
    ) -> Result<Held, VerifierError> {
        let held = self.sessions().by_id(tenant, id, now).await?;
        if browser.is(held.state.browser.as_ref(), self.provider()) {
            return Ok(held);
        }
        self.trace_refusal(tenant, id, now, "other_browser").await;
        Err(VerifierError::UnknownRequest)
    }
}
