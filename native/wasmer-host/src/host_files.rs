//! A directory of the host, in which whatever a guest has written is in the file when its call returns.
//!
//! virtual-fs has a thread write it, some time after the call has returned: who is stopped then, or just leaves, would lose what it
//! believes to be written, and others would not see it yet.
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::future::BoxFuture;
use virtual_fs::{
    AsyncRead, AsyncSeek, AsyncWrite, FileOpener, FileSystem, Metadata, OpenOptions, OpenOptionsConfig, ReadBuf, ReadDir, Result,
    VirtualFile, host_fs,
};

type File = Box<dyn VirtualFile + Send + Sync + 'static>;

#[derive(Debug)]
pub struct HostDirectory(pub host_fs::FileSystem);

impl FileSystem for HostDirectory {
    fn readlink(&self, path: &Path) -> Result<PathBuf> {
        self.0.readlink(path)
    }
    fn read_dir(&self, path: &Path) -> Result<ReadDir> {
        self.0.read_dir(path)
    }
    fn create_dir(&self, path: &Path) -> Result<()> {
        self.0.create_dir(path)
    }
    fn create_symlink(&self, source: &Path, target: &Path) -> Result<()> {
        self.0.create_symlink(source, target)
    }
    fn hard_link(&self, source: &Path, target: &Path) -> Result<()> {
        self.0.hard_link(source, target)
    }
    fn remove_dir(&self, path: &Path) -> Result<()> {
        self.0.remove_dir(path)
    }
    fn rename<'a>(&'a self, from: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<()>> {
        self.0.rename(from, to)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata> {
        self.0.metadata(path)
    }
    fn symlink_metadata(&self, path: &Path) -> Result<Metadata> {
        self.0.symlink_metadata(path)
    }
    fn remove_file(&self, path: &Path) -> Result<()> {
        self.0.remove_file(path)
    }
    fn new_open_options(&self) -> OpenOptions<'_> {
        OpenOptions::new(self)
    }
}

impl FileOpener for HostDirectory {
    fn open(&self, path: &Path, options: &OpenOptionsConfig) -> Result<File> {
        let file = self.0.new_open_options().options(options.clone()).open(path)?;
        Ok(Box::new(HostFile { file, taken: None }))
    }
}

#[derive(Debug)]
struct HostFile {
    file: File,
    /// Bytes that the file has taken and that are on their way.
    taken: Option<usize>,
}

impl AsyncWrite for HostFile {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = match self.taken {
            Some(count) => count,
            None => ready!(Pin::new(&mut self.file).poll_write(context, bytes))?,
        };
        self.taken = Some(taken);
        let arrived = ready!(Pin::new(&mut self.file).poll_flush(context));
        self.taken = None;
        Poll::Ready(arrived.map(|()| taken))
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(context)
    }
}

impl AsyncRead for HostFile {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_read(context, buffer)
    }
}

impl AsyncSeek for HostFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.file).start_seek(position)
    }
    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.file).poll_complete(context)
    }
}

impl VirtualFile for HostFile {
    fn last_accessed(&self) -> u64 {
        self.file.last_accessed()
    }
    fn last_modified(&self) -> u64 {
        self.file.last_modified()
    }
    fn created_time(&self) -> u64 {
        self.file.created_time()
    }
    fn set_times(&mut self, accessed: Option<u64>, modified: Option<u64>) -> Result<()> {
        self.file.set_times(accessed, modified)
    }
    fn size(&self) -> u64 {
        self.file.size()
    }
    fn set_len(&mut self, size: u64) -> Result<()> {
        self.file.set_len(size)
    }
    fn unlink(&mut self) -> Result<()> {
        self.file.unlink()
    }
    fn is_open(&self) -> bool {
        self.file.is_open()
    }
    fn poll_read_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.file).poll_read_ready(context)
    }
    fn poll_write_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.file).poll_write_ready(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn what_is_written_is_there_when_the_call_returns() {
        let folder = std::env::temp_dir().join(format!("fiso-host-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        tokio.block_on(async {
            let directory = HostDirectory(host_fs::FileSystem::new(tokio::runtime::Handle::current(), &folder).unwrap());
            let mut file = directory.new_open_options().write(true).create(true).open("/file").unwrap();
            for count in 1..=200 {
                assert_eq!(poll_fn(|context| Pin::new(&mut file).poll_write(context, b"x")).await.unwrap(), 1);
                assert_eq!(std::fs::metadata(folder.join("file")).unwrap().len(), count);
            }
        });
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
