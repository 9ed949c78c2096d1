//! An alignment as typed deviations (semantics.md, "Conformance", "Deviation types"). In: a path and its moves. Out: each
//! deviation once per kind and place, sorted.

use std::fmt::Write;

use rustc_hash::FxHashMap;

use super::align::Move;
use super::model::{Model, Symbol};
use crate::map::{DesignedMap, DeviationKind, StageIx, TouchpointIx, TransitionKind};

/// Where a deviation lies: with its kind the key under which it counts once per journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Touchpoint(TouchpointIx),
    Stage(StageIx),
    /// The choice (`one_of`) of a stage.
    OneOf(StageIx),
    /// From stage to stage.
    Change(StageIx, StageIx),
}

impl Place {
    /// Ids in words: a touchpoint, a stage, the touchpoints of a choice, or both stages of a change.
    pub fn words(self, map: &DesignedMap) -> String {
        let stage = |s: StageIx| &map.stages[usize::from(s)];
        let touchpoint = |t: TouchpointIx| &*map.touchpoints[usize::from(t)].id;
        match self {
            Self::Touchpoint(t) => touchpoint(t).to_owned(),
            Self::Stage(s) => stage(s).id.to_string(),
            Self::OneOf(s) => stage(s).one_of.iter().map(|&t| touchpoint(t)).collect::<Vec<_>>().join(" "),
            Self::Change(from, to) => format!("{} {}", stage(from).id, stage(to).id),
        }
    }

    /// The stage it lies in, or leaves.
    pub fn stage(self, map: &DesignedMap) -> StageIx {
        match self {
            Self::Touchpoint(t) => map.touchpoints[usize::from(t)].stage,
            Self::Stage(s) | Self::OneOf(s) | Self::Change(s, _) => s,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deviation {
    pub kind: DeviationKind,
    pub place: Place,
}

impl Deviation {
    /// `missing approved`, `unexpected sign decide`: as a journey file's tests write it.
    pub fn words(&self, map: &DesignedMap) -> String {
        let mut words = self.kind.as_str().to_owned();
        write!(words, " {}", self.place.words(map)).ok();
        words
    }
}

/// The deviations of one alignment.
pub fn deviations(map: &DesignedMap, model: &Model, moves: &[Move]) -> Vec<Deviation> {
    if moves.iter().all(|m| m.is_sync()) {
        return Vec::new();
    }
    let mut sorting =
        Sorting { map, model, moves, left: moves.iter().map(|m| !m.is_sync()).collect(), out: Vec::new() };
    sorting.out_of_order();
    let events = sorting.events();
    sorting.repeated_touchpoints(&events);
    sorting.changes(&events);
    sorting.others();
    sorting.out.sort_unstable();
    sorting.out.dedup();
    sorting.out
}

struct Sorting<'a> {
    map: &'a DesignedMap,
    model: &'a Model,
    moves: &'a [Move],
    /// Moves that no deviation has taken yet.
    left: Vec<bool>,
    out: Vec<Deviation>,
}

/// An event of the path: where its move stands, and which stage entry it belongs to.
struct Event {
    place: usize,
    symbol: Symbol,
    stage: StageIx,
    entry: usize,
}

impl Sorting<'_> {
    fn push(&mut self, kind: DeviationKind, place: Place) {
        self.out.push(Deviation { kind, place });
    }

    fn touchpoint(&self, symbol: Symbol) -> Place {
        Place::Touchpoint(self.model.step(symbol).touchpoint)
    }

    /// A log and a model move of one touchpoint, first with first.
    fn out_of_order(&mut self) {
        let mut of: FxHashMap<Symbol, (Vec<usize>, Vec<usize>)> = FxHashMap::default();
        for (place, taken) in self.moves.iter().enumerate() {
            match taken {
                Move::Log(symbol) => of.entry(*symbol).or_default().0.push(place),
                Move::Model(symbol) => of.entry(*symbol).or_default().1.push(place),
                Move::Sync(_) => {}
            }
        }
        for (symbol, (log, model)) in of {
            for (log, model) in log.into_iter().zip(model) {
                (self.left[log], self.left[model]) = (false, false);
                self.push(DeviationKind::OutOfOrder, self.touchpoint(symbol));
            }
        }
    }

    fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::with_capacity(self.moves.len());
        for (place, taken) in self.moves.iter().enumerate().filter(|(_, m)| !matches!(m, Move::Model(_))) {
            let symbol = taken.symbol();
            let stage = self.model.step(symbol).stage;
            let entry = events.last().map_or(0, |last| last.entry + usize::from(last.stage != stage));
            events.push(Event { place, symbol, stage, entry });
        }
        events
    }

