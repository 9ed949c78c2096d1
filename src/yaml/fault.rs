//! What is wrong with a file, as people read it: place, finding, and what would be right. Says nothing of how faults are
//! found.

use std::fmt;

/// A place in a file, both numbers from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// One finding (a fault, or a warning where a caller collects those).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fault {
    pub file: String,
    pub at: Position,
    /// What was found, in lower case.
    pub message: String,
    /// What is allowed, and a hint; shown on a line of its own.
    pub help: Option<String>,
}

impl Fault {
    pub fn new(file: &str, at: Position, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into()).filter(|h| !h.is_empty());
        self
    }
}

/// `file:line:column  message`, the help on an indented line below.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_fault(f, self, 0)
    }
}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: &Fault, width: usize) -> fmt::Result {
    let place = format!("{}:{}:{}", fault.file, fault.at.line, fault.at.column);
    write!(f, "{place:width$}  {}", fault.message)?;
    match &fault.help {
        Some(help) => write!(f, "\n    {help}"),
        None => Ok(()),
    }
}

/// Everything that makes one or several files unusable. Shown in the order of the files, then of their lines.
#[derive(Clone, PartialEq, Eq, Debug, Default, thiserror::Error)]
pub struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.list.iter()
    }

    /// `Ok(value)` when nothing was found.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { list: vec![fault] }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut files: Vec<&str> = Vec::new();
        for fault in &self.list {
            if !files.contains(&fault.file.as_str()) {
                files.push(&fault.file);
            }
        }
        let place = |fault: &&Fault| (files.iter().position(|n| *n == fault.file), fault.at);
        let mut sorted: Vec<&Fault> = self.list.iter().collect();
        sorted.sort_by_key(place);
        sorted.dedup();

        let (verb, plural) = (if files.len() == 1 { "is" } else { "are" }, if sorted.len() == 1 { "" } else { "s" });
        write!(f, "{} {verb} not usable: {} fault{plural}", files.join(", "), sorted.len())?;
        let digits = |n: u32| n.to_string().len();
        let width = |x: &&Fault| x.file.chars().count() + 2 + digits(x.at.line) + digits(x.at.column);
        let widest = sorted.iter().map(width).max().unwrap_or(0);
        for fault in sorted {
            f.write_str("\n  ")?;
            write_fault(f, fault, widest)?;
        }
        Ok(())
    }
}

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |s: &str| s.to_lowercase().replace(['-', ' '], "_");
    let word = fold(word);
    candidates
        .into_iter()
        .map(|c| (strsim::normalized_damerau_levenshtein(&word, &fold(c)), c))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// "`a`, `b`, `c`".
pub fn quoted_list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

/// "declared: `a`, `b`; did you mean `b`?", `label` being "declared" or "allowed".
pub fn allowed<'a>(label: &str, found: &str, words: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let list = quoted_list(words.clone());
    let list = if list.is_empty() { "none".to_owned() } else { list };
    match nearest(found, words) {
        Some(word) => format!("{label}: {list}; did you mean `{word}`?"),
        None => format!("{label}: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_the_house_writes_them() {
        let at = |line, column| Position { line, column };
        let mut faults = Faults::new();
        faults.push(Fault::new("journey.yaml", at(31, 5), "transition `paid` -> `visit` is declared twice"));
        let help = allowed("declared", "sign-up", ["visit", "signup"]);
        faults.push(Fault::new("journey.yaml", at(14, 12), "touchpoint names stage `sign-up`").help(help));
        let expected = "journey.yaml is not usable: 2 faults\n  \
            journey.yaml:14:12  touchpoint names stage `sign-up`\n    \
            declared: `visit`, `signup`; did you mean `signup`?\n  \
            journey.yaml:31:5   transition `paid` -> `visit` is declared twice";
        assert_eq!(faults.to_string(), expected);
    }

    #[test]
    fn a_hint_is_given_only_for_a_likely_word() {
        assert_eq!(nearest("sucess", ["entry", "success", "exit"]), Some("success"));
        assert_eq!(nearest("maxTime", ["max_time", "title"]), Some("max_time"));
        assert_eq!(nearest("zebra", ["entry", "success", "exit"]), None);
    }
}
