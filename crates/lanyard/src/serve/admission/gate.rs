//! Admission at the door: whoever is to come later is told so before there is a request to the router.

use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;

use super::{
    Admission, SPREAD,
    beginnings::{Beginning, by_target, path_of},
    said, seconds,
};
use crate::serve::{
    accept::{Gate, Judgement, Opening},
    observe,
};

/// Every answer that somebody hears who is to come later, as it goes over the connection.
pub(super) fn answers() -> [Bytes; SPREAD as usize] {
    std::array::from_fn(|nth| {
        let (seconds, body) = (seconds(nth as u64), said(nth as u64));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             retry-after: {seconds}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        Bytes::from(answer)
    })
}

impl Gate for Admission {
    fn is_pressed(&self, asking: usize) -> bool {
        let (now, press) = (Instant::now(), self.press(asking));
        self.watch(|watch| {
            watch.turn(now, press);
            watch.is_pressed(now, press)
        })
    }

    fn judges(&self, opening: &Opening<'_>, asking: usize) -> Judgement {
        let is_tenant = |text: &str| self.tenants.contains(text);
        let Some(begins) = by_target(opening.method, opening.target, is_tenant) else {
            return Judgement::Open;
        };
        // what is under way may be behind a login: its form tells
        if begins.beginning == Beginning::UnderWay {
            return Judgement::Open;
        }
        let now = Instant::now();
        self.try_a_turn(now);
        let client = self.clients.connected(opening.peer, opening.header("x-forwarded-for"));
        let askers = self.askers(begins.beginning, path_of(opening.target), client);
        let Some(turn) = self.turn(begins.beginning, askers, now) else { return Judgement::Open };
        if !self.turns_away(turn, now, asking) {
            return Judgement::LetPass;
        }
        let (method, route, status) =
            (begins.method.as_str(), begins.route, StatusCode::SERVICE_UNAVAILABLE);
        let nth = self.turned_away();
        if let Some(metrics) = &self.metrics {
            metrics.answered(route.to_owned(), method, status, now.elapsed());
        }
        observe::tell(method, route, status, now.elapsed());
        Judgement::Later(self.answers[(nth % SPREAD) as usize].clone())
    }
}
