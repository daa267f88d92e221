//! Hearing a gateway's notice: verify, keep, answer; then ask.
//!
//! One address per gateway: every merchant's account there is tried, and the one that verifies the notice names the
//! merchant; of several that do, the one that has the payment. The gateway hears its success words as soon as the notice is kept, whatever becomes of it; what is kept and
//! not settled is worked off by [`Pay::drain`]. A forged or unreadable notice is answered with the gateway's refusal and
//! changes nothing; one that cannot be checked or kept just now is answered "later", so that the gateway sends it again.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::crash::{Point, pause, point};
use crate::domain::orders::{PaymentReport, ReportKind, ReportSource};
use crate::gateways::{About, Notification, NotificationError, RawNotification, Reply};
use crate::ids::PaymentId;
use crate::store::inbox::{Notice, Settled};
use crate::store::{Change, CommitError, Versioned};

use super::cause::{Cause, NoticeRef, sha256};
use super::{OpenAccount, Pay, PayError};

/// How long a gateway waits for its answer while the notice is applied; the work goes on after that.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a notice may be ahead of the answer to our own call.
const OVERTAKING: TimeDelta = TimeDelta::minutes(2);

/// A verified notice, and the account that verified it.
type Verified = (Arc<OpenAccount>, Notification);

/// What a gateway hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// In the gateway's own words.
    pub reply: Reply,
    /// Whether the notice was kept.
    pub accepted: bool,
}

