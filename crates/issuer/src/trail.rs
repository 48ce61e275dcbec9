//! The steps of an issuance, as its trail names them.

/// The names of the steps. Released names never change.
pub mod step {
    /// The integrator made the offer.
    pub const OFFER_CREATED: &str = "offer_created";
    /// A wallet fetched the offer.
    pub const OFFER_FETCHED: &str = "offer_fetched";
    /// The integrator took the offer back.
    pub const OFFER_WITHDRAWN: &str = "offer_withdrawn";
    /// A wallet pushed an authorization request.
    pub const AUTHORIZATION_REQUESTED: &str = "authorization_requested";
    /// A browser came with it.
    pub const AUTHORIZATION_OPENED: &str = "authorization_opened";
    /// The holder went to the login provider.
    pub const LOGIN_ELSEWHERE: &str = "login_elsewhere";
    /// The holder logged in.
    pub const HOLDER_LOGGED_IN: &str = "holder_logged_in";
    /// The holder agreed.
    pub const AUTHORIZATION_GRANTED: &str = "authorization_granted";
    /// Something that is good once was shown twice: all tokens of the session are worth nothing now.
    pub const REVOKED: &str = "revoked";
    /// The code was traded for an access token.
    pub const TOKEN_ISSUED: &str = "token_issued";
    /// The answer to a code was given again, the same, to a wallet that it may not have reached.
    pub const TOKEN_REPEATED: &str = "token_repeated";
    /// A wallet came with an access token of another authorization server.
    pub const TOKEN_OF_ANOTHER_SERVER: &str = "token_of_another_server";
    /// The holder typed in a wrong tx code; the code lives on.
    pub const TX_CODE_WRONG: &str = "tx_code_wrong";
    /// A credential was given out.
    pub const CREDENTIAL_ISSUED: &str = "credential_issued";
    /// A credential was asked for before it was ready.
    pub const CREDENTIAL_DEFERRED: &str = "credential_deferred";
    /// A credential that was given out was given again, the same, to a wallet that it had not reached.
    pub const CREDENTIAL_REPEATED: &str = "credential_repeated";
    /// The integrator decided that what waits is issued.
    pub const DEFERRAL_RELEASED: &str = "deferral_released";
    /// The integrator decided that what waits is not issued.
    pub const DEFERRAL_DENIED: &str = "deferral_denied";
    /// A source of claims said that this holder is to have no such credential; the detail says which.
    pub const CREDENTIAL_DENIED: &str = "credential_denied";
    /// The wallet told what became of its credentials; the detail says what.
    pub const NOTIFIED: &str = "notified";
    /// A credential was revoked, suspended, or made valid again; the detail says which.
    pub const STATUS_CHANGED: &str = "status_changed";
    /// A request was refused; the reason says why.
    pub const REFUSED: &str = "refused";
}
