//! Who calls, and whether they may: deny by default.
//!
//! The guard stands before every handler, mounted with it from the one table. It reads the key, takes a request out of
//! the caller's bucket, and holds the key's scopes against the route's [`Access`]. What belongs to others is the handlers'
//! matter: they look only inside the caller's merchant, so a stranger's id is not found.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use std::future::{Ready, ready};

use crate::domain::access::{Actor, ApiKey, KeyKind, PresentedKey, Scope};
use crate::gateways;
use crate::ids::{MerchantId, SupplierId};
use crate::settings::Mode;
use crate::store::Change;
use crate::store::outbox::EventReader;

use super::Declared;
use super::edge::Passage;
use super::limits::{Left, caller_of};
use super::problem::{Answer, Code, Problem};
use super::service::Service;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Gateways: they prove themselves by their signature.
    Gateway,
    /// Every key, publishable ones too.
    AnyKey,
    /// Secret keys with one of these scopes.
    Scopes(&'static [Need]),
    /// As `Scopes`, in sandbox mode only; elsewhere the route does not exist.
    Sandbox(&'static [Need]),
}

/// A kind of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `storefront`.
    Storefront,
    /// `finance`.
    Finance,
    /// `supplier:<id>`; the handler holds the id against the resource.
    Supplier,
    /// `admin`.
    Admin,
}

impl Need {
    /// The word in a key's scopes.
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Storefront => "storefront",
            Need::Finance => "finance",
            Need::Supplier => "supplier",
            Need::Admin => "admin",
        }
    }

    fn met_by(self, scope: &Scope) -> bool {
        matches!(
            (self, scope),
            (Need::Storefront, Scope::Storefront)
                | (Need::Finance, Scope::Finance)
                | (Need::Supplier, Scope::Supplier(_))
                | (Need::Admin, Scope::Admin)
        )
    }
}

/// The caller of a request that got past the guard.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: Arc<ApiKey>,
    /// Who acts, for the audit trail.
    pub actor: Actor,
}

impl Caller {
    /// The merchant whose things are seen.
    pub fn merchant(&self) -> MerchantId {
        self.key.merchant
    }

    /// Whether the key is a server's.
    pub fn is_secret(&self) -> bool {
        self.key.kind == KeyKind::Secret
    }

    /// Which events it may hear of.
    pub fn reads_events(&self) -> EventReader {
        match self.key.hears_of_everything() {
            true => EventReader::Office,
            false => EventReader::Storefront,
        }
    }

    /// A change that begins with a line of the audit trail: what the caller does, to what. It is written with the
    /// effect or not at all.
    pub fn noted(
        &self,
        service: &Service,
        action: &str,
        subject: impl ToString,
        detail: impl ToString,
    ) -> Change {
        let mut change = Change::new();
        change.audit(self.actor.note(&service.ids, service.clock.now(), action, subject, detail));
        change
    }

    /// A supplier's key sees that supplier only; every other supplier is not found.
    ///
    /// # Errors
    /// `not_found`.
    pub fn may_see(&self, supplier: SupplierId) -> Result<(), Problem> {
        match self.key.supplier() {
            Some(own) if own != supplier => Err(Problem::not_found("supplier")),
            _ => Ok(()),
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Caller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.ok_or_else(|| Problem::new(Code::Unauthorized, "this route needs a key")))
    }
}

