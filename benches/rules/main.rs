//! How many instructions the rules of the domain take. `make counts` compares each rule with the table in
//! `instructions.toml` and fails where one takes 10 % more or fewer; `docs/benchmarks.md` explains it.
//!
//! Each rule runs twice under callgrind, the second time with twice as many calls. The difference is what the calls took:
//! the process's start and the making of the input drop out. No clock is read, so a busy machine changes nothing.

mod callgrind;
mod inputs;
mod rules;
mod table;

use callgrind::Toolchain;
use rules::RULES;
use std::{collections::BTreeMap, process::ExitCode, thread};
use table::{CountTable, Deviation};

/// A result whose failure ends the run.
type CountResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Instructions per call, by rule.
type InstructionCounts = BTreeMap<String, u64>;

/// The role of the process that callgrind watches.
const RUN: &str = "run";

/// The rule whose calls the control changes.
const CONTROL: &str = "totp.refuse_code";

fn main() -> CountResult<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let [RUN, name, calls] = arguments.as_slice() {
        let rule = RULES.iter().find(|rule| rule.name == *name);
        (rule.ok_or("no such rule")?.run)(calls.parse()?);
        return Ok(ExitCode::SUCCESS);
    }
    let toolchain = Toolchain::read()?;
    let counted = count_all()?;
    if std::env::var_os("UPDATE_COUNTS").is_some() {
        CountTable::write(&toolchain, &counted)?;
        println!("instruction counts: wrote {}", table::FILE);
        return Ok(ExitCode::SUCCESS);
    }
    compare(&CountTable::read()?, &toolchain, &counted)
}

/// Counts all rules, on as many processors as there are.
fn count_all() -> CountResult<InstructionCounts> {
    let at_once = thread::available_parallelism()?.get();
    let count = |from: usize| -> CountResult<Vec<(String, u64)>> {
        let share = RULES.iter().skip(from).step_by(at_once);
        share
            .map(|rule| Ok((rule.name.to_owned(), callgrind::count(rule, rule.calls)?)))
            .collect()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once)
            .map(|from| scope.spawn(move || count(from)))
            .collect();
        let mut counted = InstructionCounts::new();
        for thread in threads {
            counted.extend(thread.join().map_err(|_| "a thread panicked")??);
        }
        Ok(counted)
    })
}

/// Prints each rule beside the table. Fails if one deviates, or has no line, or a line has no rule; only prints if the table
/// was written with another compiler.
fn compare(
    table: &CountTable,
    toolchain: &Toolchain,
    counted: &InstructionCounts,
) -> CountResult<ExitCode> {
    check_control(counted)?;
    let is_strict = table.toolchain == *toolchain;
    let deviations = table.deviations(counted);
    for (name, instructions) in counted {
        let before = table.counts.get(name);
        let before = before.map_or_else(|| "-".to_owned(), u64::to_string);
        let remark = deviations.get(name).copied().map_or("", Deviation::advice);
        println!("{name:<32} {instructions:>10} {before:>10}  {remark}");
    }
    for name in table.counts.keys() {
        if !counted.contains_key(name) {
            println!("{name:<32} {:>10}", Deviation::Gone.advice());
        }
    }
    if deviations.is_empty() {
        println!("instruction counts: all {} as in the table", counted.len());
        return Ok(ExitCode::SUCCESS);
    }
    if !is_strict {
        println!(
            "instruction counts: NOT CHECKED. The table holds for {}, this is {}",
            table.toolchain, toolchain
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "instruction counts: {} differ from {}. If that is meant, run `UPDATE_COUNTS=1 make counts` and say why in the commit",
        deviations.len(),
        table::FILE
    );
    Ok(ExitCode::FAILURE)
}

/// The control: a rule that does a fifth more or less than it is counted for has to be found.
fn check_control(counted: &InstructionCounts) -> CountResult<()> {
    let rule = RULES.iter().find(|rule| rule.name == CONTROL);
    let rule = rule.ok_or("the control's rule is gone")?;
    let expected = *counted.get(CONTROL).ok_or("the control's rule is gone")?;
    let more = callgrind::count(rule, rule.calls + rule.calls / 5)?;
    let more = more * u64::from(rule.calls + rule.calls / 5) / u64::from(rule.calls);
    let fewer = expected - (more - expected);
    let found = [more, fewer].map(|counted| Deviation::between(expected, counted));
    if found == [Some(Deviation::Slower), Some(Deviation::Faster)] {
        return Ok(());
    }
    Err(format!("the control is not found: {expected} against {more} and {fewer}").into())
}
