//! Argon2 in memory that is used again. It knows parameters and bytes, and writes what it makes as a PHC string.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use countersign_domain::password::Password;

use super::{HashError, HashParameters, Peppers, encoding};

/// Bytes of a salt that is made here.
pub const SALT: usize = 16;
/// Bytes of a hash that is made here.
pub const OUTPUT: usize = 32;

/// The memory of one worker. It is not wiped between two hashes: that would cost a tenth of each, and the next one
/// overwrites it.
pub struct Memory {
    blocks: Vec<Block>,
    usual: usize,
}

impl Memory {
    /// Memory for hashes of the usual size.
    pub fn new(parameters: HashParameters) -> Self {
        let usual = parameters.memory as usize;
        Self { blocks: vec![Block::new(); usual], usual }
    }

    /// Blocks for one hash.
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::new());
        }
        &mut self.blocks[..count]
    }

    /// The blocks that are held now.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.blocks.capacity()
    }

    /// Gives back what a larger hash needed.
    pub fn shrink(&mut self) {
        if self.blocks.len() > self.usual {
            self.blocks.truncate(self.usual);
            self.blocks.shrink_to_fit();
        }
    }
}

/// One computation.
#[derive(Debug)]
pub struct Task<'a> {
    /// Argon2d, i or id.
    pub algorithm: Algorithm,
    /// 1.0 or 1.3.
    pub version: Version,
    /// What it costs.
    pub parameters: HashParameters,
    /// The salt.
    pub salt: &'a [u8],
}

impl Task<'_> {
    /// Fills `output` with the hash of `input`.
    pub fn run(&self, input: &[u8], output: &mut [u8], memory: &mut Memory) -> Result<(), HashError> {
        let HashParameters { memory: size, passes, lanes } = self.parameters;
        let params =
            Params::new(size, passes, lanes, Some(output.len())).map_err(|_| HashError::Malformed)?;
        let blocks = memory.blocks(params.block_count());
        Argon2::new(self.algorithm, self.version, params)
            .hash_password_into_with_memory(input, self.salt, output, blocks)
            .map_err(|_| HashError::Malformed)
    }
}

/// A new hash as a PHC string, under the current pepper.
pub fn make(
    password: &Password,
    salt: &[u8; SALT],
    parameters: HashParameters,
    peppers: &Peppers,
    memory: &mut Memory,
) -> Result<String, HashError> {
    let number = peppers.current();
    let input = peppers.apply(number, password).ok_or(HashError::PepperMissing)?;
    let task = Task { algorithm: Algorithm::Argon2id, version: Version::V0x13, parameters, salt };
    let mut output = [0; OUTPUT];
    task.run(input.bytes(), &mut output, memory)?;
    Ok(write(salt, &output, parameters, number))
}

/// A hash as a PHC string.
pub fn write(salt: &[u8; SALT], output: &[u8; OUTPUT], parameters: HashParameters, pepper: u32) -> String {
    let HashParameters { memory, passes, lanes } = parameters;
    let [salt, output, pepper] = [&salt[..], output, &pepper.to_be_bytes()].map(encoding::base64);
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes},keyid={pepper}${salt}${output}")
}
