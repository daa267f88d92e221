//! Where a signing certificate may come from, and the cache it is kept in.
//!
//! The address stands in a header that anyone can write, so nothing is fetched before it names one of PayPal's hosts,
//! over https, under the path of the certificates. One fetch at a time; an unknown address is fetched at most once a
//! minute, so that forged notices cannot turn us into a hammer.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::{CertificateDer, TrustAnchor};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;
use url::Url;

use super::sign;
use crate::clock::Clock;
use crate::crash;
use crate::gateways::transport::{Broken, Transport};
use crate::gateways::{BuildError, Context, NotificationError, Trust, is_loopback};

const FOLDER: &str = "/v1/notifications/certs/";
const LIVE_HOSTS: &[&str] = &["api.paypal.com", "api-m.paypal.com"];
const SANDBOX_HOSTS: &[&str] = &["api.sandbox.paypal.com", "api-m.sandbox.paypal.com"];
const UNKNOWN_PAUSE: TimeDelta = TimeDelta::seconds(60);
/// So long an address that held nothing of PayPal's is not looked at again; one fetch a minute fills half of the room.
const REFUSED_FOR: TimeDelta = TimeDelta::hours(1);
const REFUSED_KEPT: usize = 128;
/// PayPal uses a handful; more is somebody filling our memory.
const KEPT: usize = 16;
const LARGEST: usize = 64 * 1024;

/// The roots of Mozilla's list that DigiCert, PayPal's issuer, signs TLS certificates under.
const ISSUER_ROOTS: &[&str] = &[
    "DigiCert Global Root G2",
    "DigiCert Global Root G3",
    "DigiCert TLS RSA4096 Root G5",
    "DigiCert TLS ECC P384 Root G5",
];

/// The certificates this account's notices may be signed under.
#[derive(Debug)]
pub(super) struct Certificates {
    http: Transport,
    clock: Clock,
    sources: Sources,
    anchors: Vec<TrustAnchor<'static>>,
    kept: Mutex<Kept>,
    /// When the first certificate of those kept ends; readable while one is fetched.
    expiry: RwLock<Option<DateTime<Utc>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sources {
    Hosts(&'static [&'static str]),
    /// Our own far side: loopback, plain http, wherever it is mounted.
    Loopback,
}

#[derive(Debug, Default)]
struct Kept {
    chains: HashMap<String, Arc<[CertificateDer<'static>]>>,
    fetched_at: Option<DateTime<Utc>>,
    /// Addresses that hold no certificate of PayPal's, and when that was found.
    refused: HashMap<String, DateTime<Utc>>,
}

impl Kept {
    /// Whether an address was found to be nobody's, not long ago.
    fn refuses(&self, address: &str, now: DateTime<Utc>) -> bool {
        self.refused.get(address).is_some_and(|at| now < *at + REFUSED_FOR)
    }

    fn refuse(&mut self, address: &str, now: DateTime<Utc>) {
        if self.refused.len() >= REFUSED_KEPT {
            self.refused.retain(|_, at| now < *at + REFUSED_FOR);
        }
        if self.refused.len() < REFUSED_KEPT {
            self.refused.insert(address.to_owned(), now);
        }
    }
}

impl Certificates {
    pub fn new(context: &Context, wrong: impl Fn(&str) -> BuildError) -> Result<Certificates, BuildError> {
        let (sources, anchors) = match &context.trust {
            Trust::Live => (Sources::Hosts(LIVE_HOSTS), issuer_roots()),
            Trust::GatewaySandbox => (Sources::Hosts(SANDBOX_HOSTS), issuer_roots()),
            Trust::StraitsSandbox { root_der } => {
                let root = CertificateDer::from(root_der.as_slice());
                let anchor = webpki::anchor_from_trusted_cert(&root)
                    .map_err(|error| wrong(&format!("does not hold: the sandbox's root: {error}")))?;
                (Sources::Loopback, vec![anchor.to_owned()])
            }
        };
        let (http, clock) = (context.http.clone(), context.clock.clone());
        Ok(Certificates { http, clock, sources, anchors, kept: Mutex::default(), expiry: RwLock::default() })
    }

