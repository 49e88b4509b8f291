//! The chunks of a backup: plain bytes in, sealed bytes out, and back. It does not know what the bytes mean.

use std::io::{ErrorKind, Read};

use countersign_domain::{random::Random, secret::Secret};

use super::{Error, header::Envelope};
use crate::keys::{Context, SealError};

/// Plain bytes in every chunk but the last, which may have fewer.
const PLAIN: usize = 64 * 1024;
/// The same chunk, sealed.
const SEALED: usize = PLAIN + 45;

/// What a chunk is sealed for: the file, its number, and whether it is the last.
fn id(envelope: &Envelope, number: u64) -> Vec<u8> {
    let mut id = envelope.header.to_vec();
    id.extend(number.to_be_bytes());
    id
}

fn place(id: &[u8], is_last: bool) -> Context<'_> {
    Context { table: "backup", column: if is_last { "last" } else { "chunk" }, id }
}

/// Seals chunk by chunk what is written into it.
pub struct ChunkWriter {
    envelope: Envelope,
    number: u64,
    plain: Vec<u8>,
}

impl ChunkWriter {
    /// A writer of the chunks of one file.
    #[must_use]
    pub const fn new(envelope: Envelope) -> Self {
        Self { envelope, number: 0, plain: Vec::new() }
    }

    /// Takes bytes and gives the chunks that are full, sealed.
    ///
    /// # Errors
    /// When memory fails.
    pub fn write(&mut self, random: &mut dyn Random, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        self.plain.extend_from_slice(bytes);
        let mut sealed = Vec::new();
        // A full one may be the last, so it waits for what follows.
        while self.plain.len() > PLAIN {
            let rest = self.plain.split_off(PLAIN);
            let chunk = Secret::new(std::mem::replace(&mut self.plain, rest));
            sealed.extend(self.seal(random, chunk.expose(), false)?);
        }
        Ok(sealed)
    }

    /// Ends the file: gives its last chunk.
    ///
    /// # Errors
    /// When memory fails.
    pub fn finish(mut self, random: &mut dyn Random) -> Result<Vec<u8>, SealError> {
        let chunk = Secret::new(std::mem::take(&mut self.plain));
        self.seal(random, chunk.expose(), true)
    }

    fn seal(&mut self, random: &mut dyn Random, plain: &[u8], is_last: bool) -> Result<Vec<u8>, SealError> {
        let id = id(&self.envelope, self.number);
        self.number += 1;
        self.envelope.key.seal(random, &place(&id, is_last), plain)
    }
}

/// Opens chunk by chunk what a file holds. Nothing is given out of a chunk that is not authentic.
pub struct ChunkReader<R> {
    file: R,
    envelope: Envelope,
    number: u64,
    /// The chunk after the one that is being read; none after the last.
    next: Option<Vec<u8>>,
    plain: Secret<Vec<u8>>,
    at: usize,
}

impl<R: Read> ChunkReader<R> {
    /// A reader of the chunks of a file whose head was read already.
    ///
    /// # Errors
    /// When the file does not read.
    pub fn new(mut file: R, envelope: Envelope) -> Result<Self, Error> {
        let next = sealed_chunk(&mut file)?;
        Ok(Self { file, envelope, number: 0, next, plain: Secret::new(Vec::new()), at: 0 })
    }

    /// The next `length` bytes; none at the end of the file.
    ///
    /// # Errors
    /// When a chunk is damaged or missing, or the end comes in the middle of what was asked for.
    pub fn take(&mut self, length: usize) -> Result<Option<Vec<u8>>, Error> {
        let mut taken = Vec::with_capacity(length.min(PLAIN));
        while taken.len() < length {
            if self.at == self.plain.expose().len() && !self.advance()? {
                let is_between = taken.is_empty();
                return if is_between {
                    Ok(None)
                } else {
                    Err("this backup ends in the middle of a record".into())
                };
            }
            let rest = &self.plain.expose()[self.at..];
            let part = &rest[..rest.len().min(length - taken.len())];
            taken.extend_from_slice(part);
            self.at += part.len();
        }
        Ok(Some(taken))
    }

    /// Opens the next chunk; false when there is none.
    fn advance(&mut self) -> Result<bool, Error> {
        let Some(sealed) = self.next.take() else {
            let was_any = self.number > 0;
            return if was_any { Ok(false) } else { Err("this backup is cut off after its head".into()) };
        };
        self.next = sealed_chunk(&mut self.file)?;
        let id = id(&self.envelope, self.number);
        let opened = self.envelope.key.open(&place(&id, self.next.is_none()), &sealed);
        self.plain = opened.map_err(|_| {
            format!("this backup is damaged or cut off: chunk {} is not what was written", self.number)
        })?;
        self.number += 1;
        self.at = 0;
        Ok(true)
    }
}

