//! How far a run is: a bar on a terminal, a line now and then elsewhere.

use crate::{app::ResealProgress, ports::SealedTable};
use countersign_domain::value::time::Timestamp;
use countersign_transport::system::{Clock, SystemClock};
use std::{
    io::{IsTerminal, stderr},
    time::Duration,
};

/// How often the bar moves on a terminal.
const TERMINAL_REDRAW_INTERVAL: Duration = Duration::from_millis(200);

/// How often a line is printed elsewhere.
const LOG_LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How many characters the bar has.
const WIDTH: u64 = 30;

/// Shows how far a run is, on the standard error.
pub(super) struct ProgressBar {
    doing: &'static str,
    is_terminal: bool,
    pass: u32,
    pass_began_at: Timestamp,
    began_at: Timestamp,
    shown_at: Option<Timestamp>,
}

impl ProgressBar {
    pub(super) fn new(doing: &'static str) -> Self {
        let now = SystemClock.now();
        Self {
            doing,
            is_terminal: stderr().is_terminal(),
            pass: 0,
            pass_began_at: now,
            began_at: now,
            shown_at: None,
        }
    }

    pub(super) fn show(&mut self, progress: ResealProgress) {
        let now = SystemClock.now();
        if progress.pass != self.pass {
            self.pass = progress.pass;
            self.pass_began_at = now;
        }
        let pause = if self.is_terminal {
            TERMINAL_REDRAW_INTERVAL
        } else {
            LOG_LINE_INTERVAL
        };
        let last = self.shown_at.unwrap_or(self.began_at);
        if now.since(last) < pause {
            return;
        }
        self.shown_at = Some(now);
        let line = line(
            self.doing,
            progress,
            now.since(self.began_at),
            now.since(self.pass_began_at),
        );
        if self.is_terminal {
            eprint!("\r{line}\x1b[K");
        } else {
            eprintln!("{line}");
        }
    }

    /// Leaves the line to what is printed next.
    pub(super) fn end(&mut self) {
        if self.is_terminal && self.shown_at.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Such as `resealing accounts [#####-----]  50 %, 5000 of about 10000 rows read, 4100 saved, 498 a second, 00:10 left`.
pub(super) fn line(
    doing: &str,
    progress: ResealProgress,
    running: Duration,
    in_pass: Duration,
) -> String {
    let ResealProgress {
        pass,
        table,
        read,
        total,
        saved,
    } = progress;
    // The total is an estimate.
    let total = total.max(read).max(1);
    let filled = usize::try_from(read.saturating_mul(WIDTH) / total).unwrap_or_default();
    let empty = usize::try_from(WIDTH)
        .unwrap_or_default()
        .saturating_sub(filled);
    let percent = read.saturating_mul(100) / total;
    let doing = if pass > 1 { "checking" } else { doing };
    let saved = match (saved, pass) {
        (0, 1) => String::new(),
        (saved, _) => format!(", {saved} saved, {} a second", per_second(saved, running)),
    };
    format!(
        "{doing} {table} [{}{}] {percent:>3} %, {read} of about {total} rows read{saved}, {} left",
        "#".repeat(filled),
        "-".repeat(empty),
        clock_face(left(total - read, per_second(read, in_pass))),
        table = SealedTable::as_str(table),
    )
}

fn per_second(rows: u64, running: Duration) -> u64 {
    let millis = u64::try_from(running.as_millis()).unwrap_or(u64::MAX);
    rows.saturating_mul(1000) / millis.max(1)
}

fn left(rows: u64, rows_per_second: u64) -> Duration {
    Duration::from_secs(rows / rows_per_second.max(1))
}

/// Such as `02:05`, or `1:02:05`.
fn clock_face(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests;
