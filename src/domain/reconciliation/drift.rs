//! What a gateway really charges, learned from the lines of a bill: a percentage and a fixed part.
//!
//! Least squares over the payments of one currency, in whole numbers: the sums are kept exactly, and slope and
//! intercept are rounded once, half up, to a millionth and to a tenth of a minor unit. A gateway that charges by its
//! contract gives the contract's own numbers back up to its rounding of each fee.

/// Sums over the payments of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeeSums {
    /// Payments.
    pub lines: i128,
    /// Of gross.
    gross: i128,
    /// Of what was charged.
    pub charged: i128,
    /// Of gross × charged.
    product: i128,
    /// Of gross².
    square: i128,
    /// Of what the books have of the same fees, and of how many payments they have them.
    booked: i128,
    booked_lines: i128,
    /// Payments whose fee is not what the books have, and by how much in all.
    pub differing: i128,
    drift: i128,
}

/// What was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drift {
    /// Millionths of the gross: 44,000 are 4.4 percent. `None` where all payments have one amount.
    pub percent_millionths: Option<i64>,
    /// Tenths of a minor unit, beside the percentage.
    pub fixed_tenths: Option<i64>,
    /// Charged less booked, minor units, over the payments whose fee the books have.
    pub money: i64,
    /// How many payments differ.
    pub lines: i64,
}

impl FeeSums {
    /// One payment, in minor units.
    pub fn add(&mut self, gross: i64, charged: i64, booked: Option<i64>) {
        let (x, y) = (i128::from(gross), i128::from(charged));
        self.lines += 1;
        self.gross += x;
        self.charged += y;
        self.product += x * y;
        self.square += x * x;
        if let Some(booked) = booked.map(i128::from) {
            self.booked += booked;
            self.booked_lines += 1;
            self.drift += y - booked;
            self.differing += i128::from(booked != y);
        }
    }

    /// Percentage and fixed part of what was charged; what they differ by from the books.
    pub fn learned(&self) -> Drift {
        let spread = self.lines.checked_mul(self.square).zip(self.gross.checked_mul(self.gross));
        let spread = spread.map(|(all, own)| all - own).filter(|spread| *spread > 0);
        let slope = spread.and_then(|spread| {
            let with =
                self.lines.checked_mul(self.product)?.checked_sub(self.gross.checked_mul(self.charged)?)?;
            rounded(with.checked_mul(1_000_000)?, spread)
        });
        let fixed = slope.and_then(|slope| {
            let by_percent = self.gross.checked_mul(slope)?;
            let rest = self.charged.checked_mul(1_000_000)?.checked_sub(by_percent)?;
            rounded(rest.checked_mul(10)?, self.lines.checked_mul(1_000_000)?)
        });
        let small = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        Drift {
            percent_millionths: slope.map(small),
            fixed_tenths: fixed.map(small),
            money: small(self.drift),
            lines: small(self.differing),
        }
    }
}

/// Half up; `None` for a division by nothing.
fn rounded(value: i128, by: i128) -> Option<i128> {
    let doubled = value.checked_mul(2)?.checked_add(by)?;
    (by > 0).then(|| doubled.div_euclid(by * 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_a_contract_back() {
        let mut sums = FeeSums::default();
        for gross in (1_000..200_000).step_by(700) {
            // 4.4 % + 0.50, half up; the books have 3.9 % + 0.50.
            let fee = |per_mille: i64| (gross * per_mille + 500) / 1_000 + 50;
            sums.add(gross, fee(44), Some(fee(39)));
        }
        let learned = sums.learned();
        let percent = learned.percent_millionths.unwrap();
        assert!((43_990..=44_010).contains(&percent), "{percent}");
        let fixed = learned.fixed_tenths.unwrap();
        assert!((490..=510).contains(&fixed), "{fixed}");
        assert!(learned.money > 0 && learned.lines > 250, "{learned:?}");
    }

    #[test]
    fn one_amount_teaches_no_percentage() {
        let mut sums = FeeSums::default();
        sums.add(10_000, 490, Some(490));
        sums.add(10_000, 490, None);
        let expected = Drift { percent_millionths: None, fixed_tenths: None, money: 0, lines: 0 };
        assert_eq!(sums.learned(), expected);
        assert_eq!(FeeSums::default().learned(), expected);
    }
}
