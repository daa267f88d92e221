//! Suppliers through time, each accounting held against what the sales behind it bore.

use proptest::prelude::*;

use super::super::{Cycle, OfPeriod, TaxTable};
use super::*;

fn php(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("PHP").unwrap())
}

fn rule() -> TaxRule {
    TaxTable::shipped().rules()[0].clone()
}

/// The same with another rate: another text.
fn at(percent: &str) -> TaxRule {
    TaxRule { percent: percent.parse().unwrap(), ..rule() }
}

fn period(day: &str) -> TaxPeriod {
    TaxPeriod::of(Cycle::Quarter, day.parse().unwrap())
}

/// What stands of a sale, and what it was accounted for as.
struct Sale {
    stands: i64,
    basis: Basis,
}

/// One supplier: its sales, what of them is not yet accounted for, how far they are.
struct Story {
    rule: TaxRule,
    class: Option<SupplierClass>,
    period: TaxPeriod,
    turnover: Turnover,
    sales: Vec<Sale>,
    /// Refunds since the last payout, by sale.
    new: Vec<(usize, i64)>,
    before: Accounted,
    withheld: i64,
    taxes: Vec<Withheld>,
}

impl Story {
    fn new() -> Story {
        let none = Turnover::none(php(0).currency());
        Story {
            rule: rule(),
            class: None,
            period: period("2026-11-01"),
            turnover: none,
            sales: vec![],
            new: vec![],
            before: Accounted::from(none),
            withheld: 0,
            taxes: vec![],
        }
    }

    /// A sale of before the rule.
    fn earlier(&mut self, amount: i64) -> usize {
        let sale = self.sale(amount);
        self.sales[sale].basis = Basis::Untaxed;
        self.before = Accounted::from(self.turnover);
        sale
    }

    fn sale(&mut self, amount: i64) -> usize {
        self.turnover.nth += 1;
        self.turnover.sold = self.turnover.sold.checked_add(php(amount)).unwrap();
        self.sales.push(Sale { stands: amount, basis: Basis::New });
        self.sales.len() - 1
    }

    /// Below zero one that failed.
    fn refund(&mut self, sale: usize, amount: i64) {
        self.turnover.nth += 1;
        self.turnover.refunded = self.turnover.refunded.checked_add(php(amount)).unwrap();
        self.sales[sale].stands -= amount;
        self.new.push((sale, amount));
    }

    fn on(&mut self, day: &str) -> &mut Story {
        let now = period(day);
        if now != self.period {
            (self.period, self.before.of_period) = (now, BTreeMap::new());
        }
        self
    }

    /// What is withheld, and the credit behind it.
    fn payout(&mut self) -> (i64, i64) {
        let mut refunds: Vec<Refunded> = vec![];
        for (sale, amount) in self.new.drain(..) {
            let basis = self.sales[sale].basis.clone();
            refunds.push(Refunded { basis, amount: php(amount) });
        }
        let taxes =
            accrue(&self.rule, self.class, self.period, &self.turnover, &refunds, &self.before).unwrap();
        let mut withheld = 0;
        for tax in &taxes {
            assert_eq!((tax.nth, tax.credit_before), (self.before.nth + 1, self.before.credit));
            assert_eq!(
                tax.withheld.minor(),
                tax.due.minor() - tax.credit_before.minor() + tax.credit.minor()
            );
            let had = self.before.of_period.entry(tax.version.clone());
            let had = had.or_insert(OfPeriod { base: php(0), due: php(0) });
            had.base = had.base.checked_add(tax.base).unwrap();
            had.due = had.due.checked_add(tax.due).unwrap();
            (self.before.nth, self.before.credit) = (tax.nth, tax.credit);
            self.before.turnover =
                Turnover { nth: tax.turnover_nth, sold: tax.sold_total, refunded: tax.refunded_total };
            withheld += tax.withheld.minor();
        }
        let basis = match self.rule.concerns(self.class) {
            true => Basis::Taxed(self.rule.text()),
            false => Basis::Untaxed,
        };
        for sale in self.sales.iter_mut().filter(|sale| sale.basis == Basis::New) {
            sale.basis = basis.clone();
        }
        self.withheld += withheld;
        self.taxes = taxes;
        (withheld, self.before.credit.minor())
    }

    /// The tax on everything that stands, each sale's under its own text, in ten thousandths.
    fn borne(&self) -> Decimal {
        let of = |sale: &Sale| match &sale.basis {
            Basis::Taxed(text) => Decimal::from(sale.stands) * text.percent.fraction() * text.share_of_base,
            Basis::New | Basis::Untaxed => Decimal::ZERO,
        };
        self.sales.iter().map(of).sum()
    }
}

