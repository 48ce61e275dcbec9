//! What a query asks for that most purposes do not need: told to the verifier before it asks, and to the holder
//! before they answer.

use lanyard_core::claims::{ClaimsPath, PathSegment};
use serde::{Deserialize, Serialize};

use super::{ClaimQuery, ClaimSetChoice, ClaimsSelection, CredentialQuery, QueryMatches};

/// More claims of one credential than a purpose commonly needs.
const MANY_CLAIMS: usize = 8;

/// What is asked too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverAsking {
    /// A date of birth.
    BirthDate,
    /// An age in years, or a year of birth.
    Age,
    /// A picture of the holder.
    Portrait,
    /// A number that is the same everywhere.
    UniqueNumber,
    /// A street and number.
    Street,
    /// A whole address.
    WholeAddress,
    /// Sex or gender.
    Sex,
    /// A name at birth.
    BirthName,
    /// A place of birth.
    BirthPlace,
    /// More claims of one credential than a purpose commonly needs.
    ManyClaims,
}

/// What a query asks too much, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverAsked {
    /// What it is.
    pub what: OverAsking,
    /// The claim, if it is about one.
    pub path: Option<ClaimsPath>,
}

/// The last names of claims in SD-JWT VC PIDs, in ISO mdocs and in common W3C vocabularies.
const TELLING: [(&[&str], OverAsking); 9] = [
    (&["birthdate", "birth_date", "birthDate", "date_of_birth"], OverAsking::BirthDate),
    (&["age_in_years", "age_birth_year"], OverAsking::Age),
    (&["portrait", "picture", "face", "enrolment_portrait_image"], OverAsking::Portrait),
    (
        &[
            "personal_administrative_number",
            "administrative_number",
            "document_number",
            "social_security_number",
            "tax_id_code",
        ],
        OverAsking::UniqueNumber,
    ),
    (
        &["resident_address", "street_address", "resident_street", "streetAddress", "formatted"],
        OverAsking::Street,
    ),
    // objects with a whole address in them
    (&["address", "place_of_residence", "resident_address_object"], OverAsking::WholeAddress),
    (&["sex", "gender"], OverAsking::Sex),
    (
        &["birth_family_name", "family_name_birth", "given_name_birth", "birth_given_name"],
        OverAsking::BirthName,
    ),
    (&["place_of_birth", "birth_place", "birthplace"], OverAsking::BirthPlace),
];

impl OverAsking {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BirthDate => "birth_date",
            Self::Age => "age",
            Self::Portrait => "portrait",
            Self::UniqueNumber => "unique_number",
            Self::Street => "street",
            Self::WholeAddress => "whole_address",
            Self::Sex => "sex",
            Self::BirthName => "birth_name",
            Self::BirthPlace => "birth_place",
            Self::ManyClaims => "many_claims",
        }
    }

    /// What would do instead, for the people who make the query.
    #[must_use]
    pub const fn to_verifier(self) -> &'static str {
        match self {
            Self::BirthDate => {
                "a date of birth identifies; to know that somebody is old enough, age_over_18 (or \
                 age_equal_or_over.18) is enough"
            }
            Self::Age => {
                "an age changes and tells a year of birth; to know that somebody is old enough, \
                 age_over_18 is enough"
            }
            Self::Portrait => {
                "a portrait is biometric data; where nobody compares faces, holder binding shows who \
                 holds the credential"
            }
            Self::UniqueNumber => {
                "a number that is the same everywhere links people across verifiers; ask for it only \
                 where the law demands it"
            }
            Self::Street => {
                "a street and number say where somebody lives; where a country or a town is enough, ask \
                 for that"
            }
            Self::WholeAddress => {
                "the whole address says where somebody lives; where the country is enough, ask for \
                 [\"address\", \"country\"]"
            }
            Self::Sex => "sex is rarely needed to decide anything",
            Self::BirthName => "a name at birth says more than who somebody is now",
            Self::BirthPlace => {
                "a place of birth is mostly asked for out of habit; nationality is another claim"
            }
            Self::ManyClaims => {
                "this many claims are a profile; ask for those that decide something"
            }
        }
    }

    /// Why to think twice, for the holder.
    #[must_use]
    pub const fn to_holder(self) -> &'static str {
        match self {
            Self::BirthDate => {
                "a date of birth identifies you; to show that you are old enough, a yes or no would do"
            }
            Self::Age => {
                "it tells your year of birth; to show that you are old enough, a yes or no would do"
            }
            Self::Portrait => {
                "your face can be recognised elsewhere; it is of use only to somebody who sees you"
            }
            Self::UniqueNumber => {
                "the number is the same everywhere: by it, what different places know of you can be \
                 put together"
            }
            Self::Street => "it says where you live; often a town or a country would do",
            Self::WholeAddress => "it says where you live; often the country alone would do",
            Self::Sex => "it is rarely needed to decide anything",
            Self::BirthName => "it says more than who you are now",
            Self::BirthPlace => "it is mostly asked for out of habit",
            Self::ManyClaims => "so many claims together are a profile of you",
        }
    }

    /// What a claim is, by the name that its path ends with; a whole object counts as what is in it.
    #[must_use]
    pub fn of_claim(path: &ClaimsPath) -> Option<Self> {
        let name = path.segments().iter().rev().find_map(|segment| match segment {
            PathSegment::Key(name) => Some(name.as_str()),
            PathSegment::Index(_) | PathSegment::All => None,
        })?;
        TELLING.iter().find(|(names, _)| names.contains(&name)).map(|(_, what)| *what)
    }
}

impl CredentialQuery {
    /// What it asks too much of every holder: not what they may replace by something else.
    #[must_use]
    pub fn over_asked(&self) -> Vec<OverAsked> {
        let claims = self.claims.all();
        let cannot_be_replaced = |claim: &&ClaimQuery| !is_alternative(&self.claims, &claim.path);
        over_asked(claims.iter().filter(cannot_be_replaced), claims.len())
    }
}

impl QueryMatches {
    /// What one way to answer tells that most purposes do not need.
    #[must_use]
    pub fn over_asked(&self, choice: &ClaimSetChoice) -> Vec<OverAsked> {
        let claims = match (&self.query.claims, choice.claim_set) {
            (ClaimsSelection::OneOf { claims, sets }, Some(set)) => {
                let set = sets.get(set).map(Vec::as_slice).unwrap_or_default();
                set.iter().filter_map(|place| claims.get(*place)).collect()
            }
            (claims, _) => claims.all().iter().collect::<Vec<_>>(),
        };
        over_asked(claims.iter().copied(), claims.len())
    }
}

fn over_asked<'c>(claims: impl Iterator<Item = &'c ClaimQuery>, count: usize) -> Vec<OverAsked> {
    let of_claim = |ClaimQuery { path, .. }: &ClaimQuery| {
        Some(OverAsked { what: OverAsking::of_claim(path)?, path: Some(path.clone()) })
    };
    let many = OverAsked { what: OverAsking::ManyClaims, path: None };
    claims.filter_map(of_claim).chain((count > MANY_CLAIMS).then_some(many)).collect()
}

/// Whether some set of claims would answer the query without this one.
fn is_alternative(claims: &ClaimsSelection, path: &ClaimsPath) -> bool {
    let ClaimsSelection::OneOf { claims, sets } = claims else { return false };
    let has = |set: &Vec<usize>| set.iter().any(|place| claims[*place].path == *path);
    !sets.iter().all(has)
}
