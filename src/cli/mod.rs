//! The command line. In: arguments and environment. Out: one command run, an exit code: 0 done, 1 failed, 2 wrong
//! usage, 75 the store is in use, 78 a file is not usable. Results go to standard output, everything else to standard
//! error. One file per command.

mod at_work;
mod backup;
mod check;
mod compare;
mod connect;
mod connect_roles;
mod dead_letters;
mod demo;
mod discover;
mod explain;
mod export;
mod failure;
mod forget;
mod identity;
mod grace;
mod import;
mod map;
mod migrate;
mod orders;
mod out;
mod place;
mod rebuild;
mod reload;
mod reprocess;
mod restore;
mod retain;
mod retained;
mod round;
mod run;
mod schema;
mod show;
mod sql;
mod store;
mod surroundings;
mod unversioned;
mod variants;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub use failure::Failure;
pub use place::Place;

/// The journey you designed, and the one people walk.
///
/// Tropa reads web and CRM events, finds out who is who, assembles every customer's journey, and writes journeys, stage
/// transitions and drop-offs to ClickHouse, beside the journey map you designed.
///
/// Start with `tropa demo`; then `tropa check journey.yaml`, `tropa import events.csv --decoder NAME` or `tropa run`,
/// and `tropa compare`.
#[derive(Debug, Parser)]
#[command(name = "tropa", version, max_term_width = 110, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 the store is in use, 78 a file is not usable.
Logs go to standard error (plain on a terminal, else JSON); TROPA_LOG=debug says more.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the configured sources through the pipeline into the warehouse
    ///
    /// Reads every source of the config, keeps the tables current and never stops by itself, unless `--until-end` is
    /// given. A changed journey file is computed beside the stream, and shown once it is complete. SIGTERM and Ctrl-C drain,
    /// write and commit.
    /// A ClickHouse or Kafka that does not answer is waited for.
    ///
    /// Example: tropa run --until-end --config tropa.yaml
    Run(run::Run),
    /// Read files once into the warehouse
    ///
    /// Records that cannot be read become dead letters, with line, reason and what is allowed; the others are kept.
    /// Importing a file again changes nothing.
    ///
    /// Example: tropa import orders.csv.gz --decoder orders --config tropa.yaml
    Import(import::Import),
    /// Check journey files (and the config that names them), and run the tests inside them
    ///
    /// Offline, unless `--connect` asks for the warehouse and the sources to be reached and a sample of records decoded.
    ///
    /// Exit code 0: usable. 78: not usable, with every fault, its line and column, and what is allowed.
    ///
    /// Example: tropa check journeys/*.yaml
    Check(check::Check),
    /// Say what one event would be: which rule matches, which nearly does and why not, which identifiers it has
    ///
    /// The file holds one record, or a few, as a source would send them: JSON, or a header and rows.
    ///
    /// Example: head -1 events.ndjson | tropa explain - --source web
    Explain(explain::Explain),
    /// Print the JSON Schema of a file, for editors
    ///
    /// Example: tropa schema journey > journey.schema.json, then begin the journey file with
    /// `# yaml-language-server: $schema=journey.schema.json`
    Schema(schema::Schema),
    /// Print a customer's journeys, or one journey, visit by visit, with the rule, identity fact and verdict behind each
    ///
    /// Example: tropa show email:ann@example.org, or tropa show 1f0c9a7e for a journey that a report names, or
    /// tropa show user:17 --format dot | dot -Tsvg > journey.svg
    Show(show::Show),
    /// Print who is whom and why; split identifiers, or cancel what joined them
    ///
    /// `split` and `revoke` say what they change. The process that holds the store carries them out, or this command if
    /// nobody does.
    ///
    /// Example: tropa identity show email:ann@example.org, then tropa identity split user:17 cookie:9f3a --dry-run
    Identity(identity::IdentityCommand),
    /// Erase a customer: events, facts, journeys; figures follow, and what comes again stays away
    ///
    /// Whoever shared a device or an address with the customer inherits nothing. What comes of later days is a new
    /// customer's.
    ///
    /// Example: tropa forget email:ann@example.org --dry-run
    Forget(forget::Forget),
    /// Let history before a day go; journeys closed by then move to `v_journeys_frozen`
    ///
    /// Example: tropa retain --before 2025-01-01 --dry-run
    Retain(retain::Retain),
    /// Ask the warehouse in SQL
    ///
    /// Example: tropa sql "SELECT stage, sum(entered) FROM v_stages GROUP BY stage" --format PrettyCompact
    Sql(sql::Sql),
    /// Lay the real journey beside the designed one
    ///
    /// Who entered each stage, went on, ended or was dropped, how long it took, and which transitions are planned,
    /// unplanned, unused or forbidden. Rates are points only where enough journeys are decided, else bounds. As text, as
    /// data for programs, as a page, or as a picture of both maps on the same positions.
    ///
    /// Example: tropa compare --map checkout --as-of 2026-06-30 --format html -o report.html, or
    /// tropa compare --format png --explain 0.8 -o map.png
    Compare(compare::Compare),
    /// List the paths that people really take, the most walked first
    ///
    /// Each with its share, its outcomes, the time to the goal, its fitness and whether it follows the map, and a journey
    /// that is typical of it. Paths beyond the limit are counted together as `other`, so that all rows add up to all journeys.
    ///
    /// Example: tropa variants --map checkout --limit 10, then tropa show JOURNEY for one that it names
    Variants(variants::Variants),
    /// Write a map, its real journeys or its comparison for other tools
    ///
    /// The designed map as BPMN 2.0, Petri net (PNML), Mermaid or CJML; the real journeys as XES, OCEL 2.0 or CJML; the
    /// comparison as a workbook. A file appears once it is whole.
    ///
    /// Example: tropa export --map checkout --format xes --out checkout.xes
    Export(export::Export),
    /// Propose a journey file from data alone, or what a journey file lacks
    ///
    /// Stages come from the order in which events happen, touchpoints from frequent events with URL templates, transitions
    /// from shares, time limits from quantiles; every line says what was counted for it. What comes out is a draft that
    /// passes `tropa check`: name things, and say what is a success.
    ///
    /// Example: tropa discover --id checkout --out checkout.journey.yaml, later tropa discover --against checkout.journey.yaml
    Discover(discover::Discover),
    /// Make a journey file out of another tool's file
    ///
    /// Example: tropa map import checkout.bpmn --out checkout.journey.yaml
    Map(map::Map),
    /// List records that could not become events, or try them again
    ///
    /// Example: tropa dead-letters list --reason not_json; mend the decoder; tropa dead-letters replay
    DeadLetters(dead_letters::DeadLetters),
    /// Hold the tables against the sets they follow from, and name each row that is not what it should be
    ///
    /// Computes customers anew and compares `customer_journeys`, `identity` and the daily aggregates row by row. Changes
    /// nothing; works beside a running `tropa run`. Exit code 1 if a row is stale.
    ///
    /// Example: tropa verify --sample 10000 --format json
    Verify(verify::Verify),
    /// Copy the embedded store, also while `tropa run` writes to it
    ///
    /// Holds every table and the key of identifier hashes. Restored, it reads on from where it stands.
    ///
    /// Example: tropa backup /backups/2026-06-30
    Backup(backup::Backup),
    /// Make an embedded store from a backup
    ///
    /// It is made beside what is there, checked byte by byte, and then put in its place.
    ///
    /// Example: tropa restore /backups/2026-06-30 --data tropa-data
    Restore(restore::Restore),
    /// Read a topic again from an offset or a moment on, up to where it was read before
    ///
    /// For a decoder that was put right: records that were dead letters become events, and nothing is counted twice. No
    /// other process may own the store meanwhile.
    ///
    /// Example: tropa reprocess --from 2026-06-30T12:00:00Z --source web
    Reprocess(reprocess::Reprocess),
    /// Compute history once more under a map, beside the stream
    ///
    /// A changed journey file is computed and then shown by itself, when `tropa run` sees it; this waits for it with a
    /// progress bar. Without a change it writes every row anew. The process that holds the store does it while its stream
    /// goes on, or this command if nobody does. `--version N` asks what if version N had always been valid.
    ///
    /// Example: tropa rebuild --map checkout, or tropa rebuild --map checkout --version 2
    Rebuild(rebuild::Rebuild),
    /// Create or upgrade the tables of a ClickHouse server (the embedded store does this itself)
    ///
    /// Also creates the topics that the config names for dead letters, if they are not there.
    ///
    /// Example: tropa migrate --config tropa.yaml
    Migrate(migrate::Migrate),
    /// Stream a made-up electronics shop through the real pipeline into the embedded engine, and compare
    ///
    /// Writes a journey file, a config, two logs and a report into the data folder: a complete example to change.
    ///
    /// Example: tropa demo --customers 500 --data /tmp/shop
    Demo(demo::Demo),
}

