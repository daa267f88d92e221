//! What a reader sees and copies, by poppler's `pdftotext` and `pdffonts`, which are no relations of the writer.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use statement_pdf::{Align, Column, Document, Fact, PdfError, Time};

const NAMES: [&str; 16] = [
    "深圳市腾讯计算机系统有限公司",
    "臺灣積體電路製造股份有限公司",
    "บริษัท น้ำตาลกรุงเทพ จำกัด (มหาชน)",
    "Nguyễn Thị Ánh Ngọc Phượng",
    "Ωμέγα Θεσσαλονίκη",
    "ООО «Щёлково»",
    "王喆玥 & Söhne GmbH",
    "株式会社さくらカフェ",
    "Zażółć gęślą jaźń",
    "香港上海滙豐銀行 衞生署 深水埗 鰂魚涌",
    "陳瑋 王旻 李瑀 林峯 黃昉 何彧 張瑄 周彣 劉沄",
    "囍帖街 裏面嘅嘢 啲貨 食咗",
    "주식회사 카카오 꽃집",
    "嗱㗎啡 冧把",
    "䶮玥 𬭚生 𫖯仰 㛃",
    "𠮷野家 𠝹房 𡃁仔",
];

fn document(rows: Vec<Vec<String>>) -> Document {
    Document {
        title: "Statement 17".into(),
        facts: vec![],
        columns: vec![Column::new("What", 3, Align::Left), Column::new("Amount", 1, Align::Right)],
        rows,
        sums: vec![Fact::new("Closing balance", "SGD 85.10")],
        notes: vec![],
        made_at: Time { year: 2026, month: 11, day: 28, hour: 9, minute: 30, second: 0 },
    }
}

/// What a program of poppler's says of a file; `None`, with a word on it, where poppler is not installed.
fn poppler(program: &str, arguments: &[&str], pdf: &[u8]) -> Option<String> {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: {program} is missing; tests/run installs poppler-utils");
        return None;
    };
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

fn text_of(pdf: &[u8]) -> Option<String> {
    poppler("pdftotext", &["-layout", "-", "-"], pdf)
}

#[test]
fn names_of_many_scripts_are_read_back() {
    let rows = NAMES.iter().map(|name| vec![(*name).to_owned(), "1.00".to_owned()]).collect();
    let pdf = document(rows).render().unwrap();
    assert!(pdf.missing.is_empty(), "{:?}", pdf.missing);
    let Some(text) = text_of(&pdf.bytes) else { return };
    for name in NAMES {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    let fonts = poppler("pdffonts", &["-"], &pdf.bytes).unwrap();
    for font in fonts.lines().skip(2) {
        let words: Vec<&str> = font.split_whitespace().collect();
        // embedded, a subset, with its Unicode texts
        assert_eq!(words[words.len() - 5..words.len() - 2], ["yes", "yes", "yes"], "{font}");
    }
}

#[test]
fn letters_from_right_to_left_are_read_back() {
    let names = ["שלום עולם", "شركة الشرق للتجارة"];
    let rows = names.iter().map(|name| vec![(*name).to_owned(), "1.00".to_owned()]).collect();
    let pdf = document(rows).render().unwrap();
    assert!(pdf.missing.is_empty(), "{:?}", pdf.missing);
    let Some(text) = text_of(&pdf.bytes) else { return };
    for name in names {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

#[test]
fn what_no_font_has_is_spelled_out_and_said() {
    // An emoji of several characters, a letter-turner, an ideograph that Noto Sans has not, Devanagari.
    let rows = vec![vec!["a👩\u{200d}🚀b \u{202e}gpj.exe 𪛖 अआ".to_owned(), "1.00".to_owned()]];
    let pdf = document(rows).render().unwrap();
    let missing: String = pdf.missing.iter().collect();
    assert_eq!(missing, "अआ\u{200d}\u{202e}👩🚀𪛖");
    let Some(text) = text_of(&pdf.bytes) else { return };
    let shown = "a[U+1F469 U+200D U+1F680]b [U+202E]gpj.exe [U+2A6D6] [U+0905 U+0906]";
    assert!(text.contains(shown), "{text}");
    assert!(text.contains("by their numbers in Unicode"), "{text}");
}

/// A system that writes names in parts: letters that make a syllable are that syllable.
#[test]
fn hangul_in_parts_is_hangul() {
    let rows = vec![vec!["\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}".to_owned(), "1.00".to_owned()]];
    let pdf = document(rows).render().unwrap();
    assert!(pdf.missing.is_empty(), "{:?}", pdf.missing);
}

#[test]
fn long_names_are_broken_and_long_numbers_are_not() {
    let (word, number) =
        ("Ab1".repeat(200), "-92233720368547758.07 and far more digits than any amount has".to_owned());
    let rows = vec![
        vec![word.clone(), number.clone()],
        vec!["汉".repeat(300), "1".into()],
        vec![String::new(), "2".into()],
    ];
    let pdf = document(rows).render().unwrap();
    let Some(text) = text_of(&pdf.bytes) else { return };
    assert!(text.contains(&number), "{text}");
    let letters: String = text.chars().filter(|letter| "Ab1".contains(*letter)).collect();
    assert!(letters.contains(&word[..150]), "{text}");
    assert_eq!(text.matches('汉').count(), 300);
}

#[test]
fn a_long_table_has_its_heads_on_every_page_and_loses_no_row() {
    let rows = (0..200).map(|row| vec![format!("row-{row:03}"), format!("{row}.00")]).collect();
    let pdf = document(rows).render().unwrap();
    assert!(pdf.pages > 3, "{pdf:?}");
    let Some(text) = text_of(&pdf.bytes) else { return };
    for row in 0..200 {
        let name = format!("row-{row:03}");
        let line = text.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{name} is lost"));
        assert!(line.trim_end().ends_with(&format!(" {row}.00")), "{line}");
    }
    let pages: Vec<&str> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    assert_eq!(pages.len(), pdf.pages);
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", index + 1, pdf.pages)), "{page}");
        assert_eq!(page.matches("Statement 17").count(), 1, "{page}");
        let head = page.lines().any(|line| line.contains("What") && line.contains("Amount"));
        assert!(head || !page.contains("row-"), "{page}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let one = document(vec![vec![NAMES.join(" "), "1.00".to_owned()]]);
    assert_eq!(one.render().unwrap().bytes, one.render().unwrap().bytes);
    let columns = vec![Column::new("What", 0, Align::Left)];
    assert!(matches!(Document { columns, ..one }.render(), Err(PdfError::NoColumns)));
}
