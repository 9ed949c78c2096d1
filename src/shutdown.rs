//! SIGTERM and Ctrl-C. Out: a flag that turns true once; what is open is then drained, written and committed. A second
//! Ctrl-C ends the process at once: everything acknowledged is safe, and the next start reads the rest again.

use tokio::sync::watch;

/// Must be called on the runtime. The flag stays false for ever if signals cannot be listened to.
pub fn on_signal() -> watch::Receiver<bool> {
    let (flag, stop) = watch::channel(false);
    tokio::spawn(async move {
        if signal().await.is_ok() {
            flag.send_replace(true);
            if signal().await.is_ok() {
                std::process::abort();
            }
        }
        // Keeps the channel open: a closed one would read as a wish to stop.
        std::future::pending::<()>().await;
    });
    stop
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed,
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
