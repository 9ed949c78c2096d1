//! The binary: parse arguments, run one command, turn an error into an exit code.

use std::process::ExitCode;

// glibc's allocator keeps much of what many threads free; jemalloc returns it and is faster on small strings.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tropa::cli::main()
}
