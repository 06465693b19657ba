//! An engine that counts: its next token is a function of all tokens that a row may see, which it
//! keeps in the cache, and it fails on any input that is not what transformers would give.

use std::fs;
use std::sync::Arc;

use accel_runtime::engine::Engine;
use accel_runtime::{
    DType, EngineName, GraphFiles, ModelSource, Placement, Platform, Result, Session,
    SessionOptions, Tensor, TensorInfo,
};
use tempfile::TempDir;

use crate::onnx_bytes::{BOOL, FLOAT, INT64, copy_of, graph, model, value};
use crate::reference::fixture;

pub(crate) const VOCABULARY: usize = 384;
/// What an encoder-decoder's decoder starts with.
pub(crate) const START: i64 = 5;

/// Inputs and outputs of a graph, by name.
pub(crate) type Form<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// The token after `text`, given what an encoder made of another one.
pub(crate) fn next(text: &[i64], source: &[i64]) -> i64 {
    let sum: i64 = (1_i64..).zip(text).map(|(i, token)| i * token).sum();
    let read: i64 = (1_i64..).zip(source).map(|(i, token)| 31 * i * token).sum();
    (sum + read) % i64::try_from(VOCABULARY).unwrap()
}

/// A folder with these graphs, and an engine that counts. `poisoned` scores after the first step
/// are no numbers.
pub(crate) fn counting(forms: &[Form<'_>], poisoned: bool) -> (TempDir, ModelSource) {
    let folder = copy_of(&fixture("qwen3"));
    fs::remove_file(folder.path().join("onnx/model.onnx")).unwrap();
    for (name, inputs, outputs) in forms {
        let declare = |it: &[&str]| it.iter().map(|it| declared(it)).collect::<Vec<_>>();
        let bytes = model(&graph(&[], &[], &declare(inputs), &declare(outputs)));
        fs::write(folder.path().join(format!("onnx/{name}.onnx")), bytes).unwrap();
    }
    let generation = format!(r#"{{"decoder_start_token_id": {START}, "eos_token_id": 381}}"#);
    fs::write(folder.path().join("generation_config.json"), generation).unwrap();
    let source = ModelSource::dir(folder.path()).with_engine(Arc::new(Counting { poisoned }));
    (folder, source)
}

fn declared(name: &str) -> crate::onnx_bytes::Message {
    let cache = |length: &str| value(name, FLOAT, &["batch", "1", length, "1"]);
    match name {
        "logits" => value(name, FLOAT, &["batch", "scored", "384"]),
        "attention_mask" => value(name, INT64, &["batch", "total"]),
        "inputs_embeds" => value(name, FLOAT, &["batch", "length", "2"]),
        "encoder_hidden_states" | "last_hidden_state" => {
            value(name, FLOAT, &["batch", "encoder_length", "1"])
        }
        "encoder_attention_mask" => value(name, INT64, &["batch", "encoder_length"]),
        "cache_position" => value(name, INT64, &["length"]),
        "num_logits_to_keep" => value(name, INT64, &[]),
        "use_cache_branch" => value(name, BOOL, &["1"]),
        // As many exporters name it, and so one size for two inputs.
        _ if name.contains("encoder.") && !name.contains("decoder.") => cache("encoder_length"),
        _ if name.starts_with("past") => cache("past"),
        _ if name.starts_with("present") => cache("total"),
        _ => value(name, INT64, &["batch", "length"]),
    }
}

#[derive(Debug)]
struct Counting {
    poisoned: bool,
}

#[derive(Debug)]
struct CountingSession {
    name: String,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    placement: Placement,
    poisoned: bool,
}

impl Engine for Counting {
    fn name(&self) -> EngineName {
        EngineName::Ort
    }

    fn version(&self) -> String {
        "test".to_owned()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        _: Platform,
        _: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        let info = |it: &accel_runtime::model::ValueInfo| TensorInfo {
            name: it.name.clone(),
            dtype: match it.elem_type {
                FLOAT => DType::F32,
                BOOL => DType::Bool,
                _ => DType::I64,
            },
            dims: it.dims.clone().unwrap(),
        };
        Ok(Box::new(CountingSession {
            name: graph.name.clone(),
            inputs: graph.onnx.inputs.iter().map(info).collect(),
            outputs: graph.onnx.outputs.iter().map(info).collect(),
            placement: Placement {
                engine: EngineName::Ort,
                engine_version: "test".to_owned(),
                device: "none".to_owned(),
                software: false,
                nodes: vec![],
                host_nodes: Vec::new(),
                evidence: "a test's own engine".to_owned(),
            },
            poisoned: self.poisoned,
        }))
    }
}

/// The inputs of one run.
struct Inputs<'a>(&'a [(&'a str, Tensor)]);

impl Inputs<'_> {
    fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(it, _)| *it == name).map(|(_, it)| it)
    }

    /// Rows of the first input that `named` accepts, each of `step`-th numbers as whole ones.
    #[expect(clippy::cast_possible_truncation, reason = "token ids are small")]
    fn rows(&self, step: usize, named: impl Fn(&str) -> bool) -> Option<Vec<Vec<i64>>> {
        let (_, tensor) = self.0.iter().find(|(name, _)| named(name))?;
        let numbers: Vec<i64> = match tensor.as_i64() {
            Ok(it) => it.to_vec(),
            Err(_) => tensor.as_f32().unwrap().iter().map(|it| *it as i64).collect(),
        };
        let rows = tensor.shape()[0];
        let width = numbers.len() / rows;
        let row = |it: usize| numbers[it * width..][..width].iter().copied().step_by(step);
        Some((0..rows).map(|it| row(it).collect()).collect())
    }
}

/// Where the mask has 1.
fn seen(tokens: &[i64], mask: &[i64]) -> Vec<i64> {
    assert_eq!(tokens.len(), mask.len());
    tokens.iter().zip(mask).filter(|(_, mask)| **mask == 1).map(|(it, _)| *it).collect()
}

impl Session for CountingSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    #[expect(clippy::cast_precision_loss, reason = "token ids are small")]
    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let inputs = Inputs(&inputs);
        let floats = |rows: &[Vec<i64>], times: usize| -> Vec<f32> {
            let all = rows.iter().flatten();
            all.flat_map(|it| std::iter::repeat_n(*it as f32, times)).collect()
        };
        if let "encoder_model" | "embed_tokens" = self.name.as_str() {
            let ids = inputs.rows(1, |it| it == "input_ids").unwrap();
            let width = if self.name == "embed_tokens" { 2 } else { 1 };
            let shape = vec![ids.len(), ids[0].len(), width];
            return Ok(vec![Tensor::new(shape, floats(&ids, width))?]);
        }
        let fresh = match inputs.rows(1, |it| it == "input_ids") {
            Some(ids) => ids,
            None => inputs.rows(2, |it| it == "inputs_embeds").unwrap(),
        };
        let [rows, length] = [fresh.len(), fresh[0].len()];
        let cached =
            inputs.get("use_cache_branch").is_none_or(|it| it.data() == &vec![true].into());
        let of_text = |it: &str| it.starts_with("past") && !it.contains(".encoder.");
        let past = inputs.rows(1, of_text).filter(|_| cached);
        let past = past.unwrap_or_else(|| vec![Vec::new(); rows]);
        let before = past[0].len();
        // With a cache, only a prompt has several tokens, and only where their places are told it
        // may come in pieces.
        let told = ["attention_mask", "position_ids"].iter().all(|it| inputs.get(it).is_some());
        assert!(before == 0 || length == 1 || told && before % 128 == 0);
        let goes_on = self.inputs.iter().any(|it| it.name.starts_with("past"));
        assert!(!told || !goes_on || length <= 128);
        let text: Vec<Vec<i64>> =
            past.iter().zip(&fresh).map(|(a, b)| [&a[..], b].concat()).collect();
        let total = before + length;

        let mask = inputs.rows(1, |it| it == "attention_mask");
        let mask = mask.unwrap_or_else(|| vec![vec![1; total]; rows]);
        if let Some(positions) = inputs.rows(1, |it| it == "position_ids") {
            for (positions, mask) in positions.iter().zip(&mask) {
                let counted = (1..=total).map(|it| mask[..it].iter().sum::<i64>() - 1);
                let expected: Vec<_> = counted.map(|it| it.max(0)).skip(before).collect();
                assert_eq!(*positions, expected);
            }
        }
        if let Some(positions) = inputs.get("cache_position") {
            let expected: Vec<_> = (0_i64..).take(total).skip(before).collect();
            assert_eq!(positions.as_i64().unwrap(), expected);
        }

        let kept = inputs.rows(1, |it| it.contains(".encoder.")).filter(|_| cached);
        let source = kept.or_else(|| inputs.rows(1, |it| it == "encoder_hidden_states"));
        let source = source.unwrap_or_else(|| vec![Vec::new(); rows]);
        let source_mask = inputs.rows(1, |it| it == "encoder_attention_mask");
        let source_mask = source_mask.unwrap_or_else(|| vec![vec![1; source[0].len()]; rows]);

        let scored = match inputs.get("num_logits_to_keep") {
            Some(kept) => usize::try_from(kept.as_i64().unwrap()[0]).unwrap(),
            None => length,
        };
        let mut logits = vec![0.0; rows * scored * VOCABULARY];
        for row in 0..rows {
            let source = seen(&source[row], &source_mask[row]);
            let next = next(&seen(&text[row], &mask[row]), &source);
            let last = ((row + 1) * scored - 1) * VOCABULARY;
            logits[last + usize::try_from(next).unwrap()] = 1.0;
            if self.poisoned && before > 0 {
                logits[last + VOCABULARY - 1] = f32::NAN;
            }
        }
        outputs
            .iter()
            .map(|name| match *name {
                "logits" => Tensor::new(vec![rows, scored, VOCABULARY], logits.clone()),
                // Merged graphs give something empty for what the cache branch did not compute.
                _ if name.contains(".encoder.") && before > 0 => {
                    Tensor::new(vec![0, 1, 1, 1], Vec::<f32>::new())
                }
                _ if name.contains(".encoder.") => {
                    Tensor::new(vec![rows, 1, source[0].len(), 1], floats(&source, 1))
                }
                _ => Tensor::new(vec![rows, 1, total, 1], floats(&text, 1)),
            })
            .collect()
    }
}
