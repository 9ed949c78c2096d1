//! The maps over HTTP: the page, and the same figures as pictures and files, which are those of the command.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::running::{LONG, Running, folder, records, text, tropa, until};

/// Status, head and body of an answer.
fn fetched(folder: &Path, path: &str) -> (u16, String, Vec<u8>) {
    let address = std::fs::read_to_string(folder.join("tropa-data/serve")).expect("it listens");
    let mut stream = TcpStream::connect(&address).expect("it listens");
    stream.set_read_timeout(Some(LONG)).expect("a limit");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
    let (head, body) = (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end + 4..].to_vec());
    let status = head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, head, body)
}

/// Every link that the page has, as a browser asks for it.
fn links(page: &str) -> Vec<String> {
    let hrefs = page.split("href=\"./").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs.map(|href| format!("/maps/{}", href.replace("&amp;", "&"))).collect()
}

#[test]
fn the_page_leads_to_pictures_and_files_that_are_those_of_the_command() {
    let folder = folder("refresh: 1s\nsources: { web: { decoder: web, file: { paths: [log.ndjson] } } }\n");
    let map = std::fs::read_to_string(folder.path().join("shop.journey.yaml")).expect("the map");
    let titled = map.replace("{ id: look, role: entry }", "{ id: look, role: entry, title: { en: Look, ru: Взгляд } }");
    assert_ne!(titled, map);
    std::fs::write(folder.path().join("shop.journey.yaml"), titled).expect("writable");
    let paid = "{\"id\":1000,\"name\":\"pay\",\"at\":\"2026-01-02T10:00:00Z\",\"user\":\"u1\"}\n";
    std::fs::write(folder.path().join("log.ndjson"), format!("{}{paid}", records(0..100))).expect("writable");
    let mut run = Running::start(folder.path(), &["run"]);
    run.hear("listening");
    let entered = || {
        let json = fetched(folder.path(), "/maps/shop.json").2;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
        (json["population"]["completed"].as_u64(), json["as_of"] == "2026-01-02T10:00:00Z")
    };
    until("all is counted", || entered() == (Some(1), true));

    let page = |path: &str| {
        let (status, head, body) = fetched(folder.path(), path);
        assert!(status == 200 && head.contains("content-type: text/html; charset=utf-8"), "{path}: {head}");
        String::from_utf8(body).expect("text")
    };
    let (first, again) = (page("/maps/shop"), page("/maps/shop?explain=0.5&as_of=2026-01-02T10:00:00Z"));
    assert!(again.contains("The paths that carry 50.0 %") && !first.contains("The paths that carry"));
    assert!(first.contains(">Show the paths of 80 % of the journeys alone</a>"), "{first}");
    assert!(again.contains(">Show every path</a>") && again.contains(">Показать все варианты</a>"), "{again}");
    let mut taken = 0;
    for link in links(&first).into_iter().chain(links(&again)) {
        let (name, query) = link.trim_start_matches("/maps/").split_once('?').expect("a language");
        let Some((_, end)) = name.rsplit_once('.') else {
            assert!(page(&link).contains("<svg class=\"map real\""), "{link}");
            continue;
        };
        let (status, head, body) = fetched(folder.path(), &link);
        assert_eq!(status, 200, "{link}: {}", text(&body));
        let (kind, begin): (&str, &[u8]) = match end {
            "svg" => ("image/svg+xml", b"<?xml "),
            "png" => ("image/png", b"\x89PNG\r\n"),
            "pdf" => ("application/pdf", b"%PDF-1."),
            "xlsx" => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
            "md" => ("text/markdown; charset=utf-8", b"# shop"),
            "json" => ("application/json", b"{\n"),
            other => panic!("{other}"),
        };
        assert!(head.contains(&format!("content-type: {kind}")) && body.starts_with(begin), "{link}: {head}");
        let language = if query.contains("language=ru") { "ru" } else { "en" };
        let explain = if query.contains("explain=") { &["--explain", "0.5"][..] } else { &[] };
        let format = if end == "md" { "markdown" } else { end };
        let asked = [&["compare", "--format", format, "--language", language], explain].concat();
        // A workbook says when it was made.
        if end != "xlsx" {
            let out = tropa(folder.path(), &asked);
            assert!(out.stdout == body, "{link} is not what {asked:?} gives: {}", text(&out.stderr));
        }
        taken += 1;
    }
    assert_eq!(taken, 24, "six files of two views in two languages");

    let said = |path: &str| {
        let (status, _, body) = fetched(folder.path(), path);
        (status, text(&body))
    };
    assert_eq!(said("/maps/none.svg").0, 404);
    let (status, words) = said("/maps/shop.pdf?explain=80");
    assert!(status == 400 && words.starts_with("80 is no part of the journeys"), "{status} {words}");
    assert_eq!(said("/maps/shop.svg?language=xx"), (400, "`xx` is no language here; allowed: en, ru\n".to_owned()));
    let (status, words) = said("/maps/shop?version=1");
    assert!(status == 400 && words.contains("version"), "{status}: {words}");
    let (status, words) = said("/maps/shop.doc");
    assert!(status == 404 && words.contains("no form `doc`; allowed: txt, json, html, md"), "{status}: {words}");
    let file = said("/maps/shop.html").1;
    assert!(file.contains("<h1>shop</h1>") && !file.contains("href="), "a file stands alone");
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}
