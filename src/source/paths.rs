//! File patterns. In: a path whose last part may be a pattern. Out: the files it means, sorted by name.

use std::path::{Path, PathBuf};

use globset::Glob;

/// A path as written, or the files its last part matches (`*.csv`); the error says what was looked for.
pub fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let path = Path::new(pattern);
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if pattern == "-" || !name.contains(['*', '?', '[', '{']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let matcher = Glob::new(&name).map_err(|e| format!("{pattern}: {e}"))?.compile_matcher();
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(dir).map_err(|e| format!("cannot read {}: {e}", dir.display()))?;
    let files: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.file_name().is_some_and(|n| matcher.is_match(n))).collect();
    let mut found: Vec<String> = files.into_iter().map(|p| p.display().to_string()).collect();
    found.sort();
    if found.is_empty() { Err(format!("no file matches {pattern}")) } else { Ok(found) }
}
