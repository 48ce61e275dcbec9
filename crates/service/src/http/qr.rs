//! A link as a picture.

use qrcode::{EcLevel, QrCode, render::svg};

/// Draws a link as SVG; nothing, if it is longer than any QR code can be.
pub fn draw(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(link, EcLevel::L))
        .ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}
