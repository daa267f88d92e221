//! Pages of a list, by keyset: a page lies behind or before a row's key, however many rows were added meanwhile.

/// Where a page lies, in the list's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor<K> {
    /// At the beginning.
    First,
    /// Behind the row with this key.
    After(K),
    /// Before it.
    Before(K),
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOf<K> {
    /// Where it lies.
    pub place: Cursor<K>,
    /// The most rows of it, 1 to 100.
    pub limit: usize,
}

impl<K> PageOf<K> {
    /// The key it is measured from.
    pub fn key(&self) -> Option<&K> {
        match &self.place {
            Cursor::First => None,
            Cursor::After(key) | Cursor::Before(key) => Some(key),
        }
    }

    /// The comparison with the key and the order to read in, for a list whose keys rise.
    pub(super) fn rising(&self) -> (&'static str, &'static str) {
        match self.place {
            Cursor::First | Cursor::After(_) => (">", "ASC"),
            Cursor::Before(_) => ("<", "DESC"),
        }
    }

    /// The same for a list whose keys fall.
    pub(super) fn falling(&self) -> (&'static str, &'static str) {
        match self.place {
            Cursor::First | Cursor::After(_) => ("<", "DESC"),
            Cursor::Before(_) => (">", "ASC"),
        }
    }

    /// Rows to read: one more than the page holds tells whether there are more.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// The page in the list's order, and whether there are more rows in the direction asked.
    pub(super) fn cut<T>(&self, mut rows: Vec<T>) -> (Vec<T>, bool) {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if matches!(self.place, Cursor::Before(_)) {
            rows.reverse();
        }
        (rows, more)
    }
}