impl Pay {
    /// Takes a notice at `/v1/notifications/{gateway}[/{account}]`.
    ///
    /// # Errors
    /// [`PayError::UnknownGateway`] (404); [`PayError::Unavailable`] (503) when it could not be checked or kept.
    pub async fn hear(
        &self,
        gateway: &str,
        account: Option<&str>,
        raw: &RawNotification<'_>,
    ) -> Result<Arrived, PayError> {
        let accounts = self.0.accounts.at(gateway, account);
        let Some(first) = accounts.first() else {
            return Err(PayError::UnknownGateway(gateway.to_owned()));
        };
        let (account, notification) = match verify(&accounts, raw).await {
            Ok(verified) => self.meant(&accounts, verified, raw).await?,
            Err(NotificationError::Unavailable(why)) => {
                count(gateway, "unverifiable");
                tracing::warn!(gateway, why, "a notice could not be checked; the gateway will send it again");
                return Err(PayError::Unavailable(why));
            }
            Err(refusal) => {
                let outcome = match refusal {
                    NotificationError::Forged(_) => "forged",
                    _ => "malformed",
                };
                count(gateway, outcome);
                tracing::warn!(gateway, why = %refusal, "a notice was refused");
                return Ok(Arrived { reply: first.gateway.reply(false), accepted: false });
            }
        };
        let accepted = Arrived { reply: account.gateway.reply(true), accepted: true };
        let Some(notice) = self.keep(&account, &notification, raw).await? else {
            count(gateway, "repeated");
            return Ok(accepted);
        };
        count(gateway, "kept");
        point(Point::NoticeKept).await;
        let pay = self.clone();
        let work = tokio::spawn(async move { pay.work_off(notice).await });
        tokio::select! {
            worked = work => match worked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(gateway, %error, "a notice is kept and waits"),
                Err(error) => tracing::error!(gateway, %error, "applying a notice broke off; it is kept"),
            },
            () = pause(PATIENCE) => tracing::warn!(gateway, "a notice is kept and still being applied"),
        }
        Ok(accepted)
    }

    /// Several accounts may share what a notice is verified by (one partner of Grab's with a merchant in each country):
    /// meant is the one that verifies it *and* has the payment it names.
    async fn meant(
        &self,
        accounts: &[Arc<OpenAccount>],
        first: Verified,
        raw: &RawNotification<'_>,
    ) -> Result<Verified, PayError> {
        let (account, notification) = &first;
        let (About::Payment { request_ref, gateway_ref }, false) = (&notification.about, accounts.len() == 1)
        else {
            return Ok(first);
        };
        let (gateway, ours, theirs) =
            (&account.account.gateway, request_ref.as_deref(), gateway_ref.as_deref());
        let found = self.0.store.payment_at_gateway(gateway, ours, theirs).await?;
        let owner = found.map(|payment| payment.value.account).filter(|owner| *owner != account.account.id);
        let Some(other) = accounts.iter().find(|open| Some(open.account.id) == owner) else {
            return Ok(first);
        };
        match other.gateway.verify(raw).await {
            Ok(notification) => Ok((other.clone(), notification)),
            Err(_) => Ok(first),
        }
    }

    /// Change 1. `None` when its body is known: whoever brought it first works it off.
    async fn keep(
        &self,
        account: &OpenAccount,
        notification: &Notification,
        raw: &RawNotification<'_>,
    ) -> Result<Option<Versioned<Notice>>, PayError> {
        let (request_ref, gateway_ref) = match &notification.about {
            About::Payment { request_ref, gateway_ref } => (request_ref.clone(), gateway_ref.clone()),
            About::Payouts { batch_ref, .. } => {
                let ours = super::payouts::named(&notification.about);
                (ours.clone(), ours.and(batch_ref.clone()))
            }
            About::Dispute { .. } | About::Other => (None, None),
        };
        let dispute_ref = match &notification.about {
            About::Dispute { dispute_ref } => Some(dispute_ref.clone()),
            _ => None,
        };
        let notice = Notice {
            id: self.0.ids.mint(),
            gateway: account.account.gateway.clone(),
            body_sha256: sha256(raw.body),
            merchant: account.account.merchant,
            account: account.account.id,
            event_ref: notification.event_ref.clone(),
            event_type: notification.event_type.clone(),
            request_ref,
            gateway_ref,
            dispute_ref,
            stated: notification.stated,
            received_at: raw.received_at,
        };
        let mut change = Change::new();
        change.receive_notice(&notice, &kept_headers(raw.headers), raw.body);
        point(Point::NoticeVerified).await;
        match self.0.store.commit(change).await {
            Ok(_) => Ok(Some(Versioned { value: notice, version: 1 })),
            Err(CommitError::LostUpdate { .. }) => Ok(None),
            Err(error) => Err(PayError::unavailable(error)),
        }
    }

    /// Change 2: asks about the payment the notice names.
    pub(super) async fn work_off(&self, notice: Versioned<Notice>) -> Result<(), PayError> {
        let Versioned { value: notice, version } = notice;
        let account = self.0.accounts.find(notice.account);
        let account = account.ok_or_else(|| PayError::UnknownGateway(notice.gateway.clone()))?;
        let reference = NoticeRef { id: notice.id, version, body_sha256: notice.body_sha256.clone() };
        if let Some(dispute_ref) = &notice.dispute_ref {
            return self.hear_dispute(&notice, &reference, &account, dispute_ref).await;
        }
        let (ours, theirs) = (notice.request_ref.as_deref(), notice.gateway_ref.as_deref());
        if ours.is_none() && theirs.is_none() {
            return self.settle_notice(&reference, Settled::Done, "about no payment").await;
        }
        if self.hear_payouts(&notice, &reference).await? {
            return Ok(());
        }
        let found = match self.0.store.payment_at_gateway(&notice.gateway, ours, theirs).await? {
            // A refund names the capture it is of. A payment of ours that is named and not known is a matter of its own.
            None => match theirs.filter(|_| ours.is_none_or(|ours| ours.parse::<PaymentId>().is_err())) {
                Some(capture) => self.0.store.payment_captured_as(notice.account, capture).await?,
                None => None,
            },
            found => found,
        };
        match found.filter(|payment| payment.value.account == notice.account) {
            Some(payment) => {
                let cause = Cause { source: ReportSource::Callback, notice: Some(reference) };
                point(Point::NoticeMatched).await;
                if let Some(amount) = notice.stated.filter(|stated| *stated != payment.value.amount)
                    && !payment.value.state.is_closed()
                {
                    // What it says is not what was asked: it wakes nobody, takes no money, and is looked into.
                    let report = PaymentReport::of(ReportKind::Stated { amount });
                    self.apply_report(payment, &account, &report, &cause).await?;
                    return Ok(());
                }
                self.ask(payment.value.id, &cause).await?;
                Ok(())
            }
            // A notice may be faster than the answer that tells us the gateway's reference.
            None if ours.is_none() && self.0.clock.wall() < notice.received_at + OVERTAKING => {
                Err(PayError::UnknownPayment)
            }
            None => self.ghost(&notice, &reference, &account).await,
        }
    }

    /// A genuine notice about a payment we do not know: kept, and a finding.
    pub(super) async fn ghost(
        &self,
        notice: &Notice,
        reference: &NoticeRef,
        account: &OpenAccount,
    ) -> Result<(), PayError> {
        tracing::warn!(notice = %notice.id, gateway = notice.gateway, "a notice about a payment we do not know");
        let mut change = self.0.settles.unknown_payment(&account.account, notice).await?;
        let now = self.0.clock.now();
        change.settle_notice(reference.id, reference.version, Settled::Refused, "unknown payment", now);
        match self.0.store.commit(change).await {
            Ok(_) => Ok(()),
            Err(CommitError::LostUpdate { table: "inbox", .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The first account that verifies the notice; otherwise the kindest refusal: "later" before "unreadable" before
/// "forged", because only one of several accounts can be meant.
async fn verify(
    accounts: &[Arc<OpenAccount>],
    raw: &RawNotification<'_>,
) -> Result<Verified, NotificationError> {
    let mut refusal = NotificationError::Forged("no account verifies it".into());
    for account in accounts {
        match account.gateway.verify(raw).await {
            Ok(notification) => return Ok((account.clone(), notification)),
            Err(error) => {
                let keep = matches!(
                    (&refusal, &error),
                    (_, NotificationError::Unavailable(_))
                        | (NotificationError::Forged(_), NotificationError::Malformed(_))
                );
                if keep || accounts.len() == 1 {
                    refusal = error;
                }
            }
        }
    }
    Err(refusal)
}

/// Headers as evidence, without what is a secret between a proxy and us.
fn kept_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers.iter().filter(|(name, _)| name != "cookie" && name != "x-api-key").cloned().collect()
}

fn count(gateway: &str, outcome: &'static str) {
    metrics::counter!("straits_notices_total", "gateway" => gateway.to_owned(), "outcome" => outcome)
        .increment(1);
}
