//! The reference notifiers as real processes, with a real mail server or a real SMS gateway behind them.

use crate::support::{
    clients::Bearer,
    processes::{Process, run},
};
use countersign_proto::notifier::{
    Accepted, Channel, CodeContent, DeliverRequest, DeliverResponse, NoticeContent, NoticeKind,
    deliver_request::Content, deliver_response::Outcome,
    notifier_service_client::NotifierServiceClient,
};
use countersign_transport::callers::hash;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tonic::{Response, Status, service::interceptor::InterceptedService, transport};

/// The token that notifiers under test know.
pub(crate) const TOKEN: &str = "csn_a-token-that-only-tests-use";

/// A server in Python that tells what it hears, a line of JSON each.
pub(crate) struct PythonServer {
    child: Child,
    pub(crate) port: u64,
    heard: Arc<Mutex<Vec<Value>>>,
}

/// A notifier and its folder, which outlives its processes.
pub(crate) struct RunningNotifier {
    pub(crate) folder: TempDir,
    kind: &'static str,
    environment: Vec<(String, String)>,
    process: Option<Process>,
}

type Client = NotifierServiceClient<InterceptedService<transport::Channel, Bearer>>;

impl PythonServer {
    /// A mail server; see `tests/it/tools/mailbox.py`.
    pub(crate) fn mailbox(arguments: &[&str]) -> Self {
        Self::start("mailbox.py", arguments)
    }

    /// An SMS gateway; see `tests/it/tools/sms_gateway.py`.
    pub(crate) fn sms_gateway(arguments: &[&str]) -> Self {
        Self::start("sms_gateway.py", arguments)
    }

    fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("target/tools/python/bin/python")
            .arg(format!("tests/it/tools/{script}"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("{script}: {cause}; run tests/install-tools.sh"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok);
        let first = first.unwrap_or_else(|| panic!("{script}: run tests/install-tools.sh"));
        let port = serde_json::from_str::<Value>(&first).unwrap()["port"]
            .as_u64()
            .unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listening = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                listening
                    .lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port, heard }
    }

