//! Whether a result is the recorded one.

use accel_runtime::{DType, Tensor, TensorData};

use crate::cases::{Case, Elements, Recorded};

/// What is wrong with `found`, if something is.
///
/// Floats may differ as in onnx's own runner, by `atol` and by `rtol` of the expected value.
/// Half precision comes back widened, so that an engine may have rounded elsewhere than the
/// reference did: two units in the last place of the type are allowed (2⁻⁹ and 2⁻⁶), and numbers
/// beyond its range are infinite on one side. A Fourier transform adds up all of its input, so
/// its rounding is measured by the greatest result: a millionth of that, eight units in the last
/// place. Integers and truth values are the same.
pub(crate) fn difference(
    case: &Case,
    type_name: &str,
    expected: &Recorded,
    found: &Tensor,
) -> Option<String> {
    let declared = dtype(type_name);
    if declared != Some(found.dtype()) {
        return Some(format!("{} where {type_name} is expected", found.dtype()));
    }
    if found.shape() != expected.shape {
        return Some(format!("shape {:?} where {:?} is expected", found.shape(), expected.shape));
    }
    if case.undetermined {
        return None;
    }
    let (found_integers, found_floats) = elements(found);
    match &expected.elements {
        Elements::Integers(expected) => {
            let place = expected.iter().zip(&found_integers).position(|(a, b)| a != b)?;
            Some(format!("{} where {} is expected", found_integers[place], expected[place]))
        }
        Elements::Floats(expected) => {
            let (unit, greatest) = match type_name {
                "FLOAT16" => (2.0_f64.powi(-9), 65504.0),
                "BFLOAT16" => (2.0_f64.powi(-6), 3.389_531_389_251_535_5e38),
                _ => (0.0, f64::INFINITY),
            };
            let rtol = case.rtol.max(unit);
            let greatest_expected =
                expected.iter().fold(0.0, |greatest, it| it.abs().max(greatest));
            let is_fourier = case.operators.iter().any(|it| it == "DFT" || it == "STFT");
            let sums = if is_fourier { 1e-6 * greatest_expected } else { 0.0 };
            let atol = case.atol.max(sums);
            let same = |expected: f64, found: f64| {
                expected.is_nan() && found.is_nan()
                    || expected.total_cmp(&found).is_eq()
                    || expected.is_infinite()
                        && found.signum().total_cmp(&expected.signum()).is_eq()
                        && found.abs() > greatest
                    || (expected - found).abs() <= atol + rtol * expected.abs()
                        && expected.is_finite()
            };
            let pairs = expected.iter().zip(&found_floats);
            let (expected, found) = pairs.into_iter().find(|(a, b)| !same(**a, **b))?;
            Some(format!("{found} where {expected} is expected"))
        }
    }
}

/// The type that engines give tensors of ONNX's type in: half precision is widened, and doubles
/// are narrowed where they are taken at all.
fn dtype(type_name: &str) -> Option<DType> {
    Some(match type_name {
        "FLOAT" | "FLOAT16" | "BFLOAT16" | "DOUBLE" => DType::F32,
        "INT64" => DType::I64,
        "INT32" => DType::I32,
        "INT8" => DType::I8,
        "UINT8" => DType::U8,
        "BOOL" => DType::Bool,
        _ => return None,
    })
}

fn elements(tensor: &Tensor) -> (Vec<i128>, Vec<f64>) {
    let integers = match tensor.data() {
        TensorData::F32(it) => return (Vec::new(), it.iter().copied().map(f64::from).collect()),
        TensorData::I64(it) => it.iter().copied().map(i128::from).collect(),
        TensorData::I32(it) => it.iter().copied().map(i128::from).collect(),
        TensorData::I8(it) => it.iter().copied().map(i128::from).collect(),
        TensorData::U8(it) => it.iter().copied().map(i128::from).collect(),
        TensorData::Bool(it) => it.iter().copied().map(i128::from).collect(),
    };
    (integers, Vec::new())
}
