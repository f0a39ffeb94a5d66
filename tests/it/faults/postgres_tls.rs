//! TLS to PostgreSQL: who the server is, who we are, and what each refusal says to do.

use super::{
    servers::{OwnPostgres, command_as_postgres, open_to_all},
    stores::runtime,
};
use crate::support::{
    processes::{Deployment, binary},
    stores::{direct, entropy, postgres_with, store_keys},
    tables::postgres_session,
};
use countersign::store::postgres::PostgresAccounts;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// Authorities, and what they signed.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        open_to_all(folder.path());
        let output = Self(folder);
        for authority in ["ca", "other-ca"] {
            output.make(authority, &["-addext", "basicConstraints=critical,CA:TRUE"]);
        }
        output.sign("server", "ca", "DNS:localhost");
        output.sign("client", "ca", "DNS:postgres");
        output.sign("stranger", "other-ca", "DNS:postgres");
        output
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn sign(&self, name: &str, authority: &str, alternative: &str) {
        let (certificate, key) = (format!("{authority}.pem"), format!("{authority}.key"));
        let alternative = format!("subjectAltName={alternative}");
        self.make(
            name,
            &[
                "-CA",
                &self.text(&certificate),
                "-CAkey",
                &self.text(&key),
                "-addext",
                &alternative,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ],
        );
    }

    /// As PostgreSQL's own user: the server takes no key that others may read.
    fn make(&self, name: &str, more: &[&str]) {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        let subject = format!("/CN={name}");
        let output = command_as_postgres("openssl", &["req", "-x509", "-newkey", "ec"])
            .args([
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", &subject, "-out", &self.text(&certificate)])
            .args(["-keyout", &self.text(&key)])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// A server that speaks TLS and lets in who has such a line in `pg_hba.conf`.
    fn server(&self, line: &str) -> OwnPostgres {
        let hba = self.path("hba.conf");
        fs::write(&hba, format!("local all all trust\n{line}\n")).unwrap();
        OwnPostgres::start(&format!(
            "-c ssl=on -c ssl_cert_file={} -c ssl_key_file={} -c ssl_ca_file={} -c hba_file={}",
            self.text("server.pem"),
            self.text("server.key"),
            self.text("ca.pem"),
            hba.display()
        ))
    }

    /// The URL of a server by a name of this machine.
    fn url(&self, server: &OwnPostgres, host: &str, parameters: &str) -> String {
        let files = ["ca", "other-ca", "client", "stranger", "server"];
        let mut parameters = parameters.to_owned();
        for file in files {
            for end in ["pem", "key"] {
                let name = format!("{file}.{end}");
                parameters =
                    parameters.replace(&format!("={name}"), &format!("={}", self.text(&name)));
            }
        }
        format!(
            "postgres://postgres@{host}:{}/postgres?{parameters}",
            server.port()
        )
    }
}

/// What connecting says; nothing where it works.
async fn refusal(url: &str) -> Option<String> {
    let accounts = match PostgresAccounts::new(&direct(url), store_keys(), entropy()) {
        Ok(accounts) => accounts,
        Err(unavailable) => return Some(unavailable.to_string()),
    };
    let asked = accounts.is_migrated().await;
    asked.err().map(|unavailable| unavailable.to_string())
}

async fn refused(url: &str, parts: &[&str]) {
    let said = refusal(url)
        .await
        .unwrap_or_else(|| panic!("{url} was taken"));
    for part in parts {
        assert!(said.contains(part), "{url}: {part} in {said}");
    }
}

const TRUST: &str = "hostssl all all 127.0.0.1/32 trust";

#[test]
fn a_server_proves_who_it_is_and_a_refusal_says_what_to_do() {
    runtime().block_on(async {
        let certificates = Certificates::new();
        let server = certificates.server(TRUST);
        let url = |host: &str, parameters: &str| certificates.url(&server, host, parameters);
        for taken in [
            url("localhost", "sslmode=verify-full&sslrootcert=ca.pem"),
            url("127.0.0.1", "sslmode=verify-ca&sslrootcert=ca.pem"),
            url("127.0.0.1", "sslmode=require"),
        ] {
            assert_eq!(refusal(&taken).await, None, "{taken}");
        }
        let by_another_name = url("127.0.0.1", "sslmode=verify-full&sslrootcert=ca.pem");
        refused(
            &by_another_name,
            &["not valid for name", "as its certificate does"],
        )
        .await;
        let unknown = ["UnknownIssuer", "`sslrootcert` in postgres.url"];
        for of_another in [
            url("localhost", "sslmode=verify-full&sslrootcert=other-ca.pem"),
            url("localhost", "sslmode=verify-ca&sslrootcert=other-ca.pem"),
            url("localhost", "sslmode=verify-full"),
        ] {
            refused(&of_another, &unknown).await;
        }
        let any = url("localhost", "sslmode=verify-ca");
        refused(&any, &["`sslrootcert`", "`verify-full`"]).await;
        let missing = url("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem");
        refused(
            &missing,
            &["/nowhere.pem in postgres.url can't be used: it can't be read"],
        )
        .await;
        let a_key = url("localhost", "sslmode=verify-full&sslrootcert=ca.key");
        refused(
            &a_key,
            &["ca.key in postgres.url can't be used: it has no certificate in PEM"],
        )
        .await;
    });
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    runtime().block_on(async {
        let certificates = Certificates::new();
        let server = OwnPostgres::start("");
        for mode in ["require", "verify-ca", "verify-full"] {
            let parameters = format!("sslmode={mode}&sslrootcert=ca.pem");
            let url = certificates.url(&server, "localhost", &parameters);
            refused(&url, &["does not support TLS", "ssl = on"]).await;
        }
        assert_eq!(refusal(&server.url()).await, None);
    });
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_one() {
    runtime().block_on(async {
        let certificates = Certificates::new();
        let server = certificates.server("hostssl all all 127.0.0.1/32 trust clientcert=verify-ca");
        let url = |client: &str| {
            let parameters = format!("sslmode=verify-full&sslrootcert=ca.pem{client}");
            certificates.url(&server, "localhost", &parameters)
        };
        let client = url("&sslcert=client.pem&sslkey=client.key");
        assert_eq!(refusal(&client).await, None);
        refused(&url(""), &["certificate", "`sslcert` and `sslkey`"]).await;
        refused(&url("&sslcert=client.pem"), &["name both, or none"]).await;
        refused(&url("&sslkey=client.key"), &["name both, or none"]).await;
        let stranger = url("&sslcert=stranger.pem&sslkey=stranger.key");
        refused(&stranger, &["certificate", "`sslcert`"]).await;
        let others_key = url("&sslcert=client.pem&sslkey=server.key");
        assert!(refusal(&others_key).await.is_some());
    });
}

#[test]
fn sessions_are_encrypted_by_the_mode_that_is_asked_for() {
    runtime().block_on(async {
        let certificates = Certificates::new();
        let line = format!("{TRUST}\nhostnossl all all 127.0.0.1/32 trust");
        let server = certificates.server(&line);
        let administrator = postgres_session(&server.url()).await;
        for (mode, is_encrypted) in [("disable", false), ("prefer", true), ("verify-full", true)] {
            let parameters = format!("sslmode={mode}&sslrootcert=ca.pem");
            let url = certificates.url(&server, "localhost", &parameters);
            let accounts = postgres_with(&direct(&url));
            accounts.is_migrated().await.unwrap();
            let sessions = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                WHERE a.application_name = 'countersign' AND a.state = 'idle' ORDER BY a.backend_start DESC LIMIT 1";
            let row = administrator.query_one(sessions, &[]).await.unwrap();
            assert_eq!(row.get::<_, bool>(0), is_encrypted, "{mode}");
        }
    });
}

#[test]
fn an_authority_of_the_machine_is_not_enough_where_no_name_is_checked() {
    runtime().block_on(async {
        let certificates = Certificates::new();
        let server = certificates.server(TRUST);
        let mut deployment = Deployment::new().await;
        for (parameters, is_taken) in [
            ("sslmode=verify-full", true),
            ("sslmode=verify-full&sslrootcert=other-ca.pem", true),
            ("sslmode=verify-ca&sslrootcert=other-ca.pem", false),
        ] {
            deployment.postgres = certificates.url(&server, "localhost", parameters);
            let config = deployment.config();
            let mut migrate = binary();
            migrate.args(["migrate", "--config", config.to_str().unwrap()]);
            migrate.env("SSL_CERT_FILE", certificates.path("ca.pem"));
            let migrated = migrate.output().unwrap();
            assert_eq!(
                migrated.status.success(),
                is_taken,
                "{parameters}: {migrated:?}"
            );
        }
    });
}
