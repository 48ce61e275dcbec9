//! The counters of this server as OTLP has them, read from what Prometheus would read: there is one set of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{attribute, nanoseconds};
use crate::serve::metrics::Metrics;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`
const CUMULATIVE: u8 = 2;

/// Everything that is counted; nothing where it cannot be told.
pub(super) fn of(metrics: &Metrics, begun: Timestamp, now: Timestamp) -> Option<Vec<Value>> {
    Some(converted(&metrics.text()?, (nanoseconds(begun), nanoseconds(now))))
}

/// A family of samples: what one name stands for.
#[derive(Default)]
struct Family<'t> {
    name: &'t str,
    kind: &'t str,
    help: &'t str,
    samples: Vec<Sample<'t>>,
}

struct Sample<'t> {
    /// What stands after the family's name: `_total`, `_bucket`.
    suffix: &'t str,
    labels: Vec<(&'t str, String)>,
    value: f64,
}

fn converted(text: &str, times: (String, String)) -> Vec<Value> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut help = "";
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            help = told.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|told| told.split_once(' '))
        {
            families.push(Family { name, kind, help, samples: Vec::new() });
        } else if let Some(family) = families.last_mut() {
            let name = family.name;
            family.samples.extend(sample(line, name));
        }
    }
    families.iter().filter_map(|family| family.to_json(&times)).collect()
}

/// `name_suffix{label="value",…} 1`
fn sample<'t>(line: &'t str, family: &str) -> Option<Sample<'t>> {
    let rest = line.strip_prefix(family)?;
    let (head, value) = rest.rsplit_once(' ')?;
    let (suffix, labels) = match head.split_once('{') {
        Some((suffix, labels)) => (suffix, read_labels(labels.strip_suffix('}')?)?),
        None => (head, Vec::new()),
    };
    Some(Sample { suffix, labels, value: value.parse().ok()? })
}

/// OpenMetrics 1.0 §3.2.1: in a label's value `\`, `"` and a line feed are escaped.
fn read_labels(mut text: &str) -> Option<Vec<(&str, String)>> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let (mut value, mut end, mut escaped) = (String::new(), None, false);
        for (at, letter) in rest.char_indices() {
            match (escaped, letter) {
                (true, 'n') => value.push('\n'),
                (true, letter) => value.push(letter),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, letter) => value.push(letter),
            }
            escaped = !escaped && letter == '\\';
        }
        labels.push((name.trim_start_matches(','), value));
        text = rest.get(end? + 1..)?;
    }
    Some(labels)
}

impl Family<'_> {
    fn to_json(&self, times: &(String, String)) -> Option<Value> {
        let points = |suffix: &str| -> Vec<Value> {
            let samples = self.samples.iter().filter(|sample| sample.suffix == suffix);
            samples.map(|sample| sample.to_json(times)).collect()
        };
        let (kind, content) = match self.kind {
            "counter" => (
                "sum",
                json!({ "aggregationTemporality": CUMULATIVE,
                "isMonotonic": true, "dataPoints": points("_total") }),
            ),
            "gauge" => ("gauge", json!({ "dataPoints": points("") })),
            "histogram" => (
                "histogram",
                json!({ "aggregationTemporality": CUMULATIVE,
                "dataPoints": self.histograms(times) }),
            ),
            // what the program is stands in the resource
            _ => return None,
        };
        let mut metric = json!({ "name": self.name, "description": self.help });
        if self.name.ends_with("_seconds") {
            metric["unit"] = "s".into();
        }
        metric[kind] = content;
        Some(metric)
    }

    fn histograms(&self, times: &(String, String)) -> Vec<Value> {
        let mut by_labels: BTreeMap<String, Histogram> = BTreeMap::new();
        for sample in &self.samples {
            let (bounds, labels): (Vec<_>, Vec<_>) =
                sample.labels.iter().partition(|(name, _)| *name == "le");
            let attributes: Vec<_> =
                labels.iter().map(|(name, value)| attribute(name, value)).collect();
            let attributes = Value::from(attributes);
            let told = by_labels.entry(attributes.to_string()).or_default();
            told.attributes = attributes;
            let bound = bounds.first().map(|(_, bound)| bound.replace("+Inf", "inf"));
            match (sample.suffix, bound.and_then(|bound| bound.parse::<f64>().ok())) {
                ("_bucket", Some(bound)) => told.upto.push((bound, sample.value)),
                ("_sum", _) => told.sum = sample.value,
                ("_count", _) => told.count = sample.value,
                _ => {}
            }
        }
        by_labels.into_values().map(|told| told.into_json(times)).collect()
    }
}

