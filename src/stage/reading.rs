//! A reading: what a derived row was computed with. In: a map's versions, the mode, the config's fingerprint. Out: its
//! id, and the compiled rules that go with it. The id changes exactly when a figure could change.

use std::sync::Arc;

use crate::config::Config;
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::touchpoint::Rules;

/// Raised whenever the meaning of a figure changes in this program, so that every store recomputes.
pub const SEMANTICS_VERSION: u32 = 4;

/// One map as this process computes it.
#[derive(Debug)]
pub struct Reading {
    /// 16 hex digits; the `reading` column.
    pub id: Arc<str>,
    pub map: Arc<MapVersions>,
    pub mode: Mode,
    pub rules: Rules,
}

impl Reading {
    pub fn new(map: Arc<MapVersions>, mode: Mode, config: &Config) -> Self {
        let mut hash = blake3::Hasher::new();
        let semantics = SEMANTICS_VERSION.to_string();
        let mode_name = mode.as_str();
        for part in [&*map.id, &*mode_name, &map.fingerprint, &config.fingerprint, &semantics] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let id = Arc::from(&hash.finalize().to_hex()[..16]);
        let rules = Rules::compile(&map, config);
        Self { id, map, mode, rules }
    }

    /// The versions that judge journeys under this reading.
    pub fn judging(&self) -> MapVersions {
        let judges = |version: u32| match self.mode {
            Mode::Valid => true,
            Mode::Version(only) => version == only,
        };
        let versions = self.map.versions.iter().filter(|v| judges(v.version)).cloned().collect();
        MapVersions { id: self.map.id.clone(), versions, fingerprint: self.map.fingerprint.clone() }
    }
}
