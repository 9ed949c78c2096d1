//! A comparison as a workbook: one sheet for each of its tables, and a first one for everything that stands once. In: the
//! comparison as programs get it (`comparison/v1`). Out: the bytes of an XLSX file. A table that the comparison gains
//! becomes a sheet by itself; numbers stay numbers.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde_json::{Map, Value};

/// Longest name that a sheet may have, and longest text that a cell may hold.
const NAME: usize = 31;
const CELL: usize = 32_767;

/// A table: its columns in order of first appearance, and its rows.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// Every table of a comparison, `summary` first.
pub fn tables(comparison: &Value) -> Vec<(String, Table)> {
    let mut summary = Table { columns: vec!["what".to_owned(), "value".to_owned()], rows: Vec::new() };
    let mut found = Vec::new();
    part("", comparison, &mut summary, &mut found);
    found.insert(0, ("summary".to_owned(), summary));
    found
}

fn part(at: &str, value: &Value, summary: &mut Table, found: &mut Vec<(String, Table)>) {
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| part(&below(key), value, summary, found)),
        Value::Array(list) if list.iter().all(Value::is_object) && !list.is_empty() => {
            found.push((at.to_owned(), table(list.iter().filter_map(Value::as_object))));
        }
        other => summary.rows.push(vec![at.into(), plain(other)]),
    }
}

fn table<'a>(rows: impl Iterator<Item = &'a Map<String, Value>>) -> Table {
    let mut out = Table::default();
    for row in rows {
        let mut cells = Vec::new();
        flat("", row, &mut cells);
        let mut line = vec![Value::Null; out.columns.len()];
        for (column, value) in cells {
            match out.columns.iter().position(|c| *c == column) {
                Some(i) => line[i] = value,
                None => {
                    out.columns.push(column);
                    line.push(value);
                }
            }
        }
        out.rows.push(line);
    }
    let width = out.columns.len();
    out.rows.iter_mut().for_each(|row| row.resize(width, Value::Null));
    // What is a thing in some rows and nothing in others has the columns of the thing alone.
    let parted =
        |column: &str| out.columns.iter().any(|c| c.strip_prefix(column).is_some_and(|rest| rest.starts_with('.')));
    let hollow: Vec<bool> = out.columns.iter().map(|c| parted(c)).collect();
    let keep = |i: usize, rows: &[Vec<Value>]| !hollow[i] || rows.iter().any(|r| !r[i].is_null());
    let kept: Vec<usize> = (0..width).filter(|&i| keep(i, &out.rows)).collect();
    Table {
        columns: kept.iter().map(|&i| out.columns[i].clone()).collect(),
        rows: out.rows.iter().map(|row| kept.iter().map(|&i| row[i].clone()).collect()).collect(),
    }
}

fn flat(at: &str, row: &Map<String, Value>, cells: &mut Vec<(String, Value)>) {
    for (key, value) in row {
        let name = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match value {
            Value::Object(inner) => flat(&name, inner, cells),
            other => cells.push((name, plain(other))),
        }
    }
}

/// A list becomes a text.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let words = list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join(", ").into()
        }
        other => other.clone(),
    }
}

/// The workbook of some tables.
pub fn workbook(tables: &[(String, Table)]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let mut names: Vec<String> = Vec::new();
    for (name, table) in tables {
        let name = sheet_name(name, &names);
        let sheet = book.add_worksheet();
        sheet.set_name(&name)?;
        names.push(name);
        sheet.set_freeze_panes(1, 0)?;
        for (c, column) in table.columns.iter().enumerate() {
            sheet.write_string_with_format(0, c as u16, column, &bold)?;
        }
        for (r, row) in table.rows.iter().enumerate() {
            for (c, value) in row.iter().enumerate() {
                write(sheet, (r + 1) as u32, c as u16, value)?;
            }
        }
        sheet.autofit();
    }
    book.save_to_buffer()
}

fn write(sheet: &mut Worksheet, row: u32, column: u16, value: &Value) -> Result<(), XlsxError> {
    match value {
        Value::Null => {}
        Value::Bool(b) => {
            sheet.write_boolean(row, column, *b)?;
        }
        Value::Number(n) => {
            sheet.write_number(row, column, n.as_f64().unwrap_or_default())?;
        }
        Value::String(text) => {
            let cut: String = text.chars().take(CELL).collect();
            sheet.write_string(row, column, cut)?;
        }
        other => {
            sheet.write_string(row, column, other.to_string())?;
        }
    }
    Ok(())
}

/// What Excel allows, and no name twice (it takes capitals for the same).
fn sheet_name(wanted: &str, taken: &[String]) -> String {
    let clean: String = wanted.chars().map(|c| if r"[]:*?/\'".contains(c) { '_' } else { c }).collect();
    let is_free = |name: &str| taken.iter().all(|t| t.to_lowercase() != name.to_lowercase());
    let cut = |length: usize| clean.chars().take(length).collect::<String>();
    let first = if clean.is_empty() { "table".to_owned() } else { cut(NAME) };
    if is_free(&first) {
        return first;
    }
    (2..).map(|i| format!("{} {i}", cut(NAME - 4))).find(|name| is_free(name)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_of_things_are_tables_and_all_else_is_the_summary() {
        let tables = tables(
            &json!({ "a": 1, "b": { "c": [1, 2] }, "t": [{ "x": 1, "y": { "z": 2 } }, { "w": "q", "y": null }], "none": [] }),
        );
        assert_eq!(
            tables[0].1.rows,
            [vec![json!("a"), json!(1)], vec![json!("b.c"), json!("1, 2")], vec![json!("none"), json!("")]]
        );
        assert_eq!(tables[1].0, "t");
        assert_eq!(tables[1].1.columns, ["x", "y.z", "w"]);
        assert_eq!(
            tables[1].1.rows,
            [vec![json!(1), json!(2), Value::Null], vec![Value::Null, Value::Null, json!("q")]]
        );
    }

    #[test]
    fn names_of_sheets_are_short_and_differ() {
        let long = "a".repeat(40);
        let first = sheet_name(&long, &[]);
        assert_eq!(first.len(), 31);
        assert_eq!(sheet_name(&long, &[first]), format!("{} 2", "a".repeat(27)));
        assert_eq!(sheet_name("x/y", &["X_Y".to_owned()]), "x_y 2");
    }
}
