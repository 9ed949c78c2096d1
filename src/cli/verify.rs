//! `tropa verify`: the tables against the sets they follow from; each stale row by name, exit code 1 if there is one.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::journey::Mode;
use crate::stage::reading::Reading;
use crate::verify::{self, Compared, Scope};
use crate::warehouse::StaleRow;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Compare so many customers in a row, from a random one on, and the aggregates they are counted in
    #[arg(long, value_name = "N", conflicts_with = "all", value_parser = some)]
    sample: Option<usize>,
    /// Compare everything [default]
    #[arg(long)]
    all: bool,
    /// Which map [default: every map of the config]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    #[arg(long, default_value = "text")]
    format: VerifyFormat,
    /// Beside a process that writes: how long a row must stand unchanged and wrong, in seconds [default: 30 and twice the
    /// config's `refresh`]
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// A sample of nobody would find nothing, and say that all is well.
fn some(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a sample of none compares nothing; allowed: 1 or more".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("allowed: a whole number from 1 on".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerifyFormat {
    Text,
    /// `verification/v1`, for programs
    Json,
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let store = Store::reach(&place.config).await?;
        let compared = self.compare(&place, &store).await;
        store.close().await;
        match compared?.stale {
            0 => Ok(()),
            1 => Err(Failure::Stale("1 row is stale: it is not what the sets say".to_owned())),
            n => Err(Failure::Stale(format!("{n} rows are stale: they are not what the sets say"))),
        }
    }

    async fn compare(&self, place: &Place, store: &Store) -> Result<Compared, Failure> {
        crate::beside::keyed_alike(&store.client, &place.config).await?;
        let maps = match &self.map {
            Some(id) => vec![place.map(Some(id))?.1.clone()],
            None => place.maps.clone(),
        };
        let readings: Vec<Reading> =
            maps.into_iter().map(|map| Reading::new(map, Mode::Valid, &place.config)).collect();
        for reading in &readings {
            if store.client.watermark().await?.is_some() && !store.client.is_current(reading).await? {
                return Err(crate::beside::BesideError::Outdated.into());
            }
        }
        let patience = self.patience.map_or(verify::patience(place.config.refresh), Duration::from_secs);
        let scope = Scope {
            readings: Arc::new(readings),
            sample: self.sample,
            patience: (!store.is_alone()).then_some(patience),
        };
        let mut out = std::io::stdout().lock();
        let mut failed = Ok(());
        let mut first = true;
        if self.format == VerifyFormat::Json {
            write!(out, "{{\"schema\": \"verification/v1\", \"stale\": [")?;
        }
        let compared = verify::verify(&store.client, &place.config, &scope, |row| {
            let written = match self.format {
                VerifyFormat::Text => writeln!(out, "{}", text(row)),
                VerifyFormat::Json => {
                    let comma = if std::mem::take(&mut first) { "" } else { "," };
                    write!(out, "{comma}\n  {}", object(row))
                }
            };
            if let Err(error) = written {
                failed = Err(error);
            }
        })
        .await?;
        failed?;
        match self.format {
            VerifyFormat::Text => writeln!(
                out,
                "compared: {} rows of customer_journeys, {} of identity, {} buckets of aggregates; stale: {}; unsettled: {}",
                compared.journeys, compared.identity, compared.buckets, compared.stale, compared.unsettled
            )?,
            VerifyFormat::Json => writeln!(
                out,
                "\n], \"compared\": {{\"customer_journeys\": {}, \"identity\": {}, \"aggregate_buckets\": {}}}, \"unsettled\": {}}}",
                compared.journeys, compared.identity, compared.buckets, compared.unsettled
            )?,
        }
        Ok(compared)
    }
}

/// One line: table, key, what stands, what should stand.
fn text(row: &StaleRow) -> String {
    let key: Vec<String> = row.key.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let list =
        |columns: &[(&str, String)]| columns.iter().map(|(c, v)| format!("{c} {v}")).collect::<Vec<_>>().join(", ");
    let what = match (&row.stands, &row.should) {
        (Some(stands), Some(should)) => format!("stands: {}; should: {}", list(stands), list(should)),
        (Some(stands), None) => format!("stands and should not: {}", list(stands)),
        (None, Some(should)) => format!("there is no row; should: {}", list(should)),
        (None, None) => "there is no row".to_owned(),
    };
    format!("{}  {}  {what}", row.table, key.join(" "))
}

fn object(row: &StaleRow) -> Value {
    let columns = |columns: &[(&str, String)]| -> Map<String, Value> {
        columns.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect()
    };
    let side = |side: &Option<Vec<(&'static str, String)>>| side.as_deref().map(columns);
    json!({ "table": row.table, "key": columns(&row.key), "stands": side(&row.stands), "should": side(&row.should) })
}
