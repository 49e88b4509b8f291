//! Signing in with a passkey, and with a mailed code and a TOTP: what a sign-in costs beside the check of the signature
//! alone, and beside what the store takes.
#![expect(clippy::disallowed_methods, reason = "the codes are of the time that the measured server lives in")]

use std::{
    cell::Cell,
    future::Future,
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    authenticator::Authenticator,
    clients::Caller,
    process::Process,
    report::{Report, Target, median},
    settings::Settings,
    world::{SESSIONS, Server, World},
};
use crate::environment;

/// People who sign in: each has a few sessions, as people have.
const PEOPLE: u64 = 4_096;
/// Callers at once.
const CALLERS: u64 = 32;
/// Seconds for which a TOTP is good.
const STEP: u64 = 30;

/// Measures both.
///
/// # Errors
/// When a measurement could not be made.
pub(crate) fn measure(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.part("Second factors: a passkey, and a mailed code with a TOTP");
    verification(settings, report)?;
    passkeys(settings, world, report)?;
    totps(settings, world, report)
}

/// Our rules beside the bare check of the signature, in one process.
fn verification(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let program = environment::target()?.join("release/examples/passkey_cost");
    let (mut bare, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let log = settings.folder.join("passkey.log");
        let line = Process::start::<&str>(&program, &[], &log)?.line()?;
        let (raw, ours) = line.split_once(' ').context("two figures")?;
        let (raw, ours): (f64, f64) = (raw.parse()?, ours.parse()?);
        bare.push(raw);
        ratios.push(ours / raw);
    }
    report.add("check of an ES256 signature alone", median(&bare), "µs", Target::None);
    report.add("… with all rules about it, ratio", median(&ratios), "", Target::AtMost(1.1));
    Ok(())
}

fn passkeys(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    let (folder, more) =
        (settings.folder.join("passkeys"), "accounts = \"realm\"\npolicy.least = \"aal2\"\n");
    let server = Server::start_with_more(world.sink(), &folder, (SESSIONS, more))?;
    let first = world.person() << 32;
    let people = each(world, server.port, first, |mut caller, person| async move {
        let (path, binding) = begin(&mut caller, &json!({"email": address(person)})).await?;
        mailed(&mut caller, (&path, &binding), person).await?;
        let step = json!({"method": "new_passkey_options", "binding": binding});
        let options = caller.post(&path, &step).await?;
        let (device, credential) = Authenticator::create(&options["new_passkey"])?;
        let step = json!({"method": "new_passkey", "binding": binding, "credential": credential});
        caller.post(&path, &step).await?;
        Ok((caller, device))
    })?;
    let people = Rc::new(people);
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let (before, people) = (server.process.cpu()?, Rc::clone(&people));
        let (count, long) = all(world, server.port, settings.turn, move |mut caller, number| {
            let people = Rc::clone(&people);
            async move {
                let device = &people[(number % PEOPLE) as usize];
                let (path, binding) = begin(&mut caller, &json!({})).await?;
                let step = json!({"method": "passkey_options", "binding": binding});
                let options = caller.post(&path, &step).await?;
                let credential = device.get(&options["passkey"])?;
                let step = json!({"method": "passkey", "binding": binding, "credential": credential});
                caller.post(&path, &step).await.map(|_| caller)
            }
        })?;
        costs.push((server.process.cpu()? - before).as_secs_f64() * 1e6 / count as f64);
        rates.push(count as f64 / long.as_secs_f64());
    }
    report.add("sign-ins with a passkey", median(&rates), "/s", Target::None);
    report.add("… CPU of each", median(&costs), "µs", Target::None);
    server.process.stop()
}

