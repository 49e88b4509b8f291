//! Changes of an operator's mail templates and texts while the server runs: good ones are taken over, others are
//! reported and the former ones stay.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{LOOK, Stamp, stamp};
use crate::{config::Config, outbox::render, shutdown::Shutdown, state::Server, wiring};

/// Takes over what changes in the folder of templates until `shutdown`; for who has no configuration file to watch.
pub async fn watch_templates(server: Arc<Server>, mut shutdown: Shutdown) {
    let mut templates = TemplatesWatch::new(&server);
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = look.tick() => templates.look(&server),
        }
    }
}

/// The files of a folder, and their states.
type Stamps = BTreeMap<PathBuf, Stamp>;

/// Reads the templates again when one of their files changes, comes or goes, or another folder is named.
#[derive(Debug)]
pub struct TemplatesWatch(Option<(PathBuf, Stamps)>);

impl TemplatesWatch {
    /// One that takes the files as they are now as read.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self(stamps(&server.config.load()))
    }

    /// Reads them again if something changed.
    pub fn look(&mut self, server: &Server) {
        let config = server.config.load_full();
        let now = stamps(&config);
        if now == self.0 {
            return;
        }
        self.0 = now;
        match wiring::renderer(&config) {
            Ok(renderer) => {
                server.renderer.store(Arc::new(renderer));
                tracing::info!("the mail templates and texts changed");
            }
            Err(error) => {
                for problem in error.to_string().lines() {
                    tracing::error!(problem, "the changed templates cannot be used; the former ones stay");
                }
            }
        }
    }
}

/// The folder and what is in it; a folder that cannot be read has nothing.
fn stamps(config: &Config) -> Option<(PathBuf, Stamps)> {
    let folder = config.mail.templates.clone()?;
    let files = render::files(&folder).unwrap_or_default();
    let stamps = files.into_iter().map(|(_, path)| (path.clone(), stamp(&path))).collect();
    Some((folder, stamps))
}
