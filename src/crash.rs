//! Places between two steps where a process may die: named, so that a test can let it die at each of them.
//!
//! A flow says `crash::point(Point::CompleteAfterCall).await` between two steps. A point is
//!
//! - with the feature `crash-points`, where the real program aborts, as by SIGKILL, when `STRAITS_CRASH_AT` names it:
//!   `complete.called:2` is the second time it comes there;
//! - where a [`Schedule`] installed on this thread decides who goes on and who dies: tests and the simulator run a whole
//!   installation on one thread. Who dies stands still for ever at its point; the test then drops it with its runtime, as
//!   a dead process drops everything.
//!
//! Points stand where what is durable changes or what is known to the other side does, and nowhere else.

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A place between two steps. Its text is `flow.place`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Point {
            /// Each of them, in the order in which a payment meets them.
            pub const ALL: &[Point] = &[$(Point::$name,)+];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Point::$name => $text,)+ }
            }
        }
    };
}

points! {
    /// A payment is checked and not written down.
    StartDecided = "start.decided",
    /// The payment and the intent to open it are durable; the gateway was not called.
    StartIntended = "start.intended",
    /// The gateway has opened it; its answer is not written down.
    StartCalled = "start.called",
    /// The answer is durable; the caller has not heard.
    StartRecorded = "start.recorded",
    /// A notice is verified and not kept.
    NoticeVerified = "notice.verified",
    /// It is kept and nothing was done about it.
    NoticeKept = "notice.kept",
    /// The notice's payment is found; the gateway was not asked.
    NoticeMatched = "notice.matched",
    /// A shopper is back and what came along is checked, not kept.
    ReturnAccepted = "return.accepted",
    /// What came with the shopper is durable; the gateway was not asked.
    ReturnKept = "return.kept",
    /// A question is about to be put to the gateway.
    AskBegun = "ask.begun",
    /// The gateway has answered; nothing of it is written down.
    AskAnswered = "ask.answered",
    /// What a report means is decided (a capture is divided) and not written down.
    ApplyDecided = "apply.decided",
    /// Its change is durable: state, postings, timeline, event, notice or lease.
    ApplyWritten = "apply.written",
    /// The payment's own part is durable; refunds and other facts of money that came along are not applied.
    ApplyMore = "apply.more",
    /// They are applied; the notice they came with is not settled.
    ApplyFacts = "apply.facts",
    /// The lease to complete is durable; nothing was called.
    CompleteLeased = "complete.leased",
    /// What must be there before money is taken was fetched from the gateway and is not written down.
    CompleteFetched = "complete.fetched",
    /// It is durable; the money was not asked for.
    CompletePrepared = "complete.prepared",
    /// The gateway has answered the call for the money; nothing of it is written down.
    CompleteCalled = "complete.called",
    /// It refused; it was not asked once more.
    CompleteRefused = "complete.refused",
    /// The outcome is durable; the caller has not heard.
    CompleteRecorded = "complete.recorded",
    /// A call-off is decided and not written down.
    CancelDecided = "cancel.decided",
    /// It is durable; the caller has not heard.
    CancelRecorded = "cancel.recorded",
    /// A refund is decided and not written down.
    RefundDecided = "refund.decided",
    /// The refund, its postings and the intent to send it are durable; the gateway was not called.
    RefundIntended = "refund.intended",
    /// An open refund was asked about, or may be sent without; the lease to send it is not taken.
    RefundAsked = "refund.asked",
    /// The lease to send it again is durable.
    RefundLeased = "refund.leased",
    /// The gateway has answered; nothing of it is written down.
    RefundCalled = "refund.called",
    /// What the gateway said of a refund is decided and not written down.
    RefundReported = "refund.reported",
    /// It is durable; the caller has not heard.
    RefundRecorded = "refund.recorded",
    /// Another fact of money is read and not written down: a fee apart, a hold, a release, a reversal.
    FactRead = "fact.read",
    /// It is durable.
    FactRecorded = "fact.recorded",
    /// A delivery is decided and not written down.
    DeliverDecided = "deliver.decided",
    /// It is durable.
    DeliverRecorded = "deliver.recorded",
    /// A run of a bill is durable; the bill is not read.
    ReconcileKept = "reconcile.kept",
    /// The bill is read and matched; nothing of it is written down.
    ReconcileRead = "reconcile.read",
    /// What one difference means is durable; others are not settled.
    ReconcileSettled = "reconcile.settled",
    /// What was found is durable; what waits for the next bill is not.
    ReconcileFound = "reconcile.found",
    /// Both are durable; the run is not marked as done.
    ReconcilePooled = "reconcile.pooled",
    /// A bank's file is durable; none of its lines is taken.
    StatementKept = "statement.kept",
    /// One of its lines is taken and explained, or stands aside; others are not.
    StatementLine = "statement.line",
    /// All lines of a statement are taken; it does not say so.
    StatementTaken = "statement.taken",
    /// The lease to send an event to a merchant's address is durable; it was not sent.
    WebhookLeased = "webhook.leased",
    /// The address has answered; that is not written down.
    WebhookSent = "webhook.sent",
    /// Its outcome is durable.
    WebhookRecorded = "webhook.recorded",
    /// A batch of payouts is decided and not written down.
    PayoutDecided = "payout.decided",
    /// The batch, its payouts and their postings are durable; nothing was sent.
    PayoutInstructed = "payout.instructed",
    /// The lease to send it is durable; the rail was not called.
    PayoutLeased = "payout.leased",
    /// The rail has answered; nothing of it is written down.
    PayoutCalled = "payout.called",
    /// What came of the call is durable; what it says of each payout is not.
    PayoutNoted = "payout.noted",
    /// What the rail says of payouts is decided and not written down.
    PayoutReported = "payout.reported",
    /// It is durable.
    PayoutRecorded = "payout.recorded",
    /// A job's lease is durable; nothing was done.
    JobLeased = "job.leased",
    /// The job is done; its row does not say so.
    JobDone = "job.done",
    /// Its row says so.
    JobFinished = "job.finished",
    /// The writer has written a batch and not committed it.
    CommitPending = "commit.pending",
    /// The batch is committed; its callers have not heard.
    CommitDone = "commit.done",
}

