//! `DynamicQuantizeLinear` in operators that OpenVINO computes rightly.
//!
//! OpenVINO 2026.4 multiplies by a divisor's reciprocal, in `Div` as in its own quantization, so
//! that a quotient may be off in its last digit. One that lies half-way between two integers is
//! then rounded to the wrong one. Here each quotient is corrected by its remainder before it is
//! rounded. The remainder is exact since its products are of halves of the factors' digits, 12
//! bits each (T. J. Dekker, "A floating-point technique for extending the available precision",
//! 1971); whether a device fuses products with sums makes no difference to exact ones.

use super::wire::{fields, put, put_varint};
use super::{Malformed, Result};

/// The numbers of `onnx.proto`'s `TensorProto.DataType`.
const FLOAT: u64 = 1;
const UINT8: u64 = 2;

/// An operator, its inputs and its output. `x` is what is quantized, `y`, `s` and `z` are the
/// result, its scale and its zero point.
type Step = (&'static str, &'static [&'static str], &'static str);

const STEPS: &[Step] = &[
    ("ReduceMin", &["x"], "least_x"),
    ("ReduceMax", &["x"], "greatest_x"),
    ("Min", &["least_x", "0"], "least"),
    ("Max", &["greatest_x", "0"], "greatest"),
    ("Sub", &["greatest", "least"], "range"),
    ("Div", &["range", "255"], "about_s"),
    // The first 12 bits of the scale: its leading bit is the greatest power of two up to it, and
    // the unit is the last bit's value.
    ("Greater", &["powers", "about_s"], "above"),
    ("Where", &["above", "least_unit", "units"], "units_below"),
    ("ReduceMax", &["units_below"], "unit"),
    ("Where", &["above", "most_per_1", "per_1"], "per_1_below"),
    ("ReduceMin", &["per_1_below"], "units_per_1"),
    ("Mul", &["about_s", "units_per_1"], "s_in_units"),
    ("Floor", &["s_in_units"], "s_whole_units"),
    ("Mul", &["s_whole_units", "unit"], "s_head"),
    // The scale is `range / 255`, corrected by the remainder.
    ("Sub", &["about_s", "s_head"], "about_s_tail"),
    ("Mul", &["s_head", "255"], "head_of_range"),
    ("Sub", &["range", "head_of_range"], "rest_of_range"),
    ("Mul", &["about_s_tail", "255"], "tail_of_range"),
    ("Sub", &["rest_of_range", "tail_of_range"], "remainder_of_range"),
    ("Div", &["remainder_of_range", "255"], "s_correction"),
    ("Add", &["about_s", "s_correction"], "s_or_0"),
    // Any scale will do for zeros alone. ONNX Runtime takes 1.
    ("Equal", &["range", "0"], "is_flat"),
    ("Where", &["is_flat", "1", "s_or_0"], "s"),
    ("Sub", &["s", "s_head"], "s_tail"),
    ("Neg", &["least"], "below_0"),
];

/// `out`, the integer next to `in / s`.
const QUOTIENT: &[Step] = &[
    ("Div", &["in", "s"], "about"),
    // Up to 8 bits before the point and 4 after it.
    ("Mul", &["about", "16"], "about_16"),
    ("Round", &["about_16"], "head_16"),
    ("Mul", &["head_16", "1/16"], "head"),
    ("Sub", &["about", "head"], "tail"),
    ("Mul", &["head", "s_head"], "head_head"),
    ("Sub", &["in", "head_head"], "rest_1"),
    ("Mul", &["head", "s_tail"], "head_tail"),
    ("Sub", &["rest_1", "head_tail"], "rest_2"),
    ("Mul", &["tail", "s"], "tail_s"),
    ("Sub", &["rest_2", "tail_s"], "remainder"),
    ("Div", &["remainder", "s"], "correction"),
    ("Add", &["about", "correction"], "quotient"),
    ("Round", &["quotient"], "out"),
];

const RESULT: &[Step] = &[
    ("Clip", &["zero/out", "0", "255"], "zero_float"),
    ("Cast", &["zero_float"], "z"),
    ("Add", &["value/out", "zero_float"], "sum"),
    ("Clip", &["sum", "0", "255"], "clipped"),
    ("Cast", &["clipped"], "y"),
];

/// Exponents of the powers of two that a scale is compared with. Scales below are so small that
/// their products leave the range of normal numbers.
const EXPONENTS: std::ops::RangeInclusive<i32> = -100..=100;

/// Puts what computes the same in place of a `DynamicQuantizeLinear`, as nodes of the field
/// `field`; false when it is another operator.
pub(super) fn rewrite(written: &mut Vec<u8>, field: u64, node: &[u8]) -> Result<bool> {
    let Some(names) = Names::read(node)? else { return Ok(false) };
    let constants = [
        ("0", vec![0.0]),
        ("1", vec![1.0]),
        ("16", vec![16.0]),
        ("1/16", vec![0.0625]),
        ("255", vec![255.0]),
        ("powers", EXPONENTS.map(power).collect()),
        ("units", EXPONENTS.map(|it| power(it - 11)).collect()),
        ("per_1", EXPONENTS.map(|it| power(11 - it)).collect()),
        ("least_unit", vec![power(EXPONENTS.start() - 11)]),
        ("most_per_1", vec![power(11 - EXPONENTS.start())]),
    ];
    for (name, values) in constants {
        put(written, field, &constant(&names.of("", name), &values));
    }
    let mut put_all = |within: &str, steps: &[Step]| {
        for step in steps {
            put(written, field, &made(&names, within, step));
        }
    };
    put_all("", STEPS);
    put_all("zero", QUOTIENT);
    put_all("value", QUOTIENT);
    put_all("", RESULT);
    Ok(true)
}

fn power(exponent: i32) -> f32 {
    2.0_f32.powi(exponent)
}

/// Names of the values within a rewritten node.
struct Names {
    input: String,
    outputs: Vec<String>,
}

impl Names {
    /// Those of a `DynamicQuantizeLinear` of ONNX's own.
    fn read(node: &[u8]) -> Result<Option<Self>> {
        let mut read = Self { input: String::new(), outputs: Vec::new() };
        let (mut is_one, mut is_own) = (false, true);
        for field in fields(node) {
            let field = field?;
            let Some(bytes) = field.bytes else { continue };
            let text = || String::from_utf8(bytes.to_vec()).map_err(|_| Malformed);
            match field.number {
                1 => read.input = text()?,
                2 => read.outputs.push(text()?),
                4 => is_one = bytes == b"DynamicQuantizeLinear",
                7 => is_own = matches!(bytes, b"" | b"ai.onnx"),
                _ => {}
            }
        }
        let is_whole = !read.input.is_empty() && read.outputs.iter().any(|it| !it.is_empty());
        Ok((is_one && is_own && is_whole).then_some(read))
    }

    /// A value's name in the graph; that of a step of `QUOTIENT` says which quotient's it is.
    fn of(&self, within: &str, name: &str) -> String {
        let output = match name {
            "x" => return self.input.clone(),
            "in" if within == "value" => return self.input.clone(),
            "in" => return self.of("", "below_0"),
            "y" => self.outputs.first(),
            "s" => self.outputs.get(1),
            "z" => self.outputs.get(2),
            _ => None,
        };
        if let Some(name) = output.filter(|it| !it.is_empty()) {
            return name.clone();
        }
        let is_of_quotient = QUOTIENT.iter().any(|(_, _, output)| *output == name);
        let within =
            if is_of_quotient && !within.is_empty() { format!("{within}/") } else { String::new() };
        // Names are unique in a graph and the bodies within it, and outputs are names.
        let unique = self.outputs.iter().find(|it| !it.is_empty()).map_or("", String::as_str);
        format!("{unique}/accel_quantized/{within}{name}")
    }
}

/// A `NodeProto`.
fn made(names: &Names, within: &str, (operator, inputs, output): &Step) -> Vec<u8> {
    let mut node = Vec::new();
    for it in *inputs {
        put(&mut node, 1, names.of(within, it).as_bytes());
    }
    put(&mut node, 2, names.of(within, output).as_bytes());
    put(&mut node, 4, operator.as_bytes());
    let attribute = match *operator {
        "Cast" => Some(("to", UINT8)),
        "ReduceMin" | "ReduceMax" => Some(("keepdims", 0)),
        _ => None,
    };
    if let Some((name, value)) = attribute {
        let mut attribute = Vec::new();
        put(&mut attribute, 1, name.as_bytes());
        put_varint(&mut attribute, 3, value);
        // `AttributeType.INT`
        put_varint(&mut attribute, 20, 2);
        put(&mut node, 5, &attribute);
    }
    node
}

/// A `Constant` of a number, or of a row of them.
fn constant(name: &str, values: &[f32]) -> Vec<u8> {
    let mut tensor = Vec::new();
    if values.len() > 1 {
        put_varint(&mut tensor, 1, values.len() as u64);
    }
    put_varint(&mut tensor, 2, FLOAT);
    let bytes: Vec<_> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    put(&mut tensor, 9, &bytes);

    let mut attribute = Vec::new();
    put(&mut attribute, 1, b"value");
    put(&mut attribute, 5, &tensor);
    // `AttributeType.TENSOR`
    put_varint(&mut attribute, 20, 4);

    let mut node = Vec::new();
    put(&mut node, 2, name.as_bytes());
    put(&mut node, 4, b"Constant");
    put(&mut node, 5, &attribute);
    node
}
