//! What a person leaves behind, compact, and the bytes that a source sends of it. In: [`Draft`]. Out: a JSON document in
//! the shape of its side: Segment calls from the web, the CRM's own records from the back office.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::time::Timestamp;

use super::household::PLACEHOLDER_EMAIL;

/// Which of the shop's two systems a record comes from; `as_str` is the source's name in the config.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    Web,
    Crm,
}

impl Side {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Crm => "crm",
        }
    }

    /// The file that the demo's config reads this side from.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Web => "web.ndjson",
            Self::Crm => "crm.ndjson",
        }
    }
}

/// One record before it is written down.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub at: Timestamp,
    pub human: u32,
    pub event_id: Arc<str>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Web(WebDraft),
    Crm(CrmDraft),
}

#[derive(Clone, Debug)]
pub(super) struct WebDraft {
    pub call: Call,
    pub path: Arc<str>,
    pub cookie: Arc<str>,
    pub user: Option<Arc<str>>,
    /// Trait of an identify call.
    pub email: Option<Arc<str>>,
    pub campaign: Option<&'static str>,
    pub product: Option<u32>,
    pub price: Option<u32>,
    pub app: bool,
    pub staff: bool,
    /// The page writes a placeholder where nobody is logged in.
    pub says_guest: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    Page,
    Identify,
    Track(&'static str),
}

#[derive(Clone, Debug, Default)]
pub(super) struct CrmDraft {
    pub kind: &'static str,
    pub channel: &'static str,
    pub contact: Option<Arc<str>>,
    pub phone: Option<Arc<str>>,
    pub email: Option<Arc<str>>,
    pub topic: Option<&'static str>,
    pub order: Option<Arc<str>>,
    pub amount: Option<u32>,
    pub city: Option<&'static str>,
    pub score: Option<u8>,
    /// Not final yet: the decoder's `where` leaves it out.
    pub unfinished: bool,
}

impl Draft {
    pub fn side(&self) -> Side {
        match self.body {
            Body::Web(_) => Side::Web,
            Body::Crm(_) => Side::Crm,
        }
    }

    /// The identifiers that the record will carry, spelt as one person's are compared.
    pub fn identifiers(&self) -> impl Iterator<Item = &Arc<str>> {
        let (a, b, c) = match &self.body {
            Body::Web(w) => (Some(&w.cookie), w.user.as_ref(), w.email.as_ref()),
            Body::Crm(c) => (c.contact.as_ref(), c.phone.as_ref(), c.email.as_ref()),
        };
        [a, b, c].into_iter().flatten().filter(|value| &***value != PLACEHOLDER_EMAIL)
    }

    /// The device it came from, and whether its person was logged in there.
    pub fn device(&self) -> Option<(&Arc<str>, bool)> {
        match &self.body {
            Body::Web(web) => Some((&web.cookie, web.user.is_some() || web.email.is_some())),
            Body::Crm(_) => None,
        }
    }

    pub fn json(&self, zone: &TimeZone) -> String {
        match &self.body {
            Body::Web(web) => web.json(&self.event_id, self.at),
            Body::Crm(crm) => crm.json(&self.event_id, self.at, zone),
        }
        .to_string()
    }
}

impl WebDraft {
    fn json(&self, event_id: &str, at: Timestamp) -> Value {
        let mut page = json!({ "path": &*self.path, "url": format!("https://shop.example{}", self.path) });
        if let Some(campaign) = self.campaign {
            page["referrer"] = json!(format!("https://ads.example/{campaign}"));
        }
        let mut context = json!({ "page": page, "library": { "name": "web-pixel", "version": "2.1.0" } });
        if let Some(campaign) = self.campaign {
            context["campaign"] = json!({ "name": campaign, "source": "ads" });
        }
        let mut properties = Map::new();
        properties.insert("platform".into(), json!(if self.app { "app" } else { "web" }));
        if let Some(product) = self.product {
            properties.insert("product_id".into(), json!(product));
        }
        if let Some(price) = self.price {
            properties.insert("price".into(), json!(price));
        }
        if self.staff {
            properties.insert("staff".into(), json!(true));
        }
        let mut out = json!({
            "messageId": event_id,
            "timestamp": at.to_string(),
            "anonymousId": &*self.cookie,
            "context": context,
        });
        if let Some(user) = &self.user {
            out["userId"] = json!(&**user);
        } else if self.says_guest {
            out["userId"] = json!("guest");
        }
        match self.call {
            Call::Page => {
                out["type"] = json!("page");
                out["properties"] = Value::Object(properties);
            }
            Call::Identify => {
                out["type"] = json!("identify");
                out["traits"] = self.email.as_ref().map_or_else(|| json!({}), |email| json!({ "email": &**email }));
            }
            Call::Track(event) => {
                out["type"] = json!("track");
                out["event"] = json!(event);
                out["properties"] = Value::Object(properties);
            }
        }
        out
    }
}

impl CrmDraft {
    /// The CRM writes minutes in the shop's own zone and people's names for things.
    fn json(&self, event_id: &str, at: Timestamp, zone: &TimeZone) -> Value {
        let happened = at.to_jiff().map_or_else(String::new, |t| {
            let local = t.to_zoned_datetime(zone.clone());
            let (date, time) = (local.date(), local.time());
            format!("{date} {:02}:{:02}", time.hour(), time.minute())
        });
        let mut contact = Map::new();
        let named = [("id", &self.contact), ("phone", &self.phone), ("email", &self.email)];
        for (key, value) in named {
            if let Some(value) = value {
                contact.insert(key.into(), json!(&**value));
            }
        }
        let mut out = json!({
            "record_id": event_id,
            "kind": self.kind,
            "happened": happened,
            "state": if self.unfinished { "draft" } else { "final" },
            "channel": self.channel,
            "contact": contact,
        });
        if let Some(topic) = self.topic {
            out["call"] = json!({ "topic": topic, "result": if self.order.is_some() { "sold" } else { "answered" } });
        }
        if let Some(order) = &self.order {
            out["order"] = json!({ "number": &**order });
            if let Some(amount) = self.amount {
                out["order"]["amount"] = json!(amount);
                out["order"]["currency"] = json!("EUR");
            }
        }
        if let Some(city) = self.city {
            out["shop"] = json!({ "city": city });
        }
        if let Some(score) = self.score {
            out["survey"] = json!({ "score": score });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crm_writes_minutes_in_its_own_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let crm = CrmDraft { kind: "order.paid", channel: "back_office", ..CrmDraft::default() };
        let at = Timestamp::parse("2026-07-01T08:05:00Z").unwrap();
        assert_eq!(crm.json("r1", at, &zone)["happened"], "2026-07-01 10:05");
    }
}
