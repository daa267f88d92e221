//! What is kept of each request: its log line and its time.
//!
//! A busy shop window asks thousands of prices a second; a system call and a dozen allocations for each line would cost
//! more than the prices. Lines of the JSON log are therefore written by hand, in the form of all other lines, gathered,
//! and passed on ten times a second, at the end, or when there are many: a line can be late, none is dropped. The
//! histogram of each (method, route, status) is looked up once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use metrics::Histogram;

use crate::ids::RequestId;
use crate::settings::LogFormat;

use super::line::{Line, digits};

/// The module whose name the lines carry, and by which a filter of the log finds them.
const TARGET: &str = "straits::http";
/// With this many bytes waiting, whoever adds a line writes them all.
const MANY: usize = 64 << 10;
/// Where lines are gathered; more workers than that share.
const DRAWERS: usize = 16;

static WORKERS: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    /// This thread's place among those that answer.
    static WORKER: usize = WORKERS.fetch_add(1, Ordering::Relaxed);
}

/// Log lines and times of requests.
#[derive(Debug)]
pub struct Requests {
    format: LogFormat,
    /// Each worker adds to one of its own: none waits for another.
    lines: [Mutex<Lines>; DRAWERS],
    times: RwLock<HashMap<String, Vec<Times>>>,
}

/// The times of one route's requests with one method and one status.
#[derive(Debug)]
struct Times {
    method: Method,
    status: StatusCode,
    histogram: Histogram,
}

/// What is said of one request. Never a body, a key, a query string, an address with its ids, a client's address.
#[derive(Debug)]
pub struct Answered<'a> {
    /// Its id, as the caller has it.
    pub id: RequestId,
    /// How it was asked.
    pub method: &'a Method,
    /// The template of its address.
    pub route: &'a str,
    /// How it was answered.
    pub status: StatusCode,
    /// How long that took.
    pub took: Duration,
    /// When.
    pub at: DateTime<Utc>,
}

impl Requests {
    /// Nothing yet.
    pub fn new(format: LogFormat) -> Requests {
        Requests { format, lines: Default::default(), times: RwLock::default() }
    }

    /// Keeps a line and a time.
    pub fn note(&self, answered: &Answered<'_>) {
        self.time(answered);
        if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
            return;
        }
        let Answered { id, method, route, status, took, .. } = *answered;
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if self.format == LogFormat::Text {
            tracing::info!(target: TARGET, request_id = %id, %method, route, status = status.as_u16(), ms, "request");
            return;
        }
        let own = WORKER.with(|worker| worker % DRAWERS);
        let mut lines = self.lines[own].lock().unwrap_or_else(PoisonError::into_inner);
        lines.add(answered, ms);
        if lines.text.len() > MANY {
            lines.pass_on();
        }
    }

    /// Passes on what was gathered.
    pub fn flush(&self) {
        for lines in &self.lines {
            lines.lock().unwrap_or_else(PoisonError::into_inner).pass_on();
        }
    }

    fn time(&self, answered: &Answered<'_>) {
        // A method is the caller's own word: only the usual ones become labels, which live as long as the process.
        let usual = [
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::OPTIONS,
        ];
        let method = usual.into_iter().find(|usual| usual == answered.method);
        let method = method.unwrap_or(Method::TRACE);
        let known = self.times.read().unwrap_or_else(PoisonError::into_inner);
        let of_route = known.get(answered.route).map(Vec::as_slice).unwrap_or_default();
        if let Some(times) =
            of_route.iter().find(|times| times.method == method && times.status == answered.status)
        {
            return times.histogram.record(answered.took);
        }
        drop(known);
        let (route, status) = (answered.route.to_owned(), answered.status);
        let histogram = metrics::histogram!(
            "straits_http_request_seconds",
            "method" => method.to_string(), "route" => route.clone(), "status" => status.as_str().to_owned()
        );
        histogram.record(answered.took);
        let mut known = self.times.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(route).or_default().push(Times { method, status, histogram });
    }
}

/// Lines on their way to standard error.
#[derive(Debug, Default)]
#[repr(align(128))] // no two on one line of the processors' caches
struct Lines {
    text: Vec<u8>,
    /// The second whose writing is kept, and that writing: it changes once in thousands of lines.
    second: i64,
    written: String,
}

impl Lines {
    fn add(&mut self, answered: &Answered<'_>, ms: u64) {
        let Answered { id, method, route, status, at, .. } = answered;
        if at.timestamp() != self.second || self.written.is_empty() {
            self.second = at.timestamp();
            self.written = at.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        // Every part is of a known alphabet (a method is an HTTP token, a route our own text): nothing is escaped.
        let micros: [u8; 6] = digits(at.timestamp_subsec_micros().into());
        for part in [
            br#"{"timestamp":""#.as_slice(),
            self.written.as_bytes(),
            b".",
            &micros,
            br#"Z","level":"INFO","message":"request","request_id":""#,
            &id.letters(),
            br#"","method":""#,
            method.as_str().as_bytes(),
            br#"","route":""#,
            route.as_bytes(),
            br#"","status":"#,
            status.as_str().as_bytes(),
            br#","ms":"#,
            Line::new("").number(ms).as_bytes(),
            br#","target":""#,
            TARGET.as_bytes(),
            b"\"}\n",
        ] {
            self.text.extend_from_slice(part);
        }
    }

    fn pass_on(&mut self) {
        if self.text.is_empty() {
            return;
        }
        // A log nobody reads any more stops no answer.
        let _ = std::io::stderr().lock().write_all(&self.text);
        self.text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn a_line_is_a_json_object_of_its_own() {
        let at = from_micros(1_795_000_000_000_042);
        let ids = IdSource::seeded(Clock::fixed(at), 5);
        let mut lines = Lines::default();
        for (method, took) in [(Method::GET, 1_499), (Method::from_bytes(b"M-SEARCH").unwrap(), 60_000_000)] {
            let took = Duration::from_micros(took);
            let ms = took.as_millis() as u64;
            let answered = Answered {
                id: ids.mint(),
                method: &method,
                route: "/v1/keys/{id}",
                status: StatusCode::OK,
                took,
                at,
            };
            lines.add(&answered, ms);
        }
        let text = String::from_utf8(lines.text).unwrap();
        let read: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0]["timestamp"], "2026-11-18T11:06:40.000042Z");
        assert_eq!(read[0]["method"], "GET");
        assert_eq!(read[0]["route"], "/v1/keys/{id}");
        assert_eq!((&read[0]["ms"], &read[1]["ms"]), (&1.into(), &60_000.into()));
        assert_eq!(read[1]["method"], "M-SEARCH");
    }
}
