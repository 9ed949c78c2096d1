//! A bounded queue between two stages of one process. In: messages. Out: the same, in order, and, back to the sender, how
//! far the receiver has committed. Nothing survives the process: what was sent and not settled comes again from the source.

use tokio::sync::{mpsc, watch};

use super::Gone;
use crate::stage::{Heard, Inlet, Outlet, Partition, Ticket};

pub struct QueueOutlet<T> {
    messages: mpsc::Sender<T>,
    next: Ticket,
    committed: watch::Receiver<Ticket>,
}

pub struct QueueInlet<T> {
    messages: mpsc::Receiver<T>,
    next: i64,
    gained: bool,
    committed: watch::Sender<Ticket>,
}

/// `capacity`: messages that may wait.
pub fn queue<T: Send>(capacity: usize) -> (QueueOutlet<T>, QueueInlet<T>) {
    let (messages, messages_in) = mpsc::channel(capacity);
    let (committed, committed_in) = watch::channel(0);
    (
        QueueOutlet { messages, next: 0, committed: committed_in },
        QueueInlet { messages: messages_in, next: 0, gained: false, committed },
    )
}

impl<T: Send> Outlet<T> for QueueOutlet<T> {
    type Error = Gone;

    fn partitions(&self) -> Partition {
        1
    }

    async fn announce(&mut self, _: Partition, message: T) -> Result<Ticket, Gone> {
        self.messages.send(message).await.map_err(|_| Gone)?;
        self.next += 1;
        Ok(self.next - 1)
    }

    async fn settled(&mut self) -> Result<Ticket, Gone> {
        self.committed.changed().await.map_err(|_| Gone)?;
        Ok(*self.committed.borrow_and_update())
    }
}

impl<T: Send> Inlet<T> for QueueInlet<T> {
    type Error = Gone;

    async fn poll(&mut self) -> Result<Heard<T>, Gone> {
        if !self.gained {
            self.gained = true;
            return Ok(Heard::Gained(vec![(0, 0)]));
        }
        match self.messages.recv().await {
            Some(message) => {
                self.next += 1;
                Ok(Heard::Message { partition: 0, offset: self.next - 1, message })
            }
            None => Ok(Heard::End),
        }
    }

    async fn confirm(&mut self, _: Partition, _: u64) -> Result<bool, Gone> {
        Ok(true)
    }

    async fn commit(&mut self, _: Partition, next: i64, _: u64) -> Result<(), Gone> {
        self.committed.send_replace(next.unsigned_abs());
        Ok(())
    }
}
