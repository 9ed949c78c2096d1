//! The maps as pages. In: whoever can draw a map now. Out: `GET /` (the maps), `GET /maps/ID` (one self-contained page,
//! `?language=ru`, `?as_of=2026-06-30`, `?explain=0.8`), and with the same questions `GET /maps/ID.svg`, `.png`, `.pdf` (the map
//! drawn), `.xlsx`, `.md`, `.txt`, `.html` (the report) and `.json` (`comparison/v1`). Figures of many, never of one customer.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use serde::Deserialize;

use crate::report::{Form, Language, escape};

/// Which view of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub map: String,
    pub language: Language,
    /// As asked for.
    pub as_of: Option<String>,
    /// A share of the journeys whose paths alone are shown, as asked for.
    pub explain: Option<String>,
    pub form: Form,
    /// The page itself, not its file.
    pub served: bool,
}

/// Why there is nothing to see.
#[derive(Clone, Debug)]
pub enum Unseen {
    NotFound(String),
    Wrong(String),
    /// Not now.
    Unavailable(String),
}

type Drawn = Pin<Box<dyn Future<Output = Result<Bytes, Unseen>> + Send>>;

/// Draws maps.
pub trait Draw: Send + Sync {
    /// Ids and titles.
    fn maps(&self, language: Language) -> Vec<(String, String)>;
    fn draw(&self, view: View) -> Drawn;
}

pub fn router(drawing: Arc<dyn Draw>) -> Router {
    Router::new().route("/", get(list)).route("/maps/{map}", get(show)).with_state(drawing)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    language: Option<String>,
    as_of: Option<String>,
    explain: Option<String>,
}

impl Asked {
    fn language(&self) -> Result<Language, Unseen> {
        match self.language.as_deref() {
            None | Some("en") => Ok(Language::English),
            Some("ru") => Ok(Language::Russian),
            Some(other) => Err(Unseen::Wrong(format!("`{other}` is no language here; allowed: en, ru"))),
        }
    }
}

async fn list(State(drawing): State<Arc<dyn Draw>>, asked: Query<Asked>) -> Response {
    let language = match asked.language() {
        Ok(language) => language,
        Err(unseen) => return unseen.into_response(),
    };
    let maps = drawing.maps(language);
    if let [(only, _)] = &maps[..] {
        return Redirect::temporary(&place(only, language)).into_response();
    }
    let item = |(id, title): &(String, String)| {
        let (place, name) = (place(id, language), if title.is_empty() { id } else { title });
        format!("<li><a href=\"{}\">{}</a></li>", escape(&place), escape(name))
    };
    let items: String = maps.iter().map(item).collect();
    let code = language.code();
    Html(format!("<!doctype html><html lang=\"{code}\"><meta charset=\"utf-8\"><title>Tropa</title><h1>Tropa</h1><ul>{items}</ul></html>"))
        .into_response()
}

/// Beside the list, so that it holds behind a proxy with a path of its own.
fn place(map: &str, language: Language) -> String {
    format!("maps/{map}?language={}", language.code())
}

async fn show(State(drawing): State<Arc<dyn Draw>>, Path(name): Path<String>, asked: Query<Asked>) -> Response {
    let language = match asked.language() {
        Ok(language) => language,
        Err(unseen) => return unseen.into_response(),
    };
    // An id may have a dot.
    let is_map = |name: &str| drawing.maps(language).iter().any(|(id, _)| id == name);
    let whole = is_map(&name);
    let parts = name.rsplit_once('.').filter(|_| !whole);
    if let Some((id, end)) = parts.filter(|(id, end)| is_map(id) && Form::of_extension(end).is_none()) {
        let allowed = Form::ALL.map(Form::extension).join(", ");
        return Unseen::NotFound(format!("the map `{id}` has no form `{end}`; allowed: {allowed}")).into_response();
    }
    let file = parts.and_then(|(id, end)| Some((id.to_owned(), Form::of_extension(end)?)));
    let (map, form, served) = match file {
        Some((id, form)) => (id, form, false),
        None => (name, Form::Html, true),
    };
    let (as_of, explain) = (asked.as_of.clone(), asked.explain.clone());
    match drawing.draw(View { map, language, as_of, explain, form, served }).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, form.media_type())], bytes).into_response(),
        Err(unseen) => unseen.into_response(),
    }
}

impl IntoResponse for Unseen {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NotFound(text) => (StatusCode::NOT_FOUND, text),
            Self::Wrong(text) => (StatusCode::BAD_REQUEST, text),
            Self::Unavailable(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
        };
        (status, format!("{text}\n")).into_response()
    }
}
