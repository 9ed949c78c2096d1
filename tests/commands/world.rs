//! A small trial of a product: two logs, two maps, one store that is filled once.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

pub const CONFIG: &str = "schema: config/v1
maps: [trial.journey.yaml, buyers.journey.yaml]
sources:
  web:
    file: { paths: [events.ndjson] }
    decoder: { segment: { user: user, anonymous: cookie, traits: { email: email } } }
    channel: web
  billing:
    file: { paths: [payments.csv] }
    decoder: { id: payment_id, name: { const: payment }, time: { from: paid_at, zone: Europe/Berlin }, ids: { email: customer_email }, where: { state: [paid] } }
";

pub const TRIAL: &str = "schema: journey/v1
id: trial
version: 1
title: { en: Trial, ru: Пробный период }
drop_off: { after: P14D }
stages:
  - { id: visit, role: entry, title: { en: Visit, ru: Визит } }
  - { id: signup, title: { en: Sign-up, ru: Регистрация } }
  - { id: paid, role: success, title: { en: Paid, ru: Оплата } }
touchpoints:
  - { id: pricing, stage: visit, match: { event: page_view, path: /pricing/** } }
  - { id: signed_up, stage: signup, match: { event: signup } }
  - { id: first_payment, stage: paid, match: { source: billing, event: payment } }
tests:
  - name: who pays has completed
    events:
      - { source: web, event: page_view, at: 2026-01-01T10:00:00Z, ids: { email: a }, props: { path: /pricing/pro } }
      - { source: billing, event: payment, at: 2026-01-02T10:00:00Z, ids: { email: a } }
    expect: { journeys: 1, outcome: completed, path: [pricing, first_payment], deviations: [unexpected visit paid] }
";

const BUYERS: &str = "schema: journey/v1
id: buyers
version: 1
entry: any
stages: [{ id: buy, role: success }]
touchpoints:
  - { id: payment, stage: buy, match: { event: payment } }
";

pub const EVENTS: [&str; 4] = [
    r#"{"messageId":"1","type":"page","anonymousId":"c1","timestamp":"2026-01-01T10:00:00Z","properties":{"path":"/pricing/pro"}}"#,
    r#"{"messageId":"2","type":"track","event":"signup","anonymousId":"c1","userId":"u1","timestamp":"2026-01-02T10:00:00Z","context":{"traits":{"email":"A@x.org"}}}"#,
    r#"{"messageId":"3","type":"page","anonymousId":"c2","timestamp":"2026-01-01T12:00:00Z","properties":{"path":"/pricing"}}"#,
    r#"{"messageId":"4","type":"page","anonymousId":"c3","timestamp":"2026-01-01T12:00:00Z","properties":{"path":"/blog/x"}}"#,
];

pub const PAYMENTS: &str = "payment_id,paid_at,customer_email,amount,state\np1,2026-01-05 09:00,a@x.org,10,paid\np2,2026-01-05 09:00,b@x.org,10,open\n";

/// A folder with config, maps and logs.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("tropa.yaml", CONFIG);
    write("trial.journey.yaml", TRIAL);
    write("buyers.journey.yaml", BUYERS);
    write("events.ndjson", &EVENTS.join("\n"));
    write("payments.csv", PAYMENTS);
    folder
}

/// Runs alone in its folder: a command that finds the store in use asks the process that holds it, which may end before it
/// answers.
pub fn alone<T>(folder: &Path, act: impl FnOnce() -> T) -> T {
    static FOLDERS: Mutex<BTreeMap<PathBuf, &'static Mutex<()>>> = Mutex::new(BTreeMap::new());
    let own = {
        let mut folders = FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        *folders.entry(folder.to_owned()).or_insert_with(|| Box::leak(Box::default()))
    };
    let _alone = own.lock().unwrap_or_else(PoisonError::into_inner);
    act()
}

/// What a command said: standard output, standard error, exit code.
pub fn run(folder: &Path, arguments: &[&str], input: &str) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.args(arguments).current_dir(folder).env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let out = alone(folder, || {
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).ok();
        child.wait_with_output().expect("it ends")
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(out.stdout), text(out.stderr), out.status.code().unwrap_or(-1))
}

/// A command that must succeed, and what it prints.
pub fn ok(folder: &Path, arguments: &[&str]) -> String {
    let (out, errors, code) = run(folder, arguments, "");
    assert_eq!(code, 0, "tropa {arguments:?}: {errors}");
    out
}

/// The filled store.
pub fn filled() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = folder();
        ok(folder.path(), &["run", "--until-end"]);
        folder
    });
    folder.path()
}
