//! Counts instructions with callgrind, and names the compiler that a count holds for.

use crate::{CountResult, RUN, rules::Rule};
use std::{fmt, process::Command};

/// What a count depends on beside the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// The compiler, as `rustc -V` names it.
    pub(crate) rustc: String,
    /// The target triple.
    pub(crate) host: String,
}

impl Toolchain {
    pub(crate) fn read() -> CountResult<Self> {
        let ran = Command::new("rustc").arg("-vV").output()?;
        let text = String::from_utf8(ran.stdout)?;
        let host = text.lines().find_map(|line| line.strip_prefix("host: "));
        Ok(Self {
            rustc: text.lines().next().ok_or("rustc says nothing")?.to_owned(),
            host: host.ok_or("rustc names no host")?.to_owned(),
        })
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.rustc, self.host)
    }
}

/// Instructions that one call takes.
pub(crate) fn count(rule: &Rule, calls: u32) -> CountResult<u64> {
    let once = instructions(rule, calls)?;
    let twice = instructions(rule, calls * 2)?;
    let of_calls = twice.checked_sub(once).ok_or("more calls took less")?;
    Ok(of_calls / u64::from(calls))
}

/// Instructions of a whole process that makes so many calls.
fn instructions(rule: &Rule, calls: u32) -> CountResult<u64> {
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([RUN, rule.name, &calls.to_string()])
        .output()
        .map_err(|error| format!("valgrind: {error}: run `make tools`"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, count)) if ran.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("{} under valgrind: {}\n{said}", rule.name, ran.status).into()),
    }
}
