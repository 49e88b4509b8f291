//! A filter of hashes on a disk: a Golomb-coded set in buckets. A question reads one bucket, some hundred bytes, and
//! nothing is held in memory. It knows hashes, not what they are of.
//!
//! Each hash is shrunk to a number below `count * 2^bits`, in order; a bucket holds the differences between neighbours,
//! which are `2^bits` on average, as Rice codes of `bits + 1.5` bits. A hash that is not in the set is taken for one
//! that is once in `2^bits` questions.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path};

use super::Sha1;

/// The first bytes of a filter and the version of its form.
pub(super) const MAGIC: [u8; 8] = *b"CSPWSET1";
/// Bytes before the index: magic, bits, buckets as a power of two, count.
pub(super) const HEADER: u64 = 24;
/// Most bytes of a bucket. Hashes spread evenly: one this large is no hash's.
const LARGEST_BUCKET: u64 = 64 * 1024;

/// Why a filter is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The disk.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Another file, or a damaged one.
    #[error("this is no filter of passwords: make one with `countersign passwords build-filter`")]
    Form,
}

/// How hashes lie in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many hashes.
    pub count: u64,
    /// One in `2^bits` is found wrongly.
    pub bits: u32,
    /// There are `2^bucket_bits` buckets.
    pub bucket_bits: u32,
}

impl Shape {
    /// The bucket of a hash.
    pub fn bucket(self, hash: u64) -> u64 {
        hash.checked_shr(64 - self.bucket_bits).unwrap_or_default()
    }

    /// What a hash is shrunk to. A larger hash never gives a smaller number.
    pub fn number(self, hash: u64) -> u64 {
        let range = u128::from(self.count) << self.bits;
        u64::try_from((u128::from(hash) * range) >> 64).unwrap_or(u64::MAX)
    }

    /// The smallest number that a bucket may hold.
    pub fn start(self, bucket: u64) -> u64 {
        self.number(bucket.checked_shl(64 - self.bucket_bits).unwrap_or_default())
    }
}

/// What a filter keeps of a hash: eight bytes of twenty, long before two of them meet.
pub(super) fn head(hash: &Sha1) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// An open filter.
#[derive(Debug)]
pub struct Filter {
    file: File,
    shape: Shape,
}

impl Filter {
    /// Opens a filter.
    ///
    /// # Errors
    /// [`FilterError`] when the file is not there or is no filter.
    pub fn open(path: &Path) -> Result<Self, FilterError> {
        let file = File::open(path)?;
        let mut header = [0; HEADER as usize];
        file.read_exact_at(&mut header, 0).map_err(|_| FilterError::Form)?;
        let (magic, rest) = header.split_at(8);
        let (numbers, count) = rest.split_at(8);
        let count = u64::from_be_bytes(count.try_into().map_err(|_| FilterError::Form)?);
        let shape = Shape { count, bits: u32::from(numbers[0]), bucket_bits: u32::from(numbers[1]) };
        let is_sound = magic == MAGIC && (4..=32).contains(&shape.bits) && shape.bucket_bits <= 32;
        if !is_sound || count >> (63 - shape.bits) != 0 {
            return Err(FilterError::Form);
        }
        let filter = Self { file, shape };
        // The end of the last bucket is the end of the file: one that was cut short is found here.
        let [end] = filter.offsets(1 << shape.bucket_bits)?;
        if filter.data().checked_add(end) == Some(filter.file.metadata()?.len()) {
            Ok(filter)
        } else {
            Err(FilterError::Form)
        }
    }

    /// How many hashes are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shape.count
    }

    /// Whether a hash is in it; one that is not is said to be once in `2^bits`.
    ///
    /// # Errors
    /// [`FilterError`] when the disk fails or the file is damaged.
    pub fn contains(&self, hash: &Sha1) -> Result<bool, FilterError> {
        let head = head(hash);
        let bucket = self.shape.bucket(head);
        let [start, end] = self.offsets(bucket)?;
        let length = end.checked_sub(start).filter(|length| *length <= LARGEST_BUCKET);
        let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(FilterError::Form)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, self.data() + start)?;
        let (wanted, mut number) = (self.shape.number(head), self.shape.start(bucket));
        let mut bits = Bits { bytes: &bytes, at: 0 };
        while let Some(difference) = bits.rice(self.shape.bits) {
            number = number.saturating_add(difference);
            if number >= wanted {
                return Ok(number == wanted);
            }
        }
        Ok(false)
    }

    /// Where buckets start, from this one on, counted from the first.
    fn offsets<const N: usize>(&self, bucket: u64) -> Result<[u64; N], FilterError> {
        let mut offsets = [0; N];
        for (place, offset) in (HEADER + bucket * 8..).step_by(8).zip(&mut offsets) {
            let mut bytes = [0; 8];
            self.file.read_exact_at(&mut bytes, place).map_err(|_| FilterError::Form)?;
            *offset = u64::from_be_bytes(bytes);
        }
        Ok(offsets)
    }

    /// Where the first bucket starts.
    fn data(&self) -> u64 {
        HEADER + ((1 << self.shape.bucket_bits) + 1) * 8
    }
}

/// A reader of bits, the highest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn next(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number: ones for its upper part, a zero, its lower `bits`. Ones to the end are what fills the last byte.
    fn rice(&mut self, bits: u32) -> Option<u64> {
        let mut number = 0_u64;
        while self.next()? {
            number += 1;
        }
        for _ in 0..bits {
            number = (number << 1) | u64::from(self.next()?);
        }
        Some(number)
    }
}
