//! Whether nodes ran where they were told to.

use accel_core::diagnosis::{Code, Finding};
use accel_core::{Platform, SessionOptions};
use accel_runtime::Placement;
use accel_runtime::diagnosis::check_placement;

/// What is worth knowing of a placement that is as it was asked for: a share of the nodes on the
/// CPU, a program in the device's place.
///
/// # Errors
/// Nodes that are elsewhere.
pub(crate) fn judge(
    placement: &Placement,
    platform: Platform,
    options: &SessionOptions,
) -> Result<Vec<Finding>, Box<Finding>> {
    let fallen = check_placement(placement, platform, options).map_err(|why| {
        Box::new(
            Finding::new(Code::QuietFallback, why)
                .on(platform)
                .instead(platform.label(), placement.device.as_str())
                .seen("placement", placement.to_string()),
        )
    })?;
    let mut findings = Vec::new();
    if fallen > 0.0 {
        let message = format!(
            "{fallen:.0} % of the nodes ran on the CPU, of at most {} % that \
             `cpu_fallback_percent` allows",
            options.cpu_fallback_percent
        );
        let finding = Finding::new(Code::PartialFallback, message).on(platform);
        findings.push(finding.seen("placement", placement.to_string()));
    }
    if placement.software {
        let device = placement.device.as_str();
        let message = format!("{} runs on a software stand-in: {device}", platform.label());
        findings
            .push(Finding::new(Code::SoftwareDevice, message).on(platform).seen("device", device));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use accel_core::diagnosis::Code;
    use accel_core::{Engine, Platform};
    use accel_runtime::Placement;

    use super::judge;
    use crate::defaults::default_options;

    fn placement(nodes: &[(&str, usize)]) -> Placement {
        Placement {
            engine: Engine::Ort,
            engine_version: "1".to_owned(),
            device: "a device".to_owned(),
            software: false,
            nodes: nodes.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            host_nodes: Vec::new(),
            evidence: "a double".to_owned(),
        }
    }

    #[test]
    fn nodes_elsewhere_are_an_error_and_an_allowed_share_is_told() {
        let mut options = default_options(Platform::Cuda);
        let codes = |placement: &Placement, options: &_| {
            judge(placement, Platform::Cuda, options)
                .map(|it| it.iter().map(|it| it.code).collect::<Vec<_>>())
                .map_err(|it| it.code)
        };
        let there = placement(&[("CUDAExecutionProvider", 10)]);
        assert_eq!(codes(&there, &options), Ok(vec![]));
        let quiet = placement(&[("CPUExecutionProvider", 10)]);
        assert_eq!(codes(&quiet, &options), Err(Code::QuietFallback));
        let finding = judge(&quiet, Platform::Cuda, &options).unwrap_err();
        assert_eq!(finding.given.as_deref(), Some("a device"));
        let share = placement(&[("CUDAExecutionProvider", 9), ("CPUExecutionProvider", 1)]);
        assert_eq!(codes(&share, &options), Err(Code::QuietFallback));
        options.cpu_fallback_percent = 10;
        assert_eq!(codes(&share, &options), Ok(vec![Code::PartialFallback]));
        let software = Placement { software: true, ..there };
        assert_eq!(codes(&software, &options), Ok(vec![Code::SoftwareDevice]));
    }
}
