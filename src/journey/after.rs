//! Where people go after a drop-off. In: a customer's journeys, and whatever else it did: visits of no journey, events on no
//! touchpoint. Out: what followed the last visit of each undecided journey, as the first word of [`Went`] that holds.
//! Whether silence has made a drop-off of it is decided later, by `as_of`; nothing here depends on that.

use std::sync::Arc;

use super::context::{FoldContext, Versions};
use super::{CustomerEvent, Decision, Journey, Visit};
use crate::map::DesignedMap;
use crate::time::Timestamp;
use crate::touchpoint::VersionMatch;

/// Where a customer went, the first that holds. "In the window": later than the last visit, and no later than W (of the
/// stage where the journey stood) after it. Closed: `as_str` is the column value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Went {
    /// It ended, with a reason.
    ExitReason,
    /// The last visit, survey answers aside, had failed or met a problem.
    Failed,
    /// The last visit, or an event in the window, is a contact with support.
    Support,
    /// An event in the window came through another channel than the last visit; both are known.
    Channel,
    /// The next event, in the window, is on no touchpoint.
    Outside,
    /// A visit of another journey or of none came, however late.
    CameBack,
    Silence,
}

impl Went {
    pub const ALL: [Self; 7] =
        [Self::ExitReason, Self::Failed, Self::Support, Self::Channel, Self::Outside, Self::CameBack, Self::Silence];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExitReason => "exit_reason",
            Self::Failed => "failed",
            Self::Support => "support",
            Self::Channel => "channel",
            Self::Outside => "outside",
            Self::CameBack => "came_back",
            Self::Silence => "silence",
        }
    }
}

/// What followed the last visit of a journey that nothing has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    pub went: Went,
    /// Of what failed the touchpoint, of support the rule, else the channel, the event, the stage of the later visit, or "".
    pub name: Arc<str>,
    /// Of an event on no touchpoint its page, as a template, or "".
    pub path: Arc<str>,
}

impl After {
    fn of(went: Went, name: &str) -> Self {
        Self { went, name: name.into(), path: Arc::from("") }
    }
}

/// Something the customer did.
struct Deed<'a> {
    at: Timestamp,
    source: &'a str,
    event_id: &'a str,
    channel: Option<&'a str>,
    support: Option<&'a str>,
    what: What<'a>,
}

enum What<'a> {
    /// Of this stage.
    Visit(&'a str),
    Unmapped(&'a CustomerEvent),
}

/// Says of every undecided journey what followed. `beside`: events on no touchpoint in order of time, and visits of no
/// journey with the versions that judged them.
pub(super) fn tell(
    journeys: &mut [Journey],
    context: &FoldContext<'_>,
    versions: &Versions,
    beside: (&[&CustomerEvent], &[(&CustomerEvent, usize)]),
) {
    let undecided = |journey: &&Journey| journey.decision == Decision::Open;
    let Some(from) = journeys.iter().filter(undecided).map(|j| j.last_at).min() else { return };
    let mut deeds = deeds(journeys, context, versions, beside, from);
    deeds.sort_unstable_by(|a, b| (a.at, a.source, a.event_id).cmp(&(b.at, b.source, b.event_id)));
    let mut open: Vec<usize> = (0..journeys.len()).filter(|&i| undecided(&&journeys[i])).collect();
    open.sort_unstable_by_key(|&i| std::cmp::Reverse(journeys[i].last_at));
    // Backwards in time, so that what is soonest after each journey is known without looking at any deed twice.
    let mut soonest = Soonest::default();
    let mut next = deeds.len();
    let mut told = Vec::with_capacity(open.len());
    for i in open {
        let journey = &journeys[i];
        while let Some(deed) = next.checked_sub(1).map(|before| &deeds[before]).filter(|d| d.at > journey.last_at) {
            next -= 1;
            soonest.note(next, deed);
        }
        told.push((i, after(journey, &context.map.versions[journey.version_ix], &deeds, next, &soonest)));
    }
    for (i, after) in told {
        journeys[i].after = Some(after);
    }
}

/// Everything later than `from`.
fn deeds<'a>(
    journeys: &'a [Journey],
    context: &FoldContext<'a>,
    versions: &Versions,
    (unmapped, outside): (&'a [&'a CustomerEvent], &'a [(&'a CustomerEvent, usize)]),
    from: Timestamp,
) -> Vec<Deed<'a>> {
    let map = context.map;
    let rule = |version: usize, support: Option<u16>| {
        Some(&*map.versions.get(version)?.support.get(usize::from(support?))?.id)
    };
    let support_of = |event: &CustomerEvent| match judged(event, versions)? {
        (version, VersionMatch::Unmapped { support }) => rule(version, *support),
        (version, VersionMatch::Touched(touch)) => rule(version, touch.support),
        (_, VersionMatch::Excluded { .. }) => None,
    };
    let later = unmapped.partition_point(|event| event.occurred_at <= from);
    // Coverage counts an unmapped event of staff or a test as unmapped; here nobody went anywhere.
    let is_taken_out = |e: &CustomerEvent| matches!(judged(e, versions), Some((_, VersionMatch::Excluded { .. })));
    let own = unmapped[later..].iter().filter(|event| !is_taken_out(event));
    let off_the_map = own.map(|event| Deed {
        at: event.occurred_at,
        source: context.source_name(event.source),
        event_id: &event.event_id,
        channel: context.channel(event.source),
        support: support_of(event),
        what: What::Unmapped(event),
    });
    let of_no_journey = outside.iter().filter(|(event, _)| event.occurred_at > from).filter_map(|&(event, version)| {
        let VersionMatch::Touched(touch) = event.matched.get(version)? else { return None };
        let map = &map.versions[version];
        let stage = map.touchpoints[usize::from(touch.touchpoint)].stage;
        Some(Deed {
            at: event.occurred_at,
            source: context.source_name(event.source),
            event_id: &event.event_id,
            channel: touch.channel.as_deref(),
            support: rule(version, touch.support),
            what: What::Visit(&map.stages[usize::from(stage)].id),
        })
    });
    let visits = journeys.iter().flat_map(|j| j.visits.iter().map(move |v| (j.version_ix, v)));
    let in_journeys = visits.filter(|(_, visit)| visit.at > from).map(|(version, visit)| Deed {
        at: visit.at,
        source: context.source_name(visit.source),
        event_id: &visit.event_id,
        channel: visit.channel.as_deref(),
        support: rule(version, visit.support),
        what: What::Visit(&map.versions[version].stages[usize::from(visit.stage)].id),
    });
    off_the_map.chain(of_no_journey).chain(in_journeys).collect()
}

