//! What pages show: values that are safe to show, made from what the services and the wallet know.

use std::fmt;

/// The frame around every page.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// Where the visitor is.
    pub place: Place,
    /// Which rooms this server has.
    pub rooms: Rooms,
    /// The line at the foot of the page.
    pub footnote: String,
}

/// The room a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The start page, and errors.
    Start,
    /// Offers.
    Issue,
    /// Requests.
    Verify,
    /// The wallet in the browser.
    Pocket,
}

/// Which rooms a server has; a server can be an issuer or a verifier alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rooms {
    /// It issues.
    pub issue: bool,
    /// It verifies.
    pub verify: bool,
    /// It holds a demo wallet.
    pub pocket: bool,
}

impl Chrome {
    pub(crate) fn is_issue(&self) -> bool {
        self.place == Place::Issue
    }

    pub(crate) fn is_verify(&self) -> bool {
        self.place == Place::Verify
    }

    pub(crate) fn is_pocket(&self) -> bool {
        self.place == Place::Pocket
    }
}

/// A colour as `#rrggbb`: nothing else from an issuer's metadata reaches a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(u8, u8, u8);

impl Colour {
    /// The background of a card whose issuer names none.
    pub const DEFAULT: Self = Self(0x33, 0x47, 0x5f);

    /// Reads `#rgb` or `#rrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let wide = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect::<String>(),
            6 => digits.to_owned(),
            _ => return None,
        };
        if !wide.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(&wide[at..at + 2], 16).ok();
        Some(Self(channel(0)?, channel(2)?, channel(4)?))
    }

    /// WCAG 2.2 relative luminance, from 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Whether dark text reads better on it than white text.
    #[must_use]
    pub fn wants_dark_ink(self) -> bool {
        // WCAG 2.2 §1.4.3: at this luminance black and white text have the same contrast, above 4.5:1
        self.luminance() > 0.179
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// An image inside its own URI, of a type that a browser shows without running anything, or one that this server keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageUri(String);

impl ImageUri {
    const TYPES: [&'static str; 5] = ["png", "jpeg", "webp", "gif", "svg+xml"];
    const LONGEST: usize = 400 * 1024;

    /// Reads a `data:` URI; anything that would make the browser ask another server is refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("data:image/")?;
        let (head, _) = rest.split_once(',')?;
        let media_type = head.split(';').next()?;
        let known = Self::TYPES.contains(&media_type) && text.len() <= Self::LONGEST;
        known.then(|| Self(text.to_owned()))
    }

    /// A picture that this server keeps, by its path.
    #[must_use]
    pub(crate) fn kept(path: String) -> Self {
        Self(path)
    }

    /// A picture that was judged, of this media type.
    #[must_use]
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        let encoded = lanyard_core::json::base64url(bytes);
        Self(format!("data:{media_type};base64,{}", standard_base64(&encoded)))
    }

    /// An SVG drawing made by this program.
    #[must_use]
    pub fn svg(drawing: &str) -> Self {
        let encoded = lanyard_core::json::base64url(drawing.as_bytes());
        Self(format!("data:image/svg+xml;base64,{}", standard_base64(&encoded)))
    }
}

/// RFC 4648 §4 from §5: browsers read only the standard alphabet, with padding, in `data:` URIs.
pub(crate) fn standard_base64(url_safe: &str) -> String {
    let mut text = url_safe.replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

impl fmt::Display for ImageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ImageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageUri({} bytes)", self.0.len())
    }
}

/// A credential as a card.
#[derive(Debug, Clone)]
pub struct CardView {
    /// Where a click leads.
    pub href: Option<String>,
    /// The name of the credential.
    pub name: String,
    /// The name of the issuer.
    pub issuer: String,
    /// Who it is about.
    pub holder: Option<String>,
    /// One more line, such as the end of validity.
    pub line: Option<String>,
    /// Why it cannot be used, such as `Expired`.
    pub alert: Option<String>,
    /// The issuer's colour.
    pub background: Colour,
    /// The issuer's logo.
    pub logo: Option<ImageUri>,
    /// What to read out for the logo.
    pub logo_alt: String,
    /// The issuer's picture behind the text.
    pub background_image: Option<ImageUri>,
    /// The holder's portrait.
    pub portrait: Option<ImageUri>,
}

