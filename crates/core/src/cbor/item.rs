//! A CBOR item as it was received.

use std::fmt;

use minicbor::{Decoder, data::Type};

use super::{CborError, CborLimits, tag};

/// One item, with the very bytes it was read from.
#[derive(Clone, PartialEq)]
pub struct Item<'b> {
    encoded: &'b [u8],
    content: Content<'b>,
}

/// What an item says.
#[derive(Clone, PartialEq)]
pub enum Content<'b> {
    /// An integer, from -2^64 to 2^64 - 1.
    Integer(i128),
    /// A byte string.
    Bytes(&'b [u8]),
    /// Text.
    Text(&'b str),
    /// An array.
    Array(Vec<Item<'b>>),
    /// A map; its keys are integers, text or byte strings, each there once.
    Map(Vec<(Item<'b>, Item<'b>)>),
    /// A tagged item.
    Tag(u64, Box<Item<'b>>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// `undefined`, and every simple value without a meaning.
    Undefined,
    /// A floating-point number.
    Float(f64),
}

/// The key of a map's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label<'l> {
    /// An integer.
    Integer(i128),
    /// Text.
    Text(&'l str),
    /// A byte string.
    Bytes(&'l [u8]),
}

impl<'b> Item<'b> {
    /// Reads one item and nothing after it, strictly and within the default limits.
    ///
    /// # Errors
    /// One [`CborError`] per rule.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CborError> {
        Self::parse_within(bytes, CborLimits::default())
    }

    /// As [`Item::parse`], within other limits.
    ///
    /// # Errors
    /// One [`CborError`] per rule.
    pub fn parse_within(bytes: &'b [u8], limits: CborLimits) -> Result<Self, CborError> {
        if bytes.len() > limits.length {
            return Err(CborError::TooLong);
        }
        let mut reader = Reader { decoder: Decoder::new(bytes), items: limits.items };
        let item = reader.item(limits.depth)?;
        if reader.decoder.position() < bytes.len() {
            return Err(CborError::TrailingBytes);
        }
        Ok(item)
    }

    /// The bytes the item was read from, as they came.
    pub const fn encoded(&self) -> &'b [u8] {
        self.encoded
    }

    /// What it says.
    pub const fn content(&self) -> &Content<'b> {
        &self.content
    }

    /// The integer it is.
    pub const fn as_integer(&self) -> Option<i128> {
        match self.content {
            Content::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The integer it is, if that is not negative.
    pub fn as_unsigned(&self) -> Option<u64> {
        self.as_integer().and_then(|value| u64::try_from(value).ok())
    }

    /// The byte string it is.
    pub const fn as_bytes(&self) -> Option<&'b [u8]> {
        match self.content {
            Content::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text it is.
    pub const fn as_text(&self) -> Option<&'b str> {
        match self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of the array it is.
    pub fn as_array(&self) -> Option<&[Self]> {
        match &self.content {
            Content::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The members of the map it is, in the order they came.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match &self.content {
            Content::Map(members) => Some(members),
            _ => None,
        }
    }

    /// What stands behind this tag, if it has this tag.
    pub fn tagged(&self, tag: u64) -> Option<&Self> {
        match &self.content {
            Content::Tag(found, item) if *found == tag => Some(item),
            _ => None,
        }
    }

    /// The byte string behind tag 24, which is a CBOR item itself (RFC 8949 §3.4.5.1).
    pub fn embedded(&self) -> Option<&'b [u8]> {
        self.tagged(tag::EMBEDDED).and_then(Self::as_bytes)
    }

    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// A member of the map it is.
    pub fn get<'l>(&self, label: impl Into<Label<'l>>) -> Option<&Self> {
        let label = label.into();
        let is_it = |(key, _): &&(Self, Self)| key.as_label() == Some(label);
        self.as_map()?.iter().find(is_it).map(|(_, value)| value)
    }

    /// The label it is, when it is the key of a member.
    pub const fn as_label(&self) -> Option<Label<'b>> {
        match self.content {
            Content::Integer(value) => Some(Label::Integer(value)),
            Content::Text(text) => Some(Label::Text(text)),
            Content::Bytes(bytes) => Some(Label::Bytes(bytes)),
            _ => None,
        }
    }
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    /// How many more there may be.
    items: usize,
}

impl<'b> Reader<'b> {
    fn item(&mut self, depth: usize) -> Result<Item<'b>, CborError> {
        self.items = self.items.checked_sub(1).ok_or(CborError::TooManyItems)?;
        let start = self.decoder.position();
        let content = self.content(depth)?;
        let encoded = self.decoder.input().get(start..self.decoder.position());
        Ok(Item { encoded: encoded.ok_or(CborError::Malformed)?, content })
    }

    fn content(&mut self, depth: usize) -> Result<Content<'b>, CborError> {
        let malformed = |_| CborError::Malformed;
        let decoder = &mut self.decoder;
        Ok(match decoder.datatype().map_err(malformed)? {
            Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int => Content::Integer(decoder.int().map_err(malformed)?.into()),
            Type::Bytes => Content::Bytes(decoder.bytes().map_err(malformed)?),
            Type::String => Content::Text(decoder.str().map_err(malformed)?),
            Type::Bool => Content::Bool(decoder.bool().map_err(malformed)?),
            Type::Null => {
                decoder.null().map_err(malformed)?;
                Content::Null
            }
            Type::Undefined => {
                decoder.undefined().map_err(malformed)?;
                Content::Undefined
            }
            Type::Simple => {
                decoder.simple().map_err(malformed)?;
                Content::Undefined
            }
            Type::F16 => Content::Float(self.half()?),
            Type::F32 | Type::F64 => Content::Float(decoder.f64().map_err(malformed)?),
            Type::Array => self.array(below(depth)?)?,
            Type::Map => self.map(below(depth)?)?,
            Type::Tag => self.tag(below(depth)?)?,
            Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef => {
                // ISO/IEC 18013-5 §8.1, RFC 9052 §9: signed structures have definite lengths
                return Err(CborError::Indefinite);
            }
            Type::Break | Type::Unknown(_) => return Err(CborError::Malformed),
        })
    }

    fn array(&mut self, depth: usize) -> Result<Content<'b>, CborError> {
        let length = self.decoder.array().map_err(|_| CborError::Malformed)?;
        let length = self.affordable(length, 1)?;
        let elements = (0..length).map(|_| self.item(depth)).collect::<Result<_, _>>()?;
        Ok(Content::Array(elements))
    }

    fn map(&mut self, depth: usize) -> Result<Content<'b>, CborError> {
        let length = self.decoder.map().map_err(|_| CborError::Malformed)?;
        let length = self.affordable(length, 2)?;
        let mut members = Vec::with_capacity(length);
        for _ in 0..length {
            members.push((self.item(depth)?, self.item(depth)?));
        }
        check_keys(&members)?;
        Ok(Content::Map(members))
    }

    fn tag(&mut self, depth: usize) -> Result<Content<'b>, CborError> {
        let tag = self.decoder.tag().map_err(|_| CborError::Malformed)?.as_u64();
        let item = self.item(depth)?;
        // RFC 8949 §5.3.2: a tag over content of another type is not valid
        let fits = match tag {
            tag::DATE_TIME | tag::FULL_DATE => item.as_text().is_some(),
            1 | 100 => matches!(item.content, Content::Integer(_) | Content::Float(_)),
            2 | 3 | tag::EMBEDDED => item.as_bytes().is_some(),
            _ => true,
        };
        if fits { Ok(Content::Tag(tag, Box::new(item))) } else { Err(CborError::TagContent) }
    }

    /// A count that the rest of the document and the limits can pay for, before memory is taken for it.
    fn affordable(&self, count: Option<u64>, each: usize) -> Result<usize, CborError> {
        let count = usize::try_from(count.ok_or(CborError::Indefinite)?);
        let rest = self.decoder.input().len().saturating_sub(self.decoder.position());
        count
            .ok()
            .filter(|count| count.saturating_mul(each) <= rest.min(self.items))
            .ok_or(CborError::TooManyItems)
    }

    /// IEEE 754 binary16, which RFC 8949 App. D decodes by hand too.
    fn half(&mut self) -> Result<f64, CborError> {
        let start = self.decoder.position();
        let Some([_, high, low]) = self.decoder.input().get(start..start.saturating_add(3)) else {
            return Err(CborError::Malformed);
        };
        let bits = u16::from_be_bytes([*high, *low]);
        self.decoder.set_position(start + 3);
        Ok(super::encode::half_to_double(bits))
    }
}

