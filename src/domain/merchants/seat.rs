//! Where whoever pays has its seat.

use serde::{Deserialize, Serialize};

/// Where whoever pays has its seat, as a bank is told it; each part is left out where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DebtorAddress {
    /// Street and number.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 70)]
    pub street: Option<String>,
    /// Post code.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 16)]
    pub post_code: Option<String>,
    /// Town.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 35)]
    pub town: Option<String>,
}

impl DebtorAddress {
    /// The most letters of street, post code and town.
    pub const MOST: [usize; 3] = [70, 16, 35];

    /// Whether a part has the letters that banks carry, and no more than so many.
    pub fn is_carried(part: &str, most: usize) -> bool {
        let carried = |letter: char| letter.is_ascii_alphanumeric() || " /-?:().,'+".contains(letter);
        part.len() <= most && part.chars().all(carried) && !part.starts_with('/') && !part.contains("//")
    }

    /// The first part that no bank carries, by its name.
    pub fn odd_part(&self) -> Option<&'static str> {
        let parts = [("street", &self.street), ("post_code", &self.post_code), ("town", &self.town)];
        let mut parts = parts.into_iter().zip(DebtorAddress::MOST);
        let odd = parts.find(|((_, part), most)| {
            let is_fine = |part: &String| !part.trim().is_empty() && DebtorAddress::is_carried(part, *most);
            !part.as_ref().is_none_or(is_fine)
        });
        odd.map(|((name, _), _)| name)
    }
}
