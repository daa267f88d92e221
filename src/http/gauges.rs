//! What operators are told about the state of things: gauges read when `/metrics` is scraped, checks of `/readyz`.
//!
//! Counts come from the database and are the same on every process of it; queue, rates and certificates are this
//! process's own. What only grows (requests, batches) is recorded where it happens.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::geo::GeoReport;
use crate::store::jobs::JobStanding;
use crate::store::{StoreError, Versioned};

use super::service::Service;

/// Sets every gauge that is read at the moment.
///
/// # Errors
/// [`StoreError`]: the scrape fails, which is an alarm of its own.
pub async fn measure(service: &Service) -> Result<(), StoreError> {
    let (now, wall) = (service.clock.now(), service.clock.wall());
    let standing = service.store.standing().await?;
    metrics::gauge!("straits_intent_unknown").set(count(standing.intents_unknown));
    let oldest = standing.oldest_open_payment.map_or(0, |made| seconds(made, now));
    metrics::gauge!("straits_payment_open_age_seconds").set(count(oldest));
    metrics::gauge!("straits_inbox_unapplied").set(count(standing.inbox_unapplied));
    metrics::gauge!("straits_jobs_dead").set(count(standing.jobs_dead));
    metrics::gauge!("straits_jobs_failing").set(count(standing.jobs_failing));
    let overdue = service.store.overdue_watches(now).await?;
    metrics::gauge!("straits_questions_overdue").set(count(overdue));
    metrics::gauge!("straits_disputes_open").set(count(standing.disputes_open));
    let left = standing.dispute_deadline.map_or(i64::from(i32::MAX), |deadline| seconds(now, deadline));
    metrics::gauge!("straits_dispute_deadline_seconds").set(count(left));
    metrics::gauge!("straits_writer_queue").set(count(i64::try_from(service.store.waiting()).unwrap_or(0)));
    let told = service.store.deliveries_standing().await?;
    metrics::gauge!("straits_webhooks_pending").set(count(told.pending));
    metrics::gauge!("straits_webhooks_failed").set(count(told.failed));
    let oldest = told.oldest.map_or(0, |since| seconds(since, now));
    metrics::gauge!("straits_webhooks_pending_age_seconds").set(count(oldest));
    metrics::gauge!("straits_webhook_endpoints_given_up").set(count(told.endpoints_given_up));
    for source in service.pricing.rates.report() {
        if let Some(as_of) = source.as_of {
            metrics::gauge!("straits_rate_age_seconds", "provider" => source.provider)
                .set(count(seconds(as_of, now)));
        }
    }
    let geo = service.geo.report();
    if let Some(built) = geo.built_at {
        metrics::gauge!("straits_geo_build_age_seconds").set(count(seconds(built, wall)));
    }
    let list_refused = geo.vpn.is_some_and(|vpn| vpn.fault.is_some());
    metrics::gauge!("straits_geo_refused").set(count(i64::from(geo.fault.is_some() || list_refused)));
    for open in service.pay.accounts().all() {
        if let Some(end) = open.gateway.certificate_expiry() {
            let (merchant, account) = (open.account.merchant.to_string(), open.account.name.clone());
            metrics::gauge!("straits_certificate_expiry_seconds", "merchant" => merchant, "account" => account)
                .set(count(seconds(wall, end)));
        }
    }
    Ok(())
}

/// Whether requests can be served, and what that rests on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"ready": true, "checks": [{"name": "database", "ok": true}], "rates": [{"provider": "ecb", "live": true, "stale": false, "age_s": 3600}], "writer": {"queue": 0}, "jobs": {"dead": 0, "failing": 0, "kinds": []}, "geo": {"source": "embedded", "kind": "Straits-Country-RIR", "built_at": "2026-11-23T00:00:00Z", "old": false, "fault": null}}))]
pub struct Readiness {
    /// Whether every check holds.
    ready: bool,
    checks: Vec<Check>,
    rates: Vec<RateSource>,
    writer: Writer,
    jobs: JobsShown,
    geo: CountryDatabase,
}

/// Something that is needed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadinessCheck)]
struct Check {
    name: &'static str,
    ok: bool,
}