fn below(depth: usize) -> Result<usize, CborError> {
    depth.checked_sub(1).ok_or(CborError::TooDeep)
}

/// RFC 8949 §5.6: two readers must not see two different maps.
fn check_keys(members: &[(Item<'_>, Item<'_>)]) -> Result<(), CborError> {
    const FEW: usize = 12;
    let label = |(key, _): &(Item<'_>, Item<'_>)| key.as_label().is_some();
    if !members.iter().all(label) {
        return Err(CborError::KeyType);
    }
    let twice = if members.len() <= FEW {
        let labels = || members.iter().map(|(key, _)| key.as_label());
        labels().enumerate().any(|(at, label)| labels().take(at).any(|earlier| earlier == label))
    } else {
        let mut labels: Vec<_> = members.iter().map(|(key, _)| key.as_label()).collect();
        labels.sort_unstable();
        labels.windows(2).any(|pair| pair[0] == pair[1])
    };
    if twice { Err(CborError::DuplicateKey) } else { Ok(()) }
}

impl From<i64> for Label<'_> {
    fn from(label: i64) -> Self {
        Self::Integer(label.into())
    }
}

impl<'l> From<&'l str> for Label<'l> {
    fn from(label: &'l str) -> Self {
        Self::Text(label)
    }
}

impl fmt::Debug for Item<'_> {
    /// The type and the length; never a value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.content {
            Content::Integer(_) => "integer",
            Content::Bytes(_) => "bytes",
            Content::Text(_) => "text",
            Content::Array(_) => "array",
            Content::Map(_) => "map",
            Content::Tag(..) => "tag",
            Content::Bool(_) => "bool",
            Content::Null => "null",
            Content::Undefined => "undefined",
            Content::Float(_) => "float",
        };
        write!(out, "Item({kind}, {} bytes)", self.encoded.len())
    }
}
