//! The page where the shopper approves: `/checkoutnow?token={order}`.

use actix_web::{HttpRequest, HttpResponse};
use url::Url;

use super::super::book::Session;
use super::super::page::{self, Page};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::order::{Order, OrderStatus, PAYER};
use super::{Refusal, events, orders};

/// `GET`: shows the order with a fresh token.
pub(super) async fn show(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    let shown = async {
        let mut session = sandbox.book.begin().await?;
        let Some(mut order) = open_order(sandbox, &mut session, request).await? else {
            return Ok(closed());
        };
        let token = serial::secret(&sandbox.ids);
        order.page_token = Some(token.clone());
        session.put(&order).await?;
        session.commit().await?;
        let unit = order.units.first();
        let amounts: Vec<String> = order.units.iter().map(|unit| unit.amount.to_string()).collect();
        let text = |name: &str| unit.and_then(|unit| unit.sent.get(name)).and_then(|text| text.as_str());
        let action = format!("checkoutnow?token={}", order.id);
        Ok(Page {
            gateway: "PayPal",
            payee: text("soft_descriptor").unwrap_or("the shop"),
            amount: &amounts.join(" + "),
            description: text("description").unwrap_or_default(),
            action: &action,
            token: &token,
        }
        .show())
    };
    settle(shown.await)
}

/// `POST`: the shopper's decision, once per token.
pub(super) async fn decide(sandbox: &Sandbox, request: &HttpRequest, body: &[u8]) -> HttpResponse {
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let decided = async {
        let mut session = sandbox.book.begin().await?;
        let Some(mut order) = open_order(sandbox, &mut session, request).await? else {
            return Ok(closed());
        };
        if order.page_token.is_none() || order.page_token != field("token") {
            return Ok(page::notice(409, "PayPal", "This page has been used; open it again."));
        }
        order.page_token = None;
        let lost = order.faults.has(Scenario::LostCallback);
        let answer = match field("decision").as_deref() {
            Some("approve") => {
                order.status = OrderStatus::Approved;
                let country = field("country").filter(|code| {
                    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'2')
                });
                order.payer_country = country.unwrap_or(order.payer_country);
                order.updated = sandbox.clock.now();
                events::announce_approval(sandbox, &mut session, &order).await?;
                match way_back(order.return_url.as_deref(), &order.id, true) {
                    Some(url) => page::send_on(url.as_str(), lost),
                    None => page::notice(200, "PayPal", "Approved. You may close this page."),
                }
            }
            // A shopper who declines may come back: PayPal leaves the order open until it lapses.
            Some("decline") => match way_back(order.cancel_url.as_deref(), &order.id, false) {
                Some(url) => page::send_on(url.as_str(), lost),
                None => page::notice(200, "PayPal", "Declined. You may close this page."),
            },
            Some("leave") => page::notice(200, "PayPal", "You may close this page."),
            _ => return Ok(page::notice(400, "PayPal", "Approve, decline or leave.")),
        };
        session.put(&order).await?;
        session.commit().await?;
        sandbox.wake.notify_one();
        Ok(answer)
    };
    settle(decided.await)
}

/// The page of the order with this id or reference; `None` when PayPal does not know it.
pub(in super::super) async fn page_of(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
) -> Result<Option<Url>, SandboxError> {
    let order = orders::find(session, reference).await?;
    let address = order.map(|order| format!("{}/checkoutnow?token={}", sandbox.paypal_url(), order.id));
    Ok(address.and_then(|address| Url::parse(&address).ok()))
}

/// `return_url?token=…&PayerID=…`, `cancel_url?token=…`.
fn way_back(address: Option<&str>, order_id: &str, approved: bool) -> Option<Url> {
    let mut url = Url::parse(address?).ok()?;
    url.query_pairs_mut().append_pair("token", order_id);
    if approved {
        url.query_pairs_mut().append_pair("PayerID", PAYER);
    }
    Some(url)
}

async fn open_order(
    sandbox: &Sandbox,
    session: &mut Session,
    request: &HttpRequest,
) -> Result<Option<Order>, SandboxError> {
    let mut pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let id = pairs.find(|(key, _)| key == "token").map(|(_, value)| value.into_owned());
    let order = session.find::<Order>(&id.unwrap_or_default()).await?;
    Ok(order.filter(|order| order.is_open() && !order.has_lapsed(sandbox.clock.now())))
}

fn closed() -> HttpResponse {
    page::notice(410, "PayPal", "This payment is decided, expired or unknown.")
}

fn settle(answer: Result<HttpResponse, SandboxError>) -> HttpResponse {
    answer.unwrap_or_else(|error| {
        let _logged: Refusal = error.into();
        page::notice(500, "PayPal", "Something went wrong; try again.")
    })
}
