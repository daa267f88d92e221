//! GrabPay's far side, as small as the cases need; signatures are written a second time here, from the fact sheet.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::gateways::grabpay::status;
use straits::gateways::{AccountSettings, Trust};
use straits::money::Money;
use url::Url;

use super::bench::{self, Bench, Call, FarSide, Notice, Owned, PAYMENT_REF, Wrong, money};
use super::grabpay_bill::GrabBill;
use super::line::{Reply, Request};

pub const PARTNER: &str = "partner-1";
const PARTNER_SECRET: &str = "grab-partner-secret-canary";
const CLIENT_SECRET: &str = "grab-client-secret-canary";
const TX: &str = "1f2a9f5c4a7b4c1d8e0f112233445566";
const MOUNT: &str = "/mount/grabpay";

pub fn open() -> Bench {
    // GrabPay reads no certificate.
    let trust = Trust::StraitsSandbox { root_der: vec![] };
    bench::open("grabpay", money("SGD", 1234), trust, |base, clock| {
        let public = json!({
            "base_url": base, "partner_id": PARTNER, "client_id": "client-1", "merchant_id": "merchant-1",
            "country": "SG", "currencies": ["SGD", "MYR"],
        });
        let account = AccountSettings {
            name: "grabpay-sg".into(),
            public: public.as_object().unwrap().clone(),
            secrets: [
                ("partner_secret".to_owned(), vec![PARTNER_SECRET.into(), "the-one-before".into()]),
                ("client_secret".to_owned(), vec![CLIENT_SECRET.into()]),
            ]
            .into(),
        };
        (GrabFar { base, clock: Some(clock), ..GrabFar::default() }, account)
    })
}

#[derive(Default)]
struct GrabFar {
    base: String,
    clock: Option<Clock>,
    inits: usize,
    /// `txStatus` and `reason`.
    stands: (String, Option<String>),
    /// What the browser was sent with.
    browser: Option<(String, String)>,
    state: String,
    codes: usize,
    tokens: usize,
    captures: usize,
    refunds: Vec<(String, i64, String, Option<String>)>,
    wrong: Option<Wrong>,
    empty: bool,
    garbled: Option<String>,
    bill: GrabBill,
    complaints: Vec<String>,
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes()).as_ref().to_vec()
}

pub fn signature(secret: &str, head: [&str; 4], body: &[u8]) -> String {
    let empty = head[0] == "GET" || body.is_empty();
    let digest = if empty { String::new() } else { STANDARD.encode(digest::digest(&digest::SHA256, body)) };
    STANDARD.encode(mac(secret, &[head[0], head[1], head[2], head[3], &digest, ""].join("\n")))
}

impl GrabFar {
    fn wall(&self) -> DateTime<Utc> {
        self.clock.as_ref().unwrap().wall()
    }

    fn demand(&mut self, holds: bool, what: &str, request: &Request) {
        if !holds {
            self.complaints.push(format!("{what}: {request:?}"));
        }
    }

    fn billing(&self) -> GrabBill {
        let merchant = if self.wrong == Some(Wrong::Merchant) { "merchant-2" } else { "merchant-1" };
        GrabBill { merchant: merchant.into(), ..self.bill.clone() }
    }

