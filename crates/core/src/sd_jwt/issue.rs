//! Issuing (RFC 9901 §4.1, §4.2, §5).

use std::mem;

use base64_simd::URL_SAFE_NO_PAD;
use serde::Serialize;
use thiserror::Error;

use crate::{
    claims::{Claim, Claims, ClaimsError, Content, Elements},
    crypto::{CryptoProvider, HashAlgorithm, HashValue, Signer, SignerError},
    jose,
    json::Object,
};

/// RFC 9901 §9.3: a salt has 128 bits of entropy.
const SALT: usize = 16;
/// A decoy is the digest of this many random bytes.
const DECOY: usize = 32;
/// Where a decoy goes in an array.
const POSITION: usize = 4;

/// Why an SD-JWT was not issued.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssueError {
    /// The claims would be misread.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The issuer's key gave no signature.
    #[error("the issuer's key gave no signature: {0}")]
    Signer(#[from] SignerError),
}

/// Issues an SD-JWT in the compact serialization, with every disclosure.
///
/// `header` is the header of the issuer-signed JWT without `alg`, which comes from the signer. All salts
/// and decoys come from one draw of the provider's randomness. Digests are sorted, so that their order
/// says nothing about the claims (RFC 9901 §4.2.4.1).
///
/// # Errors
/// [`IssueError::Claims`] and [`IssueError::Signer`].
pub async fn issue(
    header: Object,
    claims: &Claims,
    hash: HashAlgorithm,
    signer: &dyn Signer,
    provider: &dyn CryptoProvider,
) -> Result<String, IssueError> {
    claims.check()?;
    let header = jose::SignedHeader::new(&header, signer);
    Ok(issue_checked(&header, &Object::new(), claims, hash, signer, provider).await?)
}

/// Issues claims that were checked when they were put together, under a header that has its `alg`.
///
/// `first` is an object of further claims, all visible, that come before them.
pub(crate) async fn issue_checked(
    header: &(impl Serialize + Sync),
    first: &(impl Serialize + Sync),
    claims: &Claims,
    hash: HashAlgorithm,
    signer: &dyn Signer,
    provider: &dyn CryptoProvider,
) -> Result<String, SignerError> {
    let mut demand = Demand::default();
    demand.object(claims);
    let mut random = vec![0; demand.random];
    provider.fill(&mut random);
    let mut writer = Writer {
        provider,
        hash,
        random: &random,
        disclosures: String::with_capacity(demand.random * 8),
        scratch: Vec::with_capacity(256),
    };
    let mut payload = Vec::with_capacity(1024);
    write(first, &mut payload);
    // the claims follow within that object
    payload.pop();
    let members = Separated(payload.len() > 1);
    // RFC 9901 §4.1.1: `_sd_alg` at the top level, where there is a digest at all
    let algorithm = (demand.random > 0).then_some(hash);
    writer.members(members, claims, algorithm, &mut payload);

    let room = writer.disclosures.len() + 1;
    let mut sd_jwt = jose::sign_encoded(header, &payload, room, signer).await?;
    // RFC 9901 §4: a tilde after the JWT and after each disclosure
    sd_jwt.push('~');
    sd_jwt.push_str(&writer.disclosures);
    Ok(sd_jwt)
}

/// How much randomness the claims need.
#[derive(Default)]
struct Demand {
    random: usize,
}

impl Demand {
    fn object(&mut self, claims: &Claims) {
        let selective = claims.members.iter().filter(|(_, claim)| claim.selective).count();
        self.random += claims.decoys.beside(selective) * DECOY;
        claims.members.iter().for_each(|(_, claim)| self.claim(claim));
    }

    fn array(&mut self, array: &Elements) {
        let selective = array.elements.iter().filter(|claim| claim.selective).count();
        self.random += array.decoys.beside(selective) * (DECOY + POSITION);
        array.elements.iter().for_each(|claim| self.claim(claim));
    }

    fn claim(&mut self, claim: &Claim) {
        self.random += if claim.selective { SALT } else { 0 };
        match &claim.content {
            Content::Plain(_) => {}
            Content::Object(claims) => self.object(claims),
            Content::Array(array) => self.array(array),
        }
    }
}

/// Writes the payload, and every disclosure on the way.
struct Writer<'w> {
    provider: &'w dyn CryptoProvider,
    hash: HashAlgorithm,
    /// What is left of the one draw.
    random: &'w [u8],
    /// Each with its tilde.
    disclosures: String,
    /// Where a disclosure is put together.
    scratch: Vec<u8>,
}

