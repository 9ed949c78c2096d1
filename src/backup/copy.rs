//! Folders and files, copied so that they last. In: paths. Out: copies that are on disk, or what went wrong where.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::BackupError;

pub(super) fn folder(what: &'static str, path: &Path, error: io::Error) -> BackupError {
    BackupError::Folder { what, path: path.display().to_string(), error }
}

pub(super) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) fn make_empty(to: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(to).map_err(|e| folder("cannot make", to, e))?;
    match fs::read_dir(to).map_err(|e| folder("cannot read", to, e))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty { path: to.display().to_string() }),
    }
}

/// Names of the folders in a folder; none if it does not exist.
pub(super) fn names_in(path: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(folder("cannot read", path, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| folder("cannot read", path, e))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// `partition_least_greatest_level…`: parts in the order in which their rows came.
pub(super) fn part_order(part: &str) -> (String, u64) {
    let mut words = part.split('_');
    let partition = words.next().unwrap_or_default().to_owned();
    (partition, words.next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

pub(super) fn copy_dir(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(to).map_err(|e| folder("cannot make", to, e))?;
    for entry in fs::read_dir(from).map_err(|e| folder("cannot read", from, e))? {
        let entry = entry.map_err(|e| folder("cannot read", from, e))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy_dir(&entry.path(), &target)? } else { copy_file(&entry.path(), &target)? }
    }
    Ok(())
}

/// With its permissions, on disk when this returns.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all()).map_err(|e| folder("cannot copy to", to, e))
}
