//! `tropa backup TO`: a copy of the embedded store, while it is written to or not.

use std::path::PathBuf;

use clap::Args;

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::backup;
use crate::config::WarehouseConfig;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A folder that does not exist yet, or is empty
    to: PathBuf,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Backup {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let database = database(&place)?;
        let store = Store::reach(&place.config).await?;
        let now = clock().to_string();
        let written = backup::write(&store.client, &place.config.data, database, &self.to, now).await;
        store.close().await;
        let manifest = written?;
        println!("{} tables are in {}", manifest.tables(), self.to.display());
        if manifest.identifier_key {
            println!(
                "  the key of identifier hashes is in it ({}): whoever has it can test who is in the store",
                backup::KEY_FILE
            );
        } else {
            println!(
                "  no key of identifier hashes is in it: the config holds it, or identifiers are stored as they came"
            );
        }
        Ok(())
    }
}

/// The embedded store's database; a server has backups of its own.
pub(super) fn database(place: &Place) -> Result<&str, Failure> {
    match &place.config.warehouse {
        WarehouseConfig::Embedded { database, .. } => Ok(database),
        WarehouseConfig::Server { .. } => Err(Failure::Unusable(
            "the config names a ClickHouse server, and this is for the embedded store\n  \
             hint: a server is backed up by its own `BACKUP DATABASE … TO …`, the table `positions` first"
                .to_owned(),
        )),
    }
}
