//! The shape of a map. In: classes, counts, walks. Out: stages (what comes in either order belongs together, what always
//! comes right after another stands in one sequence), arcs between them, entries and ends.

use petgraph::unionfind::UnionFind;

use super::Asked;
use super::classes::{Classes, Steps};
use super::counts::Counts;
use crate::map::Role;

/// Two classes of which neither comes first in more than this share of walks belong together.
const EITHER: f64 = 0.9;
/// … if they meet in this share of the walks of the rarer one.
const MEET: f64 = 0.1;
/// What ends this share of the walks that have it is an end.
const ENDS: f64 = 0.5;
/// An end comes once.
const ONCE: f64 = 1.2;
/// One always follows the other.
const ALWAYS: f64 = 0.98;
/// Stages in which this share of walks begin are entries.
const BEGIN: f64 = 0.02;

/// Words in names of events that end a journey without success.
const EXITS: [&str; 13] = [
    "cancel",
    "declin",
    "reject",
    "refus",
    "denied",
    "unsubscrib",
    "refund",
    "return",
    "abandon",
    "fail",
    "expired",
    "withdraw",
    "lost",
];

#[derive(Clone, Debug)]
pub struct Stage {
    /// In order, where `sequence`.
    pub classes: Vec<usize>,
    pub role: Role,
    pub sequence: bool,
    pub entry: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Arc {
    pub from: usize,
    pub to: usize,
    pub times: u64,
    /// Of the entries of `from`.
    pub share: f64,
    /// Nothing but the need to reach every stage and an end speaks for it.
    pub needed: bool,
    /// Seconds from first visit to first visit.
    pub took: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct Shape {
    pub stages: Vec<Stage>,
    pub arcs: Vec<Arc>,
    /// Entries of each stage, and walks that enter it.
    pub entries: Vec<u64>,
    pub walks: Vec<u64>,
    /// Seconds in a stage, by entry.
    pub stayed: Vec<Vec<f64>>,
}

impl Shape {
    pub fn of(classes: &Classes, walks: &[Steps], counts: &Counts, asked: &Asked) -> Self {
        let mut stages = stages(classes, counts, asked);
        for stage in &mut stages {
            let begin: u64 = stage.classes.iter().map(|c| counts.first[*c]).sum();
            stage.entry = stage.role == Role::None && begin as f64 >= BEGIN * counts.walks as f64 && begin > 0;
        }
        // Nothing begins anywhere else: the stage that most begin in.
        if stages.iter().all(|s| !s.entry)
            && let Some(most) = stages
                .iter_mut()
                .filter(|s| s.role == Role::None)
                .max_by_key(|s| s.classes.iter().map(|c| counts.first[*c]).sum::<u64>())
        {
            most.entry = true;
        }
        let mut shape = walked(stages, walks);
        shape.arcs.retain(|a| shape.stages[a.from].role != Role::Exit);
        shape.choose(asked.share);
        shape
    }

    /// Arcs that are walked often enough, and those without which a stage or an end is out of reach.
    fn choose(&mut self, share: f64) {
        let mut chosen: Vec<bool> = self.arcs.iter().map(|a| a.share >= share).collect();
        let n = self.stages.len();
        let any_end = self.stages.iter().any(|s| matches!(s.role, Role::Success | Role::Exit));
        loop {
            let arcs: Vec<(usize, usize)> =
                self.arcs.iter().zip(&chosen).filter(|(_, c)| **c).map(|(a, _)| (a.from, a.to)).collect();
            let entries = (0..n).filter(|&s| self.stages[s].entry).collect();
            let reached = spread(n, entries, &arcs);
            let back: Vec<(usize, usize)> = arcs.iter().map(|&(a, b)| (b, a)).collect();
            let ends: Vec<usize> =
                (0..n).filter(|&s| matches!(self.stages[s].role, Role::Success | Role::Exit)).collect();
            let ending = spread(n, ends.clone(), &back);
            let lacks_way = (0..n).find(|&s| !reached[s]).map(|s| (s, true));
            let lacks_end = || (0..n).find(|&s| any_end && !ending[s]).map(|s| (s, false));
            let Some((stage, way)) = lacks_way.or_else(lacks_end) else { break };
            let fits = |a: &Arc| if way { a.to == stage && reached[a.from] } else { a.from == stage && ending[a.to] };
            let found =
                (0..self.arcs.len()).filter(|&i| !chosen[i] && fits(&self.arcs[i])).max_by_key(|&i| self.arcs[i].times);
            match found {
                Some(i) => {
                    chosen[i] = true;
                    self.arcs[i].needed = true;
                }
                None => {
                    // Nobody ever walked there: from the stage before, or to the first end.
                    let from = (0..n).rev().find(|&s| reached[s] && s != stage && self.stages[s].role != Role::Exit);
                    let (from, to) = if way { (from.unwrap_or(0), stage) } else { (stage, ends[0]) };
                    self.arcs.push(Arc { from, to, needed: true, ..Arc::default() });
                    chosen.push(true);
                    if from == to {
                        break;
                    }
                }
            }
        }
        let mut keep = chosen.into_iter();
        self.arcs.retain(|_| keep.next().unwrap_or(false));
        self.arcs.sort_by(|a, b| (a.from, b.times, a.to).cmp(&(b.from, a.times, b.to)));
    }
}

fn spread(n: usize, from: Vec<usize>, arcs: &[(usize, usize)]) -> Vec<bool> {
    let mut reached = vec![false; n];
    let mut waiting = from;
    while let Some(at) = waiting.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            waiting.extend(arcs.iter().filter(|(a, _)| *a == at).map(|(_, b)| *b));
        }
    }
    reached
}

