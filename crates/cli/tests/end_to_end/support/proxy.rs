//! The reverse proxies of other makers, each run with its recipe of `deploy/`: only names, ports and certificates are
//! changed, as a user would. Knows nothing of what is asked through them.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{free_port, replay, tools, wait_for};

/// A maker's proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
    /// HAProxy with Lua.
    Haproxy,
    /// Apache with mod_lua.
    Apache,
    /// What Traefik's documentation says that `forwardAuth` does.
    Traefik,
}

/// What a recipe is filled in with.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The apps with a service each, at `APP.example.org`.
    pub(crate) apps: Vec<&'static str>,
    /// Countersign's listener for people.
    pub(crate) public: u16,
    /// Its listener for proxies.
    pub(crate) verify: u16,
    /// The service behind all apps.
    pub(crate) service: u16,
    /// Whether a recipe's script is to fail when it comes to its question.
    pub(crate) broken: bool,
}

/// A running proxy, ended when dropped.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) port: u16,
    /// Whose it is.
    pub(crate) maker: Maker,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The first process ends its workers when it is told so, not when it is killed.
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        for _ in 0..100 {
            if child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Proxy {
    /// Starts it and waits until it listens; `None` when proxies are left out.
    pub(crate) fn start(maker: Maker, places: &Places) -> Option<Self> {
        if tools::left_out("proxies") {
            return None;
        }
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let filled = Filled { places, port, folder: folder.path() };
        let command = match maker {
            Maker::Nginx => Some(filled.nginx()),
            Maker::Caddy => Some(filled.caddy()),
            Maker::Haproxy => Some(filled.haproxy()),
            Maker::Apache => Some(filled.apache()),
            Maker::Traefik => {
                replay::start(port, places, &recipe("traefik/countersign.yml"));
                None
            }
        };
        let child = command.map(|mut command| {
            let log = File::create(folder.path().join("log")).unwrap();
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            command.spawn().unwrap_or_else(|error| panic!("{maker:?} does not start: {error}"))
        });
        let mut proxy = Self { port, maker, child, folder };
        proxy.await_readiness();
        Some(proxy)
    }

    fn await_readiness(&mut self) {
        wait_for("a proxy that listens", Duration::from_secs(20), || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "the proxy ended: {}", self.log());
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
        });
    }

    /// What it logged and printed.
    pub(crate) fn log(&self) -> String {
        ["log", "error.log"]
            .map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .concat()
    }
}

/// A file of `deploy/`.
fn recipe(name: &str) -> String {
    let path = format!("{}/../../deploy/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Replaces what must be there, so that a recipe that says something else is noticed.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the recipe does not say {from:?} any more:\n{text}");
        text.replace(from, to)
    })
}

/// A recipe's parts with a test's names and ports in them.
struct Filled<'a> {
    places: &'a Places,
    port: u16,
    folder: &'a Path,
}

