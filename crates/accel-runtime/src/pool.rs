//! Loaded skills, shared.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accel_core::{Platform, Precision};

use crate::Result;

/// What makes two loads the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PoolKey {
    /// The model's folder.
    pub model_dir: PathBuf,
    /// Where it runs.
    pub platform: Platform,
    /// The precision of its weights.
    pub precision: Precision,
}

/// Skills that are loaded once and used by everyone.
///
/// Callers that ask for the same key at the same time share one load; callers with other keys
/// do not wait for it. A load that fails or panics leaves nothing behind, so the next caller
/// tries again.
#[derive(Debug)]
pub struct Pool<P> {
    // The inner lock is held while its skill is loaded, the outer one only to find the slot.
    slots: Mutex<HashMap<PoolKey, Slot<P>>>,
}

type Slot<P> = Arc<Mutex<Option<Arc<P>>>>;

impl<P> Pool<P> {
    /// An empty pool.
    pub fn new() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }

    /// The skill of `key`, loaded by `load` if nobody has loaded it yet. `load` must not ask the
    /// pool for the same key.
    ///
    /// # Errors
    /// What `load` returns.
    pub fn get_or_load(&self, key: &PoolKey, load: impl FnOnce() -> Result<P>) -> Result<Arc<P>> {
        let slot = Arc::clone(locked(&self.slots).entry(key.clone()).or_default());
        let mut loaded = locked(&slot);
        if let Some(skill) = &*loaded {
            return Ok(Arc::clone(skill));
        }
        let skill = Arc::new(load()?);
        *loaded = Some(Arc::clone(&skill));
        Ok(skill)
    }

    /// Forgets the skill of `key`; its memory goes when its last user is done.
    pub fn remove(&self, key: &PoolKey) {
        locked(&self.slots).remove(key);
    }
}

impl<P> Default for Pool<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// A poisoned lock means that a load panicked; the slot is then still empty, which is a state
/// like any other.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
