//! What PayPal does not decide at once, and what is done at its own pages: an e-check that clears or does not, a refund
//! out of an account's bank, money given back by hand. For whoever decides himself, when it is; no request does this.

use serde::{Deserialize, Serialize};

use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::account::{self, Movement};
use super::captures::{self, Capture, CaptureState};
use super::envelope::Refusal;
use super::order::Order;
use super::refunds::{Refund, RefundState};
use super::{App, disputes, events, orders};
use crate::money::Money;

/// What of a payment is decided later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayPalDelay {
    /// Our reference of the payment.
    pub payment: String,
    /// Its capture, for this reason in PayPal's words (`ECHECK`).
    pub capture: Option<String>,
    /// Its refunds.
    pub refunds: bool,
}

impl Record for PayPalDelay {
    const KIND: &'static str = "paypal.delay";
    fn id(&self) -> &str {
        &self.payment
    }
}

impl PayPalDelay {
    pub(super) async fn of(
        session: &mut Session,
        payment: Option<&str>,
    ) -> Result<PayPalDelay, SandboxError> {
        let Some(payment) = payment else { return Ok(PayPalDelay::default()) };
        Ok(session.find(payment).await?.unwrap_or_default())
    }
}

/// A payment that was captured, or is to be.
struct Case {
    order: Order,
    app: App,
    captures: Vec<Capture>,
}

impl Case {
    async fn of(session: &mut Session, payment: &str) -> Result<Option<Case>, SandboxError> {
        let Some(order) = orders::find(session, payment).await? else { return Ok(None) };
        let (app, captures) = (orders::app_of(session, &order).await?, session.under(&order.id).await?);
        Ok(Some(Case { order, app, captures }))
    }
}

fn failed(refusal: Refusal) -> SandboxError {
    SandboxError::Setting(format!("PayPal could not decide: {refusal:?}"))
}

impl Sandbox {
    /// Lets what comes of a payment from now on wait until [`decide_paypal`](Sandbox::decide_paypal).
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn delay_paypal(&self, delay: &PayPalDelay) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        session.put(delay).await?;
        session.commit().await
    }

    /// Decides everything that waits about a payment: its capture is credited or denied, its refunds are paid or fail.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn decide_paypal(&self, payment: &str, granted: bool) -> Result<(), SandboxError> {
        let mut session = self.book.begin().await?;
        let Some(case) = Case::of(&mut session, payment).await? else { return Ok(()) };
        for capture in &case.captures {
            let mut capture = capture.clone();
            if matches!(capture.state, CaptureState::Pending) {
                self.capture_decided(&mut session, &case, &mut capture, granted).await?;
            }
            for refund in session.under::<Refund>(&capture.id).await? {
                if refund.state == RefundState::Pending {
                    self.refund_decided(&mut session, &case, &mut capture, (refund, granted)).await?;
                }
            }
        }
        session.commit().await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Gives back at PayPal's own pages, as much of the amount as is left: PayPal's id of that refund, and how much.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn give_back_at_paypal(
        &self,
        payment: &str,
        amount: Money,
    ) -> Result<Option<(String, Money)>, SandboxError> {
        let mut session = self.book.begin().await?;
        let Some(case) = Case::of(&mut session, payment).await? else { return Ok(None) };
        let credited = |capture: &&Capture| matches!(capture.state, CaptureState::Completed(_));
        let Some(capture) = case.captures.iter().find(credited) else { return Ok(None) };
        let mut capture = capture.clone();
        let (taken, disputed) = disputes::standing(&mut session, &capture).await?;
        let left = capture.amount.minor() - capture.refunded.minor() - taken;
        let amount = Money::from_minor(amount.minor().min(left), capture.amount.currency());
        if disputed || !amount.is_positive() {
            return Ok(None);
        }
        let now = self.clock.now();
        capture.refunded = Money::from_minor(capture.refunded.minor() + amount.minor(), amount.currency());
        capture.updated = now;
        let mut refund = Refund::by_hand(serial::capitals(&self.ids, 17), &capture, amount, now);
        refund.pay(&mut session, (self, &case.app), &capture, now).await.map_err(failed)?;
        session.put(&capture).await?;
        session.put(&refund).await?;
        let resource = refund.represent(self);
        events::announce(self, &mut session, &case.order, "PAYMENT.CAPTURE.REFUNDED", "refund", resource)
            .await?;
        session.commit().await?;
        self.wake.notify_one();
        Ok(Some((refund.id, amount)))
    }

    async fn capture_decided(
        &self,
        session: &mut Session,
        case: &Case,
        capture: &mut Capture,
        granted: bool,
    ) -> Result<(), SandboxError> {
        capture.updated = self.clock.now();
        let mut event = "PAYMENT.CAPTURE.DENIED";
        capture.state = CaptureState::Declined;
        if granted {
            event = "PAYMENT.CAPTURE.COMPLETED";
            let credit = captures::accepted(&case.app, capture.amount).map_err(failed)?;
            let differs = case.order.faults.has(Scenario::BillDiffers);
            let movement = Movement::of_capture(capture, &case.order, &credit, differs).at(capture.updated);
            account::book(session, &case.app, self, movement).await.map_err(failed)?;
            capture.state = CaptureState::Completed(credit);
        }
        session.put(capture).await?;
        let resource = capture.resource(self, &case.app.merchant_id);
        events::announce(self, session, &case.order, event, "capture", resource).await
    }

    async fn refund_decided(
        &self,
        session: &mut Session,
        case: &Case,
        capture: &mut Capture,
        (mut refund, granted): (Refund, bool),
    ) -> Result<(), SandboxError> {
        let now = self.clock.now();
        let mut event = "PAYMENT.REFUND.FAILED";
        refund.state = RefundState::Failed;
        if granted {
            event = "PAYMENT.CAPTURE.REFUNDED";
            refund.pay(session, (self, &case.app), capture, now).await.map_err(failed)?;
        } else {
            let left = capture.refunded.minor() - refund.amount.minor();
            capture.refunded = Money::from_minor(left, refund.amount.currency());
        }
        capture.updated = now;
        session.put(capture).await?;
        session.put(&refund).await?;
        let resource = refund.represent(self);
        events::announce(self, session, &case.order, event, "refund", resource).await
    }
}
