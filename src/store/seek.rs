//! Where a page of a list begins. Pages go by keys, never by offsets.

/// From where a page is read. Rows come in reading order: behind a key in the list's own order, before it backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seek<K> {
    /// The list's beginning.
    #[default]
    Start,
    /// Behind this row.
    After(K),
    /// Before this row.
    Before(K),
}

impl<K> Seek<K> {
    /// Whether rows come against the list's order.
    pub fn is_backwards(&self) -> bool {
        matches!(self, Seek::Before(_))
    }

    /// The row it starts from.
    pub fn key(&self) -> Option<&K> {
        match self {
            Seek::Start => None,
            Seek::After(key) | Seek::Before(key) => Some(key),
        }
    }

    /// The same place under another key.
    pub fn map<L>(self, of: impl FnOnce(K) -> L) -> Seek<L> {
        match self {
            Seek::Start => Seek::Start,
            Seek::After(key) => Seek::After(of(key)),
            Seek::Before(key) => Seek::Before(of(key)),
        }
    }
}
