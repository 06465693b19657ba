//! What messages of ONNX Runtime mean, whichever build of it wrote them.

/// The operator set, when ONNX Runtime says that it is too new.
pub(super) fn unreleased(reason: &str) -> Option<u32> {
    // `Opset 28 is under development and support for this is limited.`
    let (before, _) = reason.split_once(" is under development")?;
    before.rsplit_once("Opset ")?.1.parse().ok()
}

/// Operator and node, when ONNX Runtime says that it lacks an operator.
pub(super) fn unsupported(reason: &str) -> Option<(String, String)> {
    if let Some((_, rest)) = reason.split_once("Could not find an implementation for ") {
        // `Abs(13) node with name 'n'`
        let (operator, rest) = rest.split_once(" node with name '")?;
        return Some((operator.to_owned(), rest.split('\'').next()?.to_owned()));
    }
    if let Some((before, _)) = reason.split_once(" is not a registered function/op") {
        // `Fatal error: com.example:Foo(-1)`
        let operator = before.rsplit(' ').next()?;
        return Some((operator.trim_end_matches("(-1)").to_owned(), String::new()));
    }
    if let Some((_, rest)) = reason.split_once("Provider type for ") {
        // `Provider type for Dropout node with name 'n' is not set.`
        let (operator, rest) = rest.split_once(" node with name '")?;
        return Some((operator.to_owned(), rest.split('\'').next()?.to_owned()));
    }
    for lacks in [
        "Error No Op registered for ",
        "Error No opset import for domain ",
        "Error Unrecognized attribute: ",
    ] {
        if reason.contains(lacks) {
            // `In Node, ("n", Foo, "", -1) : …`
            let (_, rest) = reason.split_once("In Node, (\"")?;
            let (node, rest) = rest.split_once("\", ")?;
            let (operator, rest) = rest.split_once(", \"")?;
            let domain = rest.split('"').next()?;
            let operator = if domain.is_empty() {
                operator.to_owned()
            } else {
                format!("{domain}:{operator}")
            };
            return Some((operator, node.to_owned()));
        }
    }
    None
}

/// Operator and node, when WebGPU says that the adapter lacks half precision.
#[cfg(feature = "browser")]
pub(super) fn needs_half(reason: &str) -> Option<(String, String)> {
    // `… while running Cast node. Name:'n' Status Message: … Program Cast requires f16 but the …`
    let (before, _) = reason.split_once(" requires f16 but the device does not support it")?;
    let (_, rest) = before.split_once(" while running ")?;
    let (operator, rest) = rest.split_once(" node. Name:'")?;
    Some((operator.to_owned(), rest.split('\'').next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{unreleased, unsupported};

    /// Messages of ONNX Runtime 1.31.1 and onnxruntime-web 1.30.
    #[test]
    fn an_operator_that_is_lacking_is_named() {
        for (reason, operator, node) in [
            ("Could not find an implementation for Abs(13) node with name 'n'", "Abs(13)", "n"),
            (
                "Fatal error: com.example:Foo(-1) is not a registered function/op",
                "com.example:Foo",
                "",
            ),
            (
                "This is an invalid model. In Node, (\"n\", Foo, \"\", -1) : (\"x\": \
                 tensor(float),) -> (\"y\": tensor(float),) , Error No Op registered for Foo with \
                 domain_version of 17",
                "Foo",
                "n",
            ),
            (
                "This is an invalid model. In Node, (\"n\", Foo, \"com.example\", -1) : (\"x\": \
                 tensor(float),) -> (\"y\": tensor(float),) , Error No opset import for domain \
                 'com.example'",
                "com.example:Foo",
                "n",
            ),
            (
                "transformer_memcpy.cc:254 bool onnxruntime::TransformerMemcpyImpl::\
                 IsNodeCompatibleWithProvider(const onnxruntime::Node &) const \
                 !node_provider_type.empty() was false. Provider type for Dropout node with name \
                 'n' is not set.",
                "Dropout",
                "n",
            ),
        ] {
            assert_eq!(unsupported(reason), Some((operator.to_owned(), node.to_owned())));
        }
        let other = "Load model from x.onnx failed:Protobuf parsing failed.";
        assert_eq!(unsupported(other), None);
        assert_eq!(unreleased(other), None);
        let young = "stamped with official released onnx opset versions. Opset 28 is under \
                     development and support for this is limited.";
        assert_eq!(unreleased(young), Some(28));
    }

    #[test]
    #[cfg(feature = "browser")]
    fn half_precision_that_an_adapter_lacks_is_told_from_other_errors() {
        let said = "failed to call OrtRun(). ERROR_CODE: 1, ERROR_MESSAGE: Non-zero status code \
                    returned while running Cast node. Name:'n' Status Message: \
                    shader_helper.cc:416 GenerateSourceCode Program Cast requires f16 but the \
                    device does not support it.";
        assert_eq!(super::needs_half(said), Some(("Cast".to_owned(), "n".to_owned())));
        assert_eq!(super::needs_half("Program Cast does not compile"), None);
    }
}
