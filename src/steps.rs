//! Named steps of the write protocol. In: that a step is reached. Out: nothing, or, in a test, the end of the process at
//! exactly that step, as by kill -9: `TROPA_DIE_AT="after customer_journeys 3"` is the third time. A release build has
//! none of it.

/// On which side of a step a process stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Before,
    After,
}

/// What is read and sent to the sources' logs, where no table is written.
pub const COMMIT: &str = "commit";

#[cfg(not(debug_assertions))]
pub const fn reach(_: When, _: &str) {}

#[cfg(debug_assertions)]
pub use planned::reach;

#[cfg(debug_assertions)]
mod planned {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::When;

    struct Plan {
        when: When,
        step: String,
        left: AtomicU32,
    }

    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

    pub fn reach(when: When, step: &str) {
        let Some(plan) = PLAN.get_or_init(read) else { return };
        if plan.when == when && plan.step == step && plan.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // SAFETY: a signal to ourselves touches no memory.
            unsafe { libc::raise(libc::SIGKILL) };
        }
    }

    fn read() -> Option<Plan> {
        let text = std::env::var("TROPA_DIE_AT").ok()?;
        let mut words = text.split(' ');
        let plan = match (words.next(), words.next(), words.next().map(str::parse)) {
            (Some("before"), Some(step), Some(Ok(n))) => {
                Plan { when: When::Before, step: step.to_owned(), left: AtomicU32::new(n) }
            }
            (Some("after"), Some(step), Some(Ok(n))) => {
                Plan { when: When::After, step: step.to_owned(), left: AtomicU32::new(n) }
            }
            _ => panic!("TROPA_DIE_AT is `{text}`; allowed: before|after STEP TIMES"),
        };
        Some(plan)
    }
}
