//! A full disk, told apart from an outage. In: what the warehouse said. Out: whether it has no room, and one sentence when
//! that begins and one when it ends. It passes by itself once somebody makes room, so it is waited out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::warn;

/// As ClickHouse puts it: NOT_ENOUGH_SPACE, or what the system said (ENOSPC, EDQUOT) behind any other code.
const SIGNS: [&str; 5] =
    ["NOT_ENOUGH_SPACE", "No space left on device", "errno: 28", "Disk quota exceeded", "errno: 122"];

pub(super) fn is_full(said: &str) -> bool {
    said.contains("Code: 243.") || SIGNS.iter().any(|sign| said.contains(sign))
}

/// Shared by all statements of a client, so that one full disk is one message.
#[derive(Clone, Debug, Default)]
pub(super) struct FullDisk(Arc<AtomicBool>);

impl FullDisk {
    /// Whether this is a full disk; the first time it is said.
    pub fn is_said_by(&self, text: &str, url: &str) -> bool {
        let full = is_full(text);
        if full && !self.0.swap(true, Ordering::Relaxed) {
            warn!(
                "the disk of the warehouse at {url} is full: waiting until there is room, nothing is lost\n  \
                 hint: free some, or make it larger; the run goes on by itself"
            );
        }
        full
    }

    pub fn is_over(&self, url: &str) {
        if self.0.swap(false, Ordering::Relaxed) {
            warn!(url, "the disk of the warehouse has room again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_by_its_code_or_by_what_the_system_said() {
        for said in [
            "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)",
            "Code: 75. DB::ErrnoException: Cannot write to file: , errno: 28, strerror: No space left on device. (CANNOT_WRITE_TO_FILE_DESCRIPTOR)",
            "Code: 1001. DB::Exception: std::filesystem_error: in create_directories: No space left on device (STD_EXCEPTION)",
        ] {
            assert!(is_full(said), "{said}");
        }
        assert!(!is_full("Code: 241. DB::Exception: memory limit exceeded (MEMORY_LIMIT_EXCEEDED)"));
    }
}
