//! Putting disclosures back where their digests are (RFC 9901 §7.1, steps 2 to 5).

use std::mem;

use serde_json::{Value, map::Entry};

use super::{Disclosure, MAX_RECURSION, SdJwtError, disclosure::Digests};
use crate::{
    claims::{ClaimsPath, PathSegment},
    crypto::{CryptoProvider, HashAlgorithm},
    json::Object,
};

/// How deep the claims may be nested once everything is in its place.
const MAX_DEPTH: usize = 32;

/// The processed payload, and where each disclosure went.
pub(crate) struct Unfolded {
    pub(crate) claims: Object,
    pub(crate) hash: HashAlgorithm,
    /// In the order in which they were met: what lies inside another comes after it.
    pub(crate) placements: Vec<Placement>,
    pub(crate) withheld: Withheld,
}

/// Where digests were left over: something was withheld there, or they are decoys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Withheld {
    /// The objects with members that are not in the processed payload.
    pub(crate) members_of: Vec<Vec<PathSegment>>,
    /// For each element that is not there: its array, and the index it would take in what is there.
    pub(crate) elements: Vec<(Vec<PathSegment>, u64)>,
}

/// Where one disclosure went.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// The disclosure, counted in the order received.
    pub(crate) disclosure: usize,
    /// Its claim in the processed payload.
    pub(crate) path: ClaimsPath,
}

/// Replaces every digest that one of the disclosures stands for, and removes all others.
///
/// The payload must have been signed by the issuer, or be wanted for display only.
pub(crate) fn unfold(
    mut payload: Object,
    disclosures: &[&str],
    provider: &dyn CryptoProvider,
) -> Result<Unfolded, SdJwtError> {
    // RFC 9901 §4.1.1: sha-256 unless `_sd_alg` says otherwise; §7.1(2): unknown or weak is refused
    let hash = match payload.shift_remove("_sd_alg") {
        None => HashAlgorithm::Sha256,
        Some(Value::String(name)) => {
            HashAlgorithm::from_name(&name).ok_or(SdJwtError::HashAlgorithm)?
        }
        Some(_) => return Err(SdJwtError::HashAlgorithm),
    };
    let mut received = Digests::with_capacity(disclosures.len(), hash);
    for encoded in disclosures {
        // RFC 9901 §7.1(3): over the characters received, never over JSON written again
        received.push(&provider.hash(hash, encoded.as_bytes()));
    }
    let mut unplaced: Vec<_> = received.iter().zip((0..).map(Some)).collect();
    unplaced.sort_unstable();
    if unplaced.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(SdJwtError::RepeatedDisclosure);
    }
    let mut unfolding = Unfolding {
        received: disclosures,
        unplaced,
        digests: Vec::with_capacity(disclosures.len()),
        placements: Vec::with_capacity(disclosures.len()),
        withheld: Withheld::default(),
    };
    unfolding.object(&mut payload, &Place::ROOT)?;
    let (placements, withheld) = unfolding.finish()?;
    Ok(Unfolded { claims: payload, hash, placements, withheld })
}

struct Unfolding<'d> {
    /// The disclosures as they were received; each is decoded when a digest leads to it.
    received: &'d [&'d str],
    /// The digest of each, in order, and which it is while no digest led to it.
    unplaced: Vec<(&'d str, Option<usize>)>,
    /// Every digest met, decoys included.
    digests: Vec<String>,
    placements: Vec<Placement>,
    withheld: Withheld,
}

/// Where the walk is; a path is only written down when a disclosure is placed.
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
    depth: usize,
    recursion: usize,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Member(&'p str),
    Element(usize),
}