impl CardView {
    /// A card that shows its name and issuer alone.
    #[must_use]
    pub fn plain(name: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self {
            href: None,
            name: name.into(),
            issuer: issuer.into(),
            holder: None,
            line: None,
            alert: None,
            background: Colour::DEFAULT,
            logo: None,
            logo_alt: String::new(),
            background_image: None,
            portrait: None,
        }
    }

    pub(crate) fn dark_ink(&self) -> bool {
        // a picture is darkened until white text reads well on it
        self.background_image.is_none() && self.background.wants_dark_ink()
    }
}

/// One claim, with the name a person reads.
#[derive(Debug, Clone)]
pub struct ClaimRow {
    /// What it belongs to, such as `Address`.
    pub under: Option<String>,
    /// Its name.
    pub label: String,
    /// Its value.
    pub value: ClaimValue,
}

/// The value of a claim, as it is shown.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// Text, number, date or truth value.
    Text(String),
    /// A picture.
    Image(ImageUri),
    /// Several values.
    List(Vec<String>),
    /// A value that is not shown.
    Hidden,
}

/// How a step, a check or an entry ended, as an icon and a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It was taken or held.
    Good,
    /// It was refused.
    Bad,
    /// It could not be judged.
    Unsure,
    /// It is still to come, or was not needed.
    Waiting,
}

impl Tone {
    const fn step_class(self) -> &'static str {
        match self {
            Self::Good => "done",
            Self::Bad => "refused",
            Self::Unsure => "undetermined",
            Self::Waiting => "ahead",
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
            Self::Waiting => "waiting",
        }
    }

    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Bad => "cross",
            Self::Unsure => "unsure",
            Self::Waiting => "wait",
        }
    }
}

/// One step of a session's trail.
#[derive(Debug, Clone)]
pub struct Step {
    /// What happened.
    pub title: String,
    /// Why, or what it means.
    pub detail: Option<String>,
    /// The time of day.
    pub at: Option<String>,
    /// How it ended.
    pub tone: Tone,
}

impl Step {
    pub(crate) const fn class(&self) -> &'static str {
        self.tone.step_class()
    }

    pub(crate) const fn icon(&self) -> &'static str {
        self.tone.icon()
    }
}

/// One check of a verdict.
#[derive(Debug, Clone)]
pub struct CheckView {
    /// What was checked, in words.
    pub title: String,
    /// What was found.
    pub detail: Option<String>,
    /// The section that demands it.
    pub rule: String,
    /// How it ended.
    pub tone: Tone,
}

impl CheckView {
    pub(crate) const fn class(&self) -> &'static str {
        match self.tone {
            Tone::Waiting => "skipped",
            tone => tone.step_class(),
        }
    }

    pub(crate) const fn icon(&self) -> &'static str {
        self.tone.icon()
    }
}

/// A credential as the verifier saw it.
#[derive(Debug, Clone)]
pub struct ShownCredential {
    /// Its card.
    pub card: CardView,
    /// The disclosed claims.
    pub claims: Vec<ClaimRow>,
}

/// A verdict, or the state of waiting for one.
#[derive(Debug, Clone)]
pub struct VerdictView {
    /// Its tone.
    pub tone: Tone,
    /// One line.
    pub headline: String,
    /// What it means.
    pub explanation: String,
    /// What was shown.
    pub credentials: Vec<ShownCredential>,
    /// Every check.
    pub checks: Vec<CheckView>,
}

impl VerdictView {
    /// A verdict in words alone.
    #[must_use]
    pub fn words(tone: Tone, headline: impl Into<String>, explanation: impl Into<String>) -> Self {
        Self {
            tone,
            headline: headline.into(),
            explanation: explanation.into(),
            credentials: Vec::new(),
            checks: Vec::new(),
        }
    }

