//! The verbs over what was built: one instance of each flow, sharing store, clock and rates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::domain::orders::Holder;
use crate::flows::catch_up::CatchingUp;
use crate::flows::client_money::ClientMoneyCheck;
use crate::flows::close_period::ClosePeriod;
use crate::flows::deliver::Delivering;
use crate::flows::deposits::Deposits;
use crate::flows::dispute::Disputing;
use crate::flows::export_gl::GlExport;
use crate::flows::findings::Resolving;
use crate::flows::fx_book::FxBook;
use crate::flows::issue_statement::Statements;
use crate::flows::journals::Journals;
use crate::flows::onboard::Onboarding;
use crate::flows::pay::{self, Accounts, Pay};
use crate::flows::pay_out::{self, PayingOut};
use crate::flows::price::Pricing;
use crate::flows::reconcile::{self, Reconciling};
use crate::flows::refund::{self, Refunding};
use crate::flows::release::Releasing;
use crate::flows::settle::{self, Settlements};
use crate::flows::webhooks::{self, Door, Reach, SystemNames, Webhooks};
use crate::flows::withholding::Withholding;
use crate::gateways::Payouts;
use crate::gateways::registry::GATEWAYS;
use crate::gateways::transport::Transport;
use crate::jobs::{Jobs, payment_duties};
use crate::rails::{BankChannel, ByHand};
use crate::rates::{RateBook, Volatilities};
use crate::settings::{Mode, Settings};
use crate::store::Engine;
use crate::store::restored::Phase;
use crate::vault::Signer;

use super::duties::{
    AskDisputes, CatchUp, CheckClientMoney, ConvertWaiting, NoteHead, ReconcileBills, ReleaseShares,
    RemoveOutdated, SendRefunds, TellWebhooks, VerifyBooks,
};
use super::payout_duties::{AskPayoutBatch, AskPayouts, ExecutePayouts, RunPayoutSchedule};
use super::{AppError, Built};

/// One of each.
pub struct Flows {
    pub onboarding: Onboarding,
    pub pricing: Pricing,
    pub pay: Pay,
    pub refunding: Refunding,
    pub paying_out: PayingOut,
    pub withholding: Withholding,
    pub delivering: Delivering,
    pub statements: Statements,
    pub resolving: Resolving,
    pub webhooks: Webhooks,
    pub disputing: Disputing,
    pub client_money: ClientMoneyCheck,
    pub reconciling: Reconciling,
    pub deposits: Deposits,
    pub fx_book: FxBook,
    pub gl_export: GlExport,
    pub journals: Journals,
    pub close_period: ClosePeriod,
    pub jobs: Jobs,
}

/// The ways out of a process. Each reads every root certificate of the machine as it is made; clones share it.
#[derive(Debug, Clone)]
pub struct WaysOut {
    /// To gateways and banks.
    pub http: Transport,
    /// To whoever listens to webhooks.
    pub door: Door,
}

impl WaysOut {
    /// To gateways by `http`; webhooks go to this machine too in a sandbox.
    ///
    /// # Errors
    /// [`AppError::Broken`] when the TLS backend cannot start.
    pub fn open(settings: &Settings, http: Transport) -> Result<WaysOut, AppError> {
        let webhooks = &settings.webhooks;
        let reach = Reach { loopback: settings.mode == Mode::Sandbox, ports: webhooks.ports.clone() };
        let door = Door::open(reach, Arc::new(SystemNames), webhooks.patience, vec![]);
        let door = door.map_err(|error| AppError::Broken(format!("TLS for webhooks: {error}")))?;
        Ok(WaysOut { http, door })
    }
}

