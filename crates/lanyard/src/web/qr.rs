//! Links as QR codes.

use qrcode::{EcLevel, QrCode, render::svg};

use crate::pages::ImageUri;

/// A link as a QR code; a link too long for one is handed over without.
pub(super) fn draw(link: &str) -> Option<ImageUri> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(link, EcLevel::L));
    let code = code.ok()?;
    Some(ImageUri::svg(&code.render::<svg::Color<'_>>().quiet_zone(false).build()))
}
