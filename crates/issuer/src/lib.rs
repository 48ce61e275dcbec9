//! The issuer service: OpenID4VCI 1.0 over HTTP, and the API that integrators make offers with.
//!
//! Reading order follows one issuance:
//!
//! 1. [`IssuerSettings`] what the composition gives; [`IssuerService`] what it gets
//! 2. `http` the routes: a handler parses, takes the session, calls one step and replies
//! 3. `offers` an integrator makes an offer, asks for its status, withdraws it
//! 4. `authorization` the wallet pushes a request, its holder logs in and decides; `upstream` where they log in at
//!    their company's own login provider; `claims` where what is known about them comes from
//! 5. `token` the wallet trades its code for an access token
//! 6. `access` what its token opens; `accept` it shows its key and gets the credential
//! 7. `status_lists` each copy's status, and the lists that verifiers ask for; `lifecycle` changes them, `erase` forgets
//! 8. `vc_api` an integrator hands a credential in and gets it back secured, where that is switched on
//! 9. `sessions` how the state in between is kept: sealed, and found by digests only; what both services have in common
//!    is in `lanyard-service`
//!
//! Durable commits of one issuance: the offer, the token, the credential. That a wallet fetched its
//! offer is told live at once and written together with the step that follows; an offer that is fetched
//! and never redeemed leaves no such entry behind a restart.

mod accept;
mod access;
mod authorization;
mod claims;
mod decide;
mod erase;
mod error;
mod external;
mod fate;
mod http;
mod lifecycle;
mod localized;
mod notify;
mod offers;
mod revoke;
mod service;
mod sessions;
mod settings;
mod status_lists;
mod tenant;
mod token;
mod trail;
mod upstream;
mod vc_api;

pub use authorization::{
    AskedHolder, ClaimSource, Consent, LoginSettings, LoginUnavailable, LoginWays, Logins,
};
pub use claims::{
    AttributeProvider, AttributeProviderSettings, ClaimSources, ClaimsFrom, MappedClaim,
};
pub use decide::DecisionRequestFault;
pub use erase::Erasure;
pub use error::IssuerError;
pub use external::{AuthorizationServerSettings, OtherAuthorizationServer};
pub use http::{awkward::Awkwardness, not_found};
pub use lanyard_service::{ApiKey, ApiKeyDigest, Clock, DataKey, SystemClock, TrailEvent};
pub use lifecycle::{
    Changed, CredentialRecord, CredentialSearch, LifecycleFault, ManyCredentials, Reason, Reissue,
    Subject,
};
pub use offers::{
    CredentialShown, CredentialToOffer, Deferral, LoginToOffer, NewOfferRequest, OfferCreated,
    OfferRequestFault, OfferShown, OfferState, OfferStatus,
};
pub use revoke::StatusRequestFault;
pub use service::IssuerService;
pub use settings::{IssuerSettings, Offering, SettingsError, TenantSettings};
pub use status_lists::{LiveLists, PlaceKey, StatusListSettings, StatusLists};
pub use trail::step;
pub use upstream::{
    IdTokenFault, IntrospectionSettings, OidcProvider, OidcSettings, UpstreamError, UpstreamServer,
    login_callback,
};
pub use vc_api::{IssueFault, VcApiKeys};
