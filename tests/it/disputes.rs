//! Disputes by their routes: the far side's payer complains, its notices come in, we answer, somebody decides.

use serde_json::{Value, json};

use crate::app::TestApp;

/// The running program, and what a shop and its office ask of it.
struct Office(TestApp);

impl Office {
    async fn paid(&self, order: &str) -> String {
        let id = self.0.pay("paypal", order).await["id"].as_str().unwrap().to_owned();
        self.approve(&id).await;
        id
    }

    async fn approve(&self, id: &str) {
        let path = format!("/v1/sandbox/payments/{id}");
        let answer = self.0.post("storefront", &path, &json!({"shopper": "approve"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn scenario(&self, name: &str, body: Value) {
        let answer = self.0.post("finance", &format!("/v1/sandbox/scenarios/{name}"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.advance("1s").await;
    }

    /// Notices that are due by then have been heard when it answers.
    async fn advance(&self, by: &str) {
        self.0.advance(by).await;
    }

    async fn payment(&self, id: &str) -> Value {
        self.0.get("storefront", &format!("/v1/payments/{id}")).await.json()
    }

    async fn dispute(&self, payment: &str) -> Value {
        let payment = self.payment(payment).await;
        assert_eq!(payment["disputes"].as_array().unwrap().len(), 1, "{payment:#}");
        payment["disputes"][0].clone()
    }

    /// Two persons decide of the reversal that waits.
    async fn decide(&self, name: &str, action: &str, passes: bool) {
        let found = self.0.get("finance", "/v1/findings?limit=100").await.json();
        let waits = found["data"].as_array().unwrap().iter();
        let mut waits = waits.filter(|one| one["kind"] == "reversed" && one["state"] != "resolved");
        let waits = waits.next().unwrap_or_else(|| panic!("no reversal waits: {found:#}"));
        let path = format!("/v1/findings/{}/resolve", waits["id"].as_str().unwrap());
        let word = json!({"action": action, "reason": "as agreed"});
        let mut said = vec![];
        for user in ["maker", "checker"] {
            let answer = self.0.post_once(user, &path, &format!("{name}-{action}-{user}"), &word).await;
            said.push(if answer.status == 200 { "done".to_owned() } else { answer.code() });
        }
        let expected = if passes { "done" } else { "action_not_applicable" };
        assert_eq!(said, [expected; 2], "{name}: {action}");
    }

    async fn verified(&self) {
        let verified = self.0.get("finance", "/v1/ledger/verify").await.json();
        assert_eq!(verified["ok"], true, "{verified:#}");
    }
}

fn sgd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "SGD"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_is_answered_and_won() {
    let office = Office(TestApp::start().await);
    let app = &office.0;
    let id = office.paid("order-1").await;
    let balances = format!("/v1/suppliers/{}/balances", app.supplier("TH"));
    let before = app.get("finance", &balances).await.json();
    office.scenario("dispute_opened", json!({"payment": id})).await;
    let payment = office.payment(&id).await;
    assert_eq!((&payment["state"], &payment["disputed"]), (&json!("captured"), &json!(true)));
    let dispute = payment["disputes"][0].clone();
    assert_eq!((&dispute["state"], &dispute["held"]), (&json!("needs_response"), &sgd("100.00")));
    assert_eq!((&dispute["taken"], &dispute["fee"]), (&sgd("0.00"), &sgd("0.00")));
    assert!(dispute["deadline"].is_string(), "{dispute:#}");
    let held = app.get("finance", &balances).await.json();
    assert_ne!(held, before, "the supplier sees what is held");
    office.verified().await;

    // Lists and who may see.
    let path = format!("/v1/disputes/{}", dispute["id"].as_str().unwrap());
    for (filter, found) in [("state=open", 1), ("state=won", 0), (&format!("payment={id}")[..], 1)] {
        let page = app.get("finance", &format!("/v1/disputes?{filter}")).await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{filter}");
    }
    assert_eq!(app.get("finance", "/v1/disputes?state=disputed").await.code(), "invalid_parameter");
    assert_eq!(app.get("other.finance", &path).await.status, 404);
    let accept = format!("{path}/accept");
    assert_eq!(app.post_once("storefront", &accept, "k0", &json!({})).await.status, 403);
    assert_eq!(app.post_once("other.finance", &accept, "k0", &json!({})).await.status, 404);

    // Evidence, once.
    let evidence = format!("{path}/evidence");
    let proof = json!({"type": "PROOF_OF_FULFILLMENT", "notes": "signed for", "tracking": [{"carrier": "DHL", "number": "JD1"}]});
    assert_eq!(app.post("finance", &evidence, &proof).await.code(), "idempotency_key_required");
    let bad = app
        .post_once("finance", &evidence, "k1", &json!({"tracking": [{"carrier": "dhl", "number": "1"}]}))
        .await;
    assert_eq!((bad.code().as_str(), bad.json()["param"].as_str()), ("invalid_body", Some("tracking[0]")));
    let given = app.post_once("finance", &evidence, "k2", &proof).await;
    assert_eq!(given.status, 200, "{}", given.text);
    let given = given.json();
    assert_eq!((&given["state"], &given["answers"][0]["outcome"]), (&json!("under_review"), &json!("done")));
    let again = app.post_once("finance", &evidence, "k2", &proof).await;
    assert_eq!((again.header("idempotent-replayed"), again.json()), ("true", given));
    assert_eq!(app.post_once("finance", &evidence, "k3", &proof).await.code(), "wrong_state");

    office.scenario("dispute_won", json!({"payment": id})).await;
    let payment = office.payment(&id).await;
    assert_eq!((&payment["disputed"], &payment["disputes"][0]["state"]), (&json!(false), &json!("won")));
    assert_eq!(payment["disputes"][0]["held"], Value::Null);
    assert_eq!(app.get("finance", &balances).await.json(), before);
    office.verified().await;
    assert_eq!(app.post_once("finance", &accept, "k4", &json!({})).await.code(), "wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chargeback_is_on_the_suppliers_statement_and_own_money_fills_the_hole() {
    let office = Office(TestApp::start().await);
    let app = &office.0;
    let id = office.paid("order-1").await;
    office.scenario("chargeback_fee", json!({"payment": id})).await;
    let dispute = office.dispute(&id).await;
    assert_eq!((&dispute["stage"], &dispute["taken"]), (&json!("CHARGEBACK"), &sgd("100.00")));
    assert_eq!(dispute["fee"], sgd("20.00"));
    let statement = format!("/v1/suppliers/{}/statements?from=2026-01-01&to=2030-12-31", app.supplier("TH"));
    let lines = app.get("finance", &statement).await.json();
    let said: Vec<&str> =
        lines["entries"].as_array().unwrap().iter().map(|line| line["narrative"].as_str().unwrap()).collect();
    assert_eq!(said.last(), Some(&"Charged back in a dispute"), "{said:?}");
    assert_eq!(lines["closing"]["amount"], "0.00");
    let check = app.get("finance", "/v1/ledger/client-money").await.json();
    let row = check["currencies"].as_array().unwrap().iter().find(|row| row["currency"] == "SGD").unwrap();
    assert_eq!((&check["covered"], &row["covered"]), (&json!(false), &json!(false)));
    // The gateway keeps 4.90 of the sale and charges 20.00: nobody else's money may pay for that.
    assert_eq!((&row["top_up"], &row["held"]), (&sgd("24.90"), &sgd("-24.90")));
    let more = json!({"amount": {"amount": "0.01", "currency": "SGD"}});
    let refund = app.post_once("storefront", &format!("/v1/payments/{id}/refunds"), "r1", &more).await;
    assert_eq!(refund.code(), "refund_exceeds_captured");
    office.verified().await;
    office.scenario("dispute_won", json!({"payment": id})).await;
    let dispute = office.dispute(&id).await;
    assert_eq!(
        (&dispute["state"], &dispute["taken"], &dispute["fee"]),
        (&json!("won"), &sgd("0.00"), &sgd("20.00"))
    );
    office.verified().await;
    // A day later the check has run. The share was converted into baht that nobody has bought yet: the finding names what
    // is missing, and the position beside it says why.
    office.advance("1d").await;
    let findings = app.get("finance", "/v1/findings?limit=100").await.json();
    let short = findings["data"].as_array().unwrap().iter().find(|found| found["fact"] == "THB").unwrap();
    assert_eq!(short["kind"], "client_money_short");
    let check = app.get("finance", "/v1/ledger/client-money").await.json();
    let row = check["currencies"].as_array().unwrap().iter().find(|row| row["currency"] == "THB").unwrap();
    assert_eq!(row["top_up"], short["amount"]);
    assert!(row["position"]["amount"].as_str().unwrap().starts_with('-'), "short in baht: {row:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_is_lost_and_what_nobody_tells_is_asked() {
    let office = Office(TestApp::start().await);
    let app = &office.0;
    // Struck with the capture; its notices never come, nor do those about the dispute.
    office.scenario("lost_callback", json!({"next": 1})).await;
    office.scenario("dispute_opened", json!({"next": 1})).await;
    let quiet = office.paid("order-1").await;
    office.advance("20m").await;
    assert_eq!(office.dispute(&quiet).await["state"], "needs_response");
    office.advance("8d").await;
    let findings = app.get("finance", "/v1/findings?limit=100").await.json();
    let near = findings["data"].as_array().unwrap().iter().find(|found| found["kind"] == "dispute_deadline");
    assert_eq!(near.map(|found| &found["payment"]), Some(&json!(quiet)), "{findings:#}");
    office.advance("3d").await;
    // Decided at the far side by then; its notice is lost too, and the next round of questions finds out.
    office.advance("20m").await;
    let lost = office.dispute(&quiet).await;
    assert_eq!(
        (&lost["state"], &lost["taken"], &lost["held"]),
        (&json!("lost"), &sgd("100.00"), &Value::Null)
    );
    office.verified().await;

    let accepted = office.paid("order-2").await;
    office.scenario("dispute_opened", json!({"payment": accepted})).await;
    let path = format!("/v1/disputes/{}/accept", office.dispute(&accepted).await["id"].as_str().unwrap());
    // The gateway does it and its answer is lost: asked about, not repeated.
    office.scenario("timeout_after_success", json!({"payment": accepted})).await;
    let answer = app.post_once("finance", &path, "k1", &json!({"note": "the parcel was lost"})).await;
    assert_eq!(answer.json()["answers"][0]["outcome"], "unknown", "{}", answer.text);
    assert_eq!((&answer.json()["state"], &answer.json()["taken"]), (&json!("accepted"), &sgd("100.00")));
    office.advance("15m").await;
    let shown = app.get("finance", path.trim_end_matches("/accept")).await.json();
    assert_eq!(shown["answers"][0]["outcome"], "done");

    let paid = office.paid("order-3").await;
    office.scenario("dispute_paid_by_gateway", json!({"payment": paid})).await;
    let dispute = office.dispute(&paid).await;
    assert_eq!((&dispute["state"], &dispute["taken"]), (&json!("paid_by_gateway"), &sgd("0.00")));
    office.verified().await;
}

/// A bill names a dispute's movements by names of its own: they are the ones that the dispute told, and are booked once.
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_tells_of_a_dispute_books_nothing_of_it_again() {
    let office = Office(TestApp::start().await);
    let app = &office.0;
    let (won, lost) = (office.paid("order-1").await, office.paid("order-2").await);
    for (scenario, id) in
        [("chargeback_fee", &won), ("dispute_won", &won), ("dispute_opened", &lost), ("dispute_lost", &lost)]
    {
        office.scenario(scenario, json!({"payment": id})).await;
    }
    // Long enough that what no bill named would be missed.
    for _ in 0..7 {
        office.advance("1d").await;
    }
    let runs = app.get("finance", "/v1/reconciliations?limit=100").await.json();
    let read = runs["data"].as_array().unwrap().iter().filter(|run| run["matched"].as_i64() > Some(4));
    assert!(read.count() > 0, "a bill with all of it was read: {runs:#}");
    let findings = app.get("finance", "/v1/findings?limit=100").await.json();
    let kinds = findings["data"].as_array().unwrap().iter().map(|found| found["kind"].as_str().unwrap());
    let kinds: Vec<&str> = kinds.filter(|kind| *kind != "client_money_short").collect();
    assert_eq!(kinds, [""; 0], "{findings:#}");
    office.verified().await;
}

/// A refund that is on its way leaves nothing to charge: the chargeback stands aside, two persons bear it, and what the
/// won dispute then gives back stands aside again until they decide of that too. It cannot be waved away.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_after_persons_bore_the_loss_is_decided_of_again() {
    let office = Office(TestApp::start().await);
    let app = &office.0;
    let id = office.paid("order-1").await;
    office.scenario("insufficient_balance", json!({"payment": id})).await;
    let whole = json!({"amount": sgd("100.00"), "reason": "returned"});
    let refund = app.post_once("storefront", &format!("/v1/payments/{id}/refunds"), "r1", &whole).await;
    assert!(matches!(refund.status, 200..=202), "{}", refund.text);
    office.scenario("chargeback_fee", json!({"payment": id})).await;
    office.decide("chargeback", "dismiss", false).await;
    office.decide("chargeback", "adopt", true).await;
    office.verified().await;
    office.scenario("dispute_won", json!({"payment": id})).await;
    office.verified().await;
    office.decide("won", "dismiss", false).await;
    office.verified().await;
    office.decide("won", "adopt", true).await;
    assert_eq!(app.get("finance", "/v1/findings?state=open").await.json()["data"], json!([]));
    let suspense = app.get("finance", "/v1/ledger/suspense").await.json();
    assert_eq!(suspense["accounts"], json!([]), "{suspense:#}");
    office.verified().await;
}
