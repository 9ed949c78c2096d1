//! A checked map as a journey file again. In: a [`DesignedMap`]. Out: its parts as they would be written, without what
//! says no more than the defaults; read again they give the same map.

mod head; //   what stands before the stages
mod parts; //  stages, touchpoints, transitions
mod rules; //  what matches, and small values
mod tail; //   what stands behind the transitions

pub use head::head;
pub use parts::{stage, touchpoint, transition};
pub use rules::length;
pub use tail::tail;

use super::designed::DesignedMap;
use crate::yaml::write;

/// The whole file.
pub fn journey_file(map: &DesignedMap) -> String {
    let mut file = head(map);
    let (stages, touchpoints) = (&map.stages, &map.touchpoints);
    file.put_list("stages", stages.iter().map(|s| stage(map, s)));
    file.put_list("touchpoints", touchpoints.iter().map(|t| touchpoint(map, t)));
    file.put_list("transitions", map.transitions.iter().map(|t| transition(map, t)));
    file.0.extend(tail(map).0);
    write(&file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    /// Everything of a map but where its parts stood in the file.
    fn said(mut map: DesignedMap) -> String {
        map.tests.iter_mut().for_each(|t| t.line = 0);
        map.file.clear();
        format!("{map:#?}")
    }

    #[test]
    fn every_example_written_again_gives_the_same_map() {
        for (name, file) in [
            ("mortgage", include_str!("../../../config/examples/mortgage.journey.yaml")),
            ("loan", include_str!("../../../config/examples/bpic2012/loan.journey.yaml")),
            ("offers", include_str!("../../../config/examples/bpic2012/offers.journey.yaml")),
            ("visits", include_str!("../../../config/examples/clique_bait/visits.journey.yaml")),
            ("shop", include_str!("../../../config/demo/shop.journey.yaml")),
        ] {
            let map = map::parse(name, file).unwrap_or_else(|f| panic!("{f}"));
            let text = journey_file(&map);
            let again = map::parse(name, &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
            assert_eq!(said(map), said(again), "{text}");
        }
    }
}
