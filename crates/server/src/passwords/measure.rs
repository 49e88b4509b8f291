//! How long a hash takes on this machine, and what it may cost so that it takes neither too little nor too long. It
//! knows no configuration.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Version};

use super::{
    HashError, HashParameters,
    argon::{Memory, OUTPUT, SALT, Task},
};

/// The longest that a person should wait for one hash.
pub const LONGEST: Duration = Duration::from_millis(250);
/// From here on a hash is worth calling slow for who guesses.
pub const WORTH: Duration = Duration::from_millis(100);
/// Memory of one hash in KiB, from the least: what is tried for a proposal, each with two passes.
const STEPS: [u32; 8] = [19_456, 32_768, 47_104, 65_536, 98_304, 131_072, 196_608, 262_144];
/// Hashes of which the quickest counts: the others show what else the machine was doing.
const ROUNDS: usize = 3;

/// A cost, and the time that it takes here.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// What a hash costs.
    pub parameters: HashParameters,
    /// How long one takes on one thread.
    pub time: Duration,
}

/// Measures a cost.
///
/// # Errors
/// [`HashError`] for parameters that Argon2 itself does not take.
pub fn measure(parameters: HashParameters) -> Result<Measured, HashError> {
    let mut memory = Memory::new(parameters);
    let task = Task { algorithm: Algorithm::Argon2id, version: Version::V0x13, parameters, salt: &[0; SALT] };
    let mut time = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        task.run(&[0; 32], &mut [0; OUTPUT], &mut memory)?;
        time = time.min(began.elapsed());
    }
    Ok(Measured { parameters, time })
}

/// The largest memory with which a hash takes no longer than `longest`, and no more than `most_kib`; the least that is
/// sound where even that takes longer.
///
/// # Errors
/// Those of [`measure`].
pub fn propose(longest: Duration, most_kib: u32) -> Result<Measured, HashError> {
    let mut best = measure(HashParameters::default())?;
    for memory in STEPS.into_iter().skip(1).take_while(|memory| *memory <= most_kib) {
        // Time goes with memory: what would take far too long is not tried.
        let expected = best.time.mul_f64(f64::from(memory) / f64::from(best.parameters.memory_kib()));
        let Ok(parameters) = HashParameters::new(memory, 2, 1) else { break };
        if expected > longest.mul_f64(1.5) {
            break;
        }
        let measured = measure(parameters)?;
        if measured.time > longest {
            break;
        }
        best = measured;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HashParameters, measure, propose};

    #[test]
    fn p25_a_proposal_is_never_below_the_least_and_never_above_what_there_is() {
        let least = HashParameters::default();
        assert_eq!(propose(Duration::ZERO, u32::MAX).unwrap().parameters, least);
        assert_eq!(propose(Duration::MAX, 20_000).unwrap().parameters, least);
        let more = propose(Duration::from_secs(60), 32_768).unwrap();
        assert_eq!(more.parameters, HashParameters::new(32_768, 2, 1).unwrap());
        assert!(measure(least).unwrap().time > Duration::ZERO);
    }
}
