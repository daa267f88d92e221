//! Bodies and query strings as handlers take them: bounded in size and time, strict in content.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::Seek;

use super::body;
use super::problem::{Answer, Code, Problem};
use super::service::Service;

/// A JSON body, read strictly, with its bytes for the idempotency key.
#[derive(Debug)]
pub struct Json<T> {
    /// What was meant.
    pub value: T,
    /// What was sent.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Json<T>, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            expect_json(&request)?;
            let (bytes, _) = collect(&request, &mut payload, None).await?;
            Ok(Json { value: body::read(&bytes)?, bytes })
        })
    }
}

/// A JSON body of objects with fixed fields, texts and lists of them, read as strictly as [`Json`] and faster: the tree
/// is only built to say what is wrong, and where. What is read may stay where it stands.
#[derive(Debug)]
pub struct FlatJson(Bytes);

impl FlatJson {
    /// Reads it.
    ///
    /// # Errors
    /// As [`body::read`].
    pub fn read<'b, T: Deserialize<'b>>(&'b self) -> Answer<T> {
        body::read_flat(&self.0)
    }
}

impl FromRequest for FlatJson {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<FlatJson, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            expect_json(&request)?;
            let (bytes, _) = collect(&request, &mut payload, None).await?;
            Ok(FlatJson(bytes))
        })
    }
}

/// A raw body within the limits: notices of gateways are verified byte for byte. Nobody who sends one has shown a key,
/// so its bytes are counted as they come, against all of them that are in flight; they count until it is dropped.
#[derive(Debug)]
pub struct Notice {
    /// What was sent.
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl FromRequest for Notice {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Notice, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let service = service(&request)?;
            let (bytes, room) = collect(&request, &mut payload, Some(&service.notices)).await?;
            Ok(Notice { bytes, _room: room })
        })
    }
}

/// A body of any kind within the limits, from a caller with a key.
#[derive(Debug)]
pub struct Raw(pub Bytes);

impl FromRequest for Raw {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Raw, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move { Ok(Raw(collect(&request, &mut payload, None).await?.0)) })
    }
}

fn expect_json(request: &HttpRequest) -> Answer<()> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`"))
}

fn service(request: &HttpRequest) -> Answer<&web::Data<Service>> {
    let service = request.app_data::<web::Data<Service>>();
    service.ok_or_else(|| Problem::internal("the service is not in the application's data"))
}

/// The body, and its room among all that are `counted`.
async fn collect(
    request: &HttpRequest,
    payload: &mut Payload,
    counted: Option<&Arc<Semaphore>>,
) -> Answer<(Bytes, Option<OwnedSemaphorePermit>)> {
    let limits = &service(request)?.settings.limits;
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(Code::UnsupportedEncoding, "send the body without Content-Encoding"));
    }
    let too_large =
        || Problem::new(Code::PayloadTooLarge, format!("a body has at most {} bytes", limits.body_bytes));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.body_bytes as u64) {
        return Err(too_large());
    }
    let read = async {
        // Most bodies come in one piece, which is not copied.
        let (mut first, mut bytes) = (None::<Bytes>, BytesMut::new());
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new(Code::InvalidBody, "the body broke off"))?;
            let before = first.as_ref().map_or(bytes.len(), Bytes::len);
            if before + chunk.len() > limits.body_bytes {
                return Err(too_large());
            }
            if let Some(all) = counted {
                let more = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                let more = all.clone().acquire_many_owned(more).await.map_err(Problem::internal)?;
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
            }
            if before == 0 {
                first = Some(chunk);
                continue;
            }
            if let Some(first) = first.take() {
                bytes.extend_from_slice(&first);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((first.unwrap_or_else(|| bytes.freeze()), room))
    };
    tokio::time::timeout(limits.body, read).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} s", limits.body.as_secs());
        Err(Problem::new(Code::RequestTimeout, detail))
    })
}

/// A query string, read strictly: unknown and doubled names are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Query<T>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(read_query(request.query_string()).map(Query))
    }
}

fn read_query<T: DeserializeOwned>(query: &str) -> Answer<T> {
    // Parameters are texts, whose doubled and unknown names serde itself sees; the tree says what is wrong, and where.
    if !query.contains("%00")
        && let Ok(read) = serde_urlencoded::from_str(query)
    {
        return Ok(read);
    }
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if fields.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            return Err(Problem::new(Code::DuplicateField, format!("`{name}` occurs twice")).at(name));
        }
    }
    body::from_tree(&Value::Object(fields))
}

/// `limit`, `starting_after`, `ending_before` of a list.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Rows of a page, 1 to 100; 20 without it.
    #[param(example = "20", pattern = "^[0-9]{1,3}$")]
    pub limit: Option<String>,
    /// The page begins behind the row with this id.
    pub starting_after: Option<String>,
    /// The page ends before the row with this id.
    pub ending_before: Option<String>,
}

impl Paging {
    /// Of a list that has parameters of its own beside these.
    pub fn new(
        limit: Option<String>,
        starting_after: Option<String>,
        ending_before: Option<String>,
    ) -> Paging {
        Paging { limit, starting_after, ending_before }
    }

    /// Rows of a page.
    ///
    /// # Errors
    /// `invalid_parameter` outside 1 to 100.
    pub fn limit(&self) -> Answer<usize> {
        super::wire::limit(self.limit.as_deref())
    }

    /// Where the page begins; `read` makes the key of a row's id and names the parameter in its refusal.
    ///
    /// # Errors
    /// What `read` refuses; `invalid_parameter` where both ends are given.
    pub fn seek<K>(&self, read: impl FnOnce(&str, &str) -> Answer<K>) -> Answer<Seek<K>> {
        match (self.starting_after.as_deref(), self.ending_before.as_deref()) {
            (None, None) => Ok(Seek::Start),
            (Some(id), None) => read("starting_after", id).map(Seek::After),
            (None, Some(id)) => read("ending_before", id).map(Seek::Before),
            (Some(_), Some(_)) => {
                let detail = "give `starting_after` or `ending_before`, not both";
                Err(Problem::new(Code::InvalidParameter, detail).at("ending_before"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_as_strict_as_a_body() {
        let paging: Paging = read_query("limit=5&starting_after=key_1").unwrap();
        assert_eq!(paging.limit().unwrap(), 5);
        assert_eq!(read_query::<Paging>("limt=5").unwrap_err().code(), Code::UnknownField);
        assert_eq!(read_query::<Paging>("limit=5&limit=6").unwrap_err().code(), Code::DuplicateField);
        assert_eq!(read_query::<Paging>("starting_after=%00").unwrap_err().code(), Code::InvalidBody);
        for limit in ["0", "101", "-1", "1e2", "1000000000"] {
            let paging: Paging = read_query(&format!("limit={limit}")).unwrap();
            assert!(paging.limit().is_err(), "{limit}");
        }
    }
}
