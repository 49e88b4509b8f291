//! Which functions run at every start of the program, as a file for the linker, which lays them side by side: an idle server
//! then has few pages of its program in memory. Decision 21 says what that is worth.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use crate::{cargo::cargo, environment, servers::free_port};

/// The file, from the root of the work tree.
const FILE: &str = "crates/cli/begin.ld";
/// Bytes of functions that do not run and are taken in because they have a name in common with one that does.
const SLACK: u64 = 1024;
/// How long a start may take that is watched: it is some fifty times slower.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long an idle server is watched: what it does each minute belongs to it.
const IDLE: Duration = Duration::from_secs(65);
/// Files of the cryptographic library that a start needs: they are assembly, whose functions cannot be placed by themselves.
const ASSEMBLY: [&str; 7] = [
    "aesni-gcm-x86_64",
    "aesni-x86_64",
    "bignum_*25519",
    "edwards25519_*",
    "ghash-x86_64",
    "sha256-x86_64",
    "sha512-x86_64",
];
/// What processors run that can do more than the one that valgrind shows.
const WIDER: [&str; 1] = ["*crc32fast*"];
/// An API key as the server accepts it, for databases that are thrown away.
pub(crate) const API_KEY: &str = "cs_sk_benchbenchbenchbenchbenchbench002fgtd6f";
/// A server that has something of most parts, as operators have it.
const CONFIGURATION: &str = r#"
[server]
issuer = "http://localhost:8080"
session_cache = 65536
listeners = [
  { address = "127.0.0.1:PORT", parts = ["public", "operations"] },
  { address = "127.0.0.1:0", parts = ["operations"] },
  { address = "127.0.0.2:0", parts = ["verify"] },
]
[storage]
data_dir = "FOLDER"
[mail]
from = "no-reply@example.org"
max_connections = 4
smtp = [{ host = "127.0.0.1", port = 9, security = "none" }]
[limits]
messages_per_day = 10_000
polls_per_network_per_minute = 600
[forward_auth]
cache_mib = 64
[[apps]]
name = "first"
keys = [{ key = "KEY" }]
forward_auth = { open = true, scopes = ["read:email", "read:name"] }
resend_pause_seconds = 30
messages_per_person_per_hour = 5
messages_per_person_per_day = 20
messages_per_day = 10_000
[[apps]]
name = "second"
accounts = "realm"
origins = ["https://www.example.org"]
forward_auth = { open = true, scopes = ["read:email"] }
[[realms]]
name = "default"
"#;
/// What apps and proxies ask as soon as a server is there.
const ASKED: [&str; 2] = ["/readyz", "/.well-known/jwks.json"];

/// Builds the program, watches it start and idle, and writes the file.
///
/// # Errors
/// When it does not build, valgrind is not there, or the program does not start; then the file stays as it was.
pub(crate) fn write() -> anyhow::Result<()> {
    ensure!(
        environment::program(&["valgrind"]).is_some() && environment::program(&["nm"]).is_some(),
        "valgrind and nm are needed: apt-get install valgrind binutils"
    );
    let file = environment::root().join(FILE);
    let former = fs::read_to_string(&file)?;
    // Valgrind knows no functions but those of `.text`: the program is watched as it is without the file.
    fs::write(&file, script(&BTreeSet::new()))?;
    let patterns = build_and_watch();
    fs::write(&file, patterns.as_ref().map_or(former, script))?;
    println!(
        "wrote {FILE}: {} functions; build again, and look at the idle memory in the bench",
        patterns?.len()
    );
    Ok(())
}

fn build_and_watch() -> anyhow::Result<BTreeSet<String>> {
    // With the names of its functions in it.
    let build =
        ["rustc", "--release", "--package=countersign-cli", "--bin=countersign", "--", "-Cstrip=none"];
    environment::must_succeed(&mut cargo(&build)?)?;
    let folder = environment::target()?.join("order");
    fs::create_dir_all(&folder)?;
    let program = folder.join("countersign");
    fs::copy(environment::target()?.join("release/countersign"), &program)?;
    // The first start makes keys and tables, those after it only look at them.
    let seen = [watch(&program, &folder)?, watch(&program, &folder)?];
    let symbols = environment::output(Command::new("nm").args(["-S", "--defined-only"]).arg(&program))?;
    fs::remove_dir_all(folder)?;
    let ran = seen.iter().flat_map(|seen| executed(seen, "countersign")).collect();
    Ok(patterns(&functions(&symbols), &ran))
}

/// What valgrind saw of one start.
fn watch(program: &Path, folder: &Path) -> anyhow::Result<String> {
    let port = free_port()?;
    let (config, profile) = (folder.join("countersign.toml"), folder.join("profile"));
    let text = CONFIGURATION.replace("PORT", &port.to_string());
    let text = text.replace("FOLDER", &folder.display().to_string()).replace("KEY", API_KEY);
    fs::write(&config, text)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", "--demangle=no"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    let mut server = valgrind.arg(program).arg("--config").arg(&config).arg("serve").spawn()?;
    let started = wait_for(port, &mut server);
    if started.is_ok() {
        thread::sleep(IDLE);
    }
    // One that has ended by itself is not there to be ended.
    let ended = environment::must_succeed(Command::new("kill").arg(server.id().to_string()));
    server.wait()?;
    started.and(ended)?;
    Ok(fs::read_to_string(profile)?)
}

fn wait_for(port: u16, server: &mut Child) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended: {status}");
        }
        if ASKED.iter().all(|path| is_answered(port, path).unwrap_or(false)) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!("the server did not start")
}

