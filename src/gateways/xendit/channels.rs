//! Which of Xendit's channels a payee's bank is: data, `config/xendit-channels.csv`.

use std::sync::LazyLock;

use crate::money::Currency;

/// One row of the table.
struct Channel {
    code: &'static str,
    national: &'static str,
    bic: &'static str,
}

static CHANNELS: LazyLock<Vec<Channel>> = LazyLock::new(|| {
    let rows = include_str!("../../../config/xendit-channels.csv").lines();
    rows.filter(|row| !row.starts_with('#')).filter_map(read).collect()
});

fn read(row: &'static str) -> Option<Channel> {
    let mut cells = row.split(',');
    Some(Channel { code: cells.next()?, national: cells.next()?, bic: cells.next()? })
}

/// The country whose banks are paid in a currency.
fn country(currency: Currency) -> Option<&'static str> {
    Some(match currency.code() {
        "IDR" => "ID",
        "MYR" => "MY",
        "PHP" => "PH",
        "THB" => "TH",
        "VND" => "VN",
        _ => return None,
    })
}

/// The channel of a bank, by its national code, its BIC (of the head office or a branch), or its own name.
pub(super) fn of(currency: Currency, bank_code: &str) -> Option<String> {
    let country = country(currency)?;
    let code = bank_code.trim().to_ascii_uppercase();
    let own = code.strip_prefix(country).and_then(|rest| rest.strip_prefix('_'));
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if own.is_some_and(|rest| (1..=40).contains(&rest.len()) && rest.bytes().all(fits)) {
        return Some(code);
    }
    let head = matches!(code.len(), 8 | 11).then(|| code.get(..8)).flatten();
    let here = CHANNELS.iter().filter(|channel| channel.code.starts_with(country));
    let mut named = here.filter(|channel| channel.national == code || Some(channel.bic) == head);
    named.next().filter(|_| !code.is_empty()).map(|channel| channel.code.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_reads_and_no_code_means_two_banks() {
        let rows = include_str!("../../../config/xendit-channels.csv").lines();
        for row in rows.filter(|row| !row.starts_with('#')) {
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells.len(), 5, "{row}");
            assert!(["published", "unverified"].contains(&cells[4]), "{row}");
            assert_eq!(crate::domain::merchants::bic(cells[2]).as_deref(), Ok(cells[2]), "{row}");
            assert_eq!(&cells[2][4..6], &cells[0][..2], "{row}: the BIC is of another country");
        }
        let mut seen = BTreeSet::new();
        for channel in CHANNELS.iter() {
            let national = (!channel.national.is_empty()).then_some(channel.national);
            for code in [Some(channel.bic), national, Some(channel.code)].into_iter().flatten() {
                assert!(seen.insert((&channel.code[..2], code)), "{code} occurs twice");
            }
        }
        assert!(CHANNELS.len() > 20);
    }

    #[test]
    fn a_bank_is_found_by_each_of_its_names_in_its_own_country_only() {
        for (currency, code, channel) in [
            ("IDR", "014", Some("ID_BCA")),
            ("THB", "014", Some("TH_SCB")),
            ("IDR", "CENAIDJA", Some("ID_BCA")),
            ("IDR", "cenaidjaxxx", Some("ID_BCA")),
            ("IDR", " ID_BCA ", Some("ID_BCA")),
            ("PHP", "ph_gcash", Some("PH_GCASH")),
            ("VND", "VN_A_BANK_OF_TOMORROW", Some("VN_A_BANK_OF_TOMORROW")),
            ("PHP", "ID_BCA", None),
            ("PHP", "014", None),
            ("IDR", "999", None),
            ("IDR", "", None),
            ("IDR", "ID_", None),
            ("PHP", "PH_BDO\r\nX: y", None),
            ("USD", "ID_BCA", None),
        ] {
            assert_eq!(of(Currency::find(currency).unwrap(), code).as_deref(), channel, "{currency} {code}");
        }
    }
}
