//! The accept loop, met by peers that are slow, many, malformed or leaving.

mod files;
mod framing;
mod gate;
mod http2;
mod peer;
mod places;
mod shutdown;
mod time;
mod tls;
