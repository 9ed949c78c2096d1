//! The maps as pages. In: whoever can draw a map now. Out: `GET /` (the maps), `GET /maps/ID` (one self-contained page,
//! `?language=ru`, `?as_of=2026-06-30`), `GET /maps/ID.json` (`comparison/v1`). Figures of many, never of one customer.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use crate::report::{Language, escape};

/// Which view of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub map: String,
    pub language: Language,
    /// As asked for.
    pub as_of: Option<String>,
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Html,
    Json,
}

/// Why there is nothing to see.
#[derive(Clone, Debug)]
pub enum Unseen {
    NotFound(String),
    Wrong(String),
    /// Not now.
    Unavailable(String),
}

type Drawn = Pin<Box<dyn Future<Output = Result<String, Unseen>> + Send>>;

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
struct Asked {
    language: Option<String>,
    as_of: Option<String>,
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
        return Redirect::temporary(&format!("/maps/{only}")).into_response();
    }
    let item = |(id, title): &(String, String)| {
        format!("<li><a href=\"/maps/{}\">{}</a></li>", escape(id), escape(if title.is_empty() { id } else { title }))
    };
    let items: String = maps.iter().map(item).collect();
    Html(format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tropa</title><h1>Tropa</h1><ul>{items}</ul></html>"))
        .into_response()
}

async fn show(State(drawing): State<Arc<dyn Draw>>, Path(map): Path<String>, asked: Query<Asked>) -> Response {
    let (map, format) = match map.strip_suffix(".json") {
        Some(id) => (id.to_owned(), Format::Json),
        None => (map, Format::Html),
    };
    let language = match asked.language() {
        Ok(language) => language,
        Err(unseen) => return unseen.into_response(),
    };
    let drawn = drawing.draw(View { map, language, as_of: asked.as_of.clone(), format }).await;
    match (drawn, format) {
        (Ok(text), Format::Html) => Html(text).into_response(),
        (Ok(text), Format::Json) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        (Err(unseen), _) => unseen.into_response(),
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
