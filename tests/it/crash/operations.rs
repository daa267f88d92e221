//! What a process is doing when it dies, and what must be true of it once another one has taken over.

use chrono::TimeDelta;
use straits::crash::Point;
use straits::flows::deliver::DeliverError;
use straits::flows::pay::PayError;
use straits::ids::{PaymentId, PlanId, RefundId};
use straits::store::Change;

use super::far::usd;
use super::house::House;
use super::payouts;

/// So many calls to one address are under way at most.
const AT_ONCE: usize = 4;

/// Something a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A payment is started.
    Pay,
    /// The shopper comes back and the money is taken.
    Capture,
    /// The same, and the gateway refuses.
    Refuse,
    /// A notice tells of money the gateway took by itself, of some it gave back, and of a fee.
    Notice,
    /// A round of questions finds that the shopper agreed.
    Ask,
    /// Money goes back.
    Refund,
    /// A refund that never left us is sent by a round.
    Resend,
    /// A payment is called off.
    Cancel,
    /// Goods are delivered and commission is earned.
    Deliver,
    /// A leased job does what `Ask` does.
    Job,
    /// A bill names a payment whose notice was lost, and money that nobody here knows.
    Reconcile,
    /// A merchant is told of an event.
    Webhook,
    /// A plan of payouts is carried out, and the rail is asked how it went.
    PayOut,
    /// A bank's statement is read, of three lines that nobody can explain.
    Statement,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    payment: PaymentId,
    refund: RefundId,
    plan: PlanId,
}

impl Operation {
    pub const ALL: [Operation; 14] = [
        Operation::Pay,
        Operation::Capture,
        Operation::Refuse,
        Operation::Notice,
        Operation::Ask,
        Operation::Refund,
        Operation::Resend,
        Operation::Cancel,
        Operation::Deliver,
        Operation::Job,
        Operation::Reconcile,
        Operation::Webhook,
        Operation::PayOut,
        Operation::Statement,
    ];

