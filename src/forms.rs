//! A comparison in any of its forms, for commands and pages alike. In: a [`Comparison`] and its map. Out: the bytes of a
//! file, and the letters that a picture of it lacks.

use crate::compare::Comparison;
use crate::exchange::xlsx;
use crate::map::MapVersions;
use crate::report::picture::{self, Drawing, PictureError};
use crate::report::{self, Form, Language, Links};

/// Why it cannot be given so.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("the workbook cannot be written: {0}")]
    Workbook(String),
    #[error("the comparison cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// One file.
#[derive(Clone, Debug, Default)]
pub struct Formed {
    pub bytes: Vec<u8>,
    /// Letters that the program's own font has not: empty boxes in a picture.
    pub missing: String,
}

impl From<String> for Formed {
    fn from(text: String) -> Self {
        Self { bytes: text.into_bytes(), missing: String::new() }
    }
}

/// `links`: of a page that is served, to what stands beside it.
pub fn formed(
    c: &Comparison,
    map: &MapVersions,
    (form, l): (Form, Language),
    links: Option<&Links>,
) -> Result<Formed, FormError> {
    Ok(match form {
        Form::Text => report::text(c, l).into(),
        Form::Markdown => report::markdown(c, l).into(),
        Form::Json => format!("{}\n", serde_json::to_string_pretty(&report::json(c))?).into(),
        Form::Html => {
            let mut languages = Language::of(map.newest());
            languages.sort_by_key(|other| *other != l);
            report::html(c, &languages, links).into()
        }
        Form::Svg => picture::standing(&picture::picture(c, l)).into(),
        Form::Png => painted(&picture::picture(c, l), picture::png)?,
        Form::Pdf => painted(&picture::picture(c, l), picture::pdf)?,
        Form::Xlsx => {
            let book = xlsx::workbook(&xlsx::tables(&report::for_sheets(c)));
            Formed { bytes: book.map_err(|error| FormError::Workbook(error.to_string()))?, missing: String::new() }
        }
    })
}

fn painted(drawing: &Drawing, paint: impl Fn(&Drawing) -> Result<Vec<u8>, PictureError>) -> Result<Formed, FormError> {
    Ok(Formed { bytes: paint(drawing)?, missing: picture::missing(drawing).into_iter().collect() })
}
