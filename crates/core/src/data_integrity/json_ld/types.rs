//! What types are called once the contexts are applied, without reading the rest of a document.

use serde_json::Value;

use super::{
    Contexts,
    context::{ActiveContext, Expanded, LocalContext, MAX_ENTRIES, Processor},
};

/// Expands types by the contexts that name them (JSON-LD 1.1 Processing §5.2).
///
/// A context that is not known, or that breaks a rule, counts as one that defines nothing: a type that no
/// other context defines stays as it is written. So does what more contexts say than credentials have. Only to find a credential by its types, never to verify one.
pub(crate) fn expand_types<'t>(
    names: &[Value],
    types: impl Iterator<Item = &'t str>,
    contexts: &Contexts,
) -> Vec<String> {
    let mut processor = Processor::new(contexts);
    let mut active = ActiveContext::initial();
    for name in names.iter().take(MAX_ENTRIES) {
        let entered = LocalContext::read(name, false)
            .and_then(|local| processor.enter(&active, &local, true, false));
        if let Ok(entered) = entered {
            active = entered;
        }
    }
    let expand = |name: &str| match active.expand_vocab(name) {
        Ok(Expanded::Iri(iri)) => iri.to_string(),
        _ => name.to_owned(),
    };
    types.map(expand).collect()
}
