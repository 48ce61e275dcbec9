//! A DCQL query as a value that can only be a valid one.

use std::{collections::HashSet, fmt, str::FromStr};

use lanyard_core::{
    claims::ClaimsPath,
    credential::Format,
    json::{self, Object},
    mdoc::ElementName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};

use super::{
    DcqlError, RequestedFormat,
    read::{boolean, entries, is_integer, non_empty, text, texts},
};

/// The most credential queries in one query.
const MAX_CREDENTIALS: usize = 32;
/// The most claims queries in one query, over all its credential queries.
const MAX_CLAIMS: usize = 256;
/// The most credential sets, options of one set, claim sets, authorities and allowed types.
pub(super) const MAX_SETS: usize = 32;
/// The deepest claims path, as deep as JSON is read at all.
const MAX_PATH: usize = 32;
/// The most values one claim may be compared with.
const MAX_VALUES: usize = 256;
/// The longest identifier.
const MAX_ID: usize = 128;

/// A query for presentations (OID4VP 1.0 §6), valid by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct DcqlQuery {
    credentials: Vec<CredentialQuery>,
    credential_sets: Vec<CredentialSetQuery>,
}

impl DcqlQuery {
    /// Reads a query from JSON text.
    ///
    /// # Errors
    /// One [`DcqlError`] per rule.
    pub fn parse(text: &[u8]) -> Result<Self, DcqlError> {
        Self::from_value(&json::parse(text).map_err(|_| DcqlError::NotJson)?)
    }

    /// Reads a query from JSON that was parsed already; unknown members are ignored (§6).
    ///
    /// # Errors
    /// One [`DcqlError`] per rule.
    pub fn from_value(value: &Value) -> Result<Self, DcqlError> {
        let members = value.as_object().ok_or(DcqlError::NotAnObject("query"))?;
        let credentials = entries(members, "credentials", MAX_CREDENTIALS)?
            .ok_or(DcqlError::Missing("credentials"))?
            .iter()
            .map(CredentialQuery::from_value)
            .collect::<Result<Vec<_>, _>>()?;
        // OID4VP 1.0 §6.1: within a request the same id is not present more than once
        let mut ids = HashSet::new();
        if !credentials.iter().all(|credential| ids.insert(credential.id.as_str())) {
            return Err(DcqlError::DuplicateCredentialId);
        }
        if credentials.iter().map(|credential| credential.claims.all().len()).sum::<usize>()
            > MAX_CLAIMS
        {
            return Err(DcqlError::TooMany("claims"));
        }
        let credential_sets = entries(members, "credential_sets", MAX_SETS)?
            .unwrap_or_default()
            .iter()
            .map(|set| CredentialSetQuery::from_value(set, &ids))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { credentials, credential_sets })
    }

    /// The credential queries, in the verifier's order.
    #[must_use]
    pub fn credentials(&self) -> &[CredentialQuery] {
        &self.credentials
    }

    /// The credential sets; empty when every credential query must be answered (§6.4.2).
    #[must_use]
    pub fn credential_sets(&self) -> &[CredentialSetQuery] {
        &self.credential_sets
    }

    /// The credential query with this id.
    #[must_use]
    pub fn credential(&self, id: &str) -> Option<&CredentialQuery> {
        self.credentials.iter().find(|credential| credential.id.as_str() == id)
    }

    /// Whether some credential is asked for without a proof of holder binding (§5.3).
    #[must_use]
    pub fn takes_unbound_credentials(&self) -> bool {
        self.credentials.iter().any(|credential| !credential.holder_binding)
    }

    /// The query as JSON, without members that mean nothing here.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut query = Object::new();
        let credentials = self.credentials.iter().map(CredentialQuery::to_value).collect();
        query.insert("credentials".to_owned(), Value::Array(credentials));
        if !self.credential_sets.is_empty() {
            let sets = self.credential_sets.iter().map(CredentialSetQuery::to_value).collect();
            query.insert("credential_sets".to_owned(), Value::Array(sets));
        }
        Value::Object(query)
    }
}

