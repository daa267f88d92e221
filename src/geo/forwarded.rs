//! Hops as proxies write them, and the header `Forwarded` (RFC 7239): `for="[2001:db8::7]:4711";proto=https, for=10.0.0.2`.
//!
//! Cut from the right, because only the right end is written by proxies we know: a quotation mark that the client left
//! open must not swallow what they appended.

use std::net::{IpAddr, SocketAddr};

/// `203.0.113.7`, `203.0.113.7:4711`, `[2001:db8::1]:4711`, `"[2001:db8::1]"`; nothing else.
pub fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches([' ', '\t']);
    let hop = hop.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(hop);
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

/// The entries of one line, the last one first. Commas between quotation marks do not cut.
pub fn hops(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        match last_cut(text, b',') {
            Some(at) => {
                rest = Some(&text[..at]);
                Some(&text[at + 1..])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

/// Where the last `mark` outside quotation marks stands.
fn last_cut(text: &str, mark: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quoted = false;
    for (at, &byte) in bytes.iter().enumerate().rev() {
        if byte == b'"' {
            let escapes = bytes[..at].iter().rev().take_while(|&&before| before == b'\\').count();
            quoted ^= escapes % 2 == 0;
        } else if byte == mark && !quoted {
            return Some(at);
        }
    }
    None
}

/// The address of an entry's one `for`; `unknown`, `_hidden`, none or two of them are no address.
pub fn address(entry: &str) -> Option<IpAddr> {
    let mut found = None;
    let mut rest = Some(entry);
    while let Some(text) = rest {
        let pair = match last_cut(text, b';') {
            Some(at) => {
                rest = Some(&text[..at]);
                &text[at + 1..]
            }
            None => {
                rest = None;
                text
            }
        };
        let Some((name, value)) = pair.split_once('=') else { continue };
        if name.trim_matches([' ', '\t']).eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    let value = found?.trim_matches([' ', '\t']);
    let node = match value.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"')?,
        None => value,
    };
    hop_address(without_hidden_port(node))
}

/// `192.0.2.43:_port`: a port may be hidden as a name may.
fn without_hidden_port(node: &str) -> &str {
    match node.rsplit_once(":_") {
        Some((address, _)) => address,
        None => node,
    }
}
