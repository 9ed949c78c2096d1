//! What an event says of its customer. In: properties, and the attributes that some persona of some version asks about.
//! Out: [`Said`]: each attribute that the event carries, with its value. Whom that makes of a journey is the fold's affair.

use std::sync::Arc;

use super::Properties;
use super::condition::lookup;
use crate::map::MapVersions;
use crate::map::value::as_text;

/// One attribute of the customer, as one event gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    /// As a journey file calls it.
    pub name: Arc<str>,
    /// `None`: a value that no persona has.
    pub value: Option<Arc<str>>,
}

pub type Said = Vec<Attribute>;

/// What is asked of every event: once per reading.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Vec<AskedFor>);

#[derive(Clone, Debug)]
struct AskedFor {
    name: Arc<str>,
    parts: Vec<String>,
    /// Values of any persona, so that an event's value takes no memory of its own.
    values: Vec<Arc<str>>,
}

impl Asked {
    pub fn of(map: &MapVersions) -> Self {
        let mut all: Vec<AskedFor> = Vec::new();
        let personas = map.versions.iter().flat_map(|v| &v.personas).filter(|p| !p.attribute.is_empty());
        for persona in personas {
            let known = all.iter().position(|a| *a.name == *persona.attribute);
            let place = known.unwrap_or_else(|| {
                let parts = persona.attribute.split('.').map(str::to_owned).collect();
                all.push(AskedFor { name: persona.attribute.as_str().into(), parts, values: Vec::new() });
                all.len() - 1
            });
            let values = &mut all[place].values;
            for value in persona.values.iter().filter_map(as_text) {
                if values.iter().all(|v| **v != *value) {
                    values.push(value.into());
                }
            }
        }
        Self(all)
    }

    /// An attribute that is absent, null, empty, a list or an object says nothing; what was said before stands.
    pub fn said(&self, properties: &Properties) -> Said {
        let one = |asked: &AskedFor| {
            let value = lookup(properties, &asked.parts).and_then(as_text).filter(|text| !text.is_empty())?;
            let value = asked.values.iter().find(|known| ***known == *value).cloned();
            Some(Attribute { name: asked.name.clone(), value })
        };
        self.0.iter().filter_map(one).collect()
    }
}