    fn date(at: DateTime<Utc>) -> String {
        at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn demand_signature(&mut self, path: &str, request: &Request) {
        let date = request.header("date").unwrap_or_default().to_owned();
        let kind = request.header("content-type").unwrap_or_default();
        let expected = signature(PARTNER_SECRET, [&request.method, kind, &date, path], &request.body);
        let right = request.header("authorization") == Some(&format!("{PARTNER}:{expected}"));
        self.demand(
            right && kind == "application/json" && date == GrabFar::date(self.wall()),
            "signature",
            request,
        );
    }

    fn demand_possession(&mut self, request: &Request) {
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let proof =
            URL_SAFE_NO_PAD.decode(request.header("x-gid-aux-pop").unwrap_or_default()).unwrap_or_default();
        let proof: Value = serde_json::from_slice(&proof).unwrap_or_default();
        let seconds = proof["time_since_epoch"].as_i64().unwrap_or_default();
        let expected = URL_SAFE_NO_PAD.encode(mac(CLIENT_SECRET, &format!("{seconds}{token}")));
        let right = proof["sig"] == expected.as_str() && (seconds - self.wall().timestamp()).abs() < 300;
        self.demand(right && token.starts_with("token-canary-"), "possession", request);
    }

    fn no(status: u16, reason: &str) -> Reply {
        Reply::json(status, &json!({"reason": reason}))
    }

    fn code(&self) -> String {
        format!("code-canary-{}", self.codes)
    }

    fn init(&mut self, request: &Request) -> Reply {
        let body = request.json();
        let expected = json!({
            "partnerGroupTxID": PAYMENT_REF, "partnerTxID": PAYMENT_REF, "amount": 1234, "currency": "SGD",
            "description": "Order 4711, two lanterns", "merchantID": "merchant-1",
        });
        self.demand(body == expected, "init", request);
        if self.inits > 0 {
            return GrabFar::no(409, "transaction_already_exists");
        }
        self.inits = 1;
        self.stands = ("processing".into(), Some("pending_user_consent".into()));
        Reply::json(200, &json!({"partnerTxID": PAYMENT_REF, "request": "eyJhbGciOiAibm9uZSJ9.e30."}))
    }

    fn charge(&self) -> Reply {
        let (status, reason) = self.stands.clone();
        let mut charge = json!({
            "txID": TX, "oAuthCode": "", "paymentMethod": "GPWALLET", "status": "deprecated", "txStatus": status,
            "reason": reason,
        });
        if status == "authorised" {
            charge["oAuthCode"] = self.code().into();
        }
        match self.wrong {
            Some(Wrong::Amount) => (charge["amount"], charge["currency"]) = (1.into(), "SGD".into()),
            Some(Wrong::Currency) => (charge["amount"], charge["currency"]) = (1234.into(), "MYR".into()),
            Some(Wrong::Merchant) => charge["merchantID"] = "SOMEBODYELSE".into(),
            None => {}
        }
        let mut text = charge.to_string();
        let garbled = match self.garbled.as_deref() {
            Some("1e2") => "1e2",
            Some("float") => "12.34",
            Some("huge") => "99999999999999999999",
            Some(_) => return Reply::of(200, "application/json", text.replace(TX, "")),
            None => return Reply::of(200, "application/json", text),
        };
        text.pop();
        Reply::of(200, "application/json", format!("{text},\"amount\":{garbled}}}"))
    }

    fn token(&mut self, request: &Request) -> Reply {
        let body = request.json();
        let (challenge, redirect) = self.browser.clone().unwrap_or_default();
        let verifier = body["code_verifier"].as_str().unwrap_or_default();
        let proof = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let right = body["grant_type"] == "authorization_code"
            && body["client_id"] == "client-1"
            && body["client_secret"] == CLIENT_SECRET
            && body["redirect_uri"] == redirect.as_str()
            && proof == challenge
            && (43..=128).contains(&verifier.len());
        self.demand(right, "token", request);
        if self.codes == 0 || body["code"] != self.code().as_str() {
            return Reply::json(400, &json!({"error": "invalid_grant"}));
        }
        // Used up; the status gives another.
        self.codes += 1;
        self.tokens += 1;
        let token = format!("token-canary-{}", self.tokens);
        Reply::json(
            200,
            &json!({"access_token": token, "token_type": "Bearer", "expires_in": 31_536_000, "id_token": "x"}),
        )
    }

    fn complete(&mut self, request: &Request) -> Reply {
        self.demand(request.json() == json!({"partnerTxID": PAYMENT_REF}), "complete", request);
        if self.stands.0 == "authorised" {
            self.stands = ("success".into(), None);
            self.captures += 1;
        }
        self.charge()
    }

    fn refund(&mut self, request: &Request) -> Reply {
        let body = request.json();
        let reference = body["partnerTxID"].as_str().unwrap_or_default().to_owned();
        let right = body["partnerGroupTxID"] == PAYMENT_REF
            && reference.starts_with("ref_")
            && reference.len() <= 32
            && body["originTxID"] == TX
            && body["merchantID"] == "merchant-1"
            && body["currency"] == "SGD"
            && body["description"] == "one lantern was broken";
        self.demand(right, "refund", request);
        if self.refunds.iter().any(|(known, ..)| *known == reference) {
            return GrabFar::no(409, "transaction_already_exists");
        }
        if self.empty {
            return GrabFar::no(409, "merchant_insufficient_balance");
        }
        let amount = body["amount"].as_i64().unwrap();
        if self.refunds.iter().map(|(_, amount, ..)| amount).sum::<i64>() + amount > 1234 {
            return GrabFar::no(409, "client_error");
        }
        self.refunds.push((reference, amount, "success".into(), None));
        self.refund_json(self.refunds.len() - 1)
    }

    fn refund_json(&self, place: usize) -> Reply {
        let (_, _, status, reason) = &self.refunds[place];
        let id = format!("{place:032x}");
        Reply::json(200, &json!({"txID": id, "txStatus": status, "status": "deprecated", "reason": reason}))
    }
}

impl FarSide for GrabFar {
    fn call(&self, request: &Request) -> Call {
        let path = request.target.strip_prefix(MOUNT).unwrap_or_default();
        match (request.method.as_str(), path) {
            ("POST", "/grabid/v1/oauth2/token") => Call::Token,
            ("POST", "/grabpay/partner/v2/charge/init") => Call::Create,
            ("POST", "/grabpay/partner/v2/charge/complete") => Call::Complete,
            ("POST", "/grabpay/partner/v2/refund") => Call::Refund,
            ("GET", path) if path.starts_with("/grabpay/partner/v2/one-time-charge/") => Call::Query,
            ("GET", path) if path.starts_with("/grabpay/partner/v2/refund/") => Call::QueryRefund,
            ("GET", path) if path.starts_with("/reports/settlement/") => Call::Bill,
            _ => Call::Other,
        }
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let path = request.target.strip_prefix(MOUNT).unwrap_or_default().to_owned();
        let call = self.call(request);
        match call {
            Call::Create | Call::Query | Call::Bill => self.demand_signature(&path, request),
            Call::Complete | Call::Refund | Call::QueryRefund => self.demand_possession(request),
            Call::Token | Call::Other => {}
        }
        match call {
            Call::Token => self.token(request),
            Call::Create => self.init(request),
            Call::Bill => {
                self.demand(path == "/reports/settlement/2026-11-18", "report path", request);
                Reply::of(200, "text/csv", self.billing().file())
            }
            Call::Query => {
                let right = path.ends_with(&format!("/{PAYMENT_REF}/status?currency=SGD"));
                self.demand(right, "status path", request);
                if self.inits == 0 { GrabFar::no(404, "no_record_found") } else { self.charge() }
            }
            Call::Complete => self.complete(request),
            Call::Refund => self.refund(request),
            Call::QueryRefund => {
                let named = |(known, ..): &(String, i64, String, Option<String>)| {
                    path == format!("/grabpay/partner/v2/refund/{known}/status?currency=SGD")
                };
                match self.refunds.iter().position(named) {
                    Some(place) => self.refund_json(place),
                    None => GrabFar::no(404, "no_record_found"),
                }
            }
            Call::Other => GrabFar::no(404, "no_such_path"),
        }
    }

