//! `GET /api/{tenant}/offers/{id}/events`: the trail as server-sent events, from its beginning.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use lanyard_service::http::IntegratorAtSession;
use lanyard_store::{SessionId, TenantId};
use tokio::sync::broadcast;

use super::{Failure, replies};
use crate::{IssuerService, TrailEvent};

/// After how long the store is asked again: another replica may have taken a step.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

pub(crate) async fn watch(
    State(service): State<IssuerService>,
    IntegratorAtSession { tenant, id }: IntegratorAtSession,
) -> Result<Response, Failure> {
    let live = service.subscribe(&tenant, id);
    let trail = service.offer_status(&tenant, id).await?.trail;
    let (told, ahead) = (Vec::new(), VecDeque::new());
    let mut watch = Watch { service, tenant, id, live, told, ahead };
    watch.tell(trail);
    let events = stream::unfold(watch, Watch::step);
    Ok(replies::unstored(Sse::new(events).keep_alive(KeepAlive::default()).into_response()))
}

/// A watcher of one trail: told what happened so far, then what happens, each event once.
struct Watch {
    service: IssuerService,
    tenant: TenantId,
    id: SessionId,
    live: broadcast::Receiver<TrailEvent>,
    told: Vec<TrailEvent>,
    ahead: VecDeque<TrailEvent>,
}

impl Watch {
    fn tell(&mut self, events: impl IntoIterator<Item = TrailEvent>) {
        for event in events {
            if !self.told.contains(&event) {
                self.told.push(event.clone());
                self.ahead.push_back(event);
            }
        }
    }

    async fn step(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(next) = self.ahead.pop_front() {
                let event = Event::default().event("trail").data(replies::to_json(&next));
                return Some((Ok(event), self));
            }
            tokio::select! {
                () = self.service.environment().stopped() => return None,
                event = self.live.recv() => match event {
                    Ok(event) => {
                        self.tell([event]);
                        continue;
                    }
                    // the watcher was too slow: what it missed is in the trail
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            match self.service.offer_status(&self.tenant, self.id).await {
                Ok(status) => self.tell(status.trail),
                // a store that is away comes back; an offer that is gone does not
                Err(crate::IssuerError::Store(_)) => {}
                Err(_) => return None,
            }
        }
    }
}
