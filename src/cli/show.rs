//! `tropa show`: a customer's journeys, visit by visit, with the rule, the identity fact and the verdict behind each.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::decode::Decoding;
use crate::identity::{Identity, Verdict};
use crate::journey::Mode;
use crate::journey::show::{self, IdentityFact};
use crate::stage::Version;
use crate::stage::identity::IdentityStage;
use crate::stage::reading::Reading;
use crate::stage::refold::{Chunk, Refold};
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
        super::compare::keyed_alike(store, &place.config).await?;
        let config = place.config.clone();
        let sets = store.sets().await?;
        let outside = Arc::new(sets.outside.clone());
        let identity = IdentityStage::load(config.clone(), sets);
        let customer = self.find(place, identity.identity())?;
        let reading = Reading::new(map.clone(), Mode::Valid, &config);
        let refold = Refold::new(config.clone(), Arc::new(vec![reading]), outside, None);
        let chunk = Chunk::of(&refold, identity.identity(), std::slice::from_ref(&customer));
        let events = store.events_of_nodes(&chunk.nodes()).await?;
        let row = chunk.rows(&events, Version::default()).into_iter().find_map(|r| r.journeys);
        let facts = facts(identity.identity(), &config, &customer);
        let as_of = store.watermark().await?.unwrap_or_else(clock);
        Ok(self.render(map, &customer, &row.unwrap_or_default(), &facts, (&config, as_of)))
    }

    /// The customer that an identifier belongs to, written as stored or raw.
    fn find(&self, place: &Place, identity: &Identity) -> Result<Arc<str>, Failure> {
        let stored = Arc::<str>::from(self.customer.as_str());
        let raw = self.customer.split_once(':').and_then(|(kind, value)| {
            let key = place.identifier_key().ok()?;
            Decoding::new(place.config.clone(), key).identifier(kind, value).map(|i| i.node)
        });
        let mut members = raw.into_iter().chain([stored]);
        members
            .find_map(|node| {
                identity.assignments_of(&node).into_iter().find(|a| a.day.is_none()).and_then(|a| a.customer)
            })
            .ok_or_else(|| {
                let kinds: Vec<String> =
                    place.config.identifiers.kinds.iter().map(|k| format!("`{}:…`", k.name)).collect();
                Failure::NotFound(format!(
                    "no customer has the identifier `{}`\n  kinds here: {}",
                    self.customer,
                    kinds.join(", ")
                ))
            })
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
