//! Notices that are not to be believed: altered on the way, signed by another, or truly signed and still wrong.

use rand::Rng;
use rand::rngs::StdRng;

use super::mail::Handed;

/// What is not the gateway's notice any more.
pub(super) fn forge(dice: &mut StdRng, genuine: &Handed) -> Handed {
    let mut forged = genuine.clone();
    let signs = |name: &str| name == "authorization" || name == "paypal-transmission-sig";
    let set = |forged: &mut Handed, header: &str, value: &str| {
        for (_, old) in forged.headers.iter_mut().filter(|(name, _)| name == header) {
            value.clone_into(old);
        }
    };
    match dice.random_range(0..9) {
        // Another number under the same signature.
        0 | 1 => {
            let digits = (0..forged.body.len()).filter(|&at| forged.body[at].is_ascii_digit());
            let digits: Vec<usize> = digits.collect();
            if let Some(&at) = digits.get(dice.random_range(0..digits.len().max(1))) {
                forged.body[at] = if forged.body[at] == b'9' { b'1' } else { forged.body[at] + 1 };
            }
        }
        // The same body under another signature.
        2 => {
            for (_, value) in forged.headers.iter_mut().filter(|(name, _)| signs(name)) {
                let flipped = if value.ends_with("AA==") { "BB==" } else { "AA==" };
                let kept = value.len().saturating_sub(4);
                value.truncate(kept);
                value.push_str(flipped);
            }
        }
        // Under none.
        3 => forged.headers.retain(|(name, _)| !signs(name)),
        // A member said twice.
        4 => {
            let doubled = [b"{\"status\":\"success\",", &forged.body[1..]].concat();
            forged.body = doubled;
        }
        // The same values written anew by a box on the way.
        5 => {
            if let Ok(read) = serde_json::from_slice::<serde_json::Value>(&forged.body) {
                forged.body = serde_json::to_vec_pretty(&read).unwrap_or_default();
            }
        }
        // Its certificate lies at the attacker's, in the house, in another folder, or is called by another name.
        6 => {
            const ELSEWHERE: [&str; 5] = [
                "https://api.paypal.com.attacker.example/v1/notifications/certs/CERT-1",
                "http://169.254.169.254/v1/notifications/certs/CERT-1",
                "http://127.0.0.1:9/v1/notifications/certs/CERT-1",
                "http://127.0.0.1:8080/sandbox/paypal/v1/notifications/certs/../../reporting/balances",
                "http://127.0.0.1:8080/sandbox/paypal/v1/notifications/certs/CERT-0",
            ];
            set(&mut forged, "paypal-cert-url", ELSEWHERE[dice.random_range(0..ELSEWHERE.len())]);
        }
        // A weaker algorithm; a date that was, or is to be.
        7 => {
            set(&mut forged, "paypal-auth-algo", "SHA1withRSA");
            set(&mut forged, "paypal-transmission-time", "2026-11-01T00:00:00Z");
            set(&mut forged, "date", "Sun, 01 Nov 2026 00:00:00 GMT");
        }
        // At another gateway's door.
        _ => {
            let other = if genuine.gateway == "paypal" { "grabpay" } else { "paypal" };
            other.clone_into(&mut forged.gateway);
        }
    }
    forged
}

/// What a gateway that has gone wrong signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// A member said twice.
    Doubled,
    /// Half a character.
    Surrogate,
    /// Nested without an end in sight.
    Deep,
    /// A byte order mark.
    Mark,
    /// More behind the end.
    Tail,
    /// A number beyond what can be held.
    Huge,
    /// To another merchant's receiver, about our payment.
    Elsewhere,
    /// About a payment that nobody here knows.
    Unknown,
}

impl Odd {
    pub(super) fn draw(dice: &mut StdRng) -> Odd {
        const ALL: [Odd; 10] = [
            Odd::Doubled,
            Odd::Surrogate,
            Odd::Deep,
            Odd::Mark,
            Odd::Tail,
            Odd::Huge,
            Odd::Elsewhere,
            Odd::Elsewhere,
            Odd::Unknown,
            Odd::Unknown,
        ];
        ALL[dice.random_range(0..ALL.len())]
    }

    /// Whether it has to be refused, whoever signed it.
    pub(super) fn is_malformed(self) -> bool {
        !matches!(self, Odd::Elsewhere | Odd::Unknown)
    }

    /// `None` where it cannot be made of this notice.
    pub(super) fn body(self, genuine: &str, own: Option<&str>, unknown: &str) -> Option<String> {
        let rest = genuine.strip_prefix('{')?;
        Some(match self {
            Odd::Doubled => format!("{{\"odd\":1,\"odd\":2,{rest}"),
            Odd::Surrogate => format!("{{\"odd\":\"\\ud800\",{rest}"),
            Odd::Deep => format!("{{\"odd\":{}{},{rest}", "[".repeat(100), "]".repeat(100)),
            Odd::Mark => format!("\u{feff}{genuine}"),
            Odd::Tail => format!("{genuine}{{}}"),
            Odd::Huge => format!("{{\"odd\":1e400,{rest}"),
            Odd::Elsewhere => genuine.to_owned(),
            Odd::Unknown if genuine.contains("dispute_id") => return None,
            Odd::Unknown => genuine.replace(own?, unknown),
        })
    }
}
