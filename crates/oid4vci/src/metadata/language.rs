//! Metadata in the languages that a wallet asked for (OID4VCI 1.0 §12.2.2, RFC 4647 §3.4).

use super::{ClaimDisplay, CredentialDisplay, CredentialIssuerMetadata, IssuerDisplay};

/// How many languages of a wallet are looked at.
const MOST: usize = 16;

/// Something that is shown in a language.
trait Localized {
    fn locale(&self) -> Option<&str>;
}

impl CredentialIssuerMetadata {
    /// The same in the best of the languages of an `Accept-Language`; what has none of them stays whole.
    ///
    /// Gives the language too, if there is one that everything was had in.
    #[must_use]
    pub fn in_language(mut self, accepted: &str) -> (Self, Option<String>) {
        let wanted = ranges(accepted);
        let mut found = Vec::new();
        found.push(choose(&mut self.display, &wanted));
        for configuration in self.credential_configurations_supported.values_mut() {
            let Some(metadata) = &mut configuration.credential_metadata else { continue };
            found.push(choose(&mut metadata.display, &wanted));
            for claim in &mut metadata.claims {
                found.push(choose(&mut claim.display, &wanted));
            }
        }
        let mut languages = found.into_iter().flatten();
        let first = languages.next();
        let language = first.filter(|first| languages.all(|other| other == *first));
        (self, language)
    }
}

/// Keeps what is in the language that is wanted most, and gives that; nothing changes where there is none.
fn choose<T: Localized>(all: &mut Vec<T>, wanted: &[&str]) -> Option<String> {
    let speaks = |range: &str, shown: &T| shown.locale().is_some_and(|locale| fits(range, locale));
    let best = wanted.iter().find(|range| all.iter().any(|shown| speaks(range, shown)))?;
    all.retain(|shown| speaks(best, shown));
    all.first().and_then(T::locale).map(str::to_owned)
}

/// RFC 4647 §3.4: `de-CH` is served by `de`, and `de` by `de-CH`.
fn fits(range: &str, locale: &str) -> bool {
    let head = |text: &str| text.split('-').next().unwrap_or_default().to_ascii_lowercase();
    range.eq_ignore_ascii_case(locale)
        || head(range) == head(locale) && (!range.contains('-') || !locale.contains('-'))
}

/// RFC 9110 §12.5.4: language ranges, the heaviest first; what weighs nothing is not wanted.
fn ranges(accepted: &str) -> Vec<&str> {
    let mut all: Vec<(f32, &str)> = accepted
        .split(',')
        .take(MOST)
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().filter(|tag| !tag.is_empty() && *tag != "*")?;
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            (weight > 0.0).then_some((weight, tag))
        })
        .collect();
    // stable: what weighs the same stays in the order of the header
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    all.into_iter().map(|(_, tag)| tag).collect()
}

impl Localized for IssuerDisplay {
    fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }
}

impl Localized for CredentialDisplay {
    fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }
}

impl Localized for ClaimDisplay {
    fn locale(&self) -> Option<&str> {
        self.locale.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(accepted: &str) -> Vec<&'static str> {
        let display = |name: &'static str, locale: &str| ClaimDisplay {
            name: name.to_owned(),
            locale: (!locale.is_empty()).then(|| locale.to_owned()),
        };
        let all = [("Name", "en"), ("Nom", "fr"), ("Nachname", "de-CH"), ("?", "")];
        let mut shown = all.map(|(name, locale)| display(name, locale)).to_vec();
        choose(&mut shown, &ranges(accepted));
        let name = |shown: &ClaimDisplay| all.into_iter().find(|(name, _)| *name == shown.name);
        shown.iter().filter_map(name).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_language_that_weighs_most_and_is_there_is_shown_alone() {
        for (accepted, expected) in [
            ("fr", "Nom"),
            ("FR-ca", "Nom"),
            ("it, de;q=0.5, fr;q=0.8", "Nom"),
            ("de", "Nachname"),
            ("de-CH", "Nachname"),
            ("fr;q=0, en;q=0.1", "Name"),
        ] {
            assert_eq!(names(accepted), [expected], "{accepted}");
        }
    }

    #[test]
    fn without_a_language_that_is_there_nothing_is_left_out() {
        for accepted in ["", "*", "it", "de-AT", "fr;q=0", "f", ";;,q=1"] {
            assert_eq!(names(accepted).len(), 4, "{accepted}");
        }
    }
}
