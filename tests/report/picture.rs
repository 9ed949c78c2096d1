//! The map as a picture: SVG in Chromium, PNG pixel by pixel beside what Chromium paints, PDF in `pypdf`; and the same map
//! with only the paths that carry a share of the journeys. In: the demo's shop through the binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use crate::{data, python, reader, shop};

/// What must be read on a picture of the shop, in both languages.
const WORDS: [(&str, [&str; 9]); 2] = [
    (
        "en",
        [
            "Order in an electronics shop",
            "As designed",
            "As people walk it",
            "Discovery",
            "Checkout",
            "Delivery",
            "+ unplanned",
            "∅ unused",
            "▲ some stray from the design here",
        ],
    ),
    (
        "ru",
        [
            "Заказ в магазине электроники",
            "Как задумано",
            "Как ходят люди",
            "Знакомство",
            "Оформление",
            "Доставка",
            "+ вне плана",
            "∅ не ходят",
            "▲ здесь отклоняются от замысла",
        ],
    ),
];

#[derive(Debug, Deserialize)]
struct Seen {
    title: String,
    texts: Vec<String>,
    families: Vec<String>,
    smallest_letters: f64,
    beyond_the_edge: Vec<String>,
    outside_their_stage: Vec<String>,
    labels_on_labels: Vec<String>,
    dashes: Value,
    said: Vec<String>,
    requests: Vec<String>,
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a temporary folder")).path()
}

/// A picture of the shop; drawn once for each form of it.
fn drawn(format: &str, language: &str, more: &[&str]) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = folder().join(format!("map{}-{language}.{format}", more.join("")));
    if !file.exists() {
        let form = ["--format", format, "--lang", language];
        let said = reader::compare(&[&form, more, &["--out", shop::text(&file)]].concat());
        assert_eq!(said, "", "a file is written, not the screen");
    }
    file
}

fn svg(language: &str, more: &[&str]) -> String {
    std::fs::read_to_string(drawn("svg", language, more)).expect("a text")
}

/// What Chromium sees of both languages, and the folder with what it painted.
fn seen(test: &str) -> Option<&'static Vec<Seen>> {
    static SEEN: OnceLock<Result<Vec<Seen>, String>> = OnceLock::new();
    let seen = SEEN.get_or_init(|| {
        let (chromium, node) = reader::browser()?;
        let out = Command::new("node")
            .arg(reader::project("tests/report/picture.mjs"))
            .arg(folder())
            .args(["en", "ru"].map(|l| drawn("svg", l, &[])))
            .env("TROPA_CHROMIUM", chromium)
            .env("TROPA_NODE", node)
            .output()
            .expect("node runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let mut found: Value = serde_json::from_slice(&out.stdout).expect("what picture.mjs saw");
        Ok(serde_json::from_value(found["pictures"].take()).expect("of each picture"))
    });
    seen.as_ref().map_err(|why| data::not_run(test, why)).ok()
}

struct Pixels {
    width: usize,
    height: usize,
    /// Red, green, blue.
    rgb: Vec<[u8; 3]>,
}

