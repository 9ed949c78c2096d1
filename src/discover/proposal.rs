//! A shape as a journey file. In: trails and what is asked. Out: the file's text, each part with what was counted for it as
//! a comment, and how much of the events it covers.

use std::fmt::Write;

use super::classes::{Class, Classes, Steps};
use super::counts::Counts;
use super::shape::{Shape, Stage};
use super::units::{percent, quantile, said};
use super::{Asked, Trail};
use crate::map::written::length;
use crate::map::{self, Role};
use crate::yaml::{Faults, Fields, Written, write};

/// Quantiles of fewer times say nothing.
const TIMES: usize = 30;
/// A silence longer than this share of all gaps ends a journey.
const GAPS: f64 = 0.99;
/// A touchpoint of a stage is required if this share of the walks that enter the stage have it.
const REQUIRED: f64 = 0.99;
/// A limit of visits holds for this share of entries, and is stated up to so many.
const REPEATS: (f64, u32) = (0.99, 3);

/// A journey file, and what it rests on.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub text: String,
    pub events: u64,
    pub mapped: u64,
    pub walks: u64,
}

/// A file that the check accepts; `label` is how messages call it.
pub fn propose(trails: &[Trail], asked: &Asked, label: &str) -> Result<Proposal, Faults> {
    let classes = Classes::of(trails, asked);
    let whole: Vec<Steps> = trails.iter().map(|t| classes.steps(t, asked)).filter(|s| !s.is_empty()).collect();
    let silence = asked.silence.unwrap_or_else(|| silence(&whole));
    let walks = match asked.key {
        Some(_) => whole,
        None => whole.iter().flat_map(|w| parted(w, silence.as_secs_f64())).collect(),
    };
    let counts = Counts::of(classes.list.len(), &walks);
    let shape = Shape::of(&classes, &walks, &counts, asked);
    let part = Part { asked, classes: &classes, walks: &walks, counts: &counts, shape: &shape };
    let text = part.file(silence, trails);
    let mapped = classes.events - classes.left_out;
    map::parse(label, &text).map(|_| Proposal { text, events: classes.events, mapped, walks: counts.walks })
}

/// The gap that nearly all gaps are shorter than.
fn silence(walks: &[Steps]) -> std::time::Duration {
    let mut gaps: Vec<f64> =
        walks.iter().flat_map(|w| w.windows(2).map(|pair| pair[1].0.seconds_since(pair[0].0))).collect();
    said(quantile(&mut gaps, GAPS).unwrap_or(30.0 * 86_400.0).max(1_800.0))
}

/// Cut where nothing happened for longer.
fn parted(walk: &Steps, silence: f64) -> Vec<Steps> {
    let mut out: Vec<Steps> = Vec::new();
    for step in walk {
        match out.last_mut() {
            Some(list) if list.last().is_some_and(|(at, _)| step.0.seconds_since(*at) <= silence) => list.push(*step),
            _ => out.push(vec![*step]),
        }
    }
    out
}

struct Part<'a> {
    asked: &'a Asked,
    classes: &'a Classes,
    walks: &'a [Steps],
    counts: &'a Counts,
    shape: &'a Shape,
}