    /// The points it passes besides the writer's two, which every operation passes. A point on its way that is not named
    /// here fails the test, and so does one named here that is not on its way.
    pub fn passes(self) -> &'static [Point] {
        use Point::*;
        match self {
            Operation::Pay => &[StartDecided, StartIntended, StartCalled, StartRecorded],
            Operation::Capture => &[
                ReturnAccepted,
                ReturnKept,
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
                CompleteLeased,
                CompleteFetched,
                CompletePrepared,
                CompleteCalled,
                CompleteRecorded,
            ],
            Operation::Refuse => &[
                ReturnAccepted,
                ReturnKept,
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
                CompleteLeased,
                CompleteFetched,
                CompletePrepared,
                CompleteCalled,
                CompleteRefused,
                CompleteRecorded,
            ],
            Operation::Notice => &[
                NoticeVerified,
                NoticeKept,
                NoticeMatched,
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
                ApplyMore,
                RefundReported,
                RefundRecorded,
                FactRead,
                FactRecorded,
                ApplyFacts,
            ],
            Operation::Ask => &[
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
                CompleteLeased,
                CompleteFetched,
                CompletePrepared,
                CompleteCalled,
                CompleteRecorded,
            ],
            Operation::Refund => {
                &[RefundDecided, RefundIntended, RefundCalled, RefundReported, RefundRecorded]
            }
            Operation::Resend => &[RefundAsked, RefundLeased, RefundCalled, RefundReported, RefundRecorded],
            Operation::Cancel => &[CancelDecided, CancelRecorded],
            Operation::Deliver => &[DeliverDecided, DeliverRecorded],
            Operation::Job => &[
                JobLeased,
                JobDone,
                JobFinished,
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
                CompleteLeased,
                CompleteFetched,
                CompletePrepared,
                CompleteCalled,
                CompleteRecorded,
            ],
            Operation::Reconcile => &[
                ReconcileKept,
                ReconcileRead,
                ReconcileSettled,
                ReconcileFound,
                ReconcilePooled,
                AskBegun,
                AskAnswered,
                ApplyDecided,
                ApplyWritten,
            ],
            Operation::Webhook => &[WebhookLeased, WebhookSent, WebhookRecorded],
            Operation::PayOut => &[
                PayoutDecided,
                PayoutInstructed,
                PayoutLeased,
                PayoutCalled,
                PayoutNoted,
                PayoutReported,
                PayoutRecorded,
            ],
            Operation::Statement => &[StatementKept, StatementLine, StatementTaken],
        }
    }

    /// What was there before it.
    pub async fn prepare(self, house: &House) -> Subject {
        let (refund, plan) = (house.ids.mint(), house.ids.mint());
        let payment = match self {
            Operation::Pay => house.ids.mint(),
            Operation::Capture | Operation::Ask => house.approved().await,
            Operation::Job => {
                // Its rows are due again after the case before.
                house.clock.advance(TimeDelta::minutes(3));
                let payment = house.approved().await;
                // And so is the first rung of the payment's ladder.
                house.clock.advance(TimeDelta::minutes(1));
                payment
            }
            Operation::Refuse => {
                house.ground.far.truth().refuses = true;
                house.approved().await
            }
            Operation::Notice => {
                let id = house.ids.mint();
                house.start(id, "noticed").await.unwrap();
                house.ground.far.takes(id);
                house.ground.far.gives_back_itself(id, &format!("BACK-{id}"), usd(1_000));
                house.ground.far.charges_apart(id, usd(30));
                id
            }
            Operation::Refund | Operation::Deliver => house.captured().await,
            Operation::Resend => {
                let id = house.captured().await;
                house.ground.far.truth().unreachable = 1;
                house.refund(id, refund).await;
                id
            }
            Operation::Cancel => {
                let id = house.ids.mint();
                house.start(id, "called off").await.unwrap();
                id
            }
            Operation::Reconcile => {
                house.captured().await;
                let ghost = house.ids.mint();
                house.start(ghost, "paid and never told").await.unwrap();
                house.ground.far.takes(ghost);
                house.ground.far.truth().strange = Some(usd(1_234));
                ghost
            }
            Operation::PayOut => {
                payouts::approved(house, plan).await;
                house.ids.mint()
            }
            Operation::Webhook => {
                house.listens().await;
                house.captured().await
            }
            Operation::Statement => {
                house.banks().await;
                house.ids.mint()
            }
        };
        Subject { payment, refund, plan }
    }

    /// Does it. The process may die on the way.
    pub async fn act(self, house: &House, subject: Subject) {
        let Subject { payment, refund, plan } = subject;
        let merchant = house.ground.merchant.id;
        match self {
            Operation::Pay => drop(house.start(payment, "order").await.unwrap()),
            Operation::Capture | Operation::Refuse => house.come_back(payment).await,
            Operation::Notice => house.hear(payment).await,
            Operation::Ask => drop(house.pay.recover().await.unwrap()),
            Operation::Refund => house.refund(payment, refund).await,
            Operation::Resend => drop(house.refunding.recover().await.unwrap()),
            Operation::Cancel => drop(house.pay.cancel(merchant, payment, Change::new()).await.unwrap()),
            Operation::Deliver => {
                drop(house.delivering.deliver(merchant, payment, &[], |_| Change::new()).await.unwrap());
            }
            Operation::Job => drop(house.jobs.run_due(house.clock.now()).await.unwrap()),
            Operation::Reconcile => house.reconcile().await,
            Operation::Webhook => house.tell().await,
            Operation::PayOut => {
                house.paying_out.carry_out(plan).await.unwrap();
                payouts::end(house, plan).await;
            }
            Operation::Statement => house.read_statement().await,
        }
    }

    /// What the world does meanwhile: whoever was not answered says it again. Then the process's own recovery.
    pub async fn recover(self, house: &House, subject: Subject) {
        match self {
            // The gateway sends what was not acknowledged once more.
            Operation::Notice => house.hear(subject.payment).await,
            Operation::Job => drop(house.jobs.run_due(house.clock.now()).await.unwrap()),
            // The bill of a day that was not read to its end is read again.
            Operation::Reconcile => house.reconcile().await,
            // Another instance's lease on a call runs out by the wall.
            Operation::Webhook => {
                house.clock.pass(TimeDelta::minutes(2));
                house.tell().await;
            }
            Operation::PayOut => payouts::end(house, subject.plan).await,
            // Whoever sent the file was not answered, or sees that it is not complete: it is sent again.
            Operation::Statement => house.read_statement().await,
            _ => {}
        }
        house.recover().await;
    }

    /// Ours is the far side's truth, and nothing moved twice.
    pub async fn judge(self, house: &House, subject: Subject) {
        let Subject { payment, refund, plan } = subject;
        let far = &house.ground.far;
        match self {
            Operation::Pay => self.judge_start(house, payment).await,
            Operation::Capture | Operation::Ask | Operation::Job => {
                assert_eq!((house.state(payment).await, far.takings(payment)), ("captured", 1));
            }
            Operation::Refuse => {
                assert_eq!((house.state(payment).await, far.takings(payment)), ("failed", 0));
            }
            Operation::Notice => {
                assert_eq!((house.state(payment).await, far.takings(payment)), ("captured", 1));
                let merchant = house.ground.merchant.id;
                let findings = house.store.findings_of(merchant, payment).await.unwrap();
                assert_eq!(findings.len(), 2, "what was given back and charged is found once: {findings:?}");
                assert_eq!(house.booked(payment, "suspense_booked").await, 1);
                assert_eq!(house.booked(payment, "fee_charged").await, 2, "with the capture, and apart");
            }
            Operation::Refund => {
                let ours = house.store.refund(house.ground.merchant.id, refund).await.unwrap();
                let paid = ours.map(|ours| ours.value.state.as_str());
                assert!(matches!(paid, None | Some("succeeded")), "{paid:?}");
                assert_eq!(usize::from(paid.is_some()), far.givings(&refund.to_string()));
                assert_eq!(usize::from(paid.is_some()), house.booked(payment, "refund_confirmed").await);
            }
            Operation::Resend => {
                let ours = house.store.refund(house.ground.merchant.id, refund).await.unwrap().unwrap();
                assert_eq!(ours.value.state.as_str(), "succeeded");
                assert_eq!(far.givings(&refund.to_string()), 1);
                assert_eq!(house.booked(payment, "refund_confirmed").await, 1);
            }
            Operation::Cancel => {
                let view = house.pay.cancel(house.ground.merchant.id, payment, Change::new()).await.unwrap();
                assert_eq!((view.state, far.takings(payment)), ("cancelled", 0));
            }
            Operation::Reconcile => {
                assert_eq!((house.state(payment).await, far.takings(payment)), ("captured", 1));
                assert_eq!(house.booked_in_all("captured_unmatched").await, 1, "strange money stands once");
                let found = house.findings().await;
                assert_eq!(found, ["paid_unknown_here"], "and its finding is open once");
                house.reconcile().await;
                assert_eq!(
                    (house.findings().await.len(), house.booked_in_all("captured_unmatched").await),
                    (1, 1)
                );
            }
            Operation::Webhook => {
                let heard = house.ground.ear.heard();
                let told: std::collections::BTreeSet<&String> = heard.iter().collect();
                assert_eq!(told.len(), house.events().await, "every event is told");
                assert!(heard.len() <= told.len() + AT_ONCE, "what was under way is told twice: {heard:?}");
                house.tell().await;
                assert_eq!(house.ground.ear.heard().len(), heard.len(), "and then nothing more");
            }
            Operation::PayOut => return payouts::judge(house, plan).await,
            Operation::Statement => return house.statement_is_read().await,
            Operation::Deliver => {
                let merchant = house.ground.merchant.id;
                let again = house.delivering.deliver(merchant, payment, &[], |_| Change::new()).await;
                assert!(matches!(again, Ok(_) | Err(DeliverError::Refused(_))), "{again:?}");
                assert_eq!(house.booked(payment, "delivered").await, 1);
            }
        }
        house.never_goes_back(payment).await;
        assert_eq!(house.booked(payment, "captured").await, far.takings(payment), "ours is the far side's");
    }

    /// The merchant, who may not have been answered, asks for the same order once more; the shopper pays what there is.
    async fn judge_start(self, house: &House, payment: PaymentId) {
        let far = &house.ground.far;
        let ours = house.store.payment(payment).await.unwrap();
        match (ours.map(|ours| ours.value.state.as_str()), far.knows(payment)) {
            (None, false) => {}
            (Some("requires_action"), true) => {
                let taken = house.start(house.ids.mint(), "order").await;
                assert_eq!(taken, Err(PayError::OrderRefTaken { payment }));
                far.approve(payment);
                house.come_back(payment).await;
                assert_eq!((house.state(payment).await, far.takings(payment)), ("captured", 1));
                return;
            }
            // It never left us, and we cannot know that: it lapses.
            (Some("created"), false) => {
                house.clock.advance(TimeDelta::hours(4));
                house.recover().await;
                assert_eq!(house.state(payment).await, "expired");
            }
            other => panic!("{other:?}"),
        }
        house.start(house.ids.mint(), "order").await.unwrap();
    }
}
