//! `tropa discover`: a journey file out of data alone, or what a given one lacks. In: the events in the store. Out: a file to
//! begin with, or parts to paste, each with what was counted for it.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::place::{load_maps, read, write_new};
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::discover::{Asked, Missing, Placed, Proposal, Trail, missing, propose};
use crate::journey::Mode;
use crate::map::glob::Glob;
use crate::map::{MapVersions, PropertyPath};
use crate::recompute::FromSets;
use crate::stage::reading::Reading;
use crate::time::parse_duration;
use crate::warehouse::Clickhouse;

/// Customers computed together.
const CHUNK: usize = 5_000;

#[derive(Debug, Args)]
pub(super) struct Discover {
    /// Id of the map that is proposed
    #[arg(long, value_name = "ID", default_value = "discovered")]
    id: String,
    /// Only what this journey file lacks: touchpoints, transitions, time limits, ready to paste
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Only events of this name; `*` stands for anything; several times: any of them
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Events of this name are a success [default: guessed from what comes last]
    #[arg(long = "goal", value_name = "NAME")]
    goals: Vec<String>,
    /// A property each of whose values is a journey of its own, such as props.order_id
    #[arg(long, value_name = "PROPERTY")]
    key: Option<String>,
    /// Least share of a stage's entries that makes a transition
    #[arg(long, value_name = "SHARE", default_value = "0.02", value_parser = share)]
    min_share: f64,
    /// Least share of customers (or keys) whose events are worth a touchpoint
    #[arg(long, value_name = "SHARE", default_value = "0.01", value_parser = share)]
    min_customers: f64,
    /// Time limits hold for this share of journeys
    #[arg(long, value_name = "SHARE", default_value = "0.9", value_parser = share)]
    quantile: f64,
    /// A silence as long as this ends a journey [default: longer than 99 % of the gaps there are]
    #[arg(long, value_name = "LENGTH", value_parser = parse_duration)]
    silence: Option<Duration>,
    /// How many customers are looked at, the same ones every time
    #[arg(long, value_name = "N", default_value = "20000", value_parser = clap::value_parser!(u32).range(1..))]
    customers: u32,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

fn share(text: &str) -> Result<f64, String> {
    let wrong = || "allowed: a share from 0 to 1, such as 0.02".to_owned();
    text.parse::<f64>().ok().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(wrong)
}

impl Discover {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let key = self.key.as_deref().map(property).transpose()?;
        let asked = self.asked()?;
        let against = match &self.against {
            None => None,
            Some(file) => {
                let (maps, _) = load_maps(&[(file.display().to_string(), read(file)?)])?;
                maps.into_iter().next()
            }
        };
        let store = Store::reach(&place.config).await?;
        let found = self.found(&store.client, &place, key.as_ref(), against).await;
        store.close().await;
        let (trails, under) = found?;
        self.looked_at(&trails, &asked)?;
        let text = match under {
            Some((map, placed)) => {
                let Missing { text, touchpoints, transitions, limits } = missing(&map, &trails, &placed, &asked);
                eprintln!("{touchpoints} touchpoints, {transitions} transitions and {limits} time limits are missing");
                text
            }
            None => {
                let label = self.out.as_deref().map_or_else(|| "the proposal".to_owned(), |o| o.display().to_string());
                let proposed = propose(&trails, &asked, &label).map_err(|f| Failure::Unusable(f.to_string()))?;
                let Proposal { text, events, mapped, walks } = proposed;
                eprintln!("{mapped} of {events} events in {walks} journeys are mapped");
                text
            }
        };
        match &self.out {
            Some(file) => write_new(file, &text),
            None => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
        }
    }

    /// Something is there to look at, and every name that was given names something.
    fn looked_at(&self, trails: &[Trail], asked: &Asked) -> Result<(), Failure> {
        let names: BTreeSet<&str> = trails.iter().flat_map(|t| t.events.iter().map(|e| &*e.name)).collect();
        if names.is_empty() {
            return Err(match &self.key {
                Some(key) => Failure::NotFound(format!(
                    "no event with a customer has `{key}`, or the store holds none of the config's sources\n  \
                     hint: `--key props.NAME`, a property of the events"
                )),
                None => crate::beside::BesideError::Empty.into(),
            });
        }
        let given = |flag: &'static str, globs: &[Glob]| globs.iter().map(|g| (flag, g.clone())).collect::<Vec<_>>();
        for (flag, glob) in [given("--event", &asked.events), given("--goal", &asked.goals)].concat() {
            if !names.iter().any(|name| glob.matches(name)) {
                const SHOWN: usize = 20;
                let mut there = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
                if names.len() > SHOWN {
                    there.push_str(", …");
                }
                return Err(Failure::NotFound(format!(
                    "no event is named as `{flag} {}` says\n  there are: {there}",
                    glob.pattern()
                )));
            }
        }
        Ok(())
    }

    fn asked(&self) -> Result<Asked, Failure> {
        let globs = |names: &[String]| -> Result<Vec<Glob>, Failure> {
            let glob = |n: &String| Glob::name(n).map_err(|_| Failure::Unusable(format!("the name `{n}` is too long")));
            names.iter().map(glob).collect()
        };
        Ok(Asked {
            id: self.id.clone(),
            events: globs(&self.events)?,
            goals: globs(&self.goals)?,
            key: self.key.clone(),
            share: self.min_share,
            least: self.min_customers,
            quantile: self.quantile,
            silence: self.silence,
        })
    }

    /// Trails, and under a given map the journeys of their customers.
    async fn found(
        &self,
        store: &Arc<Clickhouse>,
        place: &Place,
        key: Option<&PropertyPath>,
        against: Option<Arc<MapVersions>>,
    ) -> Result<(Vec<Trail>, Option<(Arc<MapVersions>, Placed)>), Failure> {
        crate::beside::keyed_alike(store, &place.config).await?;
        let readings: Vec<Reading> =
            against.iter().map(|map| Reading::new(map.clone(), Mode::Valid, &place.config)).collect();
        let sets = FromSets::load(store, &place.config, Arc::new(readings), None).await?;
        let trails = store.trails(sets.identity().outside(), key, self.customers).await?;
        let Some(map) = against else { return Ok((trails, None)) };
        let mut customers: Vec<Arc<str>> = trails.iter().map(|t| t.customer.clone()).collect();
        customers.dedup();
        let mut journeys = HashMap::new();
        for chunk in customers.chunks(CHUNK) {
            let rows = sets.rows(store, chunk).await?;
            journeys.extend(rows.into_iter().filter_map(|r| Some((r.customer, r.journeys?))));
        }
        let sources = place.config.sources.iter().map(|s| s.name.clone()).collect();
        let as_of = store.watermark().await?.ok_or(crate::beside::BesideError::Empty)?;
        Ok((trails, Some((map, Placed { journeys, sources, as_of }))))
    }
}

fn property(written: &str) -> Result<PropertyPath, Failure> {
    let inside = written.strip_prefix("props.").filter(|rest| rest.split('.').all(|part| !part.is_empty()));
    let Some(inside) = inside else {
        let text = format!("`{written}` is not a property\n  allowed: `props.NAME`, such as props.order_id");
        return Err(Failure::Unusable(text));
    };
    Ok(PropertyPath { written: written.into(), parts: inside.split('.').map(Into::into).collect() })
}
