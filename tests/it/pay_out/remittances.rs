//! A payment to an authority has so many lines; the next one has the rest.

use straits::domain::withholding::{
    Accounted, Cycle, Remittance, RemittanceError, TaxPeriod, TaxRules, TaxTable, Turnover, accrue,
};
use straits::flows::withholding::{RemittanceInput, WithholdingError};
use straits::ids::{PayoutId, SupplierId};
use straits::store::Change;
use straits::store::withholding::WithheldWith;

use super::money;
use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_beyond_a_thousand_lines_is_for_the_next_payment() {
    on_each_engine("many remitted", async |database| {
        let store = database.open().await;
        let withholding = TaxRules::appointed(TaxTable::shipped(), &["BIR".to_owned()]).unwrap();
        let setup = Setup { withholding, country: "PH", ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        let treasury = Treasury::on(world, "bank", From::Bank("bpi"), "PHP", 10).await;
        let (world, merchant) = (&treasury.world, treasury.world.merchant.id);
        let at = world.clock.now();
        let period = TaxPeriod::of(Cycle::Quarter, at.date_naive());
        let php = |amount: &str| money(amount, "PHP");
        let before = Accounted::from(Turnover::none(php("0.00").currency()));
        let turnover = Turnover { nth: 1, sold: php("10000.00"), refunded: php("0.00") };
        let rule = &TaxTable::shipped().rules()[0];
        let tax = accrue(rule, None, period, &turnover, &[], &before).unwrap().remove(0);
        let suppliers: Vec<SupplierId> = (0..=Remittance::MOST_LINES).map(|_| world.ids.mint()).collect();
        for some in suppliers.chunks(300) {
            let mut change = Change::new();
            for supplier in some {
                let payout = world.ids.mint::<PayoutId>();
                change.insert_withheld(
                    &tax,
                    &WithheldWith { merchant, supplier: *supplier, payout, period, at },
                );
            }
            store.commit(change).await.unwrap();
        }
        let bank = store.all_bank_accounts(merchant).await.unwrap().remove(0).account.id;
        let input =
            RemittanceInput { authority: "BIR".into(), period, bank_account: bank, reference: String::new() };
        let propose = async || {
            world.withholding.propose(merchant, world.maker, world.ids.mint(), &input, Change::new()).await
        };
        let mut paid = vec![];
        for (lines, total) in [(1_000, "50000.00"), (1, "50.00")] {
            let proposed = propose().await.unwrap();
            assert_eq!((proposed.lines.len(), proposed.total().unwrap()), (lines, php(total)));
            let mut change = Change::new();
            for line in &proposed.lines {
                paid.push(line.supplier);
                change.insert_remitted(&proposed, line, 0);
            }
            store.commit(change).await.unwrap();
        }
        let mut all = suppliers;
        all.sort();
        paid.sort();
        assert_eq!(paid, all, "each once");
        let nothing = propose().await;
        assert!(matches!(nothing, Err(WithholdingError::Remittance(RemittanceError::NothingOwed { .. }))));
        store.close().await;
    })
    .await;
}
