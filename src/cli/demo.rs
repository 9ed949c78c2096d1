//! `tropa demo`: a seeded shop, written as two files, streamed through the real pipeline into the embedded engine; ends
//! with the comparison on screen, the report's path and a query to try.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::compare::render;
use super::place::{create_dir, read_config, unwritable, write};
use super::round::run_on;
use super::run::clock;
use super::store::Store;
use super::{Failure, Place};
use crate::beside::{self, Asked};
use crate::demo::{CONFIG, JOURNEY, JOURNEY_FILE, Shop, ShopCounts, Side, Truth};
use crate::progress::{BarUnit, bar};
use crate::report::{Form, Language};

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How many people
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    customers: u32,
    /// The same seed gives the same shop
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Where the demo's files and its store go; an earlier demo there is replaced
    #[arg(long, default_value = "tropa-data/demo", value_name = "DIR")]
    data: PathBuf,
    /// Do not open the report in a browser
    #[arg(long)]
    no_open: bool,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let began = std::time::Instant::now();
        create_dir(&self.data)?;
        self.clear()?;
        let config_file = self.data.join("tropa.yaml");
        write(&config_file, CONFIG)?;
        write(&self.data.join(JOURNEY_FILE), JOURNEY)?;
        println!("· a shop with {} people, seed {}", self.customers, self.seed);
        let shop = self.generate()?;
        print_counts(shop.counts());
        print_truth(shop.truth());

        let mut config = read_config(&config_file)?;
        config.data = self.data.clone();
        let place = Place::load(config)?;
        place.remember_config(&config_file)?;
        println!("· through the pipeline into the embedded ClickHouse engine in {}", self.data.display());
        let store = Store::own(&place.config).await?;
        let result = self.through(&store, &place).await;
        store.close().await;
        let report = result?;
        println!("\nthe report:   {}", report.display());
        println!(
            "a question:   tropa sql --data {} \"SELECT stage, sum(entered) AS entered, sum(lost_dropped) AS dropped FROM v_stages GROUP BY stage, position ORDER BY position\"",
            self.data.display()
        );
        println!("a customer:   tropa show --data {} user:u1", self.data.display());
        println!("(all of it took {:.1} s)", began.elapsed().as_secs_f64());
        if !self.no_open {
            open(&report);
        }
        Ok(())
    }

    /// An earlier demo in the same folder goes; anything else stays.
    fn clear(&self) -> Result<(), Failure> {
        let store = self.data.join("store");
        if store.exists() {
            crate::warehouse::embedded::check_free(&self.data).map_err(super::store::in_use_or_broken)?;
            std::fs::remove_dir_all(&store).map_err(|e| unwritable(&store, e))?;
        }
        Ok(())
    }

    fn generate(&self) -> Result<Shop, Failure> {
        let path = |side: Side| self.data.join(side.file_name());
        let create = |side: Side| File::create(path(side)).map(BufWriter::new).map_err(|e| unwritable(&path(side), e));
        let (mut web, mut crm) = (create(Side::Web)?, create(Side::Crm)?);
        let truth_path = self.data.join("truth.tsv");
        let mut truth = BufWriter::new(File::create(&truth_path).map_err(|e| unwritable(&truth_path, e))?);
        let shown = bar(u64::from(self.customers), "people walk through the shop", BarUnit::Count);
        let mut shop = Shop::new(self.seed, self.customers);
        for record in shop.by_ref() {
            let out = if record.side == Side::Web { &mut web } else { &mut crm };
            writeln!(out, "{}", record.json)?;
            // For checking the stitching; no source knows it, and nothing of the pipeline reads it.
            writeln!(truth, "{}\t{}\t{}", record.side.as_str(), record.event_id, record.human)?;
            shown.set_position(u64::from(record.human) + 1);
        }
        shown.finish_and_clear();
        for mut file in [web, crm, truth] {
            file.flush()?;
        }
        Ok(shop)
    }

    async fn through(&self, store: &Store, place: &Place) -> Result<PathBuf, Failure> {
        let summary = run_on(store, place, true).await?;
        println!(
            "· {} records, {} events, {} dead letters, as of {}\n",
            summary.records,
            summary.events,
            summary.dead_letters,
            summary.as_of.map_or_else(|| "–".to_owned(), |t| t.to_string())
        );
        let (_, map) = place.map(None)?;
        let comparison = beside::comparison(&store.client, &place.config, map, Asked::Now, clock()).await?;
        std::io::stdout().lock().write_all(&render(&comparison, map, Form::Text, Language::English)?)?;
        let report = self.data.join("report.html");
        write(&report, &render(&comparison, map, Form::Html, Language::English)?)?;
        Ok(report)
    }
}

fn print_counts(c: &ShopCounts) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    println!(
        "  {} records: {} repeated, {} late, {} at a tied time",
        c.records,
        percent(c.duplicate_share()),
        percent(c.late_share()),
        percent(c.tied_share())
    );
    println!(
        "  {} of the people go by several identifiers, {} of the devices are shared, {} of the orders are returned",
        percent(c.merged_share()),
        percent(c.shared_device_share()),
        percent(c.return_share())
    );
}

/// What the comparison below must find.
fn print_truth(truth: &Truth) {
    let planted: Vec<String> = truth
        .deviations()
        .map(|(kind, place, times)| format!("{kind} {} {}", place.replace(' ', "→"), times.journeys))
        .collect();
    println!("  planted in it, by journeys: {}; {} trails cut in two", planted.join(", "), truth.cut_trails());
}

/// Best effort: without a browser the path above is enough.
fn open(report: &Path) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    std::process::Command::new(program).arg(report).stdout(quiet()).stderr(quiet()).spawn().ok();
}