    /// What it heard, oldest first.
    pub(crate) fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// What it heard, once there is as much of it.
    pub(crate) async fn heard_at_least(&self, count: usize) -> Vec<Value> {
        crate::support::until(async || self.heard(), |heard| heard.len() >= count).await
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl RunningNotifier {
    /// A notifier that speaks SMTP in plaintext to this server, with whatever else a test wants.
    pub(crate) fn smtp(mailbox: &PythonServer, more: &str) -> Self {
        let port = mailbox.port;
        Self::new(
            "smtp",
            &format!(
                "[smtp]\nhost = \"localhost\"\nport = {port}\nfrom = \"no-reply@example.com\"\n{more}"
            ),
        )
    }

    /// A notifier that speaks to an SMS gateway.
    pub(crate) fn sms(gateway: &str) -> Self {
        Self::new("sms", &format!("[gateway]\n{gateway}"))
    }

    fn new(kind: &'static str, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let hash = data_encoding::HEXLOWER.encode(&hash(TOKEN));
        let text = format!(
            "data_dir = \"{}\"\n[caller]\ntoken_sha256 = [\"{hash}\"]\n[metrics]\nlisten = \"127.0.0.1:0\"\n[log]\n\
             filter = \"trace\"\n{text}",
            folder.path().join("data").display()
        );
        fs::write(folder.path().join("config.toml"), text).unwrap();
        Self {
            folder,
            kind,
            environment: Vec::new(),
            process: None,
        }
    }

    /// Trusts a certificate.
    pub(crate) fn trusting(mut self, cert: &Path) -> Self {
        let cert = cert.to_str().unwrap().to_owned();
        self.environment.push(("SSL_CERT_FILE".to_owned(), cert));
        self
    }

    pub(crate) fn config(&self) -> String {
        self.folder
            .path()
            .join("config.toml")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Where it keeps what became of messages.
    pub(crate) fn idempotency_store(&self) -> PathBuf {
        self.folder.path().join("data").join("notifier.db")
    }

    fn arguments<'t>(&self, config: &'t str) -> [&'t str; 6] {
        let listen = "127.0.0.1:0";
        [
            "notifier", self.kind, "--config", config, "--listen", listen,
        ]
    }

    /// Started so that [`Process::limit_file_size`] makes its writes fail.
    pub(crate) fn started_on_limited_disk(mut self) -> Self {
        let config = self.config();
        let process = Process::start_on_limited_disk(&self.arguments(&config));
        self.process = Some(process);
        self
    }

    /// Starts it, also anew.
    pub(crate) fn start(&mut self) -> &Process {
        self.process = None;
        let config = self.config();
        let arguments = self.arguments(&config);
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.process
            .insert(Process::start_with(&arguments, &environment))
    }

    /// Started.
    pub(crate) fn started(mut self) -> Self {
        self.start();
        self
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

    /// kill -9; all that it said.
    pub(crate) fn kill(&mut self) -> String {
        let process = self.process.take().unwrap();
        process.signal("KILL");
        process.wait().1
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(TOKEN)
    }

    pub(crate) fn client_with(&self, token: &str) -> Client {
        let bearer = Bearer(token.to_owned());
        NotifierServiceClient::with_interceptor(self.process().channel(), bearer)
    }

    pub(crate) async fn deliver(&self, request: DeliverRequest) -> Result<Outcome, Status> {
        let answered = self.client().deliver(request).await;
        answered.map(Response::into_inner).map(outcome)
    }

    /// Delivers a message that has to be taken; gives the provider's id.
    pub(crate) async fn taken(&self, request: DeliverRequest) -> String {
        match self.deliver(request).await.unwrap() {
            Outcome::Accepted(Accepted {
                provider_message_id,
            }) => provider_message_id,
            Outcome::Refused(refused) => panic!("{refused:?}"),
        }
    }

    /// What `GET` of a path on the address of metrics answers.
    pub(crate) fn metrics(&self, path: &str) -> String {
        use std::io::{Read, Write};
        let said = self.process().said();
        let (_, rest) = said.split_once("metrics metrics=").unwrap();
        let address = rest.split_whitespace().next().unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Whether this is in a file of its folder, or in what it says.
    pub(crate) fn keeps(&self, secret: &str) -> bool {
        let data = fs::read_dir(self.folder.path().join("data")).unwrap();
        let mut files = data.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        let said = self.process.as_ref().map(Process::said).unwrap_or_default();
        let contains = |bytes: &[u8]| {
            bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        };
        contains(said.as_bytes()) || files.any(|file| contains(&file))
    }
}

pub(crate) fn outcome(response: DeliverResponse) -> Outcome {
    response.outcome.unwrap()
}

/// A code for a destination.
pub(crate) fn code(key: &str, destination: &str) -> DeliverRequest {
    let channel = if destination.starts_with('+') {
        Channel::Sms
    } else {
        Channel::Email
    };
    let is_mail = channel == Channel::Email;
    let mail_only = |text: &str| {
        if is_mail {
            text.to_owned()
        } else {
            String::new()
        }
    };
    DeliverRequest {
        idempotency_key: key.to_owned(),
        tenant_id: "acme".to_owned(),
        channel: channel.into(),
        destination: destination.to_owned(),
        display_name: "Acme".to_owned(),
        account_name: "jane".to_owned(),
        subject: mail_only("Your code"),
        text: "Your code is 135792. Do not share it.".to_owned(),
        html: mail_only("<p>Your code is <b>135792</b>.</p>"),
        content: Some(Content::Code(CodeContent {
            code: "135792".to_owned(),
            ..CodeContent::default()
        })),
        ..DeliverRequest::default()
    }
}

/// A notice for a destination.
pub(crate) fn notice(key: &str, destination: &str) -> DeliverRequest {
    DeliverRequest {
        text: "A method was added.".to_owned(),
        html: String::new(),
        content: Some(Content::Notice(NoticeContent {
            kind: NoticeKind::MethodAdded.into(),
            ..NoticeContent::default()
        })),
        ..code(key, destination)
    }
}

/// A certificate for `localhost` and its key, in a folder.
pub(crate) fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            cert.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    (cert, key)
}

/// What `--check` says of a configuration, and whether it would start.
pub(crate) fn check(kind: &str, text: &str) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, text).unwrap();
    let output = run(&[
        "notifier",
        kind,
        "--check",
        "--config",
        file.to_str().unwrap(),
    ]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}
