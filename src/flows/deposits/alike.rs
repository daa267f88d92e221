//! Lines alike at one account: how many are kept, under the key that they have now and under those by which earlier programs
//! told them apart.

use std::collections::{HashMap, HashSet};

use crate::domain::deposits::{BankLine, ReadLine};
use crate::domain::merchants::BankAccount;
use crate::flows::pay::sha256;
use crate::ids::{BankLineId, BankStatementId};
use crate::store::Versioned;
use crate::store::bank_statements::BankStatement;

use super::{DepositError, Deposits};

/// Which lines of a statement, by their key, are known as a line that an earlier program kept: no others are.
pub(super) type Claims = HashMap<BankLineId, String>;

/// Lines alike at one account.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// Kept.
    pub all: usize,
    /// Of these, first read in this very statement.
    pub own: usize,
    /// Of these, read in statements that print none of its lines.
    pub elsewhere: usize,
    /// Met in this statement so far.
    pub printed: usize,
    /// The how manieth the next one's key says.
    pub next: usize,
}

impl Alike {
    fn count(&mut self, kept: &BankLine, statement: &BankStatement, apart: &HashSet<BankStatementId>) {
        self.all += 1;
        self.own += usize::from(kept.statement == statement.id);
        self.elsewhere += usize::from(apart.contains(&kept.statement));
    }
}

impl Deposits {
    /// How many are kept of lines that have one key, which a statement prints; of those that an earlier program kept as many
    /// as it prints, and none that are other lines' already.
    pub(super) async fn alike(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        apart: &HashSet<BankStatementId>,
        printed: &[&ReadLine],
        claims: &mut Claims,
    ) -> Result<Alike, DepositError> {
        let mut alike = Alike::default();
        let Some(line) = printed.first() else { return Ok(alike) };
        let key = line.key(0);
        // The first one of its like may be kept under the key of an earlier program alone.
        let may_lack_one = line.reference.is_none() && statement.format == "mt940";
        if may_lack_one
            && self.kept(account, &line.key(0)).await?.is_none()
            && self.kept(account, &line.key(1)).await?.is_some()
        {
            alike.next = 1;
        }
        while let Some(kept) = self.kept(account, &line.key(alike.next)).await? {
            alike.count(&kept.value, statement, apart);
            alike.next += 1;
        }
        let mut claim = |kept: &BankLine, alike: &Alike| {
            alike.all - alike.elsewhere < printed.len()
                && *claims.entry(kept.id).or_insert_with(|| key.clone()) == key
        };
        if may_lack_one {
            let former = self.kept(account, &line.former_key()).await?;
            let says_it = |said: &ReadLine, kept: &BankLine| says_the_same(said, &kept.line);
            let is_it = |kept: &Versioned<BankLine>| {
                says_it(line, &kept.value) || line.former.iter().any(|former| says_it(former, &kept.value))
            };
            if let Some(former) = former.filter(is_it).filter(|former| claim(&former.value, &alike)) {
                alike.count(&former.value, statement, apart);
                alike.next = alike.next.max(1);
            }
        }
        let mut known = HashSet::new();
        for former in printed.iter().filter_map(|line| line.former.as_deref()) {
            if !known.insert(former.key(0)) {
                continue;
            }
            let mut nth = 0;
            while let Some(kept) = self.kept(account, &former.key(nth)).await? {
                if says_the_same(former, &kept.value.line) && claim(&kept.value, &alike) {
                    alike.count(&kept.value, statement, apart);
                }
                nth += 1;
            }
        }
        Ok(alike)
    }

    async fn kept(
        &self,
        account: &BankAccount,
        key: &str,
    ) -> Result<Option<Versioned<BankLine>>, DepositError> {
        Ok(self.store.bank_line_by_key(account.id, &sha256(key.as_bytes())).await?)
    }
}

/// A key of earlier programs may be that of two lines.
fn says_the_same(said: &ReadLine, kept: &ReadLine) -> bool {
    kept.names == said.names && kept.text == said.text
}
