//! Copies of an embedded store. In: an open store, whoever holds it, and its data folder. Out: a folder with every
//! table's parts, the identifier key and a manifest; and from such a folder a store again. A folder without a manifest is
//! no backup: the manifest is written last.
//!
//! Nothing is stopped: the engine keeps a table's parts by hard links for as long as they are copied. Because positions
//! are taken first, a restored store is at worst behind its sources, and reads on from there.

mod copy;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use copy::{canonical, copy_dir, copy_file, folder, make_empty, names_in, part_order};

use crate::progress::{BarUnit, bar};
use crate::warehouse::embedded::Embedded;
use crate::warehouse::{Clickhouse, TableShape, Target, WarehouseError};

const SCHEMA: &str = "backup/v1";
const MANIFEST: &str = "backup.json";
const TABLES: &str = "tables";
/// The key of identifier hashes, in a data folder and in a backup.
pub const KEY_FILE: &str = "identifier.key";
/// Where the engine keeps what is frozen, below its own folder.
const SHADOW: &str = "store/shadow";
/// Folders of ours there; one backup at a time, so those of others are left over.
const FROZEN: &str = "tropa_backup_";

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{what} {path}: {error}")]
    Folder { what: &'static str, path: String, error: io::Error },
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error("{path} is not empty\n  hint: name a folder that does not exist yet, one for each backup")]
    NotEmpty { path: String },
    #[error("another backup of this store is being made\n  hint: wait until it is done")]
    Busy,
    #[error(
        "{path} holds no whole backup: {why}\n  hint: `tropa backup` writes backup.json last; a folder without it was cut short"
    )]
    NoBackup { path: String, why: String },
    #[error(
        "the backup holds the database `{found}`, and the config names `{wanted}`\n  hint: set `embedded: {{ database: {found} }}`"
    )]
    Database { found: String, wanted: String },
    #[error("the backup is damaged: table `{table}`: {why}\n  hint: take another backup; nothing was changed here")]
    Damaged { table: String, why: String },
    #[error(transparent)]
    Engine(#[from] crate::warehouse::embedded::EngineError),
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    schema: String,
    /// The program that wrote it.
    pub program: String,
    pub taken_at: String,
    database: String,
    /// Whether the identifier key is in it; without, the config holds it or identifiers are stored raw.
    pub identifier_key: bool,
    tables: Vec<Table>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    #[serde(flatten)]
    shape: TableShape,
    /// In the order in which they are to be taken, for of equal versions the last one wins.
    parts: Vec<String>,
}

impl Manifest {
    /// Tables that hold rows.
    pub fn tables(&self) -> usize {
        self.tables.iter().filter(|t| t.shape.holds_rows()).count()
    }
}

/// Writes a backup of the store in `data` to `to`, through `client`, while others write. `now`: for the manifest.
pub async fn write(
    client: &Clickhouse,
    data: &Path,
    database: &str,
    to: &Path,
    now: String,
) -> Result<Manifest, BackupError> {
    make_empty(to)?;
    let _one_at_a_time = lock(data)?;
    let shadow = data.join(SHADOW);
    forget_left_overs(&shadow);
    let name = format!("{FROZEN}{}", std::process::id());
    let written = copy_all(client, data, &name, to).await;
    fs::remove_dir_all(shadow.join(&name)).ok();
    let tables = written?;
    let key = data.join(KEY_FILE);
    let identifier_key = key.exists();
    if identifier_key {
        copy_file(&key, &to.join(KEY_FILE))?;
    }
    let program = format!("tropa {}", env!("CARGO_PKG_VERSION"));
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        program,
        taken_at: now,
        database: database.to_owned(),
        identifier_key,
        tables,
    };
    let file = to.join(MANIFEST);
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| folder("cannot write", &file, e.into()))?;
    let put = || {
        let mut out = fs::File::create(&file)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()
    };
    put().map_err(|e| folder("cannot write", &file, e))?;
    Ok(manifest)
}

async fn copy_all(client: &Clickhouse, data: &Path, name: &str, to: &Path) -> Result<Vec<Table>, BackupError> {
    let shapes = client.shapes().await?;
    for shape in shapes.iter().filter(|s| s.holds_rows()) {
        client.freeze(&shape.name, name).await?;
    }
    let progress = bar(shapes.len() as u64, "copying tables", BarUnit::Count);
    let mut tables = Vec::with_capacity(shapes.len());
    for mut shape in shapes {
        let mut parts = Vec::new();
        if shape.holds_rows() {
            let frozen = data.join(SHADOW).join(name).join(own_path(&shape, data)?);
            // A table without rows has nothing to freeze.
            parts = names_in(&frozen)?;
            parts.sort_by_key(|p| part_order(p));
            for part in &parts {
                copy_dir(&frozen.join(part), &to.join(TABLES).join(&shape.name).join(part))?;
            }
        }
        shape.path = String::new();
        tables.push(Table { shape, parts });
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(tables)
}

/// Where a table's folder lies below the engine's own.
fn own_path(shape: &TableShape, data: &Path) -> Result<PathBuf, BackupError> {
    let store = canonical(&data.join("store"));
    let own = canonical(Path::new(&shape.path));
    own.strip_prefix(store).map(Path::to_path_buf).map_err(|_| BackupError::Damaged {
        table: shape.name.clone(),
        why: format!("its rows lie in {}, outside of {}", shape.path, data.display()),
    })
}

/// The manifest of a backup.
pub fn read(from: &Path) -> Result<Manifest, BackupError> {
    let no_backup = |why: String| BackupError::NoBackup { path: from.display().to_string(), why };
    let text = fs::read_to_string(from.join(MANIFEST)).map_err(|e| no_backup(format!("{MANIFEST}: {e}")))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| no_backup(format!("{MANIFEST}: {e}")))?;
    if manifest.schema != SCHEMA {
        return Err(no_backup(format!("it is of schema `{}`, and this program knows `{SCHEMA}`", manifest.schema)));
    }
    Ok(manifest)
}

