//! The trace that a request out belongs to (W3C Trace Context).

use crate::Purpose;

tokio::task_local! {
    static PARENT: String;
}

/// Runs `work` within a trace: requests that it sends to systems of the enterprise's own carry this `traceparent`.
///
/// Nobody else gets it: an identifier that follows somebody from service to service is theirs to give.
pub async fn traced<F: Future>(traceparent: String, work: F) -> F::Output {
    PARENT.scope(traceparent, work).await
}

/// The `traceparent` for a request of this purpose.
pub(crate) fn parent(purpose: Purpose) -> Option<String> {
    let is_own = matches!(purpose, Purpose::AttributeProvider | Purpose::LoginProvider);
    if is_own { PARENT.try_with(Clone::clone).ok() } else { None }
}
