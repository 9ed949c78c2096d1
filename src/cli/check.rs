//! `tropa check`: journey files and configs, and the tests inside journey files. Offline, unless `--connect` asks for the
//! warehouse and the sources to be looked at.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;

use super::place::{expand, load_maps, read_config, read_usable};
use super::{Failure, Place, PlaceArgs, connect};
use crate::config::{Config, Kind, default_kinds};
use crate::map::{DesignedMap, MapVersions};
use crate::map_tests::{self, TestResult};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Journey files; none: the config and the journey files it names
    files: Vec<PathBuf>,
    /// Also reach the warehouse and every source, read some records and say what they become; nothing is stored
    #[arg(long, conflicts_with = "files")]
    connect: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.offline()?;
        if !self.connect {
            return Ok(());
        }
        let place = self.place.load()?;
        let mut out = std::io::stdout();
        super::block_on(async {
            match connect::check(&place, &mut out).await? {
                0 => Ok(()),
                1 => Err(Failure::Store("1 problem found".to_owned())),
                n => Err(Failure::Store(format!("{n} problems found"))),
            }
        })
    }

    fn offline(&self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let (maps, warnings, kinds) = if self.files.is_empty() {
            let place = self.load()?;
            if let Some(file) = self.place.config_file() {
                writeln!(out, "{}: the config is usable: {}", file.display(), summary(&place.config))?;
            }
            (place.maps, place.warnings, place.config.identifiers.kinds.clone())
        } else {
            let mut files = Vec::new();
            for pattern in &self.files {
                for path in expand(pattern)? {
                    files.push((
                        path.display().to_string(),
                        read_usable(&path, "a journey file; `tropa schema journey` says what one holds")?,
                    ));
                }
            }
            let (maps, warnings) = load_maps(&files)?;
            (maps, warnings, default_kinds())
        };
        for warning in &warnings {
            writeln!(out, "warning: {warning}")?;
        }
        let mut failed = Vec::new();
        for map in &maps {
            failed.extend(check_map(&mut out, map, &kinds)?);
        }
        match failed.len() {
            0 => Ok(()),
            n => Err(Failure::Unusable(format!(
                "{n} test{} of the journey files failed:\n{}",
                if n == 1 { "" } else { "s" },
                failed.join("\n")
            ))),
        }
    }

    /// Config and journey files; where the config is not usable, with the faults of the journey files beside its own.
    fn load(&self) -> Result<Place, Failure> {
        let loaded = self.place.load();
        let (Err(Failure::Unusable(faults)), Some(file)) = (&loaded, self.place.config_file()) else { return loaded };
        if read_config(&file).is_ok() {
            return loaded;
        }
        match load_maps(&named_by(&file)) {
            Err(Failure::Unusable(more)) => Err(Failure::Unusable(format!("{faults}\n{more}"))),
            _ => loaded,
        }
    }
}

fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn summary(config: &Config) -> String {
    [
        count(config.sources.len(), "source", "sources"),
        count(config.decoders.len(), "named decoder", "named decoders"),
        count(config.identifiers.kinds.len(), "kind of identifiers", "kinds of identifiers"),
    ]
    .join(", ")
}

fn parts(map: &DesignedMap) -> String {
    let mut parts =
        vec![count(map.stages.len(), "stage", "stages"), count(map.touchpoints.len(), "touchpoint", "touchpoints")];
    match (map.transitions.len(), map.stages.len()) {
        (0, 0 | 1) => {}
        (0, _) => parts.push("each stage leads to the next".to_owned()),
        (n, _) => parts.push(count(n, "transition", "transitions")),
    }
    parts.join(", ")
}

/// The journey files that a config names, whatever else is wrong with it.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    maps: Vec<String>,
}

fn named_by(config: &Path) -> Vec<(String, String)> {
    let named = std::fs::read_to_string(config).ok().and_then(|text| serde_saphyr::from_str::<Named>(&text).ok());
    let base = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let patterns = named.map(|n| n.maps).unwrap_or_default();
    let paths = patterns.iter().filter_map(|p| expand(&base.join(p)).ok()).flatten();
    paths.filter_map(|path| Some((path.display().to_string(), std::fs::read_to_string(&path).ok()?))).collect()
}

/// Prints what a map is and how its tests went; returns the failures.
fn check_map(out: &mut impl Write, map: &Arc<MapVersions>, kinds: &[Kind]) -> Result<Vec<String>, Failure> {
    let mut failed = Vec::new();
    for version in &map.versions {
        writeln!(out, "{}: map `{}` version {} is usable: {}", version.file, map.id, version.version, parts(version))?;
        for test in &version.tests {
            match map_tests::run(version, test, kinds) {
                TestResult::Passed => writeln!(out, "  ok      {}", test.name)?,
                TestResult::Failed(differences) => {
                    writeln!(out, "  FAILED  {}", test.name)?;
                    let place = format!("  {}:{}  test `{}`", version.file, test.line, test.name);
                    failed.push(format!("{place}\n    {}", differences.join("\n    ")));
                }
            }
        }
    }
    Ok(failed)
}
