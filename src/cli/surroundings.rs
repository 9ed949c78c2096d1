//! Faults of a config that its text alone does not tell. In: the checked config and its file. Out: journey files that cannot
//! be read, settings that Kafka's client does not know, a data folder that cannot be made; each with its line.

use std::path::{Path, PathBuf};

use super::place::expand;
use crate::config::{Config, Input};
use crate::source::kafka::settings::unusable;
use crate::yaml::{self, Fault, Faults, Node, Position};

/// Where the values of a config stand.
struct Lines {
    label: String,
    node: Option<Node>,
}

impl Lines {
    fn of(file: &Path) -> Self {
        let label = file.display().to_string();
        let node = std::fs::read_to_string(file).ok().and_then(|text| yaml::read(&label, &text).ok());
        Self { label, node }
    }

    fn fault(&self, pointer: &str, message: String, help: &str) -> Fault {
        let at = self.node.as_ref().map_or(Position::default(), |node| node.at(pointer));
        Fault::new(&self.label, at, message).help(help)
    }
}

/// Looks around. `data`: whether the config says where the data folder is.
pub(super) fn look(file: &Path, config: &Config, data: bool) -> Result<(), Faults> {
    // Read only where there is something to say.
    let mut found: Vec<(String, String, &str)> = Vec::new();
    for (i, pattern) in config.maps.iter().enumerate() {
        if let Err(why) = readable(pattern) {
            let help = "hint: paths are relative to the config; the last part may be a pattern (`journeys/*.yaml`)";
            found.push((format!("maps/{i}"), why, help));
        }
    }
    let sources = config.sources.iter().filter_map(|source| match &source.input {
        Input::Kafka(input) => Some((format!("sources/{}/kafka/settings", source.name), &input.settings)),
        _ => None,
    });
    let roles = config.roles.iter().map(|roles| ("roles/settings".to_owned(), &roles.settings));
    for (pointer, settings) in sources.chain(roles) {
        if let Some((key, why)) = unusable(settings) {
            let help = "hint: `settings:` takes librdkafka's names and values";
            found.push((format!("{pointer}/{key}"), format!("`{key}` cannot be set: {why}"), help));
        }
    }
    if data && let Some(file) = in_the_way(&config.data) {
        let message = format!("`{}` cannot be made: {} is no folder", config.data.display(), file.display());
        found.push(("data".to_owned(), message, "hint: name a folder, or move what is in its place away"));
    }
    let mut faults = Faults::new();
    if !found.is_empty() {
        let lines = Lines::of(file);
        found.into_iter().for_each(|(at, message, help)| faults.push(lines.fault(&at, message, help)));
    }
    faults.or(())
}

fn readable(pattern: &Path) -> Result<(), String> {
    for path in expand(pattern).map_err(|e| e.to_string())? {
        if let Err(error) = std::fs::read_to_string(&path) {
            return Err(format!("the journey file {} cannot be read: {error}", path.display()));
        }
    }
    Ok(())
}

/// What stands on the way to a folder and is none.
fn in_the_way(folder: &Path) -> Option<PathBuf> {
    let there = folder.ancestors().find(|p| p.exists())?;
    (!there.is_dir()).then(|| there.to_owned())
}
