//! Who calls: an integrator, with an API key.

use axum::extract::FromRef;
use lanyard_service::http::Door;

use crate::VerifierService;

impl FromRef<VerifierService> for Door {
    fn from_ref(service: &VerifierService) -> Self {
        service.environment().door.clone()
    }
}
