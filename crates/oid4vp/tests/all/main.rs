//! Everything about OpenID4VP that is judged from outside.

mod dcql_formats;
mod dcql_parse;
mod dcql_properties;
mod dcql_select;
mod every_format;
mod formats;
mod requests;
mod responses;
mod world;
