//! Files kept for long: archives. A folder of the machine (or of a mounted volume).
//!
//! A name that exists holds the whole content: it is written beside, flushed to the disk and renamed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fault::Infra;

/// A folder of files.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
}

impl Blobs {
    /// The files of a folder; it is made by the first [`Self::put`].
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file whole, replacing one of the same name.
    ///
    /// # Errors
    /// A name that is not a plain one, or the disk refuses.
    pub async fn put(&self, name: &str, content: Vec<u8>) -> Result<(), Infra> {
        let path = self.path(name)?;
        blocking(move || {
            let dir = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(dir)?;
            let beside = path.with_extension("part");
            let mut file = File::create(&beside)?;
            file.write_all(&content)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The rename itself has to reach the disk, too.
            File::open(dir)?.sync_all()
        })
        .await
    }

    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// A name that is not a plain one, or the disk refuses.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Infra> {
        let path = self.path(name)?;
        blocking(move || match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        })
        .await
    }

    /// Names are letters, digits, `-`, `_` and `.`, so that none leaves the folder.
    fn path(&self, name: &str) -> Result<PathBuf, Infra> {
        let plain = !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if plain { Ok(self.dir.join(name)) } else { Err(away(&format!("{name:?} is not a file name"))) }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Infra> {
    tokio::task::spawn_blocking(work).await.map_err(|e| away(&e))?.map_err(|e| away(&e))
}

fn away(cause: &dyn std::fmt::Display) -> Infra {
    Infra::Port { port: "blob", cause: cause.to_string() }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests {
    use super::Blobs;

    #[tokio::test]
    async fn what_is_put_can_be_got_and_names_stay_inside() {
        let dir = std::env::temp_dir().join(format!("daraa-blobs-{}", std::process::id()));
        let blobs = Blobs::in_dir(&dir);
        assert_eq!(blobs.get("a.gz").await.expect("reads"), None);
        blobs.put("a.gz", vec![1, 2]).await.expect("writes");
        blobs.put("a.gz", vec![3]).await.expect("replaces");
        assert_eq!(blobs.get("a.gz").await.expect("reads"), Some(vec![3]));
        for name in ["", ".", "..", "../a", "a/b", "ä"] {
            assert!(blobs.put(name, vec![]).await.is_err(), "{name:?}");
        }
        std::fs::remove_dir_all(dir).expect("removes");
    }
}
