//! The only crate that opens outbound sockets.
//!
//! Wallet and services speak HTTP through [`HttpClient`]; [`SafeFetcher`] is the one implementation that reaches the network, and
//! [`CachedClient`] puts a bounded single-flight cache before any other. The rules are those of the threat model's outbound fetcher:
//! https only (plain http for lists of revoked certificates, which are signed), every resolved address vetted and pinned, no redirects
//! but for status lists, bounded in time and in size.

mod address;
mod cache;
mod did_cache;
mod did_web;
mod did_webvh;
mod documents;
mod error;
mod hosted;
mod kept;
mod port;
#[cfg(feature = "sockets")]
mod resolve;
#[cfg(feature = "sockets")]
mod safe;
mod status_lists;
mod target;
#[cfg(feature = "sockets")]
mod trace;

pub use address::{AddressRange, range_of};
pub use cache::{CacheLimits, CachedClient};
pub use did_cache::{CachedDids, DidCacheLimits};
pub use did_web::{DidWebError, DidWebFetcher, DidWebUrl};
pub use did_webvh::DidWebvhFetcher;
pub use documents::{IssuerMetadataFetcher, RevocationListFetcher, TypeMetadataFetcher};
pub use error::{ConnectCause, FetchError, RootCertificateInvalid};
pub use hosted::{HostedClient, NoAnswer, PlainHttp, PlainRequest, PlainResponse};
pub use port::{
    Authorization, Body, HttpClient, Method, Purpose, Request, RequestHeader, Response,
    ResponseHeaders, Rules,
};
#[cfg(feature = "sockets")]
pub use resolve::{NameResolver, SystemResolver};
#[cfg(feature = "sockets")]
pub use safe::{FetchLimits, SafeFetcher, SafeFetcherBuilder};
pub use status_lists::StatusListFetcher;
pub use target::{HostPort, HostPortInvalid};
#[cfg(feature = "sockets")]
pub use trace::traced;
