//! Changed files of a running process. In: the config and the journey files on disk, SIGHUP. Out: a checked place to go on
//! with; faults are logged in full, and the running reading stays.
//!
//! The files are read every few seconds and compared as they are: small enough for that, and it sees what file system
//! events miss (network folders, mounted config maps, an editor that replaces a file).

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::place::expand;
use super::{Failure, Place, PlaceArgs};
use crate::health::Health;
use crate::map_tests::{self, TestResult};

const LOOK: Duration = Duration::from_secs(1);

/// Looks at the files of one place.
pub(super) struct Watched {
    place: PlaceArgs,
    /// The files as they were when they were last judged.
    judged: blake3::Hash,
    hung_up: watch::Receiver<u64>,
}

impl Watched {
    /// `hung_up` changes whenever somebody asks for the files to be read again.
    pub fn new(place: PlaceArgs, current: &Place, hung_up: watch::Receiver<u64>) -> Self {
        let judged = look(&place, current);
        Self { place, judged, hung_up }
    }

    /// Waits for a good change, or for SIGHUP with files that are usable.
    pub async fn next(&mut self, current: &Place, health: &Health) -> Place {
        let mut changing = None;
        loop {
            let asked = tokio::select! {
                asked = self.hung_up.changed() => asked.is_ok(),
                () = tokio::time::sleep(LOOK) => false,
            };
            let now = look(&self.place, current);
            // Twice the same: nobody is in the middle of writing it.
            if !asked && (now == self.judged || changing.replace(now) != Some(now)) {
                continue;
            }
            changing = None;
            self.judged = now;
            match self.judge(current) {
                Ok(place) => {
                    info!(asked, "the files are usable: going on with them once what was taken is written");
                    health.metrics().reload("taken");
                    return place;
                }
                Err(faults) => {
                    error!("changed files are not taken, the running reading stays:\n{faults}");
                    health.metrics().reload("refused");
                }
            }
        }
    }

    fn judge(&self, current: &Place) -> Result<Place, Failure> {
        let place = self.place.load()?;
        for warning in &place.warnings {
            warn!("{warning}");
        }
        let fixed = |p: &Place| format!("{:?} {:?} {:?}", p.config.data, p.config.warehouse, p.config.listen);
        if fixed(&place) != fixed(current) {
            return Err(Failure::Unusable(
                "`data`, `warehouse`, `embedded` or `serve` has changed\n  hint: these need a restart of the process"
                    .to_owned(),
            ));
        }
        let failed: Vec<String> = place
            .maps
            .iter()
            .flat_map(|m| &m.versions)
            .flat_map(|v| {
                v.tests.iter().filter_map(|test| match map_tests::run(v, test, &place.config.identifiers.kinds) {
                    TestResult::Passed => None,
                    TestResult::Failed(differences) => Some(format!(
                        "  {}:{}  test `{}`\n    {}",
                        v.file,
                        test.line,
                        test.name,
                        differences.join("\n    ")
                    )),
                })
            })
            .collect();
        if failed.is_empty() {
            Ok(place)
        } else {
            Err(Failure::Unusable(format!("tests of the journey files failed:\n{}", failed.join("\n"))))
        }
    }
}

/// The files as they stand there now, those of the running config.
fn look(place: &PlaceArgs, current: &Place) -> blake3::Hash {
    let maps = current.config.maps.iter().filter_map(|p| expand(p).ok()).flatten();
    let mut hash = blake3::Hasher::new();
    for path in place.config_file().into_iter().chain(maps).collect::<Vec<PathBuf>>() {
        hash.update(path.as_os_str().as_encoded_bytes());
        // A file that is away for a moment looks different from one that is there.
        let text = std::fs::read(&path).ok();
        hash.update(&[u8::from(text.is_some())]);
        hash.update(&blake3::hash(&text.unwrap_or_default()).as_bytes()[..]);
    }
    hash.finalize()
}