/// Makes a store from a backup in `beside`, a folder that is nobody's, and leaves it closed there.
pub async fn make(from: &Path, manifest: &Manifest, beside: &Path, database: &str) -> Result<(), BackupError> {
    if manifest.database != database {
        let (found, wanted) = (manifest.database.clone(), database.to_owned());
        return Err(BackupError::Database { found, wanted });
    }
    let engine = Embedded::start(beside, 0, true).await?;
    let client = Clickhouse::reader(&Target::embedded(engine.url(), database, true));
    let made = take_all(&client, from, manifest).await;
    engine.stop().await?;
    made
}

async fn take_all(client: &Clickhouse, from: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    client.make_database().await?;
    let (holding, views): (Vec<&Table>, Vec<&Table>) = manifest.tables.iter().partition(|t| t.shape.holds_rows());
    for table in &holding {
        client.make_again(&table.shape).await?;
    }
    let paths = client.shapes().await?;
    let progress = bar(holding.len() as u64, "taking tables", BarUnit::Count);
    for table in &holding {
        let name = &table.shape.name;
        let damaged = |why: String| BackupError::Damaged { table: name.clone(), why };
        let place = paths.iter().find(|s| s.name == *name).ok_or_else(|| damaged("it was not made".to_owned()))?;
        for part in &table.parts {
            let stored = from.join(TABLES).join(name).join(part);
            if !stored.is_dir() {
                return Err(damaged(format!("part {part} is missing")));
            }
            copy_dir(&stored, &Path::new(&place.path).join("detached").join(part))?;
            client.attach(name, part).await.map_err(|e| damaged(e.to_string()))?;
        }
        match client.is_whole(name).await {
            Ok(true) => {}
            Ok(false) => return Err(damaged("its bytes are not those that were written".to_owned())),
            Err(e) => return Err(damaged(e.to_string())),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    make_views(client, views).await
}

/// Views stand on other views: each is made once those below it are.
async fn make_views(client: &Clickhouse, mut views: Vec<&Table>) -> Result<(), BackupError> {
    while !views.is_empty() {
        let (before, mut left, mut last) = (views.len(), Vec::new(), None);
        for view in views {
            if let Err(error) = client.make_again(&view.shape).await {
                left.push(view);
                last = Some(error);
            }
        }
        if left.len() == before
            && let Some(error) = last
        {
            return Err(error.into());
        }
        views = left;
    }
    Ok(())
}

/// Puts the store that stands in `beside` in the place of the one in `data`, with the backup's key.
pub fn put_in_place(beside: &Path, data: &Path, from: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let (store, before) = (data.join("store"), data.join("store.before-restore"));
    let moved = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| folder("cannot move", from, e));
    fs::remove_dir_all(&before).ok();
    if store.exists() {
        moved(&store, &before)?;
    }
    moved(&beside.join("store"), &store)?;
    if manifest.identifier_key {
        let key = data.join(KEY_FILE);
        fs::remove_file(&key).ok();
        copy_file(&from.join(KEY_FILE), &key)?;
    }
    fs::remove_dir_all(&before).ok();
    fs::remove_dir_all(beside).ok();
    Ok(())
}

/// Whether the key in a data folder is another one than the backup's: its hashes would be of nobody.
pub fn has_another_key(data: &Path, from: &Path, manifest: &Manifest) -> bool {
    match fs::read(data.join(KEY_FILE)) {
        Ok(own) => manifest.identifier_key && fs::read(from.join(KEY_FILE)).ok() != Some(own),
        Err(_) => false,
    }
}

fn lock(data: &Path) -> Result<fs::File, BackupError> {
    let path = data.join("backup.lock");
    let file = fs::File::create(&path).map_err(|e| folder("cannot write", &path, e))?;
    file.try_lock().map(|()| file).map_err(|_| BackupError::Busy)
}

/// A backup that was killed leaves its links behind, and they hold disk.
fn forget_left_overs(shadow: &Path) {
    for name in names_in(shadow).unwrap_or_default().iter().filter(|n| n.starts_with(FROZEN)) {
        fs::remove_dir_all(shadow.join(name)).ok();
    }
}
