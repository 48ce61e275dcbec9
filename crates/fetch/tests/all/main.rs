//! The fetcher against servers on loopback.

mod cache;
mod did_web;
mod did_webvh;
mod documents;
mod limits;
mod names;
mod redirects;
mod server;
mod status_lists;
mod tls;
