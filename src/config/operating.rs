//! Config keys of those who run a process: where it answers, what becomes of dead letters. In: the keys as written. Out:
//! the same as checked, or faults.

use core::net::SocketAddr;

use super::check::Scope;
use super::checked::{DeadLetterConfig, DeadLetterLimits, Input, WarehouseConfig};
use super::file::DeadLettersFile;

/// Any free port of loopback unless written: a fixed one would be taken by the second process on a machine.
pub(super) fn listen(scope: &mut Scope<'_>, written: Option<&str>, warehouse: &WarehouseConfig) -> Option<SocketAddr> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let address = match written {
        None | Some("auto") => return Some(free),
        Some("off") => return None,
        Some(text) => text.parse::<SocketAddr>().unwrap_or_else(|_| {
            let help = "allowed: `auto`, `off`, or an address and a port such as `127.0.0.1:9464` or `0.0.0.0:9464`";
            scope.fault("serve/listen", format!("`{text}` is no address to listen at"), help);
            free
        }),
    };
    if let WarehouseConfig::Embedded { listen, .. } = warehouse
        && *listen != 0
        && *listen == address.port()
    {
        let message = format!("port {listen} is the embedded engine's own (`embedded: {{ listen: {listen} }}`)");
        scope.fault("serve/listen", message, "hint: choose another port for one of the two");
    }
    Some(address)
}

pub(super) fn dead_letters(
    scope: &mut Scope<'_>,
    pointer: &str,
    file: DeadLettersFile,
    input: &Input,
) -> DeadLetterConfig {
    let default = DeadLetterLimits::default();
    let limits = DeadLetterLimits {
        share: file.share.unwrap_or(default.share),
        of: file.of.map_or(default.of, |n| n as usize),
        in_a_row: file.in_a_row.unwrap_or(default.in_a_row),
    };
    let retry = file.retry.or_else(|| file.topic.as_ref().map(|t| format!("{t}.retry")));
    match input {
        Input::Kafka(kafka) => {
            for (key, topic) in [("topic", &file.topic), ("retry", &retry)] {
                let Some(topic) = topic.as_ref().filter(|t| kafka.topics.contains(t)) else { continue };
                let message = format!("`{topic}` is a topic that the source reads records from");
                let help = "hint: dead letters go to a topic of their own, which others need not read";
                scope.fault(&format!("{pointer}/{key}"), message, help);
            }
            if let (Some(topic), Some(retry)) = (&file.topic, &retry)
                && topic == retry
            {
                let at = format!("{pointer}/retry");
                scope.fault(
                    &at,
                    format!("`{retry}` is the dead-letter topic itself"),
                    "hint: two topics, or leave `retry` out",
                );
            }
        }
        Input::File(_) | Input::None => {
            if file.topic.is_some() || retry.is_some() {
                let help = "hint: remove `topic` and `retry`; the table `dead_letters` holds the dead letters of files";
                scope.fault(pointer, "`topic` and `retry` go with `kafka:` only", help);
            }
        }
    }
    DeadLetterConfig { topic: file.topic, retry, limits }
}
