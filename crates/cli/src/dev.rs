//! `countersign dev`: try it on this machine. Nothing to configure, nothing kept, nobody else can reach it.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use countersign_server::{
    config::{
        AccountsSetting, AppKeySettings, AppSettings, Config, DeliverySetting, LogSettings, Part,
        StorageSettings,
    },
    dev::{Inbox, InboxSender},
    dev_keys::{DEV_PUBLISHABLE_KEY, DEV_ROOT_KEY, DEV_SECRET_KEY},
    listener::{Address, Listener},
    reload,
    service::{Admission, Service},
    wiring,
};

use crate::{log::say, serve};

/// The app that has accounts.
const PEOPLE: &str = "people";

/// Try it: nothing to configure, nothing kept, every mail on a page.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign dev
  countersign dev --port 9000
  countersign dev --templates /etc/countersign/templates")]
pub struct Dev {
    /// The port on this machine.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// A folder of mail templates and texts to see at work; changes show at once.
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// What is logged: error, warn, info, debug or trace.
    #[arg(long, default_value = "warn")]
    log_level: String,
}

impl Dev {
    /// Runs until it is interrupted.
    ///
    /// # Errors
    /// When the port is taken, or a configuration is given: `dev` wants none.
    pub async fn run(self) -> anyhow::Result<()> {
        crate::log::start(&LogSettings { level: self.log_level.clone(), ..LogSettings::default() })?;
        let (port, listeners) = listen(self.port).await?;
        let keys = [DEV_SECRET_KEY, DEV_PUBLISHABLE_KEY].map(str::to_owned);
        let mut config = config(port, &keys);
        config.mail.templates = self.templates;
        let server = serve::open(config).await?;
        let config = server.config.load_full();
        let inbox = Arc::new(Inbox::default());
        let way = wiring::way(&config, Arc::new(InboxSender(Arc::clone(&inbox))));
        let way = way.map_err(|error| anyhow!(error))?;
        let pages = countersign_server::dev::routes(&inbox, &keys[1]);
        let routes = wiring::routes_with(&server, &[Part::Public, Part::Operations], pages);
        let hosts = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("{host}:{port}")).to_vec();
        let service = Service::new(
            Arc::clone(&server),
            routes,
            &[Part::Public, Part::Operations],
            Admission::Local(hosts),
        );
        say(&welcome(port, &keys));
        let (stop_watching, until) = countersign_server::shutdown::channel();
        let watching = tokio::spawn(reload::watch_templates(Arc::clone(&server), until));
        let running = wiring::start(
            server,
            way,
            listeners.into_iter().map(|listener| (listener, service.clone())).collect(),
        );
        serve::stop_signal().await?;
        stop_watching.stop();
        watching.await?;
        running.stop().await;
        Ok(())
    }
}

/// Listens on this machine, and on which port. `localhost` means 127.0.0.1 to some programs and ::1 to others.
async fn listen(port: u16) -> anyhow::Result<(u16, Vec<Listener>)> {
    let taken = || format!("port {port} is taken: try --port");
    let first = Listener::bind(Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))).await;
    let first = first.with_context(taken)?;
    let port = first.local_addr().map_or(port, |address| address.port());
    match Listener::bind(Address::Tcp(SocketAddr::from((Ipv6Addr::LOCALHOST, port)))).await {
        Ok(second) => Ok((port, vec![first, second])),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(error).with_context(taken),
        // A machine without IPv6 has no such address.
        Err(_) => Ok((port, vec![first])),
    }
}

fn config(port: u16, keys: &[String]) -> Config {
    let issuer = format!("http://localhost:{port}");
    let mut config = Config::default();
    config.server.issuer.clone_from(&issuer);
    config.server.shutdown_seconds = 2;
    config.storage = StorageSettings { url: ":memory:".to_owned(), ..StorageSettings::default() };
    config.keys.root_key = Some(DEV_ROOT_KEY.to_owned());
    let demo = AppSettings {
        name: "demo".to_owned(),
        title: Some("Demo".to_owned()),
        origins: vec![issuer.clone()],
        delivery: Some(DeliverySetting::Both),
        resend_pause_seconds: Some(0),
        keys: keys
            .iter()
            .map(|key| AppKeySettings { key: Some(key.clone()), ..AppKeySettings::default() })
            .collect(),
        ..AppSettings::default()
    };
    // The same with accounts, on our own pages.
    let people = AppSettings {
        name: PEOPLE.to_owned(),
        title: Some("People".to_owned()),
        accounts: AccountsSetting::Realm,
        keys: Vec::new(),
        ..demo.clone()
    };
    config.apps = vec![demo, people];
    config
}

fn welcome(port: u16, keys: &[String]) -> String {
    let base = format!("http://localhost:{port}");
    let secret = &keys[0];
    format!(
        "Countersign, for trying out. Nothing is kept, nobody else can reach it. Ctrl-C ends it.

  Sign in on a page   {base}/
  See every mail      {base}/dev/inbox
  Keep an account     {base}/account
  Read the interface  {base}/docs

Or with curl, as an app's server:

  curl -s {base}/v1/challenges -H 'Authorization: Bearer {secret}' \\
    -H 'Content-Type: application/json' -d '{{\"to\":{{\"email\":\"jane@example.org\"}}}}'

  curl -s {base}/v1/verify -H 'Authorization: Bearer {secret}' \\
    -H 'Content-Type: application/json' -d '{{\"email\":\"jane@example.org\",\"code\":\"CODE\"}}'

  curl -s {base}/v1/token -H 'Authorization: Bearer TOKEN'
"
    )
}
