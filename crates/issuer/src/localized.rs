//! Metadata in the languages of wallets: made once for all that ask in the same words, as phones of one language do.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderValue;
use lanyard_core::crypto::CryptoProvider;

use crate::tenant::{Document, Tenant};

/// How many are kept, of all tenants together: each takes as much as the tenant's metadata.
const MOST: usize = 64;

/// The longest `Accept-Language` that something is kept for; those of browsers and phones are shorter.
const LONGEST: usize = 128;

/// What was asked for lately.
#[derive(Default)]
pub(crate) struct Localized(Mutex<HashMap<Asked, Arc<InLanguage>>>);

/// The whole metadata's `ETag`, and the `Accept-Language`.
type Asked = (HeaderValue, Box<str>);

/// The metadata of a tenant, for one `Accept-Language`.
#[derive(Debug)]
pub(crate) struct InLanguage {
    pub(crate) document: Document,
    /// The language, if there is one that everything was had in.
    pub(crate) language: Option<String>,
}

impl Localized {
    /// The metadata of a tenant in the best of these languages (OID4VCI 1.0 §12.2.2).
    pub(crate) fn of(
        &self,
        tenant: &Tenant,
        accepted: &str,
        provider: &dyn CryptoProvider,
    ) -> Arc<InLanguage> {
        let whole = &tenant.issuer_metadata;
        self.kept(&whole.etag, accepted, || {
            let (metadata, language) = tenant.issuer.metadata().in_language(accepted);
            let document = Document::new(metadata.to_json(), provider, whole.since);
            InLanguage { document, language }
        })
    }

    fn kept(
        &self,
        whole: &HeaderValue,
        accepted: &str,
        make: impl FnOnce() -> InLanguage,
    ) -> Arc<InLanguage> {
        let asked = (whole.clone(), Box::from(accepted));
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().get(&asked) {
            return Arc::clone(known);
        }
        let made = Arc::new(make());
        if accepted.len() <= LONGEST {
            let mut kept = kept();
            // inventing languages empties the cache, which then costs as much as having none
            if kept.len() >= MOST {
                kept.clear();
            }
            kept.insert(asked, Arc::clone(&made));
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jiff::Timestamp;
    use lanyard_core::crypto::RustCrypto;

    use super::*;

    /// Asks, and counts how often something is made.
    fn ask(localized: &Localized, made: &Cell<usize>, whole: &'static str, accepted: &str) {
        let whole = HeaderValue::from_static(whole);
        localized.kept(&whole, accepted, || {
            made.set(made.get() + 1);
            let document = Document::new(b"{}".to_vec(), &RustCrypto, Timestamp::UNIX_EPOCH);
            InLanguage { document, language: None }
        });
    }

    #[test]
    fn it_is_made_once_for_the_same_words_and_anew_for_other_metadata() {
        let (localized, made) = (Localized::default(), Cell::new(0));
        for (whole, accepted, times) in [
            ("\"one\"", "de", 1),
            ("\"one\"", "de", 1),
            ("\"one\"", "fr", 2),
            ("\"two\"", "de", 3),
            ("\"one\"", "fr", 3),
        ] {
            ask(&localized, &made, whole, accepted);
            assert_eq!(made.get(), times, "{whole} {accepted}");
        }
    }

    #[test]
    fn made_up_languages_take_no_more_room_than_a_few() {
        let (localized, made) = (Localized::default(), Cell::new(0));
        for nth in 0..10 * MOST {
            ask(&localized, &made, "\"one\"", &format!("x-{nth}"));
        }
        assert!(localized.0.lock().unwrap().len() <= MOST);
        let long = "de,".repeat(LONGEST);
        let before = localized.0.lock().unwrap().len();
        ask(&localized, &made, "\"one\"", &long);
        assert_eq!(localized.0.lock().unwrap().len(), before);
    }
}
