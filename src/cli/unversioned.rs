//! Journeys that no version of their map judges any more, for its first version here begins after them. In: the maps as
//! they are now, a store as it is shown. Out: how many, in words.

use std::sync::Arc;

use crate::map::{MapVersions, Status};
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// One text for each map that is concerned.
pub(super) async fn found(client: &Clickhouse, maps: &[Arc<MapVersions>]) -> Result<Vec<String>, WarehouseError> {
    let mut texts = Vec::new();
    for map in maps {
        let Some(from) = begins(map) else { continue };
        let journeys = client.entered_before(&map.id, from).await?;
        if journeys > 0 {
            texts.push(format!(
                "{journeys} journeys of map `{}` began before {from}, when its first version here becomes valid: no version \
                 judges them any more\n  hint: name the file of the version before under `maps:` as well; what it gave \
                 stays in the tables under its reading",
                map.id
            ));
        }
    }
    Ok(texts)
}

/// When the first version becomes valid; `None`: since ever.
fn begins(map: &MapVersions) -> Option<Timestamp> {
    let valid: Vec<_> = map.versions.iter().filter(|v| v.status != Status::Draft).map(|v| v.valid_from).collect();
    if valid.contains(&None) { None } else { valid.into_iter().flatten().min() }
}
