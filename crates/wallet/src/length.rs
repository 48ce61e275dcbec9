//! How long what an app hands over may be: more is refused before anything of it is copied or read.

/// The longest link that is read, in bytes: from a code, from a browser, from another app.
pub const LONGEST_LINK: usize = 64 << 10;

/// The longest request of the platform, in bytes.
pub(crate) const LONGEST_REQUEST: usize = 1 << 20;

/// The longest inventory, in bytes: more than 100,000 cards.
pub(crate) const LONGEST_INVENTORY: usize = 32 << 20;

/// The most that a person types, in bytes.
pub(crate) const LONGEST_TYPED: usize = 1 << 10;
