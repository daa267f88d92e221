//! A rail in memory: it takes batches as it is told, works them off when it is told, and counts what it was asked for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use straits::clock::Clock;
use straits::domain::payouts::{PayoutReport, PayoutStatus};
use straits::gateways::{GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts};
use straits::ids::PayoutId;
use straits::money::{Currency, Money};

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// It never arrives, and we do not know that.
    LostBefore,
    /// It is taken on, and the answer is lost.
    LostAfter,
    /// It never left us.
    NotSent,
    /// Too little on the account.
    Short,
    /// A definite no to the whole.
    Refused,
    /// It never arrives, and no answer ever comes.
    StuckBefore,
    /// It is taken on, and no answer ever comes.
    StuckAfter,
}

#[derive(Debug, Default)]
struct State {
    plan: VecDeque<Goes>,
    silent: bool,
    /// By our reference: what the rail says of each payout.
    batches: BTreeMap<String, Vec<PayoutReport>>,
    /// References, in the order in which they were taken on, each time.
    taken: Vec<String>,
    calls: usize,
    questions: usize,
    taken_back: Vec<PayoutId>,
    news_for: Option<TimeDelta>,
    /// Where calls that are about to be leased wait, each at its own.
    gates: VecDeque<(Sender<()>, Receiver<()>)>,
}

/// The rail.
#[derive(Debug)]
pub struct FarRail {
    state: Mutex<State>,
    clock: Clock,
    limit: usize,
}

impl FarRail {
    pub fn new(clock: &Clock, limit: usize) -> Arc<FarRail> {
        Arc::new(FarRail { state: Mutex::default(), clock: clock.clone(), limit })
    }

    /// How the next calls go.
    pub fn plan(&self, goes: &[Goes]) {
        self.state.lock().unwrap().plan.extend(goes);
    }

    /// Whether questions are answered.
    pub fn silent(&self, silent: bool) {
        self.state.lock().unwrap().silent = silent;
    }

    /// Nothing else tells of what it paid, and so long it may.
    pub fn tells_alone_for(&self, news_for: TimeDelta) {
        self.state.lock().unwrap().news_for = Some(news_for);
    }

    /// Who is about to lease the next call stops there: it says so to the first and goes on at the other's word.
    pub fn gate(&self) -> (Receiver<()>, Sender<()>) {
        let ((here, heard), (word, goes_on)) = (channel(), channel());
        self.state.lock().unwrap().gates.push_back((here, goes_on));
        (heard, word)
    }

    /// What it says of a payout from now on; `fee` is what it took for it so far.
    pub fn say(&self, payout: PayoutId, status: PayoutStatus, fee: Option<Money>) {
        let mut state = self.state.lock().unwrap();
        let told = state.batches.values_mut().flatten().find(|told| told.payout == payout);
        let told = told.unwrap_or_else(|| panic!("{payout} never arrived"));
        (told.status, told.fee, told.rail_ref) = (status, fee, Some(format!("R-{payout}")));
    }

    /// The amount that it says it was asked for, from now on.
    pub fn speak_of(&self, payout: PayoutId, amount: Money) {
        let mut state = self.state.lock().unwrap();
        let told = state.batches.values_mut().flatten().find(|told| told.payout == payout);
        told.unwrap_or_else(|| panic!("{payout} never arrived")).stated = Some(amount);
    }

    /// Everybody whose payout is pending is paid.
    pub fn pay(&self, amounts: &BTreeMap<PayoutId, Money>) {
        let mut state = self.state.lock().unwrap();
        for told in state.batches.values_mut().flatten() {
            if told.status == PayoutStatus::Pending {
                told.status = PayoutStatus::Paid { debited: amounts[&told.payout] };
            }
        }
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    pub fn questions(&self) -> usize {
        self.state.lock().unwrap().questions
    }

    pub fn taken_back(&self) -> Vec<PayoutId> {
        self.state.lock().unwrap().taken_back.clone()
    }

    /// How often each payout was taken on.
    pub fn taken(&self) -> BTreeMap<PayoutId, usize> {
        let state = self.state.lock().unwrap();
        let mut counts = BTreeMap::new();
        for reference in &state.taken {
            for told in &state.batches[reference] {
                *counts.entry(told.payout).or_default() += 1;
            }
        }
        counts
    }
}

#[async_trait]
impl Payouts for FarRail {
    fn batch_limit(&self) -> usize {
        self.limit
    }

    fn payout_currencies(&self) -> Vec<Currency> {
        ["PHP", "THB", "USD"].map(|code| Currency::find(code).unwrap()).to_vec()
    }

    fn news_for(&self) -> Option<TimeDelta> {
        self.state.lock().unwrap().news_for
    }

    fn file(&self, _: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        let gate = self.state.lock().unwrap().gates.pop_front();
        if let Some((here, goes_on)) = gate {
            here.send(()).unwrap();
            tokio::task::block_in_place(|| goes_on.recv()).unwrap();
        }
        Ok(None)
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        let (report, goes) = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            let goes = state.plan.pop_front();
            let refused = |code: &str, later| GatewayError::Refused {
                code: code.into(),
                message: "no".into(),
                retry_later: later,
            };
            match goes {
                Some(Goes::LostBefore) => return Err(GatewayError::OutcomeUnknown("no answer".into())),
                Some(Goes::NotSent) => return Err(GatewayError::NotSent("no connection".into())),
                Some(Goes::Short) => return Err(refused("INSUFFICIENT_FUNDS", true)),
                Some(Goes::Refused) => return Err(refused("DENIED", false)),
                Some(Goes::StuckBefore) => (None, goes),
                Some(Goes::LostAfter | Goes::StuckAfter) | None => {
                    state.taken.push(batch.request_ref.clone());
                    let told = batch.orders.iter().map(|order| PayoutReport {
                        payout: order.payout,
                        rail_ref: None,
                        status: PayoutStatus::Pending,
                        stated: None,
                        fee: None,
                        at: self.clock.now(),
                    });
                    let told: Vec<PayoutReport> = told.collect();
                    let known = state.batches.entry(batch.request_ref.clone()).or_insert(told).clone();
                    let rail_ref = Some(format!("B-{}", batch.request_ref));
                    (Some(PayoutBatchReport { rail_ref, payouts: known }), goes)
                }
            }
        };
        match goes {
            Some(Goes::StuckBefore | Goes::StuckAfter) => std::future::pending().await,
            Some(Goes::LostAfter) => Err(GatewayError::OutcomeUnknown("no answer".into())),
            _ => Ok(report.unwrap()),
        }
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        let mut state = self.state.lock().unwrap();
        state.questions += 1;
        if state.silent {
            return Err(GatewayError::OutcomeUnknown("no answer".into()));
        }
        let known = state.batches.get(&batch.request_ref).cloned();
        Ok(known
            .map(|payouts| PayoutBatchReport { rail_ref: Some(format!("B-{}", batch.request_ref)), payouts }))
    }

    async fn take_back(&self, _: &PayoutBatchRequest, order: &PayoutOrder) -> Result<(), GatewayError> {
        let mut state = self.state.lock().unwrap();
        state.taken_back.push(order.payout);
        let told = state.batches.values_mut().flatten().find(|told| told.payout == order.payout).unwrap();
        let (debited, arrived) = (order.amount, order.amount);
        told.status = PayoutStatus::Returned { debited, arrived, reason: "taken back".into() };
        Ok(())
    }
}
