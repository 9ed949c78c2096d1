//! Several journey files side by side: versions of one map come together, oldest first. Finds versions that are said
//! twice or whose days run backwards.

use std::sync::Arc;

use super::check::check;
use super::designed::{DesignedMap, MapVersions, Status};
use crate::yaml::{Fault, Faults, Node, Position};

/// The maps, and what is doubtful about them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// In the order of their first file.
    pub maps: Vec<MapVersions>,
    pub warnings: Vec<Fault>,
}

struct OneFile {
    map: DesignedMap,
    /// Places of `version` and `valid_from`.
    version_at: Position,
    valid_from_at: Position,
    content: blake3::Hash,
}

/// Reads (label, text) pairs; the faults of all files at once.
pub fn load(files: &[(String, String)]) -> Result<Loaded, Faults> {
    let (mut faults, mut warnings, mut read) = (Faults::new(), Vec::new(), Vec::<OneFile>::new());
    for (label, text) in files {
        match check(label, text) {
            Ok((map, more)) => {
                warnings.extend(more);
                // The text was just read without a fault, so this gives its tree again.
                let place = |pointer: &str| {
                    crate::yaml::read(label, text).map_or_else(|_| Position::default(), |n: Node| n.at(pointer))
                };
                let (version_at, valid_from_at) = (place("version"), place("valid_from"));
                read.push(OneFile { map, version_at, valid_from_at, content: blake3::hash(text.as_bytes()) });
            }
            Err(more) => faults.append(more),
        }
    }
    let mut groups: Vec<Vec<OneFile>> = Vec::new();
    for file in read {
        match groups.iter_mut().find(|g| g[0].map.id == file.map.id) {
            Some(group) => group.push(file),
            None => groups.push(vec![file]),
        }
    }
    for group in &mut groups {
        // Stable, so that of two equal versions the file given later is the one at fault.
        group.sort_by_key(|f| f.map.version);
        check_group(group, &mut faults);
    }
    faults.or(Loaded { maps: groups.into_iter().map(versions).collect(), warnings })
}

fn check_group(group: &[OneFile], faults: &mut Faults) {
    for pair in group.windows(2) {
        let (a, b) = (&pair[0].map, &pair[1].map);
        if a.version == b.version {
            let message = format!("map `{}` has version {} twice (also in {})", b.id, b.version, a.file);
            faults.push(Fault::new(&b.file, pair[1].version_at, message).help("raise `version` on every change"));
        }
    }
    let valid: Vec<&OneFile> = group.iter().filter(|f| f.map.status != Status::Draft).collect();
    for pair in valid.windows(2) {
        let (a, b) = (&pair[0].map, &pair[1].map);
        if a.version == b.version || b.valid_from > a.valid_from {
            continue;
        }
        let earlier = match a.valid_from {
            Some(from) => format!("version {} ({}) is valid from {from}", a.version, a.file),
            None => format!("version {} ({}) is valid since ever", a.version, a.file),
        };
        let message = match b.valid_from {
            Some(from) => {
                format!("version {} of map `{}` is valid from {from}, not later than the one before", b.version, b.id)
            }
            None => format!("version {} of map `{}` has no `valid_from`", b.version, b.id),
        };
        let help = format!("{earlier}; a later version needs a later `valid_from`, or `status: draft`");
        faults.push(Fault::new(&b.file, pair[1].valid_from_at, message).help(help));
    }
}

fn versions(group: Vec<OneFile>) -> MapVersions {
    let mut hasher = blake3::Hasher::new();
    for file in &group {
        hasher.update(file.content.as_bytes());
    }
    MapVersions {
        id: group[0].map.id.clone(),
        fingerprint: hasher.finalize().to_hex().to_string(),
        versions: group.into_iter().map(|f| Arc::new(f.map)).collect(),
    }
}
