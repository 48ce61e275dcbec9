//! `GET /api/{tenant}/offers/{id}/events`: the trail as server-sent events, from its beginning.

use std::{convert::Infallible, future::pending};

use axum::{
    extract::State,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::{broadcast, watch};

use super::{Failure, callers::IntegratorAtOffer, replies};
use crate::{IssuerService, TrailEvent};

pub(crate) async fn watch(
    State(service): State<IssuerService>,
    IntegratorAtOffer { tenant, id }: IntegratorAtOffer,
) -> Result<Response, Failure> {
    let live = service.subscribe(&tenant.id, id);
    let trail = service.offer_status(&tenant.id, id).await?.trail;
    let events = told_once(trail, live, service.shutdown()).map(as_event);
    Ok(replies::unstored(Sse::new(events).keep_alive(KeepAlive::default()).into_response()))
}

fn as_event(event: TrailEvent) -> Result<Event, Infallible> {
    Ok(Event::default().event("trail").data(replies::to_json(&event)))
}

/// What happened so far, then what happens, each event once, until the server stops.
fn told_once(
    trail: Vec<TrailEvent>,
    live: broadcast::Receiver<TrailEvent>,
    shutdown: watch::Receiver<bool>,
) -> impl Stream<Item = TrailEvent> {
    let known = trail.clone();
    let live = stream::unfold((live, shutdown), |(mut live, mut shutdown)| async move {
        loop {
            tokio::select! {
                () = stopped(&mut shutdown) => return None,
                event = live.recv() => match event {
                    Ok(event) => return Some((event, (live, shutdown))),
                    // the watcher was too slow: what it missed is in the status
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
            }
        }
    });
    let live = live.filter(move |event| {
        let new = !known.contains(event);
        async move { new }
    });
    stream::iter(trail).chain(live)
}

async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    if shutdown.wait_for(|stopped| *stopped).await.is_err() {
        // whoever could have said so is gone: the stream ends with its connection
        pending::<()>().await;
    }
}
