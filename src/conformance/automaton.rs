//! The model's states as they are met, each once, with the steps that leave it. In: a [`Model`]. Out: state numbers and,
//! for a state and a touchpoint, the next state. A model may have more states than anyone visits, so they are made when
//! asked for; what comes out does not depend on what was asked before.

use rustc_hash::FxHashMap;

use super::model::{Model, Symbol};
use super::state::State;

pub type StateId = u32;

/// No step.
pub const NONE: StateId = StateId::MAX;

#[derive(Debug)]
pub struct Automaton {
    model: Model,
    ids: FxHashMap<State, StateId>,
    states: Vec<State>,
    /// By state: where its row begins in `rows`, once its steps are known.
    row: Vec<Option<u32>>,
    /// By row and symbol: the state after a visit.
    rows: Vec<StateId>,
    /// By row: the steps there are, in order of rank.
    steps: Vec<Box<[(Symbol, StateId)]>>,
}

impl Automaton {
    pub fn new(model: Model) -> Self {
        let mut automaton = Self {
            model,
            ids: FxHashMap::default(),
            states: Vec::new(),
            row: Vec::new(),
            rows: Vec::new(),
            steps: Vec::new(),
        };
        automaton.forget();
        automaton
    }

    /// Begins again with the start alone: memory is bounded by whoever asks.
    pub fn forget(&mut self) {
        self.ids.clear();
        self.states.clear();
        self.row.clear();
        self.rows.clear();
        self.steps.clear();
        let start = State::start(&self.model);
        self.id(start);
    }

    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// States met so far.
    pub const fn len(&self) -> usize {
        self.states.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    pub const fn start(&self) -> StateId {
        0
    }

    pub fn state(&self, id: StateId) -> &State {
        &self.states[id as usize]
    }

    fn id(&mut self, state: State) -> StateId {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = self.states.len() as StateId;
        self.states.push(state.clone());
        self.row.push(None);
        self.ids.insert(state, id);
        id
    }

    fn row(&mut self, id: StateId) -> usize {
        if let Some(row) = self.row[id as usize] {
            return row as usize;
        }
        let row = self.steps.len();
        let from = self.states[id as usize].clone();
        let mut steps = Vec::new();
        for symbol in 0..self.model.steps.len() as Symbol {
            let to = from.visit(&self.model, symbol).map_or(NONE, |state| self.id(state));
            self.rows.push(to);
            if to != NONE {
                steps.push((symbol, to));
            }
        }
        self.steps.push(steps.into());
        self.row[id as usize] = Some(row as u32);
        row
    }

    /// The state after a visit, or [`NONE`].
    pub fn next(&mut self, id: StateId, symbol: Symbol) -> StateId {
        let row = self.row(id);
        self.rows[row * self.model.steps.len() + usize::from(symbol)]
    }

    /// Every step from a state, in order of rank.
    pub fn steps(&mut self, id: StateId) -> &[(Symbol, StateId)] {
        let row = self.row(id);
        &self.steps[row]
    }

    /// What the state has decided: place in `Model::ends`.
    pub fn end(&self, id: StateId) -> Option<u16> {
        self.state(id).end.checked_sub(1)
    }
}
