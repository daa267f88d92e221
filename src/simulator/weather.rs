//! What a round has as a whole: a gateway that is away for minutes, a share that PayPal keeps and nobody agreed to.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rust_decimal::Decimal;
use url::Url;

use crate::app::Woken;
use crate::money::Percent;
use crate::sandbox::Sandbox;

use super::SimulationError;
use super::faults::strikes;
use super::run::Run;
use super::world::World;

/// A gateway that nobody reaches.
#[derive(Debug)]
pub(super) struct Outage {
    gateway: &'static str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Outage {
    pub(super) fn meets(&self, url: &Url, world: &World) -> bool {
        let now = world.clock.now();
        self.from <= now && now < self.until && url.path().contains(self.gateway)
    }
}

impl Run {
    /// Draws it. Rates are those of single requests; a round has many.
    pub(super) async fn weather(&mut self, woken: &Woken, far: &Sandbox) -> Result<(), SimulationError> {
        self.outage = None;
        if strikes(&mut self.dice, self.rates.outage * 2) {
            let gateway = if self.dice.random_bool(0.5) { "/paypal/" } else { "/grabpay/" };
            let from = self.world.clock.now() + TimeDelta::seconds(self.dice.random_range(0..480));
            let until = from + TimeDelta::seconds(self.dice.random_range(60..420));
            self.trace.note(format!("an outage {gateway} {from} {until}"));
            self.outage = Some(Outage { gateway, from, until });
        }
        if strikes(&mut self.dice, self.rates.fee * 2) {
            let Some(client) = woken.seeded.default.gateways.get("paypal") else { return Ok(()) };
            let tenths = self.dice.random_range(20..60);
            self.trace.note(format!("PayPal keeps {tenths} thousandths"));
            let percent = Percent::try_new(Decimal::new(tenths, 1));
            let percent = percent.map_err(|error| SimulationError::Broken(error.to_string()))?;
            far.terms_paypal(&client["client_id"], percent, &[]).await?;
        }
        Ok(())
    }
}
