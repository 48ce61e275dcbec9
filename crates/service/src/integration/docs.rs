//! The description of the API as a page: plain HTML, no scripts.

use std::fmt::Write as _;

use super::Described;
use crate::http::api::{Operation, Verb};

pub(super) const STYLESHEET: &str = include_str!("docs.css");

/// Writes the page.
pub(super) fn page(described: &[Described]) -> String {
    let operations: Vec<&Operation> =
        described.iter().flat_map(|(operations, _)| operations).collect();
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Integrator API</title><link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body><main>\
         <h1>Integrator API</h1>\
         <p>How your own systems issue, verify and look after credentials. Every call carries an API key of \
         the tenant, <code>Authorization: Bearer lyk_…</code>; <code>lanyard api-key create</code> makes one. \
         The same as a document: <a href=\"/api/openapi.json\">OpenAPI 3.1</a>.</p>",
    );
    page.push_str("<nav><ul>");
    for operation in &operations {
        let _ = write!(
            page,
            "<li><a href=\"#{}\"><span class=\"verb {}\">{}</span> {}</a></li>",
            operation.id,
            operation.verb.as_str(),
            operation.verb.as_str().to_uppercase(),
            escaped(operation.path)
        );
    }
    page.push_str("</ul></nav>");
    operations.iter().for_each(|operation| section(&mut page, operation));
    page.push_str("</main></body></html>");
    page
}

fn section(page: &mut String, operation: &Operation) {
    let verb = operation.verb.as_str();
    let _ = write!(
        page,
        "<section id=\"{}\"><h2><span class=\"verb {verb}\">{}</span> <code>{}</code></h2><p>{}</p>\
         <dl><dt>Scope</dt><dd><code>{}</code></dd>",
        operation.id,
        verb.to_uppercase(),
        escaped(operation.path),
        escaped(operation.summary),
        operation.scope
    );
    for (name, meaning) in &operation.query {
        let _ = write!(page, "<dt><code>?{name}=</code></dt><dd>{}</dd>", escaped(meaning));
    }
    if operation.once {
        page.push_str(
            "<dt><code>Idempotency-Key</code></dt><dd>The same key and body: done once, answered the same \
             for 24 hours.</dd>",
        );
    }
    let success = &operation.success;
    let kind = success.body.map(|(media_type, _)| media_type).unwrap_or("no body");
    let _ = write!(
        page,
        "<dt>Answers</dt><dd>{} {} ({kind})</dd></dl><pre><code>{}</code></pre></section>",
        success.status,
        success.meaning,
        escaped(&example(operation))
    );
}

/// The call, for a terminal: the key, the server and the tenant come from the environment.
fn example(operation: &Operation) -> String {
    let path = operation.path.replace("{tenant}", "$LANYARD_TENANT").replace("{id}", "$ID");
    let mut call = String::from("curl");
    if operation.verb == Verb::Delete {
        call.push_str(" -X DELETE");
    }
    if operation.verb == Verb::Post && operation.body.is_none() {
        call.push_str(" -X POST");
    }
    let _ = write!(
        call,
        " \"$LANYARD_SERVER{path}\" \\\n  -H \"Authorization: Bearer $LANYARD_API_KEY\""
    );
    if let Some((_, body)) = &operation.body {
        // a JSON example has no apostrophe in it that would end the quotes
        let body = format!("{body:#}").replace('\'', "\\u0027");
        let _ = write!(call, " \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'");
    }
    call
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
