//! Writes small files of MaxMind's format, so that every layout and every fault can be made.

use std::collections::HashMap;

use super::KNOWN;
use crate::domain::fx::Country;

/// A value of the format.
#[derive(Clone)]
pub enum Value {
    Text(String),
    Short(u16),
    Number(u32),
    Long(u64),
    Flag(bool),
    Map(Vec<(&'static str, Value)>),
    List(Vec<Value>),
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Text(text) => {
                control(out, 2, text.len());
                out.extend(text.bytes());
            }
            Value::Short(number) => {
                control(out, 5, 2);
                out.extend(number.to_be_bytes());
            }
            Value::Number(number) => {
                control(out, 6, 4);
                out.extend(number.to_be_bytes());
            }
            Value::Long(number) => {
                control(out, 9, 8);
                out.extend(number.to_be_bytes());
            }
            Value::Flag(flag) => control(out, 14, usize::from(*flag)),
            Value::Map(pairs) => {
                control(out, 7, pairs.len());
                for (key, value) in pairs {
                    text(key).write(out);
                    value.write(out);
                }
            }
            Value::List(items) => {
                control(out, 11, items.len());
                items.iter().for_each(|item| item.write(out));
            }
        }
    }
}

fn control(out: &mut Vec<u8>, kind: u8, size: usize) {
    let small = u8::try_from(size.min(29)).unwrap();
    match kind {
        0..=7 => out.push(kind << 5 | small),
        _ => out.extend([small, kind - 7]),
    }
    if size >= 29 {
        out.push(u8::try_from(size - 29).unwrap());
    }
}

/// A file to be.
#[derive(Clone)]
pub struct Writer {
    pub kind: &'static str,
    pub ip_version: u16,
    pub record_bits: u16,
    pub built: u64,
    pub networks: Vec<(u128, usize, Value)>,
}

impl Writer {
    /// The well-known addresses and one network of every country, each in this layout.
    pub fn of(layout: impl Fn(&'static str) -> Value) -> Writer {
        let known = KNOWN.iter().map(|(octets, code)| (u32::from_be_bytes(*octets) & 0xffff_ff00, *code));
        let every = (0..).zip(Country::all()).map(|(index, country)| (45 << 24 | index << 8, country.code()));
        let networks = known.chain(every).map(|(bits, code)| (u128::from(bits), 24, layout(code)));
        let networks = networks.collect();
        Writer { kind: "Test-Country", ip_version: 6, record_bits: 24, built: 1_790_000_000, networks }
    }

    /// Another network of IPv4.
    pub fn with(mut self, octets: [u8; 4], prefix: usize, value: Value) -> Writer {
        self.networks.push((u128::from(u32::from_be_bytes(octets)), prefix, value));
        self
    }

    pub fn metadata(&self, nodes: usize) -> Value {
        Value::Map(vec![
            ("node_count", Value::Number(u32::try_from(nodes).unwrap())),
            ("record_size", Value::Short(self.record_bits)),
            ("ip_version", Value::Short(self.ip_version)),
            ("database_type", text(self.kind)),
            ("languages", Value::List(vec![text("en")])),
            ("binary_format_major_version", Value::Short(2)),
            ("binary_format_minor_version", Value::Short(0)),
            ("build_epoch", Value::Long(self.built)),
            ("description", Value::Map(vec![("en", text("made for a test"))])),
        ])
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut data: Vec<u8> = Vec::new();
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut nodes: Vec<[Slot; 2]> = vec![[Slot::Empty; 2]];
        for (bits, prefix, value) in &self.networks {
            let mut encoded = Vec::new();
            value.write(&mut encoded);
            let place = *places.entry(encoded.clone()).or_insert_with(|| {
                data.extend(&encoded);
                data.len() - encoded.len()
            });
            let (bits, depth) = match self.ip_version {
                4 => (bits << 96, *prefix),
                _ => (*bits, prefix + 96),
            };
            let mut node = 0;
            for step in 0..depth {
                let side = usize::from(bits >> (127 - step) & 1 == 1);
                if step + 1 == depth {
                    nodes[node][side] = Slot::Data(place);
                } else if let Slot::Node(next) = nodes[node][side] {
                    node = next;
                } else {
                    nodes.push([Slot::Empty; 2]);
                    nodes[node][side] = Slot::Node(nodes.len() - 1);
                    node = nodes.len() - 1;
                }
            }
        }
        let count = nodes.len();
        let mut out = Vec::new();
        for [left, right] in nodes {
            let [left, right] =
                [left, right].map(|slot| u32::try_from(slot.pointer(count)).unwrap().to_be_bytes());
            match self.record_bits {
                24 => out.extend([&left[1..], &right[1..]].concat()),
                28 => out.extend([&left[1..], &[left[0] << 4 | right[0]], &right[1..]].concat()),
                _ => out.extend([left, right].concat()),
            }
        }
        out.extend([0; 16]);
        out.extend(data);
        out.extend(crate::geo::tree::MARKER);
        self.metadata(count).write(&mut out);
        out
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Empty,
    Node(usize),
    Data(usize),
}

impl Slot {
    fn pointer(self, nodes: usize) -> usize {
        match self {
            Slot::Empty => nodes,
            Slot::Node(node) => node,
            Slot::Data(place) => nodes + 16 + place,
        }
    }
}

/// `{"country_code":"SG"}`.
pub fn flat(code: &'static str) -> Value {
    Value::Map(vec![("country_code", text(code))])
}

/// MaxMind's layout.
pub fn nested(code: &'static str) -> Value {
    let country = || Value::Map(vec![("geoname_id", Value::Number(7)), ("iso_code", text(code))]);
    Value::Map(vec![("country", country()), ("registered_country", country())])
}
