//! How strong kinds of identifiers are against each other, as stored rows depend on it: an event stands under its
//! strongest identifier, and its facts start there. In: the kinds of the config. Out: the order as a text that can be
//! stored and compared, and any event's identifiers put into it.

use std::sync::Arc;

use crate::config::Kind;

/// The order of kinds; two configs with one order key their rows alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keying {
    /// Strongest first; kinds of one rank (objects) are told apart by value only.
    ranks: Vec<(Arc<str>, usize)>,
}

impl Keying {
    pub fn of(kinds: &[Kind]) -> Self {
        let mut sorted: Vec<&Kind> = kinds.iter().collect();
        sorted.sort_by(|a, b| (a.class, a.priority, &a.name).cmp(&(b.class, b.priority, &b.name)));
        let mut ranks: Vec<(Arc<str>, usize)> = Vec::new();
        let mut before: Option<&Kind> = None;
        for kind in sorted {
            let same = before.is_some_and(|b| (b.class, b.priority) == (kind.class, kind.priority));
            let rank = ranks.last().map_or(1, |(_, rank)| rank + usize::from(!same));
            ranks.push((kind.name.clone(), rank));
            before = Some(kind);
        }
        Self { ranks }
    }

    /// Such as `1 crm_contact, 2 user, 3 cookie`.
    pub fn as_text(&self) -> String {
        self.ranks.iter().map(|(name, rank)| format!("{rank} {name}")).collect::<Vec<_>>().join(", ")
    }

    fn rank(&self, identifier: &str) -> Option<usize> {
        let kind = identifier.split_once(':')?.0;
        self.ranks.iter().find(|(name, _)| **name == *kind).map(|(_, rank)| *rank)
    }

    /// Puts stored identifiers into this order, strongest first; those of kinds that are not declared go last, so that
    /// they are there when the kind comes back. Returns how many are declared.
    pub fn arrange(&self, identifiers: &mut [String]) -> usize {
        identifiers.sort_by_cached_key(|i| (self.rank(i).unwrap_or(usize::MAX), i.clone()));
        identifiers.iter().filter(|i| self.rank(i).is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn keying(kinds: &str) -> Keying {
        let text = format!("{{schema: config/v1, identifiers: {{kinds: {{{kinds}}}}}}}");
        let config = config::parse("c.yaml", &text, &|_| None, std::path::Path::new(".")).unwrap();
        Keying::of(&config.identifiers.kinds)
    }

    #[test]
    fn only_the_order_of_kinds_counts_and_not_their_numbers() {
        let order = keying(
            "user: {class: person, priority: 2}, crm: {class: person, priority: 1}, c: {class: device, priority: 9}",
        );
        assert_eq!(order.as_text(), "1 crm, 2 user, 3 c");
        let renumbered = keying(
            "crm: {class: person, priority: 10}, user: {class: person, priority: 20}, c: {class: device, priority: 3}",
        );
        assert_eq!(order, renumbered);
    }

    #[test]
    fn identifiers_are_arranged_by_strength_then_value_with_undeclared_kinds_last() {
        let mut list: Vec<String> = ["gone:1", "c:2", "c:1", "user:z"].iter().map(|s| (*s).to_owned()).collect();
        let declared = keying("user: {class: person, priority: 2}, c: {class: device, priority: 9}").arrange(&mut list);
        assert_eq!((declared, list.join(" ")), (3, "user:z c:1 c:2 gone:1".to_owned()));
    }
}
