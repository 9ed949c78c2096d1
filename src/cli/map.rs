//! `tropa map import`: another tool's file as a journey file. In: BPMN, CJML, CSV or XLSX. Out: a journey file that
//! `tropa check` accepts, with what is still doubtful about it; or every fault, with its element and line.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::Failure;
use super::place::{unreadable, write_new};
use crate::exchange::{Draft, bpmn_read, cjml_read, table};
use crate::map::load_with_warnings;
use crate::yaml::Faults;

#[derive(Debug, Args)]
pub(super) struct Map {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a journey file out of BPMN 2.0, a planned journey of CJML, or a table
    ///
    /// BPMN: sub-processes are stages, their tasks touchpoints, flows through exclusive gateways transitions. What is not
    /// read is named with its id and line. Table (CSV, or the first sheet of an XLSX file): one row for each touchpoint, with
    /// the columns stage, touchpoint and, if you like, stage_title, title, role, max_time, channels, source, event, path,
    /// required, goal, exit, max_repeats, one_of.
    ///
    /// Example: tropa map import checkout.bpmn --out checkout.journey.yaml, then tropa check checkout.journey.yaml
    Import(Import),
}

#[derive(Debug, Args)]
struct Import {
    /// The other tool's file
    file: PathBuf,
    /// What it is [default: by its name and first element]
    #[arg(long)]
    format: Option<Format>,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Bpmn,
    Cjml,
    Csv,
    Xlsx,
}

impl Map {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Import(import) => import.run(),
        }
    }
}

impl Import {
    fn run(self) -> Result<(), Failure> {
        let bytes = std::fs::read(&self.file).map_err(|e| unreadable(&self.file, e))?;
        let format = match self.format {
            Some(format) => format,
            None => guess(&self.file, &bytes)?,
        };
        let label = self.file.display().to_string();
        let name = self.file.file_stem().map_or_else(|| "journey".to_owned(), |n| n.to_string_lossy().into_owned());
        let draft = read(format, &label, &name, &bytes).map_err(|faults| Failure::Unusable(faults.to_string()))?;
        let made = self.out.as_deref().map_or_else(|| format!("{name}.journey.yaml"), |o| o.display().to_string());
        let unfinished = draft.text();
        let text = draft.finish(&made).map_err(|faults| {
            Failure::Unusable(format!("{faults}\n  this is what {label} says as a journey file:\n{unfinished}"))
        })?;
        // It was just checked.
        for warning in load_with_warnings(&[(made, text.clone())]).map(|l| l.warnings).unwrap_or_default() {
            eprintln!("warning: {warning}");
        }
        match &self.out {
            Some(file) => write_new(file, &text),
            None => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
        }
    }
}

fn read(format: Format, label: &str, name: &str, bytes: &[u8]) -> Result<Draft, Faults> {
    match format {
        Format::Bpmn => bpmn_read::read(label, table::utf8(label, bytes)?),
        Format::Cjml => cjml_read::read(label, table::utf8(label, bytes)?),
        Format::Csv => table::from_csv(label, name, bytes),
        Format::Xlsx => table::from_xlsx(label, name, bytes),
    }
}

fn guess(file: &Path, bytes: &[u8]) -> Result<Format, Failure> {
    let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "bpmn" => return Ok(Format::Bpmn),
        "cjml" => return Ok(Format::Cjml),
        "csv" => return Ok(Format::Csv),
        "xlsx" => return Ok(Format::Xlsx),
        _ => {}
    }
    let text = String::from_utf8_lossy(bytes);
    let root =
        roxmltree::Document::parse(&text).map(|d| d.root_element().tag_name().name().to_owned()).unwrap_or_default();
    match root.as_str() {
        "definitions" => Ok(Format::Bpmn),
        "CJML" => Ok(Format::Cjml),
        _ => Err(Failure::Unusable(format!(
            "{} is none of the files that can be read\n  allowed: .bpmn, .cjml, .csv, .xlsx, or `--format` for another name",
            file.display()
        ))),
    }
}
