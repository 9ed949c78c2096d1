//! A map written again as a journey file is the same map.

use crate::random;
use tropa::map::{self, DesignedMap, written::journey_file};

/// Everything a map says, but where it stood in its file.
pub fn said(map: &DesignedMap) -> String {
    let mut map = map.clone();
    map.tests.iter_mut().for_each(|t| t.line = 0);
    map.file.clear();
    format!("{map:#?}")
}

#[test]
fn two_thousand_random_maps_written_again_are_the_same_maps() {
    let mut rng = random::rng(21);
    for i in 0..2_000 {
        let map = random::map(&mut rng, 2 + i % 6);
        let text = journey_file(&map);
        let again = map::parse("again", &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
        assert_eq!(said(&map), said(&again), "{text}");
    }
}
