//! Mistakes that the protocol could be built with, each made at a seam so that the stages stay as they are. A model that
//! does not find them would find nothing.
//!
//! Of the mistakes that the design lists, these have no place of their own here:
//!
//! * *identity from uncommitted facts*: facts are members of a set, written before anything is announced. A restart takes
//!   all of them and mends what does not follow from them; `NothingMended` and `IntentForgotten` leave that out.
//! * *net-unchanged nodes not written*: no row tells of a node that went from A to B and back. Whom a step is about to
//!   announce is noted instead; `IntentForgotten` forgets it.
//! * *no forwarding*: an announcement says in full what belongs to a customer, a tombstone included, so nobody forwards.
//! * *stale identity read*: owners of customers read no identity. What they hear may be of a replaced writer:
//!   `StaleWriterHeard`.
//! * *bucket not the owner's*: whoever counts a bucket counts one snapshot and names the greatest version in it, and what
//!   changes a bucket raises that version. So a count by somebody else is right, or loses to a newer one.
//! * *cache kept over an identity change*: `EverythingFresh`, which takes what was not read for whole.
//!
//! `Rivals` is found although the older of two single processes stops before its next commit: what it wrote, and what it
//! was ordered, after its rival had loaded the store is known to nobody until the next start.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// Rows of customers are taken for written before they are: what follows from a record is committed too early.
    CommitBeforeInsert,
    /// Events are announced before they are stored.
    AnnounceBeforeInsert,
    /// Of two rows the one that comes last wins, whatever its version.
    NoVersion,
    /// Two writers claim one epoch.
    NoEpoch,
    /// A restart takes the stored identity rows for right.
    NothingMended,
    /// A restart forgets whom it was about to announce.
    IntentForgotten,
    /// Identity rows are written before what was announced is settled.
    SettledTooEarly,
    /// Customers that are none any more are not announced.
    LoserNotAnnounced,
    /// What a replaced identity writer still says is heard.
    StaleWriterHeard,
    /// Reads do not see the newest inserts.
    LaggingRead,
    /// Cells of an aggregate that vanished keep their counts.
    PerCell,
    /// In one process: a message is settled as soon as it is taken from the queue.
    QueueCommit,
    /// A position passes customers that still wait for a read.
    PastParked,
    /// An epoch counts although a successor may have claimed one before.
    Unconfirmed,
    /// Two single processes run on one store at once.
    Rivals,
    /// What was forgotten is taken for never heard of, and not read again.
    EverythingFresh,
    /// What a split or a revoke says is carried out and not written.
    SplitLost,
    /// An order that was cut off is not carried out at the next start.
    OrderForgotten,
    /// What is erased is deleted, and nobody keeps in mind that it is outside.
    ErasureResurrected,
    /// Rows of whom was forgotten are deleted behind the writer, tombstones included.
    DeletedBehind,
    /// The customers are cut anew, and nobody is announced to the new owners.
    EpochUnmarked,
    /// What was lost of a topic is passed over.
    LossUnnoticed,
    /// A row that says what stands there already is not written.
    SkipIfEqual,
}

impl Mistake {
    pub const ALL: [Self; 23] = [
        Self::CommitBeforeInsert,
        Self::AnnounceBeforeInsert,
        Self::NoVersion,
        Self::NoEpoch,
        Self::NothingMended,
        Self::IntentForgotten,
        Self::SettledTooEarly,
        Self::LoserNotAnnounced,
        Self::StaleWriterHeard,
        Self::LaggingRead,
        Self::PerCell,
        Self::QueueCommit,
        Self::PastParked,
        Self::Unconfirmed,
        Self::Rivals,
        Self::EverythingFresh,
        Self::SplitLost,
        Self::OrderForgotten,
        Self::ErasureResurrected,
        Self::DeletedBehind,
        Self::EpochUnmarked,
        Self::LossUnnoticed,
        Self::SkipIfEqual,
    ];
}
