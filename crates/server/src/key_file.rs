//! Where the master key comes from: the configuration, or a file in the data folder that is made at the first start. How
//! such a file is written so that it is never lost, and replaced so that one of two always opens the database.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use countersign_domain::{random::Random, secret::Secret};
use countersign_store::Store;

use crate::{
    config::{Config, ConfigError, KeySettings},
    envelope::{self, Error},
    keys::{MasterKey, RootKey},
};

/// The file in the data folder.
const FILE: &str = "root.key";
/// What those begin with that are to take its place; the id of the key follows. None is ever removed or replaced: whether
/// a commit that was not answered has put its key in force is known at the next start at the latest.
const NEXT: &str = "root.key.next";

/// The master key that a configuration names; made and kept in the data folder when it names none and the database is
/// new. A database that has a master key already gets no second one.
///
/// # Errors
/// When it does not read, is missing, or the file cannot be made.
pub async fn root_key(
    config: &Config,
    store: &Store,
    random: &mut (dyn Random + Send),
) -> Result<RootKey, Error> {
    match given(&config.keys)? {
        Some(key) => Ok(key),
        None => {
            let is_new = store.fact(envelope::ROOT_CHECK).await?.0.is_none();
            let in_force = envelope::master_record(store).await?.0.map(|record| record.id);
            let key = kept(&config.storage.data_dir, (is_new, in_force.as_deref()), random)?;
            not_of_dev(key)
        }
    }
}

/// The key that the configuration itself names, if it names one.
///
/// # Errors
/// When it does not read.
pub fn given(keys: &KeySettings) -> Result<Option<RootKey>, Error> {
    let text = match (&keys.root_key, &keys.root_key_file, &keys.root_key_command) {
        (Some(text), None, None) => Secret::new(text.clone()),
        (None, Some(file), None) => read_secret(file)?,
        (None, None, Some(command)) => output_of(command)?,
        (None, None, None) => return Ok(None),
        _ => {
            let why = "keys: give only one of root_key, root_key_file and root_key_command";
            return Err(ConfigError(why.to_owned()).into());
        }
    };
    let key = RootKey::parse(text.expose()).map_err(|error| ConfigError(format!("keys: {error}")))?;
    // In the configuration itself it is found by its check, and `dev` gives it there.
    if keys.root_key.is_some() { Ok(Some(key)) } else { not_of_dev(key).map(Some) }
}

fn not_of_dev(key: RootKey) -> Result<RootKey, Error> {
    if crate::dev_keys::is_dev_root_key(&key) {
        return Err(
            "this is the root key of `countersign dev`, which everybody knows: make one of your own".into()
        );
    }
    Ok(key)
}

fn kept(
    folder: &Path,
    (is_new, in_force): (bool, Option<&str>),
    random: &mut dyn Random,
) -> Result<RootKey, Error> {
    let path = folder.join(FILE);
    if let Some(id) = in_force
        && next_path(folder, id).exists()
    {
        // A rotation ended between the commit and the change of files.
        put_in_place(folder, id)?;
    }
    if path.exists() {
        return read(&path);
    }
    if !is_new {
        return Err(format!(
            "{} is missing: bring it back from a backup, this database needs it",
            path.display()
        )
        .into());
    }
    make_folder(folder)?;
    let key = RootKey::generate(random);
    write_new(&path, &key)?;
    tracing::warn!(path = %path.display(), "a root key was made: back it up, losing it loses every subject");
    Ok(key)
}

/// The file of the master key in the data folder.
#[must_use]
pub fn kept_path(config: &Config) -> PathBuf {
    config.storage.data_dir.join(FILE)
}

fn next_path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{NEXT}.{id}"))
}

/// Writes a key beside the one in the data folder, to take its place later.
///
/// # Errors
/// When it cannot be written to the disk.
pub fn write_next(folder: &Path, key: &RootKey) -> Result<(), Error> {
    let next = next_path(folder, MasterKey::new(key).id());
    if next.exists() {
        // The same key, of a rotation that did not end: only what was written whole has this name.
        return Ok(());
    }
    let torn = folder.join(format!(".{NEXT}"));
    match std::fs::remove_file(&torn) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => write_new(&torn, key)?,
    }
    std::fs::rename(&torn, &next)?;
    Ok(sync(folder)?)
}

/// Puts the key with this id in the place of the present one, which stays under its name for backups that it opens.
///
/// # Errors
/// When the folder cannot be written.
pub fn put_in_place(folder: &Path, id: &str) -> Result<Option<PathBuf>, Error> {
    let (path, next) = (folder.join(FILE), next_path(folder, id));
    let mut former = None;
    if path.exists() {
        let kept = folder.join(format!("{FILE}.{}", MasterKey::new(&read(&path)?).id()));
        if !kept.exists() {
            std::fs::hard_link(&path, &kept)?;
        }
        former = Some(kept);
    }
    std::fs::rename(&next, &path)?;
    sync(folder)?;
    Ok(former)
}

/// The key in a file, or a new one that is written there.
///
/// # Errors
/// When it does not read, is one that everybody knows, or cannot be written.
pub fn read_or_make(path: &Path, random: &mut dyn Random) -> Result<RootKey, Error> {
    if path.exists() {
        return not_of_dev(read(path)?);
    }
    let key = RootKey::generate(random);
    write_new(path, &key)?;
    Ok(key)
}

/// The key in a file.
///
/// # Errors
/// When it does not read.
pub fn read(path: &Path) -> Result<RootKey, Error> {
    RootKey::parse(read_secret(path)?.expose()).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn write_new(path: &Path, key: &RootKey) -> Result<(), Error> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key.to_text().expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        // The name must be on the disk too, before anything is digested with the key.
        sync(parent(path))
    };
    write().map_err(|error| wrong(error).into())
}

/// The folder that a file is in.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Makes a folder and those above it, and their names durable: a database whose folder has no name is lost with all
/// that was promised.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let missing: Vec<_> = folder.ancestors().take_while(|above| !above.exists()).collect();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
        let parents = missing.iter().filter_map(|made| made.parent());
        parents.map(|parent| if parent == Path::new("") { Path::new(".") } else { parent }).try_for_each(sync)
    });
    made.map_err(|error| format!("{}: {error}", folder.display()).into())
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system's.
pub fn sync(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// The text of a file with a secret.
///
/// # Errors
/// When it does not read.
pub fn read_secret(path: &Path) -> Result<Secret<String>, Error> {
    std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

fn output_of(command: &[String]) -> Result<Secret<String>, Error> {
    let [program, arguments @ ..] = command else {
        return Err(ConfigError("keys.root_key_command: name a program".to_owned()).into());
    };
    let output = std::process::Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("keys.root_key_command: {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("keys.root_key_command: {program} ended with {}", output.status).into());
    }
    Ok(Secret::new(String::from_utf8(output.stdout).map_err(|_| "keys.root_key_command: not text")?))
}
