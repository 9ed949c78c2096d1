//! A map's comparison from a store: as it stands, as it stood at a past `as_of`, or with all history under one version. In:
//! an open store, the checked config, the map of the journey files. Out: a [`Comparison`], or where the [`Journeys`] lie that
//! it counts. Writes nothing that stays.

use std::sync::Arc;

use tracing::warn;

use crate::aggregate::Scope;
use crate::aggregate::variants::StagePaths;
use crate::compare::{self, Comparison, EmpiricalMap, Share};
use crate::config::Config;
use crate::identity::Keying;
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::past;
use crate::stage::reading::Reading;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, Scratch, WarehouseError};

#[derive(Debug, thiserror::Error)]
pub enum BesideError {
    #[error("the store holds no events yet\n  hint: `tropa run` or `tropa import` bring some")]
    Empty,
    #[error(
        "the journey file or config has changed since these figures were computed\n  \
         hint: the next `tropa run` or `tropa import` recomputes everything"
    )]
    Outdated,
    #[error("map `{map}` has no version {version}\n  the journey files hold: {known}")]
    NoVersion { map: String, version: u32, known: String },
    #[error(
        "version {version} of map `{map}` has not been computed for all history with this config and these files\n  \
         hint: `tropa rebuild --map {map} --version {version}` does"
    )]
    NotComputed { map: String, version: u32 },
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

/// Which figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Now,
    /// What was known then, with what is known about identity now.
    At(Timestamp),
    /// All history under this version, as it was computed last.
    Version(u32),
}

impl Asked {
    /// The moment that somebody wrote, else why it is none.
    pub fn at(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no moment\n  allowed: 2026-06-30 or 2026-06-30T12:00:00Z");
        Timestamp::parse(text).map(Self::At).ok_or_else(wrong)
    }

    /// What somebody wrote, a version before a moment; now, if they wrote neither.
    pub fn given(version: Option<u32>, as_of: Option<&str>) -> Result<Self, String> {
        match version {
            Some(version) => Ok(Self::Version(version)),
            None => as_of.map_or(Ok(Self::Now), Self::at),
        }
    }
}

/// What is computed from the sets right now needs them keyed as the config says.
pub async fn keyed_alike(store: &Clickhouse, config: &Config) -> Result<(), BesideError> {
    let keying = Keying::of(&config.identifiers.kinds).as_text();
    match store.keying().await? {
        Some(stored) if stored != keying => Err(BesideError::Outdated),
        _ => Ok(()),
    }
}

/// `nonce` tells apart the scratch tables of concurrent askers.
pub async fn comparison(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    asked: Asked,
    nonce: Timestamp,
) -> Result<Comparison, BesideError> {
    explained(store, config, map, (asked, None), nonce).await
}

/// The same with the paths that carry a share of the journeys, if one is given.
pub async fn explained(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    (asked, share): (Asked, Option<Share>),
    nonce: Timestamp,
) -> Result<Comparison, BesideError> {
    let stored = store.watermark().await?.ok_or(BesideError::Empty)?;
    let (reading, as_of) = match asked {
        Asked::Version(version) => shown(store, config, map, Some(version)).await?,
        Asked::At(t) if t != stored => {
            allows(store, config, t, stored).await?;
            let (real, paths) = past::empirical_at(store, config, map, (t, share.is_some()), nonce).await?;
            return Ok(compared(MapVersions::clone(map), real, share.zip(paths), config.min_cell).await);
        }
        Asked::Now | Asked::At(_) => shown(store, config, map, None).await?,
    };
    let real = store.empirical(&reading, as_of).await?;
    let paths = if share.is_some() { Some(store.stage_paths(&reading, as_of).await?) } else { None };
    Ok(compared(reading.judging(), real, share.zip(paths), config.min_cell).await)
}

/// A moment other than the present one is computed from the sets.
async fn allows(store: &Clickhouse, config: &Config, t: Timestamp, stored: Timestamp) -> Result<(), BesideError> {
    if t > stored {
        warn!("the store knows events up to {stored}: as of {t}, whoever has not been heard of since counts as silent");
    }
    keyed_alike(store, config).await
}

