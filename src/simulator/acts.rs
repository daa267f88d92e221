//! What somebody does to our process: each an action that stops at the gate and ends in words.

use std::sync::Arc;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;

use crate::app::Woken;
use crate::clock::Clock;
use crate::domain::access::Hand;
use crate::domain::findings::{Action, Finding, FindingKind, FindingState};
use crate::domain::orders::Customer;
use crate::flows::catch_up::CatchingUp;
use crate::flows::pay::{OpenAccount, PayError, Price, Start};
use crate::flows::refund::RefundInput;
use crate::gateways::bills::bounds;
use crate::gateways::{Bills, RawNotification, ReturnParameters};
use crate::ids::{DisputeId, FindingId, Id, MerchantId, PaymentId, RefundId, UserId};
use crate::money::Money;
use crate::sandbox::Letter;
use crate::store::{Change, Store};

use super::complaint::Complaint;
use super::gate::{Ended, Work};
use super::life::Life;

/// An action under way.
pub(super) struct Act {
    pub who: u64,
    pub kind: Kind,
    pub work: Work,
    pub stopped: bool,
    /// Its program is stopped until then.
    pub stalls: Option<DateTime<Utc>>,
    /// The life of its last request, for actions that are about many.
    pub about: Option<usize>,
    /// The notice that is handed over, where it names a payment nobody knows.
    pub names: Option<String>,
}

impl Act {
    pub(super) fn is_stalled(&self, now: DateTime<Utc>) -> bool {
        self.stalls.is_some_and(|until| now < until)
    }
}

/// What it is.
#[derive(Debug)]
pub(super) enum Kind {
    /// The merchant asks for a payment.
    Start(usize),
    /// The shopper comes back.
    Back(usize),
    /// The merchant calls it off.
    Cancel(usize),
    /// The merchant asks how it stands.
    Sync(usize),
    /// The merchant gives back.
    Refund(usize),
    /// Two people decide.
    Resolve(usize),
    /// A notice is handed over; `Some` when the far side waits for what becomes of it.
    Hear { letter: Option<Box<Letter>>, life: Option<usize>, forged: bool },
    /// The inbox is worked off.
    Drain,
    /// Open payments are asked about.
    Ask,
    /// Open refunds are asked about and sent.
    Refunds,
    /// The payer complains.
    Complain(usize),
    /// The merchant answers a complaint.
    Reply(usize),
    /// Somebody decides a complaint.
    Decide(usize),
    /// What waits at the gateway is decided.
    Clear(usize),
    /// The merchant gives back at the gateway's own pages.
    GiveBack(usize),
    /// After a restore the gateways are asked what has happened since.
    CatchUp,
    /// Disputes are asked about, and answers looked for.
    Disputes,
    /// The bills of late are read.
    Bills,
}

impl Kind {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Kind::Start(_) => "start",
            Kind::Back(_) => "back",
            Kind::Cancel(_) => "cancel",
            Kind::Sync(_) => "sync",
            Kind::Refund(_) => "refund",
            Kind::Resolve(_) => "resolve",
            Kind::Hear { .. } => "hear",
            Kind::Drain => "drain",
            Kind::Ask => "ask",
            Kind::Refunds => "refunds",
            Kind::Complain(_) => "complain",
            Kind::Reply(_) => "reply",
            Kind::Decide(_) => "decide",
            Kind::Clear(_) => "clear",
            Kind::GiveBack(_) => "give back",
            Kind::CatchUp => "catch up",
            Kind::Disputes => "disputes",
            Kind::Bills => "bills",
        }
    }

    /// The life it is about, where it is about one.
    pub(super) fn life(&self) -> Option<usize> {
        match self {
            Kind::Start(life)
            | Kind::Back(life)
            | Kind::Cancel(life)
            | Kind::Sync(life)
            | Kind::Refund(life)
            | Kind::Resolve(life)
            | Kind::Complain(life)
            | Kind::Reply(life)
            | Kind::Decide(life)
            | Kind::Clear(life)
            | Kind::GiveBack(life) => Some(*life),
            Kind::Hear { life, .. } => *life,
            Kind::Drain | Kind::Ask | Kind::Refunds | Kind::CatchUp | Kind::Disputes | Kind::Bills => None,
        }
    }
}

fn told<T>(result: Result<T, impl std::fmt::Display>, good: impl FnOnce(T) -> String) -> Ended {
    match result {
        Ok(value) => Ended { words: good(value), accepted: true },
        Err(error) => Ended { words: error.to_string(), accepted: false },
    }
}

