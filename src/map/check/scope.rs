//! What every check of a journey file needs: the places of its values, the ids it declares, and the faults so far. A
//! check that finds a fault goes on with a stand-in, because the map is given out only when there is none.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::map::designed::{PropertyPath, RESERVED_STAGES, StageIx, Text, TouchpointIx};
use crate::map::file::{OneOrMany, Scalar, TextFile};
use crate::time::{Day, Timestamp, parse_duration};
use crate::yaml::{Content, Fault, Faults, Node, Position, allowed, nearest};

/// Stands for a stage or touchpoint that is not there; its fault is noted, so it never leaves the check.
const STAND_IN: u16 = u16::MAX;

pub struct Scope<'a> {
    pub label: &'a str,
    /// The tree that the file was filled from: places by pointer.
    pub node: &'a Node,
    /// The structure had faults: what is missing may only have been taken out.
    pub partial: bool,
    pub faults: Faults,
    pub warnings: Vec<Fault>,
    stages: Ids,
    touchpoints: Ids,
    pub channels: Vec<String>,
    pub personas: Vec<String>,
    pub pain_points: Vec<String>,
    /// Keys of every mapping as it was written, by its place.
    written_keys: HashMap<Position, Vec<String>>,
}

/// Ids as written, and those of them that came through the structural check, in their order.
struct Ids {
    written: Vec<String>,
    usable: Vec<String>,
}

impl Ids {
    fn of(written: &Node, node: &Node, key: &str) -> Self {
        Self { written: ids(written, key), usable: ids(node, key) }
    }
}

fn note_keys(node: &Node, keys: &mut HashMap<Position, Vec<String>>) {
    if let Content::Map(entries) = &node.content {
        keys.insert(node.at, entries.iter().map(|e| e.key.clone()).collect());
    }
    node.items().iter().chain(node.entries().iter().map(|e| &e.value)).for_each(|n| note_keys(n, keys));
}

fn ids(root: &Node, key: &str) -> Vec<String> {
    let items = root.get(key).map_or(&[][..], Node::items);
    items.iter().filter_map(|i| i.get("id")?.text()).map(str::to_owned).collect()
}

impl<'a> Scope<'a> {
    pub fn new(label: &'a str, written: &Node, node: &'a Node, faults: Faults) -> Self {
        let channels = written.get("channels").map_or(&[][..], Node::entries);
        let stages = written.get("stages").map_or(&[][..], Node::items);
        let mut written_keys = HashMap::new();
        note_keys(written, &mut written_keys);
        Self {
            label,
            node,
            partial: !faults.is_empty(),
            faults,
            warnings: Vec::new(),
            stages: Ids::of(written, node, "stages"),
            touchpoints: Ids::of(written, node, "touchpoints"),
            channels: channels.iter().map(|e| e.key.clone()).collect(),
            personas: ids(written, "personas"),
            pain_points: stages.iter().flat_map(|s| ids(s, "pain_points")).collect(),
            written_keys,
        }
    }

