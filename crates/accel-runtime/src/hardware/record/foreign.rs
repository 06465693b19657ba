//! Vendors' libraries that tell of hardware, loaded when they are asked: NVIDIA's NVML and Apple's
//! Metal. Neither starts a context on a device.
#![expect(unsafe_code, reason = "NVML and Metal are reached through foreign functions")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use libloading::Library;

use crate::hardware::{Answer, Metal, Nvml, NvmlGpu, NvmlSlice, NvmlValue};

/// More GPUs, and slices of one, than any machine has.
const MOST: u32 = 64;
/// `NVML_CLOCK_SM` and `NVML_CLOCK_MEM`.
const CLOCKS: [c_int; 2] = [1, 2];
/// `NVML_ERROR_FUNCTION_NOT_FOUND`, also for a function that an old library lacks.
const NO_FUNCTION: i32 = 13;
/// `NVML_ERROR_INSUFFICIENT_SIZE`: the count is told all the same.
const MORE_THAN_FITS: i32 = 7;
/// `NVML_ERROR_NOT_FOUND`: no slice has this number.
const NOT_FOUND: i32 = 6;

/// An `nvmlDevice_t`.
type Handle = *mut c_void;

/// `nvmlMemory_t`.
#[repr(C)]
#[derive(Default)]
struct MemoryInfo {
    total: u64,
    free: u64,
    used: u64,
}

/// `nvmlPciInfo_t`.
#[repr(C)]
struct PciInfo {
    bus_id_legacy: [c_char; 16],
    numbers: [c_uint; 5],
    bus_id: [c_char; 32],
}

/// What NVML says; `None` when its library is not there.
pub(super) fn nvml() -> Option<Nvml> {
    let names: &[&str] = if cfg!(windows) {
        &["nvml.dll"]
    } else {
        // Inside Windows, the loader may not know the folder.
        &["libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"]
    };
    // SAFETY: NVIDIA's library, by its own name, has no side effects when loaded; it is asked only
    // through functions of its documented interface.
    let library = names.iter().find_map(|it| unsafe { Library::new(*it) }.ok())?;
    let asked = Asked { library: &library };
    let status = asked.call("nvmlInit_v2", |it: unsafe extern "C" fn() -> c_int| {
        // SAFETY: takes nothing.
        unsafe { it() }
    });
    let mut nvml = Nvml { status, ..Nvml::default() };
    if status == 0 {
        asked.fill(&mut nvml);
        asked.call("nvmlShutdown", |it: unsafe extern "C" fn() -> c_int| {
            // SAFETY: takes nothing, and follows the one start.
            unsafe { it() }
        });
    }
    Some(nvml)
}

/// The library's functions, each looked up when it is called.
struct Asked<'a> {
    library: &'a Library,
}

