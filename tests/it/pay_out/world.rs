//! A merchant whose suppliers have money to be paid out, over a rail in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use straits::clock::Clock;
use straits::domain::access::{Actor, Hand, User};
use straits::domain::ledger::{Account, AccountCode, Chart, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::merchants::{
    BankAccount, BankAccountKind, Funding, PayoutAccount, PayoutAccountKind, RailAccount,
};
use straits::domain::orders::Holder;
use straits::domain::payouts::{DebtorAddress, Payout, PayoutPlan, PayoutRules};
use straits::domain::treasury::Tables;
use straits::flows::onboard::{NewPayoutAccount, NewSupplier, Onboarding, seal_details};
use straits::flows::pay_out::{Parts, PayOutError, PayingOut, PlanInput, TermsInput, Word};
use straits::gateways::Payouts;
use straits::ids::{PayoutId, PlanId, SupplierId, UserId};
use straits::money::{Money, Percent};
use straits::rails::ByHand;
use straits::store::bank_accounts::StoredBankAccount;
use straits::store::payouts::PayoutFilter;
use straits::store::{Change, Seek};

use super::far::FarRail;
use crate::money_flows::world::World;
use crate::scenarios_flows::OPENING;

/// Where the money comes from.
pub enum From {
    PayPal,
    Bank(&'static str),
}

/// A world that pays out.
pub struct Treasury {
    pub world: World,
    pub rail: Arc<FarRail>,
    pub paying: PayingOut,
    pub account: RailAccount,
    pub onboarding: Onboarding,
}

pub fn rules() -> PayoutRules {
    PayoutRules {
        must_be_known: false,
        cooling: TimeDelta::hours(72),
        first_payout: vec![],
        debt_cap: Percent::try_new(Decimal::from(50)).unwrap(),
        items_per_call: None,
    }
}

impl Treasury {
    /// Over a rail that takes so many payouts at once.
    pub async fn on(world: World, name: &str, from: From, currency: &str, limit: usize) -> Treasury {
        let rail = FarRail::new(&world.clock, limit);
        let (word, funding, mut change) = match from {
            From::PayPal => {
                ("paypal_payouts", Funding::GatewayAccount(world.account.name.clone()), Change::new())
            }
            From::Bank(bank) => {
                let account = BankAccount {
                    id: world.ids.mint(),
                    merchant: world.merchant.id,
                    name: bank.into(),
                    kind: BankAccountKind::Client,
                    currency: super::money("1.00", currency).currency(),
                    country: "SG".into(),
                    bic: None,
                    hint: "0001".into(),
                    sweeps: vec![],
                    address: None,
                    created_at: world.clock.now(),
                };
                let number = "000000000001".to_owned().into();
                let sealed = seal_details(&world.vault, account.id, &number, None).unwrap();
                let id = account.id;
                let mut change = Change::new();
                change.insert_bank_account(&StoredBankAccount { account, sealed });
                ("pain001", Funding::BankAccount(id), change)
            }
        };
        let account = RailAccount {
            id: world.ids.mint(),
            merchant: world.merchant.id,
            name: name.into(),
            rail: word.into(),
            currency: super::money("1.00", currency).currency(),
            funding,
            created_at: world.clock.now(),
        };
        change.insert_rail_account(&account);
        for (id, name) in [(world.maker, "maker"), (world.checker, "checker")] {
            let user = User { id, merchant: world.merchant.id, name: name.into() };
            change.insert_user(&user, world.clock.now());
        }
        world.store.commit(change).await.unwrap();
        let onboarding = Onboarding {
            store: world.store.clone(),
            clock: world.clock.clone(),
            ids: world.ids.clone(),
            vault: world.vault.clone(),
        };
        let paying = instance(&world, &rail, word, rules(), true);
        Treasury { world, rail, paying, account, onboarding }
    }

    /// Another program on the same database, or the next run of the only one.
    pub fn beside(&self, alone: bool) -> PayingOut {
        instance(&self.world, &self.rail, &self.account.rail, rules(), alone)
    }

    /// The same under other rules.
    pub fn under(&self, rules: PayoutRules) -> PayingOut {
        instance(&self.world, &self.rail, &self.account.rail, rules, true)
    }

    /// The same where a person brings what is sent, as files of this form.
    pub fn by_hand(mut self, file: fn(Clock) -> ByHand) -> Treasury {
        let word = &self.account.rail;
        let mut parts = parts(&self.world, &self.rail, word, (rules(), Tables::shipped()), true);
        parts.rails.insert(word.clone(), Arc::new(file(self.world.clock.clone())));
        self.paying = PayingOut::new(parts);
        self
    }

    /// The same under tables of the operator's own.
    pub fn by(&self, tables: Tables) -> PayingOut {
        with_tables(&self.world, &self.rail, &self.account.rail, (rules(), tables), true)
    }

    pub fn supplier(&self, letter: &str) -> SupplierId {
        self.world.suppliers[usize::from(letter == "B")]
    }

    /// A supplier's account of the kind that the rail reaches.
    pub async fn payee(&self, supplier: SupplierId) -> PayoutAccount {
        self.payee_as(supplier, "Payee").await
    }

    /// The same, held under a name.
    pub async fn payee_as(&self, supplier: SupplierId, holder: &str) -> PayoutAccount {
        self.payee_in("TH", supplier, holder).await
    }

    /// The same in a country.
    pub async fn payee_in(&self, country: &str, supplier: SupplierId, holder: &str) -> PayoutAccount {
        let actor = Actor::service(self.world.merchant.id, self.world.ids.mint());
        let paypal = self.account.rail == "paypal_payouts";
        let new = NewPayoutAccount {
            kind: if paypal { PayoutAccountKind::Paypal } else { PayoutAccountKind::Bank },
            country: country.into(),
            currency: self.account.currency,
            holder: holder.into(),
            number: if paypal { "payee@example.com" } else { "1234567890" }.to_owned().into(),
            bank_code: (!paypal).then(|| "014".into()),
        };
        self.onboarding.add_payout_account(&actor, supplier, new).await.unwrap()
    }

    /// A supplier more, with an account.
    pub async fn join(&self, name: &str) -> SupplierId {
        self.join_as(name, "Payee").await
    }

    /// The same, its account held under a name.
    pub async fn join_as(&self, name: &str, holder: &str) -> SupplierId {
        let actor = Actor::service(self.world.merchant.id, self.world.ids.mint());
        let new = NewSupplier {
            name: name.to_owned(),
            country: "TH".to_owned(),
            currency: self.account.currency,
            tax_number: None,
            payout_contact: None,
        };
        let supplier = self.onboarding.create_supplier(&actor, new).await.unwrap();
        self.payee_as(supplier.id, holder).await;
        supplier.id
    }

    /// Money on an account, from nowhere.
    pub async fn fund(&self, code: AccountCode, owner: impl std::fmt::Display, amount: &str) {
        self.fund_in(self.account.currency.code(), code, owner, amount).await;
    }

    /// The same in any currency; below zero it goes.
    pub async fn fund_in(
        &self,
        currency: &str,
        code: AccountCode,
        owner: impl std::fmt::Display,
        amount: &str,
    ) {
        Chart::know_beside(OPENING).unwrap();
        let amount = super::money(amount, currency);
        let (account, against) = (
            Account::new(code, Owner::of(owner)),
            Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening")),
        );
        let debit = matches!(code.number() / 1000, 1) != amount.is_negative();
        let amount = amount.abs();
        let postings = match debit {
            true => vec![Posting::debit(account, amount), Posting::credit(against, amount)],
            false => vec![Posting::debit(against, amount), Posting::credit(account, amount)],
        };
        let (id, source) = (self.world.ids.mint(), self.world.ids.mint::<PlanId>().to_string());
        let (merchant, at) = (self.world.merchant.id, self.world.clock.now());
        let funded =
            LedgerTransaction::try_new(id, merchant, JournalEvent::Opening, &source, at, postings).unwrap();
        self.world.store.commit(Change::posting(funded)).await.unwrap();
    }

    /// So many suppliers with an account and so much each, and as much on the paying account.
    pub async fn crowd(&self, count: usize, each: &str) -> Vec<SupplierId> {
        let mut suppliers = vec![];
        for nth in 0..count {
            let supplier = self.join(&format!("S{nth}")).await;
            self.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, each).await;
            suppliers.push(supplier);
        }
        self.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000000.00").await;
        suppliers
    }

    pub async fn terms(&self, supplier: SupplierId, terms: &str) {
        let input: TermsInput = serde_json::from_str(terms).unwrap();
        let merchant = self.world.merchant.id;
        self.paying.set_terms(merchant, self.world.maker, supplier, &input, Change::new()).await.unwrap();
    }

    pub async fn draft(&self) -> PayoutPlan {
        let (merchant, id) = (self.world.merchant.id, self.world.ids.mint());
        let input = PlanInput::default();
        self.paying.draft(merchant, self.world.maker, id, &input, Change::new()).await.unwrap()
    }

    /// A draft that is asked for in these words.
    pub async fn asked(&self, input: &str) -> Result<PayoutPlan, PayOutError> {
        let (merchant, id) = (self.world.merchant.id, self.world.ids.mint());
        let input: PlanInput = serde_json::from_str(input).unwrap();
        self.paying.draft(merchant, self.world.maker, id, &input, Change::new()).await
    }

    pub async fn say(&self, user: UserId, plan: PlanId, word: Word) -> Result<PayoutPlan, PayOutError> {
        self.paying.say(self.world.merchant.id, Hand::own(user), plan, &word, Change::new()).await
    }

    /// Submitted by the maker, approved by the checker.
    pub async fn approved(&self, plan: &PayoutPlan) {
        self.say(self.world.maker, plan.id, Word::Submit).await.unwrap();
        let word = Word::Approve { hash: plan.hash.clone() };
        self.say(self.world.checker, plan.id, word).await.unwrap();
    }

    /// A plan of everything that can be paid, approved and begun.
    pub async fn executing(&self) -> PlanId {
        let plan = self.draft().await;
        self.approved(&plan).await;
        self.say(self.world.maker, plan.id, Word::Execute).await.unwrap();
        plan.id
    }

    /// The same, and everything sent.
    pub async fn sent(&self) -> PlanId {
        let plan = self.executing().await;
        self.paying.carry_out(plan).await.unwrap();
        plan
    }

    pub async fn payouts(&self, plan: PlanId) -> Vec<Payout> {
        let filter = PayoutFilter { plan: Some(plan), ..PayoutFilter::default() };
        self.world.store.payouts(self.world.merchant.id, filter, Seek::Start, 10_000).await.unwrap()
    }

    pub async fn payout(&self, plan: PlanId) -> Payout {
        let mut payouts = self.payouts(plan).await;
        assert_eq!(payouts.len(), 1);
        payouts.remove(0)
    }

    pub async fn states(&self, plan: PlanId) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for payout in self.payouts(plan).await {
            *counts.entry(payout.state.as_str()).or_default() += 1;
        }
        counts
    }

    pub async fn state(&self, plan: PlanId) -> &'static str {
        self.world.store.payout_plan(plan).await.unwrap().unwrap().value.state.as_str()
    }

    /// The rail pays everybody, and is asked.
    pub async fn works(&self, plan: PlanId) {
        let payouts = self.payouts(plan).await;
        let amounts: BTreeMap<PayoutId, Money> =
            payouts.iter().map(|payout| (payout.id, payout.amount)).collect();
        self.rail.pay(&amounts);
        self.world.clock.advance(TimeDelta::minutes(5));
        self.paying.recover().await.unwrap();
    }

    /// Nobody was paid twice, and whoever is said to be paid was.
    pub async fn once(&self, plan: PlanId) {
        let taken = self.rail.taken();
        assert!(taken.values().all(|times| *times == 1), "{taken:?}");
        for payout in self.payouts(plan).await {
            let at_rail = taken.contains_key(&payout.id);
            assert_eq!(payout.state.as_str() == "paid", at_rail, "{payout:?}");
        }
        self.world.verified().await;
    }
}