impl Writer<'_> {
    fn object(&mut self, claims: &Claims, out: &mut Vec<u8>) {
        let members = Separated::open(b'{', out);
        self.members(members, claims, None, out);
    }

    /// Writes the members of an object that was opened, and its end.
    fn members(
        &mut self,
        mut members: Separated,
        claims: &Claims,
        algorithm: Option<HashAlgorithm>,
        out: &mut Vec<u8>,
    ) {
        let selective = claims.members.iter().filter(|(_, claim)| claim.selective).count();
        let decoys = claims.decoys.beside(selective);
        let mut digests = Vec::with_capacity(selective + decoys);
        for (name, claim) in &claims.members {
            if claim.selective {
                digests.push(self.disclose(Some(name), claim));
            } else {
                members.next(out);
                write(name, out);
                out.push(b':');
                self.content(claim, out);
            }
        }
        for _ in 0..decoys {
            digests.push(self.decoy());
        }
        if !digests.is_empty() {
            members.next(out);
            out.extend_from_slice(b"\"_sd\":");
            write_digests(digests, out);
        }
        if let Some(algorithm) = algorithm {
            members.next(out);
            out.extend_from_slice(b"\"_sd_alg\":");
            write(algorithm.name(), out);
        }
        out.push(b'}');
    }

    fn array(&mut self, array: &Elements, out: &mut Vec<u8>) {
        let selective = array.elements.iter().filter(|claim| claim.selective).count();
        let mut decoys = Vec::new();
        for _ in 0..array.decoys.beside(selective) {
            let mut position = [0; POSITION];
            position.copy_from_slice(self.draw(POSITION));
            let position = u32::from_le_bytes(position) as usize % (array.elements.len() + 1);
            decoys.push((position, self.decoy()));
        }
        let mut elements = Separated::open(b'[', out);
        for index in 0..=array.elements.len() {
            for (_, decoy) in decoys.iter().filter(|(position, _)| *position == index) {
                elements.next(out);
                write_placeholder(decoy, out);
            }
            let Some(claim) = array.elements.get(index) else {
                continue;
            };
            elements.next(out);
            if claim.selective {
                // RFC 9901 §4.2.4.2: an element keeps its place, as {"...": digest}
                write_placeholder(&self.disclose(None, claim), out);
            } else {
                self.content(claim, out);
            }
        }
        out.push(b']');
    }

    fn content(&mut self, claim: &Claim, out: &mut Vec<u8>) {
        match &claim.content {
            Content::Plain(value) => write(value, out),
            Content::Object(claims) => self.object(claims, out),
            Content::Array(array) => self.array(array, out),
        }
    }

    /// Writes a disclosure (RFC 9901 §4.2.1, §4.2.2) and gives its digest.
    fn disclose(&mut self, name: Option<&str>, claim: &Claim) -> HashValue {
        // one buffer for all; a disclosure inside another finds it empty and gets its own
        let mut array = mem::take(&mut self.scratch);
        array.clear();
        array.extend_from_slice(b"[\"");
        URL_SAFE_NO_PAD.encode_append(self.draw(SALT), &mut array);
        array.extend_from_slice(b"\",");
        if let Some(name) = name {
            write(name, &mut array);
            array.push(b',');
        }
        self.content(claim, &mut array);
        array.push(b']');
        let start = self.disclosures.len();
        URL_SAFE_NO_PAD.encode_append(&array, &mut self.disclosures);
        let digest = self.provider.hash(self.hash, &self.disclosures.as_bytes()[start..]);
        self.disclosures.push('~');
        self.scratch = array;
        digest
    }

    /// RFC 9901 §4.2.5: the digest of random bytes, which nothing can be disclosed for.
    fn decoy(&mut self) -> HashValue {
        self.provider.hash(self.hash, self.draw(DECOY))
    }

    fn draw(&mut self, length: usize) -> &'_ [u8] {
        let (drawn, rest) = self.random.split_at(length);
        self.random = rest;
        drawn
    }
}

/// Puts commas between the items of an object or array.
struct Separated(bool);

impl Separated {
    fn open(bracket: u8, out: &mut Vec<u8>) -> Self {
        out.push(bracket);
        Self(false)
    }

    fn next(&mut self, out: &mut Vec<u8>) {
        if self.0 {
            out.push(b',');
        }
        self.0 = true;
    }
}

fn write_digests(mut digests: Vec<HashValue>, out: &mut Vec<u8>) {
    // RFC 9901 §4.2.4.1: the order of digests must hide the order of claims
    digests.sort_unstable();
    let mut elements = Separated::open(b'[', out);
    for digest in digests {
        elements.next(out);
        // base64url has nothing in it that JSON escapes
        out.push(b'"');
        URL_SAFE_NO_PAD.encode_append(digest, out);
        out.push(b'"');
    }
    out.push(b']');
}

fn write_placeholder(digest: &HashValue, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"...\":\"");
    URL_SAFE_NO_PAD.encode_append(digest, out);
    out.extend_from_slice(b"\"}");
}

fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("JSON values with text keys always serialize");
}