impl Asked<'_> {
    /// Calls a function, or says that there is none of the name.
    fn call<F: Copy>(&self, name: &str, call: impl FnOnce(F) -> c_int) -> i32 {
        // SAFETY: every caller gives the type that `nvml.h` declares for the name.
        match unsafe { self.library.get::<F>(name) } {
            Ok(function) => call(*function),
            Err(_) => NO_FUNCTION,
        }
    }

    fn fill(&self, nvml: &mut Nvml) {
        nvml.driver = Some(string(80, |text, length| {
            self.call(
                "nvmlSystemGetDriverVersion",
                |it: unsafe extern "C" fn(*mut c_char, c_uint) -> c_int| {
                    // SAFETY: the buffer has the length that is told.
                    unsafe { it(text, length) }
                },
            )
        }));
        nvml.cuda = Some(value(0, |number| {
            self.call(
                "nvmlSystemGetCudaDriverVersion_v2",
                |it: unsafe extern "C" fn(*mut c_int) -> c_int| {
                    // SAFETY: the number is writable.
                    unsafe { it(number) }
                },
            )
        }));
        let mut count = 0;
        self.call("nvmlDeviceGetCount_v2", |it: unsafe extern "C" fn(*mut c_uint) -> c_int| {
            // SAFETY: the number is writable.
            unsafe { it(&raw mut count) }
        });
        for index in 0..count.min(MOST) {
            let mut handle: Handle = null_mut();
            let status = self.call(
                "nvmlDeviceGetHandleByIndex_v2",
                |it: unsafe extern "C" fn(c_uint, *mut Handle) -> c_int| {
                    // SAFETY: the handle is writable.
                    unsafe { it(index, &raw mut handle) }
                },
            );
            nvml.gpus.push(if status == 0 {
                self.gpu(handle)
            } else {
                NvmlGpu { status, ..NvmlGpu::default() }
            });
        }
    }

    fn gpu(&self, gpu: Handle) -> NvmlGpu {
        let memory = self.memory(gpu);
        // What is lost answers to nothing; a GPU that is lost may still have a handle.
        let status = match memory {
            NvmlValue::Status { status } if matches!(status, 15 | 16) => status,
            _ => 0,
        };
        let mig = self.mig(gpu);
        let slices = if mig == NvmlValue::Value(true) { self.slices(gpu) } else { Vec::new() };
        NvmlGpu {
            status,
            uuid: Some(self.text("nvmlDeviceGetUUID", 96, gpu)),
            name: Some(self.text("nvmlDeviceGetName", 96, gpu)),
            pci: Some(self.pci(gpu)),
            memory: Some(memory),
            compute_capability: Some(self.capability(gpu)),
            pcie_generation: Some(self.pair(
                gpu,
                "nvmlDeviceGetCurrPcieLinkGeneration",
                "nvmlDeviceGetMaxPcieLinkGeneration",
            )),
            pcie_width: Some(self.pair(
                gpu,
                "nvmlDeviceGetCurrPcieLinkWidth",
                "nvmlDeviceGetMaxPcieLinkWidth",
            )),
            power_limit_mw: Some(self.number("nvmlDeviceGetEnforcedPowerLimit", gpu)),
            power_mw: Some(self.number("nvmlDeviceGetPowerUsage", gpu)),
            clock_mhz: Some(self.clocks(gpu, CLOCKS[0])),
            memory_clock_mhz: Some(self.clocks(gpu, CLOCKS[1])),
            processes: Some(self.processes(gpu)),
            mig: Some(mig),
            slices,
        }
    }

    fn slices(&self, gpu: Handle) -> Vec<NvmlSlice> {
        let most = match self.number("nvmlDeviceGetMaxMigDeviceCount", gpu) {
            NvmlValue::Value(it) => it.min(MOST),
            NvmlValue::Status { .. } => 0,
        };
        let mut slices = Vec::new();
        for index in 0..most {
            let mut slice: Handle = null_mut();
            let status = self.call(
                "nvmlDeviceGetMigDeviceHandleByIndex",
                |it: unsafe extern "C" fn(Handle, c_uint, *mut Handle) -> c_int| {
                    // SAFETY: the GPU's handle is NVML's own, and the slice's is writable.
                    unsafe { it(gpu, index, &raw mut slice) }
                },
            );
            match status {
                0 => {}
                // Numbers have gaps.
                NOT_FOUND => continue,
                _ => break,
            }
            slices.push(NvmlSlice {
                uuid: Some(self.text("nvmlDeviceGetUUID", 96, slice)),
                name: Some(self.text("nvmlDeviceGetName", 96, slice)),
                memory: Some(self.memory(slice)),
                instance: Some(self.pair(
                    slice,
                    "nvmlDeviceGetGpuInstanceId",
                    "nvmlDeviceGetComputeInstanceId",
                )),
                processes: Some(self.processes(slice)),
            });
        }
        slices
    }

    fn text(&self, name: &str, length: u32, device: Handle) -> NvmlValue<String> {
        type Ask = unsafe extern "C" fn(Handle, *mut c_char, c_uint) -> c_int;
        string(length, |text, length| {
            // SAFETY: the handle is NVML's own, and the buffer has the length that is told.
            self.call(name, |it: Ask| unsafe { it(device, text, length) })
        })
    }

    fn number(&self, name: &str, device: Handle) -> NvmlValue<u32> {
        value(0, |number| {
            self.call(name, |it: unsafe extern "C" fn(Handle, *mut c_uint) -> c_int| {
                // SAFETY: the handle is NVML's own, and the number is writable.
                unsafe { it(device, number) }
            })
        })
    }

    fn pair(&self, device: Handle, first: &str, second: &str) -> NvmlValue<[u32; 2]> {
        both(self.number(first, device), self.number(second, device))
    }

    fn clocks(&self, gpu: Handle, clock: c_int) -> NvmlValue<[u32; 2]> {
        let ask = |name: &str| {
            value(0, |number| {
                self.call(name, |it: unsafe extern "C" fn(Handle, c_int, *mut c_uint) -> c_int| {
                    // SAFETY: the handle is NVML's own, and the number is writable.
                    unsafe { it(gpu, clock, number) }
                })
            })
        };
        both(ask("nvmlDeviceGetClockInfo"), ask("nvmlDeviceGetMaxClockInfo"))
    }

    fn memory(&self, device: Handle) -> NvmlValue<[u64; 2]> {
        let answer = value(MemoryInfo::default(), |info| {
            self.call(
                "nvmlDeviceGetMemoryInfo",
                |it: unsafe extern "C" fn(Handle, *mut MemoryInfo) -> c_int| {
                    // SAFETY: the handle is NVML's own, and the structure is laid out as C's.
                    unsafe { it(device, info) }
                },
            )
        });
        match answer {
            NvmlValue::Value(it) => NvmlValue::Value([it.total, it.free]),
            NvmlValue::Status { status } => NvmlValue::Status { status },
        }
    }

    fn capability(&self, gpu: Handle) -> NvmlValue<[i32; 2]> {
        type Ask = unsafe extern "C" fn(Handle, *mut c_int, *mut c_int) -> c_int;
        value([0, 0], |numbers| {
            let first = numbers.cast::<c_int>();
            self.call("nvmlDeviceGetCudaComputeCapability", |it: Ask| {
                // SAFETY: the handle is NVML's own, and both numbers are writable.
                unsafe { it(gpu, first, first.add(1)) }
            })
        })
    }

    fn pci(&self, gpu: Handle) -> NvmlValue<String> {
        let empty = PciInfo { bus_id_legacy: [0; 16], numbers: [0; 5], bus_id: [0; 32] };
        let answer = value(empty, |info| {
            self.call(
                "nvmlDeviceGetPciInfo_v3",
                |it: unsafe extern "C" fn(Handle, *mut PciInfo) -> c_int| {
                    // SAFETY: the handle is NVML's own, and the structure is laid out as C's.
                    unsafe { it(gpu, info) }
                },
            )
        });
        match answer {
            NvmlValue::Value(it) => NvmlValue::Value(until_zero(&it.bus_id)),
            NvmlValue::Status { status } => NvmlValue::Status { status },
        }
    }

    /// How many processes compute, and draw; their list is not asked for.
    fn processes(&self, device: Handle) -> NvmlValue<[u32; 2]> {
        type Ask = unsafe extern "C" fn(Handle, *mut c_uint, *mut c_void) -> c_int;
        let count = |name: &str| {
            value(0, |count| {
                // SAFETY: the handle is NVML's own; a count of 0 allows the list to be null.
                let status = self.call(name, |it: Ask| unsafe { it(device, count, null_mut()) });
                if status == MORE_THAN_FITS { 0 } else { status }
            })
        };
        let computing = count("nvmlDeviceGetComputeRunningProcesses_v3");
        let drawing = count("nvmlDeviceGetGraphicsRunningProcesses_v3");
        match (computing, drawing) {
            // Some GPUs and all slices tell only of those that compute.
            (NvmlValue::Value(it), NvmlValue::Status { .. }) => NvmlValue::Value([it, 0]),
            (computing, drawing) => both(computing, drawing),
        }
    }

    fn mig(&self, gpu: Handle) -> NvmlValue<bool> {
        type Ask = unsafe extern "C" fn(Handle, *mut c_uint, *mut c_uint) -> c_int;
        let mut pending = 0;
        let mode = value(0, |mode| {
            self.call("nvmlDeviceGetMigMode", |it: Ask| {
                // SAFETY: the handle is NVML's own, and both numbers are writable.
                unsafe { it(gpu, mode, &raw mut pending) }
            })
        });
        match mode {
            NvmlValue::Value(mode) => NvmlValue::Value(mode == 1),
            NvmlValue::Status { status } => NvmlValue::Status { status },
        }
    }
}

