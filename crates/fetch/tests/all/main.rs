//! The fetcher against servers on loopback.

mod cache;
mod did_web;
mod did_webvh;
mod documents;
mod hostile;
mod limits;
mod names;
mod redirects;
mod revocation_lists;
mod server;
mod status_lists;
mod tls;
