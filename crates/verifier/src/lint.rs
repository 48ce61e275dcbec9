//! What a query asks for that its purpose may not need: said before a holder is asked.

use lanyard_core::claims::{ClaimsPath, PathSegment};
use lanyard_oid4vp::dcql::{
    ClaimQuery, ClaimsSelection, CredentialQuery, CredentialQueryId, DcqlQuery,
};
use serde::Serialize;

/// More claims of one credential than a purpose commonly needs.
const MANY_CLAIMS: usize = 8;

/// A warning about a query; nothing is refused for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The stable name of the warning.
    pub code: &'static str,
    /// The credential query it is about.
    pub credential: CredentialQueryId,
    /// The claim it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<ClaimsPath>,
    /// What would do instead, for people.
    pub advice: &'static str,
}

/// A claim that says more than most purposes need.
struct Telling {
    /// Its names in the formats; one that stands for a whole object too.
    names: &'static [&'static str],
    code: &'static str,
    advice: &'static str,
}

/// Names of SD-JWT VC PIDs, of ISO mdocs and of common W3C vocabularies.
const TELLING: [Telling; 8] = [
    Telling {
        names: &["birthdate", "birth_date", "birthDate", "date_of_birth"],
        code: "birth_date",
        advice: "a date of birth identifies; to know that somebody is old enough, age_over_18 (or \
                 age_equal_or_over.18) is enough",
    },
    Telling {
        names: &["age_in_years", "age_birth_year"],
        code: "age",
        advice: "an age changes and tells a year of birth; to know that somebody is old enough, \
                 age_over_18 is enough",
    },
    Telling {
        names: &["portrait", "picture", "face", "enrolment_portrait_image"],
        code: "portrait",
        advice: "a portrait is biometric data; where nobody compares faces, holder binding shows who \
                 holds the credential",
    },
    Telling {
        names: &[
            "personal_administrative_number",
            "administrative_number",
            "document_number",
            "social_security_number",
            "tax_id_code",
        ],
        code: "unique_number",
        advice: "a number that is the same everywhere links people across verifiers; ask for it only \
                 where the law demands it",
    },
    Telling {
        names: &[
            "resident_address",
            "street_address",
            "resident_street",
            "streetAddress",
            "formatted",
        ],
        code: "street",
        advice: "a street and number say where somebody lives; where a country or a town is enough, ask \
                 for that",
    },
    Telling {
        names: &["sex", "gender"],
        code: "sex",
        advice: "sex is rarely needed to decide anything",
    },
    Telling {
        names: &["birth_family_name", "family_name_birth", "given_name_birth", "birth_given_name"],
        code: "birth_name",
        advice: "a name at birth says more than who somebody is now",
    },
    Telling {
        names: &["place_of_birth", "birth_place", "birthplace"],
        code: "birth_place",
        advice: "a place of birth is mostly asked for out of habit; nationality is another claim",
    },
];

/// Names of objects with a whole address.
const ADDRESS: [&str; 3] = ["address", "place_of_residence", "resident_address_object"];

/// Warns of everything in a query that asks for more than a purpose may need.
pub fn lint(query: &DcqlQuery) -> Vec<Advice> {
    query.credentials().iter().flat_map(of_credential).collect()
}

fn of_credential(query: &CredentialQuery) -> Vec<Advice> {
    let about = |code, path: Option<&ClaimsPath>, advice| Advice {
        code,
        credential: query.id.clone(),
        path: path.cloned(),
        advice,
    };
    let mut found = Vec::new();
    let claims = query.claims.all();
    for ClaimQuery { path, .. } in claims {
        // whoever may show something else instead is not made to show this
        if is_alternative(query, path) {
            continue;
        }
        let Some(name) = last_name(path) else { continue };
        if let Some(telling) = TELLING.iter().find(|telling| telling.names.contains(&name)) {
            found.push(about(telling.code, Some(path), telling.advice));
        } else if ADDRESS.contains(&name) {
            let advice = "the whole address says where somebody lives; where the country is enough, \
                          ask for [\"address\", \"country\"]";
            found.push(about("whole_address", Some(path), advice));
        }
    }
    if claims.is_empty() {
        let advice = "no claims are asked for: the holder shows what cannot be withheld, which is \
                      enough to know that they have the credential";
        found.push(about("no_claims", None, advice));
    }
    if claims.len() > MANY_CLAIMS {
        let advice = "this many claims are a profile; ask for those that decide something";
        found.push(about("many_claims", None, advice));
    }
    if !query.holder_binding {
        let advice = "without holder binding whoever has a copy can present it";
        found.push(about("no_holder_binding", None, advice));
    }
    found
}

/// Whether some set of claims would answer the query without this one.
fn is_alternative(query: &CredentialQuery, path: &ClaimsPath) -> bool {
    let ClaimsSelection::OneOf { claims, sets } = &query.claims else { return false };
    let has = |set: &Vec<usize>| set.iter().any(|place| claims[*place].path == *path);
    !sets.iter().all(has)
}

/// The name that a path ends with.
fn last_name(path: &ClaimsPath) -> Option<&str> {
    path.segments().iter().rev().find_map(|segment| match segment {
        PathSegment::Key(name) => Some(name.as_str()),
        PathSegment::Index(_) | PathSegment::All => None,
    })
}
