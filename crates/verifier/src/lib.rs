//! The verifier service: OpenID4VP 1.0 over HTTP, and the API that integrators ask with.
//!
//! Reading order follows one presentation:
//!
//! 1. [`VerifierSettings`] what the composition gives; [`VerifierService`] what it gets
//! 2. `http` the routes: a handler parses, takes the session, calls one step and replies
//! 3. `create` an integrator asks; the request waits under two unguessable paths
//! 4. `fetch` a wallet fetches the request object, as often as it likes
//! 5. `respond` a wallet responds; the verdict is reached at once
//! 6. `dc_api` asks and takes the answer through the platform of a browser instead; `in_browser` is what the
//!    `<lanyard-verify>` element sees of it; `rotation` lets a shown link die within the minute
//! 7. `finish` the browser that asked comes back with the response code
//! 8. `status` what happened so far, for whoever may know
//! 9. `policy` what one request demands beyond its tenant; `lint` what it asks without need; `recording` trying
//!    another policy on a response that came; `receipt` signed evidence of a verdict
//! 10. `sign_in` the same for applications that speak OpenID Connect
//! 11. `vc_api` an integrator hands a credential in and hears what it is worth, where that is switched on
//! 12. `sessions` how the state in between is kept: sealed, and found by digests only; what both services have in common
//!     is in `lanyard-service`
//!
//! Durable commits of one presentation: the request, the response, and the first read of a result.
//! That a wallet fetched its request is told live at once and written together with the step that
//! follows; a request that is fetched and never answered leaves no such entry behind a restart.
//!
//! # What a refusal costs
//!
//! OID4VP 1.0 §8.2 lets a verifier refuse a response; it does not say what becomes of the request.
//! Here a presentation that is refused is answered with 400 at once, its verdict is shown, and the
//! request stays open, so that the holder can try with another credential: [`MOST_ATTEMPTS`] times, and
//! never past its expiry. What is no response to the request at all (not decryptable, of another
//! `state`) leaves a trace and costs nothing. One verified presentation, or one refusal by the wallet,
//! ends the request.

mod at_hand;
mod browser;
mod create;
mod dc_api;
mod error;
mod fate;
mod fetch;
mod finish;
mod http;
mod in_browser;
mod lint;
mod names;
mod policy;
mod receipt;
mod recording;
mod respond;
mod rotation;
mod saved;
mod service;
mod sessions;
mod settings;
mod sign_in;
mod status;
mod tenant;
mod trail;
mod vc_api;

pub use browser::BrowserSession;
pub use create::{ClientIdChoice, NewRequest, RequestCreated, RequestFault, SameDevice};
pub use dc_api::{DcApiAnswer, DigitalRequests, NewDcApi};
pub use error::VerifierError;
pub use http::not_found;
pub use in_browser::BrowserView;
pub use lanyard_service::{ApiKey, ApiKeyDigest, Clock, DataKey, SystemClock, TrailEvent};
pub use lint::{Advice, lint};
pub use policy::{
    Expression, ExpressionFault, RequestPolicy, RequestPolicyFault, Rule, Unanswered, try_policy,
};
pub use receipt::{
    RECEIPT_TYPE, Receipt, ReceiptChecker, ReceiptClaims, ReceiptRefused, ReceiptRequest,
    VerifiedReceipt,
};
pub use recording::PolicyTrial;
pub use respond::{MOST_ATTEMPTS, Reply};
pub use saved::{NewSavedRequest, SavedRequest};
pub use service::VerifierService;
pub use settings::{
    OtherNames, Preset, Registered, SettingsError, Sources, TenantSettings, VerifierSettings,
};
pub use sign_in::{SignInClient, SubjectClaim};
pub use status::{RequestState, RequestStatus};
pub use trail::step;
pub use vc_api::{VcApiFault, VcApiTrust};
