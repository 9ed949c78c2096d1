//! What is wrong with a broker, in words. In: librdkafka's code and reason. Out: one text per kind of trouble, the same
//! however often it is tried, so that it is said once.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::settings::plain;

/// A trouble as people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trouble {
    pub text: String,
    /// It lies in the connection, so it is over when there is one.
    pub of_connection: bool,
    /// It says why; the next "all brokers are down" says less.
    pub telling: bool,
}

impl Trouble {
    pub fn of(error: &KafkaError, reason: &str) -> Self {
        let detail = detail(reason);
        let connection = |text: String| Self { text, of_connection: true, telling: true };
        match error.rdkafka_error_code() {
            // The same trouble comes a second time without its reason.
            Some(Code::Authentication | Code::SaslAuthenticationFailed | Code::SSL | Code::Resolve)
                if detail.is_empty() =>
            {
                Self::silence()
            }
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => connection(format!(
                "the broker refuses user or password ({detail})\n  \
                 hint: `sasl.username`, `sasl.password` and `sasl.mechanism` of the source"
            )),
            Some(Code::SSL) => connection(tls(&detail)),
            Some(Code::Resolve) => connection(format!(
                "the host name of the broker is unknown ({detail})\n  hint: `brokers:` of the source"
            )),
            Some(Code::BrokerTransportFailure) if detail.contains("security.protocol") => connection(format!(
                "the broker closes the connection ({detail})\n  hint: `security.protocol` of the source"
            )),
            Some(
                Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::RequestTimedOut,
            ) => Self::silence(),
            Some(Code::TopicAuthorizationFailed) => Self::lasting(
                "the user may not read the topics\n  hint: it needs the ACL operations Read and Describe on each topic",
            ),
            Some(Code::GroupAuthorizationFailed) => Self::lasting(
                "the user may not use the consumer group\n  hint: it needs the ACL operation Read on the group",
            ),
            _ => Self { text: plain(error), of_connection: false, telling: false },
        }
    }

    fn silence() -> Self {
        let text = "the broker does not answer (is it running, and are `brokers:` and `security.protocol` right?)";
        Self { text: text.to_owned(), of_connection: true, telling: false }
    }

    pub fn lasting(text: &str) -> Self {
        Self { text: text.to_owned(), of_connection: false, telling: true }
    }
}

/// librdkafka gives one reason for both of these.
fn tls(detail: &str) -> String {
    if detail.contains("certificate") {
        return format!(
            "{UNTRUSTED} ({detail})\n  \
             hint: `ssl.ca.location` names the file of its CA; `tropa check --connect` tells which of the two it is"
        );
    }
    format!(
        "the broker and this process find no common TLS ({detail})\n  \
         hint: `security.protocol` and the `ssl.…` settings of the source"
    )
}

/// What begins the text of a certificate that was not accepted.
pub(super) const UNTRUSTED: &str =
    "the certificate of the broker is signed by a CA that is not trusted, or is for another host name";

/// The reason without what differs from try to try: which broker, after how long, how often.
fn detail(reason: &str) -> String {
    let start = match reason.split_once(": ") {
        Some((place, rest)) if place.contains("://") || place.contains('/') => rest,
        _ => reason,
    };
    let end = start.find(" (after ").unwrap_or(start.len());
    let text = &start[..end];
    // Behind the place in OpenSSL's own source.
    let text = text.rsplit_once("SSL routines::").map_or(text, |(_, after)| after);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_same_at_every_try() {
        let one = "sasl_ssl://localhost:9093/bootstrap: SASL authentication error: Authentication failed (after 312ms in state AUTH_REQ)";
        let two = "sasl_ssl://localhost:9093/1: SASL authentication error: Authentication failed (after 5ms in state AUTH_REQ, 4 identical error(s) suppressed)";
        assert_eq!(detail(one), "SASL authentication error: Authentication failed");
        assert_eq!(detail(one), detail(two));
        let tls = "sasl_ssl://h:1/bootstrap: SSL handshake failed: ssl/statem/statem_clnt.c:2125:tls_post_process_server_certificate error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified (after 5ms in state SSL_HANDSHAKE)";
        assert_eq!(detail(tls), "certificate verify failed: broker certificate could not be verified");
    }
}
