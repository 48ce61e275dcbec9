//! The steps of a presentation, as its trail names them.

/// The names of the steps. Released names never change.
pub mod step {
    /// The integrator asked.
    pub const REQUEST_CREATED: &str = "request_created";
    /// A wallet fetched the request object.
    pub const REQUEST_FETCHED: &str = "request_fetched";
    /// A wallet responded to the request.
    pub const RESPONSE_RECEIVED: &str = "response_received";
    /// The browser that asked came back with the response code.
    pub const BROWSER_RETURNED: &str = "browser_returned";
    /// The presentation is what was asked for, and every check held.
    pub const VERIFIED: &str = "verified";
    /// The presentation, or another message about the request, was refused; the reason says why.
    pub const REFUSED: &str = "refused";
    /// Nobody can tell now what the presentation is worth; the reason says why.
    pub const UNDETERMINED: &str = "undetermined";
    /// The wallet did not answer; the reason is its error code.
    pub const DECLINED: &str = "declined";
    /// The browser of a sign-in went back with a code.
    pub const CODE_GIVEN: &str = "code_given";
    /// The application traded the code of a sign-in.
    pub const CODE_TRADED: &str = "code_traded";
    /// The integrator took the request back.
    pub const CANCELLED: &str = "cancelled";
}
