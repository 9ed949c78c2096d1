//! What a customer did, event by event, whatever a map makes of it. Shapes only.

use std::sync::Arc;

use crate::time::Timestamp;

/// The events of one customer, or of one value of the journey key, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    pub customer: Arc<str>,
    pub events: Vec<Happening>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    pub at: Timestamp,
    pub source: Arc<str>,
    pub name: Arc<str>,
    pub event_id: Arc<str>,
    /// The page it was on, or empty.
    pub path: Arc<str>,
}
