//! Commits on their way. In: what may be committed, and who waits for it. Out: one commit at a time to the broker, the
//! later ones gathered into the next, and an answer to each who waits. Commits nothing of a partition that is not ours.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::Offset;
use tokio::sync::oneshot;

use super::super::offsets::TopicPartition;
use super::group::{Group, code_text, list_of};
use super::{KafkaError, partitions::Partitions};

type Answer = oneshot::Sender<Result<(), KafkaError>>;

#[derive(Default)]
pub(super) struct Commits {
    waiting: BTreeMap<TopicPartition, i64>,
    who_waits: Vec<Answer>,
    /// Who waits for the one commit that is with the broker.
    sent: Option<Vec<Answer>>,
}

impl Commits {
    pub(super) fn add(&mut self, offsets: Vec<(TopicPartition, i64)>, answer: Answer) {
        // The last word on a partition counts, also where it is smaller: then its log was made anew.
        self.waiting.extend(offsets);
        self.who_waits.push(answer);
    }

    pub(super) fn is_sending(&self) -> bool {
        self.sent.is_some()
    }

    /// Sends what waits, unless a commit is on its way.
    pub(super) fn send(&mut self, consumer: &BaseConsumer<Group>, ours: &Partitions) {
        if self.sent.is_some() || self.who_waits.is_empty() {
            return;
        }
        let offsets = std::mem::take(&mut self.waiting);
        let who = std::mem::take(&mut self.who_waits);
        let kept = offsets.iter().filter(|(partition, _)| ours.holds(partition));
        let sent = list_of(kept.map(|(partition, &next)| (partition, Offset::Offset(next)))).and_then(|list| {
            if list.count() == 0 {
                return Ok(false);
            }
            consumer.commit(&list, CommitMode::Async).map(|()| true)
        });
        match sent {
            Ok(true) => self.sent = Some(who),
            Ok(false) => answer(who, &Ok(())),
            Err(e) => answer(who, &Err(KafkaError::Commit(code_text(&e)))),
        }
    }

    /// The broker has answered.
    pub(super) fn acknowledge(&mut self, result: Result<(), String>) {
        if let Some(who) = self.sent.take() {
            answer(who, &result.map_err(KafkaError::Commit));
        }
    }

    /// The consumer ends: nobody waits for ever.
    pub(super) fn end(&mut self) {
        answer(self.sent.take().unwrap_or_default(), &Err(KafkaError::Ended));
        answer(std::mem::take(&mut self.who_waits), &Err(KafkaError::Ended));
        self.waiting.clear();
    }
}

fn answer(who: Vec<Answer>, result: &Result<(), KafkaError>) {
    for waiting in who {
        // Whoever no longer waits does not want to know.
        let _ = waiting.send(result.clone());
    }
}
