//! A batch is sent once: leased, called under its own reference, and what came of it written down. Whoever died at it may
//! have sent it; that is then asked about.

use std::pin::pin;

use secrecy::SecretString;
use serde::Deserialize;

use crate::crash::{self, Point, point};
use crate::domain::merchants::Funding;
use crate::domain::orders::{Intent, Lease, Outcome};
use crate::domain::payouts::{
    Carried, DebtorAddress, Payout, PayoutBatch, PayoutReport, PayoutState, PayoutStatus, PlanDocument,
};
use crate::flows::onboard::{account_number, account_place};
use crate::flows::pay::Sending;
use crate::gateways::{Creditor, Debtor, GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder};
use crate::ids::{MerchantId, PayoutBatchId};
use crate::store::{Change, CommitError, Versioned};

use super::rails::OpenRail;
use super::{DECISIONS, PayOutError, PayingOut};

/// What is sealed of a payee's account.
#[derive(Deserialize)]
struct Details {
    number: String,
    bank_code: Option<String>,
}

impl PayingOut {
    /// Sends a batch that may be sent; does nothing with any other.
    ///
    /// # Errors
    /// [`PayOutError`]; it is taken up again.
    pub async fn send(&self, id: PayoutBatchId) -> Result<(), PayOutError> {
        match self.0.pay.look_again().await.map_err(PayOutError::unavailable)? {
            Sending::Free => {}
            // What was sent since the backup is not known here: it is asked about first.
            Sending::AskFirst | Sending::Held => return Err(PayOutError::Held),
        }
        let batch = self.batch(id).await?;
        if !batch.value.may_be_sent() {
            return Ok(());
        }
        if self.is_from_before_a_restore(batch.value.created_at).await? {
            let why = "written down before the database was restored: it may have been sent since".to_owned();
            return self.unknown(&batch, why).await;
        }
        let rail = self.rail(batch.value.merchant, batch.value.rail_account).await?;
        let payouts = self.0.store.payouts_of_batch(id).await?;
        let Some((batch, held)) = self.still_payable(batch, payouts).await? else { return Ok(()) };
        let held: Vec<&Payout> = held.iter().collect();
        if held.is_empty() {
            let ended = batch.value.ended(Outcome::Refused, Some("nothing of it is left".to_owned()));
            let mut change = Change::new();
            change.update_payout_batch(&ended, batch.version);
            // Lost: somebody else has sent it, and knows what came of it.
            return self.written(change).await;
        }
        let request = self.request(&batch.value, &rail, &held).await?;
        let Some(payouts) = rail.payouts() else { return Ok(()) };
        // What cannot be written is refused by the call itself.
        let file = payouts.file(&request).ok().flatten().map(|file| PlanDocument::hash_of(&file));
        let by_hand = payouts.by_hand();
        let carried = Carried { payouts: held.iter().map(|payout| payout.id).collect(), file, by_hand };
        let mut change = Change::new();
        let leased = batch.value.leased(self.0.holder, self.0.clock.now(), carried);
        change.update_payout_batch(&leased, batch.version);
        match self.0.store.commit(change).await {
            Ok(_) => {}
            // Another instance has it, or somebody stopped it.
            Err(CommitError::LostUpdate { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        point(Point::PayoutLeased).await;
        let mut leased = Versioned { value: leased, version: batch.version + 1 };
        let sent = self.holding(&mut leased, payouts.send(&request)).await;
        point(Point::PayoutCalled).await;
        self.heard(leased, &request, sent).await
    }

    /// Makes the call under the batch's lease, which is renewed as long as it takes.
    async fn holding<T>(&self, batch: &mut Versioned<PayoutBatch>, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                answer = &mut call => return answer,
                () = crash::pause(Intent::RENEWAL) => {
                    let until = self.0.clock.now() + Intent::LEASE;
                    let lease = Some(Lease { owner: self.0.holder.boot, until });
                    let renewed = PayoutBatch { lease, ..batch.value.clone() };
                    let mut change = Change::new();
                    change.update_payout_batch(&renewed, batch.version);
                    match self.0.store.commit(change).await {
                        Ok(_) => *batch = Versioned { value: renewed, version: batch.version + 1 },
                        Err(error) => tracing::warn!(batch = %batch.value.id, %error, "a lease was not renewed"),
                    }
                }
            }
        }
    }

    /// What came of the call.
    async fn heard(
        &self,
        batch: Versioned<PayoutBatch>,
        request: &PayoutBatchRequest,
        sent: Result<PayoutBatchReport, GatewayError>,
    ) -> Result<(), PayOutError> {
        match sent {
            Ok(report) => {
                self.note(&batch, Outcome::Done, report.rail_ref.clone(), None).await?;
                self.apply(&batch.value, &report).await
            }
            Err(GatewayError::Refused { code, message, retry_later: false }) => {
                let detail = format!("{code}: {message}");
                self.note(&batch, Outcome::Refused, None, Some(detail)).await?;
                self.apply(&batch.value, &refused(request, &code, &message, self.0.clock.now())).await
            }
            // Nothing happened: the same call may be made later.
            Err(
                error @ (GatewayError::Refused { .. }
                | GatewayError::Throttled { .. }
                | GatewayError::NotSent(_)),
            ) => {
                self.note(&batch, Outcome::Open, None, Some(error.to_string())).await?;
                Err(error.into())
            }
            Err(error @ GatewayError::OutcomeUnknown(_)) => {
                self.unknown(&batch, error.to_string()).await?;
                Err(error.into())
            }
        }
    }

    /// Nobody knows what came of the call: the batch and its payouts say so.
    pub(super) async fn unknown(
        &self,
        batch: &Versioned<PayoutBatch>,
        why: String,
    ) -> Result<(), PayOutError> {
        let mut change = Change::new();
        change.update_payout_batch(&batch.value.ended(Outcome::Unknown, Some(why)), batch.version);
        for payout in self.0.store.payouts_of_batch(batch.value.id).await? {
            if payout.value.state == PayoutState::Held {
                let (state, updated_at) = (PayoutState::Unknown, self.0.clock.now());
                let unknown = Payout { state, updated_at, ..payout.value };
                change.update_payout(&unknown, payout.version);
            }
        }
        self.written(change).await
    }

    /// Writes what came of the call, whoever touched the row meanwhile. What is known to be open again stays unknown where
    /// somebody has concluded so: its payouts say so too.
    async fn note(
        &self,
        batch: &Versioned<PayoutBatch>,
        outcome: Outcome,
        rail_ref: Option<String>,
        detail: Option<String>,
    ) -> Result<(), PayOutError> {
        let mut batch = batch.clone();
        for _ in 0..DECISIONS {
            if batch.value.outcome == Outcome::Done
                || (batch.value.outcome, outcome) == (Outcome::Unknown, Outcome::Open)
            {
                return Ok(());
            }
            let mut change = Change::new();
            let mut ended = batch.value.ended(outcome, detail.clone());
            ended.rail_ref = rail_ref.clone().or(ended.rail_ref);
            change.update_payout_batch(&ended, batch.version);
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::PayoutNoted).await;
                    return Ok(());
                }
                Err(CommitError::LostUpdate { .. }) => batch = self.batch(batch.value.id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayOutError::Unavailable(format!("{} met {DECISIONS} other changes in a row", batch.value.id)))
    }

