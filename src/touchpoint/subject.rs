//! What rules ask of an event: its name, its page's path, its properties. Borrows; allocates only to write a number as
//! text.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::{Map, Value};

use crate::event::SourceId;
use crate::map::PropertyPath;
use crate::map::value::{as_number, as_text};

/// One event under test.
pub struct Subject<'e> {
    pub source: SourceId,
    pub source_name: &'e str,
    pub name: &'e str,
    props: &'e Map<String, Value>,
    path: OnceCell<Option<&'e str>>,
}

impl<'e> Subject<'e> {
    pub fn new(source: SourceId, source_name: &'e str, name: &'e str, props: &'e Map<String, Value>) -> Self {
        Self { source, source_name, name, props, path: OnceCell::new() }
    }

    pub fn path(&self) -> Option<&'e str> {
        *self.path.get_or_init(|| event_path(self.props))
    }

    pub fn value(&self, field: &Field) -> Option<Cow<'e, str>> {
        match field {
            Field::Name => Some(Cow::Borrowed(self.name)),
            Field::Source => Some(Cow::Borrowed(self.source_name)),
            Field::Property(property) => as_text(property.of(self.props)?),
        }
        .filter(|text| !text.is_empty())
    }

    pub fn number(&self, field: &Field) -> Option<f64> {
        match field {
            Field::Name => self.name.trim().parse::<f64>().ok().filter(|n| n.is_finite()),
            Field::Source => None,
            Field::Property(property) => as_number(property.of(self.props)?),
        }
    }

    pub fn property(&self, property: &Property) -> Option<&'e Value> {
        property.of(self.props)
    }
}

/// The page of an event without query and fragment: `props.path`, else the path of `props.url`.
pub fn event_path(props: &Map<String, Value>) -> Option<&str> {
    let text = |key: &str| props.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    let (written, is_url) = match text("path") {
        Some(path) => (path, path.contains("://")),
        None => (text("url")?, true),
    };
    let bare = written.find(['?', '#']).map_or(written, |end| &written[..end]);
    if !is_url || bare.starts_with('/') && !bare.starts_with("//") {
        return Some(bare);
    }
    let after_host = &bare[bare.find("//")? + 2..];
    Some(after_host.find('/').map_or("/", |start| &after_host[start..]))
}

/// Where a value of an event stands.
#[derive(Clone, Debug)]
pub enum Field {
    Name,
    Source,
    Property(Property),
}

impl Field {
    pub fn of(path: &PropertyPath) -> Self {
        match path.written.strip_prefix("props.") {
            Some(name) => Self::Property(Property::named(name)),
            None if &*path.written == "source" => Self::Source,
            None => Self::Name,
        }
    }
}

/// A property by its name, which may lead into nested objects (`a.b`) or have dots of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    pub name: Box<str>,
    parts: Vec<Box<str>>,
}

impl Property {
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), parts: name.split('.').map(Into::into).collect() }
    }

    fn of<'v>(&self, props: &'v Map<String, Value>) -> Option<&'v Value> {
        let whole = props.get(&*self.name);
        if whole.is_some() || self.parts.len() == 1 {
            return whole;
        }
        let (first, rest) = self.parts.split_first()?;
        rest.iter().try_fold(props.get(&**first)?, |value, part| value.as_object()?.get(&**part))
    }
}

/// Whether a property has one of the allowed values; of a list, whether any item has.
pub fn is_any_of(found: Option<&Value>, allowed: &[Box<str>]) -> bool {
    match found {
        None => false,
        Some(Value::Array(items)) => items.iter().any(|item| one_is_any_of(item, allowed)),
        Some(value) => one_is_any_of(value, allowed),
    }
}

fn one_is_any_of(found: &Value, allowed: &[Box<str>]) -> bool {
    as_text(found).is_some_and(|text| allowed.iter().any(|a| **a == *text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(props: Value) -> Option<String> {
        event_path(props.as_object().unwrap()).map(str::to_owned)
    }

    #[test]
    fn the_page_is_the_path_or_that_of_the_url() {
        assert_eq!(path(json!({"path": "/a/b?x=1", "url": "https://e.org/c"})).as_deref(), Some("/a/b"));
        assert_eq!(path(json!({"url": "https://e.org/c/d?x=/y#z"})).as_deref(), Some("/c/d"));
        assert_eq!(path(json!({"url": "https://e.org"})).as_deref(), Some("/"));
        assert_eq!(path(json!({"url": "//e.org/x"})).as_deref(), Some("/x"));
        assert_eq!(path(json!({"url": "/local#top"})).as_deref(), Some("/local"));
        assert_eq!(path(json!({"path": "https://e.org/p"})).as_deref(), Some("/p"));
        assert_eq!(path(json!({"url": "mailto:x", "path": 7})), None);
    }

    #[test]
    fn a_property_may_be_nested_or_have_dots_in_its_name() {
        let props = json!({"a": {"b": 1}, "c.d": 2, "c": {"d": 3}});
        let of = |name: &str| Property::named(name).of(props.as_object().unwrap()).cloned();
        assert_eq!((of("a.b"), of("c.d"), of("a.x"), of("a.b.c")), (Some(json!(1)), Some(json!(2)), None, None));
    }

    #[test]
    fn properties_compare_as_text_and_lists_by_any_item() {
        let allowed: Vec<Box<str>> = vec!["true".into(), "1".into(), "x".into()];
        let is = |v: Value| is_any_of(Some(&v), &allowed);
        assert!(is(json!(true)) && is(json!("true")) && is(json!(1)) && is(json!(1.0)) && is(json!(["y", "x"])));
        assert!(
            !is(json!(2)) && !is(json!(null)) && !is(json!({"x": 1})) && !is(json!([])) && !is_any_of(None, &allowed)
        );
    }
}
