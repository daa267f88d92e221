//! `cargo run -p statement-pdf --example statement > statement.pdf`

use std::io::Write as _;

use statement_pdf::{Align, Column, Document, Fact, Time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let suppliers = [
        "深圳市腾讯计算机系统有限公司",
        "บริษัท จำกัด (มหาชน)",
        "Nguyễn Thị Ánh",
        "주식회사 카카오",
        "שלום עולם 123",
        "شركة الشرق",
        "Café 😀",
    ];
    let row = |(number, name): (usize, &&str)| {
        vec![format!("2026-11-{:02}", number + 1), (*name).to_owned(), format!("{}.00", number * 10)]
    };
    let document = Document {
        title: "Statement 17".into(),
        facts: vec![
            Fact::new("Issued by", "Chiang Mai Market Pte. Ltd."),
            Fact::new("For", suppliers.join(" · ")),
        ],
        columns: vec![
            Column::new("Booked", 1, Align::Left),
            Column::new("What", 5, Align::Left),
            Column::new("Amount", 1, Align::Right),
        ],
        rows: suppliers.iter().enumerate().map(row).collect(),
        sums: vec![Fact::new("Closing balance", "SGD 150.00")],
        notes: vec!["Booking dates are those of Asia/Singapore.".into()],
        made_at: Time { year: 2026, month: 11, day: 28, hour: 9, minute: 30, second: 0 },
    };
    let pdf = document.render()?;
    eprintln!("{pdf:?}: {:?}", pdf.missing);
    std::io::stdout().write_all(&pdf.bytes)?;
    Ok(())
}
