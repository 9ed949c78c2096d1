//! What a served page leads to: the same figures in other forms, and with the paths of most journeys alone. In: which view is
//! shown. Out: HTML, to stand below the page's title. A page that stands alone has none of this.

use std::fmt::Write;

use url::form_urlencoded::Serializer;

use super::Form;
use super::html::escape;
use super::words::Language;

/// The share of journeys that one click shows the paths of.
const MOST: &str = "0.8";

/// The view of a page, as it was asked for.
#[derive(Clone, Debug)]
pub struct Links {
    /// Id of the map: the page's own name, beside which the other forms stand.
    pub map: String,
    pub as_of: Option<String>,
    pub explain: Option<String>,
}

impl Links {
    pub(super) fn html(&self, l: Language) -> String {
        let mut out = format!("<nav class=\"links\" aria-label=\"{}\">", l.pick("Other forms", "Другие формы"));
        let parts = [
            (l.pick("The map as", "Карта:"), &[Form::Svg, Form::Png, Form::Pdf]),
            (l.pick("the report as", "отчёт:"), &[Form::Xlsx, Form::Markdown, Form::Json]),
        ];
        // Writing to a String cannot fail.
        for (words, forms) in parts {
            let _ = write!(out, "<span>{words}");
            for form in forms {
                let (href, name) =
                    (self.href(&format!(".{}", form.extension()), l, self.explain.as_deref()), form.name());
                let _ = write!(out, " <a href=\"{href}\" download>{name}</a>");
            }
            out.push_str("</span>");
        }
        let (explain, words) = match &self.explain {
            Some(_) => (None, l.pick("Show every path", "Показать все варианты")),
            None => (
                Some(MOST),
                l.pick("Show the paths of 80 % of the journeys alone", "Показать только варианты 80 % путей"),
            ),
        };
        let _ = write!(out, "<span><a href=\"{}\">{words}</a></span></nav>", self.href("", l, explain));
        out
    }

    /// Beside the page, so that it holds behind a proxy with a path of its own.
    fn href(&self, extension: &str, l: Language, explain: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("language", l.code());
        for (key, value) in [("as_of", self.as_of.as_deref()), ("explain", explain)] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        escape(&format!("./{}{extension}?{}", self.map, query.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_goes_along_with_every_link_and_stays_inside_its_quotes() {
        let links = Links {
            map: "m".to_owned(),
            as_of: Some("2026-06-30T12:00:00+02:00".to_owned()),
            explain: Some("\"><script>".to_owned()),
        };
        let html = links.html(Language::Russian);
        let asked = "language=ru&amp;as_of=2026-06-30T12%3A00%3A00%2B02%3A00";
        assert!(html.contains(&format!("href=\"./m.svg?{asked}&amp;explain=%22%3E%3Cscript%3E\"")), "{html}");
        assert!(html.contains(&format!("href=\"./m?{asked}\"")), "the way back to every path: {html}");
        assert_eq!(html.matches(" download>").count(), 6);
        assert!(!html.contains("<script>"));
    }
}
