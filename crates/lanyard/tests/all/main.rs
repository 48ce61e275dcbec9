//! The tests of the binary.

mod accept;
mod backup;
mod circle;
mod commands;
mod config;
mod crash;
mod deploy;
mod did;
mod evidence;
mod inspect;
mod integrators;
mod key_services;
mod keys;
mod login_config;
mod metrics;
mod offline;
mod pages;
mod rates;
mod reference;
mod reload;
mod replicas;
mod samples;
mod sandbox;
mod telemetry;
mod trust;
mod web;
