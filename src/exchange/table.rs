//! A table with a row for each touchpoint -> draft of a journey file. In: a CSV file or a workbook's first sheet. Out: a
//! draft, or every fault with its line. Stages stand in the order in which they first appear.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};

use super::draft::{Draft, fault, head, id_of};
use crate::yaml::{Fault, Faults, Fields, Position, Written, allowed};

/// Columns that are read; the first two must be there.
pub const COLUMNS: [&str; 15] = [
    "stage",
    "touchpoint",
    "stage_title",
    "title",
    "role",
    "max_time",
    "channels",
    "source",
    "event",
    "path",
    "required",
    "goal",
    "exit",
    "max_repeats",
    "one_of",
];

/// Parts of a cell that names several.
const BETWEEN: [char; 2] = [';', '|'];

/// A table of touchpoints is not wider.
const MOST_COLUMNS: usize = 200;

/// One line of the table: its number in the file, and its cells.
type Line = (u32, Vec<String>);

/// Text in another encoding would come in as other letters.
pub fn utf8<'b>(label: &str, bytes: &'b [u8]) -> Result<&'b str, Faults> {
    std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u32 + 1;
        fault(label, Position { line, column: 1 }, "this is not UTF-8", "save the file with the encoding UTF-8")
    })
}

pub fn from_csv(label: &str, name: &str, bytes: &[u8]) -> Result<Draft, Faults> {
    let text = utf8(label, bytes)?;
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    // Spreadsheets of many countries part cells by a semicolon.
    let separator = if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(1, csv::Position::line) as u32;
            fault(label, Position { line, column: 1 }, format!("this is not CSV: {e}"), "")
        })?;
        let line = record.position().map_or(1, csv::Position::line) as u32;
        lines.push((line, record.iter().map(|cell| cell.trim().to_owned()).collect()));
    }
    draft(label, name, lines)
}

pub fn from_xlsx(label: &str, name: &str, bytes: &[u8]) -> Result<Draft, Faults> {
    let broken = |e: calamine::XlsxError| {
        fault(label, Position::default(), format!("this is no workbook: {e}"), "allowed: .xlsx")
    };
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let first = book.sheet_names().into_iter().next();
    let first = first.ok_or_else(|| fault(label, Position::default(), "the workbook has no sheet", ""))?;
    // Cell by cell: a sheet is as large as its last cell says, and two cells may be a million rows apart.
    let mut cells = book.worksheet_cells_reader(&first).map_err(broken)?;
    let mut lines: Vec<Line> = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (row, column) = (cell.get_position().0 + 1, cell.get_position().1 as usize);
        let text = match Data::from(cell.get_value().clone()) {
            Data::Empty => continue,
            Data::Bool(b) => b.to_string(),
            other => other.to_string().trim().to_owned(),
        };
        if column >= MOST_COLUMNS {
            let at = Position { line: row, column: column as u32 + 1 };
            let allowed = format!("at most {MOST_COLUMNS} columns");
            return Err(fault(label, at, "there is a cell far to the right", &allowed));
        }
        if lines.last().is_none_or(|(last, _)| *last != row) {
            lines.push((row, Vec::new()));
        }
        if let Some((_, line)) = lines.last_mut() {
            line.resize(line.len().max(column + 1), String::new());
            line[column] = text;
        }
    }
    draft(label, name, lines)
}

fn draft(label: &str, name: &str, lines: Vec<Line>) -> Result<Draft, Faults> {
    let mut faults = Faults::new();
    let mut lines = lines.into_iter().filter(|(_, cells)| cells.iter().any(|c| !c.is_empty()));
    let Some((first, header)) = lines.next() else {
        return Err(fault(label, Position::default(), "the table is empty", "the first line names the columns"));
    };
    let header: Vec<String> = header.iter().map(|h| h.to_lowercase().replace([' ', '-'], "_")).collect();
    for (i, column) in header.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
        let at = Position { line: first, column: i as u32 + 1 };
        if !COLUMNS.contains(&column.as_str()) {
            let message = format!("column `{column}` is not known");
            faults.push(Fault::new(label, at, message).help(allowed("allowed", column, COLUMNS)));
        } else if header[..i].contains(column) {
            faults.push(Fault::new(label, at, format!("column `{column}` stands there twice")));
        }
    }
    for needed in &COLUMNS[..2] {
        if !header.iter().any(|h| h == needed) {
            let at = Position { line: first, column: 1 };
            faults.push(
                Fault::new(label, at, format!("there is no column `{needed}`"))
                    .help("each row is a touchpoint of a stage"),
            );
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut table = Table { label, header, faults, stages: Vec::new(), ids: BTreeSet::new(), channels: Vec::new() };
    let mut draft = Draft { head: head(&id_of(name, &mut BTreeSet::new()), Some(name)), ..Draft::default() };
    let mut taken = BTreeSet::new();
    for line in lines {
        draft.touchpoints.extend(table.touchpoint(&line, &mut taken));
    }
    if draft.touchpoints.is_empty() && table.faults.is_empty() {
        table.faults.push(Fault::new(label, Position { line: first, column: 1 }, "the table has no rows"));
    }
    if !table.channels.is_empty() {
        let channels = table.channels.iter().map(|c| (c.clone(), Written::Map(Fields::default())));
        draft.head.put("channels", Fields(channels.collect()));
    }
    draft.stages = table.stages.into_iter().map(|s| s.fields).collect();
    table.faults.or(draft)
}

struct Stage {
    written: String,
    fields: Fields,
}

struct Table<'a> {
    label: &'a str,
    header: Vec<String>,
    faults: Faults,
    stages: Vec<Stage>,
    ids: BTreeSet<String>,
    channels: Vec<String>,
}

