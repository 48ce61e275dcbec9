//! Claims: trees to be issued, values that were disclosed, and pointers into both.
//!
//! - [`Claims`] says for each member and element whether the holder may withhold it
//! - [`DisclosedClaims`] is what a verified credential says
//! - [`ClaimsPath`] points into either

mod disclosed;
mod path;
mod tree;

pub use disclosed::{ClaimError, DisclosedClaims};
pub use path::{ClaimsPath, PathError, PathSegment};
pub(crate) use tree::{Claim, Content};
pub use tree::{Claims, ClaimsError, Decoys, Elements};
