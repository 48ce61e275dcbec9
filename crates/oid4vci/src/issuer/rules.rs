//! What an authorization server demands of those who ask for tokens.

use lanyard_core::trust::x509::TrustAnchors;

use crate::{
    attestation_status::AttestationStatuses,
    client_authentication::{ClientId, ClientMethod, RegisteredClient},
};

/// What an authorization server offers and demands; its metadata is generated from this.
#[derive(Clone, Debug, Default)]
pub struct AuthorizationRules {
    profile: Profile,
    code_flow: bool,
    clients: Vec<RegisteredClient>,
    attesters: Option<TrustAnchors>,
    attestation_statuses: AttestationStatuses,
    demands_dpop: bool,
    demands_client_authentication: bool,
}

/// Which profile an issuer keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// OpenID4VCI alone: what is not required is offered.
    #[default]
    Plain,
    /// The High Assurance Interoperability Profile 1.0: DPoP and client authentication are required.
    Haip,
}

impl AuthorizationRules {
    /// The rules of a profile, without clients: pre-authorized codes are all there is.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            code_flow: false,
            clients: Vec::new(),
            attesters: None,
            attestation_statuses: AttestationStatuses::default(),
            demands_dpop: false,
            demands_client_authentication: false,
        }
    }

    /// With the authorization code flow.
    #[must_use]
    pub const fn with_code_flow(mut self) -> Self {
        self.code_flow = true;
        self
    }

    /// With registered clients.
    #[must_use]
    pub fn with_clients(mut self, clients: Vec<RegisteredClient>) -> Self {
        self.clients = clients;
        self
    }

    /// With authorities whose client attestations are believed.
    #[must_use]
    pub fn with_attesters(mut self, attesters: TrustAnchors) -> Self {
        self.attesters = Some(attesters);
        self
    }

    /// With somebody who knows what became of client attestations.
    #[must_use]
    pub fn with_attestation_statuses(mut self, statuses: AttestationStatuses) -> Self {
        self.attestation_statuses = statuses;
        self
    }

    /// Who knows what became of client attestations.
    pub(crate) const fn attestation_statuses(&self) -> &AttestationStatuses {
        &self.attestation_statuses
    }

    /// Where every token is bound to a key, whatever the profile (RFC 9449 §5).
    #[must_use]
    pub const fn demanding_dpop(mut self) -> Self {
        self.demands_dpop = true;
        self
    }

    /// Where every client proves who it is, whatever the profile.
    #[must_use]
    pub const fn demanding_client_authentication(mut self) -> Self {
        self.demands_client_authentication = true;
        self
    }

    /// The profile.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Whether holders can log in.
    pub const fn offers_code_flow(&self) -> bool {
        self.code_flow
    }

    /// Whether every token is bound to a key (HAIP §4).
    pub fn is_dpop_required(&self) -> bool {
        self.demands_dpop || self.profile == Profile::Haip
    }

    /// Whether every client proves who it is (HAIP §4.4).
    pub fn is_client_authentication_required(&self) -> bool {
        self.demands_client_authentication || self.profile == Profile::Haip
    }

    /// The registered clients.
    pub fn clients(&self) -> &[RegisteredClient] {
        &self.clients
    }

    /// A registered client.
    pub fn client(&self, id: &ClientId) -> Option<&RegisteredClient> {
        self.clients.iter().find(|client| client.id == *id)
    }

    /// Whether a client is registered with a key of its own.
    pub fn has_private_key_clients(&self) -> bool {
        self.clients.iter().any(|client| matches!(client.method, ClientMethod::PrivateKey(_)))
    }

    /// Who is believed when they attest a client.
    pub const fn attesters(&self) -> Option<&TrustAnchors> {
        self.attesters.as_ref()
    }
}
