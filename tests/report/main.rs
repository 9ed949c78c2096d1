//! The HTML report as a reader meets it: opened in Chromium, on a desk, on a phone, in the dark and on paper, in both
//! languages. In: the demo's shop through the binary. Out: besides the tests, the picture in the README, on request.

#[path = "../support/data.rs"]
#[allow(dead_code)]
mod data;
mod picture;
#[path = "../support/python.rs"]
mod python;
mod reader;
#[path = "../support/shop.rs"]
#[allow(dead_code)]
mod shop;

use reader::{View, views, views_on};

/// What a report about the demo's shop holds, in order: English, Russian.
const SECTIONS: [(&str, &str); 17] = [
    ("Order in an electronics shop", "Заказ в магазине электроники"),
    ("As designed", "Как задумано"),
    ("As people walk it", "Как ходят люди"),
    ("Do people follow the map? (conformance)", "Следуют ли люди карте? (conformance)"),
    ("Where they follow it", "Где следуют"),
    ("Where they stray (deviations)", "Где отклоняются (deviations)"),
    ("Accepted deviations", "Принятые отклонения"),
    ("Is what was promised kept? (gap table)", "Выполнено ли обещанное? (таблица разрывов)"),
    ("Where people went after a drop-off", "Куда ушли те, кого потеряли"),
    ("Drop-offs that look like broken identity", "Потери, похожие на разрыв идентификации"),
    ("We may not be measuring this (instrumentation gap)", "Возможно, это не измеряется (пробелы в сборе данных)"),
    ("Measured emotion, −2 … +2", "Измеренные эмоции, −2 … +2"),
    ("Follow the map, by entry date", "Следуют карте, по дате входа"),
    ("Stages", "Этапы"),
    ("Transitions", "Переходы"),
    ("What was measured", "Что измерено"),
    ("Most frequent events on no map", "Частые события вне карты"),
];

