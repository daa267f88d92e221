//! The way between our process and the gateways: requests, answers, and what befalls them.

use rand::Rng;

use crate::gateways::transport::{Broken as Lost, Carried};
use crate::money::{Currency, Money};
use crate::sandbox::{Direct, DirectAnswer, Sandbox};

use super::Sabotage;
use super::faults::{on_the_way, on_the_way_back, strikes};
use super::life::{Billed, Life};
use super::run::Run;

impl Run {
    /// The life a request is about.
    pub(super) fn life_in(&self, direct: &Direct) -> Option<usize> {
        let owner = self.truth.owner_in(&direct.url);
        let (url, body) = (direct.url.as_str(), String::from_utf8_lossy(&direct.body));
        let named = |name: &str| owner == Some(name) || url.contains(name) || body.contains(name);
        self.lives.iter().position(|life| named(&life.name))
    }

    /// A request on its way, to the far side and back.
    pub(super) async fn carried(
        &mut self,
        direct: Direct,
        far: &Sandbox,
        for_bills: bool,
    ) -> (String, Result<Carried, Lost>) {
        if !self.world.is_ours(&direct.url) {
            self.trace.note(format!("somebody calls {}", direct.url));
            if !crate::gateways::is_loopback(&direct.url) {
                self.astray = Some(("A16", format!("somebody was asked at {}", direct.url)));
            }
            return ("elsewhere".to_owned(), Err(Lost::NotSent("nobody is there".into())));
        }
        self.too_early(&direct);
        let path = direct.url.path().rsplit('/').take(2).collect::<Vec<_>>().join("<");
        if self.faulty() && self.outage.as_ref().is_some_and(|outage| outage.meets(&direct.url, &self.world))
        {
            self.counts.faults += 1;
            return (format!("{path}: away"), Err(Lost::NotSent("nobody is there".into())));
        }
        if self.faulty()
            && let Some((fault, answer)) = on_the_way(&mut self.dice, &self.rates)
        {
            self.counts.faults += 1;
            return (format!("{path}: {fault}"), answer);
        }
        if direct.method == reqwest::Method::GET && !for_bills && self.is_mute(&direct) {
            return (format!("{path}: mute"), Err(Lost::Unanswered("no answer in time".into())));
        }
        let mut answer = far.answer(direct.clone()).await;
        self.misprint(&direct, &mut answer);
        self.knock |= direct.method == reqwest::Method::POST;
        self.truth.observe(&direct, &answer);
        let mut words = format!("{path}: {}", answer.status);
        if self.faulty() && strikes(&mut self.dice, self.rates.twice) {
            let again = far.answer(direct.clone()).await;
            self.truth.observe(&direct, &again);
            words.push_str(", twice");
            self.counts.faults += 1;
            if self.dice.random_bool(0.5) {
                answer = again;
            }
        }
        if self.sabotaged(Sabotage::MisreadAmounts)
            && let Some(body) = &mut answer.body
        {
            *body = misread(body);
        }
        if self.is_mute(&direct) && direct.url.path().ends_with("/capture") {
            words.push_str(", mute");
            answer.body = None;
        }
        let carried = match answer.body {
            Some(body) => Ok(Carried { status: answer.status, headers: answer.headers, body }),
            None => Err(Lost::Unanswered("the connection broke".into())),
        };
        let about = self.life_in(&direct);
        if !self.faulty() {
            self.asked_about(about);
            return (words, carried);
        }
        let (fault, carried) = on_the_way_back(&mut self.dice, &self.rates, carried);
        if fault.is_empty() {
            self.asked_about(about);
        } else {
            self.counts.faults += 1;
            words.push_str(&format!(", {fault}"));
        }
        if self.sabotaged(Sabotage::ResendRefunds) && direct.url.path().ends_with("/refund") {
            let mut other = direct;
            for (name, value) in &mut other.headers {
                if name == "paypal-request-id" {
                    value.push_str("-again");
                }
            }
            let again = far.answer(other.clone()).await;
            self.truth.observe(&other, &again);
        }
        (words, carried)
    }
}

impl Run {
    /// Its money was taken, and the gateway says nothing of it.
    fn is_mute(&self, direct: &Direct) -> bool {
        let Some(owner) = self.truth.owner_in(&direct.url) else { return false };
        if self.truth.of(owner).takings.is_empty() {
            return false;
        }
        let asks = |ghost: &Life| direct.url.as_str().contains(&ghost.name) || ghost.name == owner;
        self.life_in(direct).is_some_and(|life| self.lives[life].mute)
            || self.ghosts.iter().any(|ghost| ghost.mute && asks(ghost))
    }

    /// A list of movements as the gateway would have it that gets some of them wrong.
    fn misprint(&self, direct: &Direct, answer: &mut DirectAnswer) {
        if !direct.url.path().ends_with("/v1/reporting/transactions") || self.misbilled.is_empty() {
            return;
        }
        let Some(body) = &mut answer.body else { return };
        let Ok(mut said) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        let Some(lines) = said["transaction_details"].as_array_mut() else { return };
        let before = lines.len();
        let mut printed = Vec::with_capacity(before);
        for mut line in std::mem::take(lines) {
            let info = &mut line["transaction_info"];
            let id = info["transaction_id"].as_str().unwrap_or_default();
            match self.misbilled.get(id) {
                Some(Billed::Not) => continue,
                Some(Billed::Twice) => printed.push(line.clone()),
                Some(Billed::Dearer) => {
                    info.get_mut("fee_amount").map(dearer);
                }
                Some(Billed::Truly | Billed::Less) | None => {}
            }
            printed.push(line);
        }
        let (all, now) = (said["total_items"].as_u64().unwrap_or_default(), printed.len());
        said["total_items"] = (all + now as u64).saturating_sub(before as u64).into();
        said["transaction_details"] = printed.into();
        *body = said.to_string().into_bytes();
    }
}

/// A fee of a movement, below zero, one minor unit further from it.
fn dearer(fee: &mut serde_json::Value) {
    let text = |name: &str| fee[name].as_str().unwrap_or_default().to_owned();
    let known = Currency::find(&text("currency_code")).ok();
    let Some(amount) = known.and_then(|known| Money::parse(&text("value"), known).ok()) else { return };
    let more = Money::from_minor(amount.minor() - 1, amount.currency());
    fee["value"] = more.amount().to_string().into();
}

/// Every captured amount one minor unit too large.
fn misread(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    text.replace(
        "\"paypal_fee\":{\"currency_code\":\"USD\",\"value\":\"",
        "\"paypal_fee\":{\"currency_code\":\"USD\",\"value\":\"1",
    )
    .into_bytes()
}

pub(super) fn direct(request: &reqwest::Request) -> Direct {
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec();
    Direct { method: request.method().clone(), url: request.url().clone(), headers: headers.collect(), body }
}
