//! Who starts it: the one `main`. Reads the command line, picks the command; a file for each.

mod admin;
mod app;
mod backup;
mod bulk;
mod dev;
mod device;
mod doctor;
mod event;
mod generate;
mod grant;
mod invitation;
mod key;
mod log;
mod master_key;
mod message;
mod migrate;
mod passwords;
mod policy;
mod realm;
mod remote;
mod restore;
mod serve;
mod session;
mod token;
mod user;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

/// An authentication server: proves who controls a mailbox, tells an app, and keeps next to nothing about the person.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = EXAMPLES)]
struct Arguments<C: Subcommand = Command> {
    /// The configuration file; `countersign.toml` here, if there is one.
    #[arg(long, short, global = true, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    remote: remote::Remote,
    #[command(subcommand)]
    command: C,
}

const EXAMPLES: &str = "\
Examples:
  countersign dev                     try it: a demo app, and every mail on a page
  countersign check-config            is the configuration good?
  countersign serve                   run it
  countersign app add forum           an app, with its first key";

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: nothing to configure, nothing kept, every mail on a page.
    Dev(dev::Dev),
    /// Run the server.
    Serve(serve::Serve),
    /// Check the configuration and say what is wrong with it.
    CheckConfig,
    /// Is everything as it should be? `doctor mail` checks SPF, DKIM and DMARC, and sends a test; `doctor passwords`
    /// proposes what a hash may cost.
    Doctor(doctor::Doctor),
    /// Add, list and change the apps that people sign in to.
    App(app::App),
    /// Make and end API keys; replace the keys that sign tokens.
    Key(key::Key),
    /// Look after mail that waits to be sent.
    Message(message::Message),
    /// Take tokens back.
    Token(token::Token),
    /// Add, list, change, erase, import and export people who have accounts.
    User(user::User),
    /// Say who may use which app, and see why.
    Grant(grant::Grant),
    /// Invite people to apps that let only the invited in.
    Invitation(invitation::Invitation),
    /// List and end people's sessions.
    Session(session::Session),
    /// List and end the devices that people registered.
    Device(device::Device),
    /// Add, list and change realms: pools of users and apps.
    Realm(realm::Realm),
    /// What happened: list it, check that nobody changed it, take it along.
    Event(event::Event),
    /// What a sign-in takes, for whom and why; run cases against it.
    Policy(policy::Policy),
    /// Prepare what passwords are checked against.
    Passwords(passwords::Passwords),
    /// Write everything that is kept into one sealed file, while the server runs.
    Backup(backup::Backup),
    /// Put a backup into an empty database.
    Restore(restore::Restore),
    /// Bring the database's schema up to date.
    Migrate(migrate::Migrate),
    /// Print what is generated from the code: the API document, the configuration's schema, an example of it.
    #[command(hide = true)]
    Generate(generate::Generate),
}

/// What runs for months. To describe the other commands takes half a MiB of program, which would stay in memory as long.
#[derive(Debug, Subcommand)]
enum Lasting {
    Serve(serve::Serve),
}

/// What was typed. Help, mistakes and all other commands are told by the whole description.
fn arguments() -> Arguments {
    match Arguments::<Lasting>::try_parse() {
        Ok(Arguments { config, remote, command: Lasting::Serve(command) }) => {
            Arguments { config, remote, command: Command::Serve(command) }
        }
        Err(_) => Arguments::parse(),
    }
}

/// After how many steps of tasks the sockets are looked at. The usual 61 let a question that takes microseconds wait
/// behind many that take a hundred each.
const EVENT_INTERVAL: u32 = 8;

/// A thread for each core. Where there is one, this thread is enough, and nobody could take work from it.
fn runtime() -> std::io::Result<Runtime> {
    let is_alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if is_alone { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().event_interval(EVENT_INTERVAL).build()
}

fn main() -> ExitCode {
    let arguments = arguments();
    let result = match runtime() {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(anyhow::Error::new(error).context("the threads cannot be started")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::say_error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    arguments.remote.note();
    match arguments.command {
        Command::Dev(command) => command.run().await,
        Command::Serve(command) => command.run(arguments.config.as_deref()).await,
        Command::CheckConfig => serve::check_config(arguments.config.as_deref()),
        Command::Doctor(command) => command.run(arguments.config.as_deref()).await,
        Command::App(command) => command.run(arguments.config.as_deref()).await,
        Command::Key(command) => command.run(arguments.config.as_deref()).await,
        Command::Message(command) => command.run(arguments.config.as_deref()).await,
        Command::Token(command) => command.run(arguments.config.as_deref()).await,
        Command::Event(command) => command.run(arguments.config.as_deref()).await,
        Command::User(command) => command.run(arguments.config.as_deref()).await,
        Command::Grant(command) => command.run(arguments.config.as_deref()).await,
        Command::Invitation(command) => command.run(arguments.config.as_deref()).await,
        Command::Session(command) => command.run(arguments.config.as_deref()).await,
        Command::Device(command) => command.run(arguments.config.as_deref()).await,
        Command::Realm(command) => command.run(arguments.config.as_deref()).await,
        Command::Policy(command) => command.run(arguments.config.as_deref()).await,
        Command::Passwords(command) => command.run().await,
        Command::Backup(command) => command.run(arguments.config.as_deref()).await,
        Command::Restore(command) => command.run(arguments.config.as_deref()).await,
        Command::Migrate(command) => command.run(arguments.config.as_deref()).await,
        Command::Generate(command) => command.run(),
    }
}
