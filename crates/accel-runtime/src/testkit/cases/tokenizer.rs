//! Tokenizers against Hugging Face's.

use crate::TextTokenizer;
use crate::testkit::{Failure, Probe, Verdict};

/// Texts become the recorded tokens, and tokens the recorded texts.
pub(super) fn check(probe: &Probe<'_>, tokenizer: &TextTokenizer) -> Verdict {
    for case in probe.recorded(&probe.reference.tokenizer, "tokenized texts")? {
        let what = format!("tokens of {:?}", case.text);
        let ids = tokenizer
            .encode(&case.text, true)
            .map_err(|error| Failure::from(error).during(&what))?;
        if ids != case.ids {
            return Err(Failure::mismatch(format!("{what}: got {ids:?}, want {:?}", case.ids)));
        }
        let text =
            tokenizer.decode(&ids, false).map_err(|error| Failure::from(error).during(&what))?;
        if text != case.decoded {
            let texts = format!("got {text:?}, want {:?}", case.decoded);
            return Err(Failure::mismatch(format!("{what}, as text again: {texts}")));
        }
    }
    Ok(())
}