fn stages(classes: &Classes, counts: &Counts, asked: &Asked) -> Vec<Stage> {
    let n = classes.list.len();
    let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    let goal = |c: usize| asked.goals.iter().any(|g| g.matches(&classes.list[c].name));
    let once = |c: usize| share(counts.visits[c], counts.with[c]) <= ONCE;
    // An end by itself; ends that are one of several come with their group.
    let ends = |c: usize| {
        once(c) && share(counts.last[c], counts.with[c]) >= ENDS && share(counts.first[c], counts.with[c]) < 0.5
    };
    let exit = |c: usize| {
        let name = classes.list[c].name.to_lowercase();
        ends(c) && !goal(c) && EXITS.iter().any(|w| name.contains(w))
    };
    let mut together = UnionFind::<usize>::new(n);
    for a in 0..n {
        for b in a + 1..n {
            if exit(a) || exit(b) || goal(a) != goal(b) {
                continue;
            }
            let (ab, ba) = (counts.before(a, b), counts.before(b, a));
            let meet = ab + ba;
            let enough = meet > 4 && meet as f64 >= MEET * counts.with[a].min(counts.with[b]) as f64;
            if enough && (ab.max(ba) as f64) < EITHER * meet as f64 {
                together.union(a, b);
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (c, group) in together.into_labeling().into_iter().enumerate() {
        match groups.iter_mut().find(|g| g[0] == group) {
            Some(list) => list.push(c),
            None if group == c => groups.push(vec![c]),
            // Its first member comes later in the list.
            None => groups.push(vec![group, c]),
        }
    }
    groups.iter_mut().for_each(|g| {
        g.sort_unstable();
        g.dedup();
    });
    let place = |g: &Vec<usize>| {
        let earliest = g.iter().map(|c| share(counts.place[*c], counts.with[*c]));
        earliest.fold(f64::INFINITY, f64::min)
    };
    let mut stages: Vec<(f64, Stage)> = groups
        .into_iter()
        .map(|group| {
            // Nearly every walk has one visit of the group's commonest class.
            let most = group.iter().map(|c| counts.with[*c]).max().unwrap_or_default();
            let last: u64 = group.iter().map(|c| counts.last[*c]).sum();
            let first: u64 = group.iter().map(|c| counts.first[*c]).sum();
            let closes = group.iter().all(|c| once(*c)) && share(last, most) >= ENDS && share(first, most) < 0.5;
            let role = match group[..] {
                [c] if exit(c) => Role::Exit,
                _ if group.iter().any(|c| goal(*c)) => Role::Success,
                _ if closes && asked.goals.is_empty() => Role::Success,
                _ => Role::None,
            };
            (place(&group), Stage { classes: group, role, sequence: false, entry: false })
        })
        .collect();
    let rank = |role: Role| match role {
        Role::Success => 1,
        Role::Exit => 2,
        Role::None | Role::Entry => 0,
    };
    stages
        .sort_by(|(a, x), (b, y)| rank(x.role).cmp(&rank(y.role)).then(a.total_cmp(b)).then(x.classes.cmp(&y.classes)));
    chained(stages.into_iter().map(|(_, s)| s).collect(), classes, counts)
}

/// Stages of one class each, of which the second always follows the first directly, become one sequence.
fn chained(stages: Vec<Stage>, classes: &Classes, counts: &Counts) -> Vec<Stage> {
    let mut out: Vec<Stage> = Vec::new();
    for stage in stages {
        if let Some(before) = out.last_mut()
            && before.role == Role::None
            && stage.role == Role::None
            && (before.classes.len() == 1 || before.sequence)
            && let [class] = stage.classes[..]
            && let Some(&last) = before.classes.last()
        {
            let times = counts.follows(last, class) as f64;
            // In a sequence the order of rules is the order of visits.
            let free = classes.special(last) == classes.special(class);
            if free
                && times >= ALWAYS * counts.visits[last] as f64
                && times >= ALWAYS * counts.visits[class] as f64
                && times > 0.0
            {
                before.classes.push(class);
                before.sequence = true;
                continue;
            }
        }
        out.push(stage);
    }
    out
}

/// Walks as stage entries.
fn walked(stages: Vec<Stage>, walks: &[Steps]) -> Shape {
    let n = stages.len();
    let of = |class: u16| stages.iter().position(|s| s.classes.contains(&usize::from(class))).unwrap_or_default();
    let (mut arcs, mut entries, mut entered) = (vec![Arc::default(); n * n], vec![0; n], vec![0; n]);
    let mut stayed = vec![Vec::new(); n];
    for walk in walks {
        let mut inside: Option<(usize, crate::time::Timestamp, crate::time::Timestamp)> = None;
        let mut met = vec![false; n];
        for &(at, class) in walk {
            let stage = of(class);
            match &mut inside {
                Some((now, _, last)) if *now == stage => *last = at,
                other => {
                    if let Some((before, first, last)) = *other {
                        let arc = &mut arcs[before * n + stage];
                        arc.times += 1;
                        arc.took.push(at.seconds_since(first));
                        stayed[before].push(last.seconds_since(first));
                    }
                    *other = Some((stage, at, at));
                    entries[stage] += 1;
                    met[stage] = true;
                }
            }
        }
        if let Some((stage, first, last)) = inside {
            stayed[stage].push(last.seconds_since(first));
        }
        (0..n).filter(|&s| met[s]).for_each(|s| entered[s] += 1);
    }
    let each = arcs.into_iter().enumerate().filter(|(_, a)| a.times > 0);
    let arcs =
        each.map(|(i, a)| Arc { from: i / n, to: i % n, share: a.times as f64 / entries[i / n] as f64, ..a }).collect();
    Shape { stages, arcs, entries, walks: entered, stayed }
}
