//! What nothing can be faster than: a bare hyper server, the disk's durable append, one signature check. Each runs in a
//! process of its own on the server's core.
#![expect(clippy::print_stdout, reason = "these processes hand their figures over on their standard output")]

use std::{
    convert::Infallible,
    hint::black_box,
    io::{Seek as _, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;

/// As long as the signed part of an access token.
const SIGNED_BYTES: usize = 480;
/// As long as what one commit of the database appends: two pages with their frame headers.
const APPENDED: [u8; 2 * 4120] = [7; 2 * 4120];
/// As long as the log is when it begins anew.
const SPACE: usize = 512 * APPENDED.len();

/// Answers every request with `hello` until it is killed. Prints its port.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn hello() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serving);
        }
    })
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

/// Prints one figure in microseconds: `verify`, or `fsync FOLDER`.
///
/// # Errors
/// When it cannot be measured.
pub(crate) fn print(arguments: &[String]) -> anyhow::Result<()> {
    let time = match arguments {
        [name] if name == "verify" => verify()?,
        [name, folder] if name == "fsync" => fsync(Path::new(folder))?,
        _ => anyhow::bail!("floor verify, or floor fsync FOLDER"),
    };
    println!("{}", time.as_secs_f64() * 1e6);
    Ok(())
}

/// The time of one Ed25519 check.
fn verify() -> anyhow::Result<Duration> {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|error| anyhow!(error.to_string()))?;
    let message = [65; SIGNED_BYTES];
    let signature = key.sign(&message);
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
    repeat(Duration::from_millis(400), || {
        public.verify(black_box(&message), signature.as_ref()).ok().context("a right signature is right")
    })
}

/// The median time of one append and `fdatasync` in `folder`, into space that is already there, as in a write-ahead log.
fn fsync(folder: &Path) -> anyhow::Result<Duration> {
    let path = folder.join("probe");
    let mut file = std::fs::File::create(&path)?;
    file.write_all(&vec![0; SPACE])?;
    file.sync_all()?;
    let mut times = Vec::new();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(600) || times.len() < 20 {
        if times.len() % (SPACE / APPENDED.len()) == 0 {
            file.rewind()?;
        }
        let before = Instant::now();
        file.write_all(&APPENDED)?;
        file.sync_data()?;
        times.push(before.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort();
    Ok(times[times.len() / 2])
}

fn repeat(long: Duration, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut times = 0;
    while began.elapsed() < long {
        for _ in 0..64 {
            work()?;
        }
        times += 64;
    }
    Ok(began.elapsed() / times)
}
