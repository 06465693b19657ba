//! Why nothing could be said of a model.

/// Why a model's needs cannot be estimated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EstimateError {
    /// The config names no kind of model.
    #[error(
        "config.json has no `model_type`; give the model's folder, so that its weights' headers \
         are counted"
    )]
    NoModelType,
    /// No rules for this kind of model.
    #[error(
        "no rules count the parameters of `{model_type}`{}; give the model's folder, so that the \
         headers of its safetensors or ONNX files are counted. Rules exist for {}",
        hint(.nearest.as_deref()), .supported.join(", ")
    )]
    UnknownModelType {
        /// `model_type` of the config.
        model_type: String,
        /// A known name that is spelt alike.
        nearest: Option<String>,
        /// Those that rules exist for.
        supported: Vec<&'static str>,
    },
    /// No rules for this class of a known kind of model.
    #[error(
        "no rules count the parameters of `{architecture}` (model type `{model_type}`); remove \
         `architectures` from config.json to count the model without a head, or give the model's \
         folder, so that its weights' headers are counted"
    )]
    UnknownArchitecture {
        /// The first entry of `architectures`.
        architecture: String,
        /// `model_type` of the config.
        model_type: String,
    },
    /// A key is there with a value that it cannot have.
    #[error("config.json: `{key}` is {found}, expected {expected}")]
    Malformed {
        /// The key, with dots between where nested.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that has no default is absent.
    #[error("config.json has no `{key}`, which model type `{model_type}` needs")]
    Missing {
        /// The key, with dots between where nested.
        key: String,
        /// The model type that has no default for it.
        model_type: String,
    },
    /// The numbers describe nothing that could exist.
    #[error("config.json describes a model beyond all bounds: {reason}")]
    Absurd {
        /// Which number, and its bound.
        reason: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default()
}
