//! What is printed: log lines on the standard error, answers to the person at the terminal.

use countersign_server::config::{LogFormat, LogSettings};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Sends log lines to the standard error, in the form and from the level that are configured.
///
/// # Errors
/// When the level does not read.
pub fn start(settings: &LogSettings) -> anyhow::Result<()> {
    let filter: Targets = settings
        .level
        .parse()
        .map_err(|error| anyhow::anyhow!("log.level: {error}: expected error, warn, info, debug or trace"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    // The message of a panic may hold what was being worked on: only its place is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a task ended by a programmer's error");
    }));
    Ok(())
}

/// Prints an answer.
#[expect(clippy::print_stdout, reason = "this is where the program speaks to the person at the terminal")]
pub fn say(text: &str) {
    println!("{text}");
}

/// Prints why a command failed.
#[expect(clippy::print_stderr, reason = "this is where the program speaks to the person at the terminal")]
pub fn say_error(error: &anyhow::Error) {
    eprintln!("countersign: {error:#}");
}
