//! SD-JWT VC Type Metadata: what a type says about its credentials (SD-JWT VC §5).
//!
//! Reading order: a [`TypeMetadataSource`] gives the bytes of a document, [`TypeMetadata`] is what they
//! say, [`EffectiveTypeMetadata`] is that with everything it extends, and the rules in it are judged on
//! a credential whose signature was verified. [`SvgTemplate`] becomes a picture through [`CleanSvg`].

mod claim;
mod display;
mod document;
mod effective;
mod integrity;
mod judge;
mod source;
mod svg;

pub use claim::{ClaimDisplay, ClaimMetadata, SelectiveDisclosure, SvgId};
pub use display::{
    Color, ColorScheme, Contrast, Image, Language, Orientation, Rendering, ResourceUri,
    SimpleRendering, SvgTemplate, TemplateProperties, TypeDisplay,
};
pub use document::{Extended, TypeMetadata, TypeMetadataError};
pub use effective::EffectiveTypeMetadata;
pub use integrity::{Integrity, IntegrityError};
pub use judge::TypeRuleError;
pub use source::{LocalTypeMetadata, TypeMetadataSource, TypeMetadataUnavailable};
pub use svg::{CleanSvg, SvgError};

/// The longest document that is read.
pub const MAX_LENGTH: usize = 1 << 20;

/// The most documents in one chain of `extends`, the type's own included.
pub const MAX_CHAIN: usize = 8;

/// The most claims that one type describes.
pub const MAX_CLAIMS: usize = 500;

/// The most languages that one thing is displayed in.
pub const MAX_LANGUAGES: usize = 64;
