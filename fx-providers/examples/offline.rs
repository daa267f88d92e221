//! Reads recorded answers, without a network, and prints what they say: which way round, how old, to which digit.

use fx_providers::{Quoted, RateSet, bnm, ecb, exchangerate_api};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = "2026-10-30T16:00:00Z".parse()?;
    print(&ecb::read(include_str!("../fixtures/ecb-eurofxref-hist-3days.xml"), now)?);
    print(&exchangerate_api::read_open(include_bytes!("../fixtures/open-er-api-latest.json"), now)?);
    print(&bnm::read(include_bytes!("../fixtures/bnm-session.json"), now)?);
    Ok(())
}

fn print(sets: &[RateSet]) {
    for set in sets {
        println!("{} as of {}, published {}", set.provider, set.as_of, set.published_at);
        for (code, rate) in &set.rates {
            match set.quoted {
                Quoted::UnitsPerBase => println!("  1 {} = {rate} {code}", set.base),
                Quoted::BasePerUnit => println!("  1 {code} = {rate} {}", set.base),
            }
        }
    }
}
