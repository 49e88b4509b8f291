//! What a traced server did to its files and said on its sockets, in the order in which it happened. Reads what
//! strace writes; knows nothing of what survives what.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{tools, wait_for};

/// Everything that changes a file or leaves through a socket. What the reader below does not know of these is a failure
/// when it touches the folder that is watched.
const CALLS: &str = "?open,openat,?creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,\
                     sync_file_range,ftruncate,truncate,fallocate,?unlink,unlinkat,?rename,renameat,renameat2,?link,\
                     linkat,?mkdir,mkdirat,?rmdir,mmap,copy_file_range,sendfile";

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A file was opened so that it is there from now on.
    Made(PathBuf),
    /// A folder was made.
    MadeFolder(PathBuf),
    /// Bytes were written to a file at an offset.
    Written(PathBuf, u64, Vec<u8>),
    /// A file got a length.
    Truncated(PathBuf, u64),
    /// A file or folder is being synced: what was done before counts.
    SyncBegun(PathBuf),
    /// That sync came back.
    Synced(PathBuf),
    /// A name was removed.
    Removed(PathBuf),
    /// Bytes began to leave through a socket.
    Sent(Vec<u8>),
}

/// The words to start a server under the tracer; `None` when the tracer was left out on purpose. The server stays our
/// child, its tracer is somebody else's.
///
/// # Panics
/// When nothing can be traced here.
pub(crate) fn tracer(output: &Path) -> Option<Vec<String>> {
    if tools::left_out("strace") {
        return None;
    }
    let probe = Command::new("strace").args(["-f", "-e", "trace=none", "true"]).output();
    let works = probe.as_ref().is_ok_and(|output| output.status.success());
    assert!(
        works,
        "strace cannot trace a program here, so power loss cannot be tested: {probe:?}\n\
         Install it, allow ptrace (for a container: --cap-add=SYS_PTRACE), or set COUNTERSIGN_TEST_SKIP=strace"
    );
    let trace = format!("trace={CALLS}");
    let output = output.display().to_string();
    let words = ["strace", "-D", "-f", "-y", "-xx", "-s", "4000000", "--seccomp-bpf", "-A", "-o", &output];
    Some(words.into_iter().chain(["-e", &trace]).map(str::to_owned).collect())
}

/// Waits until the tracer has written all that process `process` did, which has ended.
pub(crate) fn complete(file: &Path, process: u32) {
    let is_end = |line: &str| {
        // Numbers are padded to five places.
        line.split_once(' ').is_some_and(|(number, rest)| {
            number == process.to_string() && rest.trim_start().starts_with("+++ ")
        })
    };
    wait_for("the end of the trace", Duration::from_secs(20), || {
        let content = fs::read(file).ok()?;
        let tail = String::from_utf8_lossy(&content[content.len().saturating_sub(4096)..]).into_owned();
        tail.lines().any(is_end).then_some(())
    });
}

/// What happened to files in `folder` and to the folder it is in, and what was sent, in order.
pub(crate) fn read(text: &str, folder: &Path) -> Vec<Event> {
    let mut reader = Reader { folder, events: Vec::new(), positions: HashMap::new(), begun: HashMap::new() };
    for (place, line) in text.lines().enumerate() {
        let (process, rest) = line.split_once(' ').unwrap_or_default();
        let rest = rest.trim_start();
        if let Some(call) = rest.strip_suffix(" <unfinished ...>") {
            reader.begun.insert(process, (place, call));
        } else if let Some(end) = rest.strip_prefix("<... ") {
            let (_, end) = end.split_once(" resumed>").unwrap_or_default();
            if let Some((begin, call)) = reader.begun.remove(process) {
                reader.call(&format!("{call}{end}"), (begin, place));
            }
        } else {
            reader.call(rest, (place, place));
        }
    }
    // What was under way at the end may have left all the same.
    let cut_off: Vec<_> = reader.begun.drain().map(|(_, call)| call).collect();
    for (place, call) in
        cut_off.into_iter().filter(|(_, call)| call.contains("socket:") || call.contains(SOCKET))
    {
        reader.call(&format!("{call}) = 0"), (place, place));
    }
    reader.events.sort_by_key(|(place, _)| *place);
    reader.events.into_iter().map(|(_, event)| event).collect()
}

/// `socket:` as strace writes it here.
const SOCKET: &str = r"\x73\x6f\x63\x6b\x65\x74\x3a";

struct Reader<'a> {
    folder: &'a Path,
    events: Vec<(usize, Event)>,
    /// Where the next plain write to a descriptor goes.
    positions: HashMap<String, u64>,
    /// Calls that have not come back, by thread.
    begun: HashMap<&'a str, (usize, &'a str)>,
}

