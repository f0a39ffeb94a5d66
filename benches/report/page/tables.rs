//! The tables of the page.

use serde_json::Value;
use std::fmt::Write;

/// A number with so many decimals; a dash where there is none.
pub(super) fn number(value: &Value, decimals: usize) -> String {
    let number = value.as_f64();
    number.map_or("–".to_owned(), |number| format!("{number:.decimals$}"))
}

pub(super) fn environment(of: &Value) -> String {
    const NAMES: [(&str, &str); 16] = [
        ("date", "date"),
        ("commit", "commit"),
        ("build", "build"),
        ("rustc", "Rust"),
        ("postgres", "PostgreSQL"),
        ("postgres_settings", "its settings"),
        ("redis", "Redis"),
        ("kernel", "kernel"),
        ("cpu", "CPU"),
        ("cores", "cores"),
        ("memory_gib", "memory, GiB"),
        ("rounds", "`ROUNDS`"),
        ("seconds", "`SECONDS`"),
        ("users", "`USERS`"),
        ("parts", "`PARTS`"),
        ("minutes", "minutes it took"),
    ];
    let mut table = String::from("| | |\n|---|---|");
    for (key, name) in NAMES {
        let value = match &of[key] {
            Value::String(text) => text.clone(),
            Value::Array(values) => {
                let values = values.iter().filter_map(Value::as_str);
                values.collect::<Vec<_>>().join(", ")
            }
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let _never_fails = write!(table, "\n| {name} | {value} |");
    }
    table
}

pub(super) fn budget(report: &Value) -> String {
    let mut text = String::from(
        "## The budget

A promise is *within* the budget if each of its lines is. Ratios are between figures of this run.

| | | measured | | bound | |
|---|---|---|---|---|---|",
    );
    for promise in list(&report["budget"]) {
        let (number_of, name) = (number(&promise["number"], 0), word(&promise["promise"]));
        let verdict = word(&promise["verdict"]);
        let _never_fails = write!(
            text,
            "\n| **{number_of}** | **{name}** | | | | **{verdict}** |"
        );
        for line in list(&promise["lines"]) {
            let (what, is) = (word(&line["what"]), word(&line["is"]));
            let (measured, bound) = (number(&line["measured"], 2), number(&line["bound"], 2));
            let verdict = match line["why"].as_str() {
                Some(why) => format!("{}: {why}", word(&line["verdict"])),
                None => word(&line["verdict"]).to_owned(),
            };
            let _never_fails = write!(
                text,
                "\n| | {what} | {measured} | {is} | {bound} | {verdict} |"
            );
        }
    }
    text
}

/// The rows of a target that `select` takes.
pub(super) fn calls(report: &Value, target: &str, select: impl Fn(&Value) -> bool) -> String {
    let rows = list(&report["rows"]);
    let rows = rows
        .iter()
        .filter(|row| row["server"] == target && select(row));
    let rows: Vec<&Value> = rows.collect();
    if rows.is_empty() {
        return "Not measured in this run.".to_owned();
    }
    let mut table = String::from(
        "| operation | at | calls | calls/s | server | PostgreSQL | Redis | sum | ×echo | p50 ms | p99 ms | p99.9 ms | WAL |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|",
    );
    for row in rows {
        let of = |key: &str, decimals| number(&row[key], decimals);
        let _never_fails = write!(
            table,
            "\n| {} | {} | {} | {} | {} | {} | {} | {:.1} | {} | {} | {} | {} | {} |",
            word(&row["operation"]),
            of("streams", 0),
            of("calls", 0),
            of("calls_per_second", 0),
            of("server_cpu_us", 1),
            of("postgres_cpu_us", 1),
            of("redis_cpu_us", 1),
            total_cpu(row),
            of("server_cpu_against_echo", 1),
            of("p50_ms", 2),
            of("p99_ms", 2),
            of("p999_ms", 2),
            of("wal_bytes", 0),
        );
    }
    table
}

/// CPU of all processes, in microseconds a call.
pub(super) fn total_cpu(row: &Value) -> f64 {
    let of = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
    of("server_cpu_us") + of("postgres_cpu_us") + of("redis_cpu_us")
}

pub(super) fn facts(report: &Value) -> String {
    let mut table = String::from("| figure | value | unit |\n|---|---|---|");
    for fact in list(&report["facts"]) {
        let (what, unit) = (word(&fact["what"]), word(&fact["unit"]));
        let _never_fails = write!(
            table,
            "\n| {what} | {} | {unit} |",
            number(&fact["value"], 1)
        );
    }
    for pair in list(&report["pairs"]) {
        let name = word(&pair["pair"]);
        for (what, key, unit) in [
            ("start to serving", "start_ms", "ms"),
            ("RssAnon at rest", "rss_anon_mib_at_rest", "MiB"),
            (
                "RssAnon after 1,000 enrollments",
                "rss_anon_mib_after_enrollments",
                "MiB",
            ),
        ] {
            let value = number(&pair[key], 1);
            let _never_fails = write!(table, "\n| {name}: {what} | {value} | {unit} |");
        }
    }
    let hot = report["hot_share"].as_f64().unwrap_or(f64::NAN) * 100.0;
    let bytes = number(&report["record_bytes"], 0);
    let _never_fails = write!(
        table,
        "\n| updates of `accounts` that were HOT | {hot:.1} | % |\n| a record, sealed | {bytes} | B |"
    );
    table
}

/// Other products beside the service; nothing where a run had none.
pub(super) fn peers(report: &Value) -> String {
    let of = &report["peers"];
    if of["measured"] != true {
        return String::new();
    }
    let mut table = String::from(
        "## Peers

The same sign-in (issue and verify) of other products, each at the concurrency that gives it the most sign-ins a second. CPU in
ms for each sign-in.

| product | at | sign-ins/s | server | PostgreSQL | Redis | p50 ms | p99 ms |
|---|---|---|---|---|---|---|---|",
    );
    for peer in list(&of["best"]) {
        let cpu = |key: &str| format!("{:.2}", peer[key].as_f64().unwrap_or(f64::NAN) / 1e3);
        let _never_fails = write!(
            table,
            "\n| {} | {} | {} | {} | {} | {} | {} | {} |",
            word(&peer["server"]),
            number(&peer["streams"], 0),
            number(&peer["sign_ins_per_second"], 0),
            cpu("server_cpu_us"),
            cpu("postgres_cpu_us"),
            cpu("redis_cpu_us"),
            number(&peer["p50_ms"], 1),
            number(&peer["p99_ms"], 1),
        );
    }
    table
}

/// What was not measured, and why; nothing where all was.
pub(super) fn left_out(report: &Value) -> String {
    let all = list(&report["left_out"]);
    if all.is_empty() {
        return String::new();
    }
    let line = |left_out: &Value| {
        format!(
            "\n- {}: {}.",
            word(&left_out["what"]),
            word(&left_out["why"])
        )
    };
    let lines: String = all.iter().map(line).collect();
    format!("## Not measured\n{lines}")
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}
