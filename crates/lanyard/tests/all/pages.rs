//! Pages show what they are given and nothing runs in them.

mod samples;
mod screens;
