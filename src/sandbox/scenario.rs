//! Faults on demand: what can go wrong between a gateway and us, made to happen.
//!
//! A scenario is armed for one payment or for the next `n` payments, is durable, and from then on belongs to the
//! payment. Its rule stands beside its name in [`Scenario`]; the far sides ask [`Faults`] at the places where it
//! bites. Nothing else in a far side knows that faults exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::book::{Record, Session};
use super::{Sandbox, SandboxError, serial};

/// One fault and its rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Neither a notice nor the shopper's browser reaches us; asking the gateway is the only way to know.
    LostCallback,
    /// Every notice is sent three times.
    DuplicateCallback,
    /// Every notice is sent an hour late, by the business clock.
    LateCallback,
    /// A notice waits until the next one of the payment has been sent (ten minutes at most): pairs arrive swapped.
    OutOfOrder,
    /// A notice that claims the payment is captured, with a signature that is not the gateway's for this receiver,
    /// is sent at once; the genuine notices follow as usual.
    ForgedCallback,
    /// A tenth of the amount: PayPal captures it (and says so), GrabPay's notices state it while the wallet moved
    /// the full amount.
    WrongAmount,
    /// The first capture or completion and the first refund are done, then the connection breaks without an answer.
    TimeoutAfterSuccess,
    /// Before the capture the shopper cannot pay; after it the merchant's balance refuses the first refund.
    InsufficientBalance,
    /// The first refund is refused, and one that is asked for after it is paid.
    RefundRefused,
    /// The gateway's report states a minor unit less than was captured.
    BillDiffers,
    /// The payer complains at PayPal: the money is held until somebody decides.
    DisputeOpened,
    /// The payer's bank takes the money back at once, and a fee with it.
    ChargebackFee,
    /// The open dispute (one is opened where there is none) is decided for the seller.
    DisputeWon,
    /// The open dispute is decided for the payer.
    DisputeLost,
    /// PayPal pays the payer itself.
    DisputePaidByGateway,
    /// The bank credits 0.50 less than GrabPay's sweep of the day sent, and says nothing of it.
    DepositShort,
}

impl Scenario {
    /// Every scenario, in the order of the contract.
    pub const ALL: [Scenario; 16] = [
        Scenario::LostCallback,
        Scenario::DuplicateCallback,
        Scenario::LateCallback,
        Scenario::OutOfOrder,
        Scenario::ForgedCallback,
        Scenario::WrongAmount,
        Scenario::TimeoutAfterSuccess,
        Scenario::InsufficientBalance,
        Scenario::RefundRefused,
        Scenario::BillDiffers,
        Scenario::DisputeOpened,
        Scenario::ChargebackFee,
        Scenario::DisputeWon,
        Scenario::DisputeLost,
        Scenario::DisputePaidByGateway,
        Scenario::DepositShort,
    ];

    /// Those that strike captured money at PayPal, at once or with its capture.
    pub(super) const DISPUTES: [Scenario; 5] = [
        Scenario::DisputeOpened,
        Scenario::ChargebackFee,
        Scenario::DisputeWon,
        Scenario::DisputeLost,
        Scenario::DisputePaidByGateway,
    ];

    /// The name in the contract: `lost_callback`.
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::LostCallback => "lost_callback",
            Scenario::DuplicateCallback => "duplicate_callback",
            Scenario::LateCallback => "late_callback",
            Scenario::OutOfOrder => "out_of_order",
            Scenario::ForgedCallback => "forged_callback",
            Scenario::WrongAmount => "wrong_amount",
            Scenario::TimeoutAfterSuccess => "timeout_after_success",
            Scenario::InsufficientBalance => "insufficient_balance",
            Scenario::RefundRefused => "refund_refused",
            Scenario::BillDiffers => "bill_differs",
            Scenario::DisputeOpened => "dispute_opened",
            Scenario::ChargebackFee => "chargeback_fee",
            Scenario::DisputeWon => "dispute_won",
            Scenario::DisputeLost => "dispute_lost",
            Scenario::DisputePaidByGateway => "dispute_paid_by_gateway",
            Scenario::DepositShort => "deposit_short",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No scenario of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario `{0}`")]
pub struct UnknownScenario(pub String);

impl FromStr for Scenario {
    type Err = UnknownScenario;
    fn from_str(name: &str) -> Result<Scenario, UnknownScenario> {
        let found = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
        found.ok_or_else(|| UnknownScenario(name.chars().take(40).collect()))
    }
}

/// Whom a scenario strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One payment, by our reference or the gateway's; it may not have reached the gateway yet.
    Payment(String),
    /// The next `n` payments that reach any of the far sides.
    Next(u32),
}

/// The faults of one payment, and which of its calls each has struck already.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Faults(BTreeMap<Scenario, BTreeSet<String>>);

impl Faults {
    /// Whether the scenario is armed for this payment.
    pub(super) fn has(&self, scenario: Scenario) -> bool {
        self.0.contains_key(&scenario)
    }

    /// True the first time the scenario meets this call.
    pub(super) fn strikes(&mut self, scenario: Scenario, call: &str) -> bool {
        self.0.get_mut(&scenario).is_some_and(|struck| struck.insert(call.to_owned()))
    }

    /// Arms it; armed again, it strikes again.
    pub(super) fn arm(&mut self, scenario: Scenario) {
        self.0.insert(scenario, BTreeSet::new());
    }
}

/// A scenario that waits for its payment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Armed {
    id: String,
    scenario: Scenario,
    target: Target,
}

impl Record for Armed {
    const KIND: &'static str = "armed";
    fn id(&self) -> &str {
        &self.id
    }
}

impl Armed {
    pub(super) fn new(sandbox: &Sandbox, scenario: Scenario, target: Target) -> Armed {
        Armed { id: serial::hex(&sandbox.ids), scenario, target }
    }
}

/// The faults of a payment that arrives now under these references; what was armed for it is used up.
pub(super) async fn faults_for(session: &mut Session, references: &[&str]) -> Result<Faults, SandboxError> {
    let mut faults = Faults::default();
    for mut armed in session.all::<Armed>().await? {
        let spent = match &mut armed.target {
            Target::Payment(reference) if references.contains(&reference.as_str()) => true,
            Target::Payment(_) => continue,
            Target::Next(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
        };
        faults.arm(armed.scenario);
        if spent {
            session.remove::<Armed>(&armed.id).await?;
        } else {
            session.put(&armed).await?;
        }
    }
    Ok(faults)
}