/// What is told of one histogram.
#[derive(Default)]
struct Histogram {
    attributes: Value,
    /// How many were counted up to each bound.
    upto: Vec<(f64, f64)>,
    sum: f64,
    count: f64,
}

impl Histogram {
    /// OpenMetrics counts up to each bound, OTLP between bounds.
    fn into_json(mut self, times: &(String, String)) -> Value {
        self.upto.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut before = 0.0;
        let mut counts = Vec::new();
        for (_, upto) in &self.upto {
            counts.push(whole(upto - before));
            before = *upto;
        }
        let bounds: Vec<_> =
            self.upto.iter().map(|(bound, _)| *bound).filter(|it| it.is_finite()).collect();
        json!({
            "attributes": self.attributes,
            "startTimeUnixNano": times.0,
            "timeUnixNano": times.1,
            "count": whole(self.count),
            "sum": self.sum,
            "bucketCounts": counts,
            "explicitBounds": bounds,
        })
    }
}

impl Sample<'_> {
    fn to_json(&self, times: &(String, String)) -> Value {
        let attributes: Vec<_> =
            self.labels.iter().map(|(name, value)| attribute(name, value)).collect();
        json!({
            "attributes": attributes,
            "startTimeUnixNano": times.0,
            "timeUnixNano": times.1,
            "asInt": whole(self.value),
        })
    }
}

/// A count as OTLP has it: 64 bits, in a text.
fn whole(value: f64) -> String {
    format!("{value:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP lanyard_build The program.
# TYPE lanyard_build info
lanyard_build_info{version=\"0.1.0\"} 1
# HELP lanyard_http_requests Requests that were answered.
# TYPE lanyard_http_requests counter
lanyard_http_requests_total{route=\"/{a}\",method=\"GET\"} 5
lanyard_http_requests_total{route=\"a\\\"b\\\\c\\nd\",method=\"GET\"} 1
# HELP lanyard_http_request_duration_seconds How long.
# TYPE lanyard_http_request_duration_seconds histogram
lanyard_http_request_duration_seconds_sum{route=\"/\"} 1.5
lanyard_http_request_duration_seconds_count{route=\"/\"} 4
lanyard_http_request_duration_seconds_bucket{le=\"0.5\",route=\"/\"} 1
lanyard_http_request_duration_seconds_bucket{le=\"1.0\",route=\"/\"} 3
lanyard_http_request_duration_seconds_bucket{le=\"+Inf\",route=\"/\"} 4
# HELP lanyard_http_requests_in_flight Now.
# TYPE lanyard_http_requests_in_flight gauge
lanyard_http_requests_in_flight 2
# EOF
";

    #[test]
    fn what_prometheus_would_read_is_what_a_collector_is_told() {
        let read = converted(TEXT, ("1".to_owned(), "2".to_owned()));
        let names: Vec<_> = read.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
        let expected = [
            "lanyard_http_requests",
            "lanyard_http_request_duration_seconds",
            "lanyard_http_requests_in_flight",
        ];
        assert_eq!(names, expected);
        let counted = &read[0]["sum"];
        assert_eq!(
            (&counted["isMonotonic"], &counted["aggregationTemporality"]),
            (&json!(true), &json!(2))
        );
        assert_eq!(counted["dataPoints"][0]["asInt"], "5");
        let odd = &counted["dataPoints"][1]["attributes"][0];
        assert_eq!(odd["value"]["stringValue"], "a\"b\\c\nd");
        let timed = &read[1]["histogram"]["dataPoints"][0];
        assert_eq!(timed["bucketCounts"], json!(["1", "2", "1"]), "between the bounds");
        assert_eq!(timed["explicitBounds"], json!([0.5, 1.0]));
        assert_eq!((&timed["count"], &timed["sum"]), (&json!("4"), &json!(1.5)));
        assert_eq!(read[1]["unit"], "s");
        assert_eq!(timed["attributes"], json!([attribute("route", "/")]));
        let now = &read[2]["gauge"]["dataPoints"][0];
        assert_eq!((&now["asInt"], &now["timeUnixNano"]), (&json!("2"), &json!("2")));
    }
}
