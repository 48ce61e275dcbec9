//! What an authorization server demands of those who ask for tokens.

/// What an authorization server offers and demands; its metadata is generated from this.
#[derive(Clone, Debug, Default)]
pub struct AuthorizationRules {
    profile: Profile,
}

/// Which profile an issuer keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// OpenID4VCI alone: what is not required is offered.
    #[default]
    Plain,
    /// The High Assurance Interoperability Profile 1.0: DPoP is required.
    Haip,
}

impl AuthorizationRules {
    /// The rules of a profile.
    pub const fn new(profile: Profile) -> Self {
        Self { profile }
    }

    /// The profile.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Whether every token is bound to a key (HAIP §4).
    pub fn is_dpop_required(&self) -> bool {
        self.profile == Profile::Haip
    }
}