    /// A log move of a touchpoint visited more often than `max_repeats` in that stage entry.
    fn repeated_touchpoints(&mut self, events: &[Event]) {
        for event in events {
            let Some((limit, _)) = self.model.step(event.symbol).limit else { continue };
            let visits = events.iter().filter(|e| (e.entry, e.symbol) == (event.entry, event.symbol)).count();
            if self.left[event.place] && visits > limit as usize {
                self.left[event.place] = false;
                self.push(DeviationKind::Repeated, self.touchpoint(event.symbol));
            }
        }
    }

    /// Stage changes without an arc, or past its limit; each absorbs what lies in the run of moves that touches it.
    fn changes(&mut self, events: &[Event]) {
        let mut times: FxHashMap<(StageIx, StageIx), u32> = FxHashMap::default();
        for pair in events.windows(2).filter(|pair| pair[0].stage != pair[1].stage) {
            let (from, to) = (pair[0].stage, pair[1].stage);
            let times = times.entry((from, to)).or_default();
            *times += 1;
            let kind = match self.model.arc(from, to) {
                Some(arc) => match self.model.arcs[arc].limit {
                    Some((limit, _)) if *times > limit => DeviationKind::Repeated,
                    _ => continue,
                },
                None => {
                    let listed = self.map.transitions.iter().find(|t| (t.from, t.to) == (from, to));
                    let forbidden = listed.is_some_and(|t| t.kind == TransitionKind::Forbidden);
                    if forbidden { DeviationKind::Forbidden } else { DeviationKind::Unexpected }
                }
            };
            self.push(kind, Place::Change(from, to));
            self.absorb(pair[0].place, pair[1].place, from, to);
        }
    }

    /// Takes the log moves, and the model moves in other stages than those of the change, of the run of non-sync moves
    /// between, at or around the moves of the two events.
    fn absorb(&mut self, before: usize, after: usize, from: StageIx, to: StageIx) {
        let (mut first, mut last) = (before + 1, after);
        while first > 0 && !self.moves[first - 1].is_sync() {
            first -= 1;
        }
        while last < self.moves.len() && !self.moves[last].is_sync() {
            last += 1;
        }
        for place in first..last {
            let stage = self.model.step(self.moves[place].symbol()).stage;
            if matches!(self.moves[place], Move::Log(_)) || (stage != from && stage != to) {
                self.left[place] = false;
            }
        }
    }

    fn others(&mut self) {
        let mut visited = vec![false; self.model.steps.len()];
        for (place, &taken) in self.moves.iter().enumerate() {
            let symbol = taken.symbol();
            match taken {
                Move::Log(_) if self.left[place] => self.push(DeviationKind::Unexpected, self.touchpoint(symbol)),
                Move::Model(_) if self.left[place] => {
                    let place = self.owed(symbol, &visited);
                    self.push(DeviationKind::Missing, place);
                }
                _ => {}
            }
            if !matches!(taken, Move::Log(_)) {
                visited[usize::from(symbol)] = true;
            }
        }
    }

    /// What a model move stands for: the touchpoint if it was still owed, else the choice, else the stage.
    fn owed(&self, symbol: Symbol, visited: &[bool]) -> Place {
        let step = self.model.step(symbol);
        let touchpoint = &self.map.touchpoints[usize::from(step.touchpoint)];
        let stage = &self.map.stages[usize::from(step.stage)];
        let was = |&t: &TouchpointIx| self.model.symbol(t).is_some_and(|s| visited[usize::from(s)]);
        if touchpoint.required && !visited[usize::from(symbol)] {
            Place::Touchpoint(step.touchpoint)
        } else if stage.one_of.contains(&step.touchpoint) && !stage.one_of.iter().any(was) {
            Place::OneOf(step.stage)
        } else {
            Place::Stage(step.stage)
        }
    }
}
