//! An application sends a browser (OpenID Connect Core 1.0 §3.1.2.1).

use std::collections::HashMap;

use lanyard_core::pkce::CodeChallenge;
use lanyard_store::SessionId;
use url::Url;

use super::{ROOT, SignIn, SignInClient, SignInFault, SignInRefused};
use crate::{BrowserSession, NewRequest, SameDevice, VerifierService, tenant::Tenant};

/// The longest `state` and `nonce`.
const LONGEST: usize = 2_000;

/// A sign-in that began, and the browser it is bound to.
pub(crate) struct Begun {
    pub(crate) id: SessionId,
    pub(crate) browser: BrowserSession,
}

impl VerifierService {
    /// Begins a sign-in: what is asked waits for a wallet, bound to one browser.
    pub(crate) async fn begin_sign_in(
        &self,
        tenant: &Tenant,
        parameters: &[u8],
    ) -> Result<Begun, SignInRefused> {
        // 1. who asks, and where the browser may go back to
        let (form, is_clean) = read(parameters);
        let field = |name: &str| form.get(name).map(String::as_str);
        let client = field("client_id").and_then(|id| tenant.sign_in_client(id));
        let client = client.ok_or(SignInRefused::Client)?;
        let redirect_uri = field("redirect_uri").ok_or(SignInRefused::Client)?;
        // RFC 9700 §2.1: character by character
        if !client.redirect_uris.iter().any(|own| own == redirect_uri) {
            return Err(SignInRefused::Client);
        }
        let state = field("state").map(str::to_owned);
        let back = |fault| self.back_with(tenant, redirect_uri, state.as_deref(), fault);

        // 2. what is asked
        if !is_clean {
            return Err(back(SignInFault::Malformed));
        }
        let (preset, challenge) = asked(&form, client).map_err(back)?;
        let nonce = field("nonce").map(str::to_owned);
        let is_long = |text: &Option<String>| text.as_ref().is_some_and(|it| it.len() > LONGEST);
        if is_long(&state) || is_long(&nonce) {
            return Err(self.back_with(tenant, redirect_uri, None, SignInFault::TooLong));
        }

        // 3. the presentation request, in this browser
        let browser = BrowserSession::generate(self.provider());
        let sign_in = SignIn {
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            state: state.clone(),
            nonce,
            challenge,
            preset,
            code_at: None,
        };
        let id = self.ask_for_sign_in(tenant, sign_in, &browser, false).await?.id;
        Ok(Begun { id, browser })
    }

    /// Asks what a sign-in needs: for a wallet elsewhere, or for one on the device of the browser.
    pub(super) async fn ask_for_sign_in(
        &self,
        tenant: &Tenant,
        sign_in: SignIn,
        browser: &BrowserSession,
        same_device: bool,
    ) -> Result<crate::RequestCreated, crate::VerifierError> {
        let return_to = self.url(&format!("{}/{ROOT}/return", tenant.id));
        let same_device =
            same_device.then(|| SameDevice { redirect_uri: Some(return_to.to_string()) });
        let new = NewRequest {
            same_device,
            browser_session: Some(browser.clone()),
            ..NewRequest::preset(&sign_in.preset)
        };
        self.create(tenant, new, Some(sign_in), |_| None).await
    }

    /// Sends the browser back with an error (RFC 6749 §4.1.2.1, RFC 9207).
    pub(super) fn back_with(
        &self,
        tenant: &Tenant,
        redirect_uri: &str,
        state: Option<&str>,
        fault: SignInFault,
    ) -> SignInRefused {
        let Ok(mut url) = Url::parse(redirect_uri) else { return SignInRefused::Client };
        let issuer = self.sign_in_issuer(tenant);
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("error", fault.code());
        pairs.append_pair("error_description", &fault.to_string());
        if let Some(state) = state {
            pairs.append_pair("state", state);
        }
        pairs.append_pair("iss", issuer.as_str());
        drop(pairs);
        SignInRefused::Back { url, fault }
    }
}

/// The parameters, and whether each is there once.
fn read(parameters: &[u8]) -> (HashMap<String, String>, bool) {
    let mut form = HashMap::new();
    let mut is_clean = true;
    for (name, value) in url::form_urlencoded::parse(parameters) {
        // RFC 6749 §3.1: not more than once; an empty value is as none
        if !value.is_empty() && form.insert(name.into_owned(), value.into_owned()).is_some() {
            is_clean = false;
        }
    }
    (form, is_clean)
}

fn asked(
    form: &HashMap<String, String>,
    client: &SignInClient,
) -> Result<(String, CodeChallenge), SignInFault> {
    let field = |name: &str| form.get(name).map(String::as_str);
    if field("response_type") != Some("code") {
        return Err(SignInFault::ResponseType);
    }
    if !matches!(field("response_mode"), None | Some("query")) {
        return Err(SignInFault::ResponseMode);
    }
    if field("request").or(field("request_uri")).is_some() {
        return Err(SignInFault::RequestObject);
    }
    if field("prompt").is_some_and(|prompt| prompt.split(' ').any(|one| one == "none")) {
        return Err(SignInFault::PromptNone);
    }
    let words = |name| field(name).into_iter().flat_map(|text: &str| text.split(' '));
    if !words("scope").any(|scope| scope == "openid") {
        return Err(SignInFault::ScopeOpenid);
    }
    // what is named must be one of its own; scopes that mean something elsewhere are ignored
    let own = |name: &&str| client.presets.iter().any(|preset| preset == name);
    let by_acr = field("acr_values").map(|_| words("acr_values").find(own));
    let by_scope = words("scope").find(own);
    let preset = match (by_acr, by_scope) {
        (Some(None), _) => return Err(SignInFault::Preset),
        (Some(Some(preset)), _) | (None, Some(preset)) => Some(preset.to_owned()),
        (None, None) => client.presets.first().cloned(),
    };
    let challenge =
        CodeChallenge::parse(form.get("code_challenge").cloned(), field("code_challenge_method"));
    let challenge = challenge.map_err(|_| SignInFault::Pkce)?;
    Ok((preset.ok_or(SignInFault::Preset)?, challenge))
}
