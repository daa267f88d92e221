//! Every gateway Straits speaks: one line each.

use std::sync::Arc;

use super::{AccountSettings, BuildError, Context, Descriptor, Gateway, grabpay, paypal, xendit};

/// All of them.
pub static GATEWAYS: &[&Descriptor] = &[&paypal::DESCRIPTOR, &grabpay::DESCRIPTOR, &xendit::DESCRIPTOR];

/// The gateway of this name.
pub fn find(name: &str) -> Option<&'static Descriptor> {
    GATEWAYS.iter().copied().find(|gateway| gateway.name == name)
}

/// Builds one account of the gateway `name`.
///
/// # Errors
/// [`BuildError`]: no such gateway, or a setting that does not make an adapter.
pub fn build(
    name: &str,
    account: &AccountSettings,
    context: &Context,
) -> Result<Arc<dyn Gateway>, BuildError> {
    let names = || GATEWAYS.iter().map(|gateway| gateway.name).collect::<Vec<_>>().join(", ");
    let descriptor =
        find(name).ok_or_else(|| account.wrong("gateway", &format!("must be one of {}", names())))?;
    (descriptor.build)(account, context)
}
