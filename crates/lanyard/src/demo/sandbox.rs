//! The issuers of the demo that demand more of wallets, one for each combination: what an issuer demands stands
//! in its metadata, and so each is an issuer of its own, with the same keys and the same credentials.

use lanyard_oid4vci::{
    client_authentication::{ClientMethod, RegisteredClient},
    configuration::{CredentialConfiguration, IssuancePolicy},
    issuer::AuthorizationRules,
    key_proof::AttestationRequirement,
};

use super::TENANT;

/// What an issuer of the demo demands of wallets beyond what every issuer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Demands {
    /// Access tokens are bound to a key (RFC 9449).
    pub dpop: bool,
    /// The wallet is attested by its provider (OID4VCI 1.0 App. E).
    pub attestation: bool,
    /// Credential requests and responses are encrypted (OID4VCI 1.0 §10).
    pub encryption: bool,
    /// One key, and one copy, for each request.
    pub single: bool,
    /// The wallet's provider vouches for the holder's keys (OID4VCI 1.0 App. D).
    pub keys: bool,
}

impl Demands {
    /// Every combination, nothing first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0_u8..32).map(|bits| Self {
            dpop: bits & 1 != 0,
            attestation: bits & 2 != 0,
            encryption: bits & 4 != 0,
            single: bits & 8 != 0,
            keys: bits & 16 != 0,
        })
    }

    /// The path segment of the issuer that demands this.
    #[must_use]
    pub fn tenant(self) -> String {
        let words =
            self.words().into_iter().filter_map(|(demanded, word, _)| demanded.then_some(word));
        std::iter::once(TENANT).chain(words).collect::<Vec<_>>().join("-")
    }

    /// What is demanded, in words.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.words().into_iter().filter_map(|(demanded, _, name)| demanded.then_some(name))
    }

    fn words(self) -> [(bool, &'static str, &'static str); 5] {
        [
            (self.dpop, "dpop", "DPoP"),
            (self.attestation, "attested", "a wallet attestation"),
            (self.encryption, "encrypted", "encryption"),
            (self.single, "single", "one copy for each request"),
            (self.keys, "keys", "a key attestation"),
        ]
    }

    /// These rules, with what is demanded beyond them.
    #[must_use]
    pub fn over(self, mut rules: AuthorizationRules) -> AuthorizationRules {
        if self.dpop {
            rules = rules.demanding_dpop();
        }
        if self.attestation {
            let attested = |client: &RegisteredClient| RegisteredClient {
                method: ClientMethod::Attested,
                ..client.clone()
            };
            let clients = rules.clients().iter().map(attested).collect();
            rules = rules.with_clients(clients).demanding_client_authentication();
        }
        rules
    }

    /// What it issues, with what is demanded of keys.
    #[must_use]
    pub fn of_keys(self, definition: CredentialConfiguration) -> CredentialConfiguration {
        let key_attestation = match self.keys {
            true => Some(AttestationRequirement::default()),
            false => definition.key_attestation,
        };
        CredentialConfiguration { key_attestation, ..definition }
    }

    /// How it issues.
    #[must_use]
    pub fn policy(self) -> IssuancePolicy {
        let usual = IssuancePolicy::default();
        if self.single { IssuancePolicy { batch_size: 1, ..usual } } else { usual }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lanyard_store::TenantId;

    use super::Demands;

    #[test]
    fn each_combination_is_a_tenant_of_its_own_and_no_demands_are_the_demo() {
        let tenants: HashSet<_> = Demands::all().map(Demands::tenant).collect();
        assert_eq!(tenants.len(), 32);
        assert!(tenants.iter().all(|tenant| tenant.parse::<TenantId>().is_ok()));
        assert_eq!(Demands::default().tenant(), "demo");
        let all =
            Demands { dpop: true, attestation: true, encryption: true, single: true, keys: true };
        assert_eq!(all.tenant(), "demo-dpop-attested-encrypted-single-keys");
    }
}
