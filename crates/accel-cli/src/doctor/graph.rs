//! A tiny graph with a known answer: `y = max(x · W + b, 0)`.
//!
//! All numbers are small integers, so that every order of sums and every precision down to 11
//! bits of mantissa gives the same answer exactly.

/// The input's and the output's name.
pub(super) const INPUT: &str = "x";
/// The output's name.
pub(super) const OUTPUT: &str = "y";

/// The input: two rows of three.
pub(super) const X: [f32; 6] = [1.0, 2.0, 3.0, -1.0, 0.0, 1.0];
/// The answer: two rows of four, worked out by hand.
pub(super) const Y: [f32; 8] = [11.0, 0.0, 3.0, 0.0, 3.0, 0.0, 1.0, 0.0];

const W: [f32; 12] = [1.0, 0.0, -1.0, 2.0, 0.0, 1.0, 2.0, -1.0, 3.0, -2.0, 0.0, 1.0];
const B: [f32; 4] = [1.0, -1.0, 0.0, -10.0];

/// ONNX's number for 32-bit floats (`TensorProto.FLOAT`).
const FLOAT: u8 = 1;

/// The graph as an ONNX file; field numbers are those of ONNX 1.16, `onnx.proto3`.
pub(super) fn bytes() -> Vec<u8> {
    let mut graph = Vec::new();
    for (operator, inputs, output) in [
        ("MatMul", ["x", "W"].as_slice(), "xW"),
        ("Add", &["xW", "b"], "sum"),
        ("Relu", &["sum"], "y"),
    ] {
        let mut node = Vec::new();
        for input in inputs {
            field(&mut node, 1, input.as_bytes());
        }
        field(&mut node, 2, output.as_bytes());
        field(&mut node, 3, operator.as_bytes());
        field(&mut node, 4, operator.as_bytes());
        field(&mut graph, 1, &node);
    }
    field(&mut graph, 2, b"doctor");
    field(&mut graph, 5, &constant("W", &[3, 4], &W));
    field(&mut graph, 5, &constant("b", &[4], &B));
    field(&mut graph, 11, &port(INPUT, &[2, 3]));
    field(&mut graph, 12, &port(OUTPUT, &[2, 4]));

    let mut operators = Vec::new();
    field(&mut operators, 1, b"");
    operators.extend([2 << 3, 17]);
    // Version 8 of the format belongs to operator set 17.
    let mut model = vec![1 << 3, 8];
    field(&mut model, 7, &graph);
    field(&mut model, 8, &operators);
    model
}

fn constant(name: &str, dims: &[u8], values: &[f32]) -> Vec<u8> {
    let mut tensor: Vec<u8> = dims.iter().flat_map(|it| [1 << 3, *it]).collect();
    tensor.extend([2 << 3, FLOAT]);
    field(&mut tensor, 8, name.as_bytes());
    let raw: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    field(&mut tensor, 9, &raw);
    tensor
}

fn port(name: &str, dims: &[u8]) -> Vec<u8> {
    let mut shape = Vec::new();
    for dim in dims {
        field(&mut shape, 1, &[1 << 3, *dim]);
    }
    let mut tensor = vec![1 << 3, FLOAT];
    field(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    field(&mut kind, 1, &tensor);
    let mut port = Vec::new();
    field(&mut port, 1, name.as_bytes());
    field(&mut port, 2, &kind);
    port
}

/// Appends a field of bytes (wire type 2).
fn field(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    to.push(number << 3 | 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        to.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    to.push(u8::try_from(length).unwrap_or(0));
    to.extend_from_slice(bytes);
}
