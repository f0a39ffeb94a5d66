//! What is used, and why: what a process says when it starts.

/// One thing that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupReportLine {
    /// What for.
    pub what: &'static str,
    /// What.
    pub value: String,
    /// Why.
    pub why: String,
}

impl StartupReportLine {
    /// One thing, and why.
    pub fn new(what: &'static str, value: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what,
            value: value.into(),
            why: why.into(),
        }
    }
}
