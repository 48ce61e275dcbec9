//! Name constraints, as far as DNS names go (RFC 5280 §4.2.1.10).

use x509_cert::ext::pkix::{NameConstraints, constraints::name::GeneralSubtree, name::GeneralName};

use super::ChainError;

/// Holds the alternative names of a certificate to the constraints of an authority above it.
pub(super) fn check(
    names: &[GeneralName],
    constraints: &NameConstraints,
) -> Result<(), ChainError> {
    let permitted = dns_subtrees(constraints.permitted_subtrees.as_deref())?;
    let excluded = dns_subtrees(constraints.excluded_subtrees.as_deref())?;
    for name in dns_names(names) {
        let name = name.to_ascii_lowercase();
        if excluded.iter().flatten().any(|subtree| may_fall_into(&name, subtree)) {
            return Err(ChainError::NameConstraint);
        }
        if permitted.as_ref().is_some_and(|all| !all.iter().any(|one| is_within(&name, one))) {
            return Err(ChainError::NameConstraint);
        }
    }
    Ok(())
}

/// The DNS names among alternative names.
pub(super) fn dns_names(names: &[GeneralName]) -> impl Iterator<Item = &str> {
    names.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str()),
        _ => None,
    })
}

fn dns_subtrees(subtrees: Option<&[GeneralSubtree]>) -> Result<Option<Vec<String>>, ChainError> {
    let Some(subtrees) = subtrees else { return Ok(None) };
    let base = |subtree: &GeneralSubtree| match (&subtree.base, subtree.minimum, subtree.maximum) {
        (GeneralName::DnsName(base), 0, None) => Ok(base.as_str().to_ascii_lowercase()),
        // RFC 5280 §4.2.1.10: a constraint that cannot be applied refuses the certificate
        _ => Err(ChainError::NameConstraintNotSupported),
    };
    subtrees.iter().map(base).collect::<Result<_, _>>().map(Some)
}

/// Zero or more labels added on the left of the subtree's name.
fn is_within(name: &str, subtree: &str) -> bool {
    match name.strip_suffix(subtree) {
        Some(left) => {
            left.is_empty() || subtree.is_empty() || left.ends_with('.') || subtree.starts_with('.')
        }
        None => false,
    }
}

/// As [`is_within`], and a wildcard also when one of the names it stands for is within.
fn may_fall_into(name: &str, subtree: &str) -> bool {
    is_within(name, subtree)
        || name.strip_prefix("*.").is_some_and(|parent| is_within(subtree, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_within_a_subtree_by_whole_labels() {
        for (name, subtree) in [
            ("a.example", "a.example"),
            ("b.a.example", "a.example"),
            ("b.a.example", ".a.example"),
            ("a", ""),
        ] {
            assert!(is_within(name, subtree), "{name} {subtree}");
        }
        for (name, subtree) in
            [("ba.example", "a.example"), ("a.example", ".a.example"), ("example", "a.example")]
        {
            assert!(!is_within(name, subtree), "{name} {subtree}");
        }
    }

    #[test]
    fn a_wildcard_falls_into_a_subtree_below_it() {
        assert!(may_fall_into("*.example", "a.example"));
        assert!(!may_fall_into("*.example", "a.other"));
    }
}
