//! A link as a picture.

use std::io::Write as _;

use axum::response::{IntoResponse as _, Response};
use flate2::{Compression, Crc, write::ZlibEncoder};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_TYPE, VARY},
};
use qrcode::{Color, EcLevel, QrCode, render::svg};

use super::replies::NO_STORE;

/// The white modules around a code (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;
/// The pixels of a module in a PNG.
const SCALE: usize = 8;

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// `image/svg+xml`, sharp at every size.
    Svg,
    /// `image/png`, for mail and for printers.
    Png,
}

impl Picture {
    /// The kind that a request prefers (RFC 9110 §12.5.1); SVG unless it says otherwise.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let quality = |kind: &str| {
            let mut ranges = accept.split(',').filter_map(|range| {
                let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
                let q = parameters.split(';').find_map(|one| one.trim().strip_prefix("q="));
                let q = q.map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
                name.trim().eq_ignore_ascii_case(kind).then_some(q)
            });
            ranges.next().unwrap_or(0.0)
        };
        if quality("image/png") > quality("image/svg+xml") { Self::Png } else { Self::Svg }
    }

    /// Draws a link; nothing, if it is longer than any QR code can be.
    pub fn draw(self, link: &str) -> Option<Response> {
        let (kind, picture) = match self {
            Self::Svg => ("image/svg+xml", draw(link)?.into_bytes()),
            Self::Png => ("image/png", draw_png(link)?),
        };
        let kind = (CONTENT_TYPE, HeaderValue::from_static(kind));
        Some(
            ([kind, NO_STORE, (VARY, HeaderValue::from_static("Accept"))], picture).into_response(),
        )
    }
}

/// Draws a link as SVG; nothing, if it is longer than any QR code can be.
pub fn draw(link: &str) -> Option<String> {
    Some(code(link)?.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}

/// Draws a link as PNG; nothing, if it is longer than any QR code can be.
pub fn draw_png(link: &str) -> Option<Vec<u8>> {
    let code = code(link)?;
    let modules = code.width() + 2 * QUIET;
    let side = modules * SCALE;
    let dark = |x: usize, y: usize| {
        let inside = |at: usize| (QUIET..QUIET + code.width()).contains(&at);
        inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark
    };
    // PNG §7.2, §9: one bit a pixel, each row after a filter byte; 1 is white
    let mut rows = Vec::with_capacity(side * (1 + side / 8));
    for y in 0..modules {
        // eight pixels a module are one byte of a row
        let row: Vec<u8> = (0..modules).map(|x| if dark(x, y) { 0 } else { 0xff }).collect();
        for _ in 0..SCALE {
            rows.push(0);
            rows.extend_from_slice(&row);
        }
    }
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    pixels.write_all(&rows).ok()?;
    let side = u32::try_from(side).ok()?.to_be_bytes();
    // PNG §11.2.1: width, height, bit depth 1, greyscale, and the only methods there are
    let header = [&side[..], &side[..], &[1, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header), (b"IDAT", pixels.finish().ok()?), (b"IEND", Vec::new())]
    {
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(&data);
        png.extend_from_slice(&u32::try_from(data.len()).ok()?.to_be_bytes());
        png.extend_from_slice(kind);
        png.extend_from_slice(&data);
        png.extend_from_slice(&sum.sum().to_be_bytes());
    }
    Some(png)
}

fn code(link: &str) -> Option<QrCode> {
    QrCode::with_error_correction_level(link, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(link, EcLevel::L))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &'static str) -> Picture {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        Picture::accepted(&headers)
    }

    #[test]
    fn a_png_is_drawn_for_those_who_like_it_better() {
        for accept in ["image/png", "image/png, image/svg+xml;q=0.5", "IMAGE/PNG;q=0.2, */*;q=0.1"]
        {
            assert_eq!(accepting(accept), Picture::Png, "{accept}");
        }
        for accept in
            ["*/*", "image/svg+xml, image/png", "image/png;q=0", "image/png;q=0.1, image/svg+xml"]
        {
            assert_eq!(accepting(accept), Picture::Svg, "{accept}");
        }
        assert_eq!(Picture::accepted(&HeaderMap::new()), Picture::Svg);
    }

    #[test]
    fn a_link_longer_than_any_code_is_not_drawn() {
        let link = "a".repeat(3000);
        assert!(draw(&link).is_none() && draw_png(&link).is_none());
    }

    #[test]
    fn a_png_has_the_modules_of_the_code_inside_a_quiet_zone() {
        let link = "openid4vp://?client_id=a";
        let (png, code) = (draw_png(link).unwrap(), code(link).unwrap());
        let side = u32::from_be_bytes(png[16..20].try_into().unwrap()) as usize;
        assert_eq!(side, (code.width() + 8) * 8);
        let length = u32::from_be_bytes(png[33..37].try_into().unwrap()) as usize;
        let mut rows = Vec::new();
        let mut pixels = flate2::read::ZlibDecoder::new(&png[41..41 + length]);
        std::io::Read::read_to_end(&mut pixels, &mut rows).unwrap();
        let stride = side / 8 + 1;
        assert_eq!(rows.len(), stride * side);
        for (x, y) in [(0, 0), (3, 3), (7, 0), (9, 8), (code.width() - 1, 0)] {
            let dark = code[(x, y)] == Color::Dark;
            let pixel = rows[(y + QUIET) * SCALE * stride + 1 + x + QUIET];
            assert_eq!(pixel == 0, dark, "{x} {y}");
        }
        assert!(rows[1..stride].iter().all(|pixel| *pixel == 0xff), "the quiet zone is white");
    }
}
