//! Has the linker lay what runs at every start side by side (`begin.ld`, decision 21). Everything else stays as it is, and so
//! does everything where it is not known that the linker reads such a file.

#![expect(clippy::disallowed_methods, reason = "a build script is told by the environment what is built")]

use std::{env, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=begin.ld");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("begin.ld");
    if is("PROFILE", "release") && is_reference_platform() && has_usual_linker() {
        println!("cargo::rustc-link-arg-bin=countersign=-T");
        println!("cargo::rustc-link-arg-bin=countersign={}", file.display());
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

fn is(name: &str, value: &str) -> bool {
    env::var(name).unwrap_or_default() == value
}