    fn browse(&mut self, url: &str) {
        let parsed = Url::parse(url).unwrap();
        let get = |name: &str| {
            let mut values = parsed.query_pairs().filter(|(key, _)| key == name);
            values.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let right = url.starts_with(&format!("{}/grabid/v1/oauth2/authorize?", self.base))
            && get("acr_values") == "consent_ctx:countryCode=SG,currency=SGD"
            && get("client_id") == "client-1"
            && get("code_challenge_method") == "S256"
            && get("response_type") == "code"
            && get("request") == "eyJhbGciOiAibm9uZSJ9.e30."
            && get("scope").split(' ').any(|scope| scope == "payment.one_time_charge")
            && get("nonce").len() >= 16
            && get("state").len() >= 32;
        if !right {
            self.complaints.push(format!("the shopper was sent to {url}"));
        }
        self.browser = Some((get("code_challenge"), get("redirect_uri")));
        self.state = get("state");
    }

    fn approve(&mut self) -> Vec<(String, String)> {
        self.stands = ("authorised".into(), Some("pending_capture".into()));
        self.codes = 1;
        vec![("code".into(), self.code()), ("state".into(), self.state.clone())]
    }

    fn lapse(&mut self) {
        self.stands = ("cancelled".into(), Some("auth_expired".into()));
    }

    fn put(&mut self, words: &str) {
        let mut parts = words.split('/');
        let (what, status, reason) =
            (parts.next().unwrap(), parts.next(), parts.next().filter(|word| *word != "*"));
        let words = (status.unwrap_or("UNHEARD_OF").to_owned(), reason.map(str::to_owned));
        match what {
            "bill" => self.bill.rows = words.0.parse().unwrap(),
            "bill_word" => self.bill.word = Some(words.0),
            "garbled" => self.garbled = status.map(str::to_owned),
            "refund" => (self.refunds[0].2, self.refunds[0].3) = words,
            _ => self.stands = words,
        }
    }

    fn name_wrongly(&mut self, what: Wrong) {
        self.wrong = Some(what);
    }

    fn empty_balance(&mut self) {
        self.empty = true;
    }

    fn payments(&self) -> usize {
        self.inits
    }

    fn captures(&self) -> usize {
        self.captures
    }

    fn refunds(&self) -> usize {
        self.refunds.len()
    }

    fn notice(&self, notice: Notice, at: DateTime<Utc>) -> Owned {
        let at = match notice {
            Notice::Old => at - TimeDelta::minutes(6),
            Notice::Future => at + TimeDelta::minutes(6),
            _ => at,
        };
        let charge = json!({
            "txType": "Charge", "txStatus": "success", "partnerID": PARTNER, "partnerTxID": PAYMENT_REF, "txID": TX,
            "amount": 1234, "currency": "SGD", "status": "success", "createdAt": at.timestamp(),
            "payload": {"partnerGroupTxID": PAYMENT_REF},
        });
        let refund = json!({
            "txType": "Refund", "txStatus": "success", "partnerID": PARTNER, "origTxID": TX, "amount": 100,
            "partnerTxID": "ref_01kaw000000000000000000001", "txID": "00", "currency": "SGD",
            "payload": {"partnerGroupTxID": PAYMENT_REF},
        });
        let mut body = match notice {
            Notice::Refunded => refund.to_string(),
            Notice::NoJson => "txType=Charge".into(),
            Notice::Bottomless => format!("{{\"txType\":{}{}}}", "[".repeat(5000), "]".repeat(5000)),
            Notice::DoubledMember => charge.to_string().replacen('{', "{\"amount\":1,", 1),
            _ => charge.to_string(),
        };
        let (kind, date, path) =
            ("application/json; charset=utf-8", GrabFar::date(at), "/v1/notifications/grabpay");
        let key = if notice == Notice::OtherKey { "another-secret" } else { PARTNER_SECRET };
        let mut signed = signature(key, ["POST", kind, &date, path], body.as_bytes());
        let mut partner = PARTNER;
        match notice {
            Notice::BadSignature => {
                signed.replace_range(0..1, if signed.starts_with('A') { "B" } else { "A" })
            }
            Notice::EmptySignature => signed.clear(),
            Notice::AlteredBody => body = body.replace("1234", "9234"),
            Notice::OtherMerchant => partner = "partner-2",
            _ => {}
        }
        let mut headers = vec![("content-type".to_owned(), kind.to_owned()), ("date".into(), date)];
        let copies = match notice {
            Notice::NoSignature => 0,
            Notice::TwoSignatures => 2,
            _ => 1,
        };
        headers.extend((0..copies).map(|_| ("authorization".to_owned(), format!("{partner}:{signed}"))));
        Owned { method: "POST".into(), path: path.into(), headers, body: body.into() }
    }

    fn words(&self) -> Vec<(String, &'static str)> {
        let rows = [
            ("charge/init/*", "requires_action"),
            ("charge/processing/pending_user_consent", "requires_action"),
            ("charge/processing/pending_capture", "authorized"),
            ("charge/processing/authorising", "pending"),
            ("charge/processing/capturing", "pending"),
            ("charge/processing/cancelling", "pending"),
            ("charge/processing/*", "pending"),
            ("charge/processing/a_reason_of_tomorrow", "pending"),
            ("charge/authorised/*", "authorized"),
            ("charge/success/*", "captured"),
            ("charge/failed/transaction_already_exist", "pending"),
            ("charge/failed/*", "failed"),
            ("charge/failed/insufficient_balance", "failed"),
            ("charge/failed/kyc_compliance_decline", "failed"),
            ("charge/authorisation_declined/*", "failed"),
            ("charge/cancelled/auth_expired", "expired"),
            ("charge/cancelled/*", "cancelled"),
            ("charge/cancelled/user_canceled", "cancelled"),
            ("charge/tomorrow", "unknown"),
            ("refund/success", "succeeded"),
            ("refund/processing", "pending"),
            ("refund/processing/pending_approval", "pending"),
            ("refund/failed", "failed"),
            ("refund/failed/merchant_insufficient_balance", "awaiting_funds"),
            ("refund/tomorrow", "unknown"),
        ];
        rows.into_iter().map(|(word, ours)| (word.to_owned(), ours)).collect()
    }

    fn table(&self) -> Vec<String> {
        let charges = status::CHARGES.iter().map(|(word, reason, _)| format!("charge/{word}/{reason}"));
        charges.chain(status::REFUNDS.iter().map(|word| format!("refund/{word}"))).collect()
    }

    fn complaints(&self) -> Vec<String> {
        self.complaints.clone()
    }

    fn left_out(&self, case: &str) -> Option<&'static str> {
        match case {
            "a_stale_token_is_renewed_once" => Some(
                "queries are signed, not borne by a token; a token is bought with the shopper's consent only",
            ),
            "precision_is_refused_naming_the_nearest" => Some(
                "Grab's decimals are those of ISO 4217 in every currency it takes: nothing is too precise",
            ),
            _ => None,
        }
    }

    fn fee(&self) -> Option<Money> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        vec![PARTNER_SECRET.into(), CLIENT_SECRET.into(), "token-canary".into(), "code-canary".into()]
    }

    fn too_precise(&self) -> Option<(Money, Money)> {
        None
    }

    fn foreign(&self) -> Money {
        money("USD", 100)
    }

    fn refund_window(&self) -> TimeDelta {
        TimeDelta::days(365)
    }

    fn billed(&self, n: usize) -> Vec<(&'static str, Money, Money)> {
        GrabBill { rows: n, ..GrabBill::default() }.told()
    }

    fn bill_file(&self) -> Vec<u8> {
        self.billing().file()
    }
}
