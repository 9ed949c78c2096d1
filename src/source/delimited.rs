//! One row of a delimited file that stands alone. In: its bytes, how many columns its header has, the file's format if the
//! config says it. Out: its cells. Without a word of the config, the separator is the one that gives so many cells.

use csv_core::{ReadRecordResult, ReaderBuilder};

use crate::config::FileFormat;

const USUAL: [u8; 4] = *b",\t;|";

pub fn cells(row: &[u8], columns: usize, format: Option<FileFormat>) -> Vec<Vec<u8>> {
    let declared = match format {
        Some(FileFormat::Csv { separator }) => Some(separator),
        _ => None,
    };
    let tries = declared.into_iter().chain(USUAL);
    let mut first = None;
    for separator in tries {
        let cells = split(row, separator);
        if cells.len() == columns {
            return cells;
        }
        first.get_or_insert(cells);
    }
    first.unwrap_or_default()
}

fn split(row: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    // Unquoting only ever shortens.
    let (mut text, mut ends) = (vec![0; row.len() + 1], vec![0; row.len() + 2]);
    let (mut read, mut written, mut count) = (0, 0, 0);
    loop {
        let (result, used, out, n) = reader.read_record(&row[read..], &mut text[written..], &mut ends[count..]);
        (read, written, count) = (read + used, written + out, count + n);
        match result {
            ReadRecordResult::InputEmpty => {}
            _ => break,
        }
    }
    let mut from = 0;
    let mut cells = Vec::with_capacity(count);
    for end in &ends[..count] {
        cells.push(text[from..*end].to_vec());
        from = *end;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_split_by_the_separator_that_fits_its_header() {
        let cells = |row: &str, columns, format| {
            cells(row.as_bytes(), columns, format)
                .into_iter()
                .map(|c| String::from_utf8(c).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(cells("a,\"b,\"\"c\",d", 3, None), ["a", "b,\"c", "d"]);
        assert_eq!(cells("a;b,c", 2, Some(FileFormat::Csv { separator: b';' })), ["a", "b,c"]);
        assert_eq!(cells("a\tb\t", 3, None), ["a", "b", ""]);
    }
}
