//! `tropa check --connect`, what is between roles. In: the section `roles:` and the store. Out: whether its brokers answer,
//! the internal topics are there as the cut of the customers needs them, and their groups may be used.

use std::io::Write;

use super::connect::{Report, blocking};
use super::store::Store;
use super::{Failure, Place};
use crate::config::{KafkaInput, KafkaStart, RolesConfig, WarehouseConfig};
use crate::relay::RelayError;
use crate::source::kafka::probe::{Probe, Topic};
use crate::stage::Cut;

pub(super) async fn check<W: Write>(
    place: &Place,
    roles: &RolesConfig,
    report: &mut Report<'_, W>,
) -> Result<(), Failure> {
    if matches!(place.config.warehouse, WarehouseConfig::Embedded { .. }) {
        report.problem(
            "roles share a warehouse, and the embedded one is one process's\n  hint: name a ClickHouse server under `warehouse:`",
        )?;
    }
    // Not migrated yet: as it would be made.
    let cut = cut(place, roles).await.unwrap_or(Cut { since: 0, slices: roles.partitions });
    let between = [
        (roles.identity_topic(), roles.writer_group(), 1),
        (roles.customers_topic(cut.since), roles.journeys_group(cut.since), usize::from(cut.slices)),
    ];
    let mut answered = false;
    for (topic, group, wanted) in between {
        let input = KafkaInput {
            brokers: roles.brokers.clone(),
            topics: vec![topic.clone()],
            group: group.clone(),
            start: KafkaStart::Beginning,
            settings: roles.settings.clone(),
            max_record_bytes: 0,
        };
        let name = topic.clone();
        let look = blocking(move || {
            let probe = Probe::connect(&input)?;
            Ok::<_, String>((probe.brokers, probe.topic(&name), probe.group()))
        });
        let (brokers, found, usable) = match look.await? {
            Ok(found) => found,
            Err(why) => return report.problem(&format!("Kafka at {}: {why}", roles.brokers)),
        };
        if !std::mem::replace(&mut answered, true) {
            report.ok(&format!("Kafka at {} answers; brokers: {brokers}", roles.brokers))?;
        }
        match found {
            Topic::There { partitions, .. } if partitions == wanted => {
                report.ok(&format!("topic `{topic}`: partitions: {partitions}"))?;
            }
            Topic::There { partitions, .. } => {
                report.problem(&RelayError::OtherPartitions { topic, found: partitions, wanted }.to_string())?;
            }
            Topic::Missing => report.problem(&RelayError::NoTopic { topic }.to_string())?,
            Topic::Refused(why) => report.problem(&format!("topic `{topic}`: {why}"))?,
        }
        match usable {
            Ok(()) => report.ok(&format!("consumer group `{group}` may be used"))?,
            Err(why) => report.problem(&format!("consumer group `{group}`: {why}"))?,
        }
    }
    if cut.slices != roles.partitions {
        report.note(&format!(
            "the customers are cut into {} slices, and the config says {}",
            cut.slices, roles.partitions
        ))?;
        report.note("hint: `tropa migrate --partitions` cuts them anew; roles may run meanwhile")?;
    }
    Ok(())
}

/// How the customers are cut now; what is wrong with the store has been said.
async fn cut(place: &Place, roles: &RolesConfig) -> Option<Cut> {
    let store = Store::reach(&place.config).await.ok()?;
    let cut = store.client.cut(&roles.prefix).await;
    store.close().await;
    cut.ok().flatten()
}
