//! The integrator API: every route with its scope and what is said about it.

use lanyard_service::{
    Scope,
    http::api::{Api, Operation, Verb},
};
use serde_json::json;

use super::{api, credentials, events, qr, subjects, vc_api};
use crate::IssuerService;

/// The schemas that the operations refer to.
pub(crate) const SCHEMAS: &str = include_str!("schemas.json");

/// The routes for integrators.
pub(crate) fn api() -> Api<IssuerService> {
    lifecycle(offers(Api::new()))
}

fn offers(api: Api<IssuerService>) -> Api<IssuerService> {
    let create = Operation::new(
        Verb::Post,
        "/api/{tenant}/offers",
        (
            "createOffer",
            "Make a credential offer; its link goes to the holder, as a QR code or a button.",
        ),
        Scope::OffersWrite,
        "OfferCreated",
    );
    let example = json!({
        "configuration": "employee_badge",
        "claims": {
            "employee_id": "E-4711",
            "given_name": "Erika",
            "family_name": "Mustermann",
            "department": "Engineering"
        },
        "subject": "E-4711"
    });
    let read = |path, id_and_summary, schema| {
        Operation::new(Verb::Get, path, id_and_summary, Scope::OffersRead, schema)
    };
    let write = |verb, path, id_and_summary| {
        Operation::new(verb, path, id_and_summary, Scope::OffersWrite, "Error").silent()
    };
    let item = "/api/{tenant}/offers/{id}";
    api.on(create.creating().once().takes("NewOffer", example), api::create)
        .on(
            read(
                item,
                ("readOffer", "See where an offer stands, and what happened so far."),
                "Offer",
            ),
            api::status,
        )
        .on(write(Verb::Delete, item, ("withdrawOffer", "Take an offer back.")), api::withdraw)
        .on(
            write(
                Verb::Post,
                "/api/{tenant}/offers/{id}/decision",
                ("decideOffer", "Release or deny what waits for a decision."),
            )
            .takes("Decision", json!({ "decision": "release" })),
            api::decide,
        )
        .on(
            read(
                "/api/{tenant}/offers/{id}/qr.svg",
                ("offerQrCode", "The link of a waiting offer as a QR code."),
                "Error",
            )
            .giving("image/svg+xml"),
            qr::svg,
        )
        .on(
            read(
                "/api/{tenant}/offers/{id}/events",
                ("watchOffer", "The trail of an offer as server-sent events, from its beginning."),
                "Error",
            )
            .giving("text/event-stream"),
            events::watch,
        )
}

fn lifecycle(api: Api<IssuerService>) -> Api<IssuerService> {
    let change = |path, id_and_summary, schema| {
        Operation::new(Verb::Post, path, id_and_summary, Scope::CredentialsWrite, schema)
    };
    let reason = || json!({ "reason": "left_company" });
    let many = || json!({ "subject": "E-4711", "reason": "left_company" });
    let search = Operation::new(
        Verb::Post,
        "/api/{tenant}/credentials/search",
        (
            "searchCredentials",
            "List issued credentials, newest first: all, those about a subject, or those of a configuration.",
        ),
        Scope::CredentialsRead,
        "CredentialPage",
    );
    let read = Operation::new(
        Verb::Get,
        "/api/{tenant}/credentials/{id}",
        ("readCredential", "See what became of a credential, and why."),
        Scope::CredentialsRead,
        "Credential",
    );
    let issue = Operation::new(
        Verb::Post,
        "/api/{tenant}/credentials/issue",
        ("issueByVcApi", "Secure a credential (VC API), where the server has it switched on."),
        Scope::CredentialsIssue,
        "Any",
    );
    let bit = Operation::new(
        Verb::Post,
        "/api/{tenant}/credentials/status",
        (
            "setStatusByVcApi",
            "Set or clear the status of a credential (VC API), where that is switched on.",
        ),
        Scope::CredentialsWrite,
        "CredentialStatus",
    );
    let erase = Operation::new(
        Verb::Post,
        "/api/{tenant}/subjects/erase",
        (
            "eraseSubject",
            "Revoke and forget everything about a subject; the answer proves what was erased.",
        ),
        Scope::SubjectsErase,
        "Erasure",
    );
    let set = change(
        "/api/{tenant}/credentials/{id}/status",
        ("setStatus", "Set the status of a credential: valid, suspended or revoked."),
        "CredentialStatus",
    );
    let one =
        |path, id, summary| change(path, (id, summary), "Credential").takes("Reason", reason());
    let all = |path, id, summary| change(path, (id, summary), "Changed").takes("Many", many());
    let reissue = change(
        "/api/{tenant}/credentials/{id}/reissue",
        (
            "reissueCredential",
            "Offer the credential anew, with fresh claims and for the same subject; the old one is revoked.",
        ),
        "OfferCreated",
    );
    api.on(search.takes("Search", json!({ "subject": "E-4711", "limit": 20 })), credentials::search)
        .on(read, credentials::read)
        .on(set.takes("Status", json!({ "status": "suspended" })), credentials::set_status)
        .on(
            one(
                "/api/{tenant}/credentials/{id}/suspend",
                "suspendCredential",
                "Suspend a credential: it is not valid until it is reinstated.",
            ),
            credentials::suspend,
        )
        .on(
            one(
                "/api/{tenant}/credentials/{id}/reinstate",
                "reinstateCredential",
                "Make a suspended credential valid again.",
            ),
            credentials::reinstate,
        )
        .on(
            one(
                "/api/{tenant}/credentials/{id}/revoke",
                "revokeCredential",
                "Revoke a credential, for good.",
            ),
            credentials::revoke,
        )
        .on(
            reissue.creating().once().takes(
                "Reissue",
                json!({
                    "claims": {
                        "employee_id": "E-4711",
                        "given_name": "Erika",
                        "family_name": "Mustermann",
                        "department": "Research"
                    },
                    "reason": "superseded"
                }),
            ),
            credentials::reissue,
        )
        .on(
            all(
                "/api/{tenant}/credentials/suspend",
                "suspendCredentials",
                "Suspend all credentials about a subject, or of a configuration.",
            ),
            credentials::suspend_many,
        )
        .on(
            all(
                "/api/{tenant}/credentials/reinstate",
                "reinstateCredentials",
                "Make all suspended credentials about a subject, or of a configuration, valid again.",
            ),
            credentials::reinstate_many,
        )
        .on(
            all(
                "/api/{tenant}/credentials/revoke",
                "revokeCredentials",
                "Revoke all credentials about a subject, or of a configuration, for good.",
            ),
            credentials::revoke_many,
        )
        .on(
            issue.creating().once().takes(
                "Any",
                json!({
                    "credential": {
                        "@context": ["https://www.w3.org/ns/credentials/v2"],
                        "type": ["VerifiableCredential"],
                        "credentialSubject": { "id": "did:example:subject" }
                    }
                }),
            ),
            vc_api::issue,
        )
        .on(
            bit.takes(
                "Any",
                json!({
                    "credentialId": "0190163d8694739b8b1b7c1b1b1b1b1b",
                    "credentialStatus": {
                        "type": "BitstringStatusListEntry",
                        "statusPurpose": "suspension"
                    },
                    "status": true
                }),
            ),
            vc_api::set_status,
        )
        .on(erase.takes("Subject", json!({ "subject": "E-4711" })), subjects::erase)
}
