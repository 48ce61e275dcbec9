//! Prints how many durable commits the disk under a directory takes: `fsync_rate [directory]`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    println!("{}", lanyard_store::calibrate(directory)?);
    Ok(())
}
