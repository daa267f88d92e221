//! The merchants' bank: it credits what GrabPay's sweep of the day before sent, and tells so as camt.053 of any day.
//!
//! `GET /sandbox/bank/{account}/statements/{date}`: a whole statement, with opening and closing balance, for a day that
//! is over or under way. An account is known by its number (`sandbox.json` has it); sweeps move on it, and what was paid
//! by file ([`payments`]).

mod payments;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;

use super::grabpay::{BankCredit, Partner, singapore_day, sweep};
use super::paypal::after_mount;
use super::{Sandbox, SandboxError};
use crate::money::{Currency, Money};

/// Everything below `/sandbox/bank`.
pub(super) async fn answer(
    request: HttpRequest,
    sandbox: web::Data<Sandbox>,
    body: web::Bytes,
) -> HttpResponse {
    let path = after_mount(request.path(), "/bank").to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let paid = match (request.method().as_str(), segments.as_slice()) {
        ("POST", ["payments"]) => Some(sandbox.take_payments(&body).await),
        ("GET", ["payments", id]) => Some(sandbox.show_payments(id).await),
        _ => None,
    };
    if let Some(answer) = paid {
        return answer.unwrap_or_else(|error| {
            tracing::error!(%error, "the far side's bank");
            HttpResponse::InternalServerError().finish()
        });
    }
    let [account, "statements", day] = segments.as_slice() else { return HttpResponse::NotFound().finish() };
    let Ok(day) = day.parse::<NaiveDate>() else {
        return HttpResponse::BadRequest().body("a day: 2026-11-28");
    };
    match sandbox.bank_statement(account, day).await {
        Ok(Some(statement)) => {
            HttpResponse::Ok().content_type("application/xml; charset=utf-8").body(statement)
        }
        Ok(None) => HttpResponse::NotFound().body("no such account, or a day that has not begun"),
        Err(error) => {
            tracing::error!(%error, "the far side's bank");
            HttpResponse::InternalServerError().finish()
        }
    }
}

impl Sandbox {
    /// The statement of an account for a day, as camt.053.001.08; none for an account or a day that is not there.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn bank_statement(
        &self,
        account: &str,
        day: NaiveDate,
    ) -> Result<Option<String>, SandboxError> {
        let now = self.clock.now();
        let mut session = self.book.begin().await?;
        sweep(self, &mut session, now).await?;
        let partners: Vec<Partner> = session.all().await?;
        let owner = partners.iter().find_map(|partner| {
            let currency =
                partner.currencies.iter().find(|currency| partner.bank_account(**currency) == account);
            currency.map(|currency| (partner.partner_id.clone(), *currency))
        });
        let Some((owner, currency)) = owner.filter(|_| day <= singapore_day(now)) else { return Ok(None) };
        let mut credits: Vec<BankCredit> = session.under(&owner).await?;
        let paid = payments::movements(&mut session, account, currency).await?;
        session.commit().await?;
        credits.retain(|credit| credit.net.currency() == currency && credited(credit).is_positive());
        Ok(Some(camt053(account, currency, day, &credits, &paid)))
    }
}

/// What the bank credits.
fn credited(credit: &BankCredit) -> Money {
    let short = credit.short.map_or(0, Money::minor);
    Money::from_minor(credit.net.minor().saturating_sub(short), credit.net.currency())
}

fn camt053(
    account: &str,
    currency: Currency,
    day: NaiveDate,
    credits: &[BankCredit],
    paid: &[payments::Movement],
) -> String {
    let sum = |until: &dyn Fn(NaiveDate) -> bool| {
        let swept =
            credits.iter().filter(|credit| until(credit.credited_on)).map(|credit| credited(credit).minor());
        let paid = paid.iter().filter(|movement| until(movement.day)).map(|movement| movement.amount.minor());
        Money::from_minor(swept.chain(paid).fold(0, i64::saturating_add), currency)
    };
    let opening = sum(&|on| on < day);
    let closing = sum(&|on| on <= day);
    let side = |amount: Money| if amount.is_negative() { "DBIT" } else { "CRDT" };
    let balance = |code: &str, amount: Money| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"{currency}\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>",
            amount.abs().amount(),
            side(amount)
        )
    };
    let entries: String = credits.iter().filter(|credit| credit.credited_on == day).map(|credit| {
        let (amount, reference) = (credited(credit), &credit.reference);
        format!(
            "<Ntry><Amt Ccy=\"{currency}\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>BK-{reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy=\"{currency}\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><RmtInf><Ustrd>GRABPAY SWEEP {}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
            amount.amount(), amount.amount(), credit.day
        )
    }).collect();
    let paid: String = paid.iter().filter(|movement| movement.day == day).map(|movement| {
        let (amount, side, reference) = (movement.amount.abs().amount(), side(movement.amount), &movement.end_to_end);
        let (way, text) = (if side == "DBIT" { "ICDT" } else { "RCDT" }, movement.text);
        format!(
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>BK-{side}-{reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{way}</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    }).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>{account}-{day}</MsgId><CreDtTm>{day}T23:59:59+08:00</CreDtTm></GrpHdr><Stmt><Id>{account}-{day}</Id><CreDtTm>{day}T23:59:59+08:00</CreDtTm><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>{}{}{entries}{paid}</Stmt></BkToCstmrStmt></Document>\n",
        balance("OPBD", opening),
        balance("CLBD", closing)
    )
}
