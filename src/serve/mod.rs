//! The HTTP listener of a process that runs the pipeline. In: an address, routes. Out: a listener that ends when it is
//! dropped, and its address in the data folder.

pub mod orders;

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Name of the file in the data folder that says where the listener is.
pub const ADDRESS_FILE: &str = "serve";

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "cannot listen at {address}: {error}\n  hint: `serve: {{ listen: … }}` in the config takes `auto`, `off` or ADDRESS:PORT"
    )]
    Bind { address: String, error: std::io::Error },
    #[error("cannot write {path}: {error}")]
    Write { path: String, error: std::io::Error },
}

/// A running listener; dropping it ends it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes the address into the data folder, for whoever looks for a port that was chosen freely.
    pub fn note_address(&self, data: &Path) -> Result<(), ServeError> {
        let path = data.join(ADDRESS_FILE);
        let wrong = |error| ServeError::Write { path: path.display().to_string(), error };
        std::fs::create_dir_all(data).map_err(wrong)?;
        std::fs::write(&path, self.address.to_string()).map_err(wrong)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens at `address` and answers these routes.
pub async fn start(address: SocketAddr, routes: Router) -> Result<Serving, ServeError> {
    let wrong = |error| ServeError::Bind { address: address.to_string(), error };
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    let task = tokio::spawn(async move {
        // Only ends with the process: `axum::serve` waits out errors of single connections.
        axum::serve(listener, routes).await.ok();
    });
    Ok(Serving { address, task })
}
