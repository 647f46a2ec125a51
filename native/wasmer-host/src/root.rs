//! The guest's root, in memory: bounded in bytes, in files, and in how long names may be, for all of it is our memory and not the
//! guest's.
//!
//! Files are counted when they are made, and all over again when there may be too many: what was removed in the meantime is found
//! to be gone then. The other file systems of the guest are mounted over this one and never come here.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::future::BoxFuture;
use virtual_fs::limiter::FsMemoryLimiter;
use virtual_fs::{
    FileOpener, FileSystem, FsError, Metadata, OpenOptions, OpenOptionsConfig, ReadDir, Result, RootFileSystemBuilder, TmpFileSystem,
    VirtualFile,
};

/// As on Linux.
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4096;

#[derive(Debug)]
pub struct Root {
    files: TmpFileSystem,
    most: u64,
    /// No fewer than there are.
    count: Mutex<u64>,
}

impl Root {
    /// `taken`: directories that are mounted, so that there need be none of that name. `bytes` bounds what all files hold, `most`
    /// how many files, directories and links there are.
    pub fn new(taken: &[&str], bytes: u64, most: u64) -> Root {
        let limiter = Arc::new(BytesLeft(AtomicU64::new(bytes)));
        let files = RootFileSystemBuilder::default().with_memory_limiter(limiter).build_tmp_ext(taken);
        let count = count_files(&files);
        Root { files, most, count: Mutex::new(count) }
    }

    /// One more is about to be made, or may be there already.
    fn claim(&self, path: &Path) -> Result<()> {
        check_lengths(path)?;
        let mut count = self.count.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if *count >= self.most {
            *count = count_files(&self.files);
        }
        if *count >= self.most {
            return Err(FsError::StorageFull);
        }
        *count += 1;
        Ok(())
    }
}

fn check_lengths(path: &Path) -> Result<()> {
    let too_long = path.as_os_str().len() > MAX_PATH || path.components().any(|part| part.as_os_str().len() > MAX_NAME);
    if too_long { Err(FsError::InvalidInput) } else { Ok(()) }
}

fn count_files(files: &TmpFileSystem) -> u64 {
    let mut directories = vec![PathBuf::from("/")];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        for entry in files.read_dir(&directory).into_iter().flatten().flatten() {
            count += 1;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path);
            }
        }
    }
    count
}

impl FileSystem for Root {
    fn readlink(&self, path: &Path) -> Result<PathBuf> {
        self.files.readlink(path)
    }
    fn read_dir(&self, path: &Path) -> Result<ReadDir> {
        self.files.read_dir(path)
    }
    fn create_dir(&self, path: &Path) -> Result<()> {
        self.claim(path)?;
        self.files.create_dir(path)
    }
    fn create_symlink(&self, source: &Path, target: &Path) -> Result<()> {
        check_lengths(source)?;
        self.claim(target)?;
        FileSystem::create_symlink(&self.files, source, target)
    }
    fn hard_link(&self, source: &Path, target: &Path) -> Result<()> {
        self.claim(target)?;
        self.files.hard_link(source, target)
    }
    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.files.remove_dir(path)
    }
    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<()>> {
        match check_lengths(to) {
            Ok(()) => self.files.rename(from, to),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }
    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.files.metadata(path)
    }
    fn symlink_metadata(&self, path: &Path) -> Result<Metadata> {
        self.files.symlink_metadata(path)
    }
    fn remove_file(&self, path: &Path) -> Result<()> {
        self.files.remove_file(path)
    }
    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for Root {
    fn open(&self, path: &Path, options: &OpenOptionsConfig) -> Result<Box<dyn VirtualFile + Send + Sync + 'static>> {
        if options.create() || options.create_new() {
            self.claim(path)?;
        }
        self.files.new_open_options().options(options.clone()).open(path)
    }
}

#[derive(Debug)]
struct BytesLeft(AtomicU64);

impl FsMemoryLimiter for BytesLeft {
    fn on_grow(&self, bytes: usize) -> Result<()> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes as u64))
            .map(|_| ())
            .map_err(|_| FsError::StorageFull)
    }
    fn on_shrink(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Root, path: &str) -> Result<Box<dyn VirtualFile + Send + Sync + 'static>> {
        root.new_open_options().write(true).create(true).open(path)
    }

    /// With room for `more` files.
    fn root(more: u64) -> Root {
        let there = count_files(&Root::new(&[], 0, 0).files);
        Root::new(&[], 1 << 20, there + more)
    }

    #[test]
    fn files_directories_and_links_are_bounded_together() {
        let root = root(3);
        make(&root, "/file").unwrap();
        root.create_dir(Path::new("/directory")).unwrap();
        root.create_symlink(Path::new("file"), Path::new("/link")).unwrap();
        assert_eq!(make(&root, "/directory/other").unwrap_err(), FsError::StorageFull);
        assert_eq!(root.create_dir(Path::new("/other")), Err(FsError::StorageFull));
        assert_eq!(root.create_symlink(Path::new("file"), Path::new("/other")), Err(FsError::StorageFull));
        assert!(root.new_open_options().read(true).open("/file").is_ok(), "what is there can be opened");
    }

    #[test]
    fn what_is_removed_makes_room_however_it_went() {
        let root = root(2);
        for round in 0..10 {
            let mut first = make(&root, "/first").unwrap_or_else(|error| panic!("round {round}: {error}"));
            make(&root, "/second").unwrap();
            assert!(make(&root, "/third").is_err());
            first.unlink().unwrap();
            make(&root, "/third").unwrap();
            root.remove_file(Path::new("/second")).unwrap();
            root.remove_file(Path::new("/third")).unwrap();
            root.create_dir(Path::new("/directory")).unwrap();
            root.remove_dir(Path::new("/directory")).unwrap();
        }
    }

    #[test]
    fn opening_one_file_again_and_again_is_one_file() {
        let root = root(2);
        for _ in 0..100 {
            make(&root, "/file").unwrap();
        }
        make(&root, "/other").unwrap();
        assert!(make(&root, "/third").is_err());
    }

    #[test]
    fn names_and_paths_are_as_long_as_on_linux() {
        let root = root(1000);
        assert!(make(&root, &format!("/{}", "n".repeat(MAX_NAME))).is_ok());
        assert!(make(&root, &format!("/{}", "n".repeat(MAX_NAME + 1))).is_err());
        assert!(root.create_symlink(&PathBuf::from("t/".repeat(MAX_PATH)), Path::new("/link")).is_err());
        let mut path = String::new();
        while path.len() + 101 <= MAX_PATH {
            path += &format!("/{}", "d".repeat(100));
            root.create_dir(Path::new(&path)).unwrap();
        }
        assert!(root.create_dir(Path::new(&format!("{path}/{}", "d".repeat(100)))).is_err());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let root = Root::new(&[], 1000, 1000);
        let mut file = make(&root, "/file").unwrap();
        file.set_len(1000).unwrap();
        assert!(file.set_len(5000).is_err());
    }
}
