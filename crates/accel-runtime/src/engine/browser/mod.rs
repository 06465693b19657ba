//! A browser that runs onnxruntime-web: WebGPU and WebNN.
//!
//! ```text
//! Session::execute ─ job ─▶ Driver ─▶ Browser ─▶ Server ◀─ asks ─ page.html ─▶ onnxruntime-web
//!                   ◀──────────────── answer: JSON and bytes ──────┘
//! ```
//!
//! A browser process is started when it is first needed and lives as long as the engine. A job
//! carries all that the page needs to make its session, so that a page which is lost is replaced
//! without anybody keeping account of what was in it.

mod driver;
mod evidence;
mod files;
mod kinds;
mod load;
mod message;
mod operators;
mod pinned;
mod probe;
mod process;
mod server;
mod session;
mod trial;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use accel_core::{
    DeviceOptions, Engine as EngineName, GraphOptimization, Platform, SessionOptions,
};

use self::driver::{Driver, Purpose};
pub use self::files::{BROWSER, BrowserFiles, NotFound, WEB_DIR};
use super::{Engine, Lack, Session, check_memory, check_platform};
use crate::model::GraphFiles;
use crate::{Error, Result};

/// How long a page may work at one job. A software adapter compiles shaders for most of a minute.
const TIME_LIMIT: Duration = Duration::from_secs(110);

/// What a 32-bit WebAssembly module can address: weights pass through it on any platform.
const WASM_BYTES: u64 = 1 << 32;

/// What a file of Protocol Buffers can hold.
const PROTOBUF_BYTES: u64 = (1 << 31) - 1;

/// The engine for WebGPU and WebNN.
///
/// Options: `precision` picks the file; `threads` is 1, or 0 for the same (the page is not
/// cross-origin isolated); `graph_optimization`, `memory_limit_bytes`, `power_preference`,
/// `layout` and `device` as documented; `max_batch` is honoured by the pipelines; with a
/// `cpu_fallback_percent` of 0 a node that is not arithmetic of shapes, indexes or masks fails
/// the load when it is left on the CPU.
#[derive(Clone, Debug)]
pub struct BrowserEngine {
    driver: Arc<Driver>,
}

impl BrowserEngine {
    /// The engine of this process, with the files found by [`BrowserFiles::find`]. Its browsers
    /// live until the process ends.
    ///
    /// # Errors
    /// What is missing.
    pub fn shared() -> std::result::Result<Self, NotFound> {
        static SHARED: OnceLock<std::result::Result<BrowserEngine, NotFound>> = OnceLock::new();
        SHARED.get_or_init(|| BrowserFiles::find().map(Self::new)).clone()
    }

    /// An engine with browsers of its own, which end with its last session.
    pub fn new(files: BrowserFiles) -> Self {
        Self::with_time_limit(files, TIME_LIMIT)
    }

    /// As [`new`](Self::new), with the time that a page may take to load or run a graph.
    pub fn with_time_limit(files: BrowserFiles, limit: Duration) -> Self {
        Self { driver: Arc::new(Driver::new(files, limit)) }
    }

    /// Whether a browser serves these options on this machine: the page is asked, once.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`] in the browser's own words.
    pub fn check(&self, options: &SessionOptions) -> Result<()> {
        self.driver.capability(options.device.platform(), &options.device).map(|_| ())
    }

    /// What a graph would run on with these options, such as `nvidia ampere`: the page is asked,
    /// once.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`] in the browser's own words.
    pub fn device(&self, options: &DeviceOptions) -> Result<String> {
        let capability = self.driver.capability(options.platform(), options)?;
        Ok(capability.device(options))
    }

    /// The number of the process that serves these options, and its page's address, while one is
    /// running.
    pub fn process(&self, options: &SessionOptions) -> Option<(u32, String)> {
        let browser = self.driver.running(Purpose::of(&options.device)?)?;
        Some((browser.process(), browser.address()))
    }
}

impl Engine for BrowserEngine {
    fn name(&self) -> EngineName {
        EngineName::Browser
    }

    fn version(&self) -> String {
        self.driver.version().unwrap_or_else(|| "not started".to_owned())
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        check_platform(platform, options)?;
        check_threads(options.threads)?;
        check_memory(graph, options)?;
        check_size(graph)?;
        let capability = self.driver.capability(platform, &options.device)?;
        load::load(&self.driver, &capability, graph, options)
    }
}

/// The engine for these options.
///
/// # Errors
/// [`Error::EngineUnavailable`].
pub(super) fn for_options(options: &SessionOptions) -> Result<Arc<dyn Engine>> {
    let engine = BrowserEngine::shared().map_err(|missing| Error::EngineUnavailable {
        platform: options.device.platform(),
        engine: EngineName::Browser,
        lack: Lack::Engine,
        reason: missing.reason,
        remedy: missing.remedy,
    })?;
    engine.check(options)?;
    Ok(Arc::new(engine))
}

fn check_threads(threads: u32) -> Result<()> {
    if threads <= 1 {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: "threads",
        given: threads.to_string(),
        reason: "more than one needs a page that is cross-origin isolated, which this one is not, \
                 and the device does the work; give 1"
            .to_owned(),
    })
}

/// Refuses what no page can hold, before a byte of it is sent.
fn check_size(graph: &GraphFiles) -> Result<()> {
    let external: u64 = graph
        .external_data
        .iter()
        .filter_map(|it| std::fs::metadata(it).ok())
        .map(|it| it.len())
        .sum();
    let file = graph.bytes.saturating_sub(external);
    let (what, bytes, limit) = if graph.bytes >= WASM_BYTES {
        ("with its weights", graph.bytes, WASM_BYTES)
    } else if file > PROTOBUF_BYTES {
        ("without external data", file, PROTOBUF_BYTES)
    } else {
        return Ok(());
    };
    Err(Error::UnsupportedModel {
        path: graph.path.clone(),
        reason: format!(
            "{what} it takes {bytes} bytes, and a page's 32-bit WebAssembly holds at most {limit}"
        ),
        remedy: "choose a smaller precision or another platform".to_owned(),
    })
}

/// onnxruntime-web's name of an optimization level.
const fn level(level: GraphOptimization) -> &'static str {
    match level {
        GraphOptimization::Off => "disabled",
        GraphOptimization::Basic => "basic",
        GraphOptimization::Extended => "extended",
        GraphOptimization::All => "all",
    }
}

/// onnxruntime's name of a platform's provider, as it logs it.
const fn provider(device: &DeviceOptions) -> &'static str {
    match device {
        DeviceOptions::Webnn(_) => "WebNNExecutionProvider",
        _ => "WebGpuExecutionProvider",
    }
}
