//! Pictures of credentials, judged by their bytes: a logo, or what is behind a credential's text.
//!
//! They come from issuers and are drawn where credentials are shown, so what they are said to be counts for nothing.

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sd_jwt_vc::type_metadata::{CleanSvg, SvgError};

/// The longest picture that is read, in bytes.
pub const MOST_BYTES: usize = 256 * 1024;

/// The most pixels of a side: a small file can be a picture that fills the memory of a phone.
const MOST_PIXELS: u32 = 4096;

/// Base64 as issuers write it, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a picture of a credential is for (OID4VCI 1.0 §12.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureUse {
    /// `logo`
    Logo,
    /// `background_image`: what is behind the text.
    BackgroundImage,
}

impl PictureUse {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Logo, Self::BackgroundImage];

    /// The member of the metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logo => "logo",
            Self::BackgroundImage => "background_image",
        }
    }
}

/// What a picture is, by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureType {
    /// PNG
    Png,
    /// JPEG
    Jpeg,
    /// WebP
    Webp,
    /// GIF
    Gif,
    /// SVG, of which only what is harmless is left.
    Svg,
}

impl PictureType {
    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Svg => "image/svg+xml",
        }
    }
}

/// A picture that can be shown: of a known kind, of a bounded size, and with nothing in it that runs or is fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    kind: PictureType,
    bytes: Vec<u8>,
}

/// Why something is not shown as a picture.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PictureRefused {
    /// The URL is no `data:` URL, or its base64 is none.
    #[error("the picture is not in a data: URL")]
    DataUrl,
    /// More bytes than are read.
    #[error("the picture is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// More pixels than are drawn.
    #[error("the picture is {0} by {1} pixels large")]
    TooLarge(u32, u32),
    /// The bytes are no picture of a known kind.
    #[error("what came is no PNG, JPEG, WebP, GIF or SVG")]
    Unknown,
    /// The SVG cannot be made harmless.
    #[error(transparent)]
    Svg(#[from] SvgError),
}

impl Picture {
    /// Judges bytes, whatever they are said to be.
    ///
    /// # Errors
    /// One [`PictureRefused`] per rule.
    pub fn read(bytes: &[u8]) -> Result<Self, PictureRefused> {
        if bytes.len() > MOST_BYTES {
            return Err(PictureRefused::TooLong);
        }
        if let Some((kind, width, height)) = raster(bytes) {
            if width.max(height) > MOST_PIXELS {
                return Err(PictureRefused::TooLarge(width, height));
            }
            return Ok(Self { kind, bytes: bytes.to_vec() });
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        if !text.starts_with(b"<") {
            return Err(PictureRefused::Unknown);
        }
        let bytes = CleanSvg::read(text)?.to_string().into_bytes();
        if bytes.len() > MOST_BYTES {
            return Err(PictureRefused::TooLong);
        }
        Ok(Self { kind: PictureType::Svg, bytes })
    }

    /// Judges the picture in a `data:` URL (RFC 2397), whatever media type that states.
    ///
    /// # Errors
    /// [`PictureRefused`].
    pub fn in_url(url: &str) -> Result<Self, PictureRefused> {
        let data = data_of(url).ok_or(PictureRefused::DataUrl)?;
        // percent-encoded, each byte takes three characters
        if data.len() > 3 * MOST_BYTES + 256 {
            return Err(PictureRefused::TooLong);
        }
        let (head, data) = data.split_once(',').ok_or(PictureRefused::DataUrl)?;
        let mut bytes = decoded(data);
        if head.trim_end().to_ascii_lowercase().ends_with(";base64") {
            bytes.retain(|byte| !byte.is_ascii_whitespace());
            bytes = BASE64.decode(&bytes).map_err(|_| PictureRefused::DataUrl)?;
        }
        Self::read(&bytes)
    }

    /// What it is.
    pub const fn kind(&self) -> PictureType {
        self.kind
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, taken out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Picture({}, {} bytes)", self.kind.media_type(), self.bytes.len())
    }
}

/// What stands behind `data:` (RFC 2397), whose case does not count; none where the URL is another.
pub fn data_of(url: &str) -> Option<&str> {
    let (scheme, data) = url.split_once(':')?;
    scheme.eq_ignore_ascii_case("data").then_some(data)
}

/// RFC 3986 §2.1: `%41` is `A`; what is no such triplet stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let triplet = match (first, after) {
            (b'%', [high, low, after @ ..]) => digit(*high).zip(digit(*low)).zip(Some(after)),
            _ => None,
        };
        rest = match triplet {
            Some(((high, low), after)) => {
                bytes.push(high << 4 | low);
                after
            }
            None => {
                bytes.push(*first);
                after
            }
        };
    }
    bytes
}

/// The kind of a picture made of pixels, its width and its height.
fn raster(bytes: &[u8]) -> Option<(PictureType, u32, u32)> {
    let found = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => (PictureType::Png, png(bytes)?),
        [0xff, 0xd8, 0xff, ..] => (PictureType::Jpeg, jpeg(bytes)?),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => (PictureType::Gif, gif(bytes)?),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            (PictureType::Webp, webp(bytes)?)
        }
        _ => return None,
    };
    let (kind, (width, height)) = found;
    Some((kind, width, height))
}

/// So many bytes at a place.
fn at<const N: usize>(bytes: &[u8], place: usize) -> Option<[u8; N]> {
    bytes.get(place..)?.first_chunk().copied()
}

/// PNG §11.2.1: IHDR comes first.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    (at(bytes, 12)? == *b"IHDR").then_some(())?;
    Some((u32::from_be_bytes(at(bytes, 16)?), u32::from_be_bytes(at(bytes, 20)?)))
}

/// GIF 89a §18: the logical screen.
fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let side = |place| at(bytes, place).map(|side| u32::from(u16::from_le_bytes(side)));
    Some((side(6)?, side(8)?))
}

/// RFC 9649 §2.5 to §2.7: a lossy, a lossless or an extended file.
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    match &at::<4>(bytes, 12)? {
        b"VP8 " => {
            let side = |place| Some(u32::from(u16::from_le_bytes(at(bytes, place)?) & 0x3fff));
            (at(bytes, 23)? == [0x9d, 0x01, 0x2a]).then_some((side(26)?, side(28)?))
        }
        b"VP8L" => {
            let sides = u32::from_le_bytes(at(bytes, 21)?);
            let side = |bits: u32| (bits & 0x3fff) + 1;
            (at(bytes, 20)? == [0x2f]).then_some((side(sides), side(sides >> 14)))
        }
        b"VP8X" => {
            let side = |place| {
                let [low, middle, high] = at(bytes, place)?;
                Some(u32::from_le_bytes([low, middle, high, 0]) + 1)
            };
            Some((side(24)?, side(27)?))
        }
        _ => None,
    }
}

/// ITU-T T.81 §B.2.2: the frame header, behind other segments.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut place = 2;
    loop {
        let [mark, marker] = at(bytes, place)?;
        (mark == 0xff).then_some(())?;
        match marker {
            // §B.1.1.2: fill bytes
            0xff => place += 1,
            0x01 | 0xd0..=0xd7 => place += 2,
            // no frame before the scan, or none at all
            0xd8..=0xda => return None,
            // §B.1.1.3: every start of frame, and none of the tables whose numbers lie between
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let side = |place| at(bytes, place).map(|side| u32::from(u16::from_be_bytes(side)));
                return Some((side(place + 7)?, side(place + 5)?));
            }
            _ => place += 2 + usize::from(u16::from_be_bytes(at(bytes, place + 2)?)),
        }
    }
}
