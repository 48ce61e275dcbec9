//! Name constraints, of which those about DNS names can be applied (RFC 5280 §4.2.1.10).

use std::mem::discriminant;

use x509_cert::ext::pkix::{NameConstraints, constraints::name::GeneralSubtree, name::GeneralName};

use super::{ChainError, certificate::Certificate};

/// Holds the names of a certificate to the constraints of an authority above it.
pub(super) fn check(
    certificate: &Certificate,
    constraints: &NameConstraints,
) -> Result<(), ChainError> {
    let permitted = dns_subtrees(certificate, constraints.permitted_subtrees.as_deref())?;
    let excluded = dns_subtrees(certificate, constraints.excluded_subtrees.as_deref())?;
    for name in dns_names(&certificate.alternative_names) {
        let name = name.to_ascii_lowercase();
        if excluded.iter().any(|subtree| may_fall_into(&name, subtree)) {
            return Err(ChainError::NameConstraint);
        }
        // RFC 5280 §4.2.1.10: names of a form that no permitted subtree is about are all permitted
        if !permitted.is_empty() && !permitted.iter().any(|one| is_within(&name, one)) {
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

/// The subtrees of DNS names.
///
/// RFC 5280 §4.2.1.10: a constraint that is about a name of the certificate and cannot be applied refuses it.
fn dns_subtrees(
    certificate: &Certificate,
    subtrees: Option<&[GeneralSubtree]>,
) -> Result<Vec<String>, ChainError> {
    let mut dns = Vec::new();
    for subtree in subtrees.into_iter().flatten() {
        match (&subtree.base, subtree.minimum, subtree.maximum) {
            (GeneralName::DnsName(base), 0, None) => dns.push(base.as_str().to_ascii_lowercase()),
            (base, ..) if concerns(base, certificate) => {
                return Err(ChainError::NameConstraintNotSupported);
            }
            _ => {}
        }
    }
    Ok(dns)
}

/// Whether a certificate has a name of this form.
fn concerns(base: &GeneralName, certificate: &Certificate) -> bool {
    match base {
        // the subject is one
        GeneralName::DirectoryName(_) => true,
        // and may have one in it
        GeneralName::Rfc822Name(_) if certificate.has_email_address() => true,
        base => {
            let form = discriminant(base);
            certificate.alternative_names.iter().any(|name| discriminant(name) == form)
        }
    }
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
