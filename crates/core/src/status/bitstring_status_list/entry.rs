//! What a credential says about where its status is (§2.1).

use serde_json::{Value, json};

use super::BitstringError;
use crate::{json::Object, status::StatusListUri};

/// What a status is about (§2.1, `statusPurpose`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusPurpose {
    /// Set: the credential was taken back, for good.
    Revocation,
    /// Set: the credential is not valid for the time being.
    Suspension,
    /// A value that stands for a message.
    Message,
    /// Set: there is a newer version of the credential.
    Refresh,
}

impl StatusPurpose {
    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
            Self::Message => "message",
            Self::Refresh => "refresh",
        }
    }

    /// The purpose that a name stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Revocation, Self::Suspension, Self::Message, Self::Refresh];
        all.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// How many bits a status takes, from 1 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusSize(u8);

impl StatusSize {
    /// Set or not.
    pub const ONE: Self = Self(1);

    /// Takes a number of bits; more than 8 would need more messages than a credential can hold.
    ///
    /// # Errors
    /// [`BitstringError::Size`].
    pub const fn new(bits: u64) -> Result<Self, BitstringError> {
        match bits {
            1..=8 => Ok(Self(bits as u8)),
            _ => Err(BitstringError::Size),
        }
    }

    /// The number of bits.
    pub const fn bits(self) -> u64 {
        self.0 as u64
    }

    /// The number of values.
    pub const fn values(self) -> u64 {
        1 << self.0
    }
}

/// What a value of a status means, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusMessage {
    /// The value.
    pub status: u8,
    /// What it means.
    pub message: String,
}

/// One entry of `credentialStatus` of the type `BitstringStatusListEntry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    purpose: StatusPurpose,
    index: u64,
    list: StatusListUri,
    size: StatusSize,
    messages: Vec<StatusMessage>,
}

impl StatusEntry {
    /// A status of one bit in a list.
    pub const fn new(purpose: StatusPurpose, index: u64, list: StatusListUri) -> Self {
        Self { purpose, index, list, size: StatusSize::ONE, messages: Vec::new() }
    }

    /// With a message for each value; their number decides how many bits the status takes.
    ///
    /// # Errors
    /// [`BitstringError::Messages`] unless there are 2, 4, 8 … 256, one for each value.
    pub fn with_messages(mut self, messages: Vec<StatusMessage>) -> Result<Self, BitstringError> {
        let count = messages.len() as u64;
        if !count.is_power_of_two() {
            return Err(BitstringError::Messages);
        }
        let size = StatusSize::new(count.trailing_zeros().into());
        self.size = size.map_err(|_| BitstringError::Messages)?;
        check_messages(&messages, self.size)?;
        self.messages = messages;
        Ok(self)
    }

    /// Reads an entry of a credential's `credentialStatus`.
    ///
    /// # Errors
    /// One [`BitstringError`] per rule.
    pub fn read(entry: &Object) -> Result<Self, BitstringError> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        // §2.1: type includes BitstringStatusListEntry
        if !has_type(entry, "BitstringStatusListEntry") {
            return Err(BitstringError::EntryType);
        }
        let purpose = text("statusPurpose").and_then(StatusPurpose::from_name);
        let purpose = purpose.ok_or(BitstringError::Purpose)?;
        // §2.1: an integer of zero or more, as a string
        let index = text("statusListIndex").ok_or(BitstringError::Index)?;
        if !index.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BitstringError::Index);
        }
        let index = index.parse().map_err(|_| BitstringError::Index)?;
        let list = text("statusListCredential").ok_or(BitstringError::ListUrl)?;
        // §2.1: id is not the URL of the list
        if text("id") == Some(list) {
            return Err(BitstringError::EntryId);
        }
        let list = StatusListUri::parse(list).map_err(|_| BitstringError::ListUrl)?;
        let size = match entry.get("statusSize") {
            None => StatusSize::ONE,
            Some(size) => StatusSize::new(size.as_u64().ok_or(BitstringError::Size)?)?,
        };
        let messages = match entry.get("statusMessage") {
            None => Vec::new(),
            Some(messages) => read_messages(messages).ok_or(BitstringError::Messages)?,
        };
        // §2.1: required where the size is more than one bit
        if !messages.is_empty() || entry.contains_key("statusMessage") || size != StatusSize::ONE {
            check_messages(&messages, size)?;
        }
        Ok(Self { purpose, index, list, size, messages })
    }

    /// The entry as it goes into `credentialStatus`.
    pub fn to_object(&self) -> Object {
        let mut entry = json!({
            // VCDM 1.1 §4.9: an id is required there; §2.1: it is not the URL of the list
            "id": format!("{}#{}", self.list, self.index),
            "type": "BitstringStatusListEntry",
            "statusPurpose": self.purpose.name(),
            "statusListIndex": self.index.to_string(),
            "statusListCredential": self.list.as_str(),
        });
        if !self.messages.is_empty() {
            let message = |one: &StatusMessage| json!({"status": format!("{:#x}", one.status), "message": one.message});
            entry["statusSize"] = self.size.bits().into();
            entry["statusMessage"] = self.messages.iter().map(message).collect();
        }
        match entry {
            Value::Object(entry) => entry,
            _ => Object::new(),
        }
    }

    /// What the status is about.
    pub const fn purpose(&self) -> StatusPurpose {
        self.purpose
    }

    /// The position in the list.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Where the list is published.
    pub const fn list(&self) -> &StatusListUri {
        &self.list
    }

    /// How many bits the status takes.
    pub const fn size(&self) -> StatusSize {
        self.size
    }

    /// What a value means, where the issuer says.
    pub fn message(&self, status: u8) -> Option<&str> {
        let found = self.messages.iter().find(|message| message.status == status);
        found.map(|found| found.message.as_str())
    }
}

/// Whether `type` is this one, or an array with it.
pub(super) fn has_type(object: &Object, wanted: &str) -> bool {
    match object.get("type") {
        Some(Value::String(found)) => found == wanted,
        Some(Value::Array(found)) => found.iter().any(|one| one.as_str() == Some(wanted)),
        _ => false,
    }
}

fn read_messages(messages: &Value) -> Option<Vec<StatusMessage>> {
    let read = |message: &Value| {
        // §2.1: the value in hexadecimal behind 0x
        let status = message.get("status")?.as_str()?.strip_prefix("0x")?;
        if !status.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let status = u8::from_str_radix(status, 16).ok()?;
        let message = message.get("message")?.as_str()?.to_owned();
        Some(StatusMessage { status, message })
    };
    messages.as_array()?.iter().map(read).collect()
}

fn check_messages(messages: &[StatusMessage], size: StatusSize) -> Result<(), BitstringError> {
    // §2.1: as many as there are values
    let is_named = |value: u64| messages.iter().any(|one| u64::from(one.status) == value);
    if messages.len() as u64 == size.values() && (0..size.values()).all(is_named) {
        Ok(())
    } else {
        Err(BitstringError::Messages)
    }
}
