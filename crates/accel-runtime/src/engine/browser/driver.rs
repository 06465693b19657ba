//! Browsers by what they are for, started when first needed and started anew when one is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accel_core::{DeviceOptions, Engine as EngineName, Platform, PowerPreference};
use serde_json::{Value, json};

use super::files::BrowserFiles;
use super::message::Message;
use super::probe::Capability;
use super::process::{Browser, Lost};
use super::server::Content;
use crate::engine::Lack;
use crate::{Error, Result};

/// What one page serves.
///
/// onnxruntime-web makes its GPU device once a page, from the first session's preference, and a
/// WebAssembly trap takes every session of a page with it: so each platform has its own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Webgpu(PowerPreference),
    Webnn,
}

impl Purpose {
    /// The page that serves these options; `None` for another platform's.
    pub(super) const fn of(options: &DeviceOptions) -> Option<Self> {
        match options {
            DeviceOptions::Webgpu(it) => Some(Self::Webgpu(it.power_preference)),
            DeviceOptions::Webnn(_) => Some(Self::Webnn),
            _ => None,
        }
    }
}

/// How often a job is given to a new browser because of others' jobs. A page may have lost a few
/// callers' sessions that each make it trap.
const BYSTANDER_TRIES: u32 = 8;

/// All browsers of an engine.
#[derive(Debug)]
pub(super) struct Driver {
    files: BrowserFiles,
    /// How long a page may work at one job.
    limit: Duration,
    browsers: Mutex<BTreeMap<Purpose, Arc<Browser>>>,
    capabilities: Mutex<Vec<(DeviceOptions, Capability)>>,
    contents: Mutex<BTreeMap<String, Content>>,
    names: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    pub(super) fn new(files: BrowserFiles, limit: Duration) -> Self {
        Self {
            files,
            limit,
            browsers: Mutex::default(),
            capabilities: Mutex::default(),
            contents: Mutex::default(),
            names: AtomicU64::new(0),
        }
    }

    /// The browser that is running for this purpose, if one is.
    pub(super) fn running(&self, purpose: Purpose) -> Option<Arc<Browser>> {
        lock(&self.browsers).get(&purpose).filter(|it| !it.is_spent()).cloned()
    }

    /// The browser for this purpose, started if need be.
    fn browser(&self, purpose: Purpose) -> std::result::Result<Arc<Browser>, String> {
        let mut browsers = lock(&self.browsers);
        if let Some(browser) = browsers.get(&purpose).filter(|it| !it.is_spent()) {
            return Ok(Arc::clone(browser));
        }
        browsers.remove(&purpose);
        let browser = Browser::start(&self.files, Some(self.limit.min(Duration::from_mins(1))))
            .map_err(|error| format!("{} does not start: {error}", self.files.browser.display()))?;
        for (name, content) in &*lock(&self.contents) {
            browser.offer(name, content.clone());
        }
        let browser = Arc::new(browser);
        browsers.insert(purpose, Arc::clone(&browser));
        Ok(browser)
    }

    /// Lets pages fetch `content`; its address, until [`withdraw`](Self::withdraw).
    pub(super) fn offer(&self, content: Content) -> String {
        let name = self.names.fetch_add(1, Ordering::Relaxed).to_string();
        for browser in lock(&self.browsers).values() {
            browser.offer(&name, content.clone());
        }
        lock(&self.contents).insert(name.clone(), content);
        format!("content/{name}")
    }

    /// Forgets what was offered at `address`.
    pub(super) fn withdraw(&self, address: &str) {
        if let Some(name) = address.strip_prefix("content/") {
            lock(&self.contents).remove(name);
            for browser in lock(&self.browsers).values() {
                browser.withdraw(name);
            }
        }
    }

    /// Gives a job to the page and waits for its answer. A browser that is lost at this job is
    /// started anew, once; one that is lost at another's, as often as that is likely. Every job
    /// says what it needs, so that sessions come back by themselves.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) fn call(
        &self,
        purpose: Purpose,
        job: &Value,
        bytes: &[u8],
    ) -> std::result::Result<Message, String> {
        let mut said = String::new();
        let (mut own, mut others) = (0, 0);
        loop {
            let browser = self.browser(purpose).map_err(|error| format!("{said}{error}"))?;
            let lost = match browser.call(job.clone(), bytes, self.limit) {
                Ok(answer) => return Ok(answer),
                Err(lost) => lost,
            };
            let count = if matches!(lost, Lost::Bystander) { &mut others } else { &mut own };
            *count += 1;
            if own > 1 || others > BYSTANDER_TRIES {
                return Err(format!("{said}{lost}"));
            }
            said = format!("{lost}; started anew, ");
        }
    }

    /// Releases every session of a graph, without waiting.
    pub(super) fn release(self: &Arc<Self>, purpose: Purpose, graph: u64) {
        let Some(browser) = self.running(purpose) else { return };
        let limit = self.limit;
        // A page may be at work for a while, and dropping a skill should not take that long.
        let _ = std::thread::Builder::new().name("browser release".to_owned()).spawn(move || {
            let _ = browser.call(json!({"kind": "release", "graph": graph}), &[], limit);
        });
    }

    /// The version of onnxruntime-web, once a page has told it.
    pub(super) fn version(&self) -> Option<String> {
        lock(&self.capabilities).first().map(|(_, it)| it.version.clone())
    }

    /// A number that no other graph of this engine has.
    pub(super) fn graph_number(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    /// What the browser can do for these options. The page is asked once.
    ///
    /// # Errors
    /// [`Error::EngineUnavailable`] in the browser's words.
    pub(super) fn capability(
        &self,
        platform: Platform,
        device: &DeviceOptions,
    ) -> Result<Capability> {
        let mut known = lock(&self.capabilities);
        if let Some((_, capability)) = known.iter().find(|(it, _)| it == device) {
            return Ok(capability.clone());
        }
        let unavailable = |lack, reason: String| Error::EngineUnavailable {
            platform,
            engine: EngineName::Browser,
            lack,
            reason,
            remedy: "run `accel engines install web --with-browser`, or name a browser that can \
                     in ACCEL_BROWSER"
                .to_owned(),
        };
        let purpose = Purpose::of(device).ok_or_else(|| {
            unavailable(Lack::Engine, "a browser serves WebGPU and WebNN only".to_owned())
        })?;
        let (head, _) = self
            .call(purpose, &super::probe::job(platform, device), &[])
            .map_err(|reason| unavailable(Lack::WorkingEngine, reason))?;
        let capability = Capability::read(&head).map_err(|reason| {
            unavailable(Lack::Device, format!("{}: {reason}", self.files.browser.display()))
        })?;
        known.push((*device, capability.clone()));
        Ok(capability)
    }
}
