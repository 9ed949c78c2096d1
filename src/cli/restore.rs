//! `tropa restore FROM`: a store again from a backup. It is made beside the old one, checked, and only then put in its
//! place.

use std::path::PathBuf;

use clap::Args;

use super::backup::database;
use super::place::create_dir;
use super::store::in_use_or_broken;
use super::{Failure, PlaceArgs};
use crate::backup;
use crate::warehouse::embedded;

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A folder that `tropa backup` has written
    from: PathBuf,
    /// Replace what is in the data folder; it is gone then. A store in use is never replaced
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let database = database(&place)?.to_owned();
        let data = &place.config.data;
        let manifest = backup::read(&self.from)?;
        create_dir(data)?;
        let _ours = embedded::hold(data).map_err(in_use_or_broken)?;
        if !self.force {
            let hint = "hint: name another folder with `--data`, or replace what is here with `--force`";
            if data.join("store").exists() {
                return Err(Failure::Store(format!("there is a store in {} already\n  {hint}", data.display())));
            }
            if backup::has_another_key(data, &self.from, &manifest) {
                return Err(Failure::Store(format!(
                    "{} in {} is not the key of this backup\n  {hint}",
                    backup::KEY_FILE,
                    data.display()
                )));
            }
        }
        let beside = data.join("restoring");
        std::fs::remove_dir_all(&beside).ok();
        let made = backup::make(&self.from, &manifest, &beside, &database).await;
        if made.is_err() {
            std::fs::remove_dir_all(&beside).ok();
        }
        made?;
        backup::put_in_place(&beside, data, &self.from, &manifest)?;
        if let Some(file) = self.place.config_file() {
            place.remember_config(&file)?;
        }
        println!("{} tables of {} are in {}", manifest.tables(), manifest.taken_at, data.display());
        println!(
            "  the next `tropa run` reads on from where the backup stands, and counts the aggregates that trailed their \
             journeys when it was taken; before that `tropa verify` names them"
        );
        Ok(())
    }
}