fn value<T>(start: T, ask: impl FnOnce(*mut T) -> i32) -> NvmlValue<T> {
    let mut value = start;
    match ask(&raw mut value) {
        0 => NvmlValue::Value(value),
        status => NvmlValue::Status { status },
    }
}

fn string(length: u32, ask: impl FnOnce(*mut c_char, c_uint) -> i32) -> NvmlValue<String> {
    let mut text = vec![0 as c_char; length as usize + 1];
    match ask(text.as_mut_ptr(), length) {
        0 => NvmlValue::Value(until_zero(&text)),
        status => NvmlValue::Status { status },
    }
}

fn both(first: NvmlValue<u32>, second: NvmlValue<u32>) -> NvmlValue<[u32; 2]> {
    match (first, second) {
        (NvmlValue::Value(first), NvmlValue::Value(second)) => NvmlValue::Value([first, second]),
        (NvmlValue::Status { status }, _) | (_, NvmlValue::Status { status }) => {
            NvmlValue::Status { status }
        }
    }
}

/// The text of a buffer up to its zero, or all of it.
fn until_zero(buffer: &[c_char]) -> String {
    let bytes: Vec<u8> =
        buffer.iter().map(|it| it.to_ne_bytes()[0]).take_while(|it| *it != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What Metal says of the default GPU; `None` where there is no Metal.
pub(super) fn metal() -> Option<Answer<Metal>> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    Some(match ask_metal() {
        Ok(it) => Answer::Given(it),
        Err(error) => Answer::Refused { error },
    })
}

/// Sends three messages to the default `MTLDevice` (Metal, `MTLDevice.h`).
fn ask_metal() -> Result<Metal, String> {
    const METAL: &str = "/System/Library/Frameworks/Metal.framework/Metal";
    const OBJECTS: &str = "/usr/lib/libobjc.A.dylib";
    /// `MTLGPUFamilyMac2`, `MTLGPUFamilyApple7` to `10`, `MTLGPUFamilyMetal3` and `4`.
    const FAMILIES: [i64; 7] = [2002, 1007, 1008, 1009, 1010, 5001, 5002];
    type Selector = unsafe extern "C" fn(*const c_char) -> *mut c_void;
    type Number = unsafe extern "C" fn(*mut c_void, *mut c_void) -> u64;
    type Flag = unsafe extern "C" fn(*mut c_void, *mut c_void) -> bool;
    type Supports = unsafe extern "C" fn(*mut c_void, *mut c_void, i64) -> bool;
    let text = |error: libloading::Error| error.to_string();
    // SAFETY: the system's own libraries. `objc_msgSend` is called as a function of the method's
    // type, as its documentation says; the methods exist since macOS 10.15.
    unsafe {
        let metal = Library::new(METAL).map_err(text)?;
        let objects = Library::new(OBJECTS).map_err(text)?;
        let create = metal
            .get::<unsafe extern "C" fn() -> *mut c_void>("MTLCreateSystemDefaultDevice")
            .map_err(text)?;
        let selector = objects.get::<Selector>("sel_registerName").map_err(text)?;
        let number = objects.get::<Number>("objc_msgSend").map_err(text)?;
        let flag = objects.get::<Flag>("objc_msgSend").map_err(text)?;
        let supports = objects.get::<Supports>("objc_msgSend").map_err(text)?;
        let named = |name: &CStr| selector(name.as_ptr());
        let device = create();
        if device.is_null() {
            return Err("there is no default device".to_owned());
        }
        let family = named(c"supportsFamily:");
        let told = Metal {
            working_set_bytes: number(device, named(c"recommendedMaxWorkingSetSize")),
            unified: flag(device, named(c"hasUnifiedMemory")),
            families: FAMILIES.into_iter().filter(|it| supports(device, family, *it)).collect(),
        };
        // Classes of a framework stay in use until the process ends.
        std::mem::forget((metal, objects));
        Ok(told)
    }
}
