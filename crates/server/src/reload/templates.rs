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
pub struct TemplatesWatch {
    seen: Option<(PathBuf, Stamps)>,
    /// The configuration with which they could not be used: another one may name no language that has no texts.
    failed_with: Option<Arc<Config>>,
}

impl TemplatesWatch {
    /// One that takes the files as they are now as read.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self { seen: stamps(&server.config.load()), failed_with: None }
    }

    /// Reads them again if something changed.
    pub fn look(&mut self, server: &Server) {
        let config = server.config.load_full();
        let now = stamps(&config);
        let failed_otherwise = self.failed_with.as_ref().is_some_and(|former| !Arc::ptr_eq(former, &config));
        if now == self.seen && !failed_otherwise {
            return;
        }
        self.seen = now;
        self.failed_with = None;
        match wiring::renderer(&config) {
            Ok(renderer) => {
                server.renderer.store(Arc::new(renderer));
                tracing::info!("the mail templates and texts changed");
            }
            Err(error) => {
                self.failed_with = Some(Arc::clone(&config));
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
