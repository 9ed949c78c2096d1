//! An operator's order, and how it is recorded. In: what a person asks for. Out: members of the sets, resolved against
//! what is known when the order is carried out, so that carrying a record out again adds the same members.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Erasure, Identity, Undo};
use crate::time::Day;

/// What an operator may order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase", deny_unknown_fields)]
pub enum Order {
    /// `a` and `b` never end in one customer.
    Split { a: Arc<str>, b: Arc<str> },
    /// Whatever said up to and with `day` that `a` and `b` are one is cancelled.
    Revoke {
        a: Arc<str>,
        b: Arc<str>,
        #[serde(with = "date")]
        day: Day,
    },
    /// The customer of the identifier is erased, up to and with `until`.
    Forget {
        identifier: Arc<str>,
        #[serde(with = "date")]
        until: Day,
    },
    /// Events before this UTC day are outside from now on.
    Retain {
        #[serde(with = "date")]
        before: Day,
    },
}

/// An order as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase", deny_unknown_fields)]
pub enum OrderRecord {
    Forbid {
        a: Arc<str>,
        b: Arc<str>,
    },
    Revoke {
        a: Arc<str>,
        b: Arc<str>,
        #[serde(with = "date")]
        day: Day,
    },
    Erase {
        identifiers: Vec<Arc<str>>,
        #[serde(with = "date")]
        until: Day,
        /// Devices and days (days since 1970-01-01).
        days: Vec<(Arc<str>, i32)>,
    },
    Retain {
        #[serde(with = "date")]
        before: Day,
    },
}

/// A record as members of the sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    Undo(Undo),
    Erasure(Erasure),
    Horizon(Day),
}

impl Order {
    /// The order, resolved against identity as it stands.
    pub fn record(&self, identity: &Identity) -> OrderRecord {
        match self.clone() {
            Self::Split { a, b } => OrderRecord::Forbid { a, b },
            Self::Revoke { a, b, day } => OrderRecord::Revoke { a, b, day },
            Self::Forget { identifier, until } => {
                let Erasure { identifiers, until, days, .. } = identity.erasure_of(&identifier, until);
                let days = days.into_iter().map(|(node, day)| (node, day.0)).collect();
                OrderRecord::Erase { identifiers, until, days }
            }
            Self::Retain { before } => OrderRecord::Retain { before },
        }
    }
}

impl OrderRecord {
    pub fn member(&self) -> Member {
        match self.clone() {
            Self::Forbid { a, b } => Member::Undo(Undo::Forbid { a, b }),
            Self::Revoke { a, b, day } => Member::Undo(Undo::Revoke { a, b, day }),
            Self::Erase { identifiers, until, days } => {
                let days = days.into_iter().map(|(node, day)| (node, Day(day))).collect();
                Member::Erasure(Erasure::new(identifiers, until, days))
            }
            Self::Retain { before } => Member::Horizon(before),
        }
    }
}

/// Days as people write them.
mod date {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::{Day, Timestamp};

    pub fn serialize<S: Serializer>(day: &Day, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&day.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Day, D::Error> {
        let text = String::deserialize(from)?;
        let day = (text.len() == 10).then(|| Timestamp::parse(&text)).flatten();
        day.map(Timestamp::utc_day)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no date; allowed: 2026-06-30")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_written_as_people_would_and_read_back() {
        let day = Day::from_date(jiff::civil::date(2026, 6, 30));
        let orders = [
            Order::Split { a: "user:1".into(), b: "cookie:2".into() },
            Order::Revoke { a: "user:1".into(), b: "cookie:2".into(), day },
            Order::Forget { identifier: "user:1".into(), until: day },
            Order::Retain { before: day },
        ];
        for order in &orders {
            let text = serde_json::to_string(order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), *order);
        }
        let text = serde_json::to_string(&orders[2]).unwrap();
        assert_eq!(text, r#"{"order":"forget","identifier":"user:1","until":"2026-06-30"}"#);
        let wrong = serde_json::from_str::<Order>(r#"{"order":"retain","before":"June"}"#).unwrap_err();
        assert!(wrong.to_string().contains("`June` is no date; allowed: 2026-06-30"), "{wrong}");
    }
}