    pub(crate) const fn class(&self) -> &'static str {
        self.tone.class()
    }

    pub(crate) const fn icon(&self) -> &'static str {
        self.tone.icon()
    }

    pub(crate) fn tally(&self) -> String {
        let held = self.checks.iter().filter(|check| check.tone == Tone::Good).count();
        let asked = self.checks.iter().filter(|check| check.tone != Tone::Waiting).count();
        format!("{held} of {asked} held")
    }
}

/// A link on its way to a wallet: as a QR code, to copy, to open.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// The identifier of the text field.
    pub id: &'static str,
    /// The link.
    pub link: String,
    /// What the link is.
    pub link_label: &'static str,
    /// The QR code, unless the wallet is on this device.
    pub qr: Option<ImageUri>,
    /// What the QR code holds, in words.
    pub qr_alt: &'static str,
    /// Whether this server has a wallet to open it in.
    pub pocket: bool,
}

/// What happened and what to do about it.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// Says what happened and what to do.
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// A link to somebody outside: opened only when it is pressed.
#[derive(Debug, Clone)]
pub struct OutsideLink {
    /// What it is for.
    pub label: &'static str,
    /// Where it leads: `https:`, `mailto:` or `tel:`.
    pub href: String,
    /// As people read it.
    pub shown: String,
}

/// What a verifier says of itself, in its own words.
#[derive(Debug, Clone, Default)]
pub struct ToldView {
    /// Why it asks.
    pub purpose: Option<String>,
    /// Where to read more, to ask and to complain.
    pub links: Vec<OutsideLink>,
}

/// A link at the end of a page.
#[derive(Debug, Clone)]
pub struct Next {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: String,
}

/// The issuer or the verifier, as the wallet knows it.
#[derive(Debug, Clone)]
pub struct Party {
    /// The name it goes by.
    pub name: String,
    /// Its address, the part that is known for sure.
    pub address: String,
    /// Its logo.
    pub logo: Option<ImageUri>,
    /// How it is known.
    pub trust: Trust,
}

impl Party {
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

/// How a party is known.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Whether it is trusted.
    pub tone: Tone,
    /// In one line.
    pub title: String,
    /// What that means for the holder.
    pub explanation: String,
}

impl Trust {
    pub(crate) const fn class(&self) -> &'static str {
        self.tone.class()
    }

    pub(crate) const fn icon(&self) -> &'static str {
        match self.tone {
            Tone::Good => "verify",
            _ => "alert",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Colour, ImageUri};

    #[test]
    fn a_colour_that_is_not_six_or_three_digits_never_reaches_a_page() {
        for text in ["red", "#12", "#12345g", "#123456;}", "url(x)", "#ééé", "#é1234"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
        assert_eq!(Colour::parse("#1aF").map(|colour| colour.to_string()), Some("#11aaff".into()));
    }

    #[test]
    fn text_on_a_card_is_dark_on_light_colours_and_white_on_dark_ones() {
        assert!(Colour::parse("#f4d35e").expect("a colour").wants_dark_ink());
        assert!(!Colour::parse("#1d4f91").expect("a colour").wants_dark_ink());
    }

    #[test]
    fn an_image_that_would_ask_another_server_or_run_a_script_is_refused() {
        for text in [
            "https://tracker.example/pixel.png",
            "javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "data:image/html,x",
            "data:image/png;base64",
        ] {
            assert_eq!(ImageUri::parse(text), None, "{text}");
        }
        assert!(ImageUri::parse("data:image/png;base64,AAAA").is_some());
    }

    #[test]
    fn a_drawing_becomes_padded_standard_base64() {
        assert_eq!(ImageUri::svg("<>?").to_string(), "data:image/svg+xml;base64,PD4/");
        assert_eq!(ImageUri::svg("a").to_string(), "data:image/svg+xml;base64,YQ==");
    }
}