impl Serialize for DcqlQuery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DcqlQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A request for one kind of credential (§6.1).
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialQuery {
    /// What the answer is filed under in the VP token.
    pub id: CredentialQueryId,
    /// Which format, and which types of it.
    pub format: RequestedFormat,
    /// Whether more than one credential may be returned.
    pub multiple: bool,
    /// Whether a proof of holder binding is demanded.
    pub holder_binding: bool,
    /// Who may have certified the issuer; empty when the verifier does not say.
    pub trusted_authorities: Vec<Authority>,
    /// Which claims are asked for.
    pub claims: ClaimsSelection,
}

impl CredentialQuery {
    fn from_value(value: &Value) -> Result<Self, DcqlError> {
        let members = value.as_object().ok_or(DcqlError::NotAnObject("credentials"))?;
        let id = text(members, "id")?.ok_or(DcqlError::Missing("id"))?.parse()?;
        let format = text(members, "format")?.ok_or(DcqlError::Missing("format"))?;
        // OID4VP 1.0 §6.1: meta is REQUIRED, also where it may be empty
        let meta = members.get("meta").ok_or(DcqlError::Missing("meta"))?;
        let meta = meta.as_object().ok_or(DcqlError::NotAnObject("meta"))?;
        let format = RequestedFormat::from_meta(format, meta)?;
        let claims = ClaimsSelection::from_members(members)?;
        // OID4VP 1.0 §7.2: a path into an mdoc is a namespace and an element identifier
        if format.format() == Some(Format::MsoMdoc)
            && !claims
                .all()
                .iter()
                .all(|claim| ElementName::from_claims_path(&claim.path).is_some())
        {
            return Err(DcqlError::MdocPath);
        }
        Ok(Self {
            id,
            format,
            multiple: boolean(members, "multiple")?.unwrap_or(false),
            holder_binding: boolean(members, "require_cryptographic_holder_binding")?
                .unwrap_or(true),
            trusted_authorities: entries(members, "trusted_authorities", MAX_SETS)?
                .unwrap_or_default()
                .iter()
                .map(Authority::from_value)
                .collect::<Result<_, _>>()?,
            claims,
        })
    }

    fn to_value(&self) -> Value {
        let mut query = json!({ "id": self.id, "format": self.format.identifier() });
        query["meta"] = self.format.to_meta();
        if self.multiple {
            query["multiple"] = Value::Bool(true);
        }
        if !self.holder_binding {
            query["require_cryptographic_holder_binding"] = Value::Bool(false);
        }
        if !self.trusted_authorities.is_empty() {
            query["trusted_authorities"] =
                self.trusted_authorities.iter().map(Authority::to_value).collect();
        }
        if !self.claims.all().is_empty() {
            query["claims"] = self.claims.all().iter().map(ClaimQuery::to_value).collect();
        }
        if let ClaimsSelection::OneOf { claims, sets } = &self.claims {
            let id = |index: &usize| json!(claims[*index].id);
            query["claim_sets"] =
                sets.iter().map(|set| set.iter().map(id).collect::<Value>()).collect();
        }
        query
    }
}

/// The id of a credential query: letters, digits, `_` and `-` (§6.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialQueryId(String);

/// The id of a claims query: letters, digits, `_` and `-` (§6.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimId(String);

