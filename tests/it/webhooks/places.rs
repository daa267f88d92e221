//! Where webhooks may go is judged when an address is registered and again at every delivery (failure 64, API7).

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use straits::domain::webhooks::DeliveryState;
use straits::flows::webhooks::{NewEndpoint, Reach, TargetError, WebhookError};
use straits::store::{Change, Store};

use super::receiver::Receiver;
use super::world::{Setup, World};
use crate::engines::TestDatabase;

async fn live(database: &TestDatabase) -> World {
    let reach = Reach { loopback: false, ports: vec![443] };
    World::on(database.open().await, &database.clock, Setup { reach, ..Setup::default() })
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_registered() {
    let database = TestDatabase::sqlite();
    let world = live(&database).await;
    world.names.leads("good.example", &["203.0.114.7 2606:4700::1111"]);
    world.names.leads("meta.example", &["169.254.169.254"]);
    world.names.leads("mixed.example", &["203.0.114.7 10.0.0.1"]);
    world.names.leads("home.example", &["::ffff:127.0.0.1"]);
    for (url, refused) in [
        ("https://good.example/hook", false),
        ("https://not-yet.example/hook", false),
        ("https://meta.example/hook", true),
        ("https://mixed.example/hook", true),
        ("https://home.example/hook", true),
        ("https://10.0.0.1/hook", true),
        ("http://good.example/hook", true),
    ] {
        let new =
            NewEndpoint { id: world.ids.mint(), url: url.into(), description: String::new(), events: vec![] };
        match world.webhooks.create(world.merchant, new, Change::new()).await {
            Ok(_) => assert!(!refused, "{url}"),
            Err(WebhookError::Target(_)) => assert!(refused, "{url}"),
            Err(other) => panic!("{url}: {other}"),
        }
    }
    world.store.close().await;
}

#[tokio::test]
async fn a_name_that_is_bent_after_it_was_registered_leads_nowhere() {
    let database = TestDatabase::sqlite();
    let world = live(&database).await;
    for inside in ["127.0.0.1", "169.254.169.254", "10.0.0.1 203.0.114.7", "::1", "64:ff9b::7f00:1"] {
        let host = format!("r{}.example", inside.len());
        world.names.leads(&host, &["203.0.114.7", inside]);
        let (endpoint, _) = world.listens(&format!("https://{host}/hook"), &[]).await;
        let asked = world.names.asked();
        world.happens("payment.captured").await;
        world.run().await;
        let delivery = world.delivery(endpoint).await;
        let why = delivery.history[0].error.clone().unwrap();
        assert_eq!(why, TargetError::NotPublic(host).to_string());
        assert_eq!(world.names.asked(), asked + 1, "looked up once");
        world.webhooks.delete(world.merchant, endpoint, Change::new()).await.unwrap();
        world.run().await;
    }
    world.store.close().await;
}

/// An address that got into the database by another way is judged all the same.
#[tokio::test]
async fn what_is_stored_is_judged_again() {
    let database = TestDatabase::sqlite();
    let sandbox = World::on(database.open().await, &database.clock, Setup::default());
    let receiver = Receiver::start().await;
    let (endpoint, _) = sandbox.listens(&receiver.url, &[]).await;
    sandbox.happens("payment.captured").await;
    let reach = Reach { loopback: false, ports: vec![443] };
    let strict = Setup { reach, ..Setup::default() };
    let strict = super::world::program(&sandbox.store, &sandbox.clock, &sandbox.names, strict);
    strict.run_due(Duration::from_secs(5)).await.unwrap();
    let delivery = sandbox.delivery(endpoint).await;
    assert_eq!(delivery.history[0].error, Some(TargetError::Scheme.to_string()));
    assert!(receiver.heard().is_empty());
    close(&sandbox.store).await;
}

async fn close(store: &Store) {
    store.close().await;
}

/// The connection goes to the address that was judged, and TLS asks for the name.
#[tokio::test]
async fn the_name_is_looked_up_once_and_its_certificate_must_be_that_names() {
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["hooks.example".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    let server = std::thread::spawn(move || {
        let mut names = vec![];
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut bytes = [0; 8192];
            let read =
                tls.read(&mut bytes).map(|count| String::from_utf8_lossy(&bytes[..count]).into_owned());
            if read.is_ok() {
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
            names.push((connection.server_name().map(str::to_owned), read.ok()));
        }
        names
    });

    let database = TestDatabase::sqlite();
    let reach = Reach { loopback: true, ports: vec![port] };
    let roots = vec![reqwest::Certificate::from_der(root.der()).unwrap()];
    let world = World::on(database.open().await, &database.clock, Setup { reach, roots, ..Setup::default() });
    for host in ["hooks.example", "other.example"] {
        world.names.leads(host, &["127.0.0.1"]);
    }
    let (right, _) = world.listens(&format!("https://hooks.example:{port}/hook"), &[]).await;
    let asked = world.names.asked();
    world.happens("payment.captured").await;
    world.run().await;
    let delivery = world.delivery(right).await;
    assert!(matches!(delivery.state, DeliveryState::Delivered(_)), "{delivery:#?}");
    assert_eq!(world.names.asked(), asked + 1);
    world.webhooks.delete(world.merchant, right, Change::new()).await.unwrap();
    let (wrong, _) = world.listens(&format!("https://other.example:{port}/hook"), &[]).await;
    world.happens("payment.captured").await;
    world.run().await;
    let delivery = world.delivery(wrong).await;
    assert_eq!((delivery.state, delivery.history[0].status), (DeliveryState::Pending, None));
    let seen = server.join().unwrap();
    assert_eq!(seen[0].0.as_deref(), Some("hooks.example"));
    let request = seen[0].1.as_deref().unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post /hook http/1.1\r\n") && request.contains("host: hooks.example"));
    assert_eq!(seen[1].1, None, "nothing was sent to a server whose certificate is another's");
    world.store.close().await;
}
