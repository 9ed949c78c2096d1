//! `tropa schema`: the JSON Schema of a file, for editors.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Which file's schema
    file: File,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum File {
    /// The journey file
    Journey,
    /// The config file (tropa.yaml)
    Config,
}

impl Schema {
    pub(super) fn run(self) -> Result<(), Failure> {
        let schema = match self.file {
            File::Journey => crate::map::json_schema(),
            File::Config => crate::config::json_schema(),
        };
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &schema).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        Ok(())
    }
}
