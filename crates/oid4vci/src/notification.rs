//! The notification request: a wallet tells what became of its credentials (OID4VCI 1.0 §11).

use lanyard_core::json;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{NotificationId, description::ErrorBody};

/// What a wallet tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Of which credential response.
    pub id: NotificationId,
    /// What became of it.
    pub event: NotificationEvent,
}

/// What became of the credentials of one response (§11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationEvent {
    /// They were stored.
    CredentialAccepted,
    /// They were not, for a reason that is not the holder's will.
    CredentialFailure,
    /// The holder did not want them, or deleted them.
    CredentialDeleted,
}

/// Why a notification was refused (§11.3).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotificationError {
    /// Not strict JSON of the right shape, or an unknown event.
    #[error("the notification cannot be read")]
    Malformed,
    /// No such notification identifier under this access token.
    #[error("the notification identifier is unknown")]
    UnknownId,
}

impl NotificationEvent {
    /// The name in the request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CredentialAccepted => "credential_accepted",
            Self::CredentialFailure => "credential_failure",
            Self::CredentialDeleted => "credential_deleted",
        }
    }
}

impl NotificationError {
    /// The error code for the peer (§11.3).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "invalid_notification_request",
            Self::UnknownId => "invalid_notification_id",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "notification_malformed",
            Self::UnknownId => "notification_unknown",
        }
    }

    /// The body for the peer.
    pub fn to_body(self) -> ErrorBody {
        ErrorBody::new(self.code(), &self)
    }
}

impl Notification {
    /// Reads the JSON of a notification; unknown members are ignored, the peer's description too.
    ///
    /// # Errors
    /// [`NotificationError::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, NotificationError> {
        let members = json::parse_object(body).map_err(|_| NotificationError::Malformed)?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let id = text("notification_id").ok_or(NotificationError::Malformed)?;
        let event = members.get("event").cloned().unwrap_or_default();
        let event = serde_json::from_value(event).map_err(|_| NotificationError::Malformed)?;
        Ok(Self { id: NotificationId::new(id), event })
    }

    /// The notification as a JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        let body = json!({ "notification_id": self.id.reveal(), "event": self.event.name() });
        body.to_string().into_bytes()
    }
}
