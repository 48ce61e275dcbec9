//! What stopped a request.

use crate::AddressRange;

/// Why a request got no answer: one variant per rule.
///
/// `Display` names the host at most, never a path, a query, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not https.
    #[error("the URL is not https")]
    NotHttps,
    /// The URL carries a user name or a password.
    #[error("the URL carries a user name or a password")]
    UserinfoInUrl,
    /// The host is missing or ends with a dot.
    #[error("the host is missing or ends with a dot")]
    HostNotAllowed,
    /// The host is an IP address instead of a name.
    #[error("the host is an IP address, not a name")]
    IpLiteralHost,
    /// The port is neither 443 nor on the allow-list.
    #[error("port {port} is not allowed")]
    PortDenied {
        /// The port asked for.
        port: u16,
    },
    /// The host has no address.
    #[error("{host} does not resolve to an address")]
    NameNotResolved {
        /// The host.
        host: String,
    },
    /// One of the host's addresses is in a range that is never contacted.
    #[error("{host} has an address in a denied range ({range})")]
    AddressDenied {
        /// The host.
        host: String,
        /// The range.
        range: AddressRange,
    },
    /// No connection came about.
    #[error("connecting to {host} failed: {cause}")]
    ConnectFailed {
        /// The host.
        host: String,
        /// What the network said.
        cause: ConnectCause,
    },
    /// No connection came about in time.
    #[error("connecting to {host} took too long")]
    ConnectTimedOut {
        /// The host.
        host: String,
    },
    /// The TLS handshake failed.
    #[error("TLS with {host} failed: {detail}")]
    TlsFailed {
        /// The host.
        host: String,
        /// What the TLS library says, for humans.
        detail: String,
    },
    /// The whole answer was not there in time.
    #[error("{host} took too long to answer")]
    TimedOut {
        /// The host.
        host: String,
    },
    /// The peer answered with a redirect where none is followed (OID4VP errata on §5.10 and §8.2).
    #[error("{host} answered with redirect {status}, which is not followed here")]
    RedirectRefused {
        /// The host.
        host: String,
        /// The status code.
        status: u16,
    },
    /// More redirects than this purpose allows.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// The purpose's limit.
        limit: u8,
    },
    /// A redirect without a usable `Location`.
    #[error("{host} answered with a redirect that leads nowhere")]
    RedirectWithoutTarget {
        /// The host.
        host: String,
    },
    /// The body is longer than this purpose allows.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The purpose's limit.
        limit: usize,
    },
    /// Large answers of all hosts together are more than is read at once.
    #[error("the answer of {host} is too large beside others that are being read")]
    TooMuchAtOnce {
        /// The host.
        host: String,
    },
    /// The body is compressed though identity was asked for.
    #[error("{host} sent a compressed answer that was not asked for")]
    BodyEncoded {
        /// The host.
        host: String,
    },
    /// The peer broke off or did not speak HTTP.
    #[error("{host} broke off or sent no valid HTTP")]
    ResponseBroken {
        /// The host.
        host: String,
    },
    /// A header value holds a character that headers cannot carry.
    #[error("a header value of the request cannot be sent")]
    HeaderInvalid,
    /// The TLS client could not be set up on this machine.
    #[error("no TLS client could be set up on this machine")]
    TlsUnavailable,
}

/// What the network said when a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectCause {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The peer closed at once.
    #[error("connection reset")]
    Reset,
    /// No route.
    #[error("network or host unreachable")]
    Unreachable,
    /// Anything else.
    #[error("network failure")]
    Failed,
}

/// A root certificate that is not a PEM certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an extra root certificate is not a PEM certificate")]
pub struct RootCertificateInvalid;
