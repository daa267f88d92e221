//! Who sends notices: GrabPay as a partner with its secret would sign them, PayPal as its far side did.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use straits::clock::Clock;

use crate::far_book;
use crate::sandbox::grabpay_client::{http_date, mac};

const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// A notice on its way.
#[derive(Clone)]
pub struct Notice {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Notice {
    pub fn without(&self, name: &str) -> Notice {
        let headers = self.headers.iter().filter(|(key, _)| key != name).cloned().collect();
        Notice { headers, body: self.body.clone() }
    }

    pub fn with(&self, name: &str, value: &str) -> Notice {
        let mut notice = self.without(name);
        notice.headers.push((name.to_owned(), value.to_owned()));
        notice
    }
}

/// GrabPay, as far as one partner's notices go.
#[derive(Clone)]
pub struct Grab {
    pub partner_id: String,
    pub secret: String,
}

impl Grab {
    /// As `sandbox.json` names the partner.
    pub fn of(client: &Value) -> Grab {
        let text = |name: &str| client[name].as_str().unwrap().to_owned();
        Grab { partner_id: text("partner_id"), secret: text("partner_secret") }
    }

    pub fn body(&self, payment: &str, kind: &str, status: &str, units: i64, currency: &str) -> String {
        json!({
            "txType": kind, "txStatus": status, "status": status, "partnerID": self.partner_id,
            "partnerTxID": payment, "txID": "1f2a9f5c4a7b4c1d8e0f112233445566",
            "amount": units, "currency": currency, "createdAt": 1_795_000_000, "completedAt": 1_795_000_042,
            "payload": {"partnerGroupTxID": payment, "newStatus": status, "reason": ""},
        })
        .to_string()
    }

    /// A capture that differs from its like in nothing that matters.
    pub fn numbered(&self, payment: &str, nth: usize) -> String {
        self.body(payment, "Capture", "success", 10_000, "SGD")
            .replace("1795000042", &(1_795_000_100 + nth).to_string())
    }

    pub fn notice(&self, body: &str) -> Notice {
        self.notice_at(body, 0, super::GRABPAY)
    }

    /// Signed with a date so many seconds off, for this path.
    pub fn notice_at(&self, body: &str, seconds: i64, path: &str) -> Notice {
        let date = http_date(Clock::system().wall() + TimeDelta::seconds(seconds));
        let hash = STANDARD.encode(digest(&SHA256, body.as_bytes()));
        let message = format!("POST\n{CONTENT_TYPE}\n{date}\n{path}\n{hash}\n");
        let signature = STANDARD.encode(mac(&self.secret, &message));
        let pairs = [
            ("content-type", CONTENT_TYPE.to_owned()),
            ("date", date),
            ("authorization", format!("{}:{signature}", self.partner_id)),
        ];
        let headers = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Notice { headers, body: body.to_owned() }
    }
}

/// Every notice that PayPal's far side has sent so far, as it was sent.
pub async fn paypal_notices(folder: &Path, url: &str) -> Vec<Notice> {
    let records = far_book::records(folder).await;
    let of = |kind: &'static str| records.iter().filter(move |(name, _)| name == kind).map(|(_, body)| body);
    let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
    let made: HashMap<String, &Value> =
        of("paypal.transmission").map(|transmission| (text(transmission, "id"), transmission)).collect();
    let certificate = text(of("authority").next().unwrap(), "leaf_name");
    let sent = of("delivery").filter_map(|delivery| {
        let made = made.get(delivery["transmission"].as_str()?)?;
        let pairs = [
            ("content-type", "application/json".to_owned()),
            ("paypal-transmission-id", text(made, "id")),
            ("paypal-transmission-time", text(made, "time")),
            ("paypal-transmission-sig", text(made, "signature")),
            ("paypal-cert-url", format!("{url}/sandbox/paypal/v1/notifications/certs/{certificate}")),
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            ("paypal-auth-version", "v2".to_owned()),
        ];
        let headers = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Some(Notice { headers, body: text(delivery, "body") })
    });
    sent.collect()
}

/// Announces a body of so many bytes and sends only the first of them; the status it is answered with.
pub async fn slowly(url: &str, path: &str, sent: usize, announced: usize) -> u16 {
    let (address, path) = (url.trim_start_matches("http://").to_owned(), path.to_owned());
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {announced}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![b' '; sent]).unwrap();
        let mut answer = [0; 64];
        let read = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    });
    answer.await.unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}
