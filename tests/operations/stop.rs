//! SIGTERM while the warehouse is away: it says what it waits for, ends within the grace, and nothing is lost.

use crate::proxy::Proxy;
use std::sync::atomic::Ordering;

use crate::running::{Running, ask, folder, free_port, records, text, tropa, until};
use crate::watch::server;

#[test]
fn a_stop_while_the_warehouse_is_away_says_what_it_waits_for_and_ends_with_nothing_lost() {
    let port = free_port();
    let host = folder(&format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
    let _server = server(&host);
    let proxy = Proxy::before(port, str::to_owned);
    let client = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{}\", database: shop }}\nrefresh: 1s\ngrace: 7s\nflush: {{ records: 100 }}\n\
         sources: {{ web: {{ decoder: web, file: {{ paths: [log.ndjson] }} }} }}\n",
        proxy.port
    ));
    std::fs::write(client.path().join("log.ndjson"), records(0..100)).expect("writable");
    let migrated = tropa(client.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let mut run = Running::start(client.path(), &["run"]);
    run.hear("read to its end");
    until("the first records are stored", || ask(client.path(), "SELECT sum(records) FROM positions FINAL") == "100\n");
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);

    // More of the file, and the warehouse goes away before any of it is stored.
    std::fs::write(client.path().join("log.ndjson"), records(0..5_000)).expect("writable");
    let mut run = Running::start(client.path(), &["run"]);
    until("the sources are read", || run.ready());
    proxy.closed.store(true, Ordering::SeqCst);
    run.hear("does not answer");
    run.signal("TERM");
    let waiting = run.hear("stopping, and still waiting");
    assert!(
        waiting.contains(&format!("the warehouse at http://127.0.0.1:{} does not answer", proxy.port)),
        "{waiting}"
    );
    assert!(waiting.contains("s left"), "{waiting}");
    let (code, said) = run.ends();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("what the warehouse had not acknowledged is not committed"), "{said}");

    proxy.closed.store(false, Ordering::SeqCst);
    let finished = tropa(client.path(), &["run", "--until-end"]);
    assert!(finished.status.success(), "{}", text(&finished.stderr));
    let query = "SELECT (SELECT uniqExact(event_id) FROM events), sum(records), (SELECT sum(length(touchpoints)) FROM v_journeys) FROM positions FINAL";
    assert_eq!(ask(client.path(), query), "5000\t5000\t5000\n");
}
