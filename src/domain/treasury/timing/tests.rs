use super::*;

const CALENDARS: &str = r#"
    version = "test"
    [[calendar]]
    currency = "SGD"
    from = "2026-01-01"
    until = "2027-12-31"
    holidays = ["2026-12-25", "2027-01-01"]
    source = "test"
    trust = "sample"
    [[calendar]]
    currency = "CNY"
    from = "2026-01-01"
    until = "2026-12-31"
    holidays = ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"]
    working = ["2026-10-10"]
    source = "test"
    trust = "sample"
"#;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

fn timing(cron: &str, zone: &str, rule: HolidayRule, currencies: &[&str]) -> Timing {
    let currencies = currencies.iter().map(|code| Currency::find(code).unwrap()).collect();
    Timing::new(cron, zone, Holidays { rule, currencies }).unwrap()
}

/// `12-24 15:00 +08:00` as wanted, `12-28 15:00 +08:00 for 12-25`, `12-25 skipped`.
fn shown(timing: &Timing, after: &str, count: usize) -> Vec<String> {
    let calendars = Calendars::read("test", CALENDARS).unwrap();
    let day = |day: NaiveDate| day.format("%m-%d").to_string();
    let shown = |dated: Dated| match dated.fate {
        Fate::Runs { due, moved } => {
            let local = due.at.with_timezone(&timing.zone());
            assert_eq!(moved.is_some(), due.date != dated.wanted);
            let of = moved.map_or(String::new(), |_| format!(" for {}", day(dated.wanted)));
            format!("{}{of}", local.format("%m-%d %H:%M %:z"))
        }
        Fate::Skipped { .. } => format!("{} skipped", day(dated.wanted)),
    };
    timing.dates(&calendars, at(after)).take(count).map(shown).collect()
}

#[test]
fn a_time_that_is_left_out_comes_after_the_gap_and_one_that_comes_twice_comes_once() {
    let daily = |zone| timing("30 2 * * *", zone, HolidayRule::Ignore, &[]);
    let table: [(&str, &str, [&str; 3]); 5] = [
        (
            "America/New_York",
            "2026-03-07T12:00:00Z",
            ["03-08 03:00 -04:00", "03-09 02:30 -04:00", "03-10 02:30 -04:00"],
        ),
        (
            "America/New_York",
            "2026-10-31T12:00:00Z",
            ["11-01 02:30 -05:00", "11-02 02:30 -05:00", "11-03 02:30 -05:00"],
        ),
        // Asia's clocks stand still in the very nights.
        (
            "Asia/Singapore",
            "2026-03-07T12:00:00Z",
            ["03-08 02:30 +08:00", "03-09 02:30 +08:00", "03-10 02:30 +08:00"],
        ),
        (
            "Asia/Kathmandu",
            "2026-10-31T12:00:00Z",
            ["11-01 02:30 +05:45", "11-02 02:30 +05:45", "11-03 02:30 +05:45"],
        ),
        (
            "Australia/Lord_Howe",
            "2026-10-02T20:00:00Z",
            ["10-04 02:30 +11:00", "10-05 02:30 +11:00", "10-06 02:30 +11:00"],
        ),
    ];
    for (zone, after, expected) in table {
        assert_eq!(shown(&daily(zone), after, 3), expected, "{zone} {after}");
    }
    // 01:30 comes twice in New York on the first of November: at 05:30Z, and at 06:30Z, when it is no more.
    let twice = timing("30 1 * * *", "America/New_York", HolidayRule::Ignore, &[]);
    assert_eq!(shown(&twice, "2026-11-01T05:00:00Z", 1), ["11-01 01:30 -04:00"]);
    assert_eq!(shown(&twice, "2026-11-01T05:30:00Z", 1), ["11-02 01:30 -05:00"]);
    // Asked for within the gap of an hour, the moment after it is still to come.
    assert_eq!(shown(&daily("America/New_York"), "2026-03-08T06:59:59Z", 1), ["03-08 03:00 -04:00"]);
}

#[test]
fn holidays_leave_out_or_move() {
    let fridays = |rule| timing("0 15 * * 5", "Asia/Singapore", rule, &["SGD"]);
    let after = "2026-12-11T07:00:00Z";
    let table: [(HolidayRule, [&str; 5]); 4] = [
        (
            HolidayRule::Ignore,
            [
                "12-18 15:00 +08:00",
                "12-25 15:00 +08:00",
                "01-01 15:00 +08:00",
                "01-08 15:00 +08:00",
                "01-15 15:00 +08:00",
            ],
        ),
        (
            HolidayRule::Skip,
            [
                "12-18 15:00 +08:00",
                "12-25 skipped",
                "01-01 skipped",
                "01-08 15:00 +08:00",
                "01-15 15:00 +08:00",
            ],
        ),
        (
            HolidayRule::Before,
            [
                "12-18 15:00 +08:00",
                "12-24 15:00 +08:00 for 12-25",
                "12-31 15:00 +08:00 for 01-01",
                "01-08 15:00 +08:00",
                "01-15 15:00 +08:00",
            ],
        ),
        (
            HolidayRule::After,
            [
                "12-18 15:00 +08:00",
                "12-28 15:00 +08:00 for 12-25",
                "01-04 15:00 +08:00 for 01-01",
                "01-08 15:00 +08:00",
                "01-15 15:00 +08:00",
            ],
        ),
    ];
    for (rule, expected) in table {
        assert_eq!(shown(&fridays(rule), after, 5), expected, "{rule:?}");
    }
    // The day before a holiday, an hour after the moved moment: it is behind, and does not come again on the day itself.
    let asked = shown(&fridays(HolidayRule::Before), "2026-12-24T08:00:00Z", 1);
    assert_eq!(asked, ["12-31 15:00 +08:00 for 01-01"]);
}

