//! `tropa check`: journey files and configs, and the tests inside journey files. Offline: nothing is connected to.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::place::{expand, load_maps, read};
use super::{Failure, PlaceArgs};
use crate::config::Config;
use crate::map::{DesignedMap, MapVersions};
use crate::map_tests::{self, TestResult};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Journey files; none: the config and the journey files it names
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let (maps, warnings) = if self.files.is_empty() {
            let place = self.place.load()?;
            if let Some(file) = self.place.config_file() {
                writeln!(out, "{}: the config is usable: {}", file.display(), summary(&place.config))?;
            }
            (place.maps, place.warnings)
        } else {
            let mut files = Vec::new();
            for pattern in &self.files {
                for path in expand(pattern)? {
                    files.push((path.display().to_string(), read(&path)?));
                }
            }
            load_maps(&files)?
        };
        for warning in &warnings {
            writeln!(out, "warning: {warning}")?;
        }
        let mut failed = Vec::new();
        for map in &maps {
            failed.extend(check_map(&mut out, map)?);
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

/// Prints what a map is and how its tests went; returns the failures.
fn check_map(out: &mut impl Write, map: &Arc<MapVersions>) -> Result<Vec<String>, Failure> {
    let mut failed = Vec::new();
    for version in &map.versions {
        writeln!(out, "{}: map `{}` version {} is usable: {}", version.file, map.id, version.version, parts(version))?;
        for test in &version.tests {
            match map_tests::run(version, test) {
                TestResult::Passed { not_evaluated } => {
                    writeln!(out, "  ok      {}", test.name)?;
                    for what in not_evaluated {
                        writeln!(out, "          {what}: not evaluated")?;
                    }
                }
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
