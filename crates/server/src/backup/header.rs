//! The head of a backup: what it is, and which keys open it. Readable by everybody, and authenticated by every chunk.

use std::io::Read;

use aws_lc_rs::digest::{SHA256, digest};
use countersign_domain::{random::Random, secret::Secret};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::keys::{Context, MasterKey, RootKey, SealingKey};

/// How a backup begins.
const MAGIC: &[u8] = b"countersign-backup\n";
/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;
/// A longer header is none of ours.
const LONGEST: u32 = 64 * 1024;
/// The number of a file's own key.
const FILE_KEY: u32 = 0;

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub format: u32,
    /// The version of the schema of what is in it.
    pub schema: i64,
    /// Where it comes from: `sqlite`, `postgres` or `mariadb`.
    pub engine: String,
    /// When it was made, in milliseconds since 1970.
    pub made_at: i64,
    /// The version of the program that made it.
    pub program: String,
    /// The keys that open it.
    pub keys: Vec<KeySlot>,
}

/// The file's key, wrapped by one of those that open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySlot {
    /// `master` or `recovery`.
    pub kind: String,
    /// Which key.
    pub id: String,
    /// The file's key, wrapped, in base64.
    pub wrapped: String,
}

/// What chunks are sealed with and for.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The file's own key.
    pub key: SealingKey,
    /// The digest of the header as it stands in the file.
    pub header: [u8; 32],
}

impl Envelope {
    /// One of `key` for a header as it stands in the file.
    fn new(key: Secret<[u8; 32]>, written: &[u8]) -> Self {
        let mut header = [0; 32];
        header.copy_from_slice(digest(&SHA256, written).as_ref());
        Self { key: SealingKey::new(FILE_KEY, key), header }
    }
}

fn place<'a>(kind: &'a str) -> Context<'a> {
    Context { table: "backup", column: "key", id: kind.as_bytes() }
}

/// Begins a file: draws its key, wraps it, and gives the bytes that it begins with.
///
/// # Errors
/// When memory fails.
pub fn begin(
    random: &mut dyn Random,
    mut header: Header,
    (master, recovery): (&MasterKey, Option<&MasterKey>),
) -> Result<(Vec<u8>, Envelope), Error> {
    let key = RootKey::generate(random);
    let openers = [("master", Some(master)), ("recovery", recovery)];
    for (kind, opener) in openers.into_iter().filter_map(|(kind, opener)| opener.map(|opener| (kind, opener)))
    {
        let wrapped = BASE64.encode(&opener.wrap(random, &place(kind), key.bytes())?);
        header.keys.push(KeySlot { kind: kind.to_owned(), id: opener.id().to_owned(), wrapped });
    }
    let json = serde_json::to_vec(&header)?;
    let mut written = MAGIC.to_vec();
    written.extend(u32::try_from(json.len())?.to_be_bytes());
    written.extend(json);
    let envelope = Envelope::new(key.bytes().clone(), &written);
    Ok((written, envelope))
}

/// Reads the head of a file; what was read is for [`unlock`].
///
/// # Errors
/// When it is no backup, or one of a format that this program does not know.
pub fn read(file: &mut impl Read) -> Result<(Header, Vec<u8>), Error> {
    let no_backup = |_| Error::from("this is no backup of Countersign, or only the beginning of one");
    let mut written = vec![0; MAGIC.len() + 4];
    file.read_exact(&mut written).map_err(no_backup)?;
    let (magic, length) = written.split_at(MAGIC.len());
    let length = u32::from_be_bytes(length.try_into()?);
    if magic != MAGIC || length > LONGEST {
        return Err("this is no backup of Countersign".into());
    }
    let mut json = vec![0; usize::try_from(length)?];
    file.read_exact(&mut json).map_err(no_backup)?;
    // What a later format says may not read; its number does.
    let format =
        serde_json::from_slice::<serde_json::Value>(&json).ok().and_then(|json| json["format"].as_u64());
    if format.is_some_and(|format| format > u64::from(FORMAT)) {
        return Err("a newer program made this backup: restore it with that one".into());
    }
    let header = serde_json::from_slice(&json).map_err(|_| "the head of this backup is damaged")?;
    written.extend(json);
    Ok((header, written))
}

/// Opens a file's key with one of `keys`, whichever fits.
///
/// # Errors
/// When none does, with what the backup needs; when the head was changed.
pub fn unlock(header: &Header, written: &[u8], keys: &[MasterKey]) -> Result<Envelope, Error> {
    for slot in &header.keys {
        let Some(key) = keys.iter().find(|key| key.id() == slot.id) else { continue };
        let wrapped =
            BASE64.decode(slot.wrapped.as_bytes()).map_err(|_| "the head of this backup is damaged")?;
        let key =
            key.unwrap(&place(&slot.kind), &wrapped).map_err(|_| "the head of this backup is damaged")?;
        return Ok(Envelope::new(key, written));
    }
    let needed: Vec<String> =
        header.keys.iter().map(|slot| format!("the {} key {}", slot.kind, slot.id)).collect();
    let given: Vec<&str> = keys.iter().map(MasterKey::id).collect();
    let given =
        if given.is_empty() { "none was given".to_owned() } else { format!("given: {}", given.join(", ")) };
    Err(format!("wrong key: this backup opens with {}; {given}", needed.join(" or ")).into())
}
