//! The shopper comes back: `GET /v1/returns/{gateway}`.
//!
//! What comes with the shopper is no evidence. The adapter checks that the state or token is this payment's and may keep
//! something (an OAuth code); then the gateway is asked, as always. The shopper is sent on whatever the answer is: a
//! gateway that does not answer now is asked again later.

use crate::crash::{Point, point};
use crate::domain::orders::{Payment, ReportSource};
use crate::gateways::{About, ReturnParameters};
use crate::ids::PaymentId;
use crate::store::{Change, CommitError, Versioned};

use super::cause::Cause;
use super::{DECISIONS, OpenAccount, Pay, PayError};

/// Where the shopper goes from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The payment.
    pub payment: PaymentId,
    /// How it stands.
    pub state: &'static str,
    /// The merchant's address with `payment` and `state` added; `None` when the merchant gave none.
    pub location: Option<String>,
}

impl Pay {
    /// Takes a returning shopper.
    ///
    /// # Errors
    /// [`PayError::UnknownGateway`], [`PayError::UnknownPayment`], [`PayError::ReturnRefused`] when what came back is
    /// not this payment's.
    pub async fn come_back(&self, gateway: &str, parameters: &ReturnParameters) -> Result<Landing, PayError> {
        let accounts = self.0.accounts.at(gateway, None);
        if accounts.is_empty() {
            return Err(PayError::UnknownGateway(gateway.to_owned()));
        }
        let about = accounts.iter().find_map(|account| account.gateway.return_ref(parameters));
        let Some(About::Payment { request_ref, gateway_ref }) = about else {
            return Err(PayError::UnknownPayment);
        };
        let found = self.0.store.payment_at_gateway(gateway, request_ref.as_deref(), gateway_ref.as_deref());
        let payment = found.await?.ok_or(PayError::UnknownPayment)?;
        let account = self.account_of(&payment.value)?;
        let id = payment.value.id;
        self.accept(payment, &account, parameters).await?;
        point(Point::ReturnKept).await;
        let payment = match self.ask(id, &Cause::of(ReportSource::Return)).await {
            Ok(payment) => payment,
            Err(error) => {
                tracing::warn!(payment = %id, %error, "the shopper is back, the gateway does not say; it is asked later");
                self.load(id).await?.value
            }
        };
        Ok(landing(&payment))
    }

    /// Checks that the return is this payment's and keeps what the adapter wants kept.
    async fn accept(
        &self,
        mut payment: Versioned<Payment>,
        account: &OpenAccount,
        parameters: &ReturnParameters,
    ) -> Result<(), PayError> {
        for _ in 0..DECISIONS {
            let (request, secrets) = (self.request(&payment.value), self.secrets(&payment.value)?);
            let kept = account
                .gateway
                .accept_return(&request, &secrets, parameters)
                .map_err(|refusal| PayError::ReturnRefused(refusal.to_string()))?;
            let Some(kept) = kept else { return Ok(()) };
            let id = payment.value.id;
            let after = Payment { secrets: Some(self.seal(id, &kept)?), ..payment.value };
            let mut change = Change::new();
            change.update_payment(&after, payment.version);
            point(Point::ReturnAccepted).await;
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::LostUpdate { .. } | CommitError::Unknown(_)) => {
                    payment = self.load(id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable("the return met other changes in a row"))
    }
}

fn landing(payment: &Payment) -> Landing {
    let state = payment.state.as_str();
    let location = payment.return_url.as_ref().and_then(|text| url::Url::parse(text).ok()).map(|mut url| {
        url.query_pairs_mut().append_pair("payment", &payment.id.to_string()).append_pair("state", state);
        url.to_string()
    });
    Landing { payment: payment.id, state, location }
}
