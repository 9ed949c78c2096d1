//! Order within one instant. In: visits of one moment with their ranks. Out: which comes next, and afterwards which
//! journeys rest on an order that nobody knows. Between instants there is nothing to decide.

use smallvec::SmallVec;

use super::{CustomerEvent, FoldContext};
use crate::event::SourceId;

/// The visits of one moment, source by source, merged by rank and source name.
pub(super) struct Merge<'e> {
    /// By (source, sequence, rank, event_id), last first: a source's next visit is its run's last item.
    runs: SmallVec<[SmallVec<[Ranked<'e>; 8]>; 2]>,
}

pub(super) struct Ranked<'e> {
    pub rank: u16,
    pub event: &'e CustomerEvent,
}

impl<'e> Merge<'e> {
    pub fn new(visits: impl Iterator<Item = Ranked<'e>>) -> Self {
        let mut runs: SmallVec<[SmallVec<[Ranked<'e>; 8]>; 2]> = SmallVec::new();
        for visit in visits {
            match runs.iter_mut().find(|run| run[0].event.source == visit.event.source) {
                Some(run) => run.push(visit),
                None => runs.push(SmallVec::from_iter([visit])),
            }
        }
        for run in &mut runs {
            // None, no sequence, is the least.
            run.sort_unstable_by(|a, b| {
                let order = (b.event.sequence, b.rank).cmp(&(a.event.sequence, a.rank));
                order.then_with(|| b.event.event_id.cmp(&a.event.event_id))
            });
        }
        Self { runs }
    }

    /// Of the sources' next visits the one with the least (rank, source name).
    pub fn next(&mut self, context: &FoldContext<'_>) -> Option<&'e CustomerEvent> {
        let heads = self.runs.iter().enumerate().filter_map(|(i, run)| run.last().map(|head| (i, head)));
        let (i, _) = heads.min_by_key(|(_, head)| (head.rank, context.source_name(head.event.source)))?;
        self.runs[i].pop().map(|visit| visit.event)
    }

    /// What has not been taken.
    pub fn rest(self) -> impl Iterator<Item = &'e CustomerEvent> {
        self.runs.into_iter().flatten().map(|visit| visit.event)
    }
}

/// One visit of an instant with several, as it was judged.
pub(super) struct Tied<'a> {
    pub source: SourceId,
    pub sequence: Option<i64>,
    /// Id, since versions number their touchpoints differently.
    pub touchpoint: &'a str,
    /// `None`: it stayed outside.
    pub journey: Option<usize>,
}

/// Tells each journey touched by a pair of visits of different touchpoints whose order rests on the line of a file (a
/// source `by_line`), on rank (one source, one sequence) or on different sources.
pub(super) fn ambiguous(tied: &mut [Tied<'_>], context: &FoldContext<'_>, mut touched: impl FnMut(usize)) {
    for visit in tied.iter_mut().filter(|visit| context.is_by_line(visit.source)) {
        visit.sequence = None;
    }
    tied.sort_unstable_by_key(|visit| (visit.source, visit.sequence, visit.touchpoint));
    let mut kinds: SmallVec<[(SourceId, &str); 8]> = tied.iter().map(|v| (v.source, v.touchpoint)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for run in tied.chunk_by(|a, b| (a.source, a.sequence) == (b.source, b.sequence)) {
        let mixed = run[0].touchpoint != run[run.len() - 1].touchpoint;
        for visit in run {
            let elsewhere = || kinds.iter().any(|&(source, t)| source != visit.source && t != visit.touchpoint);
            if let Some(journey) = visit.journey
                && (mixed || elsewhere())
            {
                touched(journey);
            }
        }
    }
}
