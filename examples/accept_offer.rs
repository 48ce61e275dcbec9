//! Accepts a credential offer: `cargo run -p lanyard-examples --bin accept_offer LINK [TX_CODE]`.
//!
//! Start `lanyard demo` in the same folder, make an offer on its page *Issue*, and copy the link.

mod demo_wallet;

use std::{env, error::Error};

use lanyard_wallet::Offer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let link = env::args().nth(1).ok_or("give the offer's link")?;
    let tx_code = env::args().nth(2);
    let wallet = demo_wallet::open().await?;

    // nothing was sent to the issuer's endpoints yet: the holder looks first
    let offer = match wallet.read_offer(&link).await? {
        Offer::PreAuthorized(offer) => offer,
        Offer::AuthorizationCode(_) => return Err("this offer wants its holder to log in".into()),
    };
    let review = offer.review();
    for credential in &review.credentials {
        println!("{} offers: {}", review.issuer, credential.face.name);
    }

    // a fresh key for each copy, every copy verified, then stored
    let cards = offer.accept(tx_code.as_deref()).await?;
    println!("{} in the wallet", cards.len());
    Ok(())
}
