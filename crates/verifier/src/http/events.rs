//! `GET /api/{tenant}/requests/{id}/events`: the trail as server-sent events, from its beginning until
//! the request ends.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use lanyard_service::http::IntegratorAtSession;
use lanyard_store::SessionId;
use serde_json::json;
use tokio::sync::broadcast;

use super::{Failure, replies};
use crate::{RequestStatus, TrailEvent, VerifierService, tenant::Tenant};

/// After how long the store is asked again: another process, or time itself, may have changed something.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub(crate) async fn watch(
    State(service): State<VerifierService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    let tenant = Arc::clone(service.known_tenant(&tenant)?);
    let live = service.subscribe(&tenant.id, id);
    let (status, trail) = service.progress(&tenant, id).await?;
    let mut watch = Watch { service, tenant, id, live, told: 0, ahead: VecDeque::new() };
    watch.tell(&status, trail);
    let events = stream::unfold(watch, Watch::step);
    Ok(replies::unstored(Sse::new(events).keep_alive(KeepAlive::default()).into_response()))
}

/// A watcher of one trail.
struct Watch {
    service: VerifierService,
    tenant: Arc<Tenant>,
    id: SessionId,
    live: broadcast::Receiver<TrailEvent>,
    /// How much of the trail was told.
    told: usize,
    /// What is to be told next; nothing stands for the end.
    ahead: VecDeque<Option<Event>>,
}

impl Watch {
    fn tell(&mut self, status: &RequestStatus, trail: Vec<TrailEvent>) {
        let news = trail.iter().skip(self.told);
        let event = |event| Event::default().event("trail").data(replies::to_json(event));
        self.ahead.extend(news.map(event).map(Some));
        self.told = self.told.max(trail.len());
        if !status.open && status.state != crate::RequestState::Responded {
            let end = json!({ "state": status.state }).to_string();
            self.ahead.extend([Some(Event::default().event("end").data(end)), None]);
        }
    }

    async fn step(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(next) = self.ahead.pop_front() {
                return next.map(|event| (Ok(event), self));
            }
            // each event on the channel is a reason to read the trail; one that was missed is in it too
            tokio::select! {
                () = self.service.environment().stopped() => return None,
                event = self.live.recv() => {
                    if let Err(broadcast::error::RecvError::Closed) = event {
                        return None;
                    }
                }
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            let (status, trail) = self.service.progress(&self.tenant, self.id).await.ok()?;
            self.tell(&status, trail);
        }
    }
}
