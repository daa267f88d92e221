//! `<data-dir>/sandbox.json`: everything a client needs to try this server and the gateways' far sides.

use std::path::Path;

use serde_json::{Value, json};

use crate::vault::write_private;

use super::AppError;
use super::seed::{Identity, Seeded};

/// The file's name in the data folder.
pub const NAME: &str = "sandbox.json";

/// Writes the file anew, readable by its owner only: the address may differ from start to start, the keys never do.
///
/// # Errors
/// [`AppError::Folder`].
pub fn write(folder: &Path, url: &str, seeded: &Seeded) -> Result<(), AppError> {
    let mut document = described(url, &seeded.default);
    document["url"] = json!(url);
    document["other"] = described(url, &seeded.other);
    let text = format!("{document:#}\n");
    write_private(&folder.join(NAME), text.as_bytes())
        .map_err(|source| AppError::Folder { path: folder.to_owned(), source })
}

fn described(url: &str, identity: &Identity) -> Value {
    let mut gateways = json!({});
    for (gateway, client) in &identity.gateways {
        gateways[gateway] = json!(client);
        gateways[gateway]["base_url"] = json!(format!("{url}/sandbox/{gateway}"));
    }
    json!({
        "url": url,
        "merchant": identity.merchant,
        "keys": identity.keys,
        "supplier_id": identity.supplier_id,
        "suppliers": identity.suppliers,
        "gateways": gateways,
    })
}
