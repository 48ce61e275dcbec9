//! The collector that is told of requests.

use std::time::Duration;

use url::Url;

use super::fault::Faults;
use super::file::File;
use crate::serve::otlp::TelemetryOptions;

/// How many in a hundred requests are traced, unless it is said.
pub(super) const PERCENT: u8 = 100;

/// How many seconds are between two times, unless it is said.
pub(super) const SECONDS: u8 = 15;

pub(super) fn examine(file: &File, faults: &mut Faults<'_>) -> Option<TelemetryOptions> {
    let table = file.telemetry.as_ref()?.get_ref();
    let collector = Url::parse(table.collector.get_ref()).ok().filter(|url| {
        let is_plain = url.username().is_empty() && url.query().is_none();
        matches!(url.scheme(), "http" | "https") && is_plain
    });
    if collector.is_none() {
        faults.at(
            table.collector.span(),
            "the address of a collector; write for example \"http://otel-collector:4318\"",
        );
    }
    let percent = table.traced_percent.as_ref().map_or(PERCENT, |percent| *percent.get_ref());
    if let Some(written) = table.traced_percent.as_ref().filter(|_| percent > 100) {
        faults.at(written.span(), "0 to 100 in a hundred requests are traced");
    }
    let seconds = table.every_seconds.as_ref().map_or(SECONDS, |seconds| *seconds.get_ref());
    if let Some(written) = table.every_seconds.as_ref().filter(|_| seconds == 0) {
        faults.at(written.span(), "a collector is told every 1 to 255 seconds");
    }
    let every = Duration::from_secs(seconds.into());
    Some(TelemetryOptions { collector: collector?, percent, every })
}