impl Part<'_> {
    fn file(&self, silence: std::time::Duration, trails: &[Trail]) -> String {
        let (classes, counts, shape) = (self.classes, self.counts, self.shape);
        let mut head = Fields::default();
        head.put("schema", "journey/v1");
        head.put("id", self.asked.id.as_str());
        head.put("version", 1_u32);
        head.put("status", "draft");
        head.put_some("journey_key", self.asked.key.as_deref());
        head.put_some("after_goal", self.after_goal().map(length));
        let mut drop_off = Fields::default();
        drop_off.put("after", length(silence));
        head.put("drop_off", drop_off);
        let mut out = String::new();
        let mapped = classes.events - classes.left_out;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "# Proposed by `tropa discover` from {} events of {} trails in {} journeys; {} of the events are mapped.\n\
             # A draft counts nothing: name things, say what is a success and what an exit, then take `status` away.",
            classes.events,
            trails.len(),
            counts.walks,
            percent(mapped, classes.events)
        );
        out.push_str(&write(&head));
        out.push_str("stages:\n");
        for (s, stage) in shape.stages.iter().enumerate() {
            let times = format!("{} journeys ({})", shape.walks[s], percent(shape.walks[s], counts.walks));
            line(&mut out, self.stage(s, stage), &times);
        }
        out.push_str("touchpoints:\n");
        for c in self.order() {
            let times = format!(
                "{} events, {} journeys ({})",
                counts.visits[c],
                counts.with[c],
                percent(counts.with[c], counts.walks)
            );
            line(&mut out, self.touchpoint(c, &classes.list[c]), &times);
        }
        if !shape.arcs.is_empty() {
            out.push_str("transitions:\n");
        }
        for arc in &shape.arcs {
            let id = |s: usize| self.stage_id(s);
            let mut fields = Fields::default();
            fields.put("from", id(arc.from));
            fields.put("to", id(arc.to));
            let most = shape.arcs.iter().filter(|a| a.from == arc.from).all(|a| a.times <= arc.times);
            let expected = most && !arc.needed;
            fields.put("kind", if expected { "expected" } else { "allowed" });
            let mut took = arc.took.clone();
            if expected && took.len() >= TIMES {
                fields.put_some("within", quantile(&mut took, self.asked.quantile).map(|s| length(said(s))));
            }
            let why = if arc.needed { ", needed to reach every stage and an end" } else { "" };
            line(
                &mut out,
                fields,
                &format!("{} times, {} of entries{why}", arc.times, percent(arc.times, shape.entries[arc.from])),
            );
        }
        out
    }

    /// Touchpoints as they are to stand: special rules first, then as in the stages.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = self.shape.stages.iter().flat_map(|s| s.classes.iter().copied()).collect();
        order.sort_by_key(|c| self.classes.special(*c));
        order
    }

    /// A stage is called as its first touchpoint.
    fn stage_id(&self, s: usize) -> String {
        let most = |c: &&usize| std::cmp::Reverse(self.counts.with[**c]);
        let stage = &self.shape.stages[s];
        let named = if stage.sequence { stage.classes.first() } else { stage.classes.iter().min_by_key(most) };
        named.map_or_else(String::new, |c| self.classes.list[*c].id.clone())
    }

    fn stage(&self, s: usize, stage: &Stage) -> Fields {
        let mut out = Fields::default();
        out.put("id", self.stage_id(s));
        match stage.role {
            Role::Success => out.put("role", "success"),
            Role::Exit => out.put("role", "exit"),
            Role::None | Role::Entry if stage.entry => out.put("role", "entry"),
            Role::None | Role::Entry => {}
        }
        let mut stayed = self.shape.stayed[s].clone();
        if stage.role == Role::None && stayed.len() >= TIMES {
            let limit = quantile(&mut stayed, self.asked.quantile).filter(|seconds| *seconds > 0.0);
            out.put_some("max_time", limit.map(|s| length(said(s))));
        }
        if stage.sequence {
            out.put("sequence", true);
        }
        out
    }

    fn touchpoint(&self, c: usize, class: &Class) -> Fields {
        let s = self.shape.stages.iter().position(|s| s.classes.contains(&c)).unwrap_or_default();
        let stage = &self.shape.stages[s];
        let mut out = Fields::default();
        out.put("id", class.id.as_str());
        out.put("stage", self.stage_id(s));
        let often = self.counts.with[c] as f64 >= REQUIRED * self.shape.walks[s] as f64;
        if often && stage.role == Role::None && stage.classes.len() > 1 {
            out.put("required", true);
        }
        out.put_some("max_repeats", self.repeats(c).filter(|n| *n <= REPEATS.1));
        let mut rule = Fields::default();
        rule.put("source", &*class.source);
        // A star in a name would stand for anything; so it does for itself.
        rule.put("event", &*class.name);
        rule.put_some("path", class.path.as_deref());
        out.put("match", rule);
        out
    }

    /// Visits in one stage entry that nearly all entries keep to.
    fn repeats(&self, c: usize) -> Option<u32> {
        let own = self.shape.stages.iter().find(|s| s.classes.contains(&c))?;
        let mut times: Vec<f64> = Vec::new();
        for walk in self.walks {
            let mut run = 0.0;
            for (_, class) in walk {
                let class = usize::from(*class);
                if class == c {
                    run += 1.0;
                } else if !own.classes.contains(&class) && run > 0.0 {
                    times.push(run);
                    run = 0.0;
                }
            }
            if run > 0.0 {
                times.push(run);
            }
        }
        quantile(&mut times, REPEATS.0).map(|n| n as u32)
    }

    /// How long what belongs to a success still comes after it.
    fn after_goal(&self) -> Option<std::time::Duration> {
        let success = |class: u16| {
            let own = |s: &&Stage| s.role == Role::Success && s.classes.contains(&usize::from(class));
            self.shape.stages.iter().any(|s| own(&s))
        };
        let mut behind: Vec<f64> = Vec::new();
        for walk in self.walks {
            let Some(first) = walk.iter().find(|(_, class)| success(*class)) else { continue };
            behind.extend(walk.last().map(|(at, _)| at.seconds_since(first.0)));
        }
        let after = quantile(&mut behind, GAPS)?;
        let more = self.shape.stages.iter().any(|s| s.role == Role::Success && s.classes.len() > 1);
        (after > 0.0 || more).then(|| said(after))
    }
}

/// One line of a list, with what was counted.
pub(super) fn line(out: &mut String, fields: Fields, counted: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  - {}  # {counted}", Written::Map(fields).on_one_line());
}
