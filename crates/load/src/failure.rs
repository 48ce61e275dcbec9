//! Why a run ended early.

use std::path::PathBuf;

use lanyard_core::{
    crypto::{CryptoError, SignerError},
    jose::{JweError, JwkError},
    json::JsonError,
    sd_jwt::PresentError,
    sd_jwt_vc::SdJwtVcError,
    trust::IssuerError,
    trust::x509::ChainError,
};
use thiserror::Error;

/// Why a run ended early; one failed flow is enough.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file, a socket or a process.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Nobody took the connection: nothing was sent.
    #[error("nobody listens: {0}")]
    NobodyThere(std::io::Error),
    /// Nobody answered within the time that a wallet waits.
    #[error("no answer within {} s", .0.as_secs())]
    NoAnswer(std::time::Duration),
    /// A request was written down instead of sent.
    #[error("a request was kept back")]
    KeptBack,
    /// A connection broke.
    #[error("the connection broke: {0}")]
    Connection(#[from] hyper::Error),
    /// A request could not be put together.
    #[error("{0}")]
    Request(#[from] hyper::http::Error),
    /// The binary is not there.
    #[error("there is no binary at {0}: cargo build --release --package lanyard")]
    NoBinary(PathBuf),
    /// PostgreSQL is not installed.
    #[error("there is no PostgreSQL: apt-get install postgresql")]
    NoPostgres,
    /// The disk could not be measured.
    #[error("{0}")]
    Disk(#[from] lanyard_store::OpenError),
    /// The rows of the bare server.
    #[error("{0}")]
    Rows(#[from] rusqlite::Error),
    /// The server that is part of this tool did not start.
    #[error("the server did not start: {0}")]
    Server(String),
    /// The server did not start, or ended.
    #[error("the server is gone, or never came")]
    ServerGone,
    /// The server's process ended, and nobody had asked it to.
    #[error("the server ended by itself, with {0}")]
    ServerEnded(std::process::ExitStatus),
    /// One of the faults could not be played to its end.
    #[error("{fault} on {store}: {failure}")]
    During {
        /// What the fault is called, as `--only` takes it.
        fault: &'static str,
        /// Where everything is kept.
        store: &'static str,
        /// Why it ended early.
        failure: Box<Failure>,
    },
    /// The server refused a step of a flow.
    #[error("{path} answered {status}: {said}")]
    Refused {
        /// The path, its identifiers cut.
        path: String,
        /// The status.
        status: u16,
        /// The body: a protocol's error, no secret.
        said: String,
        /// Whether it said when to ask again.
        asks_again: bool,
    },
    /// An answer lacks what the protocol says it holds.
    #[error("an answer has no usable {0}")]
    Lacks(&'static str),
    /// A presentation was taken, but its verdict is another.
    #[error("a presentation came out as {0}")]
    Verdict(String),
    /// A fault was not survived.
    #[error("promises were broken; they are listed above")]
    PromisesBroken,
    /// A bar was missed.
    #[error("bars were missed; they are marked above")]
    BarsMissed,
    /// A page has no place for figures.
    #[error("the page has no marks between which figures are written")]
    NoMarks,
    /// A program of the system failed.
    #[error("{0}")]
    Program(String),
    /// A wallet's task was lost.
    #[error("a wallet was lost: {0}")]
    Lost(#[from] tokio::task::JoinError),
    /// An answer is not JSON.
    #[error("an answer is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A token's payload is not strict JSON.
    #[error("a token cannot be read: {0}")]
    StrictJson(#[from] JsonError),
    /// An answer holds something else than a URL.
    #[error("an answer holds no URL: {0}")]
    Url(#[from] url::ParseError),
    /// Cryptography failed on the wallets' side.
    #[error("{0}")]
    Crypto(#[from] CryptoError),
    /// A wallet's key gave no signature.
    #[error("{0}")]
    Signer(#[from] SignerError),
    /// The response key cannot be encrypted to.
    #[error("{0}")]
    Encryption(#[from] JweError),
    /// The response key is none.
    #[error("{0}")]
    Key(#[from] JwkError),
    /// The demo's authority cannot be read.
    #[error("{0}")]
    Anchor(#[from] ChainError),
    /// A credential's issuer is not the demo's.
    #[error("{0}")]
    Issuer(#[from] IssuerError),
    /// A credential does not verify.
    #[error("{0}")]
    Credential(#[from] SdJwtVcError),
    /// A credential cannot be presented.
    #[error("{0}")]
    Present(#[from] PresentError),
}

impl Failure {
    /// A server that did not start.
    pub(crate) fn server(why: impl std::fmt::Display) -> Self {
        Self::Server(why.to_string())
    }
}
