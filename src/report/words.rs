//! The report's own words in English and Russian. Titles of stages come from the journey file, not from here.

use crate::compare::{AcceptedState, Expected, TransitionMark, Verdict};
use crate::journey::Went;
use crate::map::{DesignedMap, Metric, Role};

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

    /// A type of deviation; its technical name stands beside it.
    pub fn deviation(self, kind: &str) -> &'static str {
        match kind {
            "out_of_order" => self.pick("in another order", "в другом порядке"),
            "repeated" => self.pick("repeated too often", "повторено слишком часто"),
            "forbidden" => self.pick("forbidden way", "запрещённый переход"),
            "unexpected" => self.pick("not in the design", "нет в замысле"),
            "missing" => self.pick("left out", "пропущено"),
            "too_slow" => self.pick("too slow", "слишком медленно"),
            "too_fast" => self.pick("too fast", "слишком быстро"),
            "wrong_channel" => self.pick("through another channel", "не тот канал"),
            "failed" => self.pick("failed", "сбой"),
            _ => self.pick("deviation", "отклонение"),
        }
    }

    /// Where somebody went after a drop-off.
    pub const fn went(self, went: Option<Went>) -> &'static str {
        match went {
            Some(Went::ExitReason) => self.pick("ended with a reason", "завершили с причиной"),
            Some(Went::Failed) => self.pick("after a failure or problem", "после сбоя или проблемы"),
            Some(Went::Support) => self.pick("contacted support", "обратились в поддержку"),
            Some(Went::Channel) => self.pick("went on in another channel", "перешли в другой канал"),
            Some(Went::Outside) => self.pick("went on outside the map", "продолжили вне карты"),
            Some(Went::CameBack) => self.pick("came back later", "вернулись позже"),
            Some(Went::Silence) => self.pick("silence", "молчание"),
            None => self.pick("not told by an older program", "старая программа не сообщила"),
        }
    }

    /// A verdict with a sign that reads without colour.
    pub const fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Met => self.pick("✓ met", "✓ выполнено"),
            Verdict::Missed => self.pick("✗ missed", "✗ не выполнено"),
            Verdict::TooClose => self.pick("≈ too close", "≈ слишком близко"),
            Verdict::NotEnoughData => self.pick("… not enough data", "… мало данных"),
            Verdict::Untold => self.pick("*** not told", "*** не сообщается"),
        }
    }

    pub fn accepted(self, state: AcceptedState) -> &'static str {
        match state {
            AcceptedState::Holds => self.pick("holds", "действует"),
            AcceptedState::EndsSoon => self.pick("! ends within 14 days", "! закончится в течение 14 дней"),
            AcceptedState::Ended => self.pick("! has ended", "! закончилось"),
        }
    }

    /// What a journey file expects, in words.
    pub const fn expected(self, expected: Expected) -> &'static str {
        match expected {
            Expected::TargetShare => self.pick("share that goes on", "доля переходов"),
            Expected::Within => self.pick("time to the next stage", "время до следующего этапа"),
            Expected::NotBefore => self.pick("not sooner than", "не раньше чем"),
            Expected::MaxTime => self.pick("time in the stage", "время на этапе"),
            Expected::Emotion => self.pick("emotion", "эмоция"),
            Expected::EmotionAlert => self.pick("emotion not below", "эмоция не ниже"),
            Expected::EmotionOfPersona => self.pick("emotion of a persona", "эмоция персоны"),
            Expected::Kpi(metric) => match metric {
                Metric::Conversion => self.pick("conversion", "конверсия"),
                Metric::DropOffRate => self.pick("drop-off rate", "доля потерь"),
                Metric::TimeInStageP50 | Metric::TimeInStageP90 => self.pick("time in the stage", "время на этапе"),
                Metric::TimeToNextP50 | Metric::TimeToNextP90 => {
                    self.pick("time to the next stage", "время до следующего этапа")
                }
                Metric::Overall => self.pick("reach the goal", "доходят до цели"),
            },
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