use std::cell::RefCell;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};

#[cfg(feature = "crash-points")]
pub use abort::VARIABLE;

/// What becomes of whoever came to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It stands still for ever: its process is dead and will be dropped.
    Die,
}

/// Decides, for everything that runs on one thread, who goes on and when.
#[async_trait]
pub trait Schedule: Send + Sync + Debug {
    /// Asked at each point; whoever is there waits for the answer.
    async fn reach(&self, point: Point) -> Verdict;

    /// Whoever is on has to wait for a lock that another holds; answers who that is.
    fn waits(&self) -> u64 {
        0
    }

    /// They have it, and wait until they may go on.
    async fn resumes(&self, _who: u64) {}
}

thread_local! {
    static SCHEDULE: RefCell<Option<Arc<dyn Schedule>>> = const { RefCell::new(None) };
}

/// A schedule is in force on this thread until this is dropped; then the one before it is again.
#[derive(Debug)]
pub struct Installed {
    before: Option<Arc<dyn Schedule>>,
    // It belongs to its thread.
    here: PhantomData<*const ()>,
}

/// Puts a schedule in force on this thread: on a runtime of one thread, for every task of it.
pub fn install(schedule: Arc<dyn Schedule>) -> Installed {
    let before = SCHEDULE.with(|current| current.borrow_mut().replace(schedule));
    Installed { before, here: PhantomData }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let before = self.before.take();
        SCHEDULE.with(|current| *current.borrow_mut() = before);
    }
}

fn in_force() -> Option<Arc<dyn Schedule>> {
    SCHEDULE.with(|current| current.borrow().clone())
}

/// Whether a schedule decides who goes on and when: then how long the machine takes decides nothing, and nobody waits by its
/// timers.
pub fn is_scheduled() -> bool {
    in_force().is_some()
}

/// Where a process may die.
pub async fn point(point: Point) {
    #[cfg(feature = "crash-points")]
    abort::if_named(point);
    if let Some(schedule) = in_force()
        && schedule.reach(point).await == Verdict::Die
    {
        std::future::pending::<()>().await;
    }
}

/// Takes a lock that is held over calls to others. A schedule hears of whoever has to wait for it: to it they would look
/// like somebody at work.
pub async fn lock<T: ?Sized + Send>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let Some(schedule) = in_force() else { return mutex.lock().await };
    if let Ok(had) = mutex.try_lock() {
        return had;
    }
    let who = schedule.waits();
    let had = mutex.lock().await;
    schedule.resumes(who).await;
    had
}

/// A pause by the machine's own timers, for patience and renewals. Under a schedule those stand still: how long the
/// machine takes must decide nothing there.
pub async fn pause(by: Duration) {
    match in_force() {
        Some(_) => std::future::pending().await,
        None => tokio::time::sleep(by).await,
    }
}

#[cfg(feature = "crash-points")]
mod abort {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Point;

    /// Where the program aborts: `point` or `point:n`, the n-th time it comes there.
    pub const VARIABLE: &str = "STRAITS_CRASH_AT";

    pub(super) fn if_named(point: Point) {
        static NAMED: OnceLock<Option<(Point, u32)>> = OnceLock::new();
        static HITS: AtomicU32 = AtomicU32::new(0);
        let named = NAMED.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| read(&text)));
        if let Some((at, nth)) = named
            && *at == point
            && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        {
            tracing::error!(point = point.as_str(), "the process dies here, as {VARIABLE} says");
            std::process::abort();
        }
    }

    /// A name that is none would let a test pass without its death: the program ends at once.
    fn read(text: &str) -> (Point, u32) {
        let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
        let point = Point::ALL.iter().find(|point| point.as_str() == name);
        match (point, nth.parse()) {
            (Some(point), Ok(nth)) if nth > 0 => (*point, nth),
            _ => {
                tracing::error!(text, "{VARIABLE} names no crash point: write `complete.called:1`");
                std::process::exit(2)
            }
        }
    }
}
