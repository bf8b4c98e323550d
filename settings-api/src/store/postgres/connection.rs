//! Connections to the server: URL, TLS, pool.

use std::future::poll_fn;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error_chain::chain;
use crate::error::Error;

/// Time for one step: to connect, to get a connection from the pool, to get an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Connections of one replica, beside the one that listens.
const POOL_SIZE: usize = 8;

/// How to connect to the server.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    /// Verifies the server; without it connections are plain text.
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// Parses a URL. With a CA the server must speak TLS and have a certificate of it.
    ///
    /// # Errors
    /// When the URL is invalid or the CA can't be read; the message never holds the password.
    pub(super) fn new(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let mut config = Config::from_str(url)
            .map_err(|error| Error::new("--database", "postgres://…", chain(&error)))?;
        if config.get_application_name().is_none() {
            config.application_name("settings-api");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TIMEOUT);
        }
        config.tcp_user_timeout(TIMEOUT * 2);
        let tls = match ca {
            Some(ca) => {
                config.ssl_mode(SslMode::Require);
                Some(MakeRustlsConnect::new(client_config(ca)?))
            }
            None if config.get_ssl_mode() == SslMode::Require => {
                let reason = "sslmode=require needs --database-ca";
                return Err(Error::new("--database", "postgres://…", reason));
            }
            None => None,
        };
        Ok(Self { config, tls })
    }

    /// Names the server and the database, for messages.
    pub(super) fn name(&self) -> String {
        let hosts: Vec<_> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let database = self.config.get_dbname().unwrap_or_default();
        format!("postgres://{}/{database}", hosts.join(","))
    }

    /// Builds a pool.
    ///
    /// # Errors
    /// Never with these options.
    pub(super) fn pool(&self) -> Result<Pool, Error> {
        // Asks the server before a connection is used again: after a failover it may be dead.
        let manager = ManagerConfig {
            recycling_method: RecyclingMethod::Verified,
        };
        let manager = match self.tls.clone() {
            None => Manager::from_config(self.config.clone(), NoTls, manager),
            Some(tls) => Manager::from_config(self.config.clone(), tls, manager),
        };
        Pool::builder(manager)
            .max_size(POOL_SIZE)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .recycle_timeout(Some(TIMEOUT))
            .build()
            .map_err(|error| Error::new("database", self.name(), error))
    }

    /// Opens a connection that reports notifications, and polls it until its end.
    pub(super) async fn listen(
        &self,
        statement: &str,
        notified: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), tokio_postgres::Error> {
        match self.tls.clone() {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                poll(&client, connection, statement, notified).await
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await?;
                poll(&client, connection, statement, notified).await
            }
        }
    }
}

/// Executes the LISTEN statement and polls the connection until its end.
async fn poll<S, T>(
    client: &Client,
    mut connection: Connection<S, T>,
    statement: &str,
    notified: impl Fn(),
) -> Result<(), tokio_postgres::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let messages = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(_) = message? {
                notified();
            }
        }
        Ok(())
    };
    let listen = async {
        client.batch_execute(statement).await?;
        // A change may have come before the statement.
        notified();
        std::future::pending::<Result<(), tokio_postgres::Error>>().await
    };
    tokio::select! {
        ended = messages => ended,
        failed = listen => failed,
    }
}

fn client_config(ca: &Path) -> Result<ClientConfig, Error> {
    let failed = |reason: &dyn std::fmt::Display| Error::new("--database-ca", ca.display(), reason);
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(ca).map_err(|error| failed(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() {
        return Err(failed(&"holds no certificate (PEM)"));
    }
    Ok(ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}
