//! What NVML's return codes mean (`nvml.h`, `nvmlReturn_t`), and what helps.

use accel_core::hardware::Obstacle;

use super::no;
use super::system::{in_container, wsl};
use crate::hardware::Bundle;

pub(super) const LIBRARY_MISMATCH: i32 = 18;

/// The code in words.
pub(super) fn text(status: i32) -> String {
    let words = match status {
        1 => "NVML was not started",
        2 => "an argument that NVML does not take",
        3 => "the GPU does not tell this",
        4 => "no permission to ask this",
        6 => "it was not found",
        7 => "the answer is larger than expected",
        8 => "the GPU's power cables are not attached",
        9 => "NVIDIA's driver is not loaded",
        10 => "the GPU did not answer in time",
        11 => "the driver could not take the GPU's interrupt",
        12 => "a library of the driver is missing",
        13 => "this version of NVML cannot tell this",
        14 => "the GPU's configuration memory is damaged",
        15 => "the GPU has fallen off the bus",
        16 => "the GPU needs a reset",
        17 => "the system keeps the GPU from the driver",
        18 => "the driver and its library have different versions",
        19 => "the GPU is in use",
        20 => "not enough memory to ask this",
        26 => "the GPU's memory has failed",
        999 => "NVML failed for an unknown reason",
        _ => return format!("NVML returned {status}"),
    };
    format!("{words} (NVML {status})")
}

/// What a code that leaves a GPU useless means, and what to do.
pub(super) fn obstacle(bundle: &Bundle, status: i32) -> Obstacle {
    let restart = "restart the machine; if it comes back so, look for `Xid` in `sudo dmesg`, and \
                   check the GPU's power cables, its slot and its cooling";
    let remedy = match status {
        LIBRARY_MISMATCH if in_container(bundle) => {
            "restart the container, so that it is given the libraries of the driver that is loaded; \
             an image must not bring libnvidia-ml or libcuda of its own"
        }
        LIBRARY_MISMATCH => {
            "restart the machine, or load the new driver: stop what uses the GPU, then `sudo rmmod \
             nvidia_uvm nvidia_drm nvidia_modeset nvidia && sudo modprobe nvidia`"
        }
        9 if wsl(bundle).is_some() => {
            "install NVIDIA's driver in Windows, run `wsl --shutdown` there, and start anew"
        }
        9 if in_container(bundle) => {
            "start the container with `--gpus all`; on the host, see that `nvidia-smi` works"
        }
        9 => {
            "load it with `sudo modprobe nvidia`; if that fails, install the driver for this kernel \
             anew (Ubuntu: `sudo ubuntu-drivers install`; Debian: `sudo apt install nvidia-driver`) \
             and see whether Secure Boot refuses it (`mokutil --sb-state`)"
        }
        4 => {
            "let this user open /dev/nvidia* (often: `sudo usermod -aG video $USER`, then log in anew)"
        }
        8 => "shut down and attach all power cables of the GPU",
        12 => {
            "install the driver's libraries anew, in the driver's version (Ubuntu: `sudo apt install \
             --reinstall libnvidia-compute-…`)"
        }
        16 => "stop what uses it, then `sudo nvidia-smi --gpu-reset`, or restart the machine",
        _ => restart,
    };
    let mut reason = text(status);
    if status == LIBRARY_MISMATCH {
        let loaded = bundle
            .text("/proc/driver/nvidia/version")
            .ok()
            .and_then(|it| it.lines().next())
            .and_then(|it| it.split_whitespace().find(|it| it.contains('.')));
        if let Some(version) = loaded {
            reason = format!("{reason}; the driver that is loaded is {version}");
        }
    }
    no(reason, remedy)
}