impl Reader<'_> {
    /// One whole call, with the places in the trace where it began and came back.
    fn call(&mut self, text: &str, (begin, end): (usize, usize)) {
        let Some((name, rest)) = text.split_once('(') else { return };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        let Some(arguments) = arguments.trim_end().strip_suffix(')') else { return };
        if result.starts_with(['-', '?']) {
            return;
        }
        match name {
            "write" | "sendto" | "sendmsg" | "writev" if arguments.contains(SOCKET) => {
                self.events.push((begin, Event::Sent(strings(arguments).concat())));
            }
            "open" | "openat" | "creat" => self.opened(arguments, result, end),
            "mkdir" | "mkdirat" | "unlink" | "unlinkat" => {
                let path = strings(arguments).first().and_then(|path| self.inside(path));
                let event = if name.starts_with("mk") { Event::MadeFolder } else { Event::Removed };
                self.events.extend(path.map(|path| (end, event(path))));
            }
            _ => self.on_file(name, arguments, (begin, end)),
        }
    }

    fn opened(&mut self, arguments: &str, result: &str, end: usize) {
        let (descriptor, _) = result.split_once('<').unwrap_or((result, ""));
        self.positions.insert(descriptor.to_owned(), 0);
        let Some(path) = path_of(result).and_then(|path| self.inside(path.as_bytes())) else { return };
        assert!(
            !arguments.contains("O_APPEND") && !arguments.contains("O_TMPFILE"),
            "not modelled: {arguments}"
        );
        if arguments.contains("O_CREAT") {
            self.events.push((end, Event::Made(path.clone())));
        }
        if arguments.contains("O_TRUNC") {
            self.events.push((end, Event::Truncated(path, 0)));
        }
    }

    fn on_file(&mut self, name: &str, arguments: &str, (begin, end): (usize, usize)) {
        if name == "mmap" && !(arguments.contains("MAP_SHARED") && arguments.contains("PROT_WRITE")) {
            return;
        }
        let (descriptor, rest) = arguments.split_once('<').unwrap_or_default();
        let Some(path) = path_of(arguments).and_then(|path| self.inside(path.as_bytes())) else { return };
        let number = |text: Option<&str>| -> u64 { text.and_then(|text| text.trim().parse().ok()).unwrap() };
        let mut add = |place, event| self.events.push((place, event));
        match name {
            "write" | "pwrite64" => {
                let bytes = strings(rest).concat();
                let offset = if name == "write" {
                    let position = self.positions.entry(descriptor.to_owned()).or_default();
                    *position += bytes.len() as u64;
                    *position - bytes.len() as u64
                } else {
                    number(rest.rsplit(',').next())
                };
                add(end, Event::Written(path, offset, bytes));
            }
            "ftruncate" => add(end, Event::Truncated(path, number(rest.rsplit(',').next()))),
            "fsync" | "fdatasync" => {
                add(begin, Event::SyncBegun(path.clone()));
                add(end, Event::Synced(path));
            }
            other => panic!("{other} on {} is not modelled", path.display()),
        }
    }

    /// The path, when it is in the folder; the index that all connections share is made anew from the journal, and the
    /// lock holds nothing.
    fn inside(&self, path: &[u8]) -> Option<PathBuf> {
        let path = PathBuf::from(String::from_utf8_lossy(path).into_owned());
        let name = path.to_string_lossy();
        let is_watched = path.starts_with(self.folder) || self.folder.parent() == Some(&path);
        (is_watched && !name.ends_with("-shm") && !name.ends_with(".lock")).then_some(path)
    }
}

/// The path of the first descriptor in `text`.
fn path_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.split_once('>')?;
    Some(String::from_utf8_lossy(&bytes(path)).into_owned())
}

/// Every quoted string in `text`.
fn strings(text: &str) -> Vec<Vec<u8>> {
    assert!(!text.contains("\"..."), "the trace was cut short");
    text.split('"').skip(1).step_by(2).map(bytes).collect()
}

/// `\x41\x42` as bytes; anything else as it stands.
fn bytes(text: &str) -> Vec<u8> {
    if !text.starts_with(r"\x") {
        return text.as_bytes().to_vec();
    }
    let digit = |letter: u8| if letter <= b'9' { letter - b'0' } else { letter - b'a' + 10 };
    text.as_bytes().chunks_exact(4).map(|four| digit(four[2]) << 4 | digit(four[3])).collect()
}

#[test]
fn a_trace_is_read_in_the_order_in_which_things_took_effect() {
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (file, folder, socket) = (hex("/d/f"), hex("/d"), hex("socket:[1]"));
    let text = format!(
        "1 mkdir(\"{folder}\", 0700) = 0\n\
         1 openat(AT_FDCWD</>, \"{file}\", O_RDWR|O_CREAT, 0600) = 3<{file}>\n\
         1 write(3<{file}>, \"{}\", 2) = 2\n\
         1 write(3<{file}>, \"{}\", 1) = 1\n\
         1 fsync(3<{file}> <unfinished ...>\n\
         2 pwrite64(3<{file}>, \"\\x00\\xff\", 2, 4096) = 2\n\
         2 sendto(4<{socket}>, \"{}\", 2, 0, NULL, 0 <unfinished ...>\n\
         1 <... fsync resumed>)              = 0\n\
         2 <... sendto resumed>)             = 2\n\
         2 unlink(\"{file}\") = -1 ENOENT (No such file or directory)\n\
         1 +++ killed by SIGKILL +++\n",
        hex("ab"),
        hex("c"),
        hex("ok"),
    );
    let path = || PathBuf::from("/d/f");
    let expected = [
        Event::MadeFolder("/d".into()),
        Event::Made(path()),
        Event::Written(path(), 0, b"ab".to_vec()),
        Event::Written(path(), 2, b"c".to_vec()),
        Event::SyncBegun(path()),
        Event::Written(path(), 4096, vec![0, 255]),
        Event::Sent(b"ok".to_vec()),
        Event::Synced(path()),
    ];
    assert_eq!(read(&text, Path::new("/d")), expected);
}
