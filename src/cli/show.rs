//! `tropa show`: a customer's journeys, visit by visit, with the rule, the identity fact and the verdict behind each.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, orders};
use crate::identity::{Identity, Verdict};
use crate::journey::Mode;
use crate::journey::show::{self, IdentityFact};
use crate::recompute::FromSets;
use crate::stage::reading::Reading;
use crate::time::Timestamp;
use crate::warehouse::Clickhouse;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Any identifier of the customer, `kind:value`, as stored or as the source wrote it
    customer: String,
    /// Which map, where the config names several [default: the first one]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    #[arg(long, default_value = "text")]
    format: ShowFormat,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    Text,
    Json,
    /// One graph per journey, for Graphviz
    Dot,
}

impl Show {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let store = Store::reach(&place.config).await?;
        let shown = self.shown(&place, &store.client).await;
        store.close().await;
        Ok(std::io::stdout().lock().write_all(shown?.as_bytes())?)
    }

    async fn shown(&self, place: &Place, store: &Arc<Clickhouse>) -> Result<String, Failure> {
        let (_, map) = place.map(self.map.as_deref())?;
        crate::beside::keyed_alike(store, &place.config).await?;
        let config = place.config.clone();
        let reading = Reading::new(map.clone(), Mode::Valid, &config);
        let sets = FromSets::load(store, &config, Arc::new(vec![reading]), None).await?;
        let customer = self.find(place, sets.identity())?;
        let rows = sets.rows(store, std::slice::from_ref(&customer)).await?;
        let row = rows.into_iter().find_map(|r| r.journeys);
        let facts = facts(sets.identity(), &config, &customer);
        let as_of = store.watermark().await?.unwrap_or_else(clock);
        Ok(self.render(map, &customer, &row.unwrap_or_default(), &facts, (&config, as_of)))
    }

    /// The customer that an identifier belongs to, written as stored or raw.
    fn find(&self, place: &Place, identity: &Identity) -> Result<Arc<str>, Failure> {
        let whose = |node: Arc<str>| {
            identity.assignments_of(&node).into_iter().find(|a| a.day.is_none()).and_then(|a| a.customer)
        };
        let candidates = orders::candidates(place, &self.customer);
        candidates.into_iter().find_map(whose).ok_or_else(|| orders::unknown(place, &self.customer))
    }

    fn render(
        &self,
        map: &crate::map::MapVersions,
        customer: &str,
        journeys: &crate::journey::CustomerJourneys,
        facts: &[IdentityFact],
        (config, as_of): (&crate::config::Config, Timestamp),
    ) -> String {
        let sources: Vec<Arc<str>> = config.sources.iter().map(|s| s.name.clone()).collect();
        let shown = show::Shown { map, customer, journeys, facts, sources: &sources, as_of };
        match self.format {
            ShowFormat::Text => show::text(&shown),
            ShowFormat::Json => format!("{:#}\n", show::json(&shown)),
            ShowFormat::Dot => show::dot(&shown),
        }
    }
}

/// The facts that join the customer, and those a guard refused.
fn facts(identity: &Identity, config: &crate::config::Config, customer: &str) -> Vec<IdentityFact> {
    identity
        .why(customer)
        .into_iter()
        .map(|link| IdentityFact {
            a: link.fact.a.clone(),
            b: link.fact.b.clone(),
            source: config.source(link.fact.source).name.clone(),
            event_id: link.fact.event_id.clone(),
            day: link.fact.day,
            refused: match link.verdict {
                Verdict::Joins => None,
                other => Some(other.as_str().to_owned()),
            },
        })
        .collect()
}
