//! `docs/performance.md` and its pictures, from `report.json` alone: a page can be written again without a run.

mod pictures;
mod tables;

use crate::{BenchResult, FLOOR, deployment::StorePair};
use serde_json::Value;
use std::{fs, path::Path};
use tables::{budget, calls, environment, facts, left_out, number, peers};

/// The folder of the pictures, beside the page.
const PICTURES: &str = "performance";

/// Writes the page and its pictures into a folder.
pub(crate) fn write(report: &Path, folder: &Path) -> BenchResult<()> {
    let report: Value = serde_json::from_slice(&fs::read(report)?)?;
    let pictures = folder.join(PICTURES);
    fs::create_dir_all(&pictures)?;
    for (name, svg) in pictures::all(&report) {
        fs::write(pictures.join(name), svg)?;
    }
    let page = folder.join("performance.md");
    fs::write(&page, text(&report))?;
    println!("{} is written", page.display());
    Ok(())
}

fn text(report: &Value) -> String {
    let sections = [
        introduction(report),
        budget(report),
        cost(report),
        latency(report),
        flat(report),
        beside(report),
        peers(report),
        format!(
            "## Other figures\n\nMedians of the rounds.\n\n{}",
            facts(report)
        ),
        left_out(report),
    ];
    let sections = sections.into_iter().filter(|section| !section.is_empty());
    let sections: Vec<String> = sections.collect();
    format!("{}\n", sections.join("\n\n"))
}

fn introduction(report: &Value) -> String {
    let environment_of = &report["environment"];
    let warning = match environment_of["build"].as_str() {
        Some("release") => "",
        _ => "\n**This run measured a debug build: its figures mean nothing.**\n",
    };
    let rounds = number(&environment_of["rounds"], 0);
    format!(
        "# Performance

<!-- Written by `make bench WRITE_DOCS=1`. Change `benches/report/page.rs`, not this page. -->

What Countersign costs, and whether it keeps its budget. Everything here comes from one run of `make bench` on one machine.
Absolute figures hold for that machine; the ratios within the run carry over. [Benchmarks](benchmarks.md) describes the method.
{warning}
## The run

{}

Each figure is the median of {rounds} rounds, in which all settings were measured in turn. Repeat the run:

```sh
make bench WRITE_DOCS=1        # measure everything, then write this page
make bench-page                # write this page again from target/bench/report.json
```",
        environment(environment_of)
    )
}

fn cost(report: &Value) -> String {
    let text = format!(
        "## Cost of a call

![CPU of each call at 64 streams, by process]({PICTURES}/cost.svg)

CPU in µs for each call. *At* is the number of calls in flight. *Server* is `countersign serve` or the minimal server,
*PostgreSQL* all of its processes. *×echo* is the server's CPU against bare echo. *WAL* is PostgreSQL's log in bytes. Calls per second say little here: the server has one core, and load,
Redis and PostgreSQL share the other. The floor is a minimal server that makes the same round trips and nothing else."
    );
    let of_target = |target: &str| {
        let is_busy = |row: &Value| row["streams"] == 64 || row["streams"] == 4;
        let rows = calls(report, target, |row| is_busy(row) && !is_of_latency(row));
        format!(
            "### {target}

{rows}"
        )
    };
    let targets = [
        FLOOR,
        StorePair::RedisAndPostgres.name(),
        StorePair::Embedded.name(),
    ];
    let [floor, real, embedded] = targets.map(of_target);
    [text, floor, real, embedded].join(
        "

",
    )
}

fn latency(report: &Value) -> String {
    let text = format!(
        "## Latency

![Latency of a sign-in at a share of the saturated rate]({PICTURES}/latency.svg)

A sign-in is `IssueChallenge` and `VerifyChallenge`, one after the other. The saturated rate is what 64 streams reach in a
closed loop in the same round. Then sign-ins are sent in an open loop at a share of it: at instants fixed beforehand, with
exponentially distributed gaps (Poisson), or with equal gaps (even). Latency counts from the instant at which a sign-in was
due, so a stall is charged to all that had to wait (no coordinated omission)."
    );
    let of_pair = |pair: &str| {
        format!(
            "### {pair}

{}",
            calls(report, pair, is_of_latency)
        )
    };
    let [real, embedded] = StorePair::ALL.map(StorePair::name);
    let unloaded = calls(report, real, |row| row["streams"] == 1);
    let unloaded = format!(
        "### One call at a time, {real}

{unloaded}"
    );
    [text, of_pair(real), of_pair(embedded), unloaded].join(
        "

",
    )
}

fn is_of_latency(row: &Value) -> bool {
    let operation = row["operation"].as_str().unwrap_or_default();
    row["streams"] == 0 || operation.contains("saturated")
}

fn flat(report: &Value) -> String {
    format!(
        "## More users, more challenges

![CPU of a sign-in beside more users and more live challenges]({PICTURES}/flat.svg)

A sign-in beside more and more other users. One thousand users sign in; their rows lie spread among rows of the same size
that belong to others. A checkpoint precedes each measurement, so the first write to each page carries a full image into the
WAL, as it does where a user signs in rarely.

{}

A sign-in beside more and more live challenges in Redis. They are copies of the keys of one challenge.

{}

## Kinds of users

A typical user has an app, an e-mail address, ten recovery codes and three trusted devices. A heavy one has as much as a user
can have: nine apps, an e-mail address, 32 recovery codes, 20 devices, 100 groups. An unlucky one is a typical one whose
rate-limit windows are one wrong code short of full: nine wrong codes from unknown clients, four from a known device, four
wrong recovery codes.

{}",
        every(report, crate::parts::USER_COUNTS),
        every(report, crate::parts::CHALLENGES),
        every(report, crate::parts::KINDS),
    )
}

fn beside(report: &Value) -> String {
    format!(
        "## Replicas

With two replicas, one issues a challenge and the other verifies it. Both share the server's core: the figure is the CPU of a
sign-in, of both replicas together, not a rate.

{}

## Observers

*all off* writes no log. *all on* has JSON logs at `info`, and callers who send a trace context, one in 100 sampled. Audit
events are written in every setting.

{}",
        every(report, crate::parts::REPLICAS),
        every(report, crate::parts::OBSERVERS),
    )
}

fn every(report: &Value, target: &str) -> String {
    calls(report, target, |_| true)
}