/// The bytes of the next chunk; none at the end.
fn sealed_chunk(file: &mut impl Read) -> Result<Option<Vec<u8>>, Error> {
    let mut sealed = vec![0; SEALED];
    let mut filled = 0;
    while filled < SEALED {
        match file.read(&mut sealed[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    sealed.truncate(filled);
    Ok((filled > 0).then_some(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backup::header::{Header, begin},
        keys::{MasterKey, RootKey, testing::Counting},
    };

    fn envelope(made_at: i64) -> Envelope {
        let header = Header {
            format: 1,
            schema: 1,
            engine: String::new(),
            made_at,
            program: String::new(),
            keys: vec![],
        };
        let master = MasterKey::new(&RootKey::generate(&mut Counting(0)));
        begin(&mut Counting(7), header, (&master, None)).unwrap().1
    }

    fn written(envelope: &Envelope, plain: &[u8]) -> Vec<u8> {
        let (mut writer, mut random) = (ChunkWriter::new(envelope.clone()), Counting(3));
        let mut sealed = Vec::new();
        for part in plain.chunks(10_000) {
            sealed.extend(writer.write(&mut random, part).unwrap());
        }
        sealed.extend(writer.finish(&mut random).unwrap());
        sealed
    }

    /// Everything in a file, in parts of 999 bytes.
    fn read(envelope: &Envelope, sealed: &[u8], length: usize) -> Result<Vec<u8>, Error> {
        let mut reader = ChunkReader::new(sealed, envelope.clone())?;
        let mut plain = Vec::new();
        while plain.len() < length {
            let part = reader.take(999.min(length - plain.len()))?;
            plain.extend(part.ok_or("too short")?);
        }
        if reader.take(1)?.is_some() { Err("too long".into()) } else { Ok(plain) }
    }

    #[test]
    fn what_was_written_is_read() {
        let envelope = envelope(1);
        for length in [0, 1, PLAIN - 1, PLAIN, PLAIN + 1, 2 * PLAIN, 3 * PLAIN + 17] {
            let plain: Vec<u8> = (0..length).map(|at| (at / 7) as u8).collect();
            let sealed = written(&envelope, &plain);
            assert_eq!(sealed.len(), length + 45 * length.div_ceil(PLAIN).max(1));
            assert!(read(&envelope, &sealed, length).unwrap() == plain, "{length}");
        }
    }

    #[test]
    fn p29_no_chunk_can_be_changed_left_out_moved_or_taken_from_elsewhere() {
        let (own, other) = (envelope(1), envelope(2));
        let plain: Vec<u8> = (0..3 * PLAIN + 17).map(|at| (at / 7) as u8).collect();
        let (sealed, foreign) = (written(&own, &plain), written(&other, &plain));
        let chunks: Vec<&[u8]> = sealed.chunks(SEALED).collect();
        let foreign: Vec<&[u8]> = foreign.chunks(SEALED).collect();
        let mut damaged: Vec<Vec<u8>> = vec![
            Vec::new(),
            chunks[..3].concat(),
            chunks[1..].concat(),
            [chunks[0], chunks[2], chunks[3]].concat(),
            [chunks[1], chunks[0], chunks[2], chunks[3]].concat(),
            [chunks[0], chunks[1], chunks[2], chunks[3], chunks[3]].concat(),
            [chunks[0], foreign[1], chunks[2], chunks[3]].concat(),
            [&sealed[..], b"x"].concat(),
            sealed[..sealed.len() - 1].to_vec(),
        ];
        for number in 0..chunks.len() {
            for offset in [0, 5, 29, 40, chunks[number].len() - 1] {
                let mut changed = sealed.clone();
                changed[number * SEALED + offset] ^= 1;
                damaged.push(changed);
            }
        }
        for (case, damaged) in damaged.iter().enumerate() {
            assert!(read(&own, damaged, plain.len()).is_err(), "{case}");
        }
        assert!(read(&own, &sealed, plain.len()).is_ok());
        // What ends after a whole chunk is no file of that length.
        assert!(read(&own, &chunks[..3].concat(), 3 * PLAIN).is_err());
        assert!(read(&own, &[], 0).is_err());
    }
}
