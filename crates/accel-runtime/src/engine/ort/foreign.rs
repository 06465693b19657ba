//! What neither ort's nor libloading's safe interface can do.

use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ort::AsPointer;
use ort::memory::Allocator;
use ort::session::builder::SessionBuilder;
use ort::sys::OrtApiBase;
use ort::value::{DynTensor, TensorElementType};

/// The version that the library at `path` gives itself, such as `1.31.1`.
///
/// ort's own loader reads it too, but panics on a library without an answer.
#[expect(unsafe_code, reason = "a library's version is behind two of its functions")]
pub(super) fn version(path: &Path) -> Result<String, String> {
    // SAFETY: loading runs the library's own initializers, which is what loading means; its
    // header was checked before, and it is the library that the user put in place.
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: the name and the signature are those of ONNX Runtime's C interface since 1.0.
    let get_base = unsafe {
        library.get::<unsafe extern "system" fn() -> *const OrtApiBase>(b"OrtGetApiBase")
    }
    .map_err(|_| "it has no function OrtGetApiBase".to_owned())?;
    // SAFETY: the function takes nothing and gives a static table, or null.
    let base = unsafe { get_base().as_ref() }.ok_or("its OrtGetApiBase gives nothing")?;
    // SAFETY: the text is static in the library, which is still loaded here.
    let version = unsafe {
        let text = (base.GetVersionString)();
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_owned()) }
    };
    let version = version.ok_or("its version is nothing")?;
    version.into_string().map_err(|_| "its version is no text".to_owned())
}

/// Registers the provider `name` for a session, by the interface that takes options as text.
///
/// ort registers MIGraphX by a struct whose layout changed between versions of the library.
#[expect(unsafe_code, reason = "ort has this call for some providers only")]
pub(super) fn append_provider(
    builder: &mut SessionBuilder,
    name: &str,
    options: &[(&'static str, String)],
) -> ort::Result<()> {
    let text = |it: &str| CString::new(it).map_err(ort::Error::from);
    let name = text(name)?;
    let mut keys = Vec::new();
    let mut values = Vec::new();
    for (key, value) in options {
        keys.push(text(key)?);
        values.push(text(value)?);
    }
    let pointers =
        |texts: &[CString]| -> Vec<*const c_char> { texts.iter().map(|it| it.as_ptr()).collect() };
    let (key_pointers, value_pointers) = (pointers(&keys), pointers(&values));
    let append = ort::api().SessionOptionsAppendExecutionProvider;
    // SAFETY: all texts end in zero and outlive the call, which copies them; both arrays have the
    // length given; the status is taken over by the error made of it.
    unsafe {
        let status = append(
            builder.ptr_mut(),
            name.as_ptr(),
            key_pointers.as_ptr(),
            value_pointers.as_ptr(),
            keys.len(),
        );
        ort::Error::result_from_status(status)
    }
}

/// A tensor on the host of 16-bit elements of the type `kind`, given as their bits.
#[expect(unsafe_code, reason = "ort has no 16-bit floats without another crate")]
pub(super) fn tensor_of_bits(
    kind: TensorElementType,
    shape: &[usize],
    bits: &[u16],
) -> ort::Result<DynTensor> {
    let mut tensor = DynTensor::new(&Allocator::default(), kind, shape.to_vec())?;
    if tensor.shape().num_elements() != bits.len()
        || kind.byte_size(bits.len()) != Some(bits.len() * 2)
    {
        return Err(ort::Error::new("16-bit elements do not fill the tensor"));
    }
    if !bits.is_empty() {
        // SAFETY: the tensor was just made on the host with as many elements of two bytes, and
        // nobody else has it.
        unsafe {
            tensor.data_ptr_mut().cast::<u16>().copy_from_nonoverlapping(bits.as_ptr(), bits.len());
        }
    }
    Ok(tensor)
}

/// The bits of a tensor of 16-bit elements on the host.
#[expect(unsafe_code, reason = "ort has no 16-bit floats without another crate")]
pub(super) fn bits_of_tensor(tensor: &DynTensor) -> ort::Result<Vec<u16>> {
    let count = tensor.shape().num_elements();
    if tensor.data_type().byte_size(count) != Some(count * 2)
        || !tensor.memory_info().is_cpu_accessible()
    {
        return Err(ort::Error::new("no tensor of 16-bit elements on the host"));
    }
    let data = tensor.data_ptr().cast::<u16>();
    if count == 0 || data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the tensor has as many elements of two bytes, and is borrowed while they are copied.
    Ok(unsafe { std::slice::from_raw_parts(data, count) }.to_vec())
}

/// Loads `path` into the process for good, so that libraries that need it find it. Whether that
/// worked shows when they are loaded.
pub(super) fn preload(path: &Path) {
    let _ = catch_unwind(AssertUnwindSafe(|| ort::util::preload_dylib(path).is_ok()));
}
