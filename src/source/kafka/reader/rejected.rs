//! What the reading thread does with records that cannot become events. In: dead letters of a batch, a partition with too
//! many of them. Out: the batch's letters in their topic, a partition that is not read on.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use tracing::warn;

use super::super::starts;
use super::{Over, PATIENCE, Reader};
use crate::event::{DeadLetter, Envelope};
use crate::source::limits::TooMany;
use crate::source::{DecodedBatch, SourceError, SourceEvent, pause};

impl Reader {
    /// Nothing more of the last message's partition: what was taken is stored and committed, nothing beyond.
    pub(super) fn stop_partition(&mut self, why: TooMany) {
        let partition = &mut self.partitions[self.last];
        partition.stopped = Some(why);
        if let Err(error) = self.consumer.pause(&starts::all([&*partition])) {
            // Records that come all the same are left in the topic, see `take`.
            warn!(%error, "a partition could not be paused");
        }
        pause(&self.source.health, &self.source.name, &partition.name, &why);
    }

    /// With `until_end` there is no one to resume it: the run ends with an error.
    pub(super) fn fail_if_stopped(&mut self) -> Result<(), Over> {
        let stopped = self.partitions.iter().find_map(|p| Some((p.name.to_string(), p.stopped?)));
        let Some((place, why)) = stopped.filter(|_| self.source.until_end) else { return Ok(()) };
        self.give()?;
        self.send(SourceEvent::Failed(SourceError::TooManyDeadLetters { place, why }))?;
        Err(Over)
    }

    /// Dead letters are in their topic before the batch goes its way to a commit.
    pub(super) fn write_letters(&mut self, batch: &DecodedBatch) -> Result<(), Over> {
        let Some(mut topic) = self.letters.take() else { return Ok(()) };
        let fresh: Vec<DeadLetter> = batch.dead_letters.iter().filter(|l| !l.envelope.retried).cloned().collect();
        let began = Instant::now();
        let mut paused = false;
        let written = topic.write(&fresh, &mut |wait| {
            if self.stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            if began.elapsed() > PATIENCE {
                self.pause(true);
                paused = true;
                self.keep_membership();
            }
            std::thread::sleep(wait);
            ControlFlow::Continue(())
        });
        self.letters = Some(topic);
        if paused {
            self.pause(!self.whole);
            self.announced = false;
        }
        if written.is_break() { Err(Over) } else { Ok(()) }
    }
}

/// What came with a message.
pub(in crate::source::kafka) fn envelope_of(message: &BorrowedMessage<'_>) -> Envelope {
    let headers = message.headers().into_iter().flat_map(|all| all.iter());
    Envelope {
        key: message.key().map(<[u8]>::to_vec),
        headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
        has_value: message.payload().is_some(),
        ..Envelope::default()
    }
}
