//! Standard input, out of the embedded engine's reach: it would take whatever stands there for the rows of the next
//! INSERT. Out: a reader of what was piped in.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Mutex;

static ASIDE: Mutex<Option<File>> = Mutex::new(None);

/// Puts standard input aside, for [`reader`], and leaves an empty one in its place. Call before the engine is loaded.
#[cfg(unix)]
pub fn set_aside() -> io::Result<()> {
    use std::os::fd::{AsFd, AsRawFd};
    let own = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = File::open("/dev/null")?;
    // SAFETY: both descriptors are open; 0 is replaced as a whole, and `own` is a copy that stays.
    if unsafe { libc::dup2(nothing.as_raw_fd(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    *ASIDE.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(File::from(own));
    Ok(())
}

#[cfg(not(unix))]
pub fn set_aside() -> io::Result<()> {
    Ok(())
}

/// What was piped in; whoever asks first gets it.
pub fn reader() -> Box<dyn Read> {
    match ASIDE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
        Some(file) => Box::new(file),
        None => Box::new(io::stdin()),
    }
}
