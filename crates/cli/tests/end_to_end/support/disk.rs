//! A disk that forgets: what was synced is there after the power went, of the rest anything or nothing. Fed with what
//! a program did; knows no database.
//!
//! A sync of a file keeps its content, not its name: for that its folder must be synced, and so on up to the folder
//! that was there before. Sectors are written whole or not at all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::trace::Event;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What is left of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// Nothing.
    Gone,
    /// Everything up to some moment, the last write torn. The number chooses.
    UpTo(u64),
    /// Any sectors and any names. The number chooses.
    Any(u64),
}

/// The state of files and names.
#[derive(Default)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    /// Names as the program sees them; a folder has no inode.
    names: BTreeMap<PathBuf, Option<usize>>,
    /// Names that are on the disk.
    kept: BTreeMap<PathBuf, Option<usize>>,
    /// Changes of names since.
    renamed: Vec<(PathBuf, Name)>,
}

#[derive(Clone, Copy)]
enum Name {
    Added(Option<usize>),
    Removed,
}

#[derive(Default)]
struct Inode {
    kept: Vec<u8>,
    since: Vec<Change>,
    /// How many of these a sync under way has seen.
    seen: usize,
}

enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl Disk {
    /// Takes note of what happened.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Made(path) if !self.names.contains_key(path) => {
                self.inodes.push(Inode::default());
                self.name(path, Name::Added(Some(self.inodes.len() - 1)));
            }
            Event::MadeFolder(path) => self.name(path, Name::Added(None)),
            Event::Removed(path) => self.name(path, Name::Removed),
            Event::Written(path, offset, bytes) => {
                self.change(path, Change::Write(*offset, bytes.clone()));
            }
            Event::Truncated(path, length) => self.change(path, Change::Length(*length)),
            Event::SyncBegun(path) => {
                if let Some(inode) = self.inode(path) {
                    inode.seen = inode.since.len();
                }
            }
            Event::Synced(path) => self.sync(path),
            Event::Made(_) | Event::Sent(_) => {}
        }
    }

    fn name(&mut self, path: &Path, name: Name) {
        match name {
            Name::Added(inode) => drop(self.names.insert(path.to_owned(), inode)),
            Name::Removed => drop(self.names.remove(path)),
        }
        self.renamed.push((path.to_owned(), name));
    }

    fn inode(&mut self, path: &Path) -> Option<&mut Inode> {
        self.names.get(path).copied().flatten().map(|place| &mut self.inodes[place])
    }

    fn change(&mut self, path: &Path, change: Change) {
        let inode = self.inode(path).unwrap_or_else(|| panic!("{} was changed unseen", path.display()));
        inode.since.push(change);
    }

    fn sync(&mut self, path: &Path) {
        if let Some(inode) = self.inode(path) {
            let seen = std::mem::take(&mut inode.seen);
            for change in inode.since.drain(..seen) {
                apply(&mut inode.kept, &change, |_| true);
            }
            return;
        }
        let kept = &mut self.kept;
        self.renamed.retain(|(name, change)| {
            let is_here = name.parent() == Some(path);
            if is_here {
                rename(kept, name, *change);
            }
            !is_here
        });
    }

    /// Lays out in `target` what is left of `folder` when the power goes now.
    pub(crate) fn lay_out(&self, folder: &Path, target: &Path, unsynced: Unsynced) {
        let mut dice = Dice::new(unsynced);
        let mut names = self.kept.clone();
        for (name, change) in &self.renamed {
            if dice.survives() {
                rename(&mut names, name, *change);
            }
        }
        for (name, inode) in &names {
            let has_folder = name
                .ancestors()
                .skip(1)
                .take_while(|above| *above != folder)
                .all(|above| names.contains_key(above));
            let Ok(place) = name.strip_prefix(folder) else { continue };
            match inode {
                _ if !has_folder => {}
                None => fs::create_dir_all(target.join(place)).unwrap(),
                Some(inode) => fs::write(target.join(place), self.content(*inode, &mut dice)).unwrap(),
            }
        }
    }

    fn content(&self, inode: usize, dice: &mut Dice) -> Vec<u8> {
        let inode = &self.inodes[inode];
        let mut content = inode.kept.clone();
        dice.begin(inode.since.len());
        for change in &inode.since {
            apply(&mut content, change, |_| dice.survives());
        }
        content
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Option<usize>>, path: &Path, change: Name) {
    match change {
        Name::Added(inode) => drop(names.insert(path.to_owned(), inode)),
        Name::Removed => drop(names.remove(path)),
    }
}

