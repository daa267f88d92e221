//! Walks the search tree of a MaxMind-format file once, before it is used.
//!
//! The tree is an array of nodes with two pointers each. In a whole file every pointer leads to another node, to the
//! "nothing here" mark or into the data, and no path comes back to itself or is longer than an address. A file that is
//! cut, shifted or mixed of two breaks one of these. Time is that of reading the tree once; memory a byte for each node
//! and a bit for each byte of data.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ending;

/// Begins the last section of a file.
pub const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Zero bytes between tree and data.
const GAP: usize = 16;

/// Where the tree lies in a file, as its metadata says.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Nodes.
    pub nodes: usize,
    /// Bits of one pointer: 24, 28 or 32.
    pub record_bits: u16,
    /// 4 or 6.
    pub ip_version: u16,
}

/// Calls `visit` with one address under each different place in the data that the tree points to.
///
/// # Errors
/// What is wrong with the tree, or what `visit` says.
pub fn walk(
    bytes: &[u8],
    shape: Shape,
    mut visit: impl FnMut(IpAddr) -> Result<(), String>,
) -> Result<(), String> {
    let markers: Vec<usize> = markers(bytes).take(2).collect();
    let [marker] = markers.as_slice() else {
        return Err(format!("it has {} sections of metadata instead of one", markers.len()));
    };
    ending::check(bytes, marker + MARKER.len())?;
    let tree = (shape.nodes * usize::from(shape.record_bits)) / 4;
    let gap = bytes.get(tree..tree + GAP).ok_or("the tree is longer than the file")?;
    if gap.iter().any(|&byte| byte != 0) {
        return Err("the tree does not end where its metadata says".to_owned());
    }
    let data = marker.checked_sub(tree + GAP).ok_or("the tree is longer than the file")?;
    let mut seen = vec![0_u8; data / 8 + 1];
    let mut state = vec![State::New; shape.nodes];
    let bits = if shape.ip_version == 4 { 32 } else { 128 };
    let mut path: Vec<(usize, u8)> = vec![(0, 0)];
    let mut address: u128 = 0;
    while let Some((node, side)) = path.last_mut() {
        let (at, taken) = (*node, *side);
        if taken == 2 {
            state[at] = State::Done;
            path.pop();
            continue;
        }
        *side += 1;
        let depth = path.len();
        let bit = 1_u128 << (bits - depth);
        // Whatever an abandoned branch left below this bit goes.
        address = (address & !(bit | (bit - 1))) | if taken == 1 { bit } else { 0 };
        let child = pointer(bytes, at, taken, shape.record_bits);
        if child < shape.nodes {
            match state[child] {
                State::Done => continue,
                State::OnThePath => return Err(format!("node {at} of the tree leads back to itself")),
                State::New if depth == bits => {
                    return Err(format!("a path through node {at} is longer than an address"));
                }
                State::New => {
                    state[child] = State::OnThePath;
                    path.push((child, 0));
                }
            }
        } else if child > shape.nodes {
            let offset = child.checked_sub(shape.nodes + GAP).filter(|&offset| offset < data);
            let offset = offset.ok_or_else(|| format!("node {at} of the tree points outside the data"))?;
            let (byte, mask) = (offset / 8, 1_u8 << (offset % 8));
            if seen[byte] & mask == 0 {
                seen[byte] |= mask;
                visit(as_address(address, bits)).map_err(|why| format!("the record at {offset} {why}"))?;
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnThePath,
    Done,
}

fn markers(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let first = bytes.iter().enumerate().filter(|(_, byte)| **byte == MARKER[0]);
    first.map(|(at, _)| at).filter(|&at| bytes[at..].starts_with(MARKER))
}

/// One of a node's two pointers. The caller has seen that the tree lies inside the file.
fn pointer(bytes: &[u8], node: usize, side: u8, record_bits: u16) -> usize {
    let whole = |bytes: &[u8]| bytes.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
    let size = usize::from(record_bits) / 4;
    let node = &bytes[node * size..(node + 1) * size];
    match (record_bits, side) {
        (28, 0) => usize::from(node[3] >> 4) << 24 | whole(&node[..3]),
        (28, _) => usize::from(node[3] & 15) << 24 | whole(&node[4..]),
        (_, 0) => whole(&node[..size / 2]),
        (_, _) => whole(&node[size / 2..]),
    }
}

fn as_address(bits: u128, width: usize) -> IpAddr {
    match u32::try_from(bits) {
        Ok(v4) if width == 32 => IpAddr::V4(Ipv4Addr::from_bits(v4)),
        _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}
