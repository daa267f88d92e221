//! The ladders as data: `config/polling.toml`, or the operator's own file in its form.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;

use super::Ladder;

/// The ladder of every gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladders {
    default: Ladder,
    named: BTreeMap<String, Ladder>,
}

/// What is wrong with a file of ladders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {why}")]
pub struct LaddersError {
    /// The key.
    pub key: String,
    /// What is wrong and what belongs there.
    pub why: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    rungs: Option<Vec<String>>,
    late: Option<Vec<String>>,
    at_once: Option<usize>,
    per_second: Option<u32>,
}

impl Default for Ladders {
    /// A question every two minutes and once a day after the end: for a flow that nobody configured.
    fn default() -> Ladders {
        let (rungs, late) = (vec![TimeDelta::minutes(2)], vec![TimeDelta::days(1)]);
        let default = Ladder { rungs, late, at_once: 8, per_second: 1_000 };
        Ladders { default, named: BTreeMap::new() }
    }
}

impl Ladders {
    /// Those of `config/polling.toml`.
    ///
    /// # Errors
    /// [`LaddersError`]; a test excludes it.
    pub fn shipped() -> Result<Ladders, LaddersError> {
        Ladders::read(include_str!("../../../../config/polling.toml"))
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`LaddersError`] naming the key.
    pub fn read(text: &str) -> Result<Ladders, LaddersError> {
        let wrong = |key: &str, why: String| LaddersError { key: key.to_owned(), why };
        let mut sections: BTreeMap<String, Section> =
            toml::from_str(text).map_err(|error| wrong("polling", error.message().to_owned()))?;
        let default = sections
            .remove("default")
            .ok_or_else(|| wrong("default", "is missing: the ladder of a gateway without its own".into()))?;
        // Nothing fits every gateway but a question now and then.
        let default = ladder("default", default, &Ladders::default().default)?;
        let named = sections.into_iter().map(|(name, section)| {
            let ladder = ladder(&name, section, &default)?;
            Ok((name, ladder))
        });
        Ok(Ladders { named: named.collect::<Result<_, _>>()?, default })
    }

    /// A gateway's ladder.
    pub fn of(&self, gateway: &str) -> &Ladder {
        self.named.get(gateway).unwrap_or(&self.default)
    }

    /// Whether every section is a gateway's, and none asks quicker than that gateway bears; `gateways` by name and pace.
    ///
    /// # Errors
    /// [`LaddersError`] naming the section.
    pub fn check(&self, gateways: &[(&str, TimeDelta)]) -> Result<(), LaddersError> {
        for (name, ladder) in &self.named {
            let Some((_, pace)) = gateways.iter().find(|(gateway, _)| gateway == name) else {
                let known: Vec<&str> = gateways.iter().map(|(gateway, _)| *gateway).collect();
                let why = format!("is no gateway; they are {}", known.join(", "));
                return Err(LaddersError { key: name.clone(), why });
            };
            if ladder.shortest() < *pace {
                let (asked, pace) = (ladder.shortest().num_seconds(), pace.num_seconds());
                let why = format!("asks again after {asked} s; the gateway bears a question every {pace} s");
                return Err(LaddersError { key: name.clone(), why });
            }
        }
        Ok(())
    }
}

fn ladder(name: &str, section: Section, default: &Ladder) -> Result<Ladder, LaddersError> {
    let times = |key: &str, words: Option<Vec<String>>, default: &[TimeDelta]| {
        let key = format!("{name}.{key}");
        let Some(words) = words else { return Ok(default.to_vec()) };
        if words.is_empty() {
            return Err(LaddersError { key, why: "is empty; at least one time belongs there".to_owned() });
        }
        let read = |word: &String| {
            let why = || format!("has `{word}`; times are written 15s, 3m, 1h, 1d, from 1s to 30d");
            time(word).ok_or_else(|| LaddersError { key: key.clone(), why: why() })
        };
        words.iter().map(read).collect()
    };
    let within = |key: &str, value: u64| {
        let why = || "must be between 1 and 1000".to_owned();
        (1..=1_000)
            .contains(&value)
            .then_some(())
            .ok_or_else(|| LaddersError { key: format!("{name}.{key}"), why: why() })
    };
    let at_once = section.at_once.unwrap_or(default.at_once);
    let per_second = section.per_second.unwrap_or(default.per_second);
    within("at_once", u64::try_from(at_once).unwrap_or(u64::MAX))?;
    within("per_second", u64::from(per_second))?;
    Ok(Ladder {
        rungs: times("rungs", section.rungs, &default.rungs)?,
        late: times("late", section.late, &default.late)?,
        at_once,
        per_second,
    })
}

/// `15s`, `3m`, `1h`, `1d`.
fn time(word: &str) -> Option<TimeDelta> {
    let unit = word.chars().next_back().filter(char::is_ascii)?;
    let digits = word.get(..word.len() - 1).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let count: i64 = digits.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let time = TimeDelta::try_seconds(count.checked_mul(seconds)?)?;
    (TimeDelta::seconds(1)..=TimeDelta::days(30)).contains(&time).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_ladders_read_and_keep_the_gateways_pace() {
        let ladders = Ladders::shipped().unwrap();
        let paces = [("paypal", TimeDelta::seconds(15)), ("grabpay", TimeDelta::minutes(2))];
        ladders.check(&paces).unwrap();
        assert_eq!(ladders.of("paypal").rungs[..3], [15, 15, 30].map(TimeDelta::seconds));
        assert_eq!(ladders.of("grabpay").late, ladders.of("none").late, "a missing key is the default's");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let default = "[default]\nrungs = [\"15s\"]\nlate = [\"1h\"]\nat_once = 8\nper_second = 20\n";
        let table = [
            ("", "default"),
            ("[default]\nrungs = []\n", "default.rungs"),
            ("[default]\nrungs = [\"15\"]\n", "default.rungs"),
            ("[default]\nrungs = [\"0s\"]\n", "default.rungs"),
            ("[default]\nlate = [\"31d\"]\n", "default.late"),
            ("[default]\nlate = [\"-1d\"]\n", "default.late"),
            ("[default]\nlate = [\"1µ\"]\n", "default.late"),
            ("[default]\nat_once = 0\n", "default.at_once"),
            ("[default]\nper_second = 5000\n", "default.per_second"),
            ("[default]\nsteps = [\"1s\"]\n", "polling"),
        ];
        for (text, key) in table {
            assert_eq!(Ladders::read(text).unwrap_err().key, key, "{text}");
        }
        let quick = Ladders::read(&format!("{default}[grabpay]\nrungs = [\"2m\", \"90s\"]\n")).unwrap();
        let paces = [("grabpay", TimeDelta::minutes(2))];
        assert!(quick.check(&paces).unwrap_err().to_string().contains("90 s"));
        let stranger = Ladders::read(&format!("{default}[nopay]\n")).unwrap();
        assert_eq!(stranger.check(&paces).unwrap_err().key, "nopay");
    }
}
