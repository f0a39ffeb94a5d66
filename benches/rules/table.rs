//! The table that counts are compared with: TOML, one line per rule.

use crate::{CountResult, InstructionCounts, callgrind::Toolchain};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

pub(crate) const FILE: &str = "benches/rules/instructions.toml";

/// A rule may deviate by so much, in hundredths.
const TOLERANCE_PERCENT: u64 = 10;

/// And by so many instructions, so that one more branch of a short rule is no regression.
const TOLERANCE_INSTRUCTIONS: u64 = 20;

const HEADER: &str = "# Instructions per call of each rule, as callgrind counts them. `UPDATE_COUNTS=1 make counts` writes this file;\n\
    # `make test` fails where a rule takes 10 % more or fewer. It holds for one compiler, the one that CI uses.\n";

/// The file, read.
#[derive(Debug)]
pub(crate) struct CountTable {
    pub(crate) toolchain: Toolchain,
    pub(crate) counts: InstructionCounts,
}

/// How a rule differs from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deviation {
    Slower,
    Faster,
    New,
    Gone,
}

impl Deviation {
    /// How a count differs from an expected one, if it does.
    pub(crate) fn between(expected: u64, counted: u64) -> Option<Self> {
        let tolerance = (expected * TOLERANCE_PERCENT / 100).max(TOLERANCE_INSTRUCTIONS);
        if counted > expected + tolerance {
            Some(Self::Slower)
        } else if counted + tolerance < expected {
            Some(Self::Faster)
        } else {
            None
        }
    }

    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Slower => "SLOWER",
            Self::Faster => "FASTER: lower the figure in the table",
            Self::New => "NEW: not in the table",
            Self::Gone => "GONE: take it out of the table",
        }
    }
}

impl CountTable {
    pub(crate) fn read() -> CountResult<Self> {
        let text = fs::read_to_string(path()).map_err(|error| format!("{FILE}: {error}"))?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut entries: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, value)| (unquoted(name), unquoted(value)))
            .collect();
        let mut entry = |name| entries.remove(name).ok_or(format!("{FILE}: no {name}"));
        let toolchain = Toolchain {
            rustc: entry("rustc")?,
            host: entry("host")?,
        };
        let counts = entries.into_iter().map(|(name, count)| {
            let count = count.parse();
            Ok((name, count?))
        });
        Ok(Self {
            toolchain,
            counts: counts.collect::<CountResult<InstructionCounts>>()?,
        })
    }

    pub(crate) fn write(toolchain: &Toolchain, counts: &InstructionCounts) -> CountResult<()> {
        let Toolchain { rustc, host } = toolchain;
        let mut text =
            format!("{HEADER}\nrustc = \"{rustc}\"\nhost = \"{host}\"\n\n[instructions]\n");
        for (name, count) in counts {
            writeln!(text, "\"{name}\" = {count}")?;
        }
        Ok(fs::write(path(), text)?)
    }

    /// The rules that differ from the table, and the lines without a rule.
    pub(crate) fn deviations(&self, counted: &InstructionCounts) -> BTreeMap<String, Deviation> {
        let known = counted.iter().filter_map(|(name, count)| {
            let deviation = match self.counts.get(name) {
                Some(expected) => Deviation::between(*expected, *count)?,
                None => Deviation::New,
            };
            Some((name.clone(), deviation))
        });
        let gone = self.counts.keys();
        let gone = gone.filter(|name| !counted.contains_key(*name));
        known
            .chain(gone.map(|name| (name.clone(), Deviation::Gone)))
            .collect()
    }
}

fn path() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    PathBuf::from(root).join(FILE)
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').to_owned()
}
