//! Asking the DNS: the one question the checks ask, and hickory's resolver as the answer. A name without records and
//! a name that does not exist are the same empty list here; what the records mean is not known here.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

/// How long one question may take on one transport.
const QUESTION: Duration = Duration::from_secs(3);
/// How long one lookup may take with the retry over TCP, aliases and all.
const LOOKUP: Duration = Duration::from_secs(8);
/// Records of one answer that are kept; a hostile zone may hold many more.
const RECORDS: usize = 100;

/// The kinds of records the checks ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// TXT.
    Text,
    /// A.
    Ipv4,
    /// AAAA.
    Ipv6,
    /// MX.
    Exchange,
    /// PTR.
    Pointer,
}

/// One record of an answer. Names have no final dot; the root is the empty string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// TXT, its strings joined without anything between, as RFC 7208, 6376 and 7489 want. What is not UTF-8 is
    /// replaced by U+FFFD, which no record may hold.
    Text(String),
    /// A or AAAA.
    Address(IpAddr),
    /// MX.
    Exchange {
        /// The lower, the earlier it is tried.
        preference: u16,
        /// The host; empty in a null MX (RFC 7505).
        host: String,
    },
    /// PTR.
    Name(String),
}

/// No answer could be had: a timeout, a server failure, an unreadable name. Says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered(pub String);

impl fmt::Display for Unanswered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A source of records.
pub trait Lookup: Sync {
    /// The records of `kind` at `name` (absolute, without a final dot), after following aliases. Empty when there are
    /// none or the name does not exist.
    ///
    /// # Errors
    /// [`Unanswered`] when nobody said whether there are any.
    fn records(&self, name: &str, kind: Kind)
    -> impl Future<Output = Result<Vec<Record>, Unanswered>> + Send;
}

/// The real DNS, asked over UDP and TCP.
#[derive(Debug)]
pub struct Resolver {
    resolver: TokioResolver,
}

impl Resolver {
    /// Prepares to ask one name server, or those of the system (`/etc/resolv.conf`). Needs a Tokio runtime; asks
    /// nothing yet.
    ///
    /// # Errors
    /// [`Unanswered`] when the system's configuration cannot be read.
    pub fn open(nameserver: Option<SocketAddr>) -> Result<Self, Unanswered> {
        let mut builder = match nameserver {
            Some(server) => TokioResolver::builder_with_config(only(server), TokioRuntimeProvider::default()),
            None => TokioResolver::builder_tokio().map_err(|error| Unanswered(error.to_string()))?,
        };
        bound(builder.options_mut());
        let resolver = builder.build().map_err(|error| Unanswered(error.to_string()))?;
        Ok(Self { resolver })
    }

    async fn ask(&self, name: Name, kind: RecordType) -> Result<Vec<Record>, Unanswered> {
        match tokio::time::timeout(LOOKUP, self.resolver.lookup(name, kind)).await {
            Err(_) => Err(Unanswered("timed out".to_owned())),
            Ok(Err(error)) if error.is_no_records_found() => Ok(Vec::new()),
            Ok(Err(error)) => Err(Unanswered(error.to_string())),
            Ok(Ok(answer)) => Ok(answer
                .answers()
                .iter()
                .filter(|record| record.record_type() == kind)
                .filter_map(|record| parse(&record.data))
                .take(RECORDS)
                .collect()),
        }
    }
}

impl Lookup for Resolver {
    async fn records(&self, name: &str, kind: Kind) -> Result<Vec<Record>, Unanswered> {
        let mut name = Name::from_ascii(name).map_err(|error| Unanswered(error.to_string()))?;
        name.set_fqdn(true);
        self.ask(name, record_type(kind)).await
    }
}

fn only(server: SocketAddr) -> ResolverConfig {
    let at = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
    ResolverConfig::from_parts(None, Vec::new(), vec![NameServerConfig::new(server.ip(), true, connections)])
}

fn bound(options: &mut ResolverOpts) {
    options.timeout = QUESTION;
    options.attempts = 1;
    options.try_tcp_on_error = true;
    options.cache_size = 1024;
    // A receiver does not read our hosts file.
    options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
}

fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::Text => RecordType::TXT,
        Kind::Ipv4 => RecordType::A,
        Kind::Ipv6 => RecordType::AAAA,
        Kind::Exchange => RecordType::MX,
        Kind::Pointer => RecordType::PTR,
    }
}

fn parse(data: &RData) -> Option<Record> {
    match data {
        RData::TXT(text) => {
            let joined = text.txt_data.concat();
            Some(Record::Text(String::from_utf8_lossy(&joined).into_owned()))
        }
        RData::A(address) => Some(Record::Address(IpAddr::V4(address.0))),
        RData::AAAA(address) => Some(Record::Address(IpAddr::V6(address.0))),
        RData::MX(exchange) => {
            Some(Record::Exchange { preference: exchange.preference, host: plain(&exchange.exchange) })
        }
        RData::PTR(name) => Some(Record::Name(plain(&name.0))),
        _ => None,
    }
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