/// A source of rates.
#[derive(Debug, Serialize, ToSchema)]
struct RateSource {
    provider: String,
    /// Whether it is asked over the network.
    live: bool,
    /// Whether newer numbers should have been there.
    stale: bool,
    /// Seconds since its numbers were true in the market; none before the first were read.
    #[schema(required)]
    age_s: Option<i64>,
}

/// The one writer.
#[derive(Debug, Serialize, ToSchema)]
struct Writer {
    /// Changes that wait.
    queue: usize,
}

/// Jobs that do not succeed; `straits jobs list` says why, `straits jobs retry` tries them again.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ReadinessJobs)]
struct JobsShown {
    /// Given up: they wait for a person.
    dead: usize,
    /// Failing again and again, and tried on.
    failing: usize,
    /// Of which kinds.
    kinds: Vec<String>,
}

impl JobsShown {
    /// At most so many are counted here; the metrics count all of them.
    const MOST: u32 = 1_000;

    async fn of(service: &Service, now: DateTime<Utc>) -> JobsShown {
        // Without the database nothing is ready anyway, and its own check says so.
        let failed = service.store.failed_jobs(JobsShown::MOST).await.unwrap_or_default();
        let mut shown = JobsShown::default();
        for Versioned { value: job, .. } in failed {
            match job.standing(now) {
                JobStanding::Dead => shown.dead += 1,
                JobStanding::Failing => shown.failing += 1,
                _ => continue,
            }
            shown.kinds.push(job.kind);
        }
        shown.kinds.sort();
        shown.kinds.dedup();
        shown
    }
}

/// Where addresses are looked up.
#[derive(Debug, Serialize, ToSchema)]
struct CountryDatabase {
    /// The operator's file, or `embedded`.
    source: String,
    /// What the file calls itself.
    kind: String,
    /// When it was built.
    #[schema(required, value_type = Option<String>)]
    built_at: Option<String>,
    /// Whether that is more than 90 days ago.
    old: bool,
    /// Why the operator's file, as it stands now, is not in use.
    #[schema(required)]
    fault: Option<String>,
    /// The operator's list of VPN exits, where one is named.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    vpn: Option<VpnList>,
}

/// The blocks whose addresses tell nothing about their users.
#[derive(Debug, Serialize, ToSchema)]
struct VpnList {
    /// Blocks in use.
    blocks: usize,
    /// Why the list, as it stands now, is not in use.
    #[schema(required)]
    fault: Option<String>,
}

impl CountryDatabase {
    fn of(report: GeoReport) -> CountryDatabase {
        let built_at = report.built_at.map(|built| built.to_rfc3339_opts(SecondsFormat::Secs, true));
        CountryDatabase {
            source: report.source,
            kind: report.kind,
            built_at,
            old: report.old,
            fault: report.fault,
            vpn: report.vpn.map(|vpn| VpnList { blocks: vpn.blocks, fault: vpn.fault }),
        }
    }
}

/// Whether requests can be served, and what that rests on. Old rates and a long queue are shown, and refuse nobody:
/// what cannot be done without them answers so itself.
pub async fn readiness(service: &Service) -> (bool, Readiness) {
    // Whoever asks waits a second or two: of a database that is away nothing more is asked.
    let answers = service.store.ping().await.is_ok();
    let current = answers && service.store.schema_is_current().await.unwrap_or(false);
    let required = [("started", service.is_ready()), ("database", answers), ("migrations", current)];
    let ready = required.iter().all(|(_, ok)| *ok);
    let checks = required.iter().map(|&(name, ok)| Check { name, ok }).collect();
    let now = service.clock.now();
    let rates = service.pricing.rates.report().into_iter().map(|source| RateSource {
        age_s: source.as_of.map(|as_of| seconds(as_of, now)),
        provider: source.provider.to_string(),
        live: source.live,
        stale: source.stale,
    });
    let writer = Writer { queue: service.store.waiting() };
    let geo = CountryDatabase::of(service.geo.report());
    let jobs = if answers { JobsShown::of(service, now).await } else { JobsShown::default() };
    (ready, Readiness { ready, checks, rates: rates.collect(), writer, jobs, geo })
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_seconds()
}

/// Gauges are floating-point by their protocol; counts and seconds of a century fit exactly.
fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}
