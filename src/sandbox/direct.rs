//! The far sides without sockets: one request in, one answer out, and notices handed over instead of being sent.
//!
//! For whoever decides himself what becomes of each request, answer and notice. The rooms behind it are the same as
//! behind `routes`; nothing here knows of faults.

use actix_web::body::to_bytes;
use actix_web::test::TestRequest;
use actix_web::{HttpResponse, web};
use url::Url;

use super::courier::{Delivery, Sender};
use super::shopper::Form;
use super::{Sandbox, SandboxError, Shopper, grabpay, paypal, serial, xendit};

/// A request to a far side.
#[derive(Debug, Clone)]
pub struct Direct {
    /// `GET`, `POST` …
    pub method: reqwest::Method,
    /// The whole address.
    pub url: Url,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the far side answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectAnswer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; `None` where a scenario lets the connection break.
    pub body: Option<Vec<u8>>,
}

/// A notice that is due, ready to be handed over.
#[derive(Debug, Clone)]
pub struct Letter {
    delivery: Delivery,
    /// Names in lower case, and values; signed for this try.
    pub headers: Vec<(String, String)>,
}

impl Letter {
    /// The gateway's name, as in `/v1/notifications/{gateway}`.
    pub fn gateway(&self) -> &str {
        self.delivery.url.path_segments().and_then(|mut path| path.next_back()).unwrap_or_default()
    }

    /// The body, byte for byte.
    pub fn body(&self) -> &[u8] {
        self.delivery.body.as_bytes()
    }

    /// Which try this is, from 1.
    pub fn tries(&self) -> u32 {
        self.delivery.tries
    }

    /// Signed so that an honest receiver refuses it.
    pub fn forged(&self) -> bool {
        self.delivery.forged
    }
}

impl Sandbox {
    /// Answers one request.
    pub async fn answer(&self, request: Direct) -> DirectAnswer {
        let whole = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        // The two sides speak different versions of one crate's words.
        let method = actix_web::http::Method::from_bytes(request.method.as_str().as_bytes());
        let mut asked = TestRequest::with_uri(&whole).method(method.unwrap_or_default());
        for (name, value) in &request.headers {
            asked = asked.append_header((name.as_str(), value.as_str()));
        }
        let (asked, body) = (asked.to_http_request(), web::Bytes::from(request.body));
        let this = web::Data::new(self.clone());
        let answer = if request.url.path().starts_with("/sandbox/paypal") {
            paypal::answer(asked, body, this).await
        } else if request.url.path().starts_with("/sandbox/xendit") {
            xendit::answer(asked, body, this).await
        } else {
            grabpay::answer(asked, body, this).await
        };
        read(answer).await
    }

    /// Closes the file; nothing is answered after that.
    pub async fn close(&self) {
        self.book.close().await;
    }

    /// Acts as the shopper at a page of the far side; where the shopper is sent, if anywhere. `None` too when the page
    /// shows no button any more.
    pub async fn shopper_at(&self, page: &Url, decision: Shopper) -> Option<Url> {
        let get = |url: Url| Direct { method: reqwest::Method::GET, url, headers: vec![], body: vec![] };
        let opened = self.answer(get(page.clone())).await;
        let form = Form::read(page, &String::from_utf8_lossy(&opened.body?))?;
        let button = match decision {
            Shopper::Approve => "approve",
            Shopper::Decline => "decline",
            Shopper::Abandon => return None,
        };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", &form.token)
            .append_pair("decision", button)
            .finish();
        let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let post = Direct {
            method: reqwest::Method::POST,
            url: form.action,
            headers: vec![kind],
            body: body.into_bytes(),
        };
        let decided = self.answer(post).await;
        let location = decided.headers.into_iter().find(|(name, _)| name == "location")?.1;
        Url::parse(&location).ok()
    }

    /// Claims the notices that are due, earliest first; each is to be handed over once and then marked.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn letters(&self) -> Result<Vec<Letter>, SandboxError> {
        let mut letters = vec![];
        for delivery in self.claim().await? {
            letters.push(self.signed(delivery).await?);
        }
        Ok(letters)
    }

    /// The same notice with another body, signed as its gateway signs: what a gateway would send that has gone wrong.
    /// `receiver` is another account's webhook or partner, where the notice is to be that one's.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn rewritten(
        &self,
        letter: &Letter,
        body: String,
        receiver: Option<&str>,
    ) -> Result<Letter, SandboxError> {
        let id = serial::hex(&self.ids);
        let mut delivery =
            Delivery { id, body, forged: false, transmission: None, ..letter.delivery.clone() };
        if let Some(receiver) = receiver {
            match &mut delivery.sender {
                Sender::PayPal { webhook_id, .. } => receiver.clone_into(webhook_id),
                Sender::GrabPay { partner_id } => receiver.clone_into(partner_id),
                Sender::Xendit { business_id } => receiver.clone_into(business_id),
            }
        }
        if let Sender::PayPal { .. } = delivery.sender {
            let mut session = self.book.begin().await?;
            paypal::transmit(self, &mut session, &mut delivery).await?;
            session.commit().await?;
        }
        self.signed(delivery).await
    }

    async fn signed(&self, delivery: Delivery) -> Result<Letter, SandboxError> {
        let headers = self.headers_for(&delivery).await?;
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Ok(Letter { headers: headers.collect(), delivery })
    }

    /// Notes what became of a try; a notice that was not accepted falls due again with the gateway's patience.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn mark(&self, letter: Letter, accepted: bool) -> Result<(), SandboxError> {
        let mut delivery = letter.delivery;
        delivery.mark(accepted, self.clock.now());
        let mut session = self.book.begin().await?;
        session.put(&delivery).await?;
        session.commit().await
    }
}

async fn read(answer: HttpResponse) -> DirectAnswer {
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    let headers = headers.collect();
    let body = to_bytes(answer.into_body()).await.ok().map(|bytes| bytes.to_vec());
    DirectAnswer { status, headers, body }
}