/// An event as the version valid then sees it.
fn judged<'e>(event: &'e CustomerEvent, versions: &Versions) -> Option<(usize, &'e VersionMatch)> {
    let version = versions.at(event.occurred_at)?;
    Some((version, event.matched.get(version)?))
}

/// The soonest deed of each sort, as places in the list.
#[derive(Default)]
struct Soonest<'a> {
    support: Option<usize>,
    visit: Option<usize>,
    channels: Vec<(&'a str, usize)>,
}

impl<'a> Soonest<'a> {
    fn note(&mut self, at: usize, deed: &Deed<'a>) {
        if deed.support.is_some() {
            self.support = Some(at);
        }
        if matches!(deed.what, What::Visit(_)) {
            self.visit = Some(at);
        }
        if let Some(channel) = deed.channel {
            match self.channels.iter_mut().find(|c| c.0 == channel) {
                Some(known) => known.1 = at,
                None => self.channels.push((channel, at)),
            }
        }
    }
}

fn after(journey: &Journey, map: &DesignedMap, deeds: &[Deed<'_>], next: usize, soonest: &Soonest<'_>) -> After {
    let touchpoint = |visit: &Visit| &map.touchpoints[usize::from(visit.touchpoint)];
    let is_survey = |visit: &&Visit| touchpoint(visit).emotion_from.is_some() && touchpoint(visit).problem.is_none();
    if let Some(last) = journey.visits.iter().rev().find(|v| !is_survey(v))
        && (last.failed || touchpoint(last).problem.is_some())
    {
        return After::of(Went::Failed, &touchpoint(last).id);
    }
    let in_window = |at: &usize| deeds[*at].at <= journey.drops_at;
    let last = journey.visits.last();
    let helped = last.and_then(|visit| Some(&*map.support.get(usize::from(visit.support?))?.id));
    let helped = helped.or_else(|| deeds[soonest.support.filter(in_window)?].support);
    if let Some(rule) = helped {
        return After::of(Went::Support, rule);
    }
    if let Some(own) = last.and_then(|visit| visit.channel.as_deref()) {
        let others = soonest.channels.iter().filter(|(channel, at)| *channel != own && in_window(at));
        if let Some((channel, _)) = others.min_by_key(|(_, at)| *at) {
            return After::of(Went::Channel, channel);
        }
    }
    match deeds.get(next).filter(|_| in_window(&next)).map(|deed| &deed.what) {
        Some(What::Unmapped(event)) => {
            After { went: Went::Outside, name: event.name.clone(), path: event.path.clone() }
        }
        _ => match soonest.visit.map(|at| &deeds[at].what) {
            Some(What::Visit(stage)) => After::of(Went::CameBack, stage),
            _ => After::of(Went::Silence, ""),
        },
    }
}