/// The guard.
///
/// # Errors
/// None of its own: refusals are answers, so that the layers around it see them.
pub async fn guard(
    rows: &'static [Declared],
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let row = super::row(rows, request.method());
    if let Some(passage) = request.extensions().get::<Passage>() {
        passage.route.set(rows.first().map(|row| row.path));
    }
    match admit(row, &request).await {
        Ok(left) => {
            let mut response = next.call(request).await?.map_into_left_body();
            if let Some(left) = left {
                left.write(response.headers_mut());
            }
            Ok(response)
        }
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

async fn admit(row: Option<&Declared>, request: &ServiceRequest) -> Answer<Option<Left>> {
    let Some(service) = request.app_data::<web::Data<Service>>() else {
        return Err(Problem::internal("the service is not in the application's data"));
    };
    // Another method than those of the table: the answer says which ones there are.
    let Some(route) = row else { return Ok(None) };
    let scopes = match route.access {
        Access::Gateway => return Ok(None),
        Access::Public => return service.strangers.take(&stranger(service, request)).map(Some),
        Access::Sandbox(_) if service.settings.mode == Mode::Live => return Err(Problem::not_found("page")),
        Access::AnyKey => None,
        Access::Scopes(scopes) | Access::Sandbox(scopes) => Some(scopes),
    };
    let presented = match presented(service, request) {
        Ok(presented) => presented,
        Err(problem) => {
            service.strangers.take(&stranger(service, request))?;
            return Err(problem);
        }
    };
    let now = service.clock.now();
    let key = match service.keys.remembered(&presented.hash, now) {
        Some(key) => key,
        None => {
            // Looking a key up costs a question to the database: of one that was never seen here, the address pays for
            // it first.
            if !service.keys.knows(&presented.hash) {
                service.strangers.take(&stranger(service, request))?;
            }
            service.keys.find(&service.store, presented.hash, now).await?.ok_or_else(unknown)?
        }
    };
    if key.kind != presented.kind {
        return Err(unknown());
    }
    let left = service.limiter.take(&key.id)?;
    if let Some(needs) = scopes {
        may(&key, needs)?;
    }
    check_origin(service, request, &key)?;
    let request_id = request.extensions().get::<Passage>().map(|passage| passage.id);
    let actor = Actor {
        merchant: key.merchant,
        user: key.user,
        key: key.id,
        request: request_id.unwrap_or_else(|| service.ids.mint()),
    };
    request.extensions_mut().insert(Caller { key, actor });
    Ok(Some(left))
}

/// Whose bucket a request without a key is taken out of; one whose peer is unknown shares one with its like.
fn stranger(service: &Service, request: &ServiceRequest) -> IpAddr {
    let client = client(service, request.peer_addr(), request.headers());
    caller_of(client.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)))
}

/// The client's address: the peer, or behind trusted proxies the right-most hop that is none of them.
pub fn client(service: &Service, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let lines = headers.get_all(service.proxies.client_header()).map(HeaderValue::as_bytes);
    let lines: Vec<&[u8]> = lines.collect();
    peer.map(|peer| service.proxies.client(peer.ip(), &lines))
}

fn refuse(code: Code, detail: &str) -> Problem {
    Problem::new(code, detail).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// The key as it was sent, as far as that can be judged without looking it up.
fn presented(service: &Service, request: &ServiceRequest) -> Answer<PresentedKey> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = header
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, text)| text.trim())
        .ok_or_else(|| refuse(Code::Unauthorized, "send the header `Authorization: Bearer <key>`"))?;
    let presented =
        PresentedKey::read(text).map_err(|error| refuse(Code::Unauthorized, &error.to_string()))?;
    if presented.environment.as_str() != service.settings.mode.environment() {
        let detail = format!("this server takes {} keys only", service.settings.mode.environment());
        return Err(refuse(Code::WrongEnvironment, &detail));
    }
    Ok(presented)
}

fn unknown() -> Problem {
    refuse(Code::Unauthorized, "the key is unknown or revoked")
}

fn may(key: &ApiKey, needs: &[Need]) -> Result<(), Problem> {
    if needs.iter().any(|need| key.scopes.iter().any(|scope| need.met_by(scope))) {
        return Ok(());
    }
    let words: Vec<_> = needs.iter().map(|need| need.as_str()).collect();
    Err(Problem::new(Code::KeyScope, format!("this needs a secret key with scope {}", words.join(" or "))))
}

/// A publishable key works in browsers from its own origins; in sandbox mode from this machine too.
fn check_origin(service: &Service, request: &ServiceRequest, key: &ApiKey) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(ORIGIN).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let own = key.origins.iter().any(|allowed| allowed == origin);
    if key.kind == KeyKind::Secret || own || (service.settings.mode == Mode::Sandbox && is_loopback(origin)) {
        return Ok(());
    }
    Err(Problem::new(Code::OriginNotAllowed, format!("{origin} is not among the key's origins")))
}

/// `http://localhost:3000`, `http://127.0.0.1:5173`, `http://[::1]`.
pub fn is_loopback(origin: &str) -> bool {
    url::Url::parse(origin).is_ok_and(|url| gateways::is_loopback(&url))
}
