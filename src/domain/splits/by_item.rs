//! Division by items: each supplier's items are a payment of their own, divided by the same shares.
//!
//! Commission falls on goods by their amounts; the gateway's fee on what commission and tax leave of the items. Each
//! step divides by what the step before left, so that no item falls below zero, and an item's share is what is left of
//! its amount: the parts sum to the items without a correction.

use crate::domain::fees::Commission;
use crate::ids::SupplierId;
use crate::money::Money;

use super::allocation::{Bases, allocate_shares};
use super::divide::{Division, Part, Room, less, weigh};
use super::error::SplitError;
use super::terms::{Item, ItemKind, Share};

/// What the items of one supplier come to.
struct Stall<'a> {
    supplier: SupplierId,
    split: Option<(usize, &'a Share)>,
    goods: Money,
    other: Money,
}

impl Room<'_> {
    /// With items: each supplier's items are a payment of their own.
    pub(super) fn by_item(&self, commission: &Commission) -> Result<Division, SplitError> {
        let items = &self.agreement.terms.items;
        let amounts: Vec<Money> = items.iter().map(|item| item.amount).collect();
        let amounts = weigh(self.whole, &amounts)?;
        let stalls = self.stalls(items, &amounts)?;
        let sum = |of: &dyn Fn(&Stall<'_>) -> Money| Money::sum(self.whole.currency(), stalls.iter().map(of));
        let goods = sum(&|stall| stall.goods)?;
        let sold = goods.checked_add(sum(&|stall| stall.other)?)?;
        // The platform bears the fee on goods of its own; tax and shipping it passes on are part of the suppliers' sale.
        let own_goods = items.iter().zip(&amounts);
        let own_goods = own_goods.filter(|(item, _)| item.supplier.is_none() && item.kind == ItemKind::Goods);
        let own_goods = Money::sum(self.whole.currency(), own_goods.map(|(_, &amount)| amount))?;
        let borne = self.proportion(self.suppliers_bear(), self.whole.checked_sub(own_goods)?)?;
        let net = goods.checked_sub(borne)?.max(self.zero())?;
        let (fees, taxes) = if goods.is_zero() {
            (vec![], vec![])
        } else {
            commission.price(goods, net, self.denomination)?
        };
        let (fee, tax) = (self.total(&fees)?, self.total(&taxes)?);
        self.net(goods, fee, tax, self.zero())?;
        self.net(sold, fee, tax, borne)?;
        // Each step divides by what the step before left, so that nothing falls below zero.
        let room: Vec<Money> = stalls.iter().map(|stall| stall.goods).collect();
        let fees_of = weigh(fee, &room)?;
        let room = less(&room, &fees_of)?;
        let tax_of = weigh(tax, &room)?;
        let others: Vec<Money> = stalls.iter().map(|stall| stall.other.negated()).collect();
        let room = less(&less(&room, &tax_of)?, &others)?;
        let borne_of = weigh(borne, &room)?;
        let mut shares = Vec::with_capacity(stalls.len());
        let mut parts = Vec::with_capacity(items.len());
        for (index, stall) in stalls.iter().enumerate() {
            let (fee, tax, borne) = (fees_of[index], tax_of[index], borne_of[index]);
            let (share, explain) = self.stall_share(stall, fee, tax, borne)?;
            let left = room[index].checked_sub(borne)?.checked_sub(share)?;
            shares.push((stall.supplier, share, explain));
            parts.extend(self.item_parts(stall, items, &amounts, fee.checked_add(left)?, tax, borne)?);
        }
        let own = items.iter().zip(&amounts).filter(|(item, _)| item.supplier.is_none());
        parts.extend(own.map(|(item, &amount)| {
            self.part(Some(item.reference.clone()), None, self.zero(), amount, self.zero(), self.zero())
        }));
        Ok(Division { parts, shares, commission: fees, tax: taxes })
    }

    /// The suppliers with items, in the order of splits, then items.
    fn stalls<'b>(&'b self, items: &[Item], amounts: &[Money]) -> Result<Vec<Stall<'b>>, SplitError> {
        let splits = &self.agreement.terms.splits;
        let mut stalls = Vec::new();
        for supplier in self.agreement.suppliers() {
            let sum = |goods: bool| {
                let own = items.iter().zip(amounts).filter(|(item, _)| {
                    item.supplier == Some(supplier) && (item.kind == ItemKind::Goods) == goods
                });
                Money::sum(self.whole.currency(), own.map(|(_, &amount)| amount))
            };
            let split = splits.iter().enumerate().find(|(_, split)| split.supplier == supplier);
            let split = split.map(|(index, split)| (index, &split.share));
            stalls.push(Stall { supplier, split, goods: sum(true)?, other: sum(false)? });
        }
        Ok(stalls)
    }

    fn stall_share(
        &self,
        stall: &Stall<'_>,
        fee: Money,
        tax: Money,
        borne: Money,
    ) -> Result<(Money, String), SplitError> {
        let sold = stall.goods.checked_add(stall.other)?;
        let other = if stall.other.is_zero() {
            String::new()
        } else {
            format!(" + shipping and tax {}", stall.other.amount())
        };
        match stall.split {
            None | Some((_, Share::Remainder)) => {
                let share = sold.checked_sub(fee)?.checked_sub(tax)?.checked_sub(borne)?;
                let mut explain = format!("items {}", sold.amount());
                for (what, amount) in [("commission", fee), ("tax on it", tax), ("gateway fee", borne)] {
                    if !amount.is_zero() {
                        explain = format!("{explain} − {what} {}", amount.amount());
                    }
                }
                Ok((share, format!("{explain} = {}", share.amount())))
            }
            Some((index, share)) => {
                let net = self.net(stall.goods, fee, tax, borne)?;
                let received = stall.goods.checked_sub(self.fee_on(stall.goods)?)?.max(self.zero())?;
                let bases = Bases { gross: stall.goods, net, received };
                let policy = self.agreement.policy();
                let allocated = allocate_shares(&[share], &bases, borne, self.denomination, policy, index)?;
                let of_goods = Money::sum(net.currency(), allocated.amounts)?;
                let explain = allocated.explained.concat();
                Ok((of_goods.checked_add(stall.other)?, format!("{explain}{other}")))
            }
        }
    }

    /// The parts of one supplier's items.
    fn item_parts(
        &self,
        stall: &Stall<'_>,
        items: &[Item],
        amounts: &[Money],
        commission: Money,
        tax: Money,
        borne: Money,
    ) -> Result<Vec<Part>, SplitError> {
        let own: Vec<(&Item, Money)> = items
            .iter()
            .zip(amounts.iter().copied())
            .filter(|(item, _)| item.supplier == Some(stall.supplier))
            .collect();
        let of_goods = |&(item, amount): &(&Item, Money)| {
            if item.kind == ItemKind::Goods { amount } else { self.zero() }
        };
        let goods: Vec<Money> = own.iter().map(of_goods).collect();
        let others: Vec<Money> = own
            .iter()
            .zip(&goods)
            .map(|((_, amount), goods)| goods.checked_sub(*amount))
            .collect::<Result<_, _>>()?;
        let commission = weigh(commission, &goods)?;
        let room = less(&goods, &commission)?;
        let tax = weigh(tax, &room)?;
        let room = less(&less(&room, &tax)?, &others)?;
        let borne = weigh(borne, &room)?;
        let share = less(&room, &borne)?;
        let parts = own.iter().enumerate().map(|(index, (item, _))| {
            let name = Some(item.reference.clone());
            self.part(name, item.supplier, share[index], commission[index], tax[index], borne[index])
        });
        Ok(parts.collect())
    }
}
