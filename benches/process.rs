//! Processes under measurement, and what the operating system accounts to them.

use crate::BenchResult;
use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::{AddAssign, Sub},
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

/// One tick of `/proc/<pid>/stat`: `USER_HZ` is 100 on every platform that has it.
const TICK: Duration = Duration::from_millis(10);

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A server, pinned to one core.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// When it was started.
    pub(crate) started: Instant,
}

/// CPU time of everything that takes part in a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuTime {
    pub(crate) server: Duration,
    pub(crate) postgres: Duration,
    pub(crate) redis: Duration,
}

impl Server {
    /// Starts a program on a core with `arguments` and a free address as its last one; waits until it accepts connections.
    pub(crate) async fn start(
        core: usize,
        program: &Path,
        arguments: &[&str],
        log: &Path,
    ) -> BenchResult<Self> {
        Self::start_within(START_TIMEOUT, &core.to_string(), program, arguments, log).await
    }

    /// The same on several cores, for a program that takes its time to start.
    pub(crate) async fn start_within(
        timeout: Duration,
        cores: &str,
        program: &Path,
        arguments: &[&str],
        log: &Path,
    ) -> BenchResult<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = File::options().create(true).append(true).open(log)?;
        let child = Command::new("taskset")
            .args(["-c", cores])
            .arg(program)
            .args(arguments)
            .arg(address.to_string())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self {
            child,
            address,
            started: Instant::now(),
        };
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{} {arguments:?} ended: {status}", program.display()).into());
            }
            if server.started.elapsed() > timeout {
                return Err(format!("{} does not listen", program.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads up to now.
    pub(crate) fn cpu(&self) -> BenchResult<Duration> {
        Ok(TICK * ticks(self.pid())?.own)
    }

    /// Tells it to end, and waits until it has: its children end with it. One that doesn't is killed.
    pub(crate) fn stop(&mut self) {
        const TIMEOUT: Duration = Duration::from_secs(20);
        let told = Instant::now();
        let told_it = Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status();
        while told_it.is_ok() && matches!(self.child.try_wait(), Ok(None)) {
            if told.elapsed() > TIMEOUT {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Moves all of its threads to these cores.
    pub(crate) fn pin(&self, cores: &str) -> BenchResult<()> {
        let pid = self.pid().to_string();
        let moved = Command::new("taskset")
            .args(["-a", "-p", "-c", cores, &pid])
            .output()?;
        if moved.status.success() {
            return Ok(());
        }
        Err(format!("taskset: {}", String::from_utf8_lossy(&moved.stderr)).into())
    }

    /// Anonymous resident memory, in MiB.
    pub(crate) fn anonymous_mib(&self) -> BenchResult<f64> {
        anonymous_mib(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl CpuTime {
    /// What these processes have used up to now, each with all its children, also those that ended.
    pub(crate) fn now(server: u32, postmaster: u32, redis: u32) -> BenchResult<Self> {
        let processes = read_processes()?;
        let with_children = |pid: u32| -> BenchResult<Duration> {
            let parent = ticks(pid)?.with_ended_children();
            let children = processes.iter().filter(|child| child.parent == pid);
            Ok(TICK * (parent + children.map(|child| child.own).sum::<u32>()))
        };
        Ok(Self {
            server: with_children(server)?,
            postgres: with_children(postmaster)?,
            redis: TICK * ticks(redis)?.own,
        })
    }

    pub(crate) fn total(self) -> Duration {
        self.server + self.postgres + self.redis
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            server: self.server.saturating_sub(earlier.server),
            postgres: self.postgres.saturating_sub(earlier.postgres),
            redis: self.redis.saturating_sub(earlier.redis),
        }
    }
}

impl AddAssign for CpuTime {
    fn add_assign(&mut self, more: Self) {
        self.server += more.server;
        self.postgres += more.postgres;
        self.redis += more.redis;
    }
}

struct Ticks {
    parent: u32,
    own: u32,
    ended_children: u32,
}

impl Ticks {
    fn with_ended_children(&self) -> u32 {
        self.own + self.ended_children
    }
}

/// All processes. One that ends meanwhile is left out: it is accounted to its parent.
fn read_processes() -> BenchResult<Vec<Ticks>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        processes.extend(pid.and_then(|pid| ticks(pid).ok()));
    }
    Ok(processes)
}

/// User and system time of all threads of a process.
fn ticks(pid: u32) -> BenchResult<Ticks> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may have spaces. After it: state, parent, …, utime, stime, cutime, cstime as 12th to 15th.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| -> BenchResult<u32> {
        let field = fields.get(index).ok_or("a field is missing")?;
        Ok(field.parse()?)
    };
    Ok(Ticks {
        parent: number(1)?,
        own: number(11)? + number(12)?,
        ended_children: number(13)? + number(14)?,
    })
}

/// Anonymous resident memory of a process, in MiB.
pub(crate) fn anonymous_mib(pid: u32) -> BenchResult<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let (_, rest) = status.split_once("RssAnon:").ok_or("no RssAnon")?;
    let kib = rest.split_whitespace().next().ok_or("no RssAnon")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
