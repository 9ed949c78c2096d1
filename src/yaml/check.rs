//! A tree against a JSON Schema (the subset that schemars writes for our types): every unknown or missing key, wrong
//! type, unlisted word and exceeded limit, each with its place. The same schema goes to editors, so the two cannot
//! disagree.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::{Fault, Faults, allowed, quoted_list};
use super::node::{Content, Node};
use super::scalar::resolve;
use super::wording::{expected, first_sentence, found, found_value, quotes_hint, range};

/// All structural faults. A text that came from a variable becomes the number or truth value the schema asks for. What
/// is at fault is taken out of the tree (a value by itself, or what cannot do without it), so that the rest can still
/// be looked at.
pub fn check(node: &mut Node, schema: &Value, label: &str) -> Faults {
    let mut walk = Walk { root: schema, label, faults: Faults::new() };
    walk.value(node, schema, &Place::default());
    walk.faults
}

/// Checks the tree against `schema` (that of `T`) and fills `T` from it.
pub fn fill<T: DeserializeOwned + JsonSchema>(node: &mut Node, schema: &Value, label: &str) -> Result<T, Faults> {
    match fill_partly(node, schema, label) {
        (Some(value), faults) => faults.or(value),
        (None, faults) => Err(faults),
    }
}

/// Like [`fill`], but what is sound of a faulty file is filled in too, so that a caller can look for further faults.
/// Never `None` without a fault.
pub fn fill_partly<T: DeserializeOwned + JsonSchema>(
    node: &mut Node,
    schema: &Value,
    label: &str,
) -> (Option<T>, Faults) {
    let mut faults = check(node, schema, label);
    match serde_json::from_value(node.clone().into_value()) {
        Ok(value) => (Some(value), faults),
        Err(error) => {
            // The schema is derived from `T`, so serde has nothing to add to a sound file; should it, that is a fault.
            if faults.is_empty() {
                faults.push(Fault::new(label, node.at, format!("not usable: {error}")));
            }
            (None, faults)
        }
    }
}

struct Walk<'a> {
    root: &'a Value,
    label: &'a str,
    faults: Faults,
}

/// How messages call the value at hand (`stages[apply].role`), and what its key is for.
#[derive(Clone, Default)]
struct Place {
    path: String,
    about: Option<String>,
}

impl Place {
    fn name(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) }
    }

    fn key(&self, key: &str, schema: &Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{key}", self.path), about: first_sentence(schema).or_else(|| self.about.clone()) }
    }

    /// An item is called by its id where it has one.
    fn item(&self, index: usize, node: &Node) -> Self {
        let name = ["id", "name"].iter().find_map(|k| node.get(k)?.text()).filter(|n| n.chars().count() <= 40);
        let name = name.map_or_else(|| index.to_string(), str::to_owned);
        Self { path: format!("{}[{name}]", self.path), about: self.about.clone() }
    }
}

