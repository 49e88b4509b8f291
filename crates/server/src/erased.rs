//! The list of people who were erased, beside the database: so that a backup from before brings none of them back. It
//! holds keyed digests, a sign and a time, and nothing about anybody. Each node has its own.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use countersign_domain::{id::UserId, secret::Digest, time::Timestamp};
use data_encoding::HEXLOWER;

use crate::{api::rfc3339, config::Config, state::Server};

/// What becomes of somebody on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// About to be erased.
    Erased,
    /// Not erased after all: somebody else wrote first. Takes back one [`Erased`](Self::Erased).
    Kept,
}

/// Where the list is.
#[must_use]
pub fn path(config: &Config) -> PathBuf {
    config.storage.data_dir.join("erased.list")
}

/// Puts people on the list, durably. Where there is no data folder there is no list: the log says so.
///
/// # Errors
/// When it cannot be written: then nobody may be erased.
pub async fn note(server: &Server, people: &[UserId], sign: Sign) -> Result<(), countersign_store::Error> {
    if people.is_empty() {
        return Ok(());
    }
    let config = server.config.load();
    if config.storage.url == ":memory:" {
        return Ok(());
    }
    if !config.storage.data_dir.is_dir() {
        tracing::warn!("storage.data_dir is not there: a restore will not know that somebody was erased");
        return Ok(());
    }
    let path = path(&config);
    let digests: Vec<Digest> = people.iter().map(|user| server.keys.erased(*user)).collect();
    let text = lines(&digests, sign, server.now());
    let written = tokio::task::spawn_blocking(move || append(&path, &text)).await;
    let wrong =
        |why: String| countersign_store::Error::Unavailable(format!("the list of erased people: {why}"));
    written.map_err(|error| wrong(error.to_string()))?.map_err(|error| wrong(error.to_string()))
}

fn lines(people: &[Digest], sign: Sign, now: Timestamp) -> String {
    let mark = if sign == Sign::Erased { '+' } else { '-' };
    let line = |digest: &Digest| format!("{mark}{} {}\n", HEXLOWER.encode(digest.bytes()), rfc3339(now));
    people.iter().map(line).collect()
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut file = std::fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    // Nobody else's line is to be cut.
    file.lock()?;
    let whole = whole_lines(&mut file)?;
    file.set_len(whole)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Those whose lines were finished are not erased either.
        file.set_len(whole)?;
        return Err(error);
    }
    if is_new { crate::key_file::sync(crate::key_file::parent(path)) } else { Ok(()) }
}

/// The length of the lines that were finished: a full disk may have torn the last one.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(0);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(length);
    }
    let mut content = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut content)?;
    Ok(content.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place as u64 + 1))
}

/// Everybody on these lists. Each counts by itself: of two erasures at once one loses and takes back its own word, not
/// the other's.
///
/// # Errors
/// When one does not read. A last line that was not finished is no error: what it was about did not happen.
pub fn read(lists: &[PathBuf]) -> Result<HashSet<Digest>, crate::envelope::Error> {
    let mut erased = HashSet::new();
    for path in lists {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut counts = HashMap::<Digest, i64>::new();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let Some((sign, digest)) = entry(line) else {
                return Err(format!("{}: a line is damaged: {}", path.display(), line.trim_end()).into());
            };
            *counts.entry(digest).or_default() += if sign == Sign::Erased { 1 } else { -1 };
        }
        erased.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(digest, _)| digest));
    }
    Ok(erased)
}

fn entry(line: &str) -> Option<(Sign, Digest)> {
    let (entry, _) = line.split_once(' ')?;
    let (sign, hex) = match entry.as_bytes().first()? {
        b'+' => (Sign::Erased, &entry[1..]),
        b'-' => (Sign::Kept, &entry[1..]),
        _ => return None,
    };
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok()?;
    Some((sign, Digest::new(bytes.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_kept_when_every_word_about_them_was_taken_back() {
        use Sign::{Erased, Kept};
        let folder = tempfile::tempdir().unwrap();
        let person = Digest::new([1; 32]);
        let cases: [(&[&[Sign]], bool); 8] = [
            (&[&[Erased]], true),
            (&[&[Erased, Kept]], false),
            (&[&[Erased, Erased, Kept]], true),
            (&[&[Erased, Kept, Erased]], true),
            (&[&[Erased, Erased, Kept, Kept]], false),
            (&[&[Erased], &[Erased, Kept]], true),
            (&[&[Erased, Kept], &[Erased]], true),
            (&[&[Erased, Kept], &[Erased, Kept]], false),
        ];
        for (place, (lists, is_erased)) in cases.into_iter().enumerate() {
            let paths: Vec<_> =
                (0..lists.len()).map(|list| folder.path().join(format!("{place}-{list}"))).collect();
            for (path, sign) in
                paths.iter().zip(lists).flat_map(|(path, list)| list.iter().map(move |sign| (path, *sign)))
            {
                append(path, &lines(&[person], sign, Timestamp::from_millis(0))).unwrap();
            }
            assert_eq!(read(&paths).unwrap().contains(&person), is_erased, "{lists:?}");
        }
    }

    #[test]
    fn what_does_not_read_is_an_error_but_an_end_that_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erased.list");
        let (one, two, now) =
            (Digest::new([1; 32]), Digest::new([2; 32]), Timestamp::from_millis(1_800_000_000_000));
        append(&path, &lines(&[one, two], Sign::Erased, now)).unwrap();
        append(&path, &lines(&[two], Sign::Kept, now)).unwrap();
        append(&path, "+0303").unwrap();
        assert_eq!(read(std::slice::from_ref(&path)).unwrap(), HashSet::from([one]));
        std::fs::write(&path, "+0303\n").unwrap();
        assert!(read(&[path]).is_err());
    }

    #[test]
    fn a_torn_line_is_cut_off_before_the_next_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let line = |byte| lines(&[Digest::new([byte; 32])], Sign::Erased, now);
        for (place, before) in ["", "+03", "+", &line(1), &(line(1) + "+0303"), &(line(1) + &line(2)[..70])]
            .into_iter()
            .enumerate()
        {
            let path = folder.path().join(place.to_string());
            std::fs::write(&path, before).unwrap();
            append(&path, &line(3)).unwrap();
            let kept = if before.len() > 70 { line(1) } else { String::new() };
            assert_eq!(std::fs::read_to_string(&path).unwrap(), kept + &line(3), "{before:?}");
        }
    }
}
