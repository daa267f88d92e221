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
use siphasher::sip128::SipHasher13;

use super::line::Line;
use super::service::Service;

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
    fn vary(self, proxies: &[&str]) -> Option<HeaderValue> {
        let own = match (self.key.is_some(), !self.locale_given || !self.country_given) {
            (true, true) => "Authorization, Origin, Accept-Language",
            (true, false) => "Authorization, Origin",
            (false, true) => "Accept-Language",
            (false, false) => "",
        };
        match proxies {
            [] if own.is_empty() => None,
            [] => Some(HeaderValue::from_static(own)),
            _ => {
                let read = [own].into_iter().chain(proxies.iter().copied()).filter(|name| !name.is_empty());
                let read = HeaderValue::try_from(read.collect::<Vec<_>>().join(", "));
                // A name that is none could hide the others: then no cache keeps it.
                Some(read.unwrap_or(HeaderValue::from_static("*")))
            }
        }
    }

    fn control(self, fresh_for: Duration) -> HeaderValue {
        let (who, longest) = match self.is_public() {
            true => ("public, max-age=", PUBLIC),
            false => ("private, max-age=", PRIVATE),
        };
        Line::new(who).number(fresh_for.min(longest).as_secs()).header()
    }
}

/// What an answer is compared by, as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Tag(Line);

impl Tag {
    /// Other bytes have another tag, by all odds.
    pub fn exact(body: &[u8]) -> Tag {
        Tag::of("\"", body)
    }

    /// Equal tags say the same; an age in it may have grown.
    pub fn weak(said: &[u8]) -> Tag {
        Tag::of("W/\"", said)
    }

    /// A tag tells answers of one address apart and proves nothing: of 128 bits, and the same on every server.
    fn of(opening: &str, said: &[u8]) -> Tag {
        let hash = SipHasher13::new().hash(said).as_u128();
        let digits: [u8; 32] =
            std::array::from_fn(|place| b"0123456789abcdef"[(hash >> (124 - 4 * place)) as usize & 15]);
        Tag(Line::new(opening).text(&digits).text(b"\""))
    }

    /// Whether the caller has the answer already.
    fn is_known(&self, request: &HttpRequest) -> bool {
        fn strong(tag: &[u8]) -> &[u8] {
            tag.strip_prefix(b"W/").unwrap_or(tag)
        }
        let own = strong(self.0.as_bytes());
        let known = request
            .headers()
            .get_all(IF_NONE_MATCH)
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        known.map(|one| strong(one.trim_ascii())).any(|one| one == own || one == b"*")
    }
}

/// An answer that may be kept for `fresh_for` at most: with a validator, and 304 where the caller has it already.
pub fn kept(
    service: &Service,
    request: &HttpRequest,
    kind: &'static str,
    body: Vec<u8>,
    tag: Tag,
    dependence: Dependence,
    fresh_for: Duration,
) -> HttpResponse {
    let peer = request.peer_addr().filter(|_| !dependence.country_given);
    let proxies = peer.map(|peer| service.proxies.headers_read(peer.ip())).unwrap_or_default();
    let unchanged = tag.is_known(request);
    let mut answer = HttpResponse::build(if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    answer.insert_header((CACHE_CONTROL, dependence.control(fresh_for)));
    answer.insert_header((ETAG, tag.0.header()));
    if let Some(read) = dependence.vary(&proxies) {
        answer.insert_header((VARY, read));
    }
    match unchanged {
        true => answer.finish(),
        false => answer.insert_header((CONTENT_TYPE, HeaderValue::from_static(kind))).body(body),
    }
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
            let read =
                dependence.vary(if dependence.country_given { &[] } else { &["forwarded", "cf-ipcountry"] });
            assert_eq!(dependence.control(hour), control);
            assert_eq!(read.unwrap_or(HeaderValue::from_static("")), vary);
        }
        let geo = Dependence { country_given: false, ..full };
        assert_eq!(
            geo.vary(&[]).unwrap(),
            "Authorization, Origin, Accept-Language",
            "no header of an untrusted peer is read"
        );
        assert_eq!(full.control(Duration::from_millis(41_900)), "public, max-age=41");
    }
}
