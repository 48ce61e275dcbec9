//! Questions ready to ask, as far as the tenant's credential types answer them.

use lanyard_core::{
    claims::{ClaimsPath, PathSegment},
    credential::Format,
    mdoc::NameSpace,
};
use serde_json::{Value, json};

use crate::credential_type::CredentialType;
use crate::pages::Preset;

/// A question: what people read, and what wallets are asked.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) purpose: String,
    pub(crate) dcql: Value,
}

/// What one credential is asked for.
struct Part {
    id: &'static str,
    kind: &'static str,
    claims: &'static [&'static [&'static str]],
}

const NAME: [&[&str]; 2] = [&["given_name"], &["family_name"]];
const BADGE: Part =
    Part { id: "badge", kind: "employee_badge", claims: &[NAME[0], NAME[1], &["department"]] };
const DIPLOMA: Part = Part {
    id: "diploma",
    kind: "university_diploma",
    claims: &[&["degree"], &["field_of_study"], &["awarded_on"], &["university", "name"]],
};
const IDENTITY: Part = Part {
    id: "identity",
    kind: "verified_identity",
    claims: &[NAME[0], NAME[1], &["birthdate"], &["address"]],
};

const LICENCE: Part = Part {
    id: "licence",
    kind: "driving_licence",
    claims: &[
        &[NameSpace::MDL, "given_name"],
        &[NameSpace::MDL, "family_name"],
        &[NameSpace::MDL, "document_number"],
    ],
};
const TRAINING: Part = Part {
    id: "training",
    kind: "safety_training",
    claims: &[&["credentialSubject", "given_name"], &["credentialSubject", "course"]],
};

/// The presets that these types can answer.
pub(crate) fn presets(types: &[CredentialType]) -> Vec<Ready> {
    let known = |part: &Part| types.iter().find(|kind| kind.id == part.kind);
    let query = |part: &Part| known(part).map(|kind| credential(part.id, kind, &paths(part)));
    let mut found = Vec::new();
    let mut add = |id: &str, title: &str, purpose: &str, dcql: Option<Value>| {
        found.extend(dcql.map(|dcql| Ready {
            id: id.into(),
            title: title.into(),
            purpose: purpose.into(),
            dcql,
        }));
    };
    add(
        "badge",
        "Who is at the front desk?",
        "To let a colleague in, the desk needs a name and a department.",
        query(&BADGE).map(|badge| json!({ "credentials": [badge] })),
    );
    add(
        "age",
        "Over 18, and nothing else",
        "The shop learns one yes. No name, no date of birth.",
        known(&IDENTITY).map(over_18),
    );
    add(
        "diploma",
        "A degree",
        "What was awarded, where and when.",
        query(&DIPLOMA).map(|diploma| json!({ "credentials": [diploma] })),
    );
    let both = query(&BADGE).zip(query(&DIPLOMA));
    add(
        "both",
        "Two credentials at once",
        "A badge and a diploma in one answer.",
        both.map(|(badge, diploma)| json!({ "credentials": [badge, diploma] })),
    );
    let optional = query(&IDENTITY).zip(query(&DIPLOMA));
    add("optional", "One, and another if you like", "Who you are and where you live; a diploma only if the holder wants to add it.", optional.map(|(identity, diploma)| {
        json!({
            "credentials": [identity, diploma],
            "credential_sets": [{ "options": [["identity"]] }, { "options": [["diploma"]], "required": false }],
        })
    }));
    add(
        "licence",
        "A driving licence",
        "Who may drive, from an ISO mdoc: each element is asked for alone.",
        query(&LICENCE).map(|licence| json!({ "credentials": [licence] })),
    );
    add(
        "training",
        "A certificate of training",
        "Who was trained, in what; a W3C credential, which is always shown whole.",
        query(&TRAINING).map(|training| json!({ "credentials": [training] })),
    );
    if found.is_empty() { types.iter().map(whole).collect() } else { found }
}

fn paths(part: &Part) -> Vec<Vec<String>> {
    part.claims.iter().map(|path| path.iter().map(|name| (*name).to_owned()).collect()).collect()
}

pub(crate) fn credential(id: &str, kind: &CredentialType, claims: &[Vec<String>]) -> Value {
    let claims: Vec<_> = claims.iter().map(|path| json!({ "path": path })).collect();
    let meta = match kind.format {
        Format::MsoMdoc => json!({ "doctype_value": kind.doctype }),
        Format::JwtVcJson | Format::LdpVc => json!({ "type_values": [[kind.type_name()]] }),
        Format::SdJwtVc | Format::VcJwt | Format::VcSdJwt => json!({ "vct_values": [kind.vct] }),
    };
    json!({ "id": id, "format": kind.format.name(), "meta": meta, "claims": claims })
}

fn over_18(kind: &CredentialType) -> Value {
    let mut query = credential("age", kind, &[]);
    query["claims"] = json!([{ "path": ["age_over_18"], "values": [true] }]);
    json!({ "credentials": [query] })
}

/// For types of one's own: everything that every credential of the type has.
fn whole(kind: &CredentialType) -> Ready {
    let mandatory: Vec<_> = kind
        .claims
        .iter()
        .filter(|claim| claim.mandatory)
        .map(|claim| claim.path.clone())
        .collect();
    Ready {
        id: kind.id.clone(),
        title: kind.name.clone(),
        purpose: kind.description.clone(),
        dcql: json!({ "credentials": [credential("credential", kind, &mandatory)] }),
    }
}

impl Ready {
    /// The preset with the names of the claims it asks for.
    pub(crate) fn shown(&self, types: &[CredentialType]) -> Preset {
        Preset {
            id: self.id.clone(),
            title: self.title.clone(),
            purpose: self.purpose.clone(),
            claims: asked(&self.dcql, types),
        }
    }
}

/// The names of the claims that a query asks for.
pub(crate) fn asked(dcql: &Value, types: &[CredentialType]) -> Vec<String> {
    let list = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let mut names: Vec<String> = Vec::new();
    for credential in list(dcql, "credentials") {
        for claim in list(&credential, "claims") {
            let Some(path) = claim.get("path").and_then(|path| ClaimsPath::from_value(path).ok())
            else {
                continue;
            };
            let name = label(types, None, &path).replace(": ", " · ");
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// What a claim is called by the type it belongs to, or by any type, or by its own name in words.
pub(crate) fn label(types: &[CredentialType], vct: Option<&str>, path: &ClaimsPath) -> String {
    let keys: Vec<&str> = path.segments().iter().filter_map(key).collect();
    let of_type = types.iter().filter(|kind| vct.is_none_or(|vct| kind.type_name() == vct));
    for claim in of_type.flat_map(|kind| &kind.claims) {
        if claim.path == keys {
            return claim
                .under
                .as_ref()
                .map_or_else(|| claim.name.clone(), |under| format!("{under}: {}", claim.name));
        }
        if claim.path.len() > keys.len()
            && claim.path.iter().zip(&keys).all(|(one, other)| one == other)
            && let Some(under) = &claim.under
        {
            return under.clone();
        }
    }
    let words = keys.last().map(|name| name.replace(['_', '-'], " ")).unwrap_or_default();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn key(segment: &PathSegment) -> Option<&str> {
    match segment {
        PathSegment::Key(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lanyard_oid4vp::dcql::DcqlQuery;

    use super::{asked, presets, whole};
    use crate::demo::credential_types;

    #[test]
    fn every_preset_is_a_query_that_keeps_every_rule() {
        let types = credential_types().expect("readable");
        let presets = presets(&types);
        assert_eq!(presets.len(), 7);
        for preset in presets {
            assert!(DcqlQuery::from_value(&preset.dcql).is_ok(), "{}", preset.id);
        }
    }

    #[test]
    fn a_type_of_ones_own_is_asked_for_in_its_own_format() {
        for kind in credential_types().expect("readable") {
            let asked = &whole(&kind).dcql;
            let query = DcqlQuery::from_value(asked).expect("a query");
            assert_eq!(query.credentials()[0].format.format(), Some(kind.format), "{}", kind.id);
            assert!(!query.credentials()[0].format.types().is_empty(), "{}", kind.id);
        }
    }

    #[test]
    fn a_preset_names_its_claims_as_the_type_does() {
        let types = credential_types().expect("readable");
        let presets = presets(&types);
        assert_eq!(asked(&presets[0].dcql, &types), ["Given name", "Family name", "Department"]);
        assert_eq!(asked(&presets[2].dcql, &types)[3], "University · Name");
        assert_eq!(asked(&presets[4].dcql, &types)[3], "Address");
    }
}
