//! Who is who: merchants, their accounts at gateways, banks and rails, their suppliers.
//!
//! Every gateway, bank and rail account belongs to one merchant, because money of two merchants in one account is
//! pooling. The settings below decide the accounting; their defaults are those of `money-flows` M1–M11.

mod bank;
mod contact;
mod number;
mod seat;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::ids::{GatewayAccountId, MerchantId, SupplierAccountId, SupplierId};
use crate::money::Currency;

pub use bank::{BankAccount, BankAccountKind, Funding, RAILS, RailAccount, is_account_name};
pub use contact::{Contact, Contacts, TOLD_AFTER};
pub use number::{Iban, NumberError, bic, compact};
pub use seat::DebtorAddress;

/// A merchant: one legal entity, one book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name.
    pub name: String,
    /// Whether it sells for others or for itself.
    pub role: Role,
    /// The zone of its business days.
    pub zone: Tz,
    /// When commission counts as earned.
    pub recognise: Recognise,
    /// Origins a shopper may be sent back to: `https://shop.example`.
    pub return_origins: Vec<String>,
    /// The jurisdiction of its taxes, a dimension of 1300 and 2200: `SG`.
    pub tax_jurisdiction: String,
    /// Its number with the tax office, as its statements name it.
    pub tax_number: Option<String>,
}

/// Seller for others, or seller of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Revenue is the commission.
    #[default]
    Agent,
    /// Revenue is the sale.
    Principal,
}

/// When commission moves from 2300 to 4000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognise {
    /// At once.
    #[default]
    Capture,
    /// When `deliver` is called.
    Delivered,
}

/// A merchant's account at a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayAccount {
    /// Its id.
    pub id: GatewayAccountId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Which gateway: `paypal`, `grabpay`.
    pub gateway: String,
    /// Its name and ledger dimension: `paypal`, `grabpay-sg`. Unique per merchant.
    pub name: String,
    /// Who holds the money.
    pub funds_flow: FundsFlow,
    /// Which fee a supplier bears.
    pub recharge: Recharge,
    /// Who bears a fee that the gateway keeps on a refund; `None`: whoever bore the fee.
    pub unreturned_fee: Option<FeeOwner>,
    /// When captured money counts as received.
    pub available_when: AvailableWhen,
    /// Which point in time's rate binds the supplier.
    pub fx_point: FxPoint,
    /// How the gateway pays out, and when it takes its fee.
    pub settlement: SettlementMode,
    /// Currencies the account holds; empty: every currency it takes. Others are converted by the gateway at capture.
    pub holds: Vec<Currency>,
}

impl GatewayAccount {
    /// Whether captured money is ours to hold, and so ours to divide.
    pub fn lands_here(&self) -> bool {
        self.funds_flow == FundsFlow::PlatformCollects
    }

    /// Whether the gateway changes what is paid in `currency` into another one at capture.
    pub fn converts(&self, currency: Currency) -> bool {
        !self.holds.is_empty() && !self.holds.contains(&currency)
    }

    /// The usual mode of an account whose money arrives like this.
    pub fn usual_settlement(available_when: AvailableWhen) -> SettlementMode {
        match available_when {
            AvailableWhen::GatewayAvailable => SettlementMode::NetAtCapture,
            AvailableWhen::BankReceived | AvailableWhen::Calendar => SettlementMode::NetInBatch,
        }
    }

    /// The account that captures land on: spendable at once (1110), or owed until the sweep (1100).
    pub fn lands_on_balance(&self) -> bool {
        self.available_when == AvailableWhen::GatewayAvailable
    }
}

/// Who holds captured money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundsFlow {
    /// The platform, for others.
    #[default]
    PlatformCollects,
    /// The gateway divides it.
    SplitAtGateway,
    /// The supplier gets it directly.
    DirectToSupplier,
}

/// Which fee a supplier bears: what was charged, or what the schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recharge {
    /// The gateway's own figure.
    Actual,
    /// The contract's.
    Schedule,
}

/// Who bears an unreturned fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeOwner {
    /// The suppliers of the refunded lines.
    Supplier,
    /// The platform.
    Platform,
}

/// When captured money counts as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvailableWhen {
    /// On our bank statement.
    BankReceived,
    /// Spendable at the gateway.
    GatewayAvailable,
    /// By calendar: the platform lends its own money.
    Calendar,
}

/// How a gateway pays out, and when it takes its fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettlementMode {
    /// The fee comes off each capture; what is paid out is what is left (PayPal).
    NetAtCapture,
    /// The fee comes off the batch (GrabPay).
    NetInBatch,
    /// The whole is paid out; the fee is invoiced.
    GrossThenInvoice,
}

/// Which point in time's rate binds the supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FxPoint {
    /// Capture.
    #[default]
    Capture,
    /// Release to available.
    Available,
    /// The draft of a payout plan; until then the share stays pending.
    Payout,
}

impl FxPoint {
    /// Whether it is the usual one.
    pub fn is_capture(&self) -> bool {
        *self == FxPoint::Capture
    }
}

/// A supplier of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supplier {
    /// Its id.
    pub id: SupplierId,
    /// Whose supplier.
    pub merchant: MerchantId,
    /// Legal name.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency it is settled in.
    pub currency: Currency,
    /// Its number with its tax office, as its statements name it.
    pub tax_number: Option<String>,
    /// Whom it hears by that its payout account was changed.
    pub contacts: Contacts,
}

/// Where a supplier's money is sent. The number itself is sealed; `hint` is its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutAccount {
    /// Its id.
    pub id: SupplierAccountId,
    /// Whose.
    pub supplier: SupplierId,
    /// What the number is.
    pub kind: PayoutAccountKind,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency it takes.
    pub currency: Currency,
    /// The name it is held under.
    pub holder: String,
    /// The last four characters of the number.
    pub hint: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// What the number of a payout account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayoutAccountKind {
    /// A national account number with a bank code.
    Bank,
    /// An IBAN (ISO 13616).
    Iban,
    /// A PayPal account's e-mail address.
    Paypal,
}
