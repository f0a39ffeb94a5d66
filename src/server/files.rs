//! How many files this process may have open: each connection is one, and the stores need some too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the stores, the notifiers and the log need.
const RESERVED_DESCRIPTORS: u64 = 128;

/// Asks for as many as the system allows; a warning where that is fewer than the connections could need.
pub(super) fn allow(max_connections: usize) -> Option<String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    warning(allowed, max_connections)
}

fn warning(allowed: Option<u64>, max_connections: usize) -> Option<String> {
    let needed = u64::try_from(max_connections).unwrap_or(u64::MAX);
    let needed = needed.saturating_add(RESERVED_DESCRIPTORS);
    let allowed = allowed.filter(|allowed| *allowed < needed)?;
    Some(format!(
        "this process may have {allowed} files open, fewer than server.max_connections needs: raise the limit (ulimit -n) to {needed}, or lower server.max_connections"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_warned_of() {
        assert_eq!(warning(None, 4096), None);
        assert_eq!(warning(Some(4096 + 128), 4096), None);
        let warned = warning(Some(1024), 4096).unwrap();
        assert!(
            warned.contains("1024") && warned.contains("4224"),
            "{warned}"
        );
    }
}
