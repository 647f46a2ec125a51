//! `--stdin-file`: the input once more, as the only file of a directory. Looking at it waits for all of the input.
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use virtual_fs::{
    AsyncRead, AsyncSeek, AsyncWrite, DirEntry, FileOpener, FileSystem, FileType, FsError, Metadata, OpenOptions, OpenOptionsConfig,
    ReadBuf, ReadDir, Result, VirtualFile,
};

use crate::stdio::Input;

pub const DIRECTORY: &str = "/stdin";
const FILE: &str = "input.json";

#[derive(Debug)]
pub struct InputDirectory(pub Arc<Input>);

fn is_root(path: &Path) -> bool {
    path == Path::new("/") || path == Path::new("")
}

impl InputDirectory {
    fn file_metadata(&self) -> Metadata {
        let mut metadata = Metadata { len: self.0.whole().len() as u64, ..Metadata::default() };
        metadata.ft = FileType::new_file();
        metadata
    }
    fn find(&self, path: &Path) -> Result<()> {
        let relative = path.strip_prefix("/").unwrap_or(path);
        if relative == Path::new(FILE) { Ok(()) } else { Err(FsError::EntryNotFound) }
    }
}

impl FileSystem for InputDirectory {
    fn readlink(&self, _: &Path) -> Result<PathBuf> {
        Err(FsError::InvalidInput)
    }
    fn read_dir(&self, path: &Path) -> Result<ReadDir> {
        if !is_root(path) {
            return Err(FsError::BaseNotDirectory);
        }
        Ok(ReadDir::new(vec![DirEntry { path: Path::new("/").join(FILE), metadata: Ok(self.file_metadata()) }]))
    }
    fn create_dir(&self, _: &Path) -> Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn remove_dir(&self, _: &Path) -> Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn rename<'a>(&'a self, _: &'a Path, _: &'a Path) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(FsError::PermissionDenied) })
    }
    fn metadata(&self, path: &Path) -> Result<Metadata> {
        if is_root(path) {
            return Ok(Metadata { ft: FileType::new_dir(), ..Metadata::default() });
        }
        self.find(path)?;
        Ok(self.file_metadata())
    }
    fn symlink_metadata(&self, path: &Path) -> Result<Metadata> {
        self.metadata(path)
    }
    fn remove_file(&self, _: &Path) -> Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for InputDirectory {
    fn open(&self, path: &Path, options: &OpenOptionsConfig) -> Result<Box<dyn VirtualFile + Send + Sync + 'static>> {
        if options.would_mutate() {
            return Err(FsError::PermissionDenied);
        }
        self.find(path)?;
        Ok(Box::new(InputFile { input: self.0.clone(), place: 0 }))
    }
}

#[derive(Debug)]
struct InputFile {
    input: Arc<Input>,
    place: u64,
}

impl AsyncRead for InputFile {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let input = self.input.clone();
        let whole = input.whole();
        let rest = &whole[(self.place as usize).min(whole.len())..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.place += count as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for InputFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        let place = match position {
            io::SeekFrom::Start(place) => Some(place),
            io::SeekFrom::End(offset) => (self.input.whole().len() as u64).checked_add_signed(offset),
            io::SeekFrom::Current(offset) => self.place.checked_add_signed(offset),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(())
    }
    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.place))
    }
}

impl AsyncWrite for InputFile {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl VirtualFile for InputFile {
    fn last_accessed(&self) -> u64 {
        0
    }
    fn last_modified(&self) -> u64 {
        0
    }
    fn created_time(&self) -> u64 {
        0
    }
    fn size(&self) -> u64 {
        self.input.whole().len() as u64
    }
    fn set_len(&mut self, _: u64) -> Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn unlink(&mut self) -> Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn poll_read_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.input.whole().len() - (self.place as usize).min(self.input.whole().len())))
    }
    fn poll_write_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}
