//! `<data-dir>/sandbox.json`: everything a client needs to try this server and the gateways' far sides.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::merchants::BankAccountKind;
use crate::ids::{MerchantId, SupplierId};
use crate::vault::write_private;

use super::AppError;
use super::seed::banks::far_number;
use super::seed::{Identity, Seeded};

/// Currencies in which the far side's bank credits GrabPay's sweeps.
const BANKS: [&str; 5] = ["SGD", "MYR", "PHP", "THB", "IDR"];

/// The file's name in the data folder.
pub const NAME: &str = "sandbox.json";

/// One merchant's part, in the order in which a reader wants it: the address, then the keys.
#[derive(Serialize)]
struct Part<'a> {
    url: &'a str,
    merchant: MerchantId,
    supplier_id: SupplierId,
    keys: Value,
    suppliers: Value,
    gateways: Value,
    banks: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<Box<Part<'a>>>,
}

/// Writes the file anew, readable by its owner only: the address may differ from start to start, the keys never do.
///
/// # Errors
/// [`AppError::Folder`].
pub fn write(folder: &Path, url: &str, seeded: &Seeded) -> Result<(), AppError> {
    let other = part(url, &seeded.other, None);
    let document = part(url, &seeded.default, Some(Box::new(other)));
    let text =
        serde_json::to_string_pretty(&document).map_err(|error| AppError::Broken(error.to_string()))? + "\n";
    write_private(&folder.join(NAME), text.as_bytes())
        .map_err(|source| AppError::Folder { path: folder.to_owned(), source })
}

fn part<'a>(url: &'a str, identity: &Identity, other: Option<Box<Part<'a>>>) -> Part<'a> {
    let mut gateways = json!({});
    for (gateway, client) in &identity.gateways {
        gateways[gateway] = json!(client);
        gateways[gateway]["base_url"] = json!(format!("{url}/sandbox/{gateway}"));
    }
    let banks = BANKS.map(|code| {
        let account = far_number(identity, code, BankAccountKind::Client);
        (code, json!({"account": account, "statements": format!("{url}/sandbox/bank/{account}/statements")}))
    });
    let banks = json!(std::collections::BTreeMap::from(banks));
    Part {
        url,
        merchant: identity.merchant,
        supplier_id: identity.supplier_id,
        keys: json!(identity.keys),
        suppliers: json!(identity.suppliers),
        gateways,
        banks,
        other,
    }
}