/// Methods that look at a value say whether it is usable, what was at fault inside it being taken out.
impl<'a> Walk<'a> {
    /// Notes a fault that makes `node` unusable.
    fn fault(&mut self, node: &Node, message: String, help: Option<String>) -> bool {
        self.faults.push(Fault::new(self.label, node.at, message).help(help.unwrap_or_default()));
        false
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // A schema of ours never refers to itself without a step down; the bound only guards against a wrong one.
        for _ in 0..16 {
            let Some(pointer) = schema.get("$ref").and_then(Value::as_str) else { break };
            match self.root.pointer(pointer.trim_start_matches('#')) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    fn value(&mut self, node: &mut Node, schema: &'a Value, place: &Place) -> bool {
        let place = match (first_sentence(schema), &place.about) {
            (Some(about), None) => &Place { path: place.path.clone(), about: Some(about) },
            _ => place,
        };
        let schema = self.resolve(schema);
        if let Some(words) = self.words(schema) {
            return self.word(node, &words, place);
        }
        if let Some(branches) = branches(schema) {
            return self.any_of(node, branches, place);
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            if !self.value(node, part, place) {
                return false;
            }
        }
        let types = types(schema);
        let no_text = node.substituted && !types.is_empty() && !types.contains(&"string");
        if let (true, Some(text)) = (no_text, node.text()) {
            node.content = resolve(text);
        }
        if !types.is_empty() && !types.iter().any(|t| has_type(node, t)) {
            let message = format!("{} must be {}, found {}", place.name(), expected(&types), found(node));
            let help = quotes_hint(node, &types).or_else(|| place.about.clone());
            return self.fault(node, message, help);
        }
        if !self.limits(node, schema, place) {
            return false;
        }
        match &mut node.content {
            Content::List(items) => {
                let Some(item_schema) = schema.get("items") else { return true };
                let mut index = 0;
                items.retain_mut(|item| {
                    let place = place.item(index, item);
                    index += 1;
                    self.value(item, item_schema, &place)
                });
                true
            }
            Content::Map(_) => self.map(node, schema, place),
            _ => true,
        }
    }

    fn map(&mut self, node: &mut Node, schema: &'a Value, place: &Place) -> bool {
        let known = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        let inside = if place.path.is_empty() { String::new() } else { format!(" in {}", place.name()) };
        let required =
            || schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);

        for key in required().filter(|k| node.get(k).is_none()) {
            let about = known.and_then(|k| k.get(key)).and_then(|s| self.about(s));
            self.fault(node, format!("key `{key}` is missing{inside}"), about);
        }
        let Content::Map(entries) = &mut node.content else { return true };
        entries.retain_mut(|entry| match (known.and_then(|k| k.get(&entry.key)), rest) {
            (Some(schema), _) => self.value(&mut entry.value, schema, &place.key(&entry.key, schema)),
            (None, Some(Value::Bool(false))) => {
                let keys: Vec<&str> = known.into_iter().flat_map(|k| k.keys().map(String::as_str)).collect();
                let message = format!("unknown key `{}`{inside}", entry.key);
                let help = allowed("allowed", &entry.key, keys);
                self.faults.push(Fault::new(self.label, entry.at, message).help(help));
                false
            }
            (None, Some(schema @ Value::Object(_))) => {
                self.value(&mut entry.value, schema, &place.key(&entry.key, schema))
            }
            (None, _) => true,
        });
        // The file as a whole stays, whatever it lacks: its type says what stands in for a missing key.
        place.path.is_empty() || required().all(|key| node.get(key).is_some())
    }

    fn about(&self, schema: &'a Value) -> Option<String> {
        first_sentence(schema).or_else(|| first_sentence(self.resolve(schema)))
    }

    fn limits(&mut self, node: &Node, schema: &Value, place: &Place) -> bool {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        let mut wrong = None;
        match &node.content {
            Content::Number(n) => {
                let n = n.as_f64().unwrap_or(f64::NAN);
                let top = match schema.get("format").and_then(Value::as_str) {
                    Some("uint8") => Some(f64::from(u8::MAX)),
                    Some("uint16") => Some(f64::from(u16::MAX)),
                    Some("uint32") => Some(f64::from(u32::MAX)),
                    Some("int32") => Some(f64::from(i32::MAX)),
                    _ => None,
                };
                let (low, high) = (number("minimum"), number("maximum").or(top));
                let above = number("exclusiveMinimum");
                if low.is_some_and(|l| n < l) || high.is_some_and(|h| n > h) || above.is_some_and(|l| n <= l) {
                    wrong = Some(range(low, above, high));
                }
            }
            Content::Text(text) => {
                let min = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
                if (text.chars().count() as u64) < min {
                    let message = format!("{} must not be empty", place.name());
                    return self.fault(node, message, place.about.clone());
                }
            }
            Content::List(items) => {
                let count = items.len() as u64;
                let (min, max) = (schema.get("minItems"), schema.get("maxItems"));
                let (min, max) = (min.and_then(Value::as_u64), max.and_then(Value::as_u64));
                if min.is_some_and(|m| count < m) || max.is_some_and(|m| count > m) {
                    let bounds = match (min, max) {
                        (Some(a), Some(b)) if a == b => format!("exactly {a}"),
                        (Some(a), Some(b)) => format!("{a} to {b}"),
                        (Some(a), None) => format!("at least {a}"),
                        (_, b) => format!("at most {}", b.unwrap_or_default()),
                    };
                    let message = format!("{} has {count} items, allowed: {bounds}", place.name());
                    return self.fault(node, message, place.about.clone());
                }
            }
            _ => {}
        }
        if let Some(bounds) = wrong {
            let message = format!("{} is {}, allowed: {bounds}", place.name(), found_value(node));
            return self.fault(node, message, place.about.clone());
        }
        true
    }

    /// The listed words, where a schema is a closed list of them; with `null` for an optional one.
    fn words(&self, schema: &'a Value) -> Option<Vec<Option<&'a str>>> {
        let word = |v: &'a Value| match v {
            Value::String(s) => Some(Some(s.as_str())),
            Value::Null => Some(None),
            _ => None,
        };
        if let Some(one) = schema.get("const") {
            return Some(vec![word(one)?]);
        }
        if let Some(list) = schema.get("enum").and_then(Value::as_array) {
            return list.iter().map(word).collect();
        }
        if types(schema) == ["null"] {
            return Some(vec![None]);
        }
        let mut words = Vec::new();
        for branch in branches(schema)? {
            words.extend(self.words(self.resolve(branch))?);
        }
        Some(words)
    }

    fn word(&mut self, node: &mut Node, words: &[Option<&str>], place: &Place) -> bool {
        let matches = |w: &Option<&str>| match (&node.content, w) {
            (Content::Null, None) => true,
            (Content::Text(text), Some(word)) => text == word,
            _ => false,
        };
        if words.iter().any(matches) {
            return true;
        }
        let listed: Vec<&str> = words.iter().flatten().copied().collect();
        let help = match node.text() {
            Some(text) => allowed("allowed", text, listed.iter().copied()),
            None => format!("allowed: {}", quoted_list(listed.iter().copied())),
        };
        let message = format!("{} is {}, which is not allowed here", place.name(), found(node));
        self.fault(node, message, Some(help))
    }

    /// One of several shapes: the one that fits; else the faults of the shape that was probably meant.
    fn any_of(&mut self, node: &mut Node, shapes: &'a [Value], place: &Place) -> bool {
        let mut best: Option<(bool, Faults, bool, Node)> = None;
        let mut variants = vec![node.clone()];
        if let (true, Some(text)) = (node.substituted, node.text()) {
            variants.push(Node { content: resolve(text), ..node.clone() });
        }
        for variant in variants {
            for shape in shapes {
                let mut tried = variant.clone();
                let mut walk = Walk { root: self.root, label: self.label, faults: Faults::new() };
                let usable = walk.value(&mut tried, shape, place);
                if walk.faults.is_empty() {
                    *node = tried;
                    return true;
                }
                let admitted = self.admits(shape, &variant);
                let better = match &best {
                    None => true,
                    Some((kind, faults, ..)) => (!admitted, walk.faults.len()) < (!kind, faults.len()),
                };
                if better {
                    best = Some((admitted, walk.faults, usable, tried));
                }
            }
        }
        match best {
            Some((true, faults, usable, tried)) => {
                self.faults.append(faults);
                *node = tried;
                usable
            }
            _ => {
                let mut all: Vec<&str> = Vec::new();
                for shape in shapes {
                    self.collect_types(shape, &mut all);
                }
                let message = format!("{} must be {}, found {}", place.name(), expected(&all), found(node));
                let help = quotes_hint(node, &all).or_else(|| place.about.clone());
                self.fault(node, message, help)
            }
        }
    }

    fn collect_types(&self, schema: &'a Value, out: &mut Vec<&'a str>) {
        let schema = self.resolve(schema);
        out.extend(types(schema));
        if self.words(schema).is_some_and(|w| w.iter().any(Option::is_some)) {
            out.push("string");
        } else {
            branches(schema).into_iter().flatten().for_each(|b| self.collect_types(b, out));
        }
    }

    fn admits(&self, schema: &'a Value, node: &Node) -> bool {
        let mut all = Vec::new();
        self.collect_types(schema, &mut all);
        all.is_empty() || all.iter().any(|t| has_type(node, t))
    }
}

fn branches(schema: &Value) -> Option<&[Value]> {
    ["anyOf", "oneOf"].iter().find_map(|k| schema.get(k)?.as_array()).map(Vec::as_slice)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(node: &Node, name: &str) -> bool {
    match (&node.content, name) {
        (Content::Null, "null")
        | (Content::Bool(_), "boolean")
        | (Content::Number(_), "number")
        | (Content::Text(_), "string")
        | (Content::List(_), "array")
        | (Content::Map(_), "object") => true,
        (Content::Number(n), "integer") => n.is_i64() || n.is_u64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{read, substitute};
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize, JsonSchema, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Shop {
        /// What the shop is called. More words.
        name: String,
        #[serde(default)]
        kind: Option<Kind>,
        #[serde(default)]
        doors: Vec<Door>,
        /// Port it listens on.
        port: Option<u16>,
        #[serde(default)]
        open: OneOrMany,
        share: Option<f64>,
    }

    #[derive(Deserialize, JsonSchema, Debug, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Retail,
        Whole,
    }

    #[derive(Deserialize, JsonSchema, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Door {
        id: String,
        width: u32,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    #[derive(Deserialize, JsonSchema, Debug, PartialEq, Default)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
        #[default]
        None,
    }

    fn schema() -> Value {
        schemars::schema_for!(Shop).to_value()
    }

    fn faults(text: &str) -> String {
        fill::<Shop>(&mut read("s.yaml", text).unwrap(), &schema(), "s.yaml").unwrap_err().to_string()
    }

    #[test]
    fn every_structural_fault_is_reported_at_once() {
        let text = "nam: x\nkind: retial\ndoors:\n  - { id: 7, width: wide }\n  - { id: back, labels: [x] }\n\
                    port: 70000\nopen: { a: 1 }\nshare: half\n";
        let expected = "\
s.yaml is not usable: 10 faults
  s.yaml:1:1   key `name` is missing
    What the shop is called
  s.yaml:1:1   unknown key `nam`
    allowed: `doors`, `kind`, `name`, `open`, `port`, `share`; did you mean `name`?
  s.yaml:2:7   `kind` is the text `retial`, which is not allowed here
    allowed: `retail`, `whole`; did you mean `retail`?
  s.yaml:4:11  `doors[0].id` must be text, found the number `7`
    in quotes it is text: \"7\"
  s.yaml:4:21  `doors[0].width` must be a whole number, found the text `wide`
  s.yaml:5:5   key `width` is missing in `doors[back]`
  s.yaml:5:25  `doors[back].labels` must be a mapping, found a list
  s.yaml:6:7   `port` is `70000`, allowed: 0 to 65535
    Port it listens on
  s.yaml:7:7   `open` must be text or a list, found a mapping
  s.yaml:8:8   `share` must be a number, found the text `half`";
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn a_variable_takes_the_type_the_schema_asks_for() {
        let mut node = read("s.yaml", "{ name: \"${N:-12}\", port: \"${P:-80}\", share: \"${S:-0.5}\" }").unwrap();
        assert!(substitute("s.yaml", &mut node, &|_| None).is_empty());
        let shop: Shop = fill(&mut node, &schema(), "s.yaml").unwrap();
        assert_eq!((shop.name.as_str(), shop.port, shop.share), ("12", Some(80), Some(0.5)));
    }

    #[test]
    fn several_shapes_and_empty_optional_keys_are_accepted() {
        let mut node =
            read("s.yaml", "name: a\nkind:\nopen: [x, y]\ndoors: [{ id: d, width: 1, labels: { en: D } }]\n").unwrap();
        let shop: Shop = fill(&mut node, &schema(), "s.yaml").unwrap();
        assert_eq!(shop.open, OneOrMany::Many(vec!["x".into(), "y".into()]));
        assert_eq!(shop.kind, None);
        assert_eq!(shop.doors[0].labels["en"], "D");
    }

    #[test]
    fn an_empty_file_is_a_fault_not_a_crash() {
        assert_eq!(
            faults(""),
            "s.yaml is not usable: 1 fault\n  s.yaml:1:1  the file must be a mapping, found nothing"
        );
    }
}
