//! `tropa identity`: who is whom and why, and orders that change it. In: identifiers. Out: members, facts with verdicts,
//! placeholders with reasons; or an order, with what it changes.

use std::fmt::Write;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::orders::{OrderArgs, day, give, known};
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::identity::{Identity, Order, Verdict};
use crate::stage::identity::IdentityStage;
use crate::stage::orders::SOURCE;

#[derive(Debug, Args)]
pub(super) struct IdentityCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print a customer's identifiers, and every fact about them with its verdict
    ///
    /// Example: tropa identity show email:ann@example.org, or tropa identity show --quarantined
    Show(Show),
    /// Keep two identifiers apart for ever: the fact that would join them is refused
    ///
    /// Example: tropa identity split user:17 cookie:9f3a --dry-run
    Split(Split),
    /// Cancel whatever said, up to and with a day, that two identifiers are one
    ///
    /// Example: tropa identity revoke user:17 cookie:9f3a --day 2026-06-30
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Show {
    /// Any identifier of the customer, `kind:value`, as stored or as the source wrote it
    #[arg(required_unless_present = "quarantined")]
    identifier: Option<String>,
    /// Print the identifiers that are placeholders, with reasons
    #[arg(long, conflicts_with = "identifier")]
    quarantined: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct Split {
    /// An identifier, `kind:value`
    a: String,
    /// Another one, which is somebody else's
    b: String,
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Debug, Args)]
struct Revoke {
    /// An identifier, `kind:value`
    a: String,
    /// Another one that was named together with it
    b: String,
    /// The last UTC day whose statements are cancelled [default: today]
    #[arg(long, value_name = "DAY")]
    day: Option<String>,
    #[command(flatten)]
    order: OrderArgs,
}

impl IdentityCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Show(show) => show.run().await,
            What::Split(Split { a, b, order }) => {
                give(order, |place, identity| {
                    let (a, b) = two(place, identity, (&a, &b))?;
                    Ok(Order::Split { a, b })
                })
                .await
            }
            What::Revoke(Revoke { a, b, day: until, order }) => {
                let day = day(until.as_deref())?;
                give(order, |place, identity| {
                    let (a, b) = two(place, identity, (&a, &b))?;
                    Ok(Order::Revoke { a, b, day })
                })
                .await
            }
        }
    }
}

/// Two known identifiers that are not the same.
fn two(place: &Place, identity: &Identity, (a, b): (&str, &str)) -> Result<(Arc<str>, Arc<str>), Failure> {
    let (one, other) = (known(place, identity, a)?, known(place, identity, b)?);
    if one == other {
        return Err(Failure::Unusable(format!("`{a}` and `{b}` are one identifier\n  allowed: two different ones")));
    }
    Ok((one, other))
}

impl Show {
    async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let store = Store::reach(&place.config).await?;
        let shown = self.shown(&place, &store).await;
        store.close().await;
        print!("{}", shown?);
        Ok(())
    }

    async fn shown(&self, place: &Place, store: &Store) -> Result<String, Failure> {
        crate::beside::keyed_alike(&store.client, &place.config).await?;
        let stage = IdentityStage::load(place.config.clone(), store.client.sets().await?);
        let identity = stage.identity();
        match &self.identifier {
            None => Ok(placeholders(identity)),
            Some(written) => {
                let node = known(place, identity, written)?;
                Ok(member(place, identity, &node))
            }
        }
    }
}

fn placeholders(identity: &Identity) -> String {
    let mut list = identity.placeholders();
    list.sort();
    if list.is_empty() {
        return "no identifier is a placeholder\n".to_owned();
    }
    let mut text = String::new();
    for (node, partners, most) in list {
        writeln!(text, "{node}  {partners} distinct partners, allowed: {most}").ok();
    }
    text
}

fn member(place: &Place, identity: &Identity, node: &Arc<str>) -> String {
    let mut text = String::new();
    let assigned = identity.assignments_of(node);
    let Some(customer) = assigned.iter().find(|a| a.day.is_none()).and_then(|a| a.customer.clone()) else {
        let why = identity.placeholders().into_iter().find(|(name, ..)| name == node);
        return match why {
            Some((_, partners, most)) => {
                format!("{node} is a placeholder: {partners} distinct partners, allowed: {most}\n")
            }
            None => format!("{node} is erased\n"),
        };
    };
    writeln!(text, "customer {customer}").ok();
    for member in identity.members(&customer) {
        writeln!(text, "  {member}").ok();
    }
    for day in assigned.iter().filter_map(|a| a.day.zip(a.customer.as_ref())) {
        writeln!(text, "  {} of {node}: {}", day.0, day.1).ok();
    }
    let facts = identity.why(&customer);
    if !facts.is_empty() {
        text.push_str("facts\n");
    }
    for link in facts {
        let fact = &link.fact;
        let verdict = match link.verdict {
            Verdict::Refused(by) => format!("refused: {}", by.as_str()),
            other => other.as_str().to_owned(),
        };
        let source = &place.config.source(fact.source).name;
        writeln!(text, "  {} {} = {}  {source} {}  {verdict}", fact.day, fact.a, fact.b, fact.event_id).ok();
    }
    for (a, b) in identity.forbidden(&customer) {
        writeln!(text, "  {a} and {b} are kept apart  {SOURCE}").ok();
    }
    text
}