macro_rules! identifier {
    ($name:ident) => {
        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = DcqlError;

            fn from_str(text: &str) -> Result<Self, DcqlError> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = DcqlError;

            fn try_from(text: String) -> Result<Self, DcqlError> {
                // OID4VP 1.0 §6.1, §6.3: non-empty, alphanumeric characters, underscore and hyphen
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                if text.is_empty() || text.len() > MAX_ID || !text.bytes().all(allowed) {
                    return Err(DcqlError::BadId);
                }
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

identifier!(CredentialQueryId);
identifier!(ClaimId);

/// Who certified an issuer (§6.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// One of these key identifiers is an authority key identifier in the credential's chain.
    KeyIdentifiers(Vec<Vec<u8>>),
    /// A trust framework that is not supported; nothing matches it.
    Unsupported {
        /// The type of the framework.
        kind: String,
        /// What it names.
        values: Vec<String>,
    },
}

impl Authority {
    fn from_value(value: &Value) -> Result<Self, DcqlError> {
        let members = value.as_object().ok_or(DcqlError::NotAnObject("trusted_authorities"))?;
        let kind = text(members, "type")?.ok_or(DcqlError::Missing("type"))?;
        let values = texts(members, "values", MAX_SETS)?.ok_or(DcqlError::Missing("values"))?;
        if kind != "aki" {
            return Ok(Self::Unsupported { kind: kind.to_owned(), values });
        }
        // OID4VP 1.0 §6.1.1.1: the KeyIdentifier, base64url-encoded
        let decode = |value: &String| json::base64url_decode(value).ok();
        let identifiers = values.iter().map(decode).collect::<Option<Vec<_>>>();
        identifiers.map(Self::KeyIdentifiers).ok_or(DcqlError::KeyIdentifierEncoding)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::KeyIdentifiers(identifiers) => {
                let values: Vec<_> = identifiers.iter().map(json::base64url).collect();
                json!({ "type": "aki", "values": values })
            }
            Self::Unsupported { kind, values } => json!({ "type": kind, "values": values }),
        }
    }
}

/// Which claims of a credential are asked for (§6.4.1).
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimsSelection {
    /// No claim that is selectively disclosable.
    NoneDisclosable,
    /// Every one of these.
    All(Vec<ClaimQuery>),
    /// One combination, the verifier's favourite first.
    OneOf {
        /// The claims that the combinations are made of.
        claims: Vec<ClaimQuery>,
        /// Each combination, as places in `claims`.
        sets: Vec<Vec<usize>>,
    },
}

impl ClaimsSelection {
    /// Every claim that is mentioned.
    #[must_use]
    pub fn all(&self) -> &[ClaimQuery] {
        match self {
            Self::NoneDisclosable => &[],
            Self::All(claims) | Self::OneOf { claims, .. } => claims,
        }
    }

    /// The combinations that would answer, the favourite first; one, unless there are claim sets.
    pub(super) fn combinations(&self) -> Vec<Vec<&ClaimQuery>> {
        match self {
            Self::NoneDisclosable => vec![Vec::new()],
            Self::All(claims) => vec![claims.iter().collect()],
            Self::OneOf { claims, sets } => {
                sets.iter().map(|set| set.iter().map(|index| &claims[*index]).collect()).collect()
            }
        }
    }

    fn from_members(members: &Object) -> Result<Self, DcqlError> {
        let claims = entries(members, "claims", MAX_CLAIMS)?
            .map(|claims| claims.iter().map(ClaimQuery::from_value).collect::<Result<Vec<_>, _>>())
            .transpose()?;
        let sets = entries(members, "claim_sets", MAX_SETS)?;
        let (claims, sets) = match (claims, sets) {
            (None, None) => return Ok(Self::NoneDisclosable),
            // OID4VP 1.0 §6.4.1: claim_sets MUST NOT be present if claims is absent
            (None, Some(_)) => return Err(DcqlError::ClaimSetsWithoutClaims),
            (Some(claims), sets) => (claims, sets),
        };
        // OID4VP 1.0 §6.3: within the claims array the same id is not present more than once
        let mut ids = HashSet::new();
        if !claims.iter().filter_map(|claim| claim.id.as_ref()).all(|id| ids.insert(id.as_str())) {
            return Err(DcqlError::DuplicateClaimId);
        }
        let Some(sets) = sets else { return Ok(Self::All(claims)) };
        // OID4VP 1.0 §6.3: id is REQUIRED if claim_sets is present
        if claims.iter().any(|claim| claim.id.is_none()) {
            return Err(DcqlError::ClaimWithoutId);
        }
        let place = |id: &Value| {
            let id = id.as_str().ok_or(DcqlError::WrongType("claim_sets"))?;
            let named =
                |claim: &ClaimQuery| claim.id.as_ref().is_some_and(|own| own.as_str() == id);
            claims.iter().position(named).ok_or(DcqlError::UnknownClaimId)
        };
        let sets = sets
            .iter()
            .map(|set| non_empty(set, "claim_sets", MAX_CLAIMS)?.iter().map(place).collect())
            .collect::<Result<_, _>>()?;
        Ok(Self::OneOf { claims, sets })
    }
}

/// A request for one claim, or for several by one path (§6.3).
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimQuery {
    /// Its name in `claim_sets`.
    pub id: Option<ClaimId>,
    /// Where the claim is.
    pub path: ClaimsPath,
    /// The values it may have: strings, integers, booleans; empty when any will do.
    pub values: Vec<Value>,
    /// Whether the verifier means to keep it; none when it does not say (App. B.2.4).
    pub intent_to_retain: Option<bool>,
}

impl ClaimQuery {
    fn from_value(value: &Value) -> Result<Self, DcqlError> {
        let members = value.as_object().ok_or(DcqlError::NotAnObject("claims"))?;
        let path = members.get("path").ok_or(DcqlError::Missing("path"))?;
        if path.as_array().is_some_and(|path| path.len() > MAX_PATH) {
            return Err(DcqlError::TooMany("path"));
        }
        let values = entries(members, "values", MAX_VALUES)?.unwrap_or_default();
        // OID4VP 1.0 §6.3: strings, integers or booleans
        if !values.iter().all(|value| value.is_string() || value.is_boolean() || is_integer(value))
        {
            return Err(DcqlError::BadValue);
        }
        Ok(Self {
            id: text(members, "id")?.map(str::parse).transpose()?,
            // OID4VP 1.0 §7: a non-empty array of strings, nulls and non-negative integers
            path: ClaimsPath::from_value(path).map_err(|_| DcqlError::BadPath)?,
            values: values.to_vec(),
            intent_to_retain: boolean(members, "intent_to_retain")?,
        })
    }

    fn to_value(&self) -> Value {
        let mut claim = Object::new();
        if let Some(id) = &self.id {
            claim.insert("id".to_owned(), json!(id));
        }
        claim.insert("path".to_owned(), json!(self.path));
        if !self.values.is_empty() {
            claim.insert("values".to_owned(), Value::Array(self.values.clone()));
        }
        if let Some(intent) = self.intent_to_retain {
            claim.insert("intent_to_retain".to_owned(), Value::Bool(intent));
        }
        Value::Object(claim)
    }
}

/// Combinations of credentials that serve one purpose (§6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSetQuery {
    /// Combinations, each of which is enough.
    pub options: Vec<Vec<CredentialQueryId>>,
    /// Whether the request fails without it.
    pub required: bool,
}

impl CredentialSetQuery {
    fn from_value(value: &Value, known: &HashSet<&str>) -> Result<Self, DcqlError> {
        let members = value.as_object().ok_or(DcqlError::NotAnObject("credential_sets"))?;
        let id = |id: &Value| {
            let id = id.as_str().ok_or(DcqlError::WrongType("options"))?;
            // OID4VP 1.0 §6.2: identifiers reference elements in credentials
            if !known.contains(id) {
                return Err(DcqlError::UnknownCredentialId);
            }
            id.parse()
        };
        let options = entries(members, "options", MAX_SETS)?
            .ok_or(DcqlError::Missing("options"))?
            .iter()
            .map(|option| non_empty(option, "options", MAX_CREDENTIALS)?.iter().map(id).collect())
            .collect::<Result<_, _>>()?;
        Ok(Self { options, required: boolean(members, "required")?.unwrap_or(true) })
    }

    fn to_value(&self) -> Value {
        match self.required {
            true => json!({ "options": self.options }),
            false => json!({ "options": self.options, "required": false }),
        }
    }
}
