//! The sets that identity follows from, as they are stored. In: the tables. Out: [`Sets`], with what operators have
//! ordered. Everyone who computes anything from the sets begins here, so that nobody forgets what is outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::identity::{Erasure, Outside, Sets, Undo};
use crate::time::Day;

#[derive(Row, Deserialize)]
struct UndoRow {
    kind: String,
    a: String,
    b: String,
    day: i32,
}

#[derive(Row, Deserialize)]
struct ErasureRow {
    erasure: String,
    identifier: String,
    until: i32,
    anonymous: bool,
}

#[derive(Row, Deserialize)]
struct Horizon {
    day: i32,
}

/// What erasures cover, as a condition on events. Rows of it are deleted by and by; what is left of them, or comes
/// meanwhile, is not read.
pub(super) fn erased(outside: &Outside) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let (mut names, mut untils): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (identifier, until) in outside.erased() {
        names.push(quote(identifier));
        untils.push(format!("toInt32({})", until.0));
    }
    if names.is_empty() {
        return "0".to_owned();
    }
    let named = format!(
        "arrayExists(x -> toInt32(toDate32(occurred_at)) <= transform(x, [{}], [{}], toInt32(-1000000)), identifiers)",
        list(names),
        list(untils)
    );
    let days: Vec<String> = outside.erased_days().map(|(node, day)| quote(&format!("{} {node}", day.0))).collect();
    if days.is_empty() {
        return named;
    }
    let ones = vec!["1".to_owned(); days.len()];
    let persons: Vec<String> = outside.persons().map(|kind| quote(kind)).collect();
    format!(
        "({named} OR (NOT arrayExists(x -> has([{}], splitByChar(':', x)[1]), identifiers) AND \
         arrayExists(x -> transform(concat(toString(toInt32(toDate32(occurred_at))), ' ', x), [{}], [{}], 0) = 1, identifiers)))",
        list(persons),
        list(days),
        list(ones)
    )
}

impl Clickhouse {
    /// Everything that identity follows from.
    pub async fn sets(&self) -> Result<Sets, WarehouseError> {
        let outside = self.outside().await?;
        let nodes = self.nodes(&outside).await?;
        Ok(Sets { facts: self.facts().await?, nodes, undos: self.undos().await?, outside })
    }

    async fn undos(&self) -> Result<Vec<Undo>, WarehouseError> {
        let query = "SELECT kind, a, b, day FROM identity_facts FINAL WHERE kind IN ('revoke', 'forbid')";
        let undo = |r: UndoRow| {
            let (a, b) = (Arc::from(r.a), Arc::from(r.b));
            if r.kind == "revoke" { Undo::Revoke { a, b, day: Day(r.day) } } else { Undo::Forbid { a, b } }
        };
        Ok(self.fetch::<UndoRow>(query).await?.into_iter().map(undo).collect())
    }

    /// Every erasure that was ordered.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, WarehouseError> {
        let query = "SELECT erasure, identifier, until, anonymous FROM erasures FINAL ORDER BY erasure";
        let mut found: BTreeMap<String, Erasure> = BTreeMap::new();
        for row in self.fetch::<ErasureRow>(query).await? {
            let identifier: Arc<str> = Arc::from(row.identifier);
            let erasure = found.entry(row.erasure.clone()).or_insert_with(|| Erasure {
                id: Arc::from(row.erasure),
                identifiers: Vec::new(),
                until: Day(row.until),
                days: Vec::new(),
            });
            if row.anonymous {
                erasure.days.push((identifier, Day(row.until)));
            } else {
                erasure.until = Day(row.until);
                erasure.identifiers.push(identifier);
            }
        }
        Ok(found.into_values().collect())
    }

    /// What is outside the function, whatever may still come.
    pub async fn outside(&self) -> Result<Outside, WarehouseError> {
        let mut outside = Outside::new(self.config()?);
        for erasure in self.erasures().await? {
            outside.erase(&erasure);
        }
        for row in self.fetch::<Horizon>("SELECT max(day) AS day FROM horizons HAVING count() > 0").await? {
            outside.move_horizon(Day(row.day));
        }
        Ok(outside)
    }
}
