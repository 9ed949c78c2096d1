//! Maps drawn from a store for whoever opens a page. In: an open store, the checked config, the maps of the journey files.
//! Out: the seam [`Draw`] of the HTTP pages. What was drawn a moment ago is not drawn again.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Mutex;
use tracing::warn;

use crate::beside::{self, Asked, BesideError};
use crate::compare::Share;
use crate::config::Config;
use crate::forms::{FormError, Formed, formed};
use crate::map::MapVersions;
use crate::report::picture::PictureError;
use crate::report::{Language, Links};
use crate::serve::pages::{Draw, Unseen, View};
use crate::time::Timestamp;
use crate::warehouse::Clickhouse;

/// How long a page is good for: aggregates are no newer.
const FRESH: Duration = Duration::from_secs(5);
/// Pages that are kept; further ones are drawn each time.
const KEPT: usize = 64;

/// The maps of one process, once its store is open.
#[derive(Clone, Default)]
pub struct Pages(Arc<RwLock<Option<Arc<Inner>>>>);

struct Inner {
    store: Clickhouse,
    config: Arc<Config>,
    maps: Vec<Arc<MapVersions>>,
    clock: fn() -> Timestamp,
    /// One is drawn at a time: many who ask at once cost no more than one.
    drawn: Mutex<HashMap<String, (Instant, Bytes)>>,
}

impl Pages {
    /// From now on pages show these maps from this store.
    pub fn show(&self, store: Clickhouse, config: Arc<Config>, maps: Vec<Arc<MapVersions>>, clock: fn() -> Timestamp) {
        let inner = Inner { store, config, maps, clock, drawn: Mutex::default() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(inner));
    }

    /// The store is about to be closed.
    pub fn hide(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn inner(&self) -> Option<Arc<Inner>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Draw for Pages {
    fn maps(&self, language: Language) -> Vec<(String, String)> {
        let title = |map: &MapVersions| map.newest().title.get(language.code()).unwrap_or_default().to_owned();
        self.inner().map_or_else(Vec::new, |i| i.maps.iter().map(|map| (map.id.to_string(), title(map))).collect())
    }

    fn draw(&self, view: View) -> Pin<Box<dyn Future<Output = Result<Bytes, Unseen>> + Send>> {
        let inner = self.inner();
        Box::pin(async move {
            match inner {
                Some(inner) => inner.drawn(view).await,
                None => Err(Unseen::Unavailable("the process is starting".to_owned())),
            }
        })
    }
}

impl Inner {
    async fn drawn(&self, view: View) -> Result<Bytes, Unseen> {
        let key = format!("{view:?}");
        let mut drawn = self.drawn.lock().await;
        if let Some((_, bytes)) = drawn.get(&key).filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(bytes.clone());
        }
        let bytes = self.page(view).await?;
        drawn.retain(|_, (at, _)| at.elapsed() < FRESH);
        if drawn.len() < KEPT {
            drawn.insert(key, (Instant::now(), bytes.clone()));
        }
        Ok(bytes)
    }

    async fn page(&self, view: View) -> Result<Bytes, Unseen> {
        let known = || self.maps.iter().map(|m| format!("`{}`", m.id)).collect::<Vec<_>>().join(", ");
        let map = self.maps.iter().find(|m| *m.id == *view.map);
        let map = map.ok_or_else(|| {
            Unseen::NotFound(format!("there is no map `{}`\n  the journey files hold: {}", view.map, known()))
        })?;
        let asked = Asked::given(None, view.as_of.as_deref()).map_err(Unseen::Wrong)?;
        let share = view.explain.as_deref().map(Share::parse).transpose().map_err(Unseen::Wrong)?;
        let comparison = beside::explained(&self.store, &self.config, map, (asked, share), (self.clock)()).await;
        let comparison = comparison.map_err(|error| match error {
            BesideError::Warehouse(_) | BesideError::Outdated => Unseen::Unavailable(error.to_string()),
            other => Unseen::NotFound(other.to_string()),
        })?;
        let map = map.clone();
        // A picture takes its time: not on a thread that others wait for.
        let formed = tokio::task::spawn_blocking(move || {
            let View { as_of, explain, served, language, form, .. } = view;
            let links = served.then(|| Links { map: map.id.to_string(), as_of, explain });
            formed(&comparison, &map, (form, language), links.as_ref())
        });
        let Formed { bytes, missing } = match formed.await {
            Ok(Ok(formed)) => formed,
            Ok(Err(error @ FormError::Picture(PictureError::TooLarge { .. }))) => {
                return Err(Unseen::Wrong(error.to_string()));
            }
            Ok(Err(error)) => return Err(Unseen::Unavailable(error.to_string())),
            Err(fallen) => std::panic::resume_unwind(fallen.into_panic()),
        };
        if !missing.is_empty() {
            warn!("a picture shows empty boxes for letters that its font lacks: {missing}");
        }
        Ok(bytes.into())
    }
}
