//! What the fold is told beside the events. In: a map's versions, the mode of the reading, the sources of the config. Out:
//! which version holds at a moment, and since when a customer's past can have been seen. Knows no event.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::config::{Config, Decoder, Sequence};
use crate::event::SourceId;
use crate::map::{MapVersions, Match, Status};
use crate::time::Timestamp;

/// Which version of the map judges history.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// The version valid at a journey's entry.
    #[default]
    Valid,
    /// One version for all history.
    Version(u32),
}

impl Mode {
    /// The inverse of [`Mode::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("version=") {
            Some(version) => version.parse().ok().map(Self::Version),
            None => (text == "valid").then_some(Self::Valid),
        }
    }

    pub fn as_str(self) -> Cow<'static, str> {
        match self {
            Self::Valid => Cow::Borrowed("valid"),
            Self::Version(version) => Cow::Owned(format!("version={version}")),
        }
    }
}

/// What the fold needs to know of a source. A list of these is indexed by [`SourceId`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceInfo {
    pub name: Arc<str>,
    /// `sequence: line`: its order within an instant is the file's, and therefore ambiguous.
    pub by_line: bool,
    /// The channel of events that name none.
    pub channel: Option<Arc<str>>,
    /// Nothing that happened before was recorded.
    pub observed_from: Option<Timestamp>,
}

impl SourceInfo {
    /// The sources of a config, in file order. One that only states facts has no visits to miss.
    pub fn of(config: &Config) -> Vec<Self> {
        let by_line = |decoder: &Decoder| match decoder {
            Decoder::Segment(_) => false,
            Decoder::Mapping(mapping) => matches!(mapping.sequence, Sequence::Line),
        };
        let sources = config.sources.iter();
        sources
            .map(|source| Self {
                name: source.name.clone(),
                by_line: by_line(&source.decoder),
                channel: source.channel.clone(),
                observed_from: source.observed_from.filter(|_| !source.facts_only),
            })
            .collect()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct FoldContext<'a> {
    pub map: &'a MapVersions,
    pub mode: Mode,
    /// By [`SourceId`].
    pub sources: &'a [SourceInfo],
    /// A customer with more mapped events has no journeys.
    pub max_visits: usize,
}

impl<'a> FoldContext<'a> {
    /// The name of a source; sources are ordered by name, never by their place in the config.
    pub(super) fn source_name(&self, id: SourceId) -> &'a str {
        self.sources.get(usize::from(id.0)).map_or("", |s| &s.name)
    }

    pub(super) fn channel(&self, id: SourceId) -> Option<&'a str> {
        self.sources.get(usize::from(id.0))?.channel.as_deref()
    }

    pub(super) fn is_by_line(&self, id: SourceId) -> bool {
        self.sources.get(usize::from(id.0)).is_some_and(|s| s.by_line)
    }

    /// Indexes of the versions that the mode can use, the one that wins over the others first.
    pub(super) fn versions(&self) -> Versions {
        let versions = &self.map.versions;
        let mut usable: SmallVec<[usize; 2]> = match self.mode {
            Mode::Valid => (0..versions.len()).filter(|&i| versions[i].status != Status::Draft).collect(),
            Mode::Version(n) => (0..versions.len()).filter(|&i| versions[i].version == n).take(1).collect(),
        };
        usable.sort_by_key(|&i| std::cmp::Reverse((versions[i].valid_from, versions[i].version)));
        let from = usable
            .iter()
            .map(|&i| match self.mode {
                Mode::Valid => versions[i].valid_from.unwrap_or(Timestamp::MIN),
                Mode::Version(_) => Timestamp::MIN,
            })
            .collect();
        Versions { usable, from }
    }

    /// Before this moment an entry may be the middle of a journey: the greatest `observed_from` of the map's sources
    /// plus the longest W of any version. `None`: no source of the map declares one.
    pub(super) fn truncated_before(&self, versions: &Versions) -> Option<Timestamp> {
        let maps = || versions.usable.iter().map(|&i| &self.map.versions[i]);
        let reads = |rule: &Match, name: &str| {
            rule.any.iter().any(|condition| condition.source.is_empty() || condition.source.iter().any(|s| s == name))
        };
        let of_map = |name: &str| maps().any(|map| map.touchpoints.iter().any(|t| reads(&t.matching, name)));
        let declared = self.sources.iter().filter_map(|s| s.observed_from.map(|from| (from, &*s.name)));
        let observed_from = declared.filter(|(_, name)| of_map(name)).map(|(from, _)| from).max()?;
        let longest = maps().map(|map| map.longest_window()).max()?;
        Some(observed_from.saturating_add(longest))
    }
}

/// The versions that may judge an event, newest first by (valid_from, version).
#[derive(Debug)]
pub(super) struct Versions {
    pub usable: SmallVec<[usize; 2]>,
    from: SmallVec<[Timestamp; 2]>,
}

impl Versions {
    /// The version that judges an entry at `t`; `None` before the first.
    pub fn at(&self, t: Timestamp) -> Option<usize> {
        self.from.iter().position(|&from| from <= t).map(|i| self.usable[i])
    }

    /// More than one version may be at work, so ranks depend on the journey that a visit would join.
    pub fn several(&self) -> bool {
        self.usable.len() > 1
    }
}
