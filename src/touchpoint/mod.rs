//! Event -> touchpoint. In: a decoded event and the compiled rules of every version of a map. Out: what the event is
//! under each version, and what it says of its customer. Pure; built once per reading, then read only.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::map::TouchpointIx;

/// What one event is under every version of one map (index = place in `MapVersions::versions`).
pub type Matched = SmallVec<[VersionMatch; 1]>;

#[derive(Clone, PartialEq, Debug)]
pub enum VersionMatch {
    /// No rule matched; `support`: it is a contact with support, by this rule.
    Unmapped {
        support: Option<u16>,
    },
    /// Taken out by `exclude[i]`, whether or not a touchpoint matched.
    Excluded {
        rule: u16,
        mapped: bool,
    },
    Touched(Box<Touch>),
}

/// A matched event, with everything the fold needs of its properties.
#[derive(Clone, PartialEq, Debug)]
pub struct Touch {
    pub touchpoint: TouchpointIx,
    /// Which alternative of `match.any` held, for `explain` and `show`.
    pub alternative: u16,
    pub channel: Option<Arc<str>>,
    /// Value of `journey_key`; empty values count as none.
    pub key: Option<Arc<str>>,
    pub failed: bool,
    /// The touchpoint's `value`, in its currency.
    pub value: Option<f64>,
    /// Survey score rescaled to -2..+2.
    pub score: Option<f64>,
    /// The rule by which it is a contact with support.
    pub support: Option<u16>,
    /// Values of the map's dimensions; "" when absent.
    pub dims: SmallVec<[Arc<str>; 4]>,
}

mod attributes;
mod condition;
mod explain;
pub mod path;
mod rules;

pub use attributes::{Attribute, Said};
pub use explain::Explanation;
pub use path::{event_path, path_template};
pub use rules::Rules;

/// An event's properties as a rule reads them.
pub type Properties = serde_json::Map<String, serde_json::Value>;

/// The stored properties as an object; what is no object has none.
pub fn parse_properties(canonical: &str) -> Properties {
    if canonical == "{}" {
        return Properties::new();
    }
    serde_json::from_str(canonical).unwrap_or_default()
}
