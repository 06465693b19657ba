//! What rten 0.27 computes without an error and wrongly, found by comparing it with ONNX Runtime
//! 1.31 operator by operator and by the ONNX project's own tests.

use rten_onnx::onnx::{AttributeProto, NodeProto};

/// A kind of node that is rewritten before rten sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// rten returns the last of equal maxima, ONNX the first, or the last on request.
    ArgMax,
    /// The same of minima.
    ArgMin,
    /// rten interpolates linearly where the graph asks for cubic.
    CubicResize,
    /// rten keeps a number's value where ONNX makes it true or false.
    CastToBool,
    /// Before operator set 13 these operators saw their input as a matrix.
    FlatSoftmax,
    /// rten gives a stack of matrices times a vector one dimension too many.
    MatMulVector,
    /// rten would keep a transposed copy of a constant for every body that multiplies by it.
    MatMulTransposed,
    /// rten's sums are off, and it pads with another value than the zero point.
    ConvInteger,
    /// rten gives infinity from 89 on, and browsers lose the digits of small results.
    Softplus,
    /// rten adds pairs of products in 16 bits on x86 processors without AVX-512 VNNI.
    MatMulInteger,
    /// rten gives the sign of zero, ONNX zero.
    Sign,
    /// rten takes the greatest or least of no truth values for true.
    ReduceTruths,
    /// rten multiplies by the scale's reciprocal, which rounds ties differently, and takes the
    /// last axis where ONNX's default is the second.
    Quantize,
    /// The same with a scale that is computed on the way.
    DynamicQuantize,
    /// rten panics when a shape has fewer sizes than the value has dimensions.
    ExpandByFewer,
    /// onnxruntime-web's WebGPU takes the shader of another `And` of the page, made for other
    /// sizes: their keys are equal, because truth values are always read in fours
    /// (`BinaryElementwise::ComputeInternal` in `binary_elementwise_ops.cc`).
    And,
    /// WGSL's cosine may be off by 2^-11, which shows in every rotated position of a decoder.
    Cos,
    /// The same of its sine.
    Sin,
    /// onnxruntime-web aborts while it compiles this for WebNN.
    GatherElements,
    /// WebNN takes the nearest pixel's centre, whatever the node asks for.
    NearestResize,
}

impl Rewritten {
    /// The operator, as messages name it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::ArgMax => "ArgMax",
            Self::ArgMin => "ArgMin",
            Self::CubicResize => "Resize (mode=cubic)",
            Self::CastToBool => "Cast (to=BOOL)",
            Self::FlatSoftmax => "Softmax (operator set below 13)",
            Self::MatMulVector => "MatMul (by a vector)",
            Self::MatMulTransposed => "MatMul (by a transposed constant)",
            Self::ConvInteger => "ConvInteger",
            Self::Softplus => "Softplus",
            Self::MatMulInteger => "MatMulInteger",
            Self::Sign => "Sign",
            Self::ReduceTruths => "ReduceMax or ReduceMin (of truth values)",
            Self::Quantize => "QuantizeLinear",
            Self::DynamicQuantize => "DynamicQuantizeLinear",
            Self::ExpandByFewer => "Expand (by fewer sizes than dimensions)",
            Self::And => "And",
            Self::Cos => "Cos",
            Self::Sin => "Sin",
            Self::GatherElements => "GatherElements",
            Self::NearestResize => "Resize (mode=nearest)",
        }
    }

    /// Whether rten itself computes it rightly, and a browser does not.
    pub(super) const fn is_for_browsers(self) -> bool {
        matches!(
            self,
            Self::And | Self::Cos | Self::Sin | Self::GatherElements | Self::NearestResize
        )
    }
}

/// An operator that is refused: as messages name it, and why.
pub(super) type Wrong = (&'static str, &'static str);

/// Why rten computes the node wrongly, if it does and there is no rewriting it.
pub(super) fn wrong(node: &NodeProto) -> Option<Wrong> {
    let padding = "rten pads at the end where the graph asks for the beginning";
    let lengths = "rten passes over the sequences' lengths";
    let lower = text(node, "auto_pad") == Some("SAME_LOWER");
    match operator(node) {
        (Domain::Onnx, "Conv" | "ConvInteger") if lower => {
            Some(("Conv (auto_pad=SAME_LOWER)", padding))
        }
        (Domain::Onnx, "ConvTranspose") if lower => {
            Some(("ConvTranspose (auto_pad=SAME_LOWER)", padding))
        }
        (Domain::Onnx, "MaxPool") if lower => Some(("MaxPool (auto_pad=SAME_LOWER)", padding)),
        (Domain::Onnx, "AveragePool") if lower => {
            Some(("AveragePool (auto_pad=SAME_LOWER)", padding))
        }
        (Domain::Onnx, "LSTM") if has_input(node, 4) => {
            Some(("LSTM (with sequence_lens)", lengths))
        }
        (Domain::Onnx, "GRU") if has_input(node, 4) => Some(("GRU (with sequence_lens)", lengths)),
        (Domain::Microsoft, "DynamicQuantizeLSTM") if has_input(node, 4) => {
            Some(("DynamicQuantizeLSTM (with sequence_lens)", lengths))
        }
        (Domain::Onnx, "ReduceMean") if integer(node, "noop_with_empty_axes") == Some(1) => Some((
            "ReduceMean (noop_with_empty_axes=1)",
            "rten takes the mean over all axes when none is given",
        )),
        (Domain::Onnx, "SequenceInsert") if has_input(node, 2) => Some((
            "SequenceInsert (with a position)",
            "rten counts a position from the end from one further on",
        )),
        (Domain::Onnx, "NonMaxSuppression") => Some((
            "NonMaxSuppression",
            "rten compares boxes of different classes and measures their overlap differently",
        )),
        _ => None,
    }
}

/// Where an operator is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    Onnx,
    Microsoft,
    Other,
}

/// The node's operator.
pub(super) fn operator(node: &NodeProto) -> (Domain, &str) {
    let domain = match node.domain.as_deref().unwrap_or_default() {
        "" | "ai.onnx" => Domain::Onnx,
        "com.microsoft" => Domain::Microsoft,
        _ => Domain::Other,
    };
    (domain, node.op_type.as_deref().unwrap_or_default())
}

/// Whether rten's products of 8-bit matrices overflow on this processor.
pub(super) fn products_overflow() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// The node's input at that place, unless it is left out.
pub(super) fn input(node: &NodeProto, index: usize) -> Option<&str> {
    node.input.get(index).map(String::as_str).filter(|it| !it.is_empty())
}

fn has_input(node: &NodeProto, index: usize) -> bool {
    input(node, index).is_some()
}

/// The node's integer attribute of that name.
pub(super) fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name)?.i
}

/// The node's floating-point attribute of that name.
pub(super) fn float(node: &NodeProto, name: &str) -> Option<f32> {
    attribute(node, name)?.f
}

/// The node's text attribute of that name.
pub(super) fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    attribute(node, name)?.s.as_deref()
}

/// The node's attribute of that name.
pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|it| it.name.as_deref() == Some(name))
}