#[test]
fn refunds_in_the_period_lower_it_and_later_ones_are_a_credit() {
    let mut story = Story::new();
    let first = story.on("2026-11-02").sale(1_000_000);
    assert_eq!(story.payout(), (5_000, 0), "J29");
    assert_eq!(story.payout(), (0, 0), "nothing twice");
    story.refund(first, 200_000);
    assert_eq!(story.payout(), (0, 1_000), "too much by now");
    story.sale(400_000);
    assert_eq!(story.payout(), (1_000, 0), "8,000 and 4,000 less what was had");
    let back = story.sale(100_000);
    story.refund(back, 100_000);
    assert_eq!(story.payout(), (0, 0), "sold and refunded before it was paid");
    story.on("2027-01-04").refund(first, 600_000);
    assert_eq!(story.payout(), (0, 3_000), "a later period: a credit");
    story.sale(1_000_000);
    assert_eq!(story.payout(), (2_000, 0), "which the next sale has");
    story.on("2027-04-01").class = Some(SupplierClass::Exempt);
    story.sale(1_000_000);
    assert_eq!(story.payout(), (0, 0));
    story.class = None;
    story.sale(100_000);
    assert_eq!(story.payout(), (500, 0), "what was exempt stays so");
}

#[test]
fn a_refund_gives_back_what_its_own_sale_bore() {
    const EXEMPT: Option<SupplierClass> = Some(SupplierClass::Exempt);
    // How the sale of 1,000.00 was accounted for, what is in force and who the supplier is when it is refunded beside a sale
    // of 10,000.00; what is withheld, the credit, and the rows: version's percent, base.
    type Row = (Option<&'static str>, Option<SupplierClass>, &'static str, Option<SupplierClass>);
    type Told = (i64, i64, &'static [(&'static str, i64)]);
    let table: [(&str, Row, Told); 7] = [
        ("exempt then", (Some("1"), EXEMPT, "1", None), (5_000, 0, &[("1", 1_000_000)])),
        ("before the rule", (None, None, "1", None), (5_000, 0, &[("1", 1_000_000)])),
        ("the same text", (Some("1"), None, "1", None), (4_500, 0, &[("1", 900_000)])),
        ("an older text", (Some("1"), None, "2", None), (9_500, 0, &[("1", -100_000), ("2", 1_000_000)])),
        ("exempt under another", (Some("1"), EXEMPT, "2", None), (10_000, 0, &[("2", 1_000_000)])),
        ("exempt since", (Some("1"), None, "1", EXEMPT), (0, 500, &[("1", -100_000), ("1", 0)])),
        ("exempt all the time", (Some("1"), EXEMPT, "1", EXEMPT), (0, 0, &[("1", 0)])),
    ];
    for (name, (first, was, now, is), (withheld, credit, rows)) in table {
        let mut story = Story::new();
        let sale = match first {
            None => story.earlier(100_000),
            Some(percent) => {
                (story.rule, story.class) = (at(percent), was);
                let sale = story.sale(100_000);
                story.payout();
                sale
            }
        };
        (story.rule, story.class) = (at(now), is);
        story.sale(1_000_000);
        story.refund(sale, 100_000);
        assert_eq!(story.payout(), (withheld, credit), "{name}: {:#?}", story.taxes);
        let shown: Vec<(String, i64)> =
            story.taxes.iter().map(|tax| (tax.percent.value().to_string(), tax.base.minor())).collect();
        let rows: Vec<(String, i64)> = rows.iter().map(|(text, base)| (text.to_string(), *base)).collect();
        assert_eq!(shown, rows, "{name}");
        // Each row is what it says, and the sales are of one of them.
        for tax in story.taxes.iter().filter(|tax| tax.concerned) {
            assert_eq!(tax.base, tax.sold.checked_sub(tax.refunded).unwrap(), "{name}");
        }
        assert_eq!(
            story.taxes.iter().filter(|tax| tax.turnover_after < tax.turnover_nth).count(),
            1,
            "{name}"
        );
        // A refund that fails gives back the same, either way.
        let before = story.withheld - story.before.credit.minor();
        story.refund(sale, -100_000);
        story.payout();
        let paid = if first.is_some() && was.is_none() { 500 } else { 0 };
        assert_eq!(story.withheld - story.before.credit.minor() - before, paid, "{name}, failed");
    }
}

#[test]
fn a_rate_that_changes_inside_a_period_taxes_what_is_sold_since() {
    let mut story = Story::new();
    let first = story.sale(1_000_000);
    assert_eq!(story.payout(), (5_000, 0));
    story.rule = at("2");
    let second = story.sale(200_000);
    assert_eq!(story.payout(), (2_000, 0));
    assert_eq!(story.taxes[0].explain, "2 % of 0.5 × 2000.00 = 20.00");
    story.refund(first, 400_000);
    story.refund(second, 100_000);
    story.sale(100_000);
    assert_eq!(story.payout(), (0, 2_000), "20.00 of the first, nothing on balance under the second");
    let told: Vec<&str> = story.taxes.iter().map(|tax| tax.explain.as_str()).collect();
    assert_eq!(
        told,
        [
            "1 % of 0.5 × 6000.00 = 30.00, less 50.00 before, refunded of what was taxed so",
            "2 % of 0.5 × 2000.00 = 20.00, less 20.00 before, less 20.00 credit",
        ]
    );
}

