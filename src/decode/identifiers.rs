//! Identifiers as they are stored. In: (kind, raw value) pairs of a record. Out: normalised, without blocked values,
//! keyed-hashed unless the config keeps them raw, distinct, strongest first.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::config::{Config, Kind, Normalise};
use crate::event::{Identifier, KindId};

/// How values are stored.
#[derive(Clone)]
pub struct IdentifierKey {
    key: Option<[u8; 32]>,
}

impl std::fmt::Debug for IdentifierKey {
    /// A key is never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.key.is_some() { "IdentifierKey(hashed)" } else { "IdentifierKey(raw)" })
    }
}

impl IdentifierKey {
    /// Values are stored as they are.
    pub const fn raw() -> Self {
        Self { key: None }
    }

    /// A key of any length, such as the contents of the key file.
    pub fn from_text(text: &str) -> Self {
        Self { key: Some(blake3::derive_key("tropa identifier key v1", text.trim().as_bytes())) }
    }

    /// Tells keys apart, and nothing about them.
    pub fn fingerprint(&self) -> String {
        let of = |key: &[u8; 32]| blake3::keyed_hash(key, b"tropa identifier key").to_hex()[..32].to_owned();
        self.key.as_ref().map_or_else(|| "raw".to_owned(), of)
    }

    /// One value; `None` if it is blocked or empty.
    pub fn identifier(&self, kind: &Kind, id: KindId, value: &str) -> Option<Identifier> {
        let value = normalise(kind.normalise, value);
        let lower = value.to_lowercase();
        if value.is_empty() || kind.blocked.contains(&lower) || kind.blocked_patterns.iter().any(|p| p.is_match(&value))
        {
            return None;
        }
        let node = match &self.key {
            None => format!("{}:{value}", kind.name),
            Some(key) => {
                let mut hash = blake3::Hasher::new_keyed(key);
                hash.update(kind.name.as_bytes());
                hash.update(&[0]);
                hash.update(value.as_bytes());
                format!("{}:{}", kind.name, &hash.finalize().to_hex()[..32])
            }
        };
        Some(Identifier { kind: id, node: Arc::from(node) })
    }

    /// All of a record's, strongest first, and how many were blocked.
    pub(super) fn identifiers(&self, config: &Config, found: &[(KindId, String)]) -> (SmallVec<[Identifier; 3]>, u16) {
        let mut blocked = 0;
        let mut list: SmallVec<[Identifier; 3]> = SmallVec::new();
        for (id, value) in found.iter().filter(|(_, v)| !v.is_empty()) {
            match self.identifier(config.kind(*id), *id, value) {
                Some(identifier) if !list.contains(&identifier) => list.push(identifier),
                Some(_) => {}
                None => blocked += 1,
            }
        }
        let strength = |i: &Identifier| {
            let kind = config.kind(i.kind);
            (kind.class, kind.priority)
        };
        list.sort_by(|a, b| strength(a).cmp(&strength(b)).then_with(|| a.node.cmp(&b.node)));
        (list, blocked)
    }
}

fn normalise(how: Normalise, value: &str) -> String {
    let trimmed = value.trim();
    match how {
        Normalise::Trim => trimmed.to_owned(),
        Normalise::Lower => trimmed.to_lowercase(),
        Normalise::Digits => trimmed.chars().filter(char::is_ascii_digit).collect(),
    }
}
