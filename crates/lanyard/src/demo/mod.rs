//! The demo: a tenant with a credential type in every format that look real, and everything it needs.

mod sandbox;
mod wallet_provider;

use jiff::SignedDuration;
use lanyard_issuer::Consent;
use lanyard_oid4vci::{
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    issuer::{AuthorizationRules, Profile},
};
use lanyard_wallet::WalletClient;
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::{Authorization, HolderLogin, LoginPlace};
use crate::credential_type::{CredentialType, CredentialTypeError};
use crate::directory::{Directory, DirectoryError};

pub use sandbox::Demands;
pub use wallet_provider::WalletProvider;

const TYPES: [&str; 6] = [
    include_str!("../../demo/employee_badge.json"),
    include_str!("../../demo/verified_identity.json"),
    include_str!("../../demo/university_diploma.json"),
    include_str!("../../demo/driving_licence.json"),
    include_str!("../../demo/safety_training.json"),
    include_str!("../../demo/alumni_membership.json"),
];
const PORTRAIT: &[u8] = include_bytes!("../../demo/portrait.jpg");

/// The name under which the demo issues and verifies.
pub const ENTERPRISE: &str = "Alder & Finch";
/// The tenant of the demo.
pub const TENANT: &str = "demo";

/// How late a revocation is noticed in the demo: at once, as far as people can tell.
pub const STATUS_TTL: SignedDuration = SignedDuration::from_secs(1);

/// The credential types of the demo.
///
/// # Errors
/// None: the tests read the same files.
pub fn credential_types() -> Result<Vec<CredentialType>, CredentialTypeError> {
    let picture = |name: &str| (name == "portrait.jpg").then(|| PORTRAIT.to_vec());
    TYPES.iter().map(|text| CredentialType::parse_with(text, picture)).collect()
}

/// The one who can log in to the demo, and the password; both are on its pages.
pub const HOLDER: &str = "ada";
/// Her password.
pub const PASSWORD: &str = "demo";
/// Its hash, made once: the arithmetic would be a third of the time to the first page.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$nvrQbgu1rMPnfwIAx76ImQ$3tPGFM9cFW7Xc83R9ySt1Zaz/XwBTNUdUNf8PxU0n7U";

/// What our wallets are called by authorization servers.
pub const CLIENT: &str = "lanyard-wallet";

/// Pocket and the wallet in the terminal may log Ada in.
///
/// # Errors
/// None: the tests read the same.
pub fn authorization(port: u16) -> Result<Authorization, DirectoryError> {
    let places =
        [format!("http://localhost:{port}/pocket/login"), "http://127.0.0.1/callback".to_owned()];
    let redirect_uris = places.iter().filter_map(|place| RedirectUri::parse(place).ok()).collect();
    let client =
        RegisteredClient { id: ClientId::new(CLIENT), redirect_uris, method: ClientMethod::Public };
    let types = credential_types().unwrap_or_default();
    let claims: Map<String, Value> =
        types.iter().map(|kind| (kind.id.clone(), Value::Object(kind.sample()))).collect();
    let holder = json!([{
        "name": HOLDER,
        "password_hash": PASSWORD_HASH,
        "claims": claims,
    }]);
    let directory = Directory::parse(&holder.to_string())?;
    Ok(Authorization {
        rules: AuthorizationRules::new(Profile::Plain).with_code_flow().with_clients(vec![client]),
        login: Some(HolderLogin {
            place: LoginPlace::Here(directory),
            sources: Vec::new(),
            consent: Consent::Ask,
        }),
    })
}

/// Pocket, as a client of authorization servers.
#[must_use]
pub fn pocket_client(base_url: &Url) -> WalletClient {
    let redirect_uri = format!("{base_url}pocket/login");
    WalletClient { id: ClientId::new(CLIENT), redirect_uri }
}

#[cfg(test)]
mod tests {
    use lanyard_issuer::Logins as _;

    use super::{HOLDER, PASSWORD, authorization, credential_types};

    #[tokio::test]
    async fn the_password_on_the_pages_logs_the_holder_in() {
        let login = authorization(7077).expect("readable").login.expect("a login");
        let directory = login.place.directory().expect("holders of its own");
        let holder = directory.log_in(HOLDER, PASSWORD).await.expect("an answer");
        assert_eq!(holder.expect("let in").as_str(), HOLDER);
    }

    #[test]
    fn the_types_are_readable_and_show_what_a_credential_can_hold() {
        let types = credential_types().expect("readable");
        let ids: Vec<_> = types.iter().map(|kind| kind.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "employee_badge",
                "verified_identity",
                "university_diploma",
                "driving_licence",
                "safety_training",
                "alumni_membership"
            ]
        );
        let identity = types[1].sample();
        assert_eq!(identity["address"]["locality"], "Lyon");
        assert_eq!(identity["nationalities"], serde_json::json!(["FR", "IE"]));
        assert_eq!(identity["age_over_18"], true);
        assert!(
            identity["portrait"].as_str().expect("text").starts_with("data:image/jpeg;base64,/9j/")
        );
    }
}