pub(super) fn start(woken: &Woken, store: &Store, life: &Life) -> Work {
    let (pay, store, merchant) = (woken.pay.clone(), store.clone(), woken.seeded.default.merchant);
    let start = Start {
        id: life.id,
        order_ref: life.order_ref.clone(),
        price: Price::Amount(life.amount),
        gateway: life.gateway.to_owned(),
        method: None,
        terms: life.terms.clone(),
        customer: Customer::default(),
        return_url: Some("http://127.0.0.1:9000/done".to_owned()),
        metadata: json!({}),
    };
    Box::pin(async move {
        let merchant = match store.merchant(merchant).await {
            Ok(Some(merchant)) => merchant,
            _ => return Ended { words: "the merchant is gone".into(), accepted: false },
        };
        told(pay.start(&merchant, start, Change::new()).await, |view| format!("{:?}", view.state))
    })
}

pub(super) fn back(woken: &Woken, gateway: &'static str, at: &url::Url) -> Work {
    let pay = woken.pay.clone();
    let parameters = ReturnParameters(at.query_pairs().into_owned().collect());
    Box::pin(
        async move { told(pay.come_back(gateway, &parameters).await, |landing| landing.state.to_owned()) },
    )
}

pub(super) fn cancel(woken: &Woken, id: PaymentId) -> Work {
    let (pay, merchant) = (woken.pay.clone(), woken.seeded.default.merchant);
    Box::pin(async move {
        told(pay.cancel(merchant, id, Change::new()).await, |view| format!("{:?}", view.state))
    })
}

pub(super) fn sync(woken: &Woken, id: PaymentId) -> Work {
    let (pay, merchant) = (woken.pay.clone(), woken.seeded.default.merchant);
    Box::pin(async move { told(pay.sync(merchant, id).await, |view| format!("{:?}", view.state)) })
}

/// `part` in hundredths of the amount; 0: all that is left.
pub(super) fn refund(woken: &Woken, life: &Life, (id, part): (RefundId, u32)) -> Work {
    let (refunding, merchant, payment) = (woken.refunding.clone(), woken.seeded.default.merchant, life.id);
    let minor = i128::from(life.amount.minor()) * i128::from(part) / 100;
    let amount = i64::try_from(minor).unwrap_or(1).max(1);
    let amount = (part > 0).then(|| Money::from_minor(amount, life.amount.currency()));
    let input = RefundInput { amount, reason: "simulated".to_owned(), ..RefundInput::default() };
    Box::pin(async move {
        let asked = refunding.request(merchant, payment, id, &input, Change::new()).await;
        told(asked, |refund| format!("{} {}", refund.state.as_str(), refund.amount))
    })
}

/// The first finding about the payment that waits: one proposes, another confirms.
pub(super) fn resolve(woken: &Woken, store: &Store, payment: PaymentId) -> Work {
    let (resolving, store, merchant) =
        (woken.resolving.clone(), store.clone(), woken.seeded.default.merchant);
    Box::pin(async move {
        let mut words = vec![];
        let findings = store.findings_of(merchant, payment).await.unwrap_or_default();
        let waits = |finding: &Finding| !matches!(finding.state, FindingState::Resolved { .. });
        let open = findings.into_iter().map(|finding| finding.value).filter(waits);
        // What went back elsewhere comes first: until it is decided nothing else goes back.
        let open = open.min_by_key(|finding| finding.kind != FindingKind::RefundElsewhere);
        let Some(finding) = open else { return Ended { words: "nothing to decide".into(), accepted: true } };
        let actions: &[Action] = match finding.kind {
            FindingKind::AmountDiffers | FindingKind::DoublePayment => &[Action::SendBack, Action::Dismiss],
            FindingKind::Reversed => &[Action::Adopt, Action::Dismiss],
            // While a refund of ours is under way there may be no room; it is proposed again.
            FindingKind::RefundElsewhere => &[Action::Adopt],
            _ => &[Action::Dismiss],
        };
        for action in actions {
            let (first, second) = (UserId::from_bits(1), UserId::from_bits(2));
            let proposed = decide(&resolving, merchant, first, finding.id, *action).await;
            words.push(format!("{} {proposed:?}", finding.kind.as_str()));
            let confirmed = decide(&resolving, merchant, second, finding.id, *action).await;
            words.push(format!("{confirmed:?}"));
            if confirmed.is_ok() {
                break;
            }
        }
        Ended { words: words.join("; "), accepted: true }
    })
}

async fn decide(
    resolving: &crate::flows::findings::Resolving,
    merchant: MerchantId,
    user: UserId,
    id: FindingId,
    action: Action,
) -> Result<&'static str, String> {
    let hand = Hand::own(user);
    let decided = resolving.resolve(merchant, hand, id, action.into(), "simulated", Change::new()).await;
    decided.map(|finding| finding.state.as_str()).map_err(|error| error.to_string())
}