impl Table<'_> {
    fn touchpoint(&mut self, line: &Line, taken: &mut BTreeSet<String>) -> Option<Fields> {
        let header = self.header.clone();
        let cell = |column: &str| {
            let i = header.iter().position(|h| h == column)?;
            line.1.get(i).map(String::as_str).filter(|c| !c.is_empty())
        };
        let (Some(stage), Some(name)) = (cell("stage"), cell("touchpoint")) else {
            let column = if cell("stage").is_none() { "stage" } else { "touchpoint" };
            self.fault(line, column, format!("`{column}` is empty"), "");
            return None;
        };
        let s = self.stage(stage, line, &cell);
        let mut out = Fields::default();
        let id = id_of(name, taken);
        out.put("id", id.as_str());
        out.put_some("title", cell("title").or(Some(name).filter(|n| *n != id)));
        out.put("stage", self.stages[s].fields.get("id").and_then(Written::text).unwrap_or_default());
        let channels: Vec<String> = parts(cell("channels")).map(|c| id_of(c, &mut BTreeSet::new())).collect();
        for channel in &channels {
            if !self.channels.contains(channel) {
                self.channels.push(channel.clone());
            }
        }
        out.put_list("channels", channels);
        if let Some(most) = cell("max_repeats") {
            match most.parse::<u32>() {
                Ok(most) if most > 0 => out.put("max_repeats", most),
                _ => self.fault(
                    line,
                    "max_repeats",
                    format!("`max_repeats` is `{most}`"),
                    "allowed: a whole number from 1",
                ),
            }
        }
        for column in ["required", "goal"] {
            if self.yes(line, column, cell(column)) {
                out.put(column, true);
            }
        }
        if self.yes(line, "exit", cell("exit")) {
            out.put("role", "exit");
        }
        if self.yes(line, "one_of", cell("one_of")) {
            let stage = &mut self.stages[s].fields;
            match stage.0.iter_mut().find(|(key, _)| key == "one_of") {
                Some((_, Written::List(list))) => list.push(id.as_str().into()),
                _ => stage.put_list("one_of", [id.as_str()]),
            }
        }
        let mut rule = Fields::default();
        for column in ["source", "event", "path"] {
            let words: Vec<&str> = parts(cell(column)).collect();
            match words[..] {
                [] => {}
                [one] => rule.put(column, one),
                _ => rule.put_list(column, words),
            }
        }
        if !rule.is_empty() {
            out.put("match", rule);
        }
        Some(out)
    }

    /// The stage of a row; what the row says of it holds unless an earlier one has said it.
    fn stage<'c>(&mut self, written: &str, line: &Line, cell: &impl Fn(&str) -> Option<&'c str>) -> usize {
        let s = self.stages.iter().position(|s| s.written == written).unwrap_or_else(|| {
            let mut fields = Fields::default();
            let id = id_of(written, &mut self.ids);
            fields.put("id", id.as_str());
            fields.put_some("title", cell("stage_title").or(Some(written).filter(|w| *w != id)));
            self.stages.push(Stage { written: written.to_owned(), fields });
            self.stages.len() - 1
        });
        for (column, key) in [("role", "role"), ("max_time", "max_time")] {
            let Some(word) = cell(column) else { continue };
            match self.stages[s].fields.get(key).and_then(Written::text) {
                None => self.stages[s].fields.put(key, word),
                Some(said) if said == word => {}
                Some(said) => {
                    let message = format!("`{column}` of stage `{written}` is `{word}`, and was `{said}` before");
                    self.fault(line, column, message, "");
                }
            }
        }
        s
    }

    fn yes(&mut self, line: &Line, column: &str, cell: Option<&str>) -> bool {
        match cell.map(str::to_lowercase).as_deref() {
            Some("yes" | "true" | "1" | "x" | "y" | "да") => true,
            None | Some("no" | "false" | "0" | "n" | "-" | "нет") => false,
            Some(other) => {
                self.fault(line, column, format!("`{column}` is `{other}`"), "allowed: `yes`, `no`, or nothing");
                false
            }
        }
    }

    fn fault(&mut self, line: &Line, column: &str, message: String, help: &str) {
        let column = self.header.iter().position(|h| h == column).unwrap_or_default() as u32 + 1;
        self.faults.push(Fault::new(self.label, Position { line: line.0, column }, message).help(help));
    }
}

fn parts(cell: Option<&str>) -> impl Iterator<Item = &str> {
    cell.into_iter().flat_map(|c| c.split(BETWEEN)).map(str::trim).filter(|p| !p.is_empty())
}
