//! Standard input: the same readers, and what is read twice is counted as what it is.

use super::packed::gzip;
use super::world::{World, folder, good, tropa};

#[test]
fn standard_input_takes_every_format_and_reconciles() {
    let folder = folder(&[]);
    let import = |input: &[u8]| {
        let out = tropa(folder.path(), &["import", "-", "--decoder", "plain"], Some(input)).stdout;
        String::from_utf8(out).expect("text")
    };
    let said = import(format!("{}\nbroken\n", good("a")).as_bytes());
    assert!(said.starts_with("2 records, 1 events, 1 dead letters; "), "{said}");
    assert!(
        said.contains("  why: tropa dead-letters list; after the decoder is mended: tropa dead-letters replay\n"),
        "{said}"
    );
    import(format!("[{}, 1]", good("b")).as_bytes());
    import(b"id,name,at,kind\nc,page,2026-01-01,click\nc,page\n");
    import(b"id\tname\tat\tkind\nd,page\td\t2026-01-01\tclick\n");
    import(&gzip(&format!("{}\n{}\n", good("e"), good("f")))[..60]);
    import(b"");
    let world = World::read(folder.path());
    let broken = "the file breaks off here: incomplete deflate stream";
    world.check(
        "web",
        &["a", "b", "c", "d,page"],
        0,
        &[
            (2, 1, "not_json", "expected value at line 1 column 1"),
            (1, 1, "not_an_object", "a number instead of an object"),
            (3, 1, "wrong_width", "the row has 2 cells, the header 4"),
            (1, 0, "truncated", broken),
        ],
    );
}
