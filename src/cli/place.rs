//! Where a command works: which config, which journey files, which data folder, which identifier key. In: the two
//! options every command shares. Out: everything checked and loaded, or all faults.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Failure, PlaceArgs, surroundings};
use crate::backup::KEY_FILE;
use crate::config::{self, Config};
use crate::decode::IdentifierKey;
use crate::map::{self, MapVersions};
use crate::warehouse::Clickhouse;

/// Name of the file in a data folder that says which config it was last used with.
const CONFIG_POINTER: &str = "config";

/// A config with the journey files it names.
#[derive(Debug, Clone)]
pub struct Place {
    pub config: Arc<Config>,
    pub maps: Vec<Arc<MapVersions>>,
    /// Texts of the journey files, for the stored reading.
    pub files: Vec<(String, String)>,
    pub warnings: Vec<String>,
}

impl PlaceArgs {
    /// The config file this command means, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let pointed = |dir: &Path| fs::read_to_string(dir.join(CONFIG_POINTER)).ok().map(|p| PathBuf::from(p.trim()));
        let here = || Some(PathBuf::from("tropa.yaml")).filter(|p| p.exists());
        self.config.clone().or_else(|| match &self.data {
            // What the folder is known to belong to comes first: another config could mix two stores.
            Some(dir) => pointed(dir).or_else(|| Some(dir.join("tropa.yaml")).filter(|p| p.exists())).or_else(here),
            None => here(),
        })
    }

    /// Loads config and journey files; `--data` overrides the config's folder.
    pub fn load(&self) -> Result<Place, Failure> {
        let file = self.config_file().ok_or_else(|| {
            Failure::Unusable(match &self.data {
                Some(dir) => format!(
                    "no config: {} has not been used with one yet, and there is no tropa.yaml in it or here\n  \
                     hint: add `--config FILE`",
                    dir.display()
                ),
                None => "no config: give `--config FILE`, or a `--data DIR` that was used with one, or write tropa.yaml here\n  \
                         hint: `tropa demo` writes a complete example into its data folder"
                    .to_owned(),
            })
        })?;
        let mut config = read_config(&file)?;
        surroundings::look(&file, &config, self.data.is_none())
            .map_err(|faults| Failure::Unusable(faults.to_string()))?;
        if let Some(data) = &self.data {
            config.data = data.clone();
        }
        Place::load(config)
    }

    /// The data folder without needing a config: `--data`, else the config's.
    pub fn data_or_config(&self) -> Result<Result<PathBuf, Place>, Failure> {
        match (&self.data, self.config_file()) {
            (Some(data), None) => Ok(Ok(data.clone())),
            _ => self.load().map(Err),
        }
    }
}

