//! What is kept sealed beside a payment: JSON with a version, so that a later release reads what this one wrote.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::gateways::{GatewayError, GatewaySecrets, json};

const VERSION: u8 = 1;

/// The PKCE verifier, what ties the returning shopper to the payment, then the code, then the token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    v: u8,
    pub code_verifier: String,
    /// `{request_ref}.{random}`: names the payment and proves the browser.
    pub state: String,
    pub nonce: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// Lives about a year: refunds need it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Token {
    pub access_token: String,
    pub until: DateTime<Utc>,
}

impl Kept {
    pub fn new(code_verifier: String, state: String, nonce: String) -> Kept {
        Kept { v: VERSION, code_verifier, state, nonce, code: None, token: None }
    }

    /// # Errors
    /// [`GatewayError::NotSent`]: without these nothing can be asked in the shopper's name.
    pub fn open(secrets: &GatewaySecrets) -> Result<Kept, GatewayError> {
        let kept: Kept = json::read(&secrets.0)
            .map_err(|_| GatewayError::NotSent("this payment's sealed secrets cannot be read".into()))?;
        if kept.v != VERSION {
            return Err(GatewayError::NotSent(format!("sealed secrets of version {}", kept.v)));
        }
        Ok(kept)
    }

    pub fn with_code(mut self, code: &str) -> Kept {
        self.code = Some(code.to_owned());
        self
    }

    /// The code is used up by the token.
    pub fn with_token(mut self, token: Token) -> Kept {
        self.code = None;
        self.token = Some(token);
        self
    }

    pub fn seal(&self) -> GatewaySecrets {
        // A struct of texts always serialises.
        GatewaySecrets(serde_json::to_vec(self).unwrap_or_default())
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept(code: {}, token: {})", self.code.is_some(), self.token.is_some())
    }
}
