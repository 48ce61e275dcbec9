//! One request as a span.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::parent::{TraceParent, hex};
use super::{attribute, nanoseconds};

/// `SPAN_KIND_SERVER`
const SERVER: u8 = 2;

/// `STATUS_CODE_ERROR`
const ERROR: u8 = 2;

/// A request that was answered.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) here: TraceParent,
    /// The span of the caller.
    pub(super) parent: Option<[u8; 8]>,
    pub(super) begun: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
    pub(super) steps: Vec<Step>,
}

/// A step of a protocol.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) flow: &'static str,
    pub(super) step: String,
    pub(super) reason: String,
}

impl Span {
    /// As OTLP has it, with the names of the semantic conventions for HTTP servers.
    pub(super) fn to_json(&self) -> Value {
        let events: Vec<_> = self.steps.iter().map(Step::to_json).collect();
        let mut span = json!({
            "traceId": hex(&self.here.trace),
            "spanId": hex(&self.here.span),
            "flags": u32::from(self.here.is_sampled),
            "name": format!("{} {}", self.method, self.route),
            "kind": SERVER,
            "startTimeUnixNano": nanoseconds(self.begun),
            "endTimeUnixNano": nanoseconds(self.ended),
            "attributes": [
                attribute("http.request.method", self.method),
                attribute("http.route", &self.route),
                { "key": "http.response.status_code",
                    "value": { "intValue": self.status.to_string() } },
            ],
            "events": events,
        });
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = hex(parent).into();
        }
        // semantic conventions: what a client did wrong is no error of the server
        if self.status >= 500 {
            span["status"] = json!({ "code": ERROR });
        }
        span
    }
}

impl Step {
    fn to_json(&self) -> Value {
        let mut attributes = vec![attribute("lanyard.step", &self.step)];
        if !self.reason.is_empty() {
            attributes.push(attribute("lanyard.reason", &self.reason));
        }
        json!({
            "timeUnixNano": nanoseconds(self.at),
            "name": self.flow,
            "attributes": attributes,
        })
    }
}
