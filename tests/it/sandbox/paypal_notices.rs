//! PayPal's notices: signature, certificate, postback, retries, the events API.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use rustls::pki_types::{CertificateDer, UnixTime};
use serde_json::{Value, json};
use straits::sandbox::Shopper;
use x509_parser::prelude::{FromDer, Pem, X509Certificate};

use super::paypal_client::{link, text};
use super::stage::{Received, Stage, WEBHOOK};

/// Verifies a transmission as PayPal's documentation says, from nothing but the request and the root.
async fn verify(stage: &Stage, notice: &Received) -> bool {
    let (_, pem) = stage.get(notice.header("paypal-cert-url")).await;
    let chain: Vec<Vec<u8>> =
        Pem::iter_from_buffer(pem.as_bytes()).map(|pem| pem.unwrap().contents).collect();
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    let name = leaf.subject().iter_common_name().next().unwrap().as_str().unwrap().to_owned();
    assert!(name.starts_with("messageverificationcerts") && name.ends_with(".paypal.com"), "{name}");

    let root = CertificateDer::from(stage.sandbox.root_certificate_der().unwrap());
    let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
    let leaf_der = CertificateDer::from(chain[0].clone());
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        stage.clock.wall().timestamp().try_into().unwrap(),
    ));
    webpki::EndEntityCert::try_from(&leaf_der)
        .unwrap()
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &[],
            now,
            webpki::KeyUsage::server_auth(),
            None,
            None,
        )
        .unwrap();

    let checksum = crc32fast::hash(notice.body.as_bytes());
    let (id, time) = (notice.header("paypal-transmission-id"), notice.header("paypal-transmission-time"));
    let message = format!("{id}|{time}|{WEBHOOK}|{checksum}");
    let signature = STANDARD.decode(notice.header("paypal-transmission-sig")).unwrap();
    let key = UnparsedPublicKey::new(
        &RSA_PKCS1_2048_8192_SHA256,
        leaf.public_key().subject_public_key.data.as_ref(),
    );
    key.verify(message.as_bytes(), &signature).is_ok()
}

fn postback(notice: &Received) -> Value {
    json!({
        "auth_algo": notice.header("paypal-auth-algo"),
        "cert_url": notice.header("paypal-cert-url"),
        "transmission_id": notice.header("paypal-transmission-id"),
        "transmission_sig": notice.header("paypal-transmission-sig"),
        "transmission_time": notice.header("paypal-transmission-time"),
        "webhook_id": WEBHOOK,
        "webhook_event": notice.json(),
    })
}

async fn notices(stage: &Stage) -> Vec<Received> {
    stage.sandbox.deliver_due().await.unwrap();
    stage.doors.take().into_iter().filter(|seen| seen.path == "/v1/notifications/paypal").collect()
}

#[tokio::test]
async fn notices_verify_by_certificate_and_by_postback() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (order, capture) = client.paid("pay_1", "USD", "100.00").await;
    client.refund(&capture, "ref_1", Some(("USD", "1.00"))).await;
    let notices = notices(&stage).await;
    let types: Vec<String> = notices.iter().map(|notice| text(&notice.json()["event_type"])).collect();
    let expected = ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED"];
    assert_eq!(types, expected);
    let captured = notices[1].json();
    assert_eq!(captured["resource"]["id"], capture.as_str());
    assert_eq!(captured["resource"]["supplementary_data"]["related_ids"]["order_id"], order.as_str());
    assert_eq!(captured["resource"]["seller_receivable_breakdown"]["paypal_fee"]["value"], "4.90");
    for notice in &notices {
        assert!(verify(&stage, notice).await);
    }
    let mut altered = notices[1].clone();
    altered.body = altered.body.replace("100.00", "900.00");
    assert!(!verify(&stage, &altered).await);

    let path = "/v1/notifications/verify-webhook-signature";
    let ask = async |body: Value| {
        let (status, answer) = client.call("POST", path, Some(body), &[]).await;
        assert_eq!(status, 200, "{answer}");
        text(&answer["verification_status"])
    };
    assert_eq!(ask(postback(&notices[1])).await, "SUCCESS");
    assert_eq!(ask(postback(&altered)).await, "FAILURE");
    for (field, value) in [
        ("transmission_id", "071f7d20-1584-11e7-abf0-6b62a8a99ac4"),
        ("transmission_sig", "AAAA"),
        ("transmission_time", "2020-01-01T00:00:00Z"),
        ("cert_url", "https://example.com/cert.pem"),
        ("auth_algo", "SHA1withRSA"),
    ] {
        let mut body = postback(&notices[1]);
        body[field] = json!(value);
        assert_eq!(ask(body).await, "FAILURE", "{field}");
    }
    // The signature of one event does not carry another.
    let mut body = postback(&notices[1]);
    body["webhook_event"] = notices[0].json();
    assert_eq!(ask(body).await, "FAILURE");
}