fn totps(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    let (folder, more) = (settings.folder.join("totps"), "accounts = \"realm\"\npolicy.least = \"aal1\"\n");
    let server = Server::start_with_more(world.sink(), &folder, (SESSIONS, more))?;
    let first = world.person() << 32;
    let secrets = each(world, server.port, first, |mut caller, person| async move {
        let (path, binding) = begin(&mut caller, &json!({"email": address(person)})).await?;
        mailed(&mut caller, (&path, &binding), person).await?;
        let options = caller.post(&path, &json!({"method": "new_totp_options", "binding": binding})).await?;
        let new = &options["new_totp"];
        let secret = text(new, "secret")?;
        let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes())?;
        let step = json!({"method": "new_totp", "binding": binding, "ceremony": new["ceremony"], "code": totp(&secret)?});
        caller.post(&path, &step).await?;
        Ok((caller, secret))
    })?;
    let secrets = Rc::new(secrets);
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds.min(3) {
        // A code is good once: everybody waits for the next.
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        std::thread::sleep(Duration::from_secs(STEP - seconds % STEP + 1));
        let (before, began) = (server.process.cpu()?, Instant::now());
        let secrets = Rc::clone(&secrets);
        each(world, server.port, first, move |mut caller, person| {
            let secrets = Rc::clone(&secrets);
            async move {
                let (path, binding) = begin(&mut caller, &json!({"email": address(person)})).await?;
                mailed(&mut caller, (&path, &binding), person).await?;
                let code = totp(&secrets[(person - first) as usize])?;
                let step = json!({"method": "totp", "binding": binding, "code": code});
                caller.post(&path, &step).await?;
                Ok((caller, ()))
            }
        })?;
        let long = began.elapsed();
        let cost = (server.process.cpu()? - before).as_secs_f64() / PEOPLE as f64;
        rates.push(PEOPLE as f64 / long.as_secs_f64() * cost);
        costs.push(cost * 1e6);
    }
    report.add("sign-in with a mailed code and a TOTP, CPU", median(&costs), "µs", Target::None);
    report.add("… rate to 1/CPU", median(&rates), "", Target::None);
    server.process.stop()
}

/// Runs this for each person once; what it gave, in their order.
fn each<T: 'static, F: Future<Output = anyhow::Result<(Caller, T)>> + 'static>(
    world: &World,
    port: u16,
    first: u64,
    work: impl Fn(Caller, u64) -> F + Clone + 'static,
) -> anyhow::Result<Vec<T>> {
    world.run(async {
        let mut tasks = JoinSet::new();
        for number in 0..CALLERS {
            let mut caller = Caller::connect(port, world.mailboxes.clone()).await?;
            let work = work.clone();
            tasks.spawn_local(async move {
                let mut found = Vec::new();
                for person in (number..PEOPLE).step_by(CALLERS as usize) {
                    let (back, one) = work(caller, first + person).await?;
                    found.push((person, one));
                    caller = back;
                }
                anyhow::Ok(found)
            });
        }
        let mut found = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            found.extend(ended??);
        }
        found.sort_by_key(|(person, _)| *person);
        Ok(found.into_iter().map(|(_, one)| one).collect())
    })
}

/// Runs this again and again for so long; how often, and how long it took.
fn all<F: Future<Output = anyhow::Result<Caller>> + 'static>(
    world: &World,
    port: u16,
    long: Duration,
    work: impl Fn(Caller, u64) -> F + Clone + 'static,
) -> anyhow::Result<(u64, Duration)> {
    let (count, began) = (Rc::new(Cell::new(0_u64)), Instant::now());
    world.run(async {
        let mut tasks = JoinSet::new();
        for _ in 0..CALLERS {
            let mut caller = Caller::connect(port, world.mailboxes.clone()).await?;
            let (work, count) = (work.clone(), Rc::clone(&count));
            tasks.spawn_local(async move {
                while began.elapsed() < long {
                    let number = count.replace(count.get() + 1);
                    caller = work(caller, number).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })?;
    Ok((count.get(), began.elapsed()))
}

fn address(person: u64) -> String {
    format!("person-{person}@example.org")
}

/// Begins a sign-in: where it goes on, and its binding.
async fn begin(caller: &mut Caller, body: &Value) -> anyhow::Result<(String, String)> {
    let begun = caller.post("/v1/sign-in", body).await?;
    Ok((format!("/v1/sign-in/{}", text(&begun, "id")?), text(&begun, "binding")?.to_owned()))
}

/// Asks for a mail, and gives its code.
async fn mailed(caller: &mut Caller, (path, binding): (&str, &str), person: u64) -> anyhow::Result<Value> {
    let code = caller.expect(&address(person));
    caller.post(path, &json!({"method": "mail", "binding": binding})).await?;
    let code = code.await?;
    caller.post(path, &json!({"method": "code", "binding": binding, "code": code})).await
}

fn text<'a>(json: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    json[member].as_str().with_context(|| format!("{member} is missing in {json}"))
}

/// The code of this moment (RFC 6238 with SHA-1, six digits).
fn totp(secret: &[u8]) -> anyhow::Result<String> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &(seconds / STEP).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag.last().ok_or_else(|| anyhow!("no tag"))? & 15);
    let bytes: [u8; 4] = tag[at..at + 4].try_into()?;
    Ok(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}
