//! Reads a recorded answer of the ECB and prints what one euro bought.

use fx_providers::ecb;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = include_str!("../fixtures/ecb-eurofxref-hist-3days.xml");
    for set in ecb::read(answer, "2026-10-30T16:00:00Z".parse()?)? {
        println!("{}", set.as_of);
        for (code, rate) in &set.rates {
            println!("  1 {} = {rate} {code}", set.base);
        }
    }
    Ok(())
}
