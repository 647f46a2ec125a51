//! The caps on linear memory and tables: every memory ends at the limit, and a refused growth is remembered.
//!
//! A module whose minimum is larger is refused outright. Growth is told to the parent, which accounts for all guests together: at
//! once, or, where threads share the memory and each may make it grow, a moment later.
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use wasmer::sys::vm::{LinearMemory, VMMemory, VMMemoryDefinition, VMSharedMemory, VMTable, VMTableDefinition};
use wasmer::sys::{BaseTunables, Tunables};
use wasmer_types::{MemoryError, MemoryStyle, MemoryType, Pages, TableStyle, TableType};

use crate::channel::Status;

const PAGE: u64 = 65536;
const MAX_PAGES: u64 = 65536;

/// As many as the light engine allows.
const MAX_TABLE_ELEMENTS: u32 = 100_000;

/// The status socket of the guest that runs in this process; -1 before there is one.
static STATUS: AtomicI32 = AtomicI32::new(-1);

/// A growth was refused to the guest that runs in this process.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// The memory that the guest's threads share, once it is made, and what it is made with.
static SHARED: Mutex<Option<(VMSharedMemory, Pages)>> = Mutex::new(None);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Tells how it grows, for as long as the process lives. In the runtime of the guest that has just been made.
pub fn watch_shared(status: Status) {
    let Some((memory, mut told)) = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() else { return };
    tokio::spawn(async move {
        loop {
            let size = memory.size();
            if size > told {
                told = size;
                status.send(&["grown", &(u64::from(size.0) * PAGE).to_string()]);
            }
            tokio::time::sleep(LOOK).await;
        }
    });
}

pub fn was_refused() -> bool {
    REFUSED.load(Ordering::Relaxed)
}

/// The next run fails for reasons of its own.
pub fn forget_refusal() {
    REFUSED.store(false, Ordering::Relaxed);
}

pub fn tell_growth_to(socket: i32) {
    STATUS.store(socket, Ordering::Relaxed);
}

pub struct CappedMemory {
    base: BaseTunables,
    limit: Pages,
}

impl CappedMemory {
    pub fn new(bytes: u64) -> Self {
        CappedMemory { base: BaseTunables::new(), limit: Pages((bytes / PAGE).min(MAX_PAGES) as u32) }
    }

    fn capped(&self, wanted: &MemoryType) -> Result<MemoryType, MemoryError> {
        let mut capped = *wanted;
        if wanted.minimum > self.limit {
            REFUSED.store(true, Ordering::Relaxed);
            let (needed, limit) = (wanted.minimum.0 as u64 * PAGE, self.limit.0 as u64 * PAGE);
            return Err(MemoryError::Generic(format!("the module needs {needed} bytes of memory, the limit is {limit}")));
        }
        capped.maximum = Some(wanted.maximum.map_or(self.limit, |maximum| maximum.min(self.limit)));
        Ok(capped)
    }

    fn capped_table(wanted: &TableType) -> Result<TableType, String> {
        if wanted.minimum > MAX_TABLE_ELEMENTS {
            return Err(format!("the module needs a table of {} elements, the limit is {MAX_TABLE_ELEMENTS}", wanted.minimum));
        }
        let mut capped = *wanted;
        capped.maximum = Some(wanted.maximum.map_or(MAX_TABLE_ELEMENTS, |maximum| maximum.min(MAX_TABLE_ELEMENTS)));
        Ok(capped)
    }

    fn watched(memory: VMMemory, wanted: &MemoryType) -> VMMemory {
        if wanted.shared {
            // Threads have parts of their own of it, so there is no one object that sees all growth.
            *SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = memory.as_shared().ok().map(|memory| (memory, wanted.minimum));
            return memory;
        }
        let watched: Box<dyn LinearMemory + Send + Sync> = Box::new(watch::Watched { inner: memory });
        watched.into()
    }
}

impl Tunables for CappedMemory {
    fn memory_style(&self, memory: &MemoryType) -> MemoryStyle {
        self.base.memory_style(memory)
    }
    fn table_style(&self, table: &TableType) -> TableStyle {
        self.base.table_style(table)
    }
    fn create_host_memory(&self, wanted: &MemoryType, style: &MemoryStyle) -> Result<VMMemory, MemoryError> {
        Ok(Self::watched(self.base.create_host_memory(&self.capped(wanted)?, style)?, wanted))
    }
    unsafe fn create_vm_memory(
        &self,
        wanted: &MemoryType,
        style: &MemoryStyle,
        place: NonNull<VMMemoryDefinition>,
    ) -> Result<VMMemory, MemoryError> {
        // SAFETY: as promised by our caller.
        let memory = unsafe { self.base.create_vm_memory(&self.capped(wanted)?, style, place)? };
        Ok(Self::watched(memory, wanted))
    }
    fn create_host_table(&self, table: &TableType, style: &TableStyle) -> Result<VMTable, String> {
        self.base.create_host_table(&Self::capped_table(table)?, style)
    }
    unsafe fn create_vm_table(
        &self,
        table: &TableType,
        style: &TableStyle,
        place: NonNull<VMTableDefinition>,
    ) -> Result<VMTable, String> {
        // SAFETY: as promised by our caller.
        unsafe { self.base.create_vm_table(&Self::capped_table(table)?, style, place) }
    }
}

/// A memory that says what becomes of its growths.
mod watch {
    use super::*;

    #[derive(Debug)]
    pub struct Watched {
        pub inner: VMMemory,
    }

    impl LinearMemory for Watched {
        fn ty(&self) -> MemoryType {
            self.inner.ty()
        }
        fn size(&self) -> Pages {
            self.inner.size()
        }
        fn style(&self) -> MemoryStyle {
            self.inner.style()
        }
        fn grow(&mut self, delta: Pages) -> Result<Pages, MemoryError> {
            let grown = self.inner.grow(delta);
            match &grown {
                Err(_) => REFUSED.store(true, Ordering::Relaxed),
                Ok(before) if delta.0 > 0 => {
                    let socket = STATUS.load(Ordering::Relaxed);
                    let bytes = (before.0 as u64 + delta.0 as u64) * PAGE;
                    if socket >= 0 {
                        Status::new(socket).send(&["grown", &bytes.to_string()]);
                    }
                }
                Ok(_) => {}
            }
            grown
        }
        fn vmmemory(&self) -> NonNull<VMMemoryDefinition> {
            self.inner.vmmemory()
        }
        fn try_clone(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
            LinearMemory::try_clone(&self.inner)
        }
        fn copy(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
            LinearMemory::copy(&self.inner)
        }
    }
}
