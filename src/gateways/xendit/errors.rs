//! Xendit's error codes, and which of the four outcomes each one is. A refusal comes before anything was done; that a
//! key is known already is none.

use super::wire::Problem;
use crate::gateways::GatewayError;

/// What a refusal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Something stands under this key: the reference says what.
    Ask,
    /// Nothing happened; the same call may succeed later.
    Later,
    /// Nothing happened and nothing will.
    Never,
}

const CODES: &[(&str, Class)] = &[
    ("DUPLICATE_ERROR", Class::Ask),
    ("IDEMPOTENCY_ERROR", Class::Ask),
    ("INSUFFICIENT_BALANCE", Class::Later),
    ("CHANNEL_UNAVAILABLE", Class::Later),
    ("RATE_LIMIT_EXCEEDED", Class::Later),
    // The operator's matter: an approved payout is not thrown away for a wrong key.
    ("INVALID_API_KEY", Class::Later),
    ("REQUEST_FORBIDDEN_ERROR", Class::Later),
];

/// A refusal, read.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: String,
    pub message: String,
    pub class: Class,
}

impl Refusal {
    /// `None`: the answer names no error of Xendit's, or one that proves nothing.
    pub fn of(status: u16, problem: Problem) -> Option<Refusal> {
        let code = problem.error_code?;
        let named =
            code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit());
        let known = CODES.iter().find(|(known, _)| *known == code).map(|(_, class)| *class);
        let class = match (known, status) {
            (Some(class), _) => class,
            (None, 400 | 422) => Class::Never,
            (None, 401 | 403) => Class::Later,
            (None, _) => return None,
        };
        let message = problem.message.unwrap_or_else(|| code.clone());
        named.then_some(Refusal { code, message, class })
    }

    pub fn into_error(self) -> GatewayError {
        if self.class == Class::Ask {
            return GatewayError::OutcomeUnknown(format!("{}: {}", self.code, self.message));
        }
        let retry_later = self.class == Class::Later;
        GatewayError::Refused { code: self.code, message: self.message, retry_later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_refusal_proves_that_nothing_happened() {
        let of = |status, code: Option<&str>| {
            let problem = Problem { error_code: code.map(str::to_owned), message: None };
            Refusal::of(status, problem).map(|refusal| refusal.class)
        };
        for (status, code, class) in [
            (400, Some("API_VALIDATION_ERROR"), Some(Class::Never)),
            (400, Some("INSUFFICIENT_BALANCE"), Some(Class::Later)),
            (401, Some("INVALID_API_KEY"), Some(Class::Later)),
            (403, Some("A_CODE_OF_TOMORROW"), Some(Class::Later)),
            (409, Some("DUPLICATE_ERROR"), Some(Class::Ask)),
            (409, Some("A_CODE_OF_TOMORROW"), None),
            (408, Some("API_VALIDATION_TIMEOUT"), None),
            (400, None, None),
            (400, Some("a proxy's words"), None),
        ] {
            assert_eq!(of(status, code), class, "{status} {code:?}");
        }
    }
}
