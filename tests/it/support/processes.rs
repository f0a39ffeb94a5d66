//! Real processes: the binary itself, on real ports, with real stores.

use crate::support::{Clients, service::unique, stores::setting};
use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// The token of the caller `portal` of every process.
pub(crate) const TOKEN: &str = "cs_a-token-that-only-tests-use";

/// What processes of one deployment share: configuration, key ring, stores.
pub(crate) struct Deployment {
    pub(crate) folder: TempDir,
    pub(crate) redis: String,
    pub(crate) postgres: String,
    pub(crate) notifier: Option<String>,
    pub(crate) extra: String,
}

/// A running process.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// Resident memory of a process, without what is mapped of its file: a debug build has far more of that, and the system
/// takes it back when it likes.
#[derive(Debug)]
pub(crate) struct ResidentMemory {
    pub(crate) now_mib: u64,
    pub(crate) peak_mib: u64,
}

/// The instant by which processes go, in seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the processes go by the real clock"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// An instant in the last step of an app's codes: at most one step of delay is accepted, so it waits where the present step
/// is about to end.
pub(crate) async fn last_step() -> i64 {
    const STEP: i64 = 30;
    const ROOM: i64 = 10;
    let left = STEP - now() % STEP;
    if left < ROOM {
        tokio::time::sleep(Duration::from_secs(left.unsigned_abs())).await;
    }
    now() - STEP
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    binary().args(arguments).output().unwrap()
}

/// Runs the binary to its end, with something on its standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut child = binary()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may have refused its arguments, and read nothing.
    let _written_or_not = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The binary, without what the environment of the tests would configure. `TEST_COUNTERSIGN_BINARY` names another one: a
/// release build, to be measured.
pub(crate) fn binary() -> Command {
    let other = std::env::var_os("TEST_COUNTERSIGN_BINARY");
    let mut command = Command::new(other.unwrap_or(env!("CARGO_BIN_EXE_countersign").into()));
    command.env_clear();
    command
}

impl Deployment {
    /// On the shared Redis, and a new schema of the shared PostgreSQL.
    pub(crate) async fn new() -> Self {
        let postgres = crate::support::stores::new_schema().await;
        Self::on(setting("TEST_COUNTERSIGN_REDIS"), postgres)
    }

    pub(crate) fn on(redis: String, postgres: String) -> Self {
        let folder = TempDir::new().unwrap();
        let ring = folder.path().join("keys.toml");
        let output = run(&["keys", "new", ring.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        Self {
            folder,
            redis,
            postgres,
            notifier: None,
            extra: String::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration as a file.
    pub(crate) fn config(&self) -> PathBuf {
        let mut text = format!(
            "{extra}\n[postgres]\nurl = \"{postgres}\"\n[redis]\nurls = [\"{redis}\"]\n[keys]\nfile = \"{ring}\"\n",
            extra = self.extra,
            postgres = self.postgres,
            redis = self.redis,
            ring = self.path("keys.toml").display(),
        );
        if let Some(url) = &self.notifier {
            for channel in ["sms", "email"] {
                write!(text, "[notifiers.{channel}]\nendpoints = [\"{url}\"]\n").unwrap();
            }
        }
        let hash = data_encoding::HEXLOWER.encode(&countersign_transport::callers::hash(TOKEN));
        write!(
            text,
            "[[callers]]\nname = \"portal\"\ntoken_sha256 = \"{hash}\"\naudiences = [\"portal\"]\ntenants = [\"*\"]\n\
             rights = [\"ChallengeService\", \"MethodService\", \"RecoveryService\", \"DeviceService\", \"UserService\", \"KeyService\", \
             \"attest\"]\n"
        )
        .unwrap();
        let file = self.path(&format!("config-{}.toml", unique()));
        fs::write(&file, text).unwrap();
        file
    }

    /// A process of `serve`, once it listens.
    pub(crate) fn serve(&self) -> Process {
        let config = self.config();
        Process::start(&[
            "serve",
            "--config",
            config.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ])
    }
}

impl Process {
    /// Starts the binary, and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same, with variables of the environment.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = binary();
        command.args(arguments).envs(environment.iter().copied());
        Self::spawn(command)
    }

    /// Starts the binary so that [`Self::limit_file_size`] makes its writes fail and does not kill it.
    pub(crate) fn start_on_limited_disk(arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(binary().get_program())
            .args(arguments)
            .env_clear();
        Self::spawn(shell)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let stdout: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().unwrap());
        let stderr: Box<dyn std::io::Read + Send> = Box::new(child.stderr.take().unwrap());
        let readers = [stdout, stderr].map(|stream| {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    writeln!(said.lock().unwrap(), "{line}").unwrap();
                }
            })
        });
        let mut process = Self {
            child,
            address: String::new(),
            said,
            readers: readers.into(),
        };
        process.address = process.listening();
        process
    }

    fn listening(&mut self) -> String {
        for _ in 0..400 {
            let said = self.said();
            if let Some(address) = address_in(&said) {
                return address;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{said}");
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("it never listened:\n{}", self.said())
    }

    /// Everything it has said so far, on both streams.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A connection of its own.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url()).unwrap().connect_lazy()
    }

    pub(crate) fn portal(&self) -> Clients {
        Clients::new(self.channel(), TOKEN)
    }

    /// Lets no file of the process grow beyond so many bytes, as a full disk would; without a bound, there is space again.
    pub(crate) fn limit_file_size(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limited = Command::new("prlimit")
            .arg(format!("--pid={}", self.child.id()))
            .arg(format!("--fsize={soft}:"))
            .status()
            .unwrap();
        assert!(limited.success());
    }

    /// Its memory, as Linux tells it.
    pub(crate) fn memory(&self) -> ResidentMemory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mib = |field: &str| {
            let (_, rest) = status.split_once(field).unwrap();
            let kib: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
            kib.div_ceil(1024)
        };
        let of_file = mib("RssFile:");
        ResidentMemory {
            now_mib: mib("VmRSS:").saturating_sub(of_file),
            peak_mib: mib("VmHWM:").saturating_sub(of_file),
        }
    }

    /// The CPU time that it has used, by the 10 ms.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which may have spaces: the 12th field is user time, the 13th system time.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        Duration::from_millis(10) * ticks.map(|text| text.parse::<u32>().unwrap()).sum()
    }

    /// Sends a signal, such as `TERM` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; gives its exit code and all that it said.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status.code(), self.said())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// `serve` logs where it listens; `dev` prints it in its table.
fn address_in(said: &str) -> Option<String> {
    let after = |marker: &str| said.split_once(marker).map(|(_, rest)| rest);
    let json = after("\"message\":\"listening\",\"address\":\"");
    let rest = after("listening address=")
        .or_else(|| after("grpcurl -plaintext "))
        .or(json)?;
    let address: String = rest
        .chars()
        .take_while(|character| !character.is_whitespace() && *character != '"')
        .collect();
    rest.contains('\n').then_some(address)
}
