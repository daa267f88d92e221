//! Cases of reading what the gateway says it moved.

use std::io::Cursor;
use std::sync::Arc;

use chrono::NaiveDate;
use straits::domain::reconciliation::{BillKind, BillLine};
use straits::gateways::bills::{BillError, Way, bounds};
use straits::gateways::{Gateway, GatewayError};

use super::bench::{Bench, Call, Fault, Wrong, cases};
use super::line::Reply;

cases![
    bill_of_a_day_names_every_movement,
    bill_of_an_empty_day_is_empty,
    bill_of_many_pages_comes_whole,
    bill_handed_in_as_a_file_reads_alike,
    bill_word_of_tomorrow_is_unknown_and_its_money_real,
    bill_of_another_account_is_refused,
    bill_that_breaks_off_is_none,
    bill_instead_of_which_a_page_comes_is_none,
    bill_throttled_is_told,
    bill_without_a_connection_is_not_sent,
    bill_file_cut_short_is_none,
    bill_file_in_another_encoding_is_none,
    bill_file_with_a_formula_for_a_reference_is_none,
    bill_file_with_a_line_without_end_is_none,
];

pub const DAY: NaiveDate = match NaiveDate::from_ymd_opt(2026, 11, 18) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

pub async fn pull(gateway: &Arc<dyn Gateway>) -> Result<Vec<BillLine>, BillError> {
    let bills = gateway.bills().unwrap();
    let mut lines = Vec::new();
    match bills.way() {
        Way::Pages => {
            let mut from = None;
            loop {
                let page = bills.page(DAY, from).await?;
                lines.extend(page.lines);
                from = page.next;
                if from.is_none() {
                    return Ok(lines);
                }
            }
        }
        Way::File => {
            let mut file = Vec::new();
            bills.download(DAY, &mut file).await?;
            bills.read(Box::new(Cursor::new(file))).collect()
        }
        Way::ByHand => panic!("the bench gives every account a way"),
    }
}

fn read(bench: &Bench, file: Vec<u8>) -> Result<Vec<BillLine>, BillError> {
    bench.gateway.bills().unwrap().read(Box::new(Cursor::new(file))).collect()
}

fn is_none<T: std::fmt::Debug>(read: &Result<T, BillError>) -> bool {
    matches!(read, Err(BillError::Malformed { .. } | BillError::Trailer(_) | BillError::TooLarge { .. }))
}

async fn bill_of_a_day_names_every_movement(bench: Bench) {
    bench.far().put("bill/3");
    let lines = pull(&bench.gateway).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.gross, line.net())).collect();
    assert_eq!(told, bench.far().billed(3));
    let zone = bench.gateway.bills().unwrap().zone();
    let (begins, ends) = bounds(DAY, zone);
    assert!(lines.iter().all(|line| (begins..ends).contains(&line.at)), "{lines:?}");
    assert_eq!(lines[0].our_ref.as_deref(), Some(super::bench::PAYMENT_REF));
    let hashes: std::collections::BTreeSet<_> = lines.iter().map(|line| line.hash).collect();
    assert_eq!(hashes.len(), lines.len(), "each line is its own evidence");
}

async fn bill_of_an_empty_day_is_empty(bench: Bench) {
    bench.far().put("bill/0");
    assert_eq!(pull(&bench.gateway).await.unwrap(), []);
}

async fn bill_of_many_pages_comes_whole(bench: Bench) {
    bench.far().put("bill/1201");
    let lines = pull(&bench.gateway).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.gross, line.net())).collect();
    assert_eq!(told, bench.far().billed(1201));
}

async fn bill_handed_in_as_a_file_reads_alike(bench: Bench) {
    bench.far().put("bill/40");
    let pulled = pull(&bench.gateway).await.unwrap();
    let file = bench.far().bill_file();
    let told = |lines: &[BillLine]| -> Vec<_> {
        let facts = |line: &BillLine| {
            (line.gateway_ref.clone(), line.kind.clone(), line.our_ref.clone(), line.net(), line.at)
        };
        lines.iter().map(facts).collect()
    };
    assert_eq!(told(&read(&bench, file).unwrap()), told(&pulled));
}

