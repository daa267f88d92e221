//! Who may keep an answer, for how long, and what it depends on.
//!
//! An answer to a key belongs to that key's merchant: `Vary` always names `Authorization`, so that a shared cache never
//! gives one shop's answer to another. It is `public` only where the address says everything else: the key is one that
//! browsers carry anyway, and currency and country stand in the URL. What was read off the request instead, the
//! caller's address or the edge's country, makes it `private`; `Vary` then names the headers that were really read,
//! which is none where the peer is no trusted proxy.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA256, digest};

use super::problem::{Answer, Problem};
use super::service::Service;
use super::wire;

/// The longest a shared cache keeps a price.
const PUBLIC: Duration = Duration::from_secs(300);
/// The longest a browser keeps one that hangs on who asks.
const PRIVATE: Duration = Duration::from_secs(60);

/// What an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependence {
    /// The key it was given to; `None`: everything stands in the URL.
    pub key: Option<KeyUse>,
    /// Whether the URL names the currency.
    pub currency_given: bool,
    /// Whether the URL names the country.
    pub country_given: bool,
    /// Whether the URL names a locale we know.
    pub locale_given: bool,
}

/// Which kind of key asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// One that browsers carry.
    Publishable,
    /// A server's.
    Secret,
}

impl Dependence {
    fn is_public(self) -> bool {
        self.key != Some(KeyUse::Secret) && self.currency_given && self.country_given
    }

    /// The headers that were read; `proxies`: those in which the peer's word about the client counts.
    fn vary(self, proxies: &[&str]) -> String {
        let read = [
            (self.key.is_some(), "Authorization"),
            (self.key.is_some(), "Origin"),
            (!self.locale_given || !self.country_given, "Accept-Language"),
        ];
        let read = read.into_iter().filter(|(was, _)| *was).map(|(_, name)| name);
        let proxies = proxies.iter().copied().filter(|_| !self.country_given);
        let names: Vec<&str> = read.chain(proxies).collect();
        names.join(", ")
    }

    fn control(self, fresh_for: Duration) -> String {
        let (who, longest) = if self.is_public() { ("public", PUBLIC) } else { ("private", PRIVATE) };
        format!("{who}, max-age={}", fresh_for.min(longest).as_secs())
    }
}

/// An answer that may be kept for `fresh_for` at most: with a validator, and 304 where the caller has it already.
///
/// # Errors
/// `internal` where a header cannot be written.
pub fn kept(
    service: &Service,
    request: &HttpRequest,
    kind: &'static str,
    body: Vec<u8>,
    dependence: Dependence,
    fresh_for: Duration,
) -> Answer {
    let tag = Tag::Exact(wire::hex(&digest(&SHA256, &body).as_ref()[..16]));
    kept_as(service, request, kind, body, tag, dependence, fresh_for)
}

/// What an answer is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// Equal tags are equal bytes.
    Exact(String),
    /// Equal tags say the same; an age in it may have grown.
    Weak(String),
}

/// The same with a tag of the caller's.
///
/// # Errors
/// As [`kept`].
pub fn kept_as(
    service: &Service,
    request: &HttpRequest,
    kind: &'static str,
    body: Vec<u8>,
    tag: Tag,
    dependence: Dependence,
    fresh_for: Duration,
) -> Answer {
    let proxies = request.peer_addr().map(|peer| service.proxies.headers_read(peer.ip())).unwrap_or_default();
    let (weak, tag) = match tag {
        Tag::Exact(tag) => ("", format!("\"{tag}\"")),
        Tag::Weak(tag) => ("W/", format!("\"{tag}\"")),
    };
    let known = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(str::trim);
    let unchanged =
        known.map(|one| one.strip_prefix("W/").unwrap_or(one)).any(|one| one == tag || one == "*");
    let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut answer = HttpResponse::build(status);
    for (name, text) in [
        (CACHE_CONTROL, dependence.control(fresh_for)),
        (VARY, dependence.vary(&proxies)),
        (ETAG, weak.to_owned() + &tag),
    ] {
        if !text.is_empty() {
            answer.insert_header((name, HeaderValue::from_str(&text).map_err(Problem::internal)?));
        }
    }
    Ok(match unchanged {
        true => answer.finish(),
        false => answer.insert_header((CONTENT_TYPE, HeaderValue::from_static(kind))).body(body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_public_only_where_the_address_says_everything() {
        let full = Dependence {
            key: Some(KeyUse::Publishable),
            currency_given: true,
            country_given: true,
            locale_given: true,
        };
        let hour = Duration::from_secs(3_600);
        for (dependence, control, vary) in [
            (full, "public, max-age=300", "Authorization, Origin"),
            (
                Dependence { locale_given: false, ..full },
                "public, max-age=300",
                "Authorization, Origin, Accept-Language",
            ),
            (
                Dependence { key: Some(KeyUse::Secret), ..full },
                "private, max-age=60",
                "Authorization, Origin",
            ),
            (Dependence { currency_given: false, ..full }, "private, max-age=60", "Authorization, Origin"),
            (
                Dependence { country_given: false, ..full },
                "private, max-age=60",
                "Authorization, Origin, Accept-Language, forwarded, cf-ipcountry",
            ),
            (Dependence { key: None, ..full }, "public, max-age=300", ""),
        ] {
            assert_eq!(
                (dependence.control(hour).as_str(), dependence.vary(&["forwarded", "cf-ipcountry"]).as_str()),
                (control, vary)
            );
        }
        let geo = Dependence { country_given: false, ..full };
        assert_eq!(
            geo.vary(&[]),
            "Authorization, Origin, Accept-Language",
            "no header of an untrusted peer is read"
        );
        assert_eq!(full.control(Duration::from_millis(41_900)), "public, max-age=41");
    }
}
