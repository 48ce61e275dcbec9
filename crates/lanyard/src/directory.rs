//! Holders in a file: who may log in, and what their credentials say.
//!
//! Passwords are Argon2id hashes in PHC form; whoever reads the file cannot log in with it.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use async_trait::async_trait;
use lanyard_core::json::Object;
use lanyard_issuer::{AskedHolder, ClaimSource, LoginUnavailable, Logins};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    issuer::{FoundClaims, HolderId},
};
use serde::Deserialize;
use serde_json::Value;

/// The holders of one tenant.
#[derive(Clone)]
pub struct Directory {
    holders: Arc<BTreeMap<String, Holder>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holder {
    name: String,
    password_hash: String,
    #[serde(default)]
    claims: BTreeMap<String, Value>,
}

/// Why a file of holders cannot be used; names holders, never what is known about them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The file cannot be read.
    #[error("the file cannot be read ({0})")]
    File(std::io::ErrorKind),
    /// Not a JSON array of holders.
    #[error(
        "holders are a JSON array of {{\"name\", \"password_hash\", \"claims\"}}: {what} (line {line})"
    )]
    Shape {
        /// The line.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// Two holders have one name.
    #[error("two holders are called {0}")]
    Repeated(String),
    /// A password is not hashed as it has to be.
    #[error(
        "the password_hash of {0} is not Argon2id in PHC form; make one with lanyard hash-password"
    )]
    Hash(String),
    /// The claims for a credential are not an object.
    #[error("the claims of {0} are not one object for each credential type")]
    Claims(String),
}

impl Directory {
    /// Reads a file of holders.
    ///
    /// # Errors
    /// One [`DirectoryError`] per rule.
    pub fn read(path: &Path) -> Result<Self, DirectoryError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| DirectoryError::File(error.kind()))?;
        Self::parse(&text)
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// One [`DirectoryError`] per rule.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        let list: Vec<Holder> = serde_json::from_str(text).map_err(|error| {
            DirectoryError::Shape { line: error.line(), what: error.to_string() }
        })?;
        let mut holders = BTreeMap::new();
        for holder in list {
            let usable = PasswordHash::new(&holder.password_hash)
                .is_ok_and(|hash| hash.algorithm.as_str() == "argon2id");
            if !usable {
                return Err(DirectoryError::Hash(holder.name));
            }
            if !holder.claims.values().all(Value::is_object) {
                return Err(DirectoryError::Claims(holder.name));
            }
            if let Some(other) = holders.insert(holder.name.clone(), holder) {
                return Err(DirectoryError::Repeated(other.name));
            }
        }
        Ok(Self { holders: Arc::new(holders) })
    }

    fn known(
        &self,
        holder: &HolderId,
        configuration: &CredentialConfigurationId,
    ) -> Option<&Object> {
        let holder = self.holders.get(holder.as_str())?;
        holder.claims.get(configuration.as_str()).and_then(Value::as_object)
    }

    /// The hash to compare with, and whether the name exists; an unknown name is compared with another holder's hash
    /// so that timing reveals nothing.
    fn hash_of(&self, name: &str) -> Option<(String, bool)> {
        let known = self.holders.get(name);
        let holder = known.or_else(|| self.holders.values().next())?;
        Some((holder.password_hash.clone(), known.is_some()))
    }
}

/// The Argon2id hash of a password, in PHC form, with a salt of its own.
#[must_use]
pub fn hash_password(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

#[async_trait]
impl Logins for Directory {
    async fn log_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<HolderId>, LoginUnavailable> {
        let Some((hash, is_known)) = self.hash_of(name) else { return Ok(None) };
        let password = password.to_owned();
        // tens of milliseconds of arithmetic, on purpose: not on a thread that serves others
        let verified = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&hash).is_ok_and(|hash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            })
        });
        let verified = verified.await.map_err(|_| LoginUnavailable)?;
        Ok((verified && is_known).then(|| HolderId::new(name)))
    }
}

#[async_trait]
impl ClaimSource for Directory {
    async fn claims(
        &self,
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        Ok(self.known(holder.id, configuration).cloned().map(FoundClaims::Lasting))
    }
}

/// How many there are, and nothing about them.
impl fmt::Debug for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Directory({} holders)", self.holders.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Value {
        let hash = hash_password("lovelace").expect("a hash");
        json!({ "name": "ada", "password_hash": hash, "claims": { "badge": { "given_name": "Ada" } } })
    }

    #[tokio::test]
    async fn lets_in_who_knows_the_password_and_nobody_else() {
        let directory = Directory::parse(&json!([ada()]).to_string()).expect("readable");
        let log_in = async |name, password| directory.log_in(name, password).await;
        assert_eq!(log_in("ada", "lovelace").await, Ok(Some(HolderId::new("ada"))));
        for (name, password) in [("ada", "byron"), ("ada", ""), ("bob", "lovelace"), ("", "")] {
            assert_eq!(log_in(name, password).await, Ok(None), "{name} {password}");
        }
        let badge = CredentialConfigurationId::new("badge");
        let claims = directory.known(&HolderId::new("ada"), &badge);
        assert_eq!(claims.expect("a badge")["given_name"], "Ada");
        assert_eq!(directory.known(&HolderId::new("bob"), &badge), None);
        assert!(!format!("{directory:?}").contains("Ada"));
    }

    #[test]
    fn refuses_a_file_that_breaks_one_rule() {
        let parse = |value: Value| Directory::parse(&value.to_string()).err();
        let mut plain = ada();
        plain["password_hash"] = "lovelace".into();
        assert_eq!(parse(json!([plain])), Some(DirectoryError::Hash("ada".to_owned())));
        assert_eq!(parse(json!([ada(), ada()])), Some(DirectoryError::Repeated("ada".to_owned())));
        let mut flat = ada();
        flat["claims"] = json!({ "badge": "Ada" });
        assert_eq!(parse(json!([flat])), Some(DirectoryError::Claims("ada".to_owned())));
        assert!(matches!(parse(json!({})), Some(DirectoryError::Shape { .. })));
        let mut more = ada();
        more["email"] = "x".into();
        assert!(matches!(parse(json!([more])), Some(DirectoryError::Shape { .. })));
    }
}
