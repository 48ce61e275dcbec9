//! Holding a credential to the rules of its type (SD-JWT VC §5.6).

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use thiserror::Error;

use super::{ClaimMetadata, EffectiveTypeMetadata, SelectiveDisclosure};
use crate::{
    claims::{ClaimsPath, PathError, PathSegment},
    sd_jwt::Withheld,
    sd_jwt_vc::{HeldSdJwtVc, VerifiedSdJwtVc},
};

/// The rule of its type that a credential breaks. It names a path of the metadata, never a value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TypeRuleError {
    /// A path meets something that it cannot go through.
    #[error("the type's path {path} does not fit the credential: {error}")]
    Path {
        /// The path in the metadata.
        path: ClaimsPath,
        /// What is wrong.
        error: PathError,
    },
    /// A mandatory claim was not issued.
    #[error("the type demands {0}, and it was not issued")]
    MandatoryMissing(ClaimsPath),
    /// A claim is always visible, and must be selectively disclosable.
    #[error("the type demands that {0} is selectively disclosable")]
    MustBeSelective(ClaimsPath),
    /// A claim is selectively disclosable, and must not be.
    #[error("the type forbids that {0} is selectively disclosable")]
    MustNotBeSelective(ClaimsPath),
}

impl TypeRuleError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Path { .. } => "type_path_does_not_fit",
            Self::MandatoryMissing(_) => "type_mandatory_claim_missing",
            Self::MustBeSelective(_) => "type_claim_must_be_selective",
            Self::MustNotBeSelective(_) => "type_claim_must_not_be_selective",
        }
    }
}

impl EffectiveTypeMetadata {
    /// Holds a presented credential to the rules of its type.
    ///
    /// A claim that the holder may have withheld is not missing.
    ///
    /// # Errors
    /// One [`TypeRuleError`] per rule.
    pub fn judge(&self, credential: &VerifiedSdJwtVc) -> Result<(), TypeRuleError> {
        let marks = Marks::new(credential.disclosed(), credential.withheld());
        self.judge_claims(credential.claims().as_value(), &marks)
    }

    /// Holds a credential in its holder's hands, with every disclosure, to the rules of its type.
    ///
    /// # Errors
    /// One [`TypeRuleError`] per rule.
    pub fn judge_held(&self, credential: &HeldSdJwtVc) -> Result<(), TypeRuleError> {
        // SD-JWT VC §5.6: with all disclosures there, a digest that leads nowhere is a decoy
        let nothing = Withheld::default();
        let marks = Marks::new(credential.disclosable(), &nothing);
        self.judge_claims(credential.claims().as_value(), &marks)
    }

    fn judge_claims(&self, payload: &Value, marks: &Marks<'_>) -> Result<(), TypeRuleError> {
        self.claims().iter().try_for_each(|claim| judge(claim, payload, marks))
    }
}

fn judge(claim: &ClaimMetadata, payload: &Value, marks: &Marks<'_>) -> Result<(), TypeRuleError> {
    let path = || claim.path.clone();
    let sd = claim.selective_disclosure();
    let selection = Selection::of(&claim.path, sd, payload, marks)
        .map_err(|error| TypeRuleError::Path { path: path(), error })?;
    let none = selection.seen.is_empty() && selection.undisclosed == 0;
    // SD-JWT VC §5.6: only when it is certain that the claim was not issued
    if claim.is_mandatory() && none && !selection.uncertain {
        return Err(TypeRuleError::MandatoryMissing(path()));
    }
    // SD-JWT VC §5.6: directly represented as a disclosure; an ancestor that is does not count
    let is_selective = |place: &Place<'_>| place.marks.is_some_and(|marks| marks.disclosed);
    match sd {
        SelectiveDisclosure::Always if !selection.seen.iter().all(is_selective) => {
            Err(TypeRuleError::MustBeSelective(path()))
        }
        SelectiveDisclosure::Never
            if selection.undisclosed > 0 || selection.seen.iter().any(is_selective) =>
        {
            Err(TypeRuleError::MustNotBeSelective(path()))
        }
        _ => Ok(()),
    }
}

