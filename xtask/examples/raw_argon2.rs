//! How many hashes of the least cost that is sound (19 MiB, two passes) Argon2 makes in a second on one core, built for
//! speed alone: what signing in with a password is measured against. Prints one figure; the argument is for how many
//! milliseconds it goes on.
#![expect(clippy::print_stdout, reason = "the figure is what it is for")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

fn main() -> anyhow::Result<()> {
    let long = std::env::args().nth(1).map_or(Ok(2_000), |text| text.parse())?;
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut memory = vec![Block::new(); params.block_count()];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (began, mut hashes) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_millis(long) {
        let mut output = [0; 32];
        argon
            .hash_password_into_with_memory(black_box(&[7; 32]), &[9; 16], &mut output, &mut memory)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        black_box(output);
        hashes += 1;
    }
    println!("{}", f64::from(hashes) / began.elapsed().as_secs_f64());
    Ok(())
}
