//! Where a run happens: on a platform, or on this processor in a device's place.

use accel_core::diagnosis::Finding;
use accel_core::{Platform, SessionOptions};
use accel_runtime::Placement;
use accel_runtime::engine::SimulatorEngine;
use accel_runtime::engine::simulator::Profile;

use super::args::RunArgs;
use crate::failure::Failure;
use crate::placed;

/// A platform, and what stands in for it where that was asked for.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) platform: Platform,
    /// Remembers what it loads, and predicts what the runs of that would take.
    pub(super) simulator: Option<SimulatorEngine>,
}

impl Place {
    /// What is worth knowing of where a model was placed. A simulation says itself that it is
    /// elsewhere.
    ///
    /// # Errors
    /// Nodes that are not where they were to be.
    pub(super) fn judge(
        &self,
        placement: &Placement,
        options: &SessionOptions,
    ) -> Result<Vec<Finding>, Failure> {
        if self.simulator.is_some() {
            return Ok(Vec::new());
        }
        placed::judge(placement, self.platform, options)
            .map_err(|it| Failure::failed("placement", it.message))
    }

    /// What `--platform` and `--simulate` ask for.
    ///
    /// # Errors
    /// A device without figures, or of another platform; nothing that says what to simulate.
    pub(super) fn of(arguments: &RunArgs) -> Result<Self, Failure> {
        let Some(device) = arguments.simulate.as_deref().map(str::trim) else {
            let platform = arguments.platform.unwrap_or(Platform::Cpu);
            return Ok(Self { platform, simulator: None });
        };
        let (platform, simulator) = match (device, arguments.platform) {
            ("", Some(platform)) => (platform, SimulatorEngine::default()),
            ("", None) => {
                let devices: Vec<_> = Profile::all().iter().map(|it| it.id.as_str()).collect();
                return Err(Failure::usage(format!(
                    "--simulate: say what to simulate, with --platform or as --simulate=DEVICE; \
                     there are {}",
                    devices.join(", ")
                )));
            }
            (id, platform) => {
                let profile = Profile::of(id)?;
                let platform = platform.unwrap_or(profile.platform);
                if platform != profile.platform {
                    let devices = Profile::all().iter().filter(|it| it.platform == platform);
                    let devices: Vec<_> = devices.map(|it| it.id.as_str()).collect();
                    return Err(Failure::usage(format!(
                        "--simulate={id}: it is a device of {}, and --platform says {}; leave \
                         --platform out, or give one of {}",
                        profile.platform.label(),
                        platform.label(),
                        devices.join(", ")
                    )));
                }
                (platform, SimulatorEngine::with_profile(profile.clone()))
            }
        };
        Ok(Self { platform, simulator: Some(simulator.recording()) })
    }
}
