//! What this machine has: detection, its cache, and records of machines that can be replayed.
//!
//! Detection has two halves. [`record`](record()) reads the machine into a [`Bundle`]: texts of
//! files, answers of libraries, names of engines' files, all as they came. [`inventory`] is a pure
//! function from that evidence to an [`Inventory`], in which every value has its source and every
//! negative its reason and remedy. So any machine that was once recorded can be judged anywhere.
//!
//! ```
//! use accel_runtime::hardware;
//!
//! let inventory = hardware::detect();
//! for platform in &inventory.platforms {
//!     match &platform.obstacle {
//!         None => println!("{} can be used", platform.platform),
//!         Some(it) => println!("{}: {}; {}", platform.platform, it.reason, it.remedy),
//!     }
//! }
//! ```
//!
//! | module | does |
//! |---|---|
//! | `bundle` | the evidence, and its JSON |
//! | `record` | reads it from this machine |
//! | `inventory` | judges it |
//! | `redact` | takes out what is private |
//! | `cache` | keeps it for a while |

mod bundle;
mod cache;
mod cgroup;
mod inventory;
mod record;
mod redact;
mod whole;

#[doc(no_inline)]
pub use accel_core::hardware::*;

pub use bundle::{
    Answer, BUNDLE_FORMAT, BUNDLE_VERSION, Bundle, EngineFiles, Metal, Nvml, NvmlGpu, NvmlSlice,
    NvmlValue, OpenvinoDevice,
};
pub use cache::{CacheOptions, Detected, detect_cached};
pub use inventory::inventory;
pub use record::{RecordOptions, record};
pub use redact::{Private, redact};

/// What this machine has, read now, browsers not asked. Nothing fails: what cannot be read is
/// unknown, with the reason.
///
/// ```
/// let inventory = accel_runtime::hardware::detect();
/// assert!(inventory.cpu.usable_cores.value.is_some_and(|it| it > 0));
/// ```
pub fn detect() -> Inventory {
    inventory(&record(RecordOptions::default()))
}
