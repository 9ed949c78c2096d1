//! Signals. SIGTERM and Ctrl-C turn a flag true once; what is open is then drained, written and committed. A second Ctrl-C
//! ends the process at once: everything acknowledged is safe, and the next start reads the rest again. SIGHUP asks for the
//! files to be read again. Out: flags to wait for.

use tokio::sync::watch;

/// What the process was told from outside.
#[derive(Clone, Debug)]
pub struct Signals {
    /// True: drain, write, commit and leave.
    pub stop: watch::Receiver<bool>,
    /// How often SIGHUP came.
    pub reload: watch::Receiver<u64>,
}

/// Must be called on the runtime. The flags stay as they are for ever if signals cannot be listened to.
pub fn listen() -> Signals {
    let (stopping, stop) = watch::channel(false);
    tokio::spawn(async move {
        if terminate().await.is_ok() {
            stopping.send_replace(true);
            if terminate().await.is_ok() {
                std::process::abort();
            }
        }
        // Keeps the channel open: a closed one would read as a wish to stop.
        std::future::pending::<()>().await;
    });
    let (reloading, reload) = watch::channel(0);
    tokio::spawn(async move {
        hang_up(|| reloading.send_modify(|n| *n += 1)).await;
        std::future::pending::<()>().await;
    });
    Signals { stop, reload }
}

#[cfg(unix)]
async fn terminate() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed,
    }
}

#[cfg(unix)]
async fn hang_up(heard: impl Fn()) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
    while hang_up.recv().await.is_some() {
        heard();
    }
}

#[cfg(not(unix))]
async fn terminate() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(not(unix))]
async fn hang_up(_: impl Fn()) {}
