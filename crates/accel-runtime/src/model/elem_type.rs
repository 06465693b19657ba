//! The names of ONNX's types.

/// ONNX's name of a type of elements (`TensorProto.DataType`, onnx 1.23), in small letters.
pub fn elem_type_name(elem_type: u64) -> &'static str {
    const NAMES: [&str; 27] = [
        "undefined",
        "float",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "double",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
        "float8e4m3fn",
        "float8e4m3fnuz",
        "float8e5m2",
        "float8e5m2fnuz",
        "uint4",
        "int4",
        "float4e2m1",
        "float8e8m0",
        "uint2",
        "int2",
    ];
    let name = usize::try_from(elem_type).ok().and_then(|it| NAMES.get(it));
    name.copied().unwrap_or("unknown")
}
