//! The notifiers of `examples/notifiers`, built and started by the commands that the guide shows.

use super::{GUIDE, blocks};
use serde_json::Value;
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};
use tempfile::TempDir;

const HINT: &str = "; run tests/install-tools.sh";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Go,
    Python,
    TypeScript,
}

/// A built example.
struct Built {
    folder: PathBuf,
    start: String,
}

/// A running example.
pub(super) struct Example {
    folder: TempDir,
    child: Child,
    language: Language,
    is_secure: bool,
}

impl Language {
    pub(super) const ALL: [Self; 3] = [Self::Go, Self::Python, Self::TypeScript];

    /// Its section in the guide.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::Go => "Go\n",
            Self::Python => "Python\n",
            Self::TypeScript => "TypeScript\n",
        }
    }

    /// The language of its blocks, and the file that they are of.
    pub(super) const fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Go => ("go", "examples/notifiers/go/main.go"),
            Self::Python => ("python", "examples/notifiers/python/notifier.py"),
            Self::TypeScript => ("ts", "examples/notifiers/typescript/notifier.ts"),
        }
    }

    fn folder(self) -> &'static str {
        Path::new(self.source().1)
            .parent()
            .unwrap()
            .to_str()
            .unwrap()
    }

    /// What `tests/install-tools.sh` has installed, where the example looks for it, and the command that does the same.
    const fn installed(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Go => None,
            Self::Python => Some(("notifier-python", ".venv", "python3 -m venv .venv")),
            Self::TypeScript => {
                Some(("notifier-typescript/node_modules", "node_modules", "npm ci"))
            }
        }
    }

    /// Built once, beside a copy of the contract, so that the sources stay as they are.
    fn built(self) -> &'static Built {
        static BUILT: [OnceLock<Built>; 3] = [const { OnceLock::new() }; 3];
        BUILT[self as usize].get_or_init(|| self.build())
    }

    fn build(self) -> Built {
        let root = Path::new("target/guides").join(self.section().trim());
        let _not_there = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("examples/notifiers")).unwrap();
        copy("proto", &root.join("proto"));
        copy(self.folder(), &root.join(self.folder()));
        let root = root.canonicalize().unwrap();
        let folder = root.join(self.folder());

        let commands = blocks(self.section(), "sh").concat();
        let mut commands: Vec<&str> = commands.lines().collect();
        let start = commands.pop().unwrap().to_owned();
        if let Some((tool, link, command)) = self.installed() {
            let tool = Path::new("target/tools").join(tool);
            let tool = tool.canonicalize();
            let tool = tool.unwrap_or_else(|cause| panic!("{command}: {cause}{HINT}"));
            let _not_there = fs::remove_file(folder.join(link));
            symlink(tool, folder.join(link)).unwrap();
            let before = commands.len();
            commands.retain(|line| *line != command);
            assert_eq!(before, commands.len() + 1, "{GUIDE} has `{command}`");
        }
        let script = format!("set -euo pipefail\n{}", commands.join("\n"));
        let built = shell(&script, &root).output().unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{script}\n{said}{HINT}");
        Built { folder, start }
    }
}

fn copy(from: &str, to: &Path) {
    let copied = Command::new("cp").args(["-r", from]).arg(to).status();
    assert!(copied.unwrap().success(), "{from}");
}

/// A command of the guide. Nothing is fetched while it runs.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell finds its programs as the tests do"
)]
fn shell(script: &str, folder: &Path) -> Command {
    let tools = Path::new("target/tools/bin").canonicalize().expect(HINT);
    let path = format!("{}:{}", tools.display(), env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command
        .args(["-c", script])
        .current_dir(folder)
        .envs([("PATH", path.as_str()), ("GOPROXY", "off")])
        .envs([("GOTOOLCHAIN", "local"), ("PIP_NO_INDEX", "1")]);
    command
}

impl Example {
    pub(super) fn start(language: Language, is_secure: bool) -> Self {
        let folder = TempDir::new().unwrap();
        if is_secure {
            certify(folder.path());
        }
        Self::start_in(language, folder, is_secure)
    }

    /// The example in Python with lines left out.
    pub(super) fn start_without(lines: &str) -> Self {
        let language = Language::Python;
        let Built { folder, .. } = language.built();
        let source = fs::read_to_string(language.source().1).unwrap();
        let less: Vec<&str> = source
            .lines()
            .filter(|line| !line.contains(lines))
            .collect();
        assert!(less.len() < source.lines().count(), "{lines}");
        fs::write(folder.join("less.py"), less.join("\n")).unwrap();
        let start = "NOTIFIER_TOKEN_FILE=token .venv/bin/python less.py";
        Self::start_by(start, language, TempDir::new().unwrap(), false)
    }

    /// With the outbox that is there.
    fn start_in(language: Language, folder: TempDir, is_secure: bool) -> Self {
        Self::start_by(&language.built().start, language, folder, is_secure)
    }

    fn start_by(start: &str, language: Language, folder: TempDir, is_secure: bool) -> Self {
        let place = &language.built().folder;
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = shell(&format!("exec env {start}"), place);
        command
            .env("NOTIFIER_LISTEN", "127.0.0.1:0")
            .env("NOTIFIER_OUTBOX", folder.path().join("outbox.jsonl"))
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        if is_secure {
            command
                .env("NOTIFIER_TLS_CERT", folder.path().join("cert.pem"))
                .env("NOTIFIER_TLS_KEY", folder.path().join("key.pem"));
        }
        let child = command.spawn().unwrap();
        let mut example = Self {
            folder,
            child,
            language,
            is_secure,
        };
        example.wait_until_it_listens();
        example
    }

    fn wait_until_it_listens(&mut self) {
        for _ in 0..800 {
            if self.address().is_some() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{}{HINT}", self.said());
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("it never listened:\n{}", self.said());
    }

    fn address(&self) -> Option<String> {
        let said = self.said();
        let (_, rest) = said.split_once("listening on ")?;
        let (address, _) = rest.split_once('\n')?;
        Some(address.trim().to_owned())
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address().unwrap())
    }

    /// All that it said.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub(super) fn token(&self) -> PathBuf {
        self.language.built().folder.join("token")
    }

    /// What it sent, oldest first.
    pub(super) fn outbox(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("outbox.jsonl"));
        let text = text.unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// SIGTERM, and the end of the drain.
    pub(super) fn drain(&mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
        let status: ExitStatus = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.said());
        assert!(self.said().contains("drained"), "{}", self.said());
    }

    /// Ends it, and starts it anew with the same outbox.
    pub(super) fn restart(mut self) -> Self {
        self.drain();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        Self::start_in(self.language, folder, self.is_secure)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn certify(folder: &Path) {
    let output = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args("-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1".split(' '))
        .args("-addext basicConstraints=critical,CA:FALSE".split(' '))
        .args("-keyout key.pem -out cert.pem".split(' '))
        .current_dir(folder)
        .output()
        .unwrap_or_else(|cause| panic!("openssl: {cause}{HINT}"));
    assert!(output.status.success(), "{output:?}");
}