/// Builds them.
///
/// # Errors
/// [`AppError::Broken`] when the rate book does not open.
pub async fn build(
    built: &Built<'_>,
    accounts: Accounts,
    signer: Signer,
    (out, public_url): (WaysOut, &str),
    one_by_one: bool,
) -> Result<Flows, AppError> {
    let (store, clock, ids) = (built.store.clone(), built.clock.clone(), built.ids.clone());
    let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
    let fx = &built.settings.fx;
    let rates = RateBook::open(fx, clock.clone(), ids.clone());
    let rates = rates.map_err(|error| AppError::Broken(error.to_string()))?;
    let rates = Arc::new(rates.kept_in(store.clone()).await?);
    let allow_stale_reference = fx.allow_stale_reference.unwrap_or(false);
    let withholding = Withholding {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        rules: built.settings.withholding.clone(),
    };
    let settlements = Settlements::new(settle::Parts {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        rates: rates.clone(),
        fees: built.settings.fees.clone(),
        fee_tolerance: built.settings.fee_tolerance,
        allow_stale_reference,
        withholding: withholding.clone(),
    });
    let paces: Vec<_> = GATEWAYS.iter().map(|gateway| (gateway.name, gateway.poll_pace())).collect();
    let ladders = built.settings.polling.clone();
    ladders.check(&paces).map_err(|error| AppError::Broken(format!("polling ladders: {error}")))?;
    let mut parts = pay::Parts::new(
        store.clone(),
        clock.clone(),
        ids.clone(),
        built.vault.clone(),
        accounts,
        Arc::new(settlements.clone()),
        Arc::new(store.clone()),
        holder,
        public_url.to_owned(),
        built.settings.mode == Mode::Sandbox,
    );
    parts.ladders = ladders;
    let pay = Pay::new(if one_by_one { parts.one_by_one() } else { parts });
    let parts = refund::Parts {
        store: store.clone(),
        ids: ids.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        holder,
        clock: clock.clone(),
    };
    let refunding = if one_by_one { Refunding::one_by_one(parts) } else { Refunding::new(parts) };
    let deposits = Deposits { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
    let resolving = Resolving {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        refunding: refunding.clone(),
        deposits: deposits.clone(),
    };
    let webhooks = Webhooks::new(webhooks::Parts {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        vault: built.vault.clone(),
        holder,
        door: out.door,
    });
    let mut duties = payment_duties(&pay);
    duties.push(Arc::new(TellWebhooks(webhooks.clone())));
    let disputing = Disputing {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
    };
    duties.push(Arc::new(AskDisputes(disputing.clone())));
    let client_money = ClientMoneyCheck { store: store.clone(), ids: ids.clone(), clock: clock.clone() };
    duties.push(Arc::new(CheckClientMoney(client_money.clone())));
    let catching_up = CatchingUp { store: store.clone(), pay: pay.clone(), refunding: refunding.clone() };
    let restored = catching_up.begin().await.map_err(|error| AppError::Broken(error.to_string()))?;
    match restored {
        None | Some(Phase::Done) => {}
        Some(Phase::Loading) => return Err(AppError::RestoreUnfinished),
        Some(Phase::Intents | Phase::Payments) => duties.push(Arc::new(CatchUp(catching_up))),
    }
    let reconciling = Reconciling::new(reconcile::Parts {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        refunding: refunding.clone(),
        deposits: deposits.clone(),
        folder: built.settings.data_dir.join("bills"),
    });
    let paying_out = PayingOut::new(pay_out::Parts {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        vault: built.vault.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        holder,
        rates: rates.clone(),
        tables: built.settings.payout_tables.clone(),
        rules: built.settings.payouts.clone(),
        withholding: withholding.clone(),
        debtor_address: built.settings.debtor_address.clone(),
        rails: rails(built, out.http, public_url)?,
    });
    duties.push(Arc::new(ExecutePayouts(paying_out.clone())));
    duties.push(Arc::new(RunPayoutSchedule(paying_out.clone())));
    duties.push(Arc::new(AskPayouts(paying_out.clone())));
    duties.push(Arc::new(AskPayoutBatch(paying_out.clone())));
    duties.push(Arc::new(ReconcileBills(reconciling.clone(), paying_out.clone())));
    duties.push(Arc::new(SendRefunds(refunding.clone())));
    duties.push(Arc::new(ConvertWaiting(settlements.clone())));
    duties.push(Arc::new(ReleaseShares(Releasing {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        accounts: pay.accounts().clone(),
        withholding: withholding.clone(),
        settlements,
    })));
    duties.push(Arc::new(NoteHead {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        noted: Mutex::default(),
    }));
    let verify = VerifyBooks::daily(store.clone());
    duties.push(Arc::new(verify.map_err(|error| AppError::Broken(error.to_string()))?));
    duties.push(Arc::new(RemoveOutdated { store: store.clone(), clock: clock.clone() }));
    let fx_book = FxBook {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        rates: rates.clone(),
        deposits: deposits.clone(),
    };
    let gl_export = GlExport {
        store: store.clone(),
        clock: clock.clone(),
        rates: rates.clone(),
        accounts: built.settings.gl_accounts.clone(),
    };
    Ok(Flows {
        onboarding: Onboarding {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            vault: built.vault.clone(),
        },
        pricing: Pricing {
            rates,
            volatilities: Arc::new(Volatilities::new(fx.volatility)),
            pairs: Arc::default(),
            shelf: Arc::default(),
            signer,
            settings: Arc::new(fx.clone()),
            allow_stale_reference,
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        },
        refunding,
        paying_out,
        withholding,
        delivering: Delivering {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            pay: pay.clone(),
        },
        resolving,
        deposits,
        fx_book,
        gl_export,
        disputing,
        webhooks,
        journals: Journals { store: store.clone(), ids: ids.clone(), clock: clock.clone() },
        close_period: ClosePeriod {
            reconciling: reconciling.clone(),
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            statements: Statements::new(store.clone(), clock.clone(), ids.clone()),
            client_money: client_money.clone(),
            limits: built.settings.close,
        },
        reconciling,
        client_money,
        statements: Statements::new(store.clone(), clock.clone(), ids.clone()),
        jobs: Jobs::new(store, clock, ids, holder, duties),
        pay,
    })
}

/// Rails that are no gateway's. A bank's channel is its own address, in a sandbox the far side's; without one a person
/// hands the files in.
fn rails(
    built: &Built<'_>,
    http: Transport,
    public_url: &str,
) -> Result<BTreeMap<String, Arc<dyn Payouts>>, AppError> {
    let clock = built.clock.clone();
    let mut rails: BTreeMap<String, Arc<dyn Payouts>> = BTreeMap::new();
    rails.insert("csv".to_owned(), Arc::new(ByHand::sheet(clock.clone())));
    let own = built.settings.bank_channel.clone();
    let far = || format!("{public_url}/sandbox/bank/");
    let base = own.url.or_else(|| (built.settings.mode == Mode::Sandbox).then(far));
    let broken = |error: &dyn std::fmt::Display| AppError::Broken(format!("the bank's channel: {error}"));
    let pain001: Arc<dyn Payouts> = match base {
        None => Arc::new(ByHand::pain001(clock)),
        Some(base) => {
            let base = url::Url::parse(&base).map_err(|error| broken(&error))?;
            Arc::new(BankChannel::new(base, own.token, http, clock))
        }
    };
    rails.insert("pain001".to_owned(), pain001);
    Ok(rails)
}
