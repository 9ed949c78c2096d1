//! The variants of BPIC 2012 under the two designed maps, from the tables of a real run. In: the folder of real logs, in
//! `TROPA_DATA`. Out: of each map its distinct paths, what decided them, and how many journeys walked them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use tropa::conformance::{Judge, Walked};
use tropa::map::{self, DesignedMap};

/// A finished run of an example.
pub struct Run {
    config: String,
    data: tempfile::TempDir,
}

impl Run {
    pub fn of(config: &str) -> Self {
        let config = format!("{}/config/examples/{config}", env!("CARGO_MANIFEST_DIR"));
        let run = Self { config, data: tempfile::tempdir().expect("a temporary folder") };
        run.tropa(&["run", "--until-end"]);
        run
    }

    fn tropa(&self, arguments: &[&str]) -> String {
        let data = self.data.path().display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
        let command = command.args(arguments).args(["--config", &self.config, "--data", &data]);
        let out = command.output().expect("the binary runs");
        assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    }

    /// The answer's lines, cut at tabs.
    pub fn ask(&self, query: &str) -> Vec<Vec<String>> {
        let answer = self.tropa(&["sql", query, "--format", "TSV"]);
        answer.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// Every variant of a map, decided ones and prefixes.
    pub fn variants(&self, judge: &Judge) -> Vec<Walked> {
        let map = judge.map();
        let query = format!(
            "SELECT arrayStringConcat(touchpoints, ' '), outcome IN ('completed', 'ended'), count() FROM v_journeys \
             WHERE map = '{}' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
            map.id
        );
        let touchpoint = |id: &str| map.touchpoint_ix(id).expect("a touchpoint of the map");
        let mut variants: BTreeMap<(Box<[u16]>, Option<u16>), u64> = BTreeMap::new();
        for row in self.ask(&query) {
            let visits: Vec<u16> = row[0].split_whitespace().map(touchpoint).collect();
            let first = visits.iter().find_map(|&t| judge.model().decides(t));
            let end = if row[1] == "1" { Some(first.expect("something decided it")) } else { None };
            *variants.entry((judge.path(visits.into_iter()), end)).or_default() += row[2].parse::<u64>().unwrap();
        }
        variants.into_iter().map(|((path, end), journeys)| Walked { path, end, journeys }).collect()
    }
}

/// The designed maps of the log.
pub fn maps() -> [Arc<DesignedMap>; 2] {
    ["loan", "offers"].map(|name| {
        let path = format!("{}/config/examples/bpic2012/{name}.journey.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("the example's map");
        Arc::new(map::parse(name, &text).unwrap_or_else(|f| panic!("{f}")))
    })
}

/// Ids of a path's touchpoints.
pub fn names(judge: &Judge, path: &[u16]) -> Vec<String> {
    let id = |&s: &u16| judge.map().touchpoints[usize::from(judge.model().step(s).touchpoint)].id.to_string();
    path.iter().map(id).collect()
}