/// What is known about a place in the processed payload, and about places below it.
#[derive(Default)]
struct Marks<'m> {
    below: HashMap<&'m PathSegment, Marks<'m>>,
    /// What is here came by a disclosure.
    disclosed: bool,
    /// The object here has members that were not disclosed.
    members_withheld: bool,
    /// How many elements of the array here were not disclosed, by the index they would take.
    elements_withheld: BTreeMap<u64, u64>,
}

impl<'m> Marks<'m> {
    fn new(disclosed: impl IntoIterator<Item = &'m ClaimsPath>, withheld: &'m Withheld) -> Self {
        let mut marks = Self::default();
        for path in disclosed {
            marks.at(path.segments()).disclosed = true;
        }
        for place in &withheld.members_of {
            marks.at(place).members_withheld = true;
        }
        for (place, index) in &withheld.elements {
            *marks.at(place).elements_withheld.entry(*index).or_default() += 1;
        }
        marks
    }

    fn at(&mut self, place: &'m [PathSegment]) -> &mut Self {
        place.iter().fold(self, |marks, step| marks.below.entry(step).or_default())
    }
}

/// A claim that can be seen.
#[derive(Clone, Copy)]
struct Place<'p> {
    value: &'p Value,
    marks: Option<&'p Marks<'p>>,
}

/// What a path selects of the credential as it was issued.
#[derive(Default)]
struct Selection<'p> {
    seen: Vec<Place<'p>>,
    /// How many array elements are selected that were not disclosed.
    undisclosed: usize,
    /// Whether a claim may have been issued that is selected and cannot be seen.
    uncertain: bool,
}

impl<'p> Selection<'p> {
    /// Evaluates a path against the credential as it was issued (§5.6, §5.6.1).
    fn of(
        path: &ClaimsPath,
        sd: SelectiveDisclosure,
        payload: &'p Value,
        marks: &'p Marks<'p>,
    ) -> Result<Self, PathError> {
        let root = Place { value: payload, marks: Some(marks) };
        let mut selection = Self { seen: vec![root], ..Self::default() };
        for (position, segment) in path.segments().iter().enumerate() {
            let mut next = Self {
                // SD-JWT VC §5.6: the contents of an element that was not disclosed are unknown
                uncertain: selection.uncertain || selection.undisclosed > 0,
                ..Self::default()
            };
            for place in selection.seen {
                match segment {
                    PathSegment::Key(name) => {
                        let object = place.value.as_object().ok_or(PathError::KeyOutsideObject)?;
                        let last = position + 1 == path.segments().len();
                        match object.get(name) {
                            Some(value) => next.seen.push(place.below(segment, value)),
                            // a claim that is never selective cannot be among what was withheld
                            None if last && sd == SelectiveDisclosure::Never => {}
                            None => {
                                next.uncertain |=
                                    place.marks.is_some_and(|marks| marks.members_withheld);
                            }
                        }
                    }
                    PathSegment::All => next.elements(place, |_| true)?,
                    PathSegment::Index(wanted) => next.elements(place, |index| index == *wanted)?,
                }
            }
            selection = next;
        }
        Ok(selection)
    }

    /// Selects elements of an array by the index they were issued with.
    fn elements(
        &mut self,
        place: Place<'p>,
        selects: impl Fn(u64) -> bool,
    ) -> Result<(), PathError> {
        let array = place.value.as_array().ok_or(PathError::IndexOutsideArray)?;
        let mut issued = 0;
        let elements = array.iter().map(Some).chain([None]);
        for (index, element) in (0..).zip(elements) {
            // SD-JWT VC §5.6: elements that were not disclosed count too
            let withheld =
                place.marks.and_then(|marks| marks.elements_withheld.get(&index).copied());
            for _ in 0..withheld.unwrap_or_default() {
                self.undisclosed += usize::from(selects(issued));
                issued += 1;
            }
            if let Some(value) = element {
                if selects(issued) {
                    self.seen.push(place.below(&PathSegment::Index(index), value));
                }
                issued += 1;
            }
        }
        Ok(())
    }
}

impl<'p> Place<'p> {
    fn below(&self, step: &PathSegment, value: &'p Value) -> Self {
        Self { value, marks: self.marks.and_then(|marks| marks.below.get(step)) }
    }
}
