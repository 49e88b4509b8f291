//! Randomness as an argument. The wired server passes the operating system's generator; tests pass a seeded one.

/// A source of uniformly random bytes, fit for secrets.
pub trait Random {
    /// Fills the whole of `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);

    /// An array of random bytes.
    fn bytes<const N: usize>(&mut self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// A uniformly random number below `bound` (1 to 256), by rejection: no value is favoured.
pub fn below(random: &mut dyn Random, bound: usize) -> usize {
    debug_assert!((1..=256).contains(&bound));
    let fair = 256 - 256 % bound;
    loop {
        let mut byte = [0];
        random.fill(&mut byte);
        let drawn = usize::from(byte[0]);
        if drawn < fair {
            return drawn % bound;
        }
    }
}
