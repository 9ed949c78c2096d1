//! `--help` that teaches.

use super::world::run;

const COMMANDS: [&str; 17] = [
    "run", "import", "check", "explain", "schema", "show", "identity", "forget", "retain", "sql", "compare",
    "variants", "export", "discover", "map", "migrate", "demo",
];

fn help(arguments: &[&str]) -> String {
    let (out, errors, code) = run(std::path::Path::new("."), arguments, "");
    assert_eq!((errors.as_str(), code), ("", 0));
    out
}

#[test]
fn the_first_page_says_what_it_is_where_to_start_and_every_command() {
    let page = help(&["--help"]);
    for words in [
        "The journey you designed, and the one people walk.",
        "Start with `tropa demo`",
        "Exit codes: 0 done",
        "78 a file is not usable",
    ] {
        assert!(page.contains(words), "{words:?} in\n{page}");
    }
    for command in COMMANDS {
        assert!(page.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn every_command_gives_an_example_that_begins_with_its_name() {
    for command in COMMANDS {
        let page = help(&[command, "--help"]);
        assert!(page.contains("Example: ") && page.contains(&format!("tropa {command} ")), "{page}");
    }
}

#[test]
fn a_wrong_word_gives_a_hint_and_exit_code_2() {
    let (_, errors, code) = run(std::path::Path::new("."), &["compaer"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("a similar subcommand exists: 'compare'"), "{errors}");
}
