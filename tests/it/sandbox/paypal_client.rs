//! A small client of PayPal, written from its documentation.

use serde_json::{Value, json};
use straits::sandbox::Shopper;

use super::stage::Stage;

/// A client of PayPal's REST API.
pub struct PayPalClient<'a> {
    pub stage: &'a Stage,
    pub token: String,
}

impl PayPalClient<'_> {
    /// One call; the answer's status and JSON (null when empty). `Err` when the connection broke.
    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Result<(u16, Value), reqwest::Error> {
        let address = format!("{}/sandbox/paypal{path}", self.stage.url);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = self.stage.http.request(method, address).bearer_auth(&self.token);
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await?;
        let status = answer.status().as_u16();
        assert!(answer.headers().contains_key("paypal-debug-id"));
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        self.try_call(method, path, body, headers).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, None, &[]).await
    }

    /// A file.
    pub async fn get_text(&self, path: &str) -> (u16, String) {
        let address = format!("{}/sandbox/paypal{path}", self.stage.url);
        let answer = self.stage.http.get(address).bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// An order of one unit with our reference; its id and page.
    pub async fn order(&self, reference: &str, code: &str, value: &str) -> (String, String) {
        let body = order_body(&self.stage.url, reference, code, value);
        let headers = [("PayPal-Request-Id", reference)];
        let (status, order) = self.call("POST", "/v2/checkout/orders", Some(body), &headers).await;
        assert_eq!((status, &order["status"]), (201, &json!("PAYER_ACTION_REQUIRED")), "{order}");
        (text(&order["id"]), link(&order, "payer-action"))
    }

    pub async fn capture(&self, order: &str) -> (u16, Value) {
        let headers = [("Prefer", "return=representation"), ("PayPal-Request-Id", order)];
        self.call("POST", &format!("/v2/checkout/orders/{order}/capture"), Some(json!({})), &headers).await
    }

    /// Ordered, approved, captured: the order's and the capture's id.
    pub async fn paid(&self, reference: &str, code: &str, value: &str) -> (String, String) {
        let (order, page) = self.order(reference, code, value).await;
        self.stage.shop(&page, Shopper::Approve).await;
        let (status, captured) = self.capture(&order).await;
        assert_eq!(status, 201, "{captured}");
        (order, text(&captured["purchase_units"][0]["payments"]["captures"][0]["id"]))
    }

    pub async fn refund(&self, capture: &str, key: &str, amount: Option<(&str, &str)>) -> (u16, Value) {
        let body = match amount {
            Some((code, value)) => json!({"amount": {"currency_code": code, "value": value}}),
            None => json!({}),
        };
        let headers = [("Prefer", "return=representation"), ("PayPal-Request-Id", key)];
        self.call("POST", &format!("/v2/payments/captures/{capture}/refund"), Some(body), &headers).await
    }
}

pub fn order_body(url: &str, reference: &str, code: &str, value: &str) -> Value {
    json!({
        "intent": "CAPTURE",
        "purchase_units": [{"custom_id": reference, "invoice_id": reference, "description": "Two <lamps>",
                            "amount": {"currency_code": code, "value": value}}],
        "payment_source": {"paypal": {"experience_context": {
            "return_url": format!("{url}/v1/returns/paypal"),
            "cancel_url": format!("{url}/v1/returns/paypal?cancelled=1")}}},
    })
}

pub fn link(resource: &Value, rel: &str) -> String {
    let links = resource["links"].as_array().expect("links");
    text(&links.iter().find(|link| link["rel"] == rel).expect(rel)["href"])
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub fn issue(answer: &Value) -> &str {
    answer["details"][0]["issue"].as_str().unwrap_or_default()
}
