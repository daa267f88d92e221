//! A shopper: opens the gateway's page, presses a button, and follows the way back as far as our own door.
//!
//! It uses the page as a browser does (form, hidden token, redirect), so it works on a far side in another process
//! too, and it never goes on to the shop's address.

use url::Url;

use super::{Sandbox, SandboxError, grabpay, paypal};

/// Names the part of the way back that a scenario loses.
pub(super) const LOST: &str = "Straits-Sandbox-Lost";

/// Where the shopper acts.
#[derive(Debug, Clone, Copy)]
pub enum ShopperAct<'a> {
    /// At the address the payment's `next_action` names.
    Page(&'a Url),
    /// At the page of the payment with this reference, ours or the gateway's. A GrabPay page has no address before it
    /// was opened once.
    Payment(&'a str),
}

/// What the shopper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shopper {
    /// Agrees to pay.
    Approve,
    /// Refuses to pay.
    Decline,
    /// Opens the page and goes away; the clock does the rest.
    Abandon,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopperOutcome {
    /// Where the gateway sent the shopper; none when the page was abandoned.
    pub return_url: Option<Url>,
    /// What our own door answered, where the way back led there and did not break.
    pub answered: Option<u16>,
    /// A scenario lost the shopper on the way back.
    pub lost: bool,
}

impl Sandbox {
    /// Acts as the shopper. Answers after the far side's state is durable and our own `/v1/returns/…` has answered.
    ///
    /// # Errors
    /// [`SandboxError::UnknownPayment`], [`SandboxError::PageNotOpened`], [`SandboxError::PageClosed`] (expired,
    /// decided), [`SandboxError::Http`].
    pub async fn shopper(
        &self,
        at: ShopperAct<'_>,
        decision: Shopper,
    ) -> Result<ShopperOutcome, SandboxError> {
        self.shopper_from(at, decision, None).await
    }

    /// The same as a shopper whose account is at home in `country` (two letters, as PayPal writes them). GrabPay's page
    /// takes no notice of it: its answers name no country.
    ///
    /// # Errors
    /// As [`Sandbox::shopper`].
    pub async fn shopper_from(
        &self,
        at: ShopperAct<'_>,
        decision: Shopper,
        country: Option<&str>,
    ) -> Result<ShopperOutcome, SandboxError> {
        let page = match at {
            ShopperAct::Page(url) => url.clone(),
            ShopperAct::Payment(reference) => self.page_of(reference).await?,
        };
        let opened = self.http.get(page.clone()).send().await?;
        let status = opened.status().as_u16();
        let text = opened.text().await?;
        let form =
            Form::read(&page, &text).ok_or_else(|| SandboxError::PageClosed { status, why: words(&text) })?;
        let button = match decision {
            Shopper::Approve => "approve",
            Shopper::Decline => "decline",
            Shopper::Abandon => {
                return Ok(ShopperOutcome { return_url: None, answered: None, lost: false });
            }
        };
        let mut fields = vec![("token", form.token.as_str()), ("decision", button)];
        fields.extend(country.map(|country| ("country", country)));
        let decided = self.http.post(form.action).form(&fields).send().await?;
        let lost = decided.headers().contains_key(LOST);
        let location = decided.headers().get("location").and_then(|value| value.to_str().ok());
        let Some(return_url) = location.and_then(|location| Url::parse(location).ok()) else {
            let status = decided.status();
            if status.is_success() {
                // The merchant named no way back.
                return Ok(ShopperOutcome { return_url: None, answered: None, lost });
            }
            let why = words(&decided.text().await?);
            return Err(SandboxError::PageClosed { status: status.as_u16(), why });
        };
        let answered = if lost || !self.is_our_door(&return_url) {
            None
        } else {
            // What the shopper decided stands, whether or not the way back leads anywhere.
            let door = self.http.get(return_url.clone()).send().await;
            door.ok().map(|door| door.status().as_u16())
        };
        Ok(ShopperOutcome { return_url: Some(return_url), answered, lost })
    }

    async fn page_of(&self, reference: &str) -> Result<Url, SandboxError> {
        let mut session = self.book.begin().await?;
        if let Some(page) = paypal::page_of(self, &mut session, reference).await? {
            return Ok(page);
        }
        match grabpay::page_of(self, &mut session, reference).await? {
            Some(Some(page)) => Ok(page),
            Some(None) => Err(SandboxError::PageNotOpened(reference.to_owned())),
            None => Err(SandboxError::UnknownPayment(reference.to_owned())),
        }
    }

    /// Our own `/v1/returns/{gateway}`, nothing else.
    fn is_our_door(&self, url: &Url) -> bool {
        url.origin() == self.public_url.origin() && url.path().starts_with("/v1/returns/")
    }
}

/// The form of a hosted page.
pub(super) struct Form {
    pub action: Url,
    pub token: String,
}

impl Form {
    pub fn read(page: &Url, html: &str) -> Option<Form> {
        let action = between(html, "action=\"", "\"")?.replace("&amp;", "&");
        let token = between(html, "name=\"token\" value=\"", "\"")?.to_owned();
        Some(Form { action: page.join(&action).ok()?, token })
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

/// The page's sentence, without its markup.
fn words(html: &str) -> String {
    between(html, "<p>", "</p>").unwrap_or("no form on the page").to_owned()
}
