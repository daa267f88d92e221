//! Where a webhook may go to.
//!
//! An address is given by a merchant and called by us, from inside our own network: it must not lead back into it. What
//! it says is read as browsers read it, so that decimal, octal and hexadecimal hosts are the addresses they stand for;
//! it is judged when it is registered and again at every delivery, and every address that its name leads to is judged
//! where the connection is made (`door.rs`).

use std::net::IpAddr;

use url::{Host, Url};

use crate::geo::is_public;

const LONGEST: usize = 2_048;

/// Which addresses may be called.
#[derive(Debug, Clone)]
pub struct Reach {
    /// This machine too, over plain HTTP too, at any port: for a sandbox.
    pub loopback: bool,
    /// Ports elsewhere.
    pub ports: Vec<u16>,
}

/// Why an address is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It cannot be read.
    #[error("this is no address; send one such as https://shop.example/hooks")]
    NotAnAddress,
    /// Not HTTPS.
    #[error("webhooks go to https addresses only")]
    Scheme,
    /// A name or password before the host.
    #[error("an address with a user name or password in it is not called")]
    UserInfo,
    /// A part that is never sent.
    #[error("the part behind `#` is never sent; leave it out")]
    Fragment,
    /// Another port than the usual one.
    #[error("webhooks go to port {allowed}, not to {port}")]
    Port {
        /// What was given.
        port: u16,
        /// What is allowed.
        allowed: String,
    },
    /// The host is, or leads to, something that is not on the open internet.
    #[error("{0} is not on the open internet, where webhooks go")]
    NotPublic(String),
}

impl Reach {
    /// Reads an address; names in it are not looked up.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn target(&self, text: &str) -> Result<Url, TargetError> {
        // Letters that readers of addresses pass over or turn round: two readers could see two hosts.
        let odd = |letter: char| letter.is_control() || letter.is_whitespace() || letter == '\\';
        if text.len() > LONGEST || text.contains(odd) {
            return Err(TargetError::NotAnAddress);
        }
        let url = Url::parse(text).map_err(|_| TargetError::NotAnAddress)?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(if url.scheme() == "https" {
                TargetError::NotAnAddress
            } else {
                TargetError::Scheme
            });
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let here = match host {
            Host::Domain(name) => is_this_machine(name),
            Host::Ipv4(v4) => v4.is_loopback(),
            Host::Ipv6(v6) => v6.to_canonical().is_loopback(),
        };
        let home = here && self.loopback;
        if url.scheme() != "https" && !(home && url.scheme() == "http") {
            return Err(TargetError::Scheme);
        }
        if !home {
            match host {
                Host::Domain(name) if is_inner_name(name) => {
                    return Err(TargetError::NotPublic(name.to_owned()));
                }
                Host::Domain(_) => {}
                Host::Ipv4(v4) => self.judge(&host.to_string(), IpAddr::V4(v4))?,
                Host::Ipv6(v6) => self.judge(&host.to_string(), IpAddr::V6(v6))?,
            }
            if !self.ports.contains(&port) {
                let allowed = self.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
                return Err(TargetError::Port { port, allowed });
            }
        }
        Ok(url)
    }

    /// Whether an address that `host` leads to may be called.
    ///
    /// # Errors
    /// [`TargetError::NotPublic`].
    pub fn judge(&self, host: &str, address: IpAddr) -> Result<(), TargetError> {
        let home = address.to_canonical().is_loopback();
        // A name of this machine leads to this machine and nowhere else: it is called over plain HTTP.
        let allowed = if is_this_machine(host) { home } else { is_public(address) || home };
        if allowed && (!home || self.loopback) {
            return Ok(());
        }
        // The address itself is not told: it would let anybody look names up inside our network.
        Err(TargetError::NotPublic(host.to_owned()))
    }
}

/// `localhost` and what is below it (RFC 6761).
fn is_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Names that only an inner network knows: those without a dot, and those set aside for it.
fn is_inner_name(name: &str) -> bool {
    const ASIDE: [&str; 7] = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion"];
    let name = name.trim_end_matches('.');
    !name.contains('.') || ASIDE.iter().any(|aside| name.ends_with(&format!(".{aside}")))
}

#[cfg(test)]
#[path = "target/tests.rs"]
mod tests;