    pub fn fault(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Fault::new(self.label, self.node.at(pointer), message).help(help));
    }

    pub fn warn(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        self.warnings.push(Fault::new(self.label, self.node.at(pointer), message).help(help));
    }

    /// Whether the mapping at `pointer` was written without `key` (and not just lost it for a fault of its own).
    pub fn lacks(&self, pointer: &str, key: &str) -> bool {
        self.written_keys.get(&self.node.at(pointer)).is_none_or(|keys| keys.iter().all(|k| k != key))
    }

    /// Ids that are said twice or cannot be ids. `what` is the noun of messages.
    pub fn check_ids<'i>(&mut self, what: &str, list: &str, ids: impl Iterator<Item = &'i str>) {
        let mut seen: Vec<&str> = Vec::new();
        for (i, id) in ids.enumerate() {
            let pointer = format!("{list}/{i}/id");
            if let Some(first) = seen.iter().position(|s| *s == id) {
                let line = self.node.at(&format!("{list}/{first}/id")).line;
                self.fault(&pointer, format!("{what} `{id}` is declared twice (first on line {line})"), "");
            }
            seen.push(id);
            self.check_id(what, &pointer, id);
        }
    }

    pub fn check_id(&mut self, what: &str, pointer: &str, id: &str) {
        if id.is_empty() {
            return self.fault(pointer, format!("the id of a {what} is empty"), "");
        }
        if !id.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')) {
            let help = "allowed: letters, digits, `_`, `-`, `.` and `:`; what people read goes into `title`";
            self.fault(pointer, format!("`{id}` cannot be the id of a {what}"), help);
        }
    }

    pub fn check_reserved(&mut self, pointer: &str, id: &str) {
        if RESERVED_STAGES.contains(&id) {
            let help = format!("tables use these words beside stages: {}", crate::yaml::quoted_list(RESERVED_STAGES));
            self.fault(pointer, format!("a stage cannot be called `{id}`"), help);
        }
    }

    pub fn stage(&mut self, pointer: &str, id: &str, who: &str) -> StageIx {
        Self::look_up(&self.stages, id).unwrap_or_else(|| {
            let help = allowed("declared", id, self.stages.written.iter().map(String::as_str));
            self.fault(pointer, format!("{who} names stage `{id}`, which is not declared"), help);
            STAND_IN
        })
    }

    pub fn touchpoint(&mut self, pointer: &str, id: &str, who: &str) -> TouchpointIx {
        Self::look_up(&self.touchpoints, id).unwrap_or_else(|| {
            let help = allowed("declared", id, self.touchpoints.written.iter().map(String::as_str));
            self.fault(pointer, format!("{who} names touchpoint `{id}`, which is not declared"), help);
            STAND_IN
        })
    }

    pub fn is_stage(&self, id: &str) -> bool {
        self.stages.written.iter().any(|s| s == id)
    }

    pub fn is_touchpoint(&self, id: &str) -> bool {
        self.touchpoints.written.iter().any(|t| t == id)
    }

    /// The place of an id; a stand-in for one that was declared but is unusable (it has its fault already).
    fn look_up(ids: &Ids, id: &str) -> Option<u16> {
        let usable = ids.usable.iter().position(|u| u == id).and_then(|i| u16::try_from(i).ok());
        usable.or_else(|| ids.written.iter().any(|w| w == id).then_some(STAND_IN))
    }

    /// One of the ids that `declared` holds.
    pub fn one_of(&mut self, pointer: &str, id: &str, who: &str, what: &str, declared: &[String]) {
        if !declared.iter().any(|d| d == id) {
            let help = allowed("declared", id, declared.iter().map(String::as_str));
            self.fault(pointer, format!("{who} names {what} `{id}`, which is not declared"), help);
        }
    }

    pub fn duration(&mut self, pointer: &str, written: Option<&str>, what: &str) -> Option<Duration> {
        match parse_duration(written?) {
            Ok(length) => Some(length),
            Err(reason) => {
                let help = "allowed: ISO 8601 such as `P14D` or `PT48H`, or short such as `14d` or `48h`";
                self.fault(pointer, format!("{what}: {reason}"), help);
                None
            }
        }
    }

    pub fn zone(&mut self, pointer: &str, written: Option<&str>) -> (TimeZone, String) {
        let Some(name) = written else { return (TimeZone::UTC, "UTC".to_owned()) };
        match TimeZone::get(name) {
            Ok(zone) => {
                let known = zone.iana_name().unwrap_or(name).to_owned();
                (zone, known)
            }
            Err(_) => {
                let names: Vec<String> = jiff::tz::db().available().map(|n| n.as_str().to_owned()).collect();
                let hint = nearest(name, names.iter().map(String::as_str));
                let hint = hint.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                let help = format!("allowed: IANA names such as `Europe/Moscow` or `UTC`{hint}");
                self.fault(pointer, format!("`{name}` is not a known time zone"), help);
                (TimeZone::UTC, name.to_owned())
            }
        }
    }

    /// A day (its start in `zone`) or an instant.
    pub fn day_or_instant(&mut self, pointer: &str, written: &str, zone: &TimeZone, what: &str) -> Option<Timestamp> {
        if let Ok(date) = written.parse::<Date>() {
            let start = date.to_zoned_datetime(zone.clone()).ok();
            if let (Some(start), false) = (start, written.contains(['T', 't', ' '])) {
                return Some(Timestamp::from_micros(start.timestamp().as_microsecond()));
            }
        }
        self.instant(pointer, written, what, "a day such as `2026-09-01`, or an instant such as `2026-09-01T00:00:00Z`")
    }

    pub fn instant(&mut self, pointer: &str, written: &str, what: &str, allowed: &str) -> Option<Timestamp> {
        let time = Timestamp::parse(written);
        match time {
            Some(t) if t.is_usable() => return time,
            Some(_) => {
                let message = format!("{what} is `{written}`, which no event can have");
                self.fault(pointer, message, "allowed: from 1990-01-01 to 2100-12-31");
            }
            None => self.fault(
                pointer,
                format!("{what} is `{written}`, which is not a time"),
                format!("allowed: {allowed}"),
            ),
        }
        None
    }

    pub fn day(&mut self, pointer: &str, written: &str, what: &str) -> Option<Day> {
        match written.parse::<Date>() {
            Ok(date) => Some(Day::from_date(date)),
            Err(_) => {
                self.fault(pointer, format!("{what} is `{written}`, which is not a day"), "allowed: `2026-12-31`");
                None
            }
        }
    }

    /// `props.a.b`, or the event's own `name` or `source`.
    pub fn property(&mut self, pointer: &str, written: &str, what: &str) -> PropertyPath {
        let inside = written.strip_prefix("props.").filter(|rest| rest.split('.').all(|part| !part.is_empty()));
        if inside.is_none() && !matches!(written, "name" | "source") {
            let plain = !written.is_empty() && written.split('.').all(|p| !p.is_empty()) && written != "props";
            let hint = if plain { format!("; did you mean `props.{written}`?") } else { String::new() };
            let help = format!("allowed: `props.NAME`, or `name` and `source` of the event{hint}");
            self.fault(pointer, format!("{what} is `{written}`, which is not a property"), help);
        }
        let parts = inside.into_iter().flat_map(|i| i.split('.')).map(Into::into).collect();
        PropertyPath { written: written.into(), parts }
    }
}

pub fn text(written: Option<TextFile>) -> Text {
    Text(match written {
        None => Default::default(),
        Some(TextFile::Plain(plain)) => [(String::new(), plain)].into(),
        Some(TextFile::ByLanguage(texts)) => texts,
    })
}

pub fn texts(written: Vec<TextFile>) -> Vec<Text> {
    written.into_iter().map(|t| text(Some(t))).collect()
}

pub fn values(written: OneOrMany<Scalar>) -> Vec<Value> {
    written.into_vec().into_iter().map(|s| s.0).collect()
}
