//! `tropa show`: a customer's journeys, or one journey, visit by visit, with the rule, the identity fact and the verdict
//! behind each, and where it strays from the map.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, orders};
use crate::compare::place_in_words;
use crate::conformance::{Deviation, Followed, NotEvaluated, is_accepted};
use crate::identity::{Identity, Verdict};
use crate::journey::show::{self, IdentityFact, Judged, Shown, Strayed};
use crate::journey::{CustomerJourneys, Journey, Mode};
use crate::map::MapVersions;
use crate::recompute::FromSets;
use crate::report::{self, Language};
use crate::stage::reading::Reading;
use crate::warehouse::Clickhouse;

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Any identifier of the customer, `kind:value`, as stored or as the source wrote it; or the id of a journey, or its
    /// first eight digits or more, as reports give them
    #[arg(value_name = "CUSTOMER|JOURNEY")]
    whom: String,
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
        let (customer, only) = match journey_id(&self.whom) {
            None => (self.find(place, sets.identity())?, None),
            Some(begin) => {
                let (id, customer) = self.named(store, map, &begin).await?;
                (customer, Some(id))
            }
        };
        let rows = sets.rows(store, std::slice::from_ref(&customer)).await?;
        let (mut journeys, mut judged) = (CustomerJourneys::default(), Vec::new());
        if let Some(row) = rows.into_iter().find(|r| r.journeys.is_some()) {
            journeys = row.journeys.unwrap_or_default();
            judged = journeys.journeys.iter().zip(&row.followed).map(|(j, f)| judged_in_words(map, j, f)).collect();
        }
        if let Some(id) = only {
            one_journey(&id, &customer, &mut journeys, &mut judged)?;
        }
        let facts = facts(sets.identity(), &config, &customer);
        let as_of = store.watermark().await?.unwrap_or_else(clock);
        let sources: Vec<Arc<str>> = config.sources.iter().map(|s| s.name.clone()).collect();
        Ok(self.render(&Shown {
            map,
            customer: &customer,
            journeys: &journeys,
            judged: &judged,
            facts: &facts,
            sources: &sources,
            as_of,
        }))
    }

    /// The one journey whose id begins so: its id and its customer.
    async fn named(&self, store: &Clickhouse, map: &MapVersions, begin: &str) -> Result<(String, Arc<str>), Failure> {
        let found = store.journeys_named(&map.id, begin).await?;
        match &found[..] {
            [(id, customer)] => Ok((id.clone(), customer.as_str().into())),
            [] => Err(Failure::NotFound(format!(
                "no journey of map `{}` has the id `{}`\n  hint: `tropa variants` and the examples of `tropa compare` give ids; \
                 `--map` is for those of another map",
                map.id, self.whom
            ))),
            several => {
                let list: Vec<String> = several.iter().map(|(id, customer)| format!("{id} of {customer}")).collect();
                let begins = format!("more than one journey has an id that begins with `{}`", self.whom);
                Err(Failure::NotFound(format!("{begins}\n  such as {}", list.join(", "))))
            }
        }
    }

    /// The customer that an identifier belongs to, written as stored or raw.
    fn find(&self, place: &Place, identity: &Identity) -> Result<Arc<str>, Failure> {
        let whose = |node: Arc<str>| {
            identity.assignments_of(&node).into_iter().find(|a| a.day.is_none()).and_then(|a| a.customer)
        };
        let candidates = orders::candidates(place, &self.whom);
        candidates.into_iter().find_map(whose).ok_or_else(|| orders::unknown(place, &self.whom))
    }

    fn render(&self, shown: &Shown<'_>) -> String {
        match self.format {
            ShowFormat::Text => show::text(shown),
            ShowFormat::Json => format!("{:#}\n", show::json(shown)),
            ShowFormat::Dot => show::dot(shown),
        }
    }
}

/// Enough digits of an id that reports give; an identifier has its kind and a colon.
fn journey_id(written: &str) -> Option<String> {
    let digits = (8..=32).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| written.to_ascii_lowercase())
}

/// Leaves one journey of a customer's.
fn one_journey(
    id: &str,
    customer: &str,
    journeys: &mut CustomerJourneys,
    judged: &mut Vec<Judged>,
) -> Result<(), Failure> {
    let own = |j: &Journey| format!("{:032x}", j.id) == id;
    let Some(at) = journeys.journeys.iter().position(own) else {
        return Err(Failure::NotFound(format!(
            "journey `{id}` is in the tables, and no journey of {customer} as the events say now\n  \
             hint: it may be of all history under one version, whose ids are others, or of figures that the next \
             `tropa run` recomputes; `tropa show {customer}` shows all of theirs"
        )));
    };
    let mut all = std::mem::take(journeys);
    journeys.journeys = vec![all.journeys.swap_remove(at)];
    *judged = vec![judged.swap_remove(at)];
    Ok(())
}

fn judged_in_words(map: &MapVersions, journey: &Journey, followed: &Followed) -> Judged {
    let version = &map.versions[journey.version_ix];
    let strayed = |d: &Deviation| {
        let (kind, place) = (d.kind.as_str(), d.place.words(version));
        let stage = version.stages[usize::from(d.place.stage(version))].id.clone();
        let (titles, joined) = place_in_words(map, version.version, (kind, &place, &stage));
        let words = report::deviation_words(kind, &titles, joined, Language::English);
        let accepted = is_accepted(version, d, journey.entry_date);
        Strayed { kind, place, stage, words, accepted }
    };
    Judged {
        fitness: followed.fitness().map(|f| f.value()).map_err(NotEvaluated::as_str),
        follows: followed.follows(version, journey.entry_date),
        deviations: followed.deviations().map(strayed).collect(),
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
