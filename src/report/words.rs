//! The report's own words in English and Russian. Titles of stages come from the journey file, not from here.

use crate::compare::TransitionMark;
use crate::map::{DesignedMap, Role};

/// A language the report speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    English,
    Russian,
}

impl Language {
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Russian => "Русский",
        }
    }

    /// The languages in which the map's stages have titles; English if none of ours.
    pub fn of(map: &DesignedMap) -> Vec<Self> {
        let has = |l: &Self| map.stages.iter().any(|s| s.title.0.contains_key(l.code()));
        let spoken: Vec<Self> = [Self::English, Self::Russian].into_iter().filter(has).collect();
        if spoken.is_empty() { vec![Self::English] } else { spoken }
    }

    pub const fn pick(self, en: &'static str, ru: &'static str) -> &'static str {
        match self {
            Self::English => en,
            Self::Russian => ru,
        }
    }

    pub const fn mark(self, mark: TransitionMark) -> &'static str {
        match mark {
            TransitionMark::Planned => self.pick("planned", "по плану"),
            TransitionMark::Unplanned => self.pick("unplanned", "вне плана"),
            TransitionMark::Unused => self.pick("unused", "не ходят"),
            TransitionMark::Forbidden => self.pick("forbidden", "запрещён"),
            TransitionMark::Boundary => self.pick("start or end", "начало или конец"),
        }
    }

    pub const fn role(self, role: Role) -> &'static str {
        match role {
            Role::None => "",
            Role::Entry => self.pick("entry", "вход"),
            Role::Success => self.pick("goal", "цель"),
            Role::Exit => self.pick("exit", "выход"),
        }
    }

    /// `start` and the four outcomes; a stage id comes back as it is.
    pub fn boundary(self, id: &str) -> Option<&'static str> {
        Some(match id {
            "start" => self.pick("start", "начало"),
            "completed" => self.pick("completed", "дошли до цели"),
            "ended" => self.pick("ended", "завершили с причиной"),
            "dropped" => self.pick("dropped", "ушли молча"),
            "in_flight" => self.pick("in flight", "в пути"),
            _ => return None,
        })
    }
}