impl Filled<'_> {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A recipe's script, with a mistake in it where the test wants one.
    fn script(&self, name: &str) -> PathBuf {
        let question = if self.places.broken { "VERIFY .. nil" } else { "VERIFY .. app" };
        let verify = Self::at(self.places.verify);
        let text = with(&recipe(name), &[("127.0.0.1:8082", &verify), ("VERIFY .. app", question)]);
        self.write("countersign.lua", &text)
    }

    fn at(port: u16) -> String {
        format!("127.0.0.1:{port}")
    }

    /// The site of a recipe, once for each app.
    fn sites(&self, site: &str) -> String {
        self.places.apps.iter().map(|app| site.replace("wiki", app)).collect::<Vec<_>>().join("\n")
    }

    fn nginx(&self) -> Command {
        let Places { public, verify, service, .. } = self.places;
        let once = with(
            &recipe("nginx/countersign.conf"),
            &[("127.0.0.1:8080", &Self::at(*public)), ("127.0.0.1:8082", &Self::at(*verify))],
        );
        for name in ["snippets/countersign-server.conf", "snippets/countersign-service.conf"] {
            self.write(name, &recipe(&format!("nginx/{name}")));
        }
        let site = with(
            &recipe("nginx/wiki.example.org.conf"),
            &[
                ("listen 443 ssl;", &format!("listen 127.0.0.1:{};", self.port)),
                ("ssl_certificate ", "# "),
                ("ssl_certificate_key ", "# "),
                ("127.0.0.1:3000", &Self::at(*service)),
            ],
        );
        let folder = self.folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
            .concat();
        let user = if is_root() { "user root;" } else { "" };
        let text = format!(
            "daemon off;\n{user}\npid {folder}/pid;\nerror_log {folder}/error.log;\nworker_processes 1;\n\
             events {{ }}\nhttp {{\naccess_log off;\n{temporary}{once}\n{}\n}}\n",
            self.sites(&site)
        );
        let config = self.write("nginx.conf", &text);
        let mut command = Command::new(program("nginx"));
        command.arg("-e").arg(self.folder.join("error.log")).arg("-c").arg(config).arg("-p").arg(self.folder);
        command
    }

    fn caddy(&self) -> Command {
        let Places { public, verify, service, .. } = self.places;
        let text = with(
            &recipe("caddy/Caddyfile"),
            &[
                ("127.0.0.1:8080", &Self::at(*public)),
                ("127.0.0.1:8082", &Self::at(*verify)),
                ("127.0.0.1:3000", &Self::at(*service)),
                ("\n\tservers {", "\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tservers {"),
                ("\nwiki.example.org {", &format!("\nhttp://wiki.example.org:{} {{", self.port)),
            ],
        );
        let (once, site) = text.split_once("\nhttp://").unwrap();
        let config = self.write("Caddyfile", &format!("{once}\n{}", self.sites(&format!("http://{site}"))));
        let mut command = Command::new(program("caddy"));
        command
            .arg("run")
            .arg("--config")
            .arg(config)
            .args(["--adapter", "caddyfile"])
            .envs(["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"].map(|name| (name, self.folder)));
        command
    }

    fn haproxy(&self) -> Command {
        let Places { public, service, .. } = self.places;
        let script = self.script("haproxy/countersign.lua");
        let text = with(
            &recipe("haproxy/haproxy.cfg"),
            &[
                ("/etc/haproxy/countersign.lua", &script.display().to_string()),
                (":443 ssl crt /etc/haproxy/wiki.example.org.pem", &Self::at(self.port)),
                ("127.0.0.1:8080", &Self::at(*public)),
                ("127.0.0.1:3000", &Self::at(*service)),
            ],
        );
        let (rest, backend) = text.split_once("\nbackend wiki").unwrap();
        let lines: Vec<String> = rest
            .lines()
            .map(|line| if line.contains("wiki") { self.sites(line) } else { line.to_owned() })
            .collect();
        let text = format!("{}\n{}\n", lines.join("\n"), self.sites(&format!("backend wiki{backend}")));
        let config = self.write("haproxy.cfg", &text);
        let mut command = Command::new(program("haproxy"));
        command.arg("-db").arg("-f").arg(config);
        command
    }

    fn apache(&self) -> Command {
        const MODULES: [&str; 8] = [
            "mpm_event",
            "authz_core",
            "headers",
            "lua",
            "proxy",
            "proxy_http",
            "proxy_wstunnel",
            "setenvif",
        ];
        let Places { public, service, .. } = self.places;
        let script = self.script("apache/countersign.lua");
        let text = with(
            &recipe("apache/wiki.example.org.conf"),
            &[
                ("/etc/apache2/countersign.lua", &script.display().to_string()),
                ("<VirtualHost *:443>", &format!("<VirtualHost 127.0.0.1:{}>", self.port)),
                ("SSLEngine on", ""),
                ("SSLCertificateFile ", "# "),
                ("SSLCertificateKeyFile ", "# "),
                ("127.0.0.1:8080", &Self::at(*public)),
                ("127.0.0.1:3000", &Self::at(*service)),
            ],
        );
        let (once, site) = text.split_once("<VirtualHost").unwrap();
        let folder = self.folder.display();
        let modules: String = MODULES
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .concat();
        // It starts as root and goes on as nobody, who must be able to read what is here.
        let user = if is_root() { "User nobody\nGroup nogroup\n" } else { "" };
        fs::set_permissions(self.folder, fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!(
            "ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n\
             DefaultRuntimeDir {folder}\n{user}{modules}Listen 127.0.0.1:{}\n{once}\n{}\n",
            self.port,
            self.sites(&format!("<VirtualHost{site}"))
        );
        let config = self.write("apache2.conf", &text);
        let mut command = Command::new(program("apache2"));
        command.arg("-DFOREGROUND").arg("-f").arg(config);
        command
    }
}

/// Debian keeps servers off the path of people who are not root.
fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|file| file.is_file()).unwrap_or_else(|| name.into())
}

fn is_root() -> bool {
    tools::run(Command::new("id").arg("-u")).trim() == "0"
}
