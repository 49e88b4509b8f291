//! Has the linker lay what runs at every start side by side (`begin.ld`, decision 21), and write what the loader has to adjust in the
//! short form where the C library reads it. Everything else stays as it is, and so does everything where it is not known
//! that the linker can.

#![expect(clippy::disallowed_methods, reason = "a build script is told by the environment what is built")]

use std::{env, path::Path, process::Command};

/// The first glibc that reads relative relocations as DT_RELR has them (System V ABI): a bit for each place in place of 24
/// bytes, 0.6 MiB that every start would read.
const READS_SHORT_FORM: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=begin.ld");
    // As it is now: what was compiled in may be another checkout's, with which this one shares its target folder.
    let file = Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("begin.ld");
    if is("PROFILE", "release") && is_reference_platform() && has_usual_linker() {
        println!("cargo::rustc-link-arg-bin=countersign=-T");
        println!("cargo::rustc-link-arg-bin=countersign={}", file.display());
        if is_for_this_machine() && libc_version() >= Some(READS_SHORT_FORM) {
            println!("cargo::rustc-link-arg-bin=countersign=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// Names of functions, and which of them run, differ elsewhere.
fn is_reference_platform() -> bool {
    is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
}

/// Whether nobody has chosen another linker: not all of them know these files.
fn has_usual_linker() -> bool {
    is("CARGO_ENCODED_RUSTFLAGS", "") && env::var_os("RUSTC_LINKER").is_none()
}

fn is_for_this_machine() -> bool {
    env::var_os("HOST") == env::var_os("TARGET")
}

/// That of this machine's C library, where it is glibc.
fn libc_version() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn is(name: &str, value: &str) -> bool {
    env::var(name).unwrap_or_default() == value
}
