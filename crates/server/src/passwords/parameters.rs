//! What a hash costs. It knows the least that is still sound, and no machine.

/// Least memory in KiB: 19 MiB, with at least two passes (OWASP, and property 25).
pub const LEAST_MEMORY: u32 = 19 * 1024;
/// Most memory in KiB of one hash: 1 GiB.
pub const MOST_MEMORY: u32 = 1024 * 1024;
/// Memory in KiB from which one pass is enough.
const ONE_PASS_MEMORY: u32 = 46 * 1024;
/// Most passes over the memory.
const MOST_PASSES: u32 = 16;
/// Most lanes. A lane is no thread here: one hash is one thread's work.
const MOST_LANES: u32 = 4;

/// What an Argon2id hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParameters {
    /// Memory in KiB.
    pub(super) memory: u32,
    /// Passes over the memory.
    pub(super) passes: u32,
    /// Lanes.
    pub(super) lanes: u32,
}

/// Parameters that are too weak or out of all reason. The text says what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The memory.
    #[error("memory: 19456 KiB (19 MiB) to 1048576 KiB (1 GiB)")]
    Memory,
    /// The passes.
    #[error("passes: 2 to 16; 1 from 47104 KiB (46 MiB) of memory on")]
    Passes,
    /// The lanes.
    #[error("lanes: 1 to 4")]
    Lanes,
}

impl Default for HashParameters {
    fn default() -> Self {
        Self { memory: LEAST_MEMORY, passes: 2, lanes: 1 }
    }
}

impl HashParameters {
    /// Hardly any cost at all: what is hashed with it anybody can guess. For measuring all that is not hashing; no
    /// setting and no stored hash leads here.
    pub const UNSOUND: Self = Self { memory: 8, passes: 1, lanes: 1 };

    /// Parameters that are at least 19 MiB, two passes, one lane, or 46 MiB and one pass.
    ///
    /// # Errors
    /// [`ParameterError`] names the one that is out of its range.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParameterError> {
        if memory_kib < LEAST_MEMORY || memory_kib > MOST_MEMORY {
            return Err(ParameterError::Memory);
        }
        let least_passes = if memory_kib >= ONE_PASS_MEMORY { 1 } else { 2 };
        if passes < least_passes || passes > MOST_PASSES {
            return Err(ParameterError::Passes);
        }
        if lanes == 0 || lanes > MOST_LANES {
            return Err(ParameterError::Lanes);
        }
        Ok(Self { memory: memory_kib, passes, lanes })
    }

    /// Memory of one hash in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }
}

#[cfg(test)]
mod tests {
    use super::{HashParameters, ParameterError};

    #[test]
    fn p25_nothing_below_the_least_is_taken() {
        let cases = [
            ((19_456, 2, 1), None),
            ((47_104, 1, 1), None),
            ((65_536, 3, 4), None),
            ((1_048_576, 16, 4), None),
            ((19_455, 2, 1), Some(ParameterError::Memory)),
            ((1_048_577, 2, 1), Some(ParameterError::Memory)),
            ((47_103, 1, 1), Some(ParameterError::Passes)),
            ((65_536, 0, 1), Some(ParameterError::Passes)),
            ((65_536, 17, 1), Some(ParameterError::Passes)),
            ((65_536, 2, 0), Some(ParameterError::Lanes)),
            ((65_536, 2, 5), Some(ParameterError::Lanes)),
        ];
        for ((memory, passes, lanes), expected) in cases {
            assert_eq!(
                HashParameters::new(memory, passes, lanes).err(),
                expected,
                "{memory}/{passes}/{lanes}"
            );
        }
    }
}
