//! The gesmes envelope, event by event: what does not belong is refused, never skipped.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use rust_decimal::Decimal;

use super::malformed;
use crate::number::read_number;
use crate::{Code, SourceError};

/// The rates of each day.
pub(super) type Published = BTreeMap<NaiveDate, BTreeMap<Code, Decimal>>;

/// Reads every day of a file.
pub(super) fn read_days(text: &str) -> Result<Published, SourceError> {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut file = File::default();
    let mut complete = false;
    loop {
        match reader.read_event().map_err(|error| malformed(error.to_string()))? {
            Event::Start(element) => {
                file.open(&element, &path)?;
                path.push(element.local_name().as_ref().to_owned());
            }
            Event::Empty(element) => file.open(&element, &path)?,
            Event::End(_) => {
                path.pop();
                complete = path.is_empty();
            }
            Event::DocType(_) => return Err(malformed("it declares a document type")),
            Event::CData(_) | Event::GeneralRef(_) => return Err(malformed("it holds CDATA or entities")),
            Event::Eof if complete => return file.close(),
            Event::Eof => return Err(malformed("it is cut off")),
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

#[derive(Default)]
struct File {
    days: Published,
    day: Option<NaiveDate>,
}

impl File {
    /// An element begins below `path`.
    fn open(&mut self, element: &BytesStart<'_>, path: &[String]) -> Result<(), SourceError> {
        let local = element.local_name();
        let name: &str = local.as_ref();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (path.as_slice(), name) {
            ([], "Envelope") | (["Envelope"], "subject" | "Sender") | (["Envelope", "Sender"], "name") => {
                Ok(())
            }
            (["Envelope"], "Cube") => attributes(element, []).map(|[]| ()),
            (["Envelope", "Cube"], "Cube") => self.open_day(attributes(element, ["time"])?),
            (["Envelope", "Cube", "Cube"], "Cube") => self.add(attributes(element, ["currency", "rate"])?),
            _ => Err(malformed(format!("<{name}> does not belong where it stands"))),
        }
    }

    fn open_day(&mut self, [time]: [String; 1]) -> Result<(), SourceError> {
        let date = time.parse().map_err(|_| malformed(format!("`{time}` is not a date")))?;
        self.day = Some(date);
        match self.days.insert(date, BTreeMap::new()) {
            None => Ok(()),
            Some(_) => Err(malformed(format!("{date} occurs twice"))),
        }
    }

    fn add(&mut self, [currency, rate]: [String; 2]) -> Result<(), SourceError> {
        let code = Code::parse(&currency).map_err(|error| malformed(error.to_string()))?;
        let value = read_number(&rate).map_err(|_| malformed(format!("{code} has the rate `{rate}`")))?;
        let rates = self.day.and_then(|date| self.days.get_mut(&date));
        let rates = rates.ok_or_else(|| malformed("it holds a rate without a day"))?;
        if code == Code::EUR || rates.insert(code, value).is_some() {
            return Err(malformed(format!("{code} is the base or occurs twice")));
        }
        Ok(())
    }

    fn close(self) -> Result<Published, SourceError> {
        if self.days.is_empty() {
            return Err(malformed("it holds no day"));
        }
        match self.days.iter().find(|(_, rates)| rates.is_empty()) {
            Some((date, _)) => Err(malformed(format!("{date} holds no rate"))),
            None => Ok(self.days),
        }
    }
}

/// The values of exactly these attributes, in this order.
fn attributes<const N: usize>(
    element: &BytesStart<'_>,
    names: [&str; N],
) -> Result<[String; N], SourceError> {
    let mut values: [Option<String>; N] = std::array::from_fn(|_| None);
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        let key: &str = attribute.key.as_ref();
        let place = names.iter().position(|name| *name == key);
        let place = place.ok_or_else(|| malformed(format!("the attribute `{key}` does not belong")))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        values[place] = Some(value.map_err(|error| malformed(error.to_string()))?.into_owned());
    }
    match values.iter().position(Option::is_none) {
        Some(missing) => Err(malformed(format!("a <Cube> without `{}`", names[missing]))),
        None => Ok(values.map(Option::unwrap_or_default)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version='1.0'?><gesmes:Envelope xmlns:gesmes='a' xmlns='b'><Cube>";
    const TAIL: &str = "</Cube></gesmes:Envelope>";

    fn why(inside: &str) -> String {
        match read_days(&format!("{HEAD}{inside}{TAIL}")) {
            Err(SourceError::Malformed { why, .. }) => why,
            other => panic!("{inside}: {other:?}"),
        }
    }

    #[test]
    fn reads_a_day() {
        let text = format!("{HEAD}<Cube time='2026-10-30'><Cube currency='USD' rate='1.1172'/></Cube>{TAIL}");
        let days = read_days(&text).unwrap();
        assert_eq!(days[&"2026-10-30".parse().unwrap()][&Code::parse("USD").unwrap()].to_string(), "1.1172");
    }

    /// As every source's: twelve significant digits, and all that were published where there are less.
    #[test]
    fn a_rate_keeps_twelve_significant_digits() {
        for (published, kept) in
            [("1.11720", "1.11720"), ("136", "136"), ("1.23456789012345", "1.23456789012")]
        {
            let rate = format!("<Cube currency='USD' rate='{published}'/>");
            let days = read_days(&format!("{HEAD}<Cube time='2026-10-30'>{rate}</Cube>{TAIL}")).unwrap();
            let usd = days[&"2026-10-30".parse().unwrap()][&Code::parse("USD").unwrap()];
            assert_eq!(usd.to_string(), kept);
        }
    }

    #[test]
    fn refuses_half_days_and_double_entries() {
        for (inside, expected) in [
            ("", "it holds no day"),
            ("<Cube time='2026-10-30'></Cube>", "2026-10-30 holds no rate"),
            ("<Cube time='30.10.2026'></Cube>", "`30.10.2026` is not a date"),
            ("<Cube time='2026-10-30'><Cube currency='USD' rate='0'/></Cube>", "USD has the rate `0`"),
            ("<Cube time='2026-10-30'><Cube currency='USD' rate='-1.1'/></Cube>", "USD has the rate `-1.1`"),
            ("<Cube time='2026-10-30'><Cube currency='USD' rate='N/A'/></Cube>", "USD has the rate `N/A`"),
            (
                "<Cube time='2026-10-30'><Cube currency='usd' rate='1'/></Cube>",
                "`usd` is not a currency code of three capital letters",
            ),
            (
                "<Cube time='2026-10-30'><Cube currency='EUR' rate='1'/></Cube>",
                "EUR is the base or occurs twice",
            ),
            (
                "<Cube time='2026-10-30'><Cube currency='USD' rate='1'/><Cube currency='USD' rate='2'/></Cube>",
                "USD is the base or occurs twice",
            ),
            ("<Cube time='2026-10-30'><Cube currency='USD'/></Cube>", "a <Cube> without `rate`"),
            ("<Cube time='2026-10-30' zone='x'/>", "the attribute `zone` does not belong"),
            ("<Cube currency='USD' rate='1'/>", "the attribute `currency` does not belong"),
            ("<Rate/>", "<Rate> does not belong where it stands"),
            ("&amp;", "it holds CDATA or entities"),
        ] {
            assert_eq!(why(inside), expected, "{inside}");
        }
        let day = "<Cube time='2026-10-30'><Cube currency='USD' rate='1'/></Cube>";
        assert_eq!(why(&day.repeat(2)), "2026-10-30 occurs twice");
    }
}
