//! The tests of the binary.

mod accept;
mod circle;
mod commands;
mod config;
mod inspect;
mod pages;
mod web;
