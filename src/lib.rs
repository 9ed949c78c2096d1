//! Tropa: the journey you designed, and the one people walk.
//!
//! ```text
//!  source ─> decode ─> identity ─> touchpoint ─> journey ─> warehouse ─> aggregate ─> compare ─> report
//!  bytes     Event     customer    match         journeys   rows         daily counts  designed   text, JSON,
//!            or dead   of each     against the   of one     replaced     in SQL        against    HTML
//!            letter    event       journey file  customer   whole                      real
//! ```
//!
//! Three kinds of module: PURE (values in, values out: no clock, no I/O, no logs), EDGE (talks to the world) and
//! FRAME (puts them together). The `mod` lines stand in the order of the flow, and a module imports only modules
//! above it; `tests/architecture.rs` checks both.

// What every stage shares (PURE)
pub mod time; //          Timestamp, Day, ISO durations
pub mod event; //         RawRecord -> Event, identifiers, positions, admission
pub mod yaml; //          spanned YAML, faults, schema check
pub mod config; //        the config file as checked: sources, decoders, identifier kinds, warehouse
pub mod map; //           the journey file -> DesignedMap, or all its faults

// What the process knows of itself
pub mod health; //        EDGE  what keeps it from being ready, and its figures; said by whoever finds out
pub mod steps; //         EDGE  named steps of the write protocol, where a test lets a process die; not in a release

// The flow
pub mod progress; //      EDGE  progress bars
pub mod source; //        EDGE  file, kafka
pub mod decode; //        PURE  RawRecord -> Event
pub mod identity; //      PURE  facts, guards -> customer of every identifier
pub mod touchpoint; //    PURE  Event -> what it is under each version of a map
pub mod journey; //       PURE  a customer's events -> journeys, and their graph
pub mod conformance; //   PURE  a journey's path against the designed map: alignment, deviations, precision
pub mod stage; //         PURE  the state machines of ingest, identity and journeys, behind the seam `Warehouse`
pub mod aggregate; //     PURE  the SQL that fills each daily aggregate
pub mod warehouse; //     EDGE  ClickHouse: migrations, rows, inserts, queries; embedded/ holds the engine
pub mod relay; //         EDGE  the internal topics between roles: the seams Inlet and Outlet over Kafka

// Beside the flow
pub mod compare; //       PURE  DesignedMap against the empirical map
pub mod report; //        PURE  the comparison as text, JSON, HTML
pub mod exchange; //      PURE  maps and journeys for other tools, and maps from them
pub mod discover; //      PURE  a journey file out of data alone
pub mod demo; //          PURE  a seeded shop with known people
pub mod orders; //        FRAME orders of operators on their way through the process
pub mod serve; //         EDGE  HTTP: /livez, /readyz, /metrics, /orders, the maps as pages

// FRAME
pub mod map_tests; //    the tests inside a journey file
pub mod telemetry; //     logs, and what the pipeline counts
pub mod shutdown; //      signals
pub mod intake; //        all sources of a config as one log
pub mod recompute; //     customers computed from the sets
pub mod pipeline; //      the flow, once, top to bottom
pub mod startup; //       what happens before the first record
pub mod verify; //        the tables against the sets
pub mod follow; //        figures that are looked up now and then
pub mod roles; //        one stage in a process of its own
pub mod reprocess; //     a topic read again
pub mod past; //          as it stood at a past as_of
pub mod one_version; //   all history under one version of a map
pub mod beside; //        a map's comparison from a store
pub mod forms; //         a comparison in any of its forms
pub mod pages; //         maps drawn for whoever opens a page
pub mod backup; //        copies of an embedded store
pub mod cli; //           arguments; one file per command
