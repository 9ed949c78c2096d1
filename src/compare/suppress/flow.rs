//! The funnel. In: journeys by outcome, stages and transitions. Out: their counts on the sheet, and what flows where.

use super::super::sheet::{Entry, RateEntry, Sheet};
use super::super::{Population, StageLine, TransitionLine};
use crate::map::Role;

/// Journeys by what became of them.
pub(super) struct People {
    pub(super) entered: Entry,
    pub(super) completed: Entry,
    pub(super) ended: Entry,
    pub(super) dropped: Entry,
    pub(super) in_flight: Entry,
    pub(super) left_out: Entry,
    pub(super) tied: Entry,
    pub(super) older_versions: Entry,
}

pub(super) fn of_population<'a>(sheet: &mut Sheet<'a>, p: &'a mut Population) -> People {
    let Population {
        customers,
        entered,
        completed,
        ended,
        dropped,
        in_flight,
        order_ambiguous,
        left_truncated,
        oversized_customers,
        left_out,
        older_versions,
        mature_dates: _,
        immature_dates: _,
        first_entry: _,
        last_entry: _,
    } = p;
    sheet.count(customers);
    sheet.count(oversized_customers);
    let entered = sheet.count(entered);
    let [completed, ended, dropped, in_flight] = [completed, ended, dropped, in_flight].map(|n| sheet.count(n));
    sheet.equal(&[entered], &[completed, ended, dropped, in_flight]);
    let [left_out, tied, truncated, older_versions] =
        [left_out, order_ambiguous, left_truncated, older_versions].map(|n| sheet.count(n));
    for some in [tied, truncated, left_out, older_versions] {
        sheet.part(entered, some);
    }
    People { entered, completed, ended, dropped, in_flight, left_out, tied, older_versions }
}

pub(super) struct Stage {
    pub(super) id: String,
    pub(super) exit: bool,
    /// Those that its times rest on.
    pub(super) timed: [Entry; 3],
    pub(super) entered: Entry,
    pub(super) entries: Entry,
    pub(super) ended: Entry,
    pub(super) dropped: Entry,
    pub(super) in_flight: Entry,
    pub(super) open: Entry,
    pub(super) conversion: RateEntry,
    pub(super) drop_off: RateEntry,
}

pub(super) fn of_stage<'a>(sheet: &mut Sheet<'a>, s: &'a mut StageLine) -> Stage {
    let StageLine {
        id,
        title: _,
        role,
        entered,
        entries,
        progressed,
        ended,
        dropped,
        in_flight,
        open_entries,
        conversion,
        drop_off_rate,
        timed,
        // Times, and what the design says.
        time_p50: _,
        time_p90: _,
        time_to_next_p50: _,
        time_to_next_p90: _,
        expected_max_time: _,
        expectations: _,
    } = s;
    let [entered, entries, progressed, ended, dropped, in_flight, open, timed] =
        [entered, entries, progressed, ended, dropped, in_flight, open_entries, timed].map(|n| sheet.count(n));
    let (conversion, drop_off) = (sheet.rate(conversion), sheet.rate(drop_off_rate));
    for some in [progressed, ended, dropped, in_flight] {
        sheet.part(entered, some);
    }
    sheet.part(entries, entered);
    sheet.part(entries, open);
    sheet.equal(&[entries], &[timed, open]);
    sheet.row(&[progressed], &[conversion]);
    sheet.row(&[ended, dropped], &[drop_off]);
    sheet.rates_equal(conversion, &[progressed], &[entered]);
    sheet.rates_equal(drop_off, &[ended, dropped], &[entered]);
    [conversion, drop_off].into_iter().for_each(|rate| sheet.bounds_of(rate, entered));
    sheet.keep(&[conversion, drop_off], &[]);
    Stage {
        id: id.clone(),
        exit: *role == Role::Exit,
        timed: [entered, entries, timed],
        entered,
        entries,
        ended,
        dropped,
        in_flight,
        open,
        conversion,
        drop_off,
    }
}

pub(super) struct Way {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) n: Entry,
    pub(super) share: RateEntry,
}

pub(super) fn of_transition<'a>(sheet: &mut Sheet<'a>, t: &'a mut TransitionLine) -> Way {
    let TransitionLine {
        from,
        to,
        mark: _,
        transitions,
        share,
        // Times, and what the design says.
        time_p50: _,
        time_p90: _,
        within: _,
        not_before: _,
        target_share: _,
    } = t;
    let (n, share) = (sheet.count(transitions), sheet.rate(share));
    sheet.row(&[n], &[share]);
    sheet.rates_equal(share, &[n], &[]);
    Way { from: from.clone(), to: to.clone(), n, share }
}

/// What goes into a stage comes out of it, and every journey has a beginning and an end (semantics.md, "Laws").
pub(super) fn flows(sheet: &mut Sheet<'_>, p: &People, stages: &[Stage], ways: &[Way]) {
    let into = |id: &str| ways.iter().filter(|w| w.to == id).map(|w| w.n).collect::<Vec<Entry>>();
    let out_of = |id: &str| ways.iter().filter(|w| w.from == id).map(|w| w.n).collect::<Vec<Entry>>();
    sheet.equal(&[p.entered], &out_of("start"));
    for (outcome, n) in
        [("completed", p.completed), ("ended", p.ended), ("dropped", p.dropped), ("in_flight", p.in_flight)]
    {
        sheet.equal(&[n], &into(outcome));
    }
    let outcomes = ["completed", "ended", "dropped", "in_flight"];
    let mut ids: Vec<&str> = ways.iter().map(|w| w.from.as_str()).filter(|id| *id != "start").collect();
    ids.extend(ways.iter().map(|w| w.to.as_str()).filter(|id| !outcomes.contains(id)));
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        sheet.equal(&into(id), &out_of(id));
        // Each share tells what all of them are of.
        let shares: Vec<(Entry, Entry)> = ways.iter().filter(|w| w.from == id).filter_map(|w| w.share.point).collect();
        let hits: Vec<Entry> = shares.iter().map(|s| s.0).collect();
        shares.iter().for_each(|(_, n)| sheet.equal(&[*n], &hits));
    }
    for s in stages {
        let only = |to: &str| ways.iter().filter(|w| w.from == s.id && w.to == to).map(|w| w.n).collect::<Vec<_>>();
        sheet.equal(&[s.entries], &into(&s.id));
        sheet.equal(&[s.entries], &out_of(&s.id));
        sheet.equal(&[s.open], &only("in_flight"));
        sheet.equal(&[s.dropped], &only("dropped"));
        sheet.equal(&[s.ended], &only("ended"));
        for way in ways.iter().filter(|w| w.from == s.id) {
            sheet.rates_equal(way.share, &[], &[s.entries]);
        }
    }
    let of = |which: fn(&Stage) -> Entry, exit: bool| {
        stages.iter().filter(|s| s.exit == exit).map(which).collect::<Vec<Entry>>()
    };
    sheet.equal(&[p.dropped], &of(|s| s.dropped, false));
    sheet.equal(&[p.ended], &of(|s| s.ended, false));
    sheet.equal(&[p.ended], &of(|s| s.ended, true));
    sheet.equal(&[p.in_flight], &stages.iter().map(|s| s.open).collect::<Vec<_>>());
}