impl Place {
    pub fn load(config: Config) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for pattern in &config.maps {
            for path in expand(pattern)? {
                files.push((path.display().to_string(), read(&path)?));
            }
        }
        let (maps, mut warnings) = load_maps(&files)?;
        for map in &maps {
            warnings.extend(crate::touchpoint::Rules::compile(map, &config).warnings().iter().cloned());
        }
        Ok(Self { config: Arc::new(config), maps, files, warnings })
    }

    /// The map of this id, or the only one.
    pub fn map(&self, id: Option<&str>) -> Result<(usize, &Arc<MapVersions>), Failure> {
        let known = || self.maps.iter().map(|m| format!("`{}`", m.id)).collect::<Vec<_>>().join(", ");
        match id {
            Some(id) => self.maps.iter().enumerate().find(|(_, m)| &*m.id == id).ok_or_else(|| {
                Failure::NotFound(format!("there is no map `{id}`\n  the journey files hold: {}", known()))
            }),
            None => match self.maps.first() {
                Some(map) => Ok((0, map)),
                None => Err(Failure::NotFound(
                    "the config names no journey file\n  hint: add `maps: [journey.yaml]` to it".to_owned(),
                )),
            },
        }
    }

    /// The key of identifier hashes: the config's, else the data folder's, created there at first start.
    pub fn identifier_key(&self) -> Result<IdentifierKey, Failure> {
        self.key_at_hand()?.map_or_else(|| self.make_key(), Ok)
    }

    /// The key for a store, if it is the one that its identifiers are made with; a store that has none yet takes it.
    pub async fn key_of(&self, store: &Clickhouse) -> Result<IdentifierKey, Failure> {
        let known = store.identifier_keys().await?;
        if known.is_empty() {
            let key = self.identifier_key()?;
            store.note_identifier_key(&key.fingerprint()).await?;
            return Ok(key);
        }
        // One that was made now would be none of the store's, and lie where theirs belongs.
        let own = self.key_at_hand()?.filter(|key| known.contains(&key.fingerprint()));
        own.ok_or_else(|| {
            Failure::Unusable(
                "the identifiers of this store are made with another key than this one: everybody would become somebody else\n  \
                 hint: put back the key that the store began with (`identifier.key` of its data folder, or `identifiers: { key }` \
                 of the config, or `store: raw`); to begin with a new one, begin with a new store"
                    .to_owned(),
            )
        })
    }

    fn key_at_hand(&self) -> Result<Option<IdentifierKey>, Failure> {
        let identifiers = &self.config.identifiers;
        if identifiers.raw {
            return Ok(Some(IdentifierKey::raw()));
        }
        if let Some(key) = &identifiers.key {
            return Ok(Some(IdentifierKey::from_text(key)));
        }
        let path = self.config.data.join(KEY_FILE);
        if path.exists() {
            return Ok(Some(IdentifierKey::from_text(read(&path)?.trim())));
        }
        Ok(None)
    }

    fn make_key(&self) -> Result<IdentifierKey, Failure> {
        create_dir(&self.config.data)?;
        let secret: [u8; 32] = rand::random();
        let text = blake3::Hash::from_bytes(secret).to_hex().to_string();
        write_private(&self.config.data.join(KEY_FILE), &text)?;
        Ok(IdentifierKey::from_text(&text))
    }

    /// Notes in the data folder which config it belongs to, so that `--data DIR` is enough from then on.
    pub fn remember_config(&self, file: &Path) -> Result<(), Failure> {
        create_dir(&self.config.data)?;
        let absolute = fs::canonicalize(file).map_err(|e| unreadable(file, e))?;
        let pointer = self.config.data.join(CONFIG_POINTER);
        fs::write(&pointer, absolute.display().to_string()).map_err(|e| unwritable(&pointer, e))
    }
}

/// Journey files, checked, and what is doubtful about them.
pub fn load_maps(files: &[(String, String)]) -> Result<(Vec<Arc<MapVersions>>, Vec<String>), Failure> {
    let loaded = map::load_with_warnings(files).map_err(|faults| Failure::Unusable(faults.to_string()))?;
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    Ok((loaded.maps.into_iter().map(Arc::new).collect(), warnings))
}

/// Reads and checks a config file; `${VAR}` comes from the environment.
pub fn read_config(file: &Path) -> Result<Config, Failure> {
    let text = read_usable(file, "a config; `tropa demo` writes one to begin with")?;
    let base = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    config::parse(&file.display().to_string(), &text, &|name| std::env::var(name).ok(), base)
        .map_err(|faults| Failure::Unusable(faults.to_string()))
}

/// The files a pattern means.
pub fn expand(pattern: &Path) -> Result<Vec<PathBuf>, Failure> {
    let found = crate::source::paths::expand(&pattern.display().to_string()).map_err(Failure::NotFound)?;
    Ok(found.into_iter().map(PathBuf::from).collect())
}

pub fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| unreadable(path, e))
}

/// A file that must be usable: one that cannot be read is not. `what`: what it should be.
pub fn read_usable(path: &Path, what: &str) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|e| Failure::Unusable(format!("{} cannot be read: {e}\n  hint: it should be {what}", path.display())))
}

pub fn create_dir(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|e| unwritable(path, e))
}

pub fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Read { path: path.display().to_string(), error }
}

pub fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::Write { path: path.display().to_string(), error }
}

/// Writes a file that people go on with by hand: never over one that is there.
pub fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::Unusable(format!(
            "{} is there already\n  hint: `--out` with another name, or move it away",
            file.display()
        )));
    }
    write(file, text)
}

pub fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    fs::write(file, content).map_err(|e| unwritable(file, e))
}

/// Only the owner may read it.
fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|e| unwritable(path, e))?;
    file.write_all(text.as_bytes()).map_err(|e| unwritable(path, e))
}
