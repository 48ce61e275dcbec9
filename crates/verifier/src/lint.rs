//! What a query asks for that its purpose may not need: said before a holder is asked.

use lanyard_core::claims::ClaimsPath;
use lanyard_oid4vp::dcql::{CredentialQuery, CredentialQueryId, DcqlQuery, OverAsked};
use serde::Serialize;

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

/// Warns of everything in a query that asks for more than a purpose may need, as holders are warned of it too, and of
/// what makes the answer worth less.
pub fn lint(query: &DcqlQuery) -> Vec<Advice> {
    query.credentials().iter().flat_map(of_credential).collect()
}

fn of_credential(query: &CredentialQuery) -> Vec<Advice> {
    let about = |code, path: Option<ClaimsPath>, advice| Advice {
        code,
        credential: query.id.clone(),
        path,
        advice,
    };
    let over_asked =
        |OverAsked { what, path }: OverAsked| about(what.code(), path, what.to_verifier());
    let mut found: Vec<_> = query.over_asked().into_iter().map(over_asked).collect();
    if query.claims.all().is_empty() {
        let advice = "no claims are asked for: the holder shows what cannot be withheld, which is \
                      enough to know that they have the credential";
        found.push(about("no_claims", None, advice));
    }
    if !query.holder_binding {
        let advice = "without holder binding whoever has a copy can present it";
        found.push(about("no_holder_binding", None, advice));
    }
    found
}
