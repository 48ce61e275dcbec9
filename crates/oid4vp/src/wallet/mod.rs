//! The wallet's side: read → choices → consent → answer.
//!
//! 1. [`WalletSide::read`] takes a link; a request by reference is fetched by the caller
//! 2. [`ReviewedRequest`] says who asks and how that is known
//! 3. [`ReviewedRequest::choices`] says what would be disclosed
//! 4. [`Choices::approve`] is the only way to a [`Consent`], and without one nothing is answered
//! 5. [`ReviewedRequest::answer`] or [`ReviewedRequest::decline`] makes the response
//!
//! What breaks a rule is refused in step 1; where its verifier proved who it is, [`RefusableRequest`] tells it so.

pub(crate) mod answer;
mod choices;
pub(crate) mod identity;
pub(crate) mod known;
mod present;
pub(crate) mod read;
mod refuse;

pub use answer::{AnswerError, Binding, PresentError, Presenter, ReplyError, VerifierReply};
pub(crate) use choices::matching;
pub use choices::{
    Approved, Choices, Consent, NothingFits, Pick, Selection, SelectionError, SetChoice,
};
pub use identity::VerifierIdentity;
pub use known::{Attester, KnownVerifiers, RegisteredVerifier};
pub use present::{PresentWith, present};
pub use read::{ObjectFetch, Read, ReviewedRequest, WalletSide};
pub use refuse::RefusableRequest;
