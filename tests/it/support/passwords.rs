//! Who knows passwords: in the service's own process, as a gRPC server that misbehaves, and as the real reference verifier.

use crate::support::processes::{Process, run_with_input};
use async_trait::async_trait;
use countersign::{
    config::{EndpointConfig, IdentityConfig},
    password_client::PasswordClient,
    ports::{PasswordChecker, PasswordVerdict},
};
use countersign_domain::{authorization::password::Password, value::id::Subject};
use countersign_proto::{
    identity::{
        Verdict, VerifyPasswordRequest, VerifyPasswordResponse,
        password_service_server::{PasswordService, PasswordServiceServer},
    },
    v1 as pb,
};
use countersign_transport::callers::hash;
use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// The token that verifiers under test know.
pub(crate) const TOKEN: &str = "csi_a-token-that-only-tests-use";

/// The password that everyone has who is known in this process.
pub(crate) const RIGHT: &str = "correct horse battery staple";

/// A proof by account password.
pub(crate) fn by_password(password: &str) -> Option<pb::Authorization> {
    Some(pb::Authorization {
        proof: Some(pb::authorization::Proof::Password(pb::Password {
            password: password.to_owned(),
        })),
    })
}

/// Knows [`RIGHT`], and counts who asks.
#[derive(Default)]
pub(crate) struct KnownPasswords {
    asked: Mutex<Vec<(String, String)>>,
    /// What is said instead of a verdict.
    fails_with: Mutex<Option<PasswordVerdict>>,
}

impl KnownPasswords {
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn fail_with(&self, verdict: Option<PasswordVerdict>) {
        *self.fails_with.lock().unwrap() = verdict;
    }
}

#[async_trait]
impl PasswordChecker for KnownPasswords {
    async fn verify(&self, _: &Subject, password: &Password, key: &str) -> PasswordVerdict {
        let asked = (password.expose().to_owned(), key.to_owned());
        self.asked.lock().unwrap().push(asked);
        tokio::task::yield_now().await;
        if let Some(verdict) = *self.fails_with.lock().unwrap() {
            return verdict;
        }
        if password.expose() == RIGHT {
            PasswordVerdict::Matches
        } else {
            PasswordVerdict::DoesNotMatch
        }
    }
}

/// How a password service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VerifierBehavior {
    /// Says that it is the right one.
    Matches,
    /// Says that it is not.
    DoesNotMatch,
    /// Answers without a verdict.
    SaysNothing,
    /// Answers with an error that tells that the password was not looked at.
    IsBusy,
    /// Answers with an error of this account alone.
    KnowsNobody,
    /// Answers with an error that leaves that open.
    FallsOver,
    /// Never answers.
    Hangs,
    /// Says that it is the right one when the test lets it.
    MatchesWhenReleased,
}

/// A password service on a port of its own.
pub(crate) struct TestVerifier {
    pub(crate) url: String,
    behavior: Arc<Mutex<VerifierBehavior>>,
    gate: Arc<Semaphore>,
    asked: Arc<Mutex<Vec<(VerifyPasswordRequest, tonic::metadata::MetadataMap)>>>,
    running: JoinHandle<()>,
}

struct PasswordBehavior {
    behavior: Arc<Mutex<VerifierBehavior>>,
    gate: Arc<Semaphore>,
    asked: Arc<Mutex<Vec<(VerifyPasswordRequest, tonic::metadata::MetadataMap)>>>,
}

#[tonic::async_trait]
impl PasswordService for PasswordBehavior {
    async fn verify_password(
        &self,
        request: Request<VerifyPasswordRequest>,
    ) -> Result<Response<VerifyPasswordResponse>, Status> {
        let behavior = *self.behavior.lock().unwrap();
        let (metadata, _, message) = request.into_parts();
        self.asked.lock().unwrap().push((message, metadata));
        let verdict = match behavior {
            VerifierBehavior::Matches => Verdict::Matches,
            VerifierBehavior::DoesNotMatch => Verdict::DoesNotMatch,
            VerifierBehavior::SaysNothing => Verdict::Unspecified,
            VerifierBehavior::IsBusy => return Err(Status::resource_exhausted("a test says so")),
            VerifierBehavior::KnowsNobody => return Err(Status::not_found("a test says so")),
            VerifierBehavior::FallsOver => return Err(Status::internal("a test says so")),
            VerifierBehavior::Hangs => std::future::pending().await,
            VerifierBehavior::MatchesWhenReleased => {
                self.gate.acquire().await.unwrap().forget();
                Verdict::Matches
            }
        };
        Ok(Response::new(VerifyPasswordResponse {
            verdict: verdict.into(),
        }))
    }
}