/// The journeys that a comparison counts, for whoever lists them. [`Self::close`] when done.
pub struct Journeys {
    pub reading: Reading,
    pub as_of: Timestamp,
    /// Computed for this asker alone.
    aside: Option<Scratch>,
}

impl Journeys {
    pub fn scope(&self) -> Scope<'_> {
        let table = self.aside.as_ref().map_or("customer_journeys", Scratch::table);
        Scope { table, map: &self.reading.map.id, reading: &self.reading.id, as_of: self.as_of, buckets: &[] }
    }

    pub async fn close(self) -> Result<(), WarehouseError> {
        match self.aside {
            Some(scratch) => scratch.close().await,
            None => Ok(()),
        }
    }
}

pub async fn journeys(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    asked: Asked,
    nonce: Timestamp,
) -> Result<Journeys, BesideError> {
    let version = match asked {
        Asked::Now => None,
        Asked::Version(version) => Some(version),
        Asked::At(t) => {
            let stored = store.watermark().await?.ok_or(BesideError::Empty)?;
            if t != stored {
                allows(store, config, t, stored).await?;
                let (reading, scratch) = past::set_aside(store, config, map, t, nonce).await?;
                return Ok(Journeys { reading, as_of: t, aside: Some(scratch) });
            }
            None
        }
    };
    let (reading, as_of) = shown(store, config, map, version).await?;
    Ok(Journeys { reading, as_of, aside: None })
}

/// Precision aligns thousands of paths: not on a thread that others wait for. Whoever shows a comparison has it from here, so
/// that none leaves the house with counts that are too small.
async fn compared(
    map: MapVersions,
    real: EmpiricalMap,
    shown: Option<(Share, StagePaths)>,
    min_cell: u64,
) -> Comparison {
    let compare = move || {
        let comparison = compare::compare(&map, &real);
        let comparison = match shown {
            None => comparison,
            Some((share, paths)) => comparison.explain(paths, share),
        };
        comparison.suppressed(min_cell)
    };
    match tokio::task::spawn_blocking(compare).await {
        Ok(comparison) => comparison,
        Err(fallen) => std::panic::resume_unwind(fallen.into_panic()),
    }
}

/// All history under one version of a map.
pub fn of_version(config: &Config, map: &Arc<MapVersions>, version: u32) -> Result<Reading, BesideError> {
    if map.versions.iter().all(|v| v.version != version) {
        let known: Vec<String> = map.versions.iter().map(|v| v.version.to_string()).collect();
        return Err(BesideError::NoVersion { map: map.id.to_string(), version, known: known.join(", ") });
    }
    Ok(Reading::new(map.clone(), Mode::Version(version), config))
}

/// What a map is shown with, and the moment it is counted at. `version`: all history under that one.
async fn shown(
    store: &Clickhouse,
    config: &Config,
    map: &Arc<MapVersions>,
    version: Option<u32>,
) -> Result<(Reading, Timestamp), BesideError> {
    let stored = store.watermark().await?.ok_or(BesideError::Empty)?;
    if let Some(version) = version {
        let reading = of_version(config, map, version)?;
        let counted = if store.is_current(&reading).await? { store.counted_at(&reading).await? } else { None };
        let as_of = counted.ok_or_else(|| BesideError::NotComputed { map: map.id.to_string(), version })?;
        return Ok((reading, as_of));
    }
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    if store.is_current(&reading).await? {
        return Ok((reading, stored));
    }
    // Until the new figures are complete, those that the views show.
    let shown = match store.shown(&map.id, Mode::Valid).await? {
        Some(id) => store.reading(&id, config).await?,
        None => None,
    };
    let shown = shown.ok_or(BesideError::Outdated)?;
    warn!(
        "the journey file has changed: these are the figures of the one before, until `tropa run` or `tropa rebuild` has computed the new ones"
    );
    Ok((shown, stored))
}
