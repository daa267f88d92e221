use super::*;

#[test]
fn every_row_of_the_file_is_a_locale() {
    let rows = rows(include_str!("../../../../config/text/locales.csv")).count() - 1;
    assert_eq!((Locale::all().count(), Locale::english().tag()), (rows, "en"));
}

#[test]
fn no_text_needs_an_escape_in_json() {
    for currency in Currency::all() {
        for mark in [CurrencyMark::Symbol, CurrencyMark::Narrow, CurrencyMark::Code] {
            for money in [-123_456_789, 123_456_789].map(|minor| Money::from_minor(minor, currency)) {
                let mut texts = Locale::all().map(|locale| locale.write_with(money, mark));
                let plain = |text: &String| {
                    !text.contains(|letter: char| letter < ' ' || letter == '"' || letter == '\\')
                };
                assert_eq!(texts.find(|text| !plain(text)), None);
            }
        }
    }
}

/// Expected texts: what `Intl.NumberFormat(locale, {style: "currency", currency})` writes with the same CLDR.
#[test]
fn amounts_as_cldr_writes_them() {
    for (locale, amount, currency, expected) in [
        ("th", "713.40", "THB", "฿713.40"),
        ("en", "713.40", "THB", "THB\u{a0}713.40"),
        ("en", "1234567.50", "USD", "$1,234,567.50"),
        ("en-SG", "12.30", "SGD", "$12.30"),
        ("en-SG", "12.30", "USD", "US$12.30"),
        ("en", "12.30", "SGD", "SGD\u{a0}12.30"),
        ("zh-CN", "1234.50", "CNY", "¥1,234.50"),
        ("zh-CN", "1234", "JPY", "JP¥1,234"),
        ("zh-TW", "1234.00", "TWD", "$1,234.00"),
        ("ms", "1234.50", "MYR", "RM\u{a0}1,234.50"),
        ("id", "20000.00", "IDR", "Rp\u{a0}20.000"),
        ("vi", "1234567", "VND", "1.234.567\u{a0}₫"),
        ("fil", "1234.50", "PHP", "₱1,234.50"),
        ("ja", "1234567", "JPY", "￥1,234,567"),
        ("ja", "12.00", "CNY", "元\u{a0}12.00"),
        ("ko", "1234567", "KRW", "₩1,234,567"),
        ("hi", "1234567.00", "INR", "₹12,34,567.00"),
        ("de", "1234.50", "EUR", "1.234,50\u{a0}€"),
        ("fr", "1234567.50", "EUR", "1\u{202f}234\u{202f}567,50\u{a0}€"),
        ("fr", "12.00", "USD", "12,00\u{a0}$US"),
        ("en", "-5.00", "USD", "-$5.00"),
        ("en", "0.00", "USD", "$0.00"),
        ("en", "1.234", "KWD", "KWD\u{a0}1.234"),
        ("id", "20000.50", "IDR", "Rp\u{a0}20.000,50"),
        ("hi", "123.00", "INR", "₹123.00"),
        ("es", "1234.50", "EUR", "1234,50\u{a0}€"),
        ("es", "12345.50", "EUR", "12.345,50\u{a0}€"),
        ("de-CH", "-1234.50", "CHF", "CHF-1'234.50"),
        ("de-AT", "1234.50", "EUR", "€\u{a0}1.234,50"),
        ("zh-SG", "12.30", "SGD", "$12.30"),
        ("zh-SG", "12.30", "CNY", "CN¥12.30"),
        ("en-ZA", "1234.50", "ZAR", "R\u{a0}1\u{a0}234,50"),
        ("es-CL", "1234", "CLP", "$1.234"),
        ("en-IE", "12.30", "USD", "US$12.30"),
        ("nl", "-1234.50", "EUR", "€\u{a0}-1.234,50"),
        ("sv", "-1234.50", "SEK", "\u{2212}1\u{a0}234,50\u{a0}kr"),
    ] {
        let money = Money::parse(amount, Currency::find(currency).unwrap()).unwrap();
        assert_eq!(Locale::find(locale).unwrap().write(money), expected);
    }
}

#[test]
fn tags_find_their_locale() {
    for (tag, expected) in [
        ("th-TH", Some("th")),
        ("en-SG", Some("en-SG")),
        ("en-GB", Some("en-GB")),
        ("en-US", Some("en")),
        ("en-ZA", Some("en-ZA")),
        ("en-IE", Some("en-IE")),
        ("en-BW", Some("en")),
        ("de-AT", Some("de-AT")),
        ("de-LI", Some("de-LI")),
        ("de-LU", Some("de")),
        ("it-CH", Some("it-CH")),
        ("nl-BE", Some("nl")),
        ("ms-SG", Some("ms-SG")),
        ("zh-SG", Some("zh-SG")),
        ("zh-Hans-HK", Some("zh-CN")),
        ("zh", Some("zh-CN")),
        ("zh-Hans-SG", Some("zh-SG")),
        ("zh-Hant", Some("zh-TW")),
        ("zh-HK", Some("zh-HK")),
        ("ZH_hant_hk", Some("zh-HK")),
        ("zh-Hant-MY", Some("zh-TW")),
        ("tl", Some("fil")),
        ("pt-BR", Some("pt-BR")),
        ("pt-AO", Some("pt-AO")),
        ("pt-CV", Some("pt-PT")),
        ("es-AR", Some("es-AR")),
        ("es-CL", Some("es-CL")),
        ("es-CO", Some("es-CO")),
        ("es-PE", Some("es-PE")),
        ("es-CU", Some("es-MX")),
        ("es-PR", Some("es-US")),
        // Extensions hold no region.
        ("es-u-co-trad", Some("es")),
        ("en-x-ZA", Some("en")),
        ("de-AT-u-ca-gregory", Some("de-AT")),
        ("es-ES", Some("es")),
        ("fr-BE", Some("fr")),
        ("ar", None),
        ("my-MM", None),
        ("", None),
        ("*", None),
    ] {
        assert_eq!(Locale::find(tag).map(Locale::tag), expected, "{tag}");
    }
}