impl TestVerifier {
    pub(crate) async fn start(behavior: VerifierBehavior) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = listener.await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (behavior, asked) = (Arc::new(Mutex::new(behavior)), Arc::default());
        let gate = Arc::new(Semaphore::new(0));
        let service = PasswordBehavior {
            behavior: Arc::clone(&behavior),
            gate: Arc::clone(&gate),
            asked: Arc::clone(&asked),
        };
        let serving = Server::builder()
            .add_service(PasswordServiceServer::new(service))
            .serve_with_incoming(TcpIncoming::from(listener));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        let running = tokio::spawn(async move { serving.await.unwrap() });
        Self {
            url,
            behavior,
            gate,
            asked,
            running,
        }
    }

    /// So many calls that wait for it are answered.
    pub(crate) fn release(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    pub(crate) fn behave(&self, behavior: VerifierBehavior) {
        *self.behavior.lock().unwrap() = behavior;
    }

    /// It stops answering, as a dead process does.
    pub(crate) fn die(&self) {
        self.running.abort();
    }

    pub(crate) fn asked(&self) -> Vec<(VerifyPasswordRequest, tonic::metadata::MetadataMap)> {
        self.asked.lock().unwrap().clone()
    }
}

/// The client of these, with a deadline that a test waits for.
pub(crate) fn client(
    urls: &[&str],
    change: impl Fn(&mut IdentityConfig),
) -> Arc<dyn PasswordChecker> {
    let mut config = IdentityConfig {
        endpoints: urls.iter().map(|url| EndpointConfig::at(*url)).collect(),
        deadline_ms: 400,
        ..IdentityConfig::default()
    };
    change(&mut config);
    Arc::new(PasswordClient::new(&config).unwrap().unwrap())
}

/// `countersign identity file` with its folder, which outlives its processes.
pub(crate) struct FileVerifier {
    pub(crate) folder: TempDir,
    process: Option<Process>,
}

impl FileVerifier {
    /// One that knows these accounts, `tenant/user` each, with their passwords.
    pub(crate) fn knowing(accounts: &[(&str, &str)]) -> Self {
        Self::with(accounts, "")
    }

    /// The same, with more configuration.
    pub(crate) fn with(accounts: &[(&str, &str)], more: &str) -> Self {
        let verifier = Self {
            folder: TempDir::new().unwrap(),
            process: None,
        };
        verifier.write(accounts);
        let hash = data_encoding::HEXLOWER.encode(&hash(TOKEN));
        let text =
            format!("[caller]\ntoken_sha256 = [\"{hash}\"]\n[log]\nfilter = \"trace\"\n{more}");
        fs::write(verifier.path("config.toml"), text).unwrap();
        fs::write(verifier.path("token"), TOKEN).unwrap();
        verifier.started()
    }

    fn started(mut self) -> Self {
        let (users, config) = (self.path("users"), self.path("config.toml"));
        self.process = Some(Process::start(&[
            "identity",
            "file",
            "--users",
            users.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ]));
        self
    }

    /// Writes the file of passwords, as people are told to: beside it, then in one step.
    pub(crate) fn write(&self, accounts: &[(&str, &str)]) {
        let line = |(account, password): &(&str, &str)| {
            let hashed = run_with_input(&["identity", "hash", account], password);
            assert!(hashed.status.success(), "{hashed:?}");
            String::from_utf8(hashed.stdout).unwrap()
        };
        let lines: String = accounts.iter().map(line).collect();
        fs::write(self.path("new"), lines).unwrap();
        fs::rename(self.path("new"), self.path("users")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn process(&self) -> &Process {
        self.process.as_ref().unwrap()
    }

    /// SIGTERM; its exit code, and all that it said.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        let process = self.process.take().unwrap();
        process.signal("TERM");
        process.wait()
    }

    /// The client of this one.
    pub(crate) fn client(&self) -> Arc<dyn PasswordChecker> {
        let token = self.path("token");
        client(&[&self.process().url()], |config| {
            config.token_file = Some(token.clone());
            config.deadline_ms = 5000;
        })
    }
}
