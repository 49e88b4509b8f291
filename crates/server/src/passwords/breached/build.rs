//! Makes a filter from a list: lines of SHA-1 in hexadecimal, with `:` and a count behind or without, as Have I Been
//! Pwned gives them out, or lines that are passwords. A sorted list needs no memory to speak of, whatever its length.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write},
    path::Path,
};

use super::{
    filter::{HEADER, MAGIC, Shape, head},
    sha1,
};

/// Hashes of a bucket, on average.
const BUCKET: u64 = 128;

/// Why no filter was made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The disk.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A list without a line.
    #[error("the list is empty")]
    Empty,
    /// Bits out of range.
    #[error("one in 2^BITS is found wrongly: 4 to 32 bits")]
    Bits,
}

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Built {
    /// Different hashes.
    pub count: u64,
    /// Bytes of the filter.
    pub bytes: u64,
}

/// Makes a filter of `list` at `target`, in which one of `2^bits` other passwords is found wrongly. The target appears
/// when it is whole.
///
/// # Errors
/// [`BuildError`]; nothing is left then.
pub fn build_filter(list: &Path, target: &Path, bits: u32) -> Result<Built, BuildError> {
    if !(4..=32).contains(&bits) {
        return Err(BuildError::Bits);
    }
    let (mut count, mut last, mut is_sorted) = (0_u64, None, true);
    each(list, |hash| {
        is_sorted &= last.is_none_or(|last| last <= hash);
        count += u64::from(last != Some(hash));
        last = Some(hash);
        Ok(())
    })?;
    if count == 0 {
        return Err(BuildError::Empty);
    }
    let unfinished = target.with_extension("unfinished");
    let written = if is_sorted {
        write(&unfinished, bits, count, |add| each(list, add))
    } else {
        let mut hashes = Vec::new();
        each(list, |hash| {
            hashes.push(hash);
            Ok(())
        })?;
        hashes.sort_unstable();
        hashes.dedup();
        count = hashes.len() as u64;
        write(&unfinished, bits, count, |add| hashes.iter().try_for_each(|hash| add(*hash)))
    };
    let finished = written.and_then(|bytes| {
        std::fs::rename(&unfinished, target)?;
        Ok(Built { count, bytes })
    });
    finished.inspect_err(|_| {
        // What is not whole is of no use to anybody; that it may not be there is no matter.
        let _ = std::fs::remove_file(&unfinished);
    })
}

/// Hands out the hash of every line.
fn each(list: &Path, mut take: impl FnMut(u64) -> Result<(), BuildError>) -> Result<(), BuildError> {
    let mut lines = BufReader::with_capacity(1 << 20, File::open(list)?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        // What is no text can be nobody's password here.
        let text = std::str::from_utf8(&line).unwrap_or_default().trim_end_matches(['\r', '\n']);
        if !text.is_empty() {
            take(hash_of(text))?;
        }
        line.clear();
    }
    Ok(())
}

/// The hash that a line is, or of what it is.
fn hash_of(line: &str) -> u64 {
    let hexadecimal = line.split(':').next().unwrap_or_default();
    let read = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let is_hash = hexadecimal.len() == 40 && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = hexadecimal.get(..16).filter(|_| is_hash).and_then(read);
    hash.unwrap_or_else(|| head(&sha1(line)))
}

/// Writes a filter of hashes that come in order.
fn write(
    target: &Path,
    bits: u32,
    count: u64,
    hashes: impl FnOnce(&mut dyn FnMut(u64) -> Result<(), BuildError>) -> Result<(), BuildError>,
) -> Result<u64, BuildError> {
    let bucket_bits = (count / BUCKET).max(1).next_power_of_two().ilog2();
    let shape = Shape { count, bits, bucket_bits };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(target)?);
    let index = ((1_u64 << bucket_bits) + 1) * 8;
    out.seek(SeekFrom::Start(HEADER + index))?;
    let mut writer =
        Writer { out, shape, offsets: vec![0], number: 0, last: None, bits: Vec::new(), pending: 0 };
    hashes(&mut |hash| writer.add(hash))?;
    writer.finish(index)
}

struct Writer {
    out: BufWriter<File>,
    shape: Shape,
    /// Where each bucket begun so far starts.
    offsets: Vec<u64>,
    /// The number written last.
    number: u64,
    last: Option<u64>,
    /// The whole bytes of the bucket.
    bits: Vec<u8>,
    /// Bits of the byte begun.
    pending: u32,
}

impl Writer {
    fn add(&mut self, hash: u64) -> Result<(), BuildError> {
        if self.last.replace(hash) == Some(hash) {
            return Ok(());
        }
        let bucket = self.shape.bucket(hash);
        while (self.offsets.len() as u64) <= bucket {
            self.end_bucket()?;
        }
        let number = self.shape.number(hash);
        let difference = number - self.number;
        self.number = number;
        for _ in 0..difference >> self.shape.bits {
            self.push(true);
        }
        self.push(false);
        for place in (0..self.shape.bits).rev() {
            self.push(difference >> place & 1 == 1);
        }
        Ok(())
    }

    fn push(&mut self, bit: bool) {
        if self.pending == 0 {
            self.bits.push(0);
        }
        if let Some(last) = self.bits.last_mut() {
            *last |= u8::from(bit) << (7 - self.pending);
        }
        self.pending = (self.pending + 1) % 8;
    }

    /// Fills the last byte with ones, which begin no number that ends, and begins the next bucket.
    fn end_bucket(&mut self) -> Result<(), BuildError> {
        while self.pending != 0 {
            self.push(true);
        }
        self.out.write_all(&self.bits)?;
        let end = self.offsets.last().copied().unwrap_or_default() + self.bits.len() as u64;
        self.number = self.shape.start(self.offsets.len() as u64);
        self.offsets.push(end);
        self.bits.clear();
        Ok(())
    }

    fn finish(mut self, index: u64) -> Result<u64, BuildError> {
        while (self.offsets.len() as u64) <= 1 << self.shape.bucket_bits {
            self.end_bucket()?;
        }
        let end = self.offsets.last().copied().unwrap_or_default();
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&MAGIC)?;
        let [bits, buckets] = [self.shape.bits, self.shape.bucket_bits].map(|number| number.to_be_bytes()[3]);
        self.out.write_all(&[bits, buckets, 0, 0, 0, 0, 0, 0])?;
        self.out.write_all(&self.shape.count.to_be_bytes())?;
        for offset in &self.offsets {
            self.out.write_all(&offset.to_be_bytes())?;
        }
        let file = self.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(HEADER + index + end)
    }
}
