//! What a browser says it can do.

use accel_core::{DeviceOptions, Platform, PowerPreference, WebnnDevice};
use serde_json::{Value, json};

/// A browser that can serve some options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    /// The version of onnxruntime-web.
    pub(super) version: String,
    /// The browser's name and version.
    pub(super) agent: String,
    /// The GPU adapter's names, if there is an adapter.
    adapter: Option<String>,
    /// Whether the adapter computes on the processor.
    software: bool,
    /// Whether shaders may compute in half precision.
    pub(super) f16: bool,
}

/// The question.
pub(super) fn job(platform: Platform, device: &DeviceOptions) -> Value {
    let options = match device {
        DeviceOptions::Webgpu(it) => json!({"gpu": preference(it.power_preference)}),
        DeviceOptions::Webnn(it) => {
            let mut ml = preference(it.power_preference);
            ml["deviceType"] = it.device.name().into();
            json!({"gpu": {}, "ml": ml})
        }
        _ => json!({}),
    };
    json!({"kind": "probe", "platform": platform.name(), "options": options})
}

/// The preference as browsers take it; none is left out.
pub(super) fn preference(preference: PowerPreference) -> Value {
    match preference {
        PowerPreference::Default => json!({}),
        it => json!({"powerPreference": it.name()}),
    }
}

impl Capability {
    /// Reads the page's answer.
    ///
    /// # Errors
    /// Why it cannot serve, in the browser's words.
    pub(super) fn read(head: &Value) -> Result<Self, String> {
        if let Some(error) = head["error"].as_str() {
            return Err(error.to_owned());
        }
        let text = |name: &str| head[name].as_str().map(str::to_owned);
        Ok(Self {
            version: text("version").ok_or("onnxruntime-web does not say its version")?,
            agent: text("agent").unwrap_or_default(),
            adapter: text("adapter"),
            software: head["software"] == true,
            f16: head["f16"] == true,
        })
    }

    /// Whether the processor stands in for the device that was asked for.
    pub(super) fn is_software(&self, options: &DeviceOptions) -> bool {
        match options {
            // A context may be asked for a GPU where there is none.
            DeviceOptions::Webnn(it) => {
                it.device == WebnnDevice::Gpu && (self.software || self.adapter.is_none())
            }
            _ => self.software,
        }
    }

    /// The device, never a GPU's name for what computes on the processor.
    pub(super) fn device(&self, options: &DeviceOptions) -> String {
        let adapter = self.adapter.as_deref().unwrap_or("no adapter");
        match options {
            DeviceOptions::Webnn(it) => {
                let context = format!("webnn {} context of {}", it.device.name(), self.agent);
                if self.is_software(options) {
                    return format!(
                        "{context} (runs on the CPU: the browser's only GPU adapter is {adapter}{})",
                        if self.software { ", software" } else { "" }
                    );
                }
                context
            }
            _ if self.software => format!("{adapter} (software)"),
            _ => adapter.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use accel_core::{
        DeviceOptions, PowerPreference, TensorLayout, WebgpuOptions, WebnnDevice, WebnnOptions,
    };
    use serde_json::json;

    use super::Capability;

    const WEBGPU: DeviceOptions = DeviceOptions::Webgpu(WebgpuOptions {
        power_preference: PowerPreference::Default,
        layout: TensorLayout::Nchw,
    });

    #[test]
    fn a_software_adapter_is_never_shown_as_a_gpu() {
        let mut answer = json!({"version": "1.30.0", "agent": "Chrome/1", "adapter": "google swiftshader", "software": true});
        let capability = Capability::read(&answer).unwrap();
        assert_eq!(capability.device(&WEBGPU), "google swiftshader (software)");
        let webnn = |device| {
            DeviceOptions::Webnn(WebnnOptions {
                device,
                power_preference: PowerPreference::Default,
            })
        };
        assert!(capability.device(&webnn(WebnnDevice::Gpu)).contains("runs on the CPU"));
        assert!(
            capability.is_software(&WEBGPU) && capability.is_software(&webnn(WebnnDevice::Gpu))
        );
        // The processor is what was asked for.
        assert!(!capability.is_software(&webnn(WebnnDevice::Cpu)));
        assert_eq!(capability.device(&webnn(WebnnDevice::Cpu)), "webnn cpu context of Chrome/1");
        answer["software"] = json!(false);
        answer["adapter"] = json!("nvidia ampere");
        let capability = Capability::read(&answer).unwrap();
        assert_eq!(capability.device(&WEBGPU), "nvidia ampere");
        assert!(!capability.is_software(&WEBGPU));
        assert!(!capability.device(&webnn(WebnnDevice::Gpu)).contains("CPU"));
    }

    #[test]
    fn the_browsers_own_words_are_passed_on() {
        let answer = json!({"version": "1.30.0", "error": "NotSupportedError: no"});
        assert_eq!(Capability::read(&answer), Err("NotSupportedError: no".to_owned()));
    }
}