impl Unfolding<'_> {
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), SdJwtError> {
        match value {
            Value::Object(object) => self.object(object, place),
            Value::Array(elements) => self.array(elements, place),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn object(&mut self, object: &mut Object, place: &Place<'_>) -> Result<(), SdJwtError> {
        place.check_depth()?;
        let mut digests = None;
        for (name, value) in object.iter_mut() {
            match name.as_str() {
                "_sd" => digests = Some(value.take()),
                // RFC 9901 §4.2.4.2: `...` marks an array element and nothing else
                "..." => return Err(SdJwtError::MisplacedEllipsis),
                // RFC 9901 §4.1.1: not in any nested object; the one at the top is gone by now
                "_sd_alg" => return Err(SdJwtError::MisplacedHashAlgorithm),
                name => self.value(value, &place.below(Step::Member(name)))?,
            }
        }
        let digests = match digests {
            None => return Ok(()),
            Some(Value::Array(digests)) => digests,
            Some(_) => return Err(SdJwtError::DigestsNotAnArray),
        };
        // RFC 9901 §7.1(3.5): `_sd` does not stay; an object left empty stays {}
        object.shift_remove("_sd");
        let mut withheld = false;
        for digest in digests {
            let Some(index) = self.take(digest)? else {
                withheld = true;
                continue;
            };
            let mut disclosure = Disclosure::decode(self.received[index])?;
            // RFC 9901 §7.1(3.3.2.1): a digest in `_sd` needs a disclosure of three elements
            let name = disclosure.name.ok_or(SdJwtError::MemberWithoutName)?;
            // RFC 9901 §7.1(3.3.2.2): the names that convey digests are not claim names
            match name.as_str() {
                "_sd" | "..." => return Err(SdJwtError::ReservedClaimName),
                "_sd_alg" => return Err(SdJwtError::MisplacedHashAlgorithm),
                _ => {}
            }
            // RFC 9901 §7.1(3.3.2.3): never over a claim that is there, disclosed or not
            let Entry::Vacant(member) = object.entry(name) else {
                return Err(SdJwtError::ClaimCollision);
            };
            let step = Step::Member(member.key());
            self.place(index, &mut disclosure.value, place, step)?;
            member.insert(disclosure.value);
        }
        if withheld {
            self.withheld.members_of.push(place.segments());
        }
        Ok(())
    }

    fn array(&mut self, elements: &mut Vec<Value>, place: &Place<'_>) -> Result<(), SdJwtError> {
        place.check_depth()?;
        for mut element in mem::take(elements) {
            let step = Step::Element(elements.len());
            let digest = match &mut element {
                Value::Object(members) => {
                    members.shift_remove("...").map(|digest| (digest, &*members))
                }
                _ => None,
            };
            let Some((digest, siblings)) = digest else {
                self.value(&mut element, &place.below(step))?;
                elements.push(element);
                continue;
            };
            // RFC 9901 §4.2.4.2: there are no other members beside `...`
            if !siblings.is_empty() {
                return Err(SdJwtError::MisplacedEllipsis);
            }
            // RFC 9901 §7.1(3.4): an element whose digest leads nowhere is removed
            let Some(index) = self.take(digest)? else {
                self.withheld.elements.push((place.segments(), elements.len() as u64));
                continue;
            };
            let mut disclosure = Disclosure::decode(self.received[index])?;
            // RFC 9901 §7.1(3.3.3.1): a digest in an array needs a disclosure of two elements
            if disclosure.name.is_some() {
                return Err(SdJwtError::ElementWithName);
            }
            self.place(index, &mut disclosure.value, place, step)?;
            elements.push(disclosure.value);
        }
        Ok(())
    }

    /// Which disclosure a digest stands for; none for a decoy or what was withheld.
    fn take(&mut self, digest: Value) -> Result<Option<usize>, SdJwtError> {
        let Value::String(digest) = digest else {
            return Err(SdJwtError::DigestNotText);
        };
        let position = self.unplaced.binary_search_by_key(&&*digest, |(known, _)| known).ok();
        self.digests.push(digest);
        Ok(position.and_then(|position| self.unplaced[position].1.take()))
    }

    /// Unfolds the value of a disclosure and notes where it goes.
    fn place(
        &mut self,
        disclosure: usize,
        value: &mut Value,
        parent: &Place<'_>,
        step: Step<'_>,
    ) -> Result<(), SdJwtError> {
        let here = Place { recursion: parent.recursion + 1, ..parent.below(step) };
        if here.recursion > MAX_RECURSION {
            return Err(SdJwtError::RecursionTooDeep);
        }
        self.placements.push(Placement { disclosure, path: ClaimsPath::located(here.segments()) });
        // RFC 9901 §7.1(3.3.2.4): a disclosed value may hold digests itself
        self.value(value, &here)
    }

    fn finish(mut self) -> Result<(Vec<Placement>, Withheld), SdJwtError> {
        // RFC 9901 §7.1(4): no digest twice, decoys and disclosed values included
        self.digests.sort_unstable();
        if self.digests.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(SdJwtError::RepeatedDigest);
        }
        // RFC 9901 §7.1(5): every disclosure is referenced
        if self.unplaced.iter().any(|(_, unplaced)| unplaced.is_some()) {
            return Err(SdJwtError::DisclosureNotReferenced);
        }
        Ok((self.placements, self.withheld))
    }
}

impl<'p> Place<'p> {
    const ROOT: Self = Self { parent: None, step: Step::Root, depth: 1, recursion: 0 };

    const fn below(&'p self, step: Step<'p>) -> Self {
        Self { parent: Some(self), step, depth: self.depth + 1, recursion: self.recursion }
    }

    const fn check_depth(&self) -> Result<(), SdJwtError> {
        if self.depth > MAX_DEPTH { Err(SdJwtError::NestedTooDeep) } else { Ok(()) }
    }

    fn segments(&self) -> Vec<PathSegment> {
        let mut segments = Vec::with_capacity(self.depth);
        let mut here = Some(self);
        while let Some(place) = here {
            match place.step {
                Step::Root => {}
                Step::Member(name) => segments.push(PathSegment::Key(name.to_owned())),
                Step::Element(index) => segments.push(PathSegment::Index(index as u64)),
            }
            here = place.parent;
        }
        segments.reverse();
        segments
    }
}
