//! Certificates: what was withheld from a supplier, as it shows it to its tax office.

use serde_json::{Value, json};

use crate::domain::withholding::{Certificate, CertificateId, Entry};
use crate::ids::MerchantId;
use crate::money::{Money, MoneyError};
use crate::store::Seek;
use crate::store::withholding::CertificateFilter;

use super::{Withholding, WithholdingError};

impl Withholding {
    /// A merchant's certificates in the order of their numbers, in reading order.
    ///
    /// # Errors
    /// [`WithholdingError`].
    pub async fn certificates(
        &self,
        merchant: MerchantId,
        filter: CertificateFilter<'_>,
        seek: Seek<CertificateId>,
        limit: u32,
    ) -> Result<Vec<Value>, WithholdingError> {
        let mut views = Vec::new();
        for id in self.store.withholding_certificates(merchant, filter, seek, limit).await? {
            views.push(self.certificate(merchant, &id).await?);
        }
        Ok(views)
    }

    /// One certificate, as the API answers it.
    ///
    /// # Errors
    /// [`WithholdingError::Unknown`].
    pub async fn certificate(
        &self,
        merchant: MerchantId,
        id: &CertificateId,
    ) -> Result<Value, WithholdingError> {
        let rows = self.store.withholding_entries(merchant, id).await?;
        let unknown = || WithholdingError::Unknown("withholding certificate");
        let authority = rows.first().map(|(authority, _)| authority.clone()).ok_or_else(unknown)?;
        let entries = rows.into_iter().map(|(_, entry)| entry).collect();
        let remitted = self.store.remitted_of(id).await?;
        let certificate = Certificate { id: id.clone(), authority, entries, remitted };
        if certificate.is_empty() {
            return Err(unknown());
        }
        let supplier = self.store.supplier(merchant, id.supplier).await?.ok_or_else(unknown)?.value;
        let issuer = self.store.merchant(merchant).await?.ok_or_else(unknown)?;
        let over = self.day(merchant).await? > id.period.last();
        let mut view = view(&certificate, over)?;
        view["issuer"] = json!({"name": issuer.name, "tax_number": issuer.tax_number});
        view["holder"] =
            json!({"name": supplier.name, "tax_number": supplier.tax_number, "country": supplier.country});
        Ok(view)
    }
}

fn view(certificate: &Certificate, over: bool) -> Result<Value, MoneyError> {
    let (id, sum) = (&certificate.id, |of: fn(&Entry) -> Money| certificate.sum(of));
    let (credit_before, credit) = certificate.credits();
    let withheld = sum(|entry| entry.withheld)?;
    let entry = |entry: &Entry| {
        json!({
            "payout": entry.payout, "booked_at": entry.at, "sold": entry.sold, "refunded": entry.refunded,
            "base": entry.base, "due": entry.due, "withheld": entry.withheld, "credit": entry.credit,
            "percent": entry.percent, "share_of_base": entry.share_of_base.to_string(), "rule_version": entry.version,
        })
    };
    Ok(json!({
        "id": id.to_string(), "object": "withholding_certificate", "authority": certificate.authority, "rule": id.rule,
        "period": id.period, "from": id.period.first(), "to": id.period.last(), "final": over,
        "supplier": id.supplier, "currency": id.currency,
        "sold": sum(|entry| entry.sold)?, "refunded": sum(|entry| entry.refunded)?, "base": sum(|entry| entry.base)?,
        "due": sum(|entry| entry.due)?, "credit_before": credit_before, "credit": credit, "withheld": withheld,
        "remitted": certificate.remitted, "is_remitted": certificate.remitted == withheld,
        "entries": certificate.entries.iter().map(entry).collect::<Vec<_>>(),
    }))
}
