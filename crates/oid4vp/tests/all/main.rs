//! Everything about OpenID4VP that is judged from outside.

mod clients;
mod dc_api;
mod dcql_formats;
mod dcql_parse;
mod dcql_properties;
mod dcql_select;
mod every_format;
mod formats;
mod iso_mdoc;
mod over_asking;
mod requests;
mod responses;
mod statements;
mod transactions;
mod wallet_rules;
mod world;
