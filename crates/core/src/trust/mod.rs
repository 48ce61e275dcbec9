//! Whom to believe: certificate chains and the anchors they end at.

pub mod x509;