/// Where the store and the config are.
#[derive(Debug, Clone, Args)]
struct PlaceArgs {
    /// Config file [default: the one that the folder of `--data` was last used with, else tropa.yaml in it or here]
    #[arg(long, value_name = "FILE", env = "TROPA_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder of the embedded store [default: the config's `data`]
    #[arg(long, value_name = "DIR", env = "TROPA_DATA_DIR")]
    data: Option<PathBuf>,
}

/// Parses the arguments, runs the command, prints its error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = crate::source::standard_input::set_aside() {
        eprintln!("cannot put standard input aside: {error}");
        return ExitCode::FAILURE;
    }
    let quiet = !matches!(cli.command, Command::Run(_));
    crate::telemetry::start(quiet);
    if quiet {
        end_with_the_reader();
    }
    let result = match cli.command {
        Command::Check(c) => c.run(),
        Command::Explain(c) => c.run(),
        Command::Schema(c) => c.run(),
        Command::Run(c) => block_on(c.run()),
        Command::Import(c) => block_on(c.run()),
        Command::Show(c) => block_on(c.run()),
        Command::Identity(c) => block_on(c.run()),
        Command::Forget(c) => block_on(c.run()),
        Command::Retain(c) => block_on(c.run()),
        Command::Sql(c) => block_on(c.run()),
        Command::Compare(c) => block_on(c.run()),
        Command::Variants(c) => block_on(c.run()),
        Command::Export(c) => block_on(c.run()),
        Command::Discover(c) => block_on(c.run()),
        Command::Map(c) => c.run(),
        Command::DeadLetters(c) => block_on(c.run()),
        Command::Verify(c) => block_on(c.run()),
        Command::Backup(c) => block_on(c.run()),
        Command::Restore(c) => block_on(c.run()),
        Command::Rebuild(c) => block_on(c.run()),
        Command::Reprocess(c) => block_on(c.run()),
        Command::Migrate(c) => block_on(c.run()),
        Command::Demo(c) => block_on(c.run()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

/// The reader of a pipe may leave early (`tropa sql … | head`): the command then ends like any other, without a word.
/// Not for `run`, which prints nothing and holds connections that may break.
fn end_with_the_reader() {
    #[cfg(unix)]
    // SAFETY: called before any other thread exists, with a handler that the system provides.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Streams of two cores still need a thread for commits and timers beside the computing one.
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(4);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(Failure::Output)?;
    let result = runtime.block_on(command);
    // A broker that does not answer must not hold up the end of a process that has said its last word.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}