    /// When the first certificate of those kept ends.
    pub fn expiry(&self) -> Option<DateTime<Utc>> {
        *self.expiry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a certificate may be fetched from this address at all.
    pub fn admits(&self, address: &str) -> bool {
        self.sources.admit(address)
    }

    /// The chain at `address`, whose leaf is PayPal's and chains to a pinned root at that time.
    pub async fn chain(
        &self,
        address: &str,
        at: DateTime<Utc>,
    ) -> Result<Arc<[CertificateDer<'static>]>, NotificationError> {
        if !self.admits(address) {
            return Err(NotificationError::Forged("the certificate's address is not PayPal's".into()));
        }
        let chain = self.kept_or_fetched(address, at).await?;
        sign::verify_chain(&chain, &self.anchors, at).map_err(NotificationError::Forged)?;
        Ok(chain)
    }

    /// The lock is held over the fetch: one at a time, and those who waited find it kept.
    async fn kept_or_fetched(
        &self,
        address: &str,
        at: DateTime<Utc>,
    ) -> Result<Arc<[CertificateDer<'static>]>, NotificationError> {
        let mut kept = crash::lock(&self.kept).await;
        if let Some(chain) = kept.chains.get(address) {
            return Ok(chain.clone());
        }
        let now = self.clock.wall();
        if kept.refuses(address, now) {
            return Err(NotificationError::Forged(
                "there was no certificate of PayPal's at its address".into(),
            ));
        }
        if kept.fetched_at.is_some_and(|last| now < last + UNKNOWN_PAUSE) {
            return Err(NotificationError::Unavailable(
                "an unknown certificate was asked for within the minute".into(),
            ));
        }
        kept.fetched_at = Some(now);
        // Only what holds is kept, so that nobody fills the cache with strangers; what does not is remembered too, so that
        // it is not fetched again in the place of one that may.
        let chain = match self.fetch_chain(address).await {
            Ok(chain) => chain,
            Err(refusal) => {
                if matches!(refusal, NotificationError::Forged(_)) {
                    kept.refuse(address, now);
                }
                return Err(refusal);
            }
        };
        if let Err(why) = sign::verify_chain(&chain, &self.anchors, at) {
            // It may hold today and not have held at the time the sender claims.
            if sign::verify_chain(&chain, &self.anchors, now).is_err() {
                kept.refuse(address, now);
            }
            return Err(NotificationError::Forged(why));
        }
        if kept.chains.len() >= KEPT {
            kept.chains.clear();
        }
        kept.chains.insert(address.to_owned(), chain.clone());
        let leaves = kept.chains.values().filter_map(|chain| chain.first());
        let first = leaves.filter_map(sign::not_after).min();
        *self.expiry.write().unwrap_or_else(PoisonError::into_inner) = first;
        Ok(chain)
    }

    async fn fetch_chain(&self, address: &str) -> Result<Arc<[CertificateDer<'static>]>, NotificationError> {
        let pem = self.fetch(address).await?;
        Ok(sign::read_chain(&pem).map_err(NotificationError::Forged)?.into())
    }

    /// PayPal's host knows its own certificates: one that it does not have was never PayPal's.
    async fn fetch(&self, address: &str) -> Result<Vec<u8>, NotificationError> {
        let failed = |broken: Broken| NotificationError::Unavailable(broken.to_string());
        let request = self.http.request(reqwest::Method::GET, address);
        let response = self.http.send(request).await.map_err(failed)?;
        match response.status() {
            200 => {}
            404 | 410 => return Err(NotificationError::Forged("there is no such certificate".into())),
            other => {
                let why = format!("the certificate's host answered HTTP {other}");
                return Err(NotificationError::Unavailable(why));
            }
        }
        let pem = response.body(LARGEST).await.map_err(failed)?;
        pem.ok_or_else(|| NotificationError::Forged("the certificate is larger than 64 KiB".into()))
    }
}

impl Sources {
    fn admit(self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        // Written otherwise than it is read (`\`, `..`, escapes, a user, a default port): not PayPal's hand.
        let plain = url.as_str() == address
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        plain
            && match self {
                Sources::Hosts(hosts) => {
                    url.scheme() == "https"
                        && url.port().is_none()
                        && url.host_str().is_some_and(|host| hosts.contains(&host))
                        && url.path().starts_with(FOLDER)
                }
                Sources::Loopback => {
                    matches!(url.scheme(), "http" | "https")
                        && is_loopback(&url)
                        && url.path().contains(FOLDER)
                }
            }
    }
}

fn issuer_roots() -> Vec<TrustAnchor<'static>> {
    let named = |anchor: &&TrustAnchor<'static>| {
        let holds = |name: &str| anchor.subject.windows(name.len()).any(|window| window == name.as_bytes());
        ISSUER_ROOTS.iter().any(|name| holds(name))
    };
    webpki_roots::TLS_SERVER_ROOTS.iter().filter(named).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paypals_own_addresses_are_fetched() {
        let live = Sources::Hosts(LIVE_HOSTS);
        assert!(live.admit("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77"));
        assert!(live.admit("https://api-m.paypal.com/v1/notifications/certs/CERT-1"));
        for address in [
            "http://api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            "https://evil.example#@api.paypal.com/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
            "https://api.paypal.com/v1/notifications/certs/../../oauth2/redirect",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e/x",
            "https://api.paypal.com/v1/notifications/certs/CERT-1?next=x",
            "https://api.paypal.com/elsewhere/v1/notifications/certs/CERT-1",
            "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
            "https://169.254.169.254/v1/notifications/certs/CERT-1",
            "http://127.0.0.1/v1/notifications/certs/CERT-1",
            "file:///v1/notifications/certs/CERT-1",
            "",
        ] {
            assert!(!live.admit(address), "{address}");
        }
    }

    #[test]
    fn our_own_sandbox_is_loopback_and_nothing_else() {
        let sandbox = Sources::Loopback;
        assert!(sandbox.admit("http://127.0.0.1:8080/sandbox/paypal/v1/notifications/certs/CERT-1"));
        assert!(sandbox.admit("http://localhost:8080/sandbox/paypal/v1/notifications/certs/CERT-1"));
        for address in [
            "https://api.paypal.com/v1/notifications/certs/CERT-1",
            "http://10.0.0.1/v1/notifications/certs/CERT-1",
            "http://127.0.0.1:8080/other",
            "http://0x7f000001/v1/notifications/certs/CERT-1",
        ] {
            assert!(!sandbox.admit(address), "{address}");
        }
    }

    #[test]
    fn every_pinned_root_is_in_the_list() {
        assert_eq!(issuer_roots().len(), ISSUER_ROOTS.len());
    }
}