#[test]
fn dates_that_meet_on_one_day_are_one_and_the_reason_is_told() {
    // China's week and its Saturday at work: six dates, of which four fall upon the ninth day.
    let daily = timing("0 9 * * *", "Asia/Shanghai", HolidayRule::After, &["CNY"]);
    let seen = shown(&daily, "2026-09-30T02:00:00Z", 11);
    assert_eq!(seen[0], "10-08 09:00 +08:00 for 10-01");
    assert_eq!(seen[1..8], [2, 3, 4, 5, 6, 7, 8].map(|day| format!("10-0{day} skipped")));
    assert_eq!(seen[8..], ["10-09 09:00 +08:00", "10-10 09:00 +08:00", "10-12 09:00 +08:00 for 10-11"]);
    let calendars = Calendars::read("test", CALENDARS).unwrap();
    let why = |timing: &Timing, after| {
        let skipped = |dated: Dated| match dated.fate {
            Fate::Runs { .. } => None,
            Fate::Skipped { why } => Some(why),
        };
        timing.dates(&calendars, at(after)).find_map(skipped).unwrap()
    };
    assert_eq!(
        why(&daily, "2026-10-01T02:00:00Z"),
        "another plan of this schedule is due on 2026-10-08 already"
    );
    let both = timing("0 9 * * *", "Asia/Shanghai", HolidayRule::Skip, &["SGD", "CNY"]);
    assert_eq!(why(&both, "2026-09-30T02:00:00Z"), "2026-10-01 is a holiday in CNY");
    assert_eq!(why(&both, "2026-10-09T02:00:00Z"), "2026-10-10 is a weekend day in SGD");
    let day = |text: &str| text.parse().unwrap();
    assert!(
        both.is_covered(&calendars, day("2026-12-31")) && !both.is_covered(&calendars, day("2027-01-04"))
    );
}

#[test]
fn what_is_wrong_is_said_where_and_how_it_is_put_right() {
    let none = Holidays::default;
    let table = [
        ("0 15 * *", "UTC", "cron", "has 4 fields; write minute, hour, day, month, weekday"),
        ("", "UTC", "cron", "has 0 fields"),
        ("@weekly", "UTC", "cron", "has 1 fields"),
        ("0 0 15 * * 5", "UTC", "cron", "has 6 fields"),
        (
            "*/10 15 * * 5",
            "UTC",
            "cron",
            "minute `*/10`: a schedule makes one plan a day; write one number from 0 to 59",
        ),
        ("60 15 * * 5", "UTC", "cron", "minute `60`"),
        ("0 9,15 * * 5", "UTC", "cron", "hour `9,15`"),
        ("0 24 * * 5", "UTC", "cron", "one number from 0 to 23"),
        ("0 +9 * * 5", "UTC", "cron", "hour `+9`"),
        ("0 15 32 * *", "UTC", "cron", "day `32` cannot be read"),
        ("0 15 * 13 *", "UTC", "cron", "month `13` cannot be read"),
        ("0 15 * * FRIDAY", "UTC", "cron", "weekday `FRIDAY` cannot be read"),
        ("0 15 * * 5", "Asia/Singapor", "zone", "did you mean `Asia/Singapore`?"),
        ("0 15 * * 5", "asia/ho chi minh", "zone", "did you mean `Asia/Ho_Chi_Minh`?"),
        ("0 15 * * 5", "Bangkok", "zone", "did you mean `Asia/Bangkok`?"),
        ("0 15 * * 5", "+08:00", "zone", "write one such as `Asia/Singapore`"),
        ("0 15 * * 5", "", "zone", "is no time zone"),
    ];
    for (cron, zone, place, words) in table {
        let refused = Timing::new(cron, zone, none()).unwrap_err();
        assert_eq!(refused.place(), place, "{cron} {zone}: {refused}");
        assert!(refused.to_string().contains(words), "{cron} {zone}: {refused}");
    }
    let nobody = Holidays { rule: HolidayRule::Skip, currencies: vec![] };
    assert_eq!(Timing::new("0 15 * * 5", "UTC", nobody).unwrap_err(), TimingError::NoCurrencies);
    // What never comes has no next date; whoever saves it hears so.
    if let Ok(never) = Timing::new("0 0 30 2 *", "UTC", none()) {
        assert_eq!(never.next(Calendars::shipped(), at("2026-01-01T00:00:00Z")), None);
    }
}

#[test]
fn it_is_written_down_and_read_as_it_was() {
    let timing = timing(" 0  15 L * * ", "Asia/Tokyo", HolidayRule::Before, &["JPY"]);
    assert_eq!(timing.cron(), "0 15 L * *");
    let text = serde_json::to_string(&timing).unwrap();
    assert_eq!(serde_json::from_str::<Timing>(&text).unwrap(), timing);
    assert!(serde_json::from_str::<Timing>(&text.replace("Tokyo", "Edo")).is_err());
}