fn is_answered(port: u16, path: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// The functions of the program that ran, from callgrind's format: names are given once, with a number that stands for them
/// from then on; `ob` is the file that the following `fn` are in, `cob` and `cfn` are of what is called.
fn executed(profile: &str, program: &str) -> BTreeSet<String> {
    let (mut names, mut files) = (HashMap::new(), HashMap::new());
    let (mut is_ours, mut ran) = (false, BTreeSet::new());
    for line in profile.lines() {
        let Some((kind, value)) = line.split_once('=') else { continue };
        let Some((number, name)) = value.strip_prefix('(').and_then(|value| value.split_once(')')) else {
            continue;
        };
        let known = match kind {
            "ob" | "cob" => &mut files,
            "fn" | "cfn" => &mut names,
            _ => continue,
        };
        if let Some(name) = name.strip_prefix(' ') {
            known.insert(number, name);
        }
        let name = known.get(number).copied().unwrap_or_default();
        match kind {
            "ob" => is_ours = Path::new(name).file_name().is_some_and(|name| name == program),
            // A function within itself has another name.
            "fn" if is_ours => drop(ran.insert(name.split('\'').next().unwrap_or_default().to_owned())),
            _ => {}
        }
    }
    ran
}

/// The functions of a program with their sizes in bytes, from what `nm -S` prints.
fn functions(symbols: &str) -> Vec<(String, u64)> {
    let function = |line: &str| {
        let [_, size, kind, name] = *line.split(' ').collect::<Vec<_>>() else { return None };
        let is_code = kind.eq_ignore_ascii_case("t") || kind.eq_ignore_ascii_case("w");
        is_code.then(|| u64::from_str_radix(size, 16).ok().map(|size| (name.to_owned(), size)))?
    };
    symbols.lines().filter_map(function).collect()
}

/// The name without what differs from build to build: the end of it is a hash. A star stands for that.
fn family(name: &str) -> String {
    match name.rfind("17h").filter(|_| name.starts_with("_ZN")) {
        Some(hash) => format!("{}*", &name[..hash + 3]),
        None => name.split(".llvm.").next().unwrap_or_default().to_owned(),
    }
}

/// What is to be laid side by side: families, where all or nearly all of them run, else the functions that do.
fn patterns(functions: &[(String, u64)], executed: &BTreeSet<String>) -> BTreeSet<String> {
    let mut families: BTreeMap<String, (u64, Vec<&String>)> = BTreeMap::new();
    for (name, size) in functions {
        let (idle, ran) = families.entry(family(name)).or_default();
        if executed.contains(name) { ran.push(name) } else { *idle += size }
    }
    let families = families.into_iter().filter(|(_, (_, ran))| !ran.is_empty());
    families
        .flat_map(
            |(family, (idle, ran))| {
                if idle <= SLACK { vec![family] } else { ran.into_iter().cloned().collect() }
            },
        )
        .collect()
}

/// The file, as linkers read it that know `INSERT`: those of LLVM and GNU.
fn script(patterns: &BTreeSet<String>) -> String {
    let wider = WIDER.map(str::to_owned);
    let functions = patterns.iter().chain(&wider).map(|pattern| format!("    *(.text*.{pattern})\n"));
    let files = ASSEMBLY.iter().map(|file| format!("    *aws_lc_sys*:*-{file}.o(.text)\n"));
    let lines: String = functions.chain(files).collect();
    format!(
        "/* What runs at every start, side by side: decision 21. Written by `cargo xtask order`. */\n\
         SECTIONS\n{{\n  .text.begin :\n  {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_is_what_valgrind_names_in_the_program() {
        let profile = "version: 1\nob=(1) /target/release/countersign\nfn=(1) _ZN1a17h0000000000000001E\n0 5\ncob=(2) /lib/libc.so.6\n\
                       cfn=(2) malloc\ncalls=1 0\n0 7\ncfn=(3) b\ncalls=1 0\n0 7\n\nob=(2)\nfn=(2)\n0 5\n\nob=(1)\nfn=(4) c'2\n0 1\n\nfn=(3)\n0 1\n";
        let ran: Vec<_> = executed(profile, "countersign").into_iter().collect();
        assert_eq!(ran, ["_ZN1a17h0000000000000001E", "b", "c"]);
    }

    #[test]
    fn a_family_is_taken_whole_only_where_little_of_it_is_idle() {
        let symbols = "0000000000000010 0000000000000020 t _ZN1a17h0000000000000001E\n\
                       0000000000000030 0000000000000400 t _ZN1a17h0000000000000002E.llvm.77\n\
                       0000000000000430 0000000000000020 T _ZN1b17h0000000000000001E\n\
                       0000000000000450 0000000000000401 t _ZN1b17h0000000000000002E\n\
                       0000000000000900 0000000000000008 D data\n\
                       0000000000000910 0000000000000008 W sqlite3_step\n\
                       0000000000000920 t without_a_size\n\
                       0000000000000930 0000000000000008 t idle\n";
        let executed =
            ["_ZN1a17h0000000000000001E", "_ZN1b17h0000000000000001E", "sqlite3_step", "elsewhere"];
        let found = patterns(&functions(symbols), &executed.map(str::to_owned).into());
        let found: Vec<_> = found.into_iter().collect();
        assert_eq!(found, ["_ZN1a17h*", "_ZN1b17h0000000000000001E", "sqlite3_step"]);
        let script = script(&found.into_iter().collect());
        assert!(
            script.contains("    *(.text*._ZN1a17h*)\n    *(.text*._ZN1b17h0000000000000001E)\n"),
            "{script}"
        );
    }
}