    pub(super) async fn written(&self, change: Change) -> Result<(), PayOutError> {
        match self.0.store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What a rail is told, or asked about: the payees' numbers are opened for it.
    pub(super) async fn request(
        &self,
        batch: &PayoutBatch,
        rail: &OpenRail,
        payouts: &[&Payout],
    ) -> Result<PayoutBatchRequest, PayOutError> {
        let mut orders = Vec::with_capacity(payouts.len());
        let plan = self.0.store.payout_plan(batch.plan).await?.ok_or(PayOutError::Unknown("payout plan"))?;
        // As they were approved, whatever the terms say by now.
        let told = plan.value.document.told();
        for payout in payouts {
            let told = told.get(&(payout.supplier, payout.account)).copied();
            let told = told.ok_or(PayOutError::Unknown("line of the plan"))?;
            let account = self.0.store.payout_account(payout.merchant, payout.account).await?;
            let (account, sealed) = account.ok_or(PayOutError::Unknown("supplier account"))?;
            let opened = self.0.vault.open(&account_place(&account), &sealed);
            let opened = opened.map_err(PayOutError::unavailable)?;
            let details: Details = serde_json::from_slice(&opened).map_err(PayOutError::unavailable)?;
            orders.push(PayoutOrder {
                payout: payout.id,
                rail_ref: payout.rail_ref.clone(),
                amount: payout.amount,
                creditor: Creditor {
                    name: account.holder,
                    country: account.country,
                    town: told.town.map(str::to_owned),
                    kind: account.kind,
                    number: SecretString::from(details.number),
                    bank_code: details.bank_code,
                },
                note: format!("Payout {}", payout.id),
                purpose: payout.purpose.clone(),
                bearer: Some(told.bearer),
            });
        }
        let request_ref = batch.id.to_string();
        tracing::debug!(batch = %batch.id, rail = rail.account.name, payouts = orders.len(), "a batch of payouts");
        Ok(PayoutBatchRequest {
            batch: batch.id,
            request_ref,
            rail_ref: batch.rail_ref.clone(),
            carried: batch.carried.as_ref().map(|carried| carried.payouts.clone()),
            orders,
            debtor: self.debtor(rail).await?,
            execute_on: batch.execute_on.unwrap_or(batch.created_at.date_naive()),
            made_at: batch.created_at,
        })
    }

    /// Whose account pays, where that is one at a bank.
    async fn debtor(&self, rail: &OpenRail) -> Result<Option<Debtor>, PayOutError> {
        let Funding::BankAccount(id) = rail.account.funding else { return Ok(None) };
        let merchant = rail.account.merchant;
        let stored = self.0.store.bank_account(merchant, id).await?;
        let stored = stored.ok_or(PayOutError::Unknown("bank account"))?;
        let owner = self.0.store.merchant(merchant).await?.ok_or(PayOutError::Unknown("merchant"))?;
        let number = account_number(&self.0.vault, &stored).map_err(PayOutError::unavailable)?;
        let (country, bic) = (stored.account.country, stored.account.bic);
        let address = match stored.account.address {
            Some(own) => own,
            None if self.is_default(merchant).await? => self.0.debtor_address.clone(),
            None => DebtorAddress::default(),
        };
        Ok(Some(Debtor { name: owner.name, country, address, number, bic }))
    }
}

impl PayingOut {
    /// Whether a merchant is the one that the settings speak of: the first.
    async fn is_default(&self, merchant: MerchantId) -> Result<bool, PayOutError> {
        let all = self.0.store.merchants().await?;
        Ok(all.first().is_some_and(|first| first.id == merchant))
    }
}

/// A refusal of the whole, for each of them.
fn refused(
    request: &PayoutBatchRequest,
    code: &str,
    reason: &str,
    at: chrono::DateTime<chrono::Utc>,
) -> PayoutBatchReport {
    let payouts = request.orders.iter().map(|order| PayoutReport {
        payout: order.payout,
        rail_ref: None,
        status: PayoutStatus::Failed { code: code.to_owned(), reason: reason.to_owned() },
        stated: None,
        fee: None,
        at,
    });
    PayoutBatchReport { rail_ref: None, payouts: payouts.collect() }
}