fn instance(world: &World, rail: &Arc<FarRail>, word: &str, rules: PayoutRules, alone: bool) -> PayingOut {
    with_tables(world, rail, word, (rules, Tables::shipped()), alone)
}

fn with_tables(
    world: &World,
    rail: &Arc<FarRail>,
    word: &str,
    (rules, tables): (PayoutRules, Tables),
    alone: bool,
) -> PayingOut {
    PayingOut::new(parts(world, rail, word, (rules, tables), alone))
}

fn parts(
    world: &World,
    rail: &Arc<FarRail>,
    word: &str,
    (rules, tables): (PayoutRules, Tables),
    alone: bool,
) -> Parts {
    let tables = Arc::new(tables);
    let rail: Arc<dyn Payouts> = rail.clone();
    Parts {
        store: world.store.clone(),
        ids: world.ids.clone(),
        clock: world.clock.clone(),
        vault: world.vault.clone(),
        pay: world.pay.clone(),
        settlements: world.settlements.clone(),
        holder: Holder { boot: world.ids.mint(), alone },
        rates: world.rates.clone(),
        tables,
        rules,
        withholding: world.withholding.clone(),
        debtor_address: DebtorAddress::default(),
        // The far rail speaks for whatever the test adds, too.
        rails: [word, "pain001", "csv"].map(|word| (word.to_owned(), rail.clone())).into(),
    }
}
