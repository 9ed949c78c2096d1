//! Who else works on a store that a command is about to write to. In: a place and its store, as Kafka's consumer groups know
//! them. Out: nothing, or a refusal before anything is written: who they are, and what to do. The embedded store needs no
//! such look: it is locked.

use super::store::Store;
use super::{Failure, Place};
use crate::config::{Input, RolesConfig, WarehouseConfig};
use crate::relay::{self, RelayError};
use crate::source::kafka::admin;

/// Hosts by what they do.
type Found = Vec<(String, Vec<String>)>;

/// Refuses where somebody reads the sources into this store, or any role works on it.
pub(super) async fn nobody(store: &Store, place: &Place) -> Result<(), Failure> {
    if matches!(place.config.warehouse, WarehouseConfig::Embedded { .. }) {
        return Ok(());
    }
    let mut found = roles_at_work(store, place).await?;
    for source in &place.config.sources {
        let Input::Kafka(input) = &source.input else { continue };
        let readers = admin::readers(input).await.map_err(|e| unknown(RelayError::Kafka(e)))?;
        found.push((format!("readers of `{}`", source.name), readers));
    }
    refuse(found)
}

/// Refuses where any role works on this store: a process of all stages would write under epochs that theirs never reach.
pub(super) async fn no_role(store: &Store, place: &Place) -> Result<(), Failure> {
    refuse(roles_at_work(store, place).await?)
}

async fn roles_at_work(store: &Store, place: &Place) -> Result<Found, Failure> {
    let mut found = Vec::new();
    if let Some(roles) = roles_of(place) {
        found.push(("identity".to_owned(), relay::writers(roles).await.map_err(unknown)?));
        if let Some(cut) = store.client.cut(&roles.prefix).await? {
            found.push(("journeys".to_owned(), relay::owners(roles, cut).await.map_err(unknown)?));
        }
    }
    Ok(found)
}

fn refuse(mut found: Found) -> Result<(), Failure> {
    found.retain(|(_, hosts)| !hosts.is_empty());
    if found.is_empty() {
        return Ok(());
    }
    let who: Vec<String> = found.iter().map(|(who, hosts)| format!("{who} at {}", hosts.join(", "))).collect();
    Err(Failure::InUse(format!(
        "others work on this store: {}\n  \
         hint: end every `tropa run` on it, run this again, then start them: each goes on where it stood; one that was killed \
         counts until its session is over",
        who.join("; ")
    )))
}

/// Refuses where an identity process of the config's roles runs: it would have to give way to this command.
pub(super) async fn no_writer(place: &Place) -> Result<(), Failure> {
    let Some(roles) = roles_of(place) else { return Ok(()) };
    let hosts = relay::writers(roles).await.map_err(unknown)?;
    if hosts.is_empty() {
        return Ok(());
    }
    Err(Failure::InUse(format!(
        "the identity writer of these roles runs at {}, and takes the order itself\n  \
         hint: run this where it runs, with its config and its data folder (`kubectl exec POD -- tropa …`); of several identity \
         processes it is the one whose `tropa_identity_writer` is 1; one that was killed counts until its session is over",
        hosts.join(", ")
    )))
}

fn roles_of(place: &Place) -> Option<&RolesConfig> {
    let server = matches!(place.config.warehouse, WarehouseConfig::Server { .. });
    place.config.roles.as_ref().filter(|_| server)
}

fn unknown(error: RelayError) -> Failure {
    Failure::Store(format!(
        "whether others work on this store cannot be found out: {error}\n  \
         hint: nothing was written; without the section `roles:` in the config nobody is looked for"
    ))
}
