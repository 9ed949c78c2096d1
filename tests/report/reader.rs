//! The reader: Chromium, led by `open.mjs`. In: nothing; the demo's shop is made once. Out: what was seen on each screen in
//! each language, or nothing where there is no browser, which is then said.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Deserialize;

use crate::{data, shop};

/// The report on one screen (or on paper) in one language.
#[derive(Debug, Deserialize)]
pub struct View {
    pub screen: String,
    pub language: String,
    /// The languages that could be seen after a click on `language`.
    pub shown: String,
    pub said: Vec<String>,
    pub requests: Vec<String>,
    pub layout_width: f64,
    pub scrolled: f64,
    pub headings: Vec<String>,
    pub tables: usize,
    pub maps: usize,
    pub smallest_letters: f64,
    pub beyond_the_edge: Vec<String>,
    pub spilling: Vec<String>,
    pub outside_their_stage: Vec<String>,
    pub labels_on_labels: Vec<String>,
    pub out_of_sight: Vec<String>,
    /// The words in each stage of the designed map.
    pub designed: Vec<String>,
    pub controls: usize,
    #[serde(default)]
    pub rules_passed: usize,
    #[serde(default)]
    pub grave: Vec<String>,
    /// A sheet of the PDF in points.
    pub sheet: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Seen {
    views: Vec<View>,
}

struct Read {
    folder: tempfile::TempDir,
    seen: Result<Seen, String>,
}

/// Everything that was seen; `None` after noting that `test` was not run.
pub fn views(test: &str) -> Option<Vec<&'static View>> {
    match &read().seen {
        Ok(seen) => Some(seen.views.iter().collect()),
        Err(why) => {
            data::not_run(test, why);
            None
        }
    }
}

/// The same on these screens.
pub fn views_on(test: &str, screens: &[&str]) -> Option<Vec<&'static View>> {
    let some: Vec<&View> = views(test)?.into_iter().filter(|v| screens.contains(&v.screen.as_str())).collect();
    assert_eq!(some.len(), 2 * screens.len(), "each screen in both languages");
    Some(some)
}

/// The picture is there; with `TROPA_PICTURE` it becomes the one in the README.
pub fn picture() {
    let made = read().folder.path().join("desktop-en.png");
    let bytes = std::fs::read(&made).expect("a picture was made");
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 50_000, "{} bytes are no picture of a report", bytes.len());
    if std::env::var_os("TROPA_PICTURE").is_some() {
        std::fs::write(project("docs/report.png"), bytes).expect("docs can be written");
    }
}

pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read() -> &'static Read {
    static READ: OnceLock<Read> = OnceLock::new();
    READ.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let seen = browser().map(|(chromium, node)| open(folder.path(), &chromium, &node));
        Read { folder, seen }
    })
}

/// The browser, and the folder of node's modules; what is missing otherwise.
pub fn browser() -> Result<(PathBuf, PathBuf), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let chromium = std::env::split_paths(&path).map(|p| p.join("chromium")).find(|p| p.is_file());
    let chromium = chromium.ok_or("there is no chromium on the path (`make setup-test` installs it on Debian)")?;
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = home("XDG_CACHE_HOME").or_else(|| home("HOME").map(|h| h.join(".cache")));
    let node = cache.unwrap_or_default().join("tropa/node");
    for module in ["puppeteer-core", "axe-core"] {
        if !node.join("node_modules").join(module).is_dir() {
            return Err(format!("{module} is not installed (`make setup-test` does it)"));
        }
    }
    Ok((chromium, node))
}

/// The shop of `make demo`, so that the picture shows what a newcomer sees.
pub fn demo() -> &'static Path {
    static DEMO: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let made = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let demo = shop::demo(folder.path(), 2000, 1);
        (folder, demo)
    };
    &DEMO.get_or_init(made).1
}

/// What `tropa compare` says of it. One at a time: a command that finds the store in use asks the process that holds it,
/// which may end before it answers.
pub fn compare(arguments: &[&str]) -> String {
    static ONE: Mutex<()> = Mutex::new(());
    let demo = shop::text(demo());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    shop::tropa(&[&["compare", "--data", demo], arguments].concat())
}

fn open(folder: &Path, chromium: &Path, node: &Path) -> Seen {
    let report = folder.join("report.html");
    compare(&["--format", "html", "-o", shop::text(&report)]);
    look(&report, folder, chromium, node)
}

/// The same page with faults planted at its end; only where `views` found a browser.
pub fn planted(faults: &str) -> Vec<View> {
    let (chromium, node) = browser().expect("there was a browser");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = std::fs::read_to_string(read().folder.path().join("report.html")).expect("the report");
    let file = folder.path().join("report.html");
    std::fs::write(&file, page.replace("</main>", &format!("{faults}</main>"))).expect("writable");
    look(&file, folder.path(), &chromium, &node).views
}

fn look(report: &Path, pictures: &Path, chromium: &Path, node: &Path) -> Seen {
    let out = Command::new("node")
        .arg(project("tests/report/open.mjs"))
        .args([report, pictures])
        .env("TROPA_CHROMIUM", chromium)
        .env("TROPA_NODE", node)
        .output()
        .expect("node runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("what open.mjs saw")
}
