//! Answers a presentation request: `cargo run -p lanyard-examples --bin answer_request LINK`.
//!
//! Take a credential with `accept_offer` first; make a request on the demo's page *Verify*, and copy the
//! link.

mod demo_wallet;

use std::{env, error::Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let link = env::args().nth(1).ok_or("give the request's link")?;
    let wallet = demo_wallet::open().await?;

    // who asks, and how that is known, comes before what is asked for
    let request = wallet.read_request(&link).await?;
    println!("asked by {:?}", request.verifier());

    // there is no answer without a consent, and only choices make one
    let choices = request.choices()?;
    let least = choices.smallest();
    let consent = choices.approve(&least)?;
    for approved in consent.approved() {
        for claim in &approved.disclose {
            println!("discloses {claim}");
        }
    }
    println!("the verifier replied: {:?}", request.answer(consent).await?);
    Ok(())
}