async fn bill_word_of_tomorrow_is_unknown_and_its_money_real(bench: Bench) {
    bench.far().put("bill/2");
    bench.far().put("bill_word/Z9999");
    let lines = pull(&bench.gateway).await.unwrap();
    assert_eq!(lines[0].kind, BillKind::Unknown { raw: "Z9999".into() });
    assert_eq!(lines[0].net(), bench.far().billed(2)[0].2);
}

async fn bill_of_another_account_is_refused(bench: Bench) {
    bench.far().put("bill/2");
    bench.far().name_wrongly(Wrong::Merchant);
    let refused = pull(&bench.gateway).await;
    assert!(matches!(refused, Err(BillError::OtherAccount { .. })), "{refused:?}");
    let file = bench.far().bill_file();
    let refused = read(&bench, file);
    assert!(matches!(refused, Err(BillError::OtherAccount { .. })), "{refused:?}");
}

async fn bill_that_breaks_off_is_none(bench: Bench) {
    bench.far().put("bill/30");
    for fault in [Fault::CutShort, Fault::AnswerLost, Fault::LostOnTheWay] {
        bench.fault(Call::Bill, fault.clone());
        let broken = pull(&bench.gateway).await;
        assert!(
            matches!(broken, Err(BillError::Gateway(GatewayError::OutcomeUnknown(_)))),
            "{fault:?}: {broken:?}"
        );
    }
    assert_eq!(pull(&bench.gateway).await.unwrap().len(), 30, "and then it is there");
}

async fn bill_instead_of_which_a_page_comes_is_none(bench: Bench) {
    let page = Reply::of(200, "text/html", "<html><title>Maintenance</title></html>");
    bench.fault(Call::Bill, Fault::Refused(page));
    let read = pull(&bench.gateway).await;
    let unknown = matches!(read, Err(BillError::Gateway(GatewayError::OutcomeUnknown(_))));
    assert!(unknown || is_none(&read), "{read:?}");
}

async fn bill_throttled_is_told(bench: Bench) {
    bench.fault(Call::Bill, Fault::Refused(Reply::of(429, "text/plain", "")));
    let read = pull(&bench.gateway).await;
    assert!(matches!(read, Err(BillError::Gateway(GatewayError::Throttled { .. }))), "{read:?}");
}

async fn bill_without_a_connection_is_not_sent(bench: Bench) {
    let read = pull(&bench.unreachable).await;
    assert!(matches!(read, Err(BillError::Gateway(GatewayError::NotSent(_)))), "{read:?}");
}

async fn bill_file_cut_short_is_none(bench: Bench) {
    bench.far().put("bill/5");
    let file = bench.far().bill_file();
    assert_eq!(read(&bench, file.clone()).unwrap().len(), 5);
    for keep in [0, 1, file.len() / 2, file.len() - 9] {
        let cut = read(&bench, file[..keep].to_vec());
        assert!(is_none(&cut), "{keep}: {cut:?}");
    }
}

async fn bill_file_in_another_encoding_is_none(bench: Bench) {
    bench.far().put("bill/5");
    let file = bench.far().bill_file();
    let wide: Vec<u8> = file.iter().flat_map(|byte| [*byte, 0]).collect();
    let mut gbk = file.clone();
    gbk.splice(40..41, [0xC4, 0xE3]);
    for (why, bytes) in [("UTF-16", wide), ("GBK", gbk)] {
        let refused = read(&bench, bytes);
        assert!(is_none(&refused), "{why}: {refused:?}");
    }
}

async fn bill_file_with_a_formula_for_a_reference_is_none(bench: Bench) {
    bench.far().put("bill/5");
    let file = String::from_utf8(bench.far().bill_file()).unwrap();
    let id = read(&bench, file.clone().into_bytes()).unwrap()[4].gateway_ref.clone();
    for formula in ["=1+1", "+1", "@SUM(A1)", "-2+3"] {
        let refused = read(&bench, file.replacen(&id, formula, 1).into_bytes());
        assert!(is_none(&refused), "{formula}: {refused:?}");
    }
}

async fn bill_file_with_a_line_without_end_is_none(bench: Bench) {
    bench.far().put("bill/5");
    let mut file = bench.far().bill_file();
    file.extend(std::iter::repeat_n(b'x', 100_000));
    let refused = read(&bench, file);
    assert!(is_none(&refused), "{refused:?}");
}