/// Carries a change out, for each sector that survives.
fn apply(content: &mut Vec<u8>, change: &Change, mut survives: impl FnMut(usize) -> bool) {
    match change {
        Change::Length(length) if survives(0) => content.resize(usize::try_from(*length).unwrap(), 0),
        Change::Length(_) => {}
        Change::Write(offset, bytes) => {
            let mut at = usize::try_from(*offset).unwrap();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                if survives(at) {
                    content.resize(content.len().max(at + sector.len()), 0);
                    content[at..at + sector.len()].copy_from_slice(sector);
                }
                at += sector.len();
                rest = after;
            }
        }
    }
}

/// Decides what survives, always the same for the same number.
struct Dice {
    unsynced: Unsynced,
    state: u64,
    /// Sectors that still survive, for [`Unsynced::UpTo`].
    left: u64,
}

impl Dice {
    fn new(unsynced: Unsynced) -> Self {
        let (Unsynced::UpTo(seed) | Unsynced::Any(seed)) = unsynced else {
            return Self { unsynced, state: 0, left: 0 };
        };
        Self { unsynced, state: seed, left: u64::MAX }
    }

    /// Before the changes of a file.
    fn begin(&mut self, changes: usize) {
        // A page and the header of its frame are about nine sectors.
        self.left = self.next() % (9 * changes as u64 + 1);
    }

    fn survives(&mut self) -> bool {
        match self.unsynced {
            Unsynced::Gone => false,
            Unsynced::Any(_) => self.next().is_multiple_of(2),
            Unsynced::UpTo(_) => {
                let survives = self.left > 0;
                self.left = self.left.saturating_sub(1);
                survives
            }
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "/d";

    fn left(events: &[Event], unsynced: Unsynced) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut disk = Disk::default();
        events.iter().for_each(|event| disk.note(event));
        let target = tempfile::tempdir().unwrap();
        disk.lay_out(Path::new(FOLDER), target.path(), unsynced);
        let entries = fs::read_dir(target.path()).unwrap().flatten().filter(|entry| entry.path().is_file());
        entries.map(|entry| (entry.file_name().into(), fs::read(entry.path()).unwrap())).collect()
    }

    fn path(name: &str) -> PathBuf {
        Path::new(FOLDER).join(name)
    }

    fn synced(path: impl Into<PathBuf>) -> [Event; 2] {
        let path = path.into();
        [Event::SyncBegun(path.clone()), Event::Synced(path)]
    }

    #[test]
    fn what_was_not_synced_is_gone_and_so_is_what_has_no_name() {
        let mut events = vec![Event::Made(path("f")), Event::Written(path("f"), 0, b"old".to_vec())];
        events.extend(synced(path("f")));
        assert!(left(&events, Unsynced::Gone).is_empty(), "the folder was not synced");
        events.extend(synced(FOLDER));
        events.push(Event::SyncBegun(path("f")));
        events.push(Event::Written(path("f"), 0, b"new".to_vec()));
        events.push(Event::Synced(path("f")));
        let content = |events: &[Event], unsynced| left(events, unsynced).remove(Path::new("f")).unwrap();
        assert_eq!(content(&events, Unsynced::Gone), b"old", "written while the sync was under way");
        events.extend(synced(path("f")));
        assert_eq!(content(&events, Unsynced::Gone), b"new");
        events.push(Event::Truncated(path("f"), 0));
        events.push(Event::Removed(path("f")));
        assert_eq!(content(&events, Unsynced::Gone), b"new");
        events.extend(synced(FOLDER));
        assert!(left(&events, Unsynced::Gone).is_empty());
    }

    #[test]
    fn of_what_was_not_synced_any_sector_may_be_there() {
        let mut events = vec![Event::Made(path("f"))];
        events.extend(synced(FOLDER));
        events.push(Event::Written(path("f"), 100, vec![7; 4 * SECTOR]));
        let of = |unsynced| left(&events, unsynced).remove(Path::new("f")).unwrap();
        let kinds: std::collections::BTreeSet<_> = (0..64).map(|seed| of(Unsynced::Any(seed))).collect();
        assert!(kinds.len() > 16, "{} kinds of tearing", kinds.len());
        for seed in 0..64 {
            let content = of(Unsynced::UpTo(seed));
            assert!(content.iter().skip(100).all(|byte| *byte == 7), "a hole in what came first");
        }
        assert!(of(Unsynced::Gone).is_empty());
    }
}
