//! Where a result goes: a file that appears under its name once it is whole, or standard output, which `-` names too. In:
//! bytes. Out: the file. What is no text is kept from a screen.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::Failure;
use super::place::{unreadable, unwritable};

/// Bytes that are no text go to a file or down a pipe. `what`: with its article; `name`: of a file for it.
pub(super) fn not_to_a_screen(to: Option<&Path>, what: &str, name: &str) -> Result<(), Failure> {
    let is_standard = to.is_none_or(|to| to == Path::new("-"));
    if is_standard && std::io::stdout().is_terminal() {
        return Err(Failure::Unusable(format!("{what} is no text for a screen\n  hint: `--out {name}`")));
    }
    Ok(())
}

/// A file that appears under its name once it is whole, or what can only be written to as it is.
pub(super) enum Out {
    File {
        to: PathBuf,
        /// Goes away with whoever gives up before the end.
        part: TempPath,
        file: BufWriter<File>,
    },
    /// Standard output, a pipe, a device.
    Straight(Box<dyn Write>),
}

impl Out {
    pub(super) fn create(to: Option<&Path>) -> Result<Self, Failure> {
        let Some(to) = to.filter(|to| *to != Path::new("-")) else {
            return Ok(Self::Straight(Box::new(BufWriter::new(std::io::stdout()))));
        };
        if std::fs::metadata(to).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            let file = File::options().write(true).open(to).map_err(|e| unwritable(to, e))?;
            return Ok(Self::Straight(Box::new(BufWriter::new(file))));
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|e| unwritable(&part, e))?;
        let part = TempPath::try_from_path(&part).map_err(|e| unwritable(&part, e))?;
        Ok(Self::File { to: to.to_owned(), part, file: BufWriter::new(file) })
    }

    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File { part, file, .. } => file.write_all(bytes).map_err(|e| unwritable(part, e)),
            Self::Straight(out) => Ok(out.write_all(bytes)?),
        }
    }

    pub(super) fn copy(&mut self, from: &mut File) -> Result<(), Failure> {
        let mut piece = vec![0; 1 << 16];
        loop {
            match from.read(&mut piece).map_err(|e| unreadable(&std::env::temp_dir(), e))? {
                0 => return Ok(()),
                n => self.bytes(&piece[..n])?,
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::File { to, part, mut file } => {
                file.flush().map_err(|e| unwritable(&part, e))?;
                part.persist(&to).map_err(|e| unwritable(&to, e.error))
            }
            Self::Straight(mut out) => Ok(out.flush()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_never_became_whole_leaves_nothing_and_takes_nothing_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let to = folder.path().join("log.xes");
        let mut out = Out::create(Some(&to)).expect("writable");
        out.write("half").expect("writable");
        assert_eq!(names(folder.path()), ["log.xes.part"]);
        drop(out);
        assert!(names(folder.path()).is_empty());
        std::fs::write(&to, "older").expect("writable");
        drop(Out::create(Some(&to)).expect("writable"));
        assert_eq!(std::fs::read_to_string(&to).expect("it stays"), "older");
        let mut out = Out::create(Some(&to)).expect("writable");
        out.write("whole").expect("writable");
        out.finish().expect("it is whole");
        assert_eq!(std::fs::read_to_string(&to).expect("written"), "whole");
        assert_eq!(names(folder.path()), ["log.xes"]);
    }
}
