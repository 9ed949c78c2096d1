//! XML, well-formed by construction. In: elements, attributes, texts. Out: text; everything is escaped, and characters that
//! XML cannot hold become U+FFFD.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A piece of a document.
pub struct Xml {
    writer: Writer<Vec<u8>>,
}

/// Name and value of an attribute.
pub type Attribute<'a> = (&'a str, &'a str);

impl Xml {
    pub fn piece() -> Self {
        Self { writer: Writer::new_with_indent(Vec::new(), b' ', 1) }
    }

    pub fn document() -> Self {
        let mut xml = Self::piece();
        xml.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn put(&mut self, event: Event<'_>) {
        // Writing to memory cannot fail.
        let written = self.writer.write_event(event);
        debug_assert!(written.is_ok(), "{written:?}");
    }

    fn start<'a>(name: &'a str, attributes: &'a [Attribute<'a>]) -> BytesStart<'a> {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            start.push_attribute((*key, clean(value).as_ref()));
        }
        start
    }

    pub fn open(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.put(Event::Start(Self::start(name, attributes)));
    }

    pub fn close(&mut self, name: &str) {
        self.put(Event::End(BytesEnd::new(name)));
    }

    pub fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.put(Event::Empty(Self::start(name, attributes)));
    }

    /// An element that holds a text.
    pub fn text(&mut self, name: &str, attributes: &[Attribute<'_>], text: &str) {
        self.open(name, attributes);
        self.put(Event::Text(BytesText::new(&clean(text))));
        self.close(name);
    }

    pub fn done(self) -> String {
        let mut text = String::from_utf8(self.writer.into_inner()).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn clean(text: &str) -> Cow<'_, str> {
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let allowed = |c: char| allowed(c) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.chars().all(allowed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_is_read_again_or_marked() {
        let mut xml = Xml::document();
        xml.open("a", &[("k", "<\"&'>\u{7}")]);
        xml.text("b", &[], "x < y & z");
        xml.close("a");
        let text = xml.done();
        let read = roxmltree::Document::parse(&text).expect("well-formed");
        assert_eq!(read.root_element().attribute("k"), Some("<\"&'>\u{fffd}"));
        assert_eq!(read.root_element().first_element_child().and_then(|b| b.text()), Some("x < y & z"));
    }
}
