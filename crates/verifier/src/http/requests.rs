//! `GET|POST /{tenant}/requests/{id}`: the request object (OID4VP 1.0 §5.7, §5.10).

use axum::{extract::State, response::Response};

use super::{Failure, body::WalletForm, paths::AtRequest, replies};
use crate::{
    VerifierService,
    fetch::{self, WalletPost},
};

pub(crate) async fn fetch(
    State(service): State<VerifierService>,
    AtRequest { tenant, path }: AtRequest,
) -> Result<Response, Failure> {
    let object = service.request_object(&tenant, &path, &WalletPost::default()).await?;
    Ok(replies::request_object(object))
}

pub(crate) async fn fetch_by_post(
    State(service): State<VerifierService>,
    AtRequest { tenant, path }: AtRequest,
    WalletForm(body): WalletForm,
) -> Result<Response, Failure> {
    let wallet = fetch::wallet_post(&body)?;
    let object = service.request_object(&tenant, &path, &wallet).await?;
    Ok(replies::request_object(object))
}
