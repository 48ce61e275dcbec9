//! Form bodies of OAuth endpoints.

use std::collections::HashMap;

/// The parameters of a form; each name occurs once.
pub(crate) struct Form(HashMap<String, String>);

/// Why a form was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    Malformed,
    Repeated,
}

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, FormError> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(body).map_err(|_| FormError::Malformed)?;
        let mut parameters = HashMap::with_capacity(pairs.len());
        for (name, value) in pairs {
            // RFC 6749 §3.2: a parameter must not be included more than once
            if parameters.insert(name, value).is_some() {
                return Err(FormError::Repeated);
            }
        }
        Ok(Self(parameters))
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        // RFC 6749 §3.2: a parameter without a value is treated as if it were omitted
        self.0.remove(name).filter(|value| !value.is_empty())
    }
}