fn pixels(file: &Path) -> Pixels {
    let file = std::io::BufReader::new(std::fs::File::open(file).expect("a picture"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("of a size")];
    let info = reader.next_frame(&mut bytes).expect("an image");
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    let step = info.color_type.samples();
    assert!(step >= 3, "{:?} is no colour", info.color_type);
    let rgb = bytes[..info.buffer_size()].chunks(step).map(|p| [p[0], p[1], p[2]]).collect();
    Pixels { width: info.width as usize, height: info.height as usize, rgb }
}

/// How dark each square of 16 pixels is, 0 to 255.
fn darkness(of: &Pixels) -> Vec<Vec<f64>> {
    let (columns, rows) = (of.width / 16, of.height / 16);
    let square = |column: usize, row: usize| {
        let inside = (0..256).map(|i| of.rgb[(row * 16 + i / 16) * of.width + column * 16 + i % 16]);
        inside.map(|p| 255.0 - p.iter().map(|&v| f64::from(v)).sum::<f64>() / 3.0).sum::<f64>() / 256.0
    };
    (0..rows).map(|row| (0..columns).map(|column| square(column, row)).collect()).collect()
}

#[test]
fn an_svg_stands_alone_in_a_browser_and_every_word_is_where_it_belongs() {
    let Some(all) = seen("an_svg_stands_alone_in_a_browser_and_every_word_is_where_it_belongs") else { return };
    for (picture, (language, words)) in all.iter().zip(WORDS) {
        assert_eq!(picture.said, Vec::<String>::new(), "{language}");
        assert!(picture.requests.len() == 1 && picture.requests[0].starts_with("file:"), "{:?}", picture.requests);
        assert_eq!(picture.title, words[0]);
        for word in words {
            assert!(picture.texts.iter().any(|t| t == word), "{language}: {word} in {:?}", picture.texts);
        }
        for (what, found) in [
            ("beyond the edge", &picture.beyond_the_edge),
            ("outside their stage", &picture.outside_their_stage),
            ("labels on labels", &picture.labels_on_labels),
        ] {
            assert!(found.is_empty(), "{language}, {what}: {found:?}");
        }
        assert!(picture.smallest_letters >= 11.0, "{}", picture.smallest_letters);
        let family = |f: &String| f.starts_with("\"DejaVu Sans\"") && f.ends_with("sans-serif");
        assert!(picture.families.iter().all(family), "{:?}", picture.families);
    }
}

#[test]
fn without_colour_every_kind_of_arc_has_its_own_dashes_and_the_legend_says_which() {
    let test = "without_colour_every_kind_of_arc_has_its_own_dashes_and_the_legend_says_which";
    let Some(all) = seen(test) else { return };
    let dashes: Vec<&str> = ["planned", "unplanned", "forbidden", "unused"]
        .iter()
        .map(|mark| all[0].dashes[mark].as_str().expect("the legend has it"))
        .collect();
    assert_eq!(dashes[0], "none");
    for (i, a) in dashes.iter().enumerate() {
        assert!(!dashes[..i].contains(a), "{dashes:?}");
    }
}

#[test]
fn an_svg_names_nothing_from_elsewhere_and_is_well_formed() {
    for (language, _) in WORDS {
        let text = svg(language, &[]);
        let document = roxmltree::Document::parse(&text).expect("well-formed XML");
        assert_eq!(document.root_element().tag_name().name(), "svg");
        for node in document.descendants() {
            assert!(!["script", "style", "image", "use", "foreignObject"].contains(&node.tag_name().name()));
            for attribute in node.attributes() {
                let foreign = attribute.value().contains("url(") || attribute.value().contains("//");
                assert!(attribute.name() != "href" && !foreign, "{attribute:?}");
            }
        }
    }
}

#[test]
fn a_png_has_two_pixels_for_each_unit_and_shows_what_a_browser_shows_of_the_svg() {
    let test = "a_png_has_two_pixels_for_each_unit_and_shows_what_a_browser_shows_of_the_svg";
    let painted: Vec<Pixels> = WORDS.iter().map(|(language, _)| pixels(&drawn("png", language, &[]))).collect();
    for (own, (language, _)) in painted.iter().zip(WORDS) {
        let text = svg(language, &[]);
        let size = |name: &str| -> usize {
            text.split_once(&format!(" {name}=\"")).and_then(|t| t.1.split('"').next()?.parse().ok()).expect("a size")
        };
        assert_eq!((own.width, own.height), (2 * size("width"), 2 * size("height")), "{language}");
        let marked = own.rgb.iter().filter(|p| **p != [255; 3]).count() as f64 / own.rgb.len() as f64;
        assert!((0.02..0.6).contains(&marked), "{language}: {marked} of it is not white");
    }
    assert!(painted[0].rgb != painted[1].rgb, "each language has its own words");
    if seen(test).is_none() {
        return;
    }
    for (own, (language, _)) in painted.iter().zip(WORDS) {
        let theirs = pixels(&folder().join(format!("map-{language}.svg.chromium.png")));
        assert_eq!((own.width, own.height), (theirs.width, theirs.height));
        let (own, theirs) = (darkness(own), darkness(&theirs));
        let squares = || own.iter().flatten().zip(theirs.iter().flatten());
        let count = squares().count() as f64;
        let apart = squares().map(|(a, b)| (a - b).abs()).sum::<f64>() / count;
        let ink = squares().map(|(a, _)| a).sum::<f64>() / count;
        // Letters are smoothed differently, and nothing else differs.
        assert!(apart < 0.06 * ink, "{language}: squares differ by {apart}, ink is {ink}");
    }
}

#[test]
fn a_pdf_is_one_page_whose_words_can_be_searched_in_both_languages() {
    for (language, words) in WORDS {
        let file = drawn("pdf", language, &[]);
        let script = reader::project("tests/oracles/open.py");
        let out = Command::new(python::python()).arg(script).arg("pdf").arg(&file).output().expect("python runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).expect("text");
        let found: Value = serde_json::from_str(text.lines().last().expect("an answer")).expect("JSON");
        assert_eq!((&found["pages"], &found["title"]), (&1.into(), &words[0].into()), "{language}");
        let picture = svg(language, &[]);
        let width = picture.split_once(" width=\"").and_then(|t| t.1.split('"').next()).expect("a width");
        let points = found["width"].as_f64().expect("a width");
        assert!((points - 0.75 * width.parse::<f64>().expect("a number")).abs() < 0.01, "{points} points of {width}");
        let page = found["text"].as_str().expect("text");
        for word in words {
            assert!(page.contains(word), "{language}: {word} in {page}");
        }
        assert_eq!(found["fonts"].as_array().expect("fonts").len(), 2, "{found}");
        assert_eq!(found["embedded"], found["fonts"], "fonts that are not brought along would be guessed");
    }
}

#[test]
fn the_same_figures_make_the_same_bytes() {
    for format in ["svg", "png", "pdf"] {
        let first = std::fs::read(drawn(format, "en", &[])).expect("a picture");
        let again = folder().join(format!("again.{format}"));
        reader::compare(&["--format", format, "--out", shop::text(&again)]);
        assert!(first == std::fs::read(again).expect("a picture"), "{format}");
    }
}

/// The lines of an SVG that hold marks, without the sentence about what is shown.
fn marks(text: &str) -> Vec<&str> {
    let is_mark = |l: &&str| (l.starts_with("<g") || l.starts_with("<text")) && !l.contains("class=\"note\"");
    text.lines().filter(is_mark).collect()
}

#[test]
fn with_all_of_the_journeys_the_picture_is_the_one_without_the_option() {
    let (plain, all) = (svg("en", &[]), svg("en", &["--explain", "1"]));
    assert_eq!(marks(&plain), marks(&all));
    let sentence = |text: &str| text.contains("hidden: 0 paths, 0.0 %; arcs hidden: 0, stages hidden: 0");
    assert!(sentence(&all) && !sentence(&plain));
    let (plain, all) = (pixels(&drawn("png", "en", &[])), pixels(&drawn("png", "en", &["--explain", "1"])));
    assert_eq!(plain.width, all.width);
    // The rows above the notes.
    let same = (plain.height - 200) * plain.width;
    assert!(plain.rgb[..same] == all.rgb[..same]);
}

#[test]
fn what_is_left_out_of_the_picture_moves_nothing_and_is_what_the_sentence_counts() {
    let (whole, some) = (svg("en", &[]), svg("en", &["--explain", "0.3"]));
    let (whole, some) = (marks(&whole), marks(&some));
    let arcs = |of: &[&str]| of.iter().filter(|l| l.starts_with("<g class=\"arc")).count();
    let json = reader::compare(&["--format", "json", "--explain", "0.3"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let hidden = json["explained"]["hidden"]["transitions"].as_array().expect("a list").len();
    assert!(hidden > 2, "{hidden}");
    assert_eq!(arcs(&whole) - arcs(&some), hidden);
    let box_of = |line: &str| line.split_once("<rect").map(|t| t.1.split(" rx=").next().unwrap_or_default().to_owned());
    let boxes = |of: &[&str]| of.iter().filter_map(|l| box_of(l)).collect::<Vec<_>>();
    assert_eq!(boxes(&whole), boxes(&some));
    for line in some.iter().filter(|l| !l.contains("on no path")) {
        assert!(whole.contains(line), "{line} stands elsewhere than without the option");
    }
}
