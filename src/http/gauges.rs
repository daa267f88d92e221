//! What operators are told about the state of things: gauges read when `/metrics` is scraped, checks of `/readyz`.
//!
//! Counts come from the database and are the same on every process of it; queue, rates and certificates are this
//! process's own. What only grows (requests, batches) is recorded where it happens.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::store::StoreError;

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
    metrics::gauge!("straits_writer_queue").set(count(i64::try_from(service.store.waiting()).unwrap_or(0)));
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
    metrics::gauge!("straits_geo_refused").set(count(i64::from(geo.fault.is_some())));
    for open in service.pay.accounts().all() {
        if let Some(end) = open.gateway.certificate_expiry() {
            let (merchant, account) = (open.account.merchant.to_string(), open.account.name.clone());
            metrics::gauge!("straits_certificate_expiry_seconds", "merchant" => merchant, "account" => account)
                .set(count(seconds(wall, end)));
        }
    }
    Ok(())
}

/// Whether requests can be served, and what that rests on. Old rates and a long queue are shown, and refuse nobody:
/// what cannot be done without them answers so itself.
pub async fn readiness(service: &Service) -> (bool, Value) {
    let schema = service.store.schema_is_current().await;
    let required = [
        ("started", service.is_ready()),
        ("database", service.store.ping().await.is_ok()),
        ("migrations", schema.unwrap_or(false)),
    ];
    let ready = required.iter().all(|(_, ok)| *ok);
    let checks: Vec<Value> = required.iter().map(|(name, ok)| json!({"name": name, "ok": ok})).collect();
    let now = service.clock.now();
    let rates: Vec<Value> = service
        .pricing
        .rates
        .report()
        .into_iter()
        .map(|source| {
            let age = source.as_of.map(|as_of| seconds(as_of, now));
            json!({"provider": source.provider, "live": source.live, "stale": source.stale, "age_s": age})
        })
        .collect();
    let writer = json!({"queue": service.store.waiting()});
    let shown = json!({
        "ready": ready, "checks": checks, "rates": rates, "writer": writer, "geo": countries(service),
    });
    (ready, shown)
}

/// Which country database is in use, and why the operator's own is not.
fn countries(service: &Service) -> Value {
    let report = service.geo.report();
    let built_at = report.built_at.map(|built| built.to_rfc3339_opts(SecondsFormat::Secs, true));
    json!({
        "source": report.source,
        "kind": report.kind,
        "built_at": built_at,
        "old": report.old,
        "fault": report.fault,
    })
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    (to - from).num_seconds()
}

/// Gauges are floating-point by their protocol; counts and seconds of a century fit exactly.
fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}