#[test]
fn the_arithmetic_is_told() {
    let turnover = |nth, sold, refunded| Turnover { nth, sold: php(sold), refunded: php(refunded) };
    let had = OfPeriod { base: php(1_000_000), due: php(5_000) };
    let before = Accounted {
        nth: 1,
        turnover: turnover(1, 1_000_000, 0),
        credit: php(700),
        of_period: BTreeMap::from([(rule().version(), had)]),
    };
    let refunds = [
        Refunded { basis: Basis::Taxed(rule().text()), amount: php(150_000) },
        Refunded { basis: Basis::New, amount: php(50_000) },
        Refunded { basis: Basis::Untaxed, amount: php(4_000) },
    ];
    let now = turnover(5, 1_200_000, 204_000);
    let taxes = accrue(&rule(), None, period("2026-11-02"), &now, &refunds, &before).unwrap();
    let [tax] = taxes.as_slice() else { panic!("{taxes:#?}") };
    assert_eq!(
        tax.explain,
        "1 % of 0.5 × 10000.00 = 50.00, less 50.00 before, nothing of 40.00 refunded that was not taxed, less 7.00 credit"
    );
    assert_eq!((tax.due, tax.withheld, tax.credit, tax.nth), (php(0), php(0), php(700), 2));
    assert_eq!((tax.sold, tax.refunded, tax.base), (php(200_000), php(200_000), php(0)));
}

/// What happens to a supplier.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sale(i64),
    /// Of which sale, what part of what stands of it in thousandths.
    Refund(usize, i64),
    /// Of which sale: what was refunded of it last stands again.
    Failed(usize),
    Exempt(bool),
    Text(usize),
    NextPeriod,
    Payout,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_i64..100_000).prop_map(Step::Sale),
        3 => (0_usize..40, 1_i64..=1_000).prop_map(|(sale, part)| Step::Refund(sale, part)),
        1 => (0_usize..40).prop_map(Step::Failed),
        1 => any::<bool>().prop_map(Step::Exempt),
        1 => (0_usize..3).prop_map(Step::Text),
        1 => Just(Step::NextPeriod),
        3 => Just(Step::Payout),
    ]
}

proptest! {
    /// Whatever happens in whatever order: what was withheld less the credit is the tax on what stands, each sale's under the
    /// text that it was accounted for under; within half a unit for each text of each period, in which it is rounded once.
    #[test]
    fn what_was_withheld_is_what_the_sales_that_stand_bore(steps in prop::collection::vec(step(), 1..60)) {
        let (mut story, mut refunds, mut quarter, mut rounded) = (Story::new(), Vec::<(usize, i64)>::new(), 0, 0_i64);
        for step in steps.into_iter().chain([Step::Payout]) {
            match step {
                Step::Sale(amount) => drop(story.sale(amount)),
                Step::Refund(sale, part) if !story.sales.is_empty() => {
                    let sale = sale % story.sales.len();
                    let amount = story.sales[sale].stands * part / 1_000;
                    if amount > 0 {
                        story.refund(sale, amount);
                        refunds.push((sale, amount));
                    }
                }
                Step::Failed(nth) if !refunds.is_empty() => {
                    let (sale, amount) = refunds.remove(nth % refunds.len());
                    story.refund(sale, -amount);
                }
                Step::Refund(..) | Step::Failed(_) => {}
                Step::Exempt(exempt) => story.class = exempt.then_some(SupplierClass::Exempt),
                Step::Text(nth) => story.rule = at(["1", "2", "0.7"][nth]),
                Step::NextPeriod => {
                    rounded += i64::try_from(story.before.of_period.len()).unwrap();
                    quarter += 1;
                    let day = format!("{}-{:02}-01", 2027 + quarter / 4, quarter % 4 * 3 + 1);
                    story.on(&day);
                }
                Step::Payout => {
                    let (withheld, credit) = story.payout();
                    prop_assert!(withheld >= 0 && credit >= 0);
                    let positive = story.taxes.iter().filter(|tax| tax.withheld.is_positive()).count();
                    prop_assert!(positive == 0 || credit == 0, "taken and too much at once");
                    let texts = rounded + i64::try_from(story.before.of_period.len()).unwrap();
                    let off = (Decimal::from(story.withheld - credit) - story.borne()).abs();
                    prop_assert!(off <= Decimal::from(texts) / Decimal::TWO, "{off} off with {texts} roundings");
                }
            }
        }
    }

    /// In one period under one text it is the tax on the base to the last unit, however many steps there were.
    #[test]
    fn steps_come_to_the_same_as_the_whole(steps in prop::collection::vec((1_i64..100_000, 0_i64..1_000), 1..20)) {
        let mut story = Story::new();
        for &(sold, back) in &steps {
            let sale = story.sale(sold);
            story.refund(sale / 2, story.sales[sale / 2].stands * back / 1_000);
            story.payout();
        }
        let base = story.sales.iter().map(|sale| sale.stands).sum();
        let tax = rule().text().tax(php(base)).unwrap();
        prop_assert_eq!(php(story.withheld - story.before.credit.minor()), tax);
    }
}
