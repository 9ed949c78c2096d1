//! What went wrong, as a person reads it, and the exit code that goes with it.

use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file is not usable; the text lists every fault.
    #[error("{0}")]
    Unusable(String),
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("cannot write {path}: {error}")]
    Write { path: String, error: std::io::Error },
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
    /// Another process owns the store.
    #[error("{0}")]
    InUse(String),
    #[error("{0}")]
    Store(String),
    /// What stands in the tables is not what the sets say.
    #[error("{0}")]
    Stale(String),
    #[error(transparent)]
    Warehouse(#[from] crate::warehouse::WarehouseError),
    #[error(transparent)]
    Beside(#[from] crate::beside::BesideError),
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    #[error(transparent)]
    Pipeline(#[from] crate::pipeline::PipelineError),
    #[error(transparent)]
    Serve(#[from] crate::serve::ServeError),
    #[error(transparent)]
    Form(#[from] crate::forms::FormError),
    /// What was asked for is not there; the text says what is.
    #[error("{0}")]
    NotFound(String),
}

impl Failure {
    /// The codes of sysexits.h where there is one.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unusable(_) => ExitCode::from(78),
            Self::InUse(_) => ExitCode::from(75),
            _ => ExitCode::FAILURE,
        }
    }
}
