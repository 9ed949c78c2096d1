//! Gzip: whole, cut, spoiled, in several members, empty.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::world::{File, file, good, world};

pub fn gzip(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::none());
    packer.write_all(text.as_bytes()).expect("in memory");
    packer.finish().expect("in memory")
}

pub fn files() -> Vec<File> {
    let (a, b, z) = (good("a"), good("b"), good("z"));
    let whole = gzip(&format!("{a}\n{b}\n{z}\n"));
    let members = [gzip(&format!("{a}\n")), gzip(&format!("{b}\n")), gzip(&z)].concat();
    // Stored, not compressed: the cut falls into the second record.
    let cut = whole[..whole.len() - 8 - z.len() - 1 - 40].to_vec();
    let mut spoiled = whole.clone();
    let checksum = spoiled.len() - 8;
    spoiled[checksum] ^= 0xff;
    vec![
        file("members", "ndjson.gz", members),
        file("gzip_cut", "ndjson.gz", cut),
        file("gzip_checksum", "ndjson.gz", spoiled),
        file("gzip_head", "ndjson.gz", &whole[..5]),
        file("gzip_junk", "ndjson.gz", [&whole[..], b"junk after the end"].concat()),
        file("gzip_empty", "ndjson.gz", ""),
        file("gzip_nothing", "csv.gz", gzip("")),
        file("gzip_not", "ndjson.gz", format!("{a}\n{z}\n")),
        file("gzip_rows", "csv.gz", gzip("id,name,at,kind\na,page,2026-01-01,click\nb,page\n")),
        file("gzip_named_otherwise", "ndjson", gzip(&a)),
    ]
}

#[test]
fn gzip_is_known_by_its_bytes_and_may_have_several_members() {
    world().check("members", &["a", "b", "z"], 0, &[]);
    world().check("gzip_not", &["a", "z"], 0, &[]);
    world().check("gzip_named_otherwise", &["a"], 0, &[]);
    world().check("gzip_rows", &["a"], 0, &[(3, 1, "wrong_width", "the row has 2 cells, the header 4")]);
}

#[test]
fn a_gzip_file_that_breaks_off_keeps_what_came_before() {
    let cut = "the file breaks off here: unexpected end of file";
    let inside = "the file breaks off here: incomplete deflate stream";
    world().check("gzip_cut", &["a"], 0, &[(2, 1, "truncated", inside)]);
    world().check("gzip_head", &[], 0, &[(1, 0, "truncated", cut)]);
    let spoiled = "the file breaks off here: corrupt gzip stream does not have a matching checksum";
    world().check("gzip_checksum", &["a", "b", "z"], 0, &[(4, 3, "truncated", spoiled)]);
    let junk = "the file breaks off here: invalid gzip header";
    world().check("gzip_junk", &["a", "b", "z"], 0, &[(4, 3, "truncated", junk)]);
}

#[test]
fn gzip_files_without_records_give_nothing() {
    world().check("gzip_empty", &[], 0, &[]);
    world().check("gzip_nothing", &[], 0, &[]);
}
