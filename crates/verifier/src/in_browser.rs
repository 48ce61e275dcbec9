//! What a page in the browser that asked may do: begin a request that is ready to ask, show it, follow it.
//!
//! It is the server's side of the `<lanyard-verify>` element. The page learns how the request stands and why it
//! was refused; who presented what is for the integrator, who asks with an API key.

use std::time::Duration;

use jiff::Timestamp;
use lanyard_oid4vp::dc_api::Origin;
use lanyard_store::SessionId;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use url::Url;

use crate::{
    BrowserSession, DigitalRequests, NewDcApi, NewRequest, RequestCreated, RequestState,
    RequestStatus, VerifierError, VerifierService, http::replies, tenant::Tenant,
};

/// The longest a page waits for news.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a page asks to begin with; as JSON, the body of `POST /{tenant}/browser`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// A question by its name: pages ask nothing of their own.
    pub(crate) preset: String,
}

/// A request that a page began.
#[derive(Serialize)]
pub(crate) struct Begun {
    pub(crate) id: SessionId,
    /// What tells this page from all others; it is told once.
    pub(crate) browser_session: String,
    pub(crate) title: Option<String>,
    pub(crate) purpose: Option<String>,
    #[serde(flatten)]
    pub(crate) view: BrowserView,
}

/// How a request stands, for the page in which it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrowserView {
    /// How far it is.
    pub state: RequestState,
    /// Whether a response may still come.
    pub open: bool,
    /// Whether a wallet looks at it.
    pub fetched: bool,
    /// Names all of this; a page that sends it along is answered when there is news.
    pub tag: String,
    /// Until when a response may come.
    pub expires_at: Timestamp,
    /// The link for a wallet on this device, at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Url>,
    /// Until when the link is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_expires_at: Option<Timestamp>,
    /// What the page hands to `navigator.credentials.get`, where it is asked there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dc_api: Option<DigitalRequests>,
    /// The stable reason code, where the last presentation was not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl VerifierService {
    /// Begins a request for a page of this origin.
    pub(crate) async fn begin_in_browser(
        &self,
        tenant: &Tenant,
        origin: &Origin,
        begin: Begin,
    ) -> Result<Begun, VerifierError> {
        let browser = BrowserSession::generate(self.provider());
        let dc_api = NewDcApi { origins: vec![origin.to_string()], ..NewDcApi::default() };
        let new = NewRequest {
            browser_session: Some(browser.clone()),
            dc_api: Some(dc_api),
            rotating_link: true,
            ..NewRequest::preset(begin.preset)
        };
        let RequestCreated { id, dc_api, .. } = self.create_request(&tenant.id, new).await?;
        let (status, _) = self.progress(tenant, id).await?;
        let (title, purpose) = (status.title.clone(), status.purpose.clone());
        let view = BrowserView { dc_api, ..BrowserView::new(status) };
        Ok(Begun { id, browser_session: browser.reveal().to_owned(), title, purpose, view })
    }

    /// How a request stands, for the page in which it began: at once and whole, or as soon as it is no longer as
    /// the page knows it.
    pub(crate) async fn view_in_browser(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
        known: Option<&str>,
    ) -> Result<BrowserView, VerifierError> {
        let mut news = self.subscribe(&tenant.id, id);
        let mut shutdown = self.environment().shutdown.clone();
        self.held_in_browser(tenant, id, browser, self.now()).await?;
        let Some(known) = known else {
            let dc_api = self.digital_requests_in_browser(&tenant.id, id, browser).await?;
            return Ok(BrowserView { dc_api, ..self.browser_view(tenant, id).await? });
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let view = self.browser_view(tenant, id).await?;
            if known != view.tag || !view.open {
                return Ok(view);
            }
            tokio::select! {
                _ = shutdown.wait_for(|stopped| *stopped) => return Ok(view),
                () = tokio::time::sleep_until(deadline) => return Ok(view),
                event = news.recv() => if event == Err(RecvError::Closed) {
                    return Ok(view);
                },
            }
        }
    }

    /// The link of this moment, for the page in which the request began.
    pub(crate) async fn link_in_browser(
        &self,
        tenant: &Tenant,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Url, VerifierError> {
        self.held_in_browser(tenant, id, browser, self.now()).await?;
        self.request_link(&tenant.id, id).await
    }

    async fn browser_view(
        &self,
        tenant: &Tenant,
        id: SessionId,
    ) -> Result<BrowserView, VerifierError> {
        // the verdict is read without its claims, and reading it starts nothing
        let now = self.now();
        let held = self.sessions().by_id(tenant, id, now).await?;
        Ok(BrowserView::new(self.status_of(tenant, &held, now).await?))
    }
}

impl BrowserView {
    fn new(status: RequestStatus) -> Self {
        let verdict = status.verdict;
        let fetched = status.trail.iter().any(|event| event.step == crate::step::REQUEST_FETCHED);
        let state = status.state;
        let tag = format!("{}.{}.{fetched}", replies::to_json(&state), status.attempts_left);
        let (reason, detail) = match (verdict, status.declined) {
            (Some(verdict), _) => (verdict.reason.map(|code| code.into_owned()), verdict.detail),
            (None, Some(code)) => (Some(code.as_str().to_owned()), None),
            (None, None) => (None, None),
        };
        Self {
            state,
            open: status.open,
            fetched,
            tag: tag.replace('"', ""),
            expires_at: status.expires_at,
            link: status.link,
            link_expires_at: status.link_expires_at,
            dc_api: None,
            reason,
            detail,
        }
    }
}
