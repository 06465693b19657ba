//! Which engines compute what another refuses, measured with the ONNX project's own tests of
//! operators (`tests/operators`): an engine is named where all of them that the other refuses
//! came out right on it. Operators that are not in these lists are known of no engine.

use accel_core::Engine as EngineName;

/// Operators and the engines that compute them.
type Known = (&'static [&'static str], &'static [EngineName]);

/// What rten refuses to load, as its messages name it.
const LACKED_BY_RTEN: [Known; 3] = [
    (
        &[
            "AffineGrid",
            "AveragePool",
            "AveragePool (auto_pad=SAME_LOWER)",
            "BitwiseAnd",
            "BitwiseNot",
            "BitwiseOr",
            "BitwiseXor",
            "BlackmanWindow",
            "CenterCropPad",
            "Conv (auto_pad=SAME_LOWER)",
            "ConvTranspose",
            "GroupNormalization",
            "HammingWindow",
            "HannWindow",
            "Hardmax",
            "IsInf",
            "LRN",
            "LpPool",
            "MatMulInteger",
            "MaxPool",
            "MaxPool (auto_pad=SAME_LOWER)",
            "MeanVarianceNormalization",
            "Mish",
            "QLinearConv",
            "QLinearMatMul",
            "Selu",
            "Shrink",
            "SoftmaxCrossEntropyLoss",
            "ThresholdedRelu",
        ],
        &[EngineName::Ort, EngineName::Openvino],
    ),
    (
        &[
            "Col2Im",
            "CumProd",
            "DFT",
            "DeformConv",
            "Det",
            "Dropout",
            "GridSample",
            "LSTM (with sequence_lens)",
            "MelWeightMatrix",
            "NegativeLogLikelihoodLoss",
            "NonMaxSuppression",
            "Resize",
            "Resize (mode=cubic)",
            "STFT",
            "SequenceInsert (with a position)",
            "TensorScatter",
            "TfIdfVectorizer",
            "ai.onnx.ml.ArrayFeatureExtractor",
            "ai.onnx.ml.Binarizer",
        ],
        &[EngineName::Ort],
    ),
    (&["Compress", "ConvInteger", "DequantizeLinear", "Unique"], &[EngineName::Openvino]),
];

/// What OpenVINO does not convert or folds away, as its messages name it.
#[cfg(feature = "openvino")]
const LACKED_BY_OPENVINO: [Known; 3] = [
    (
        &["Max", "Min", "ReduceL1", "ReduceL2", "ReduceMean", "ReduceSumSquare", "Split", "Sum"],
        &[EngineName::Ort, EngineName::Rten],
    ),
    (
        &[
            "Cast",
            "CastLike",
            "CumProd",
            "DeformConv",
            "Det",
            "Dropout",
            "MelWeightMatrix",
            "SequenceConstruct",
            "SequenceInsert",
            "TensorScatter",
            "TfIdfVectorizer",
            "ai.onnx.ml.ArrayFeatureExtractor",
            "ai.onnx.ml.Binarizer",
        ],
        &[EngineName::Ort],
    ),
    (&["ReduceSum"], &[EngineName::Rten]),
];

/// Engines that compute `operator`, which rten refuses to load: ONNX's own by its name alone,
/// others with their domain before it.
pub(super) fn to_rten(operator: &str) -> Vec<EngineName> {
    known(&LACKED_BY_RTEN, operator)
}

/// Engines that compute `operator`, which OpenVINO lacks.
#[cfg(feature = "openvino")]
pub(super) fn to_openvino(operator: &str) -> Vec<EngineName> {
    known(&LACKED_BY_OPENVINO, operator)
}

fn known(lists: &[Known], operator: &str) -> Vec<EngineName> {
    let list = lists.iter().find(|(operators, _)| operators.contains(&operator));
    list.map_or_else(Vec::new, |(_, engines)| engines.to_vec())
}
