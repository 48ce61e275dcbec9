//! The integrator API: every route with its scope and what is said about it.

use lanyard_service::{
    Scope,
    http::api::{Api, Operation, Verb},
};
use serde_json::json;

use super::{api, events, evidence, qr, vc_api};
use crate::VerifierService;

/// The schemas that the operations refer to.
pub(crate) const SCHEMAS: &str = include_str!("schemas.json");

/// The routes for integrators.
pub(crate) fn api() -> Api<VerifierService> {
    w3c(saved(evidence(requests(Api::new()))))
}

fn requests(routes: Api<VerifierService>) -> Api<VerifierService> {
    let create = Operation::new(
        Verb::Post,
        "/api/{tenant}/requests",
        (
            "createRequest",
            "Ask for a presentation; its link goes to the holder, as a QR code or a button.",
        ),
        Scope::RequestsWrite,
        "RequestCreated",
    );
    let example = json!({
        "dcql_query": {
            "credentials": [{
                "id": "badge",
                "format": "dc+sd-jwt",
                "meta": { "vct_values": ["https://example.com/employee_badge"] },
                "claims": [{ "path": ["given_name"] }]
            }]
        },
        "purpose": "To let you in",
        "expires_in": 300
    });
    let read = |path, id_and_summary, schema| {
        Operation::new(Verb::Get, path, id_and_summary, Scope::RequestsRead, schema)
    };
    let item = "/api/{tenant}/requests/{id}";
    let cancel =
        ("cancelRequest", "Take a request back; one that has ended is erased with its result.");
    let back = Operation::new(
        Verb::Post,
        "/api/{tenant}/requests/{id}/return",
        (
            "finishRequest",
            "Give the response code that the browser came back with; the result is the answer.",
        ),
        Scope::RequestsRead,
        "Request",
    );
    let by_platform = Operation::new(
        Verb::Post,
        "/api/{tenant}/requests/{id}/dc-api",
        ("answerByDcApi", "Give what the platform answered through the Digital Credentials API."),
        Scope::RequestsWrite,
        "Any",
    );
    routes
        .on(create.creating().once().takes("NewRequest", example), api::create)
        .on(
            read(
                item,
                ("readRequest", "See how far a request is, and the verdict once there is one."),
                "Request",
            ),
            api::status,
        )
        .on(
            Operation::new(Verb::Delete, item, cancel, Scope::RequestsWrite, "Error").silent(),
            api::cancel,
        )
        .on(
            by_platform.takes(
                "DcApiAnswer",
                json!({
                    "protocol": "openid4vp-v1-signed",
                    "data": { "response": "eyJ…" },
                    "origin": "https://shop.example"
                }),
            ),
            api::answer_dc_api,
        )
        .on(back.takes("Return", json!({ "response_code": "…" })), api::finish)
        .on(
            read(
                "/api/{tenant}/requests/{id}/qr.svg",
                ("requestQrCodeSvg", "The link of a waiting request as a QR code, drawn in SVG."),
                "Error",
            )
            .giving("image/svg+xml"),
            qr::svg,
        )
        .on(
            read(
                "/api/{tenant}/requests/{id}/qr.png",
                ("requestQrCodePng", "The link of a waiting request as a QR code, painted in PNG."),
                "Error",
            )
            .giving("image/png"),
            qr::png,
        )
        .on(
            read(
                "/api/{tenant}/requests/{id}/qr",
                (
                    "requestQrCode",
                    "The link of a waiting request as a QR code, in what Accept asks for.",
                ),
                "Error",
            )
            .giving("image/*"),
            qr::negotiated,
        )
        .on(
            read(
                "/api/{tenant}/requests/{id}/events",
                ("watchRequest", "The trail of a request as server-sent events, until it ends."),
                "Error",
            )
            .giving("text/event-stream"),
            events::watch,
        )
}

fn evidence(routes: Api<VerifierService>) -> Api<VerifierService> {
    let read = |path, id_and_summary, schema| {
        Operation::new(Verb::Get, path, id_and_summary, Scope::RequestsRead, schema)
    };
    let trial = Operation::new(
        Verb::Post,
        "/api/{tenant}/policies/test",
        ("tryPolicy", "Try a policy on a recorded response; nothing is kept."),
        Scope::RequestsRead,
        "Any",
    );
    let rule = json!({
        "id": "adult", "title": "Is an adult", "credential": "pid", "expression": "claims.age_over_18"
    });
    routes
        .on(
            read(
                "/api/{tenant}/requests/{id}/receipt",
                (
                    "requestReceipt",
                    "A signed receipt of the verdict; with ?claims=included the claims are in it.",
                ),
                "Error",
            )
            .giving("application/verification-receipt+jwt"),
            evidence::receipt,
        )
        .on(
            read(
                "/api/{tenant}/requests/{id}/recording",
                ("requestRecording", "The response as it came, where the request has record."),
                "Any",
            ),
            evidence::recording,
        )
        .on(
            trial.takes("PolicyTrial", json!({ "policy": { "rules": [rule] }, "request": "…" })),
            evidence::try_policy,
        )
}

fn saved(routes: Api<VerifierService>) -> Api<VerifierService> {
    let list = Operation::new(
        Verb::Get,
        "/api/{tenant}/presets",
        ("listPresets", "Every saved request, of the configuration and of this API."),
        Scope::RequestsRead,
        "Any",
    );
    let save = Operation::new(
        Verb::Post,
        "/api/{tenant}/presets",
        ("savePreset", "Save the next version of a request; earlier ones stay."),
        Scope::RequestsWrite,
        "SavedRequest",
    );
    let delete = Operation::new(
        Verb::Delete,
        "/api/{tenant}/presets/{name}",
        ("deletePreset", "Delete every version of a request that was saved by this API."),
        Scope::RequestsWrite,
        "Error",
    );
    let example = json!({
        "id": "front-desk",
        "title": "Who is at the front desk?",
        "purpose": "To let you in",
        "dcql_query": {
            "credentials": [{
                "id": "badge",
                "format": "dc+sd-jwt",
                "meta": { "vct_values": ["https://example.com/employee_badge"] },
                "claims": [{ "path": ["given_name"] }]
            }]
        }
    });
    routes
        .on(list, evidence::presets)
        .on(save.creating().takes("NewSavedRequest", example), evidence::save_preset)
        .on(delete.silent(), evidence::delete_preset)
}

fn w3c(routes: Api<VerifierService>) -> Api<VerifierService> {
    let verify = |path, id_and_summary| {
        Operation::new(Verb::Post, path, id_and_summary, Scope::CredentialsVerify, "Any")
    };
    let document = || json!({ "verifiableCredential": {}, "options": {} });
    routes
        .on(
            verify(
                "/api/{tenant}/credentials/verify",
                (
                    "verifyCredential",
                    "Verify a credential (VC API), where the server has it switched on.",
                ),
            )
            .takes("Any", document()),
            vc_api::verify_credential,
        )
        .on(
            verify(
                "/api/{tenant}/credentials/derive",
                ("deriveCredential", "Derive a credential that discloses less (VC API)."),
            )
            .creating()
            .takes("Any", document()),
            vc_api::derive,
        )
        .on(
            verify(
                "/api/{tenant}/presentations/verify",
                ("verifyPresentation", "Verify a presentation (VC API)."),
            )
            .takes("Any", json!({ "verifiablePresentation": {}, "options": {} })),
            vc_api::verify_presentation,
        )
}