#[tokio::test]
async fn a_refused_notice_comes_again_for_three_days_with_the_same_signature() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let (_, page) = client.order("pay_1", "USD", "1.00").await;
    stage.shop(&page, Shopper::Approve).await;
    stage.doors.answer(503);
    let mut seen = notices(&stage).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(notices(&stage).await.len(), 0, "not before its time");
    for _ in 0..80 {
        stage.clock.advance(TimeDelta::hours(1));
        seen.extend(notices(&stage).await);
    }
    assert_eq!(seen.len(), 25);
    let signature = seen[0].header("paypal-transmission-sig").to_owned();
    assert!(seen.iter().all(|notice| notice.header("paypal-transmission-sig") == signature));
    assert!(seen.iter().all(|notice| notice.body == seen[0].body));
}

#[tokio::test]
async fn events_are_listed_and_sent_again_on_request() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    client.paid("pay_1", "USD", "1.00").await;
    notices(&stage).await;
    let path = "/v1/notifications/webhooks-events";
    let (_, list) = client.get(&format!("{path}?event_type=PAYMENT.CAPTURE.COMPLETED")).await;
    assert_eq!(list["count"], 1);
    let event = &list["events"][0];
    let address = link(event, "resend");
    let path = address.split("/sandbox/paypal").nth(1).unwrap();
    assert_eq!(client.call("POST", path, Some(json!({})), &[]).await.0, 202);
    let again = notices(&stage).await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].json(), *event);
    assert!(verify(&stage, &again[0]).await);
}

#[tokio::test]
async fn webhooks_are_registered_listed_and_deleted() {
    let stage = Stage::open().await;
    let client = stage.paypal().await;
    let url = format!("{}/v1/notifications/second", stage.url);
    let body = json!({"url": url, "event_types": [{"name": "PAYMENT.CAPTURE.COMPLETED"}]});
    let (status, made) = client.call("POST", "/v1/notifications/webhooks", Some(body.clone()), &[]).await;
    assert_eq!((status, &made["url"]), (201, &json!(url)));
    assert_eq!(client.call("POST", "/v1/notifications/webhooks", Some(body), &[]).await.0, 400);
    let (_, list) = client.get("/v1/notifications/webhooks").await;
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 2);
    client.paid("pay_1", "USD", "1.00").await;
    stage.sandbox.deliver_due().await.unwrap();
    let second: Vec<Received> =
        stage.doors.take().into_iter().filter(|seen| seen.path == "/v1/notifications/second").collect();
    assert_eq!(second.len(), 1);
    let path = format!("/v1/notifications/webhooks/{}", text(&made["id"]));
    assert_eq!(client.call("DELETE", &path, None, &[]).await.0, 204);
    assert_eq!(client.get(&path).await.0, 404);
}

/// The published transmissions of PayPal's SDKs; their files are not part of this repository.
#[test]
fn checksums_as_published() {
    let Ok(folder) = std::env::var("STRAITS_REFERENCE_DIR") else {
        eprintln!("skipped: STRAITS_REFERENCE_DIR does not name the published vectors");
        return;
    };
    for (file, checksum) in
        [("paypal_webhook_body.json", 3_494_065_244), ("paypal_event_2015.json", 2_771_810_304)]
    {
        let path = format!("{folder}/gateways/vectors/{file}");
        assert_eq!(crc32fast::hash(&std::fs::read(path).unwrap()), checksum, "{file}");
    }
}