/// Every view must hold; a failure names all that do not.
fn all_hold(views: Option<Vec<&View>>, wrong: impl Fn(&View) -> Option<String>) {
    let Some(views) = views else { return };
    let failed: Vec<String> =
        views.iter().filter_map(|v| wrong(v).map(|w| format!("{}, {}: {w}", v.screen, v.language))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn none(found: &[String]) -> Option<String> {
    (!found.is_empty()).then(|| found.join("\n    "))
}

#[test]
fn the_report_opens_on_every_screen_without_a_word_on_the_console() {
    all_hold(views("the_report_opens_on_every_screen_without_a_word_on_the_console"), |v| none(&v.said));
}

#[test]
fn no_request_leaves_the_file() {
    all_hold(views("no_request_leaves_the_file"), |v| {
        let own =
            v.requests.len() == 1 && v.requests[0].starts_with("file:") && v.requests[0].ends_with("/report.html");
        (!own).then(|| format!("{:?}", v.requests))
    });
}

#[test]
fn a_click_on_a_language_shows_that_language_alone() {
    all_hold(views("a_click_on_a_language_shows_that_language_alone"), |v| {
        (v.shown != v.language).then(|| format!("{:?} is shown", v.shown))
    });
}

#[test]
fn every_section_is_there_in_both_languages_on_screens_and_on_paper() {
    all_hold(views("every_section_is_there_in_both_languages_on_screens_and_on_paper"), |v| {
        let expected: Vec<&str> = SECTIONS.iter().map(|s| if v.language == "ru" { s.1 } else { s.0 }).collect();
        (v.headings != expected).then(|| format!("{:#?}", v.headings))
    });
}

#[test]
fn both_maps_are_drawn_everywhere_and_folded_tables_unfold_on_paper() {
    all_hold(views("both_maps_are_drawn_everywhere_and_folded_tables_unfold_on_paper"), |v| {
        let folded = usize::from(v.screen != "print");
        // Title and two maps are no tables.
        let tables = SECTIONS.len() - 3 - folded;
        (v.maps != 2 || v.tables != tables).then(|| format!("{} maps, {} tables instead of {tables}", v.maps, v.tables))
    });
}

#[test]
fn the_page_never_scrolls_sideways_only_wide_tables_and_maps_do_in_their_own_box() {
    let test = "the_page_never_scrolls_sideways_only_wide_tables_and_maps_do_in_their_own_box";
    all_hold(views_on(test, &["phone", "desktop", "desktop, dark"]), |v| {
        let width = if v.screen == "phone" { 420.0 } else { 1500.0 };
        (v.scrolled != 0.0 || v.layout_width != width)
            .then(|| format!("scrolls by {} px, laid out {} px wide", v.scrolled, v.layout_width))
    });
}

#[test]
fn letters_are_at_least_nine_pixels_tall_on_screens_and_seven_and_a_half_on_paper() {
    all_hold(views("letters_are_at_least_nine_pixels_tall_on_screens_and_seven_and_a_half_on_paper"), |v| {
        let least = if v.screen == "print" { 7.5 } else { 9.0 };
        (v.smallest_letters < least).then(|| format!("{:.2} px", v.smallest_letters))
    });
}

#[test]
fn words_stay_in_their_cells() {
    all_hold(views("words_stay_in_their_cells"), |v| none(&v.spilling));
}

#[test]
fn words_stay_in_their_stage_and_no_label_lies_on_another() {
    all_hold(views("words_stay_in_their_stage_and_no_label_lies_on_another"), |v| {
        none(&v.outside_their_stage).or_else(|| none(&v.labels_on_labels))
    });
}

#[test]
fn what_people_expect_of_a_stage_stands_whole_on_the_designed_map() {
    all_hold(views("what_people_expect_of_a_stage_stands_whole_on_the_designed_map"), |v| {
        let words = if v.language == "ru" {
            "Сразу увидеть предложение"
        } else {
            "See at once what is on offer"
        };
        (!v.designed.iter().any(|stage| stage.contains(words))).then(|| format!("{:?}", v.designed))
    });
}

#[test]
fn each_row_shows_its_first_figure_before_any_scrolling() {
    all_hold(views("each_row_shows_its_first_figure_before_any_scrolling"), |v| none(&v.out_of_sight));
}

#[test]
fn on_paper_nothing_is_cut_at_the_edge_and_no_control_is_printed() {
    let test = "on_paper_nothing_is_cut_at_the_edge_and_no_control_is_printed";
    all_hold(views_on(test, &["print"]), |v| {
        let sheet = v.sheet.as_deref().unwrap_or_default();
        match sheet {
            [_, _, width, height] if width > height => {}
            _ => return Some(format!("the sheet is {sheet:?}, not on its long side")),
        }
        if v.controls > 0 || v.scrolled != 0.0 {
            return Some(format!("{} controls are printed, {} px stand beyond the edge", v.controls, v.scrolled));
        }
        none(&v.beyond_the_edge)
    });
}

#[test]
fn axe_finds_no_serious_barrier_on_a_phone_on_a_desk_and_in_the_dark() {
    let test = "axe_finds_no_serious_barrier_on_a_phone_on_a_desk_and_in_the_dark";
    all_hold(views_on(test, &["phone", "desktop", "desktop, dark"]), |v| {
        // An axe that looked at nothing would find nothing.
        if v.rules_passed < 15 {
            return Some(format!("axe applied only {} rules", v.rules_passed));
        }
        none(&v.grave)
    });
}

/// Without this, eyes that see nothing would pass everything above.
#[test]
fn planted_faults_are_seen_on_every_screen() {
    if views("planted_faults_are_seen_on_every_screen").is_none() {
        return;
    }
    let seen = reader::planted(
        "<img src=\"picture.png\"><p style=\"font-size:5px\">small</p><div style=\"width:1900px\">wide</div>\
         <h2>Strange</h2><script>console.error('planted')</script>",
    );
    let missed: Vec<String> = seen
        .iter()
        .filter(|v| {
            let barrier = v.screen == "print" || v.grave.iter().any(|g| g.contains("image-alt"));
            let heard = v.said.iter().any(|s| s.contains("planted")) && v.requests.len() == 2;
            let measured = v.scrolled > 0.0 && v.smallest_letters <= 5.0 && v.headings.iter().any(|h| h == "Strange");
            !(barrier && heard && measured)
        })
        .map(|v| format!("{}, {}", v.screen, v.language))
        .collect();
    assert!(seen.len() == 8 && missed.is_empty(), "{} views, not seen on: {missed:?}", seen.len());
}

#[test]
fn the_picture_in_the_readme_is_the_first_view_on_a_desk() {
    if views("the_picture_in_the_readme_is_the_first_view_on_a_desk").is_some() {
        reader::picture();
    }
}
