//! The guest's file system: a small root in memory, and the directories that were given to it.
//!
//! Paths are kept inside by virtual-fs, and by Landlock where the kernel has it.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use futures_core::future::BoxFuture;
use virtual_fs::{
    FileOpener, FileSystem, FsError, Metadata, MountFileSystem, OpenOptions, OpenOptionsConfig, ReadDir, VirtualFile, host_fs,
};

use crate::host_files::HostDirectory;
use crate::input::{DIRECTORY, InputDirectory};
use crate::root::Root;
use crate::setup::Setup;
use crate::stdio::Input;

type Fs = Arc<dyn FileSystem + Send + Sync>;

pub fn build(setup: &Setup, input: &Arc<Input>) -> Result<MountFileSystem> {
    let taken: Vec<&str> = setup.mounts.iter().map(|mount| mount.guest.as_str()).collect();
    let all = MountFileSystem::new();
    all.mount(Path::new("/"), Arc::new(Root::new(&taken, setup.files_memory, setup.files)))?;
    for mount in &setup.mounts {
        let host = host_fs::FileSystem::new(tokio::runtime::Handle::current(), &mount.host)
            .map_err(|error| anyhow!("directory {}: {error}", mount.host))?;
        let fs: Fs = if mount.read_only { Arc::new(ReadOnly(Arc::new(host))) } else { Arc::new(HostDirectory(host)) };
        all.set_mount(Path::new("/").join(&mount.guest), fs).with_context(|| mount.guest.clone())?;
    }
    if setup.stdin_file {
        all.set_mount(Path::new(DIRECTORY), Arc::new(InputDirectory(input.clone())))?;
    }
    Ok(all)
}

/// `:ro`.
#[derive(Debug)]
struct ReadOnly(Fs);

impl FileSystem for ReadOnly {
    fn readlink(&self, path: &Path) -> virtual_fs::Result<PathBuf> {
        self.0.readlink(path)
    }
    fn read_dir(&self, path: &Path) -> virtual_fs::Result<ReadDir> {
        self.0.read_dir(path)
    }
    fn create_dir(&self, _: &Path) -> virtual_fs::Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn remove_dir(&self, _: &Path) -> virtual_fs::Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn rename<'a>(&'a self, _: &'a Path, _: &'a Path) -> BoxFuture<'a, virtual_fs::Result<()>> {
        Box::pin(async { Err(FsError::PermissionDenied) })
    }
    fn metadata(&self, path: &Path) -> virtual_fs::Result<Metadata> {
        self.0.metadata(path)
    }
    fn symlink_metadata(&self, path: &Path) -> virtual_fs::Result<Metadata> {
        self.0.symlink_metadata(path)
    }
    fn remove_file(&self, _: &Path) -> virtual_fs::Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for ReadOnly {
    fn open(&self, path: &Path, options: &OpenOptionsConfig) -> virtual_fs::Result<Box<dyn VirtualFile + Send + Sync + 'static>> {
        if options.would_mutate() {
            return Err(FsError::PermissionDenied);
        }
        self.0.new_open_options().options(options.clone()).open(path)
    }
}
