//! Small tables on a sheet: what is untold in them, and that no line of one has one unknown.

use proptest::prelude::*;

use super::*;

fn told(counts: &[u64]) -> Vec<Told> {
    counts.iter().map(|c| Told::of(*c)).collect()
}

#[test]
fn a_small_count_takes_the_next_smallest_of_its_sum_with_it() {
    let (mut total, mut parts) = (17, [3, 9, 5, 0]);
    let mut sheet = Sheet::new(5);
    let whole = sheet.count(&mut total);
    let all: Vec<Entry> = parts.iter_mut().map(|p| sheet.count(p)).collect();
    sheet.equal(&[whole], &all);
    sheet.close();
    assert_eq!(total, 17);
    assert_eq!(told(&parts), [Told::Below(5), Told::Count(9), Told::AtLeast(5), Told::Count(0)]);
}

#[test]
fn a_total_of_one_part_goes_with_it_and_an_unknown_rest_saves_nobody() {
    let (mut total, mut only, mut whole, mut most) = (3, 3, 100, 97);
    let mut sheet = Sheet::new(5);
    let (t, o) = (sheet.count(&mut total), sheet.count(&mut only));
    sheet.equal(&[t], &[o]);
    let (w, m) = (sheet.count(&mut whole), sheet.count(&mut most));
    sheet.part(w, m);
    sheet.close();
    assert_eq!(told(&[total, only, whole, most]), [Told::Below(5), Told::Below(5), Told::Count(100), Told::AtLeast(5)]);
}

#[test]
fn a_rate_of_few_hits_or_few_misses_is_untold_and_so_is_one_on_a_row_of_few() {
    let mut rates = [(2, 40), (38, 40), (20, 40), (20, 40), (0, 40)].map(|(hits, n)| Rate::point(hits, n));
    let mut few = 4;
    let mut sheet = Sheet::new(5);
    let all: Vec<RateEntry> = rates.iter_mut().map(|r| sheet.rate(r)).collect();
    let few = sheet.count(&mut few);
    sheet.row(&[few], &all[3..4]);
    sheet.close();
    assert_eq!(rates, [Rate::Untold, Rate::Untold, Rate::point(20, 40), Rate::Untold, Rate::point(0, 40)]);
}

#[test]
fn a_count_that_stands_there_twice_and_bounds_that_say_it_go_with_it() {
    let (mut counts, mut again) = ([12, 3, 9], 9);
    let mut bounds = [0.0, 5.0 / 9.0].map(|low| Rate::Immature { low, high: 1.0, entered: 9 });
    let mut sheet = Sheet::new(5);
    let [all, few, rest] = counts.each_mut().map(|n| sheet.count(n));
    sheet.equal(&[all], &[few, rest]);
    sheet.count_again(&mut again, rest);
    let rates = bounds.each_mut().map(|r| sheet.rate(r));
    rates.into_iter().for_each(|r| sheet.bounds_of(r, rest));
    sheet.close();
    assert_eq!(told(&counts), [Told::Count(12), Told::Below(5), Told::AtLeast(5)]);
    assert_eq!((told(&[again]), bounds), (vec![Told::AtLeast(5)], [Rate::Untold; 2]));
}

#[test]
fn what_a_report_is_read_for_is_taken_back_last() {
    // 40 = 3 + 37: the rate says of how many it is.
    let (mut all, mut few, mut rate) = (40, 3, Rate::point(20, 37));
    let mut sheet = Sheet::new(5);
    let [whole, part] = [&mut all, &mut few].map(|n| sheet.count(n));
    let kept = sheet.rate(&mut rate);
    let (_, of) = kept.point.expect("a point");
    sheet.equal(&[whole], &[part, of]);
    sheet.keep(&[kept], &[]);
    sheet.close();
    assert_eq!((told(&[all, few]), rate), (vec![Told::AtLeast(5), Told::Below(5)], Rate::point(20, 37)));
}

#[test]
fn rates_of_the_same_journeys_are_told_together_or_not_at_all() {
    let mut rates = [(2, 40), (20, 40), (20, 40), (0, 40)].map(|(hits, n)| Rate::point(hits, n));
    let mut sheet = Sheet::new(5);
    let [few, with_few, many, nobody] = rates.each_mut().map(|r| sheet.rate(r));
    sheet.together([with_few, few]);
    sheet.together([many, nobody]);
    sheet.close();
    assert_eq!(rates, [Rate::Untold, Rate::Untold, Rate::point(20, 40), Rate::point(0, 40)]);
}

proptest! {
    /// A table with the sums of its rows and columns, and of all: whatever is untold, no line has one unknown.
    #[test]
    fn no_line_of_a_table_has_one_unknown_alone(
        table in prop::collection::vec(prop::collection::vec(0u64..12, 4), 1..6),
        least in 2u64..8,
    ) {
        let mut cells = table.clone();
        let mut rows: Vec<u64> = table.iter().map(|r| r.iter().sum()).collect();
        let mut columns: Vec<u64> = (0..4).map(|c| table.iter().map(|r| r[c]).sum()).collect();
        let mut all: u64 = rows.iter().sum();
        let mut sheet = Sheet::new(least);
        let inner: Vec<Vec<Entry>> = cells.iter_mut().map(|r| r.iter_mut().map(|c| sheet.count(c)).collect()).collect();
        let row_ids: Vec<Entry> = rows.iter_mut().map(|r| sheet.count(r)).collect();
        let column_ids: Vec<Entry> = columns.iter_mut().map(|c| sheet.count(c)).collect();
        let total = sheet.count(&mut all);
        for (row, cells) in row_ids.iter().zip(&inner) {
            sheet.equal(&[*row], cells);
        }
        for (c, column) in column_ids.iter().enumerate() {
            sheet.equal(&[*column], &inner.iter().map(|r| r[c]).collect::<Vec<_>>());
        }
        sheet.equal(&[total], &row_ids);
        sheet.equal(&[total], &column_ids);
        sheet.close();
        let unknown = |line: &[u64]| line.iter().filter(|c| Told::of(**c).count().is_none()).count();
        let mut lines: Vec<Vec<u64>> = rows.iter().zip(&cells).map(|(r, cells)| [&[*r], &cells[..]].concat()).collect();
        lines.extend((0..4).map(|c| cells.iter().map(|r| r[c]).chain([columns[c]]).collect()));
        lines.push([&[all], &rows[..]].concat());
        lines.push([&[all], &columns[..]].concat());
        for line in &lines {
            prop_assert_ne!(unknown(line), 1, "{:?}", line);
        }
        let before = table.iter().flatten();
        for (was, is) in before.zip(cells.iter().flatten()) {
            match Told::of(*is) {
                Told::Count(n) => prop_assert!(n == *was && (n == 0 || n >= least)),
                Told::Below(n) => prop_assert!(n == least && 0 < *was && *was < least),
                Told::AtLeast(n) => prop_assert!(n == least && *was >= least),
            }
        }
        // A small total has small parts: without any nothing is untold.
        let small = table.iter().flatten().any(|c| 0 < *c && *c < least);
        prop_assert!(small || cells.iter().flatten().all(|c| Told::of(*c).count().is_some()));
    }
}