/// A notice at our door.
pub(super) fn hear(
    woken: &Woken,
    clock: &Clock,
    gateway: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Work {
    let (pay, gateway, received_at) = (woken.pay.clone(), gateway.to_owned(), clock.wall());
    Box::pin(async move {
        let path = format!("/v1/notifications/{gateway}");
        let raw = RawNotification {
            method: "POST",
            path_and_query: &path,
            headers: &headers,
            body: &body,
            received_at,
        };
        match pay.hear(&gateway, None, &raw).await {
            Ok(arrived) => {
                let words = if arrived.accepted { "accepted" } else { "refused" };
                Ended { words: words.to_owned(), accepted: arrived.accepted }
            }
            Err(error @ (PayError::UnknownGateway(_) | PayError::Unavailable(_))) => {
                Ended { words: error.to_string(), accepted: false }
            }
            Err(error) => Ended { words: error.to_string(), accepted: false },
        }
    })
}

pub(super) fn drain(woken: &Woken) -> Work {
    let pay = woken.pay.clone();
    Box::pin(async move { told(pay.drain().await, |done| done.to_string()) })
}

pub(super) fn ask(woken: &Woken) -> Work {
    let pay = woken.pay.clone();
    Box::pin(async move {
        told(pay.recover().await, |done| format!("asked {} in vain {}", done.asked, done.failed))
    })
}

pub(super) fn refunds(woken: &Woken) -> Work {
    let (refunding, settlements) = (woken.refunding.clone(), woken.settlements.clone());
    Box::pin(async move {
        let tried = refunding.recover().await.map_err(|error| error.to_string());
        let converted = settlements.convert_waiting().await.map_err(|error| error.to_string());
        Ended { words: format!("{tried:?} {converted:?}"), accepted: true }
    })
}

pub(super) fn catch_up(woken: &Woken, store: &Store) -> Work {
    let (pay, refunding) = (woken.pay.clone(), woken.refunding.clone());
    let catching_up = CatchingUp { store: store.clone(), pay, refunding };
    Box::pin(async move { told(catching_up.go_on().await, |()| "nothing is left to ask".to_owned()) })
}

/// Evidence, or acceptance.
pub(super) fn reply(woken: &Woken, dispute: DisputeId, complaint: &Complaint) -> Work {
    let (disputing, merchant) = (woken.disputing.clone(), woken.seeded.default.merchant);
    let (answer, kind) = (complaint.answer, complaint.says());
    Box::pin(async move {
        let said = disputing.say(merchant, dispute, answer, kind, Change::new()).await;
        told(said, |view| view["state"].as_str().unwrap_or_default().to_owned())
    })
}

pub(super) fn disputes(woken: &Woken) -> Work {
    let disputing = woken.disputing.clone();
    Box::pin(async move {
        let asked = disputing.ask_all().await.map_err(|error| error.to_string());
        let looked = disputing.recover().await.map_err(|error| error.to_string());
        let near = disputing.watch_deadlines().await.map_err(|error| error.to_string());
        Ended { words: format!("{asked:?} {looked:?} {near:?}"), accepted: true }
    })
}

/// PayPal's bills of days that are over, as [`Reconciling::days_of_late`] has it. What Grab sweeps leaves its account by
/// its bills: those are left out, and each payment there is held against the truth for ever.
///
/// [`Reconciling::days_of_late`]: crate::flows::reconcile::Reconciling::days_of_late
pub(super) fn bills(woken: &Woken, store: &Store, clock: &Clock) -> Work {
    let (reconciling, pay, store) = (woken.reconciling.clone(), woken.pay.clone(), store.clone());
    let (merchant, settled) = (woken.seeded.default.merchant, clock.now() - TimeDelta::hours(12));
    Box::pin(async move {
        let accounts = pay.accounts().all();
        let paypal =
            |open: &Arc<OpenAccount>| open.account.merchant == merchant && open.account.gateway == "paypal";
        let mut words = vec![];
        for open in accounts.into_iter().filter(paypal) {
            let Some(zone) = open.gateway.bills().map(Bills::zone) else { continue };
            for back in (1..=3).rev() {
                let day = settled.with_timezone(&zone).date_naive() - Days::new(back);
                match store.reconciled(open.account.id, day, bounds(day, zone).1).await {
                    Ok(false) => {}
                    _ => continue,
                }
                match reconciling.day(open.clone(), day).await {
                    Ok(run) => words.push(format!("{day} {} {} lines", run.state, run.lines)),
                    Err(error) => words.push(error.to_string()),
                }
            }
        }
        Ended { words: words.join("; "), accepted: true }
    })
}
