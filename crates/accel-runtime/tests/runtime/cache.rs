//! The generation loop over every form of decoder graph, on an engine of the test's own that
//! checks what it is given.

use std::fs;
use std::sync::Arc;

use accel_runtime::engine::Engine;
use accel_runtime::{
    DType, EngineName, Error, GenerateOptions, GraphFiles, ModelSource, Placement, Platform,
    Result, Session, SessionOptions, Tensor, TensorInfo, TextGenerator, load,
};

use crate::onnx_bytes::{FLOAT, INT64, copy_of, graph, model, value};
use crate::reference::{OPTIONS, SPEC, fixture};

const VOCABULARY: usize = 384;

/// Runs nothing: its next token is a function of all tokens so far, which it keeps in the cache.
#[derive(Debug)]
struct Counting {
    poisoned: bool,
}

#[derive(Debug)]
struct CountingSession {
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
            dtype: if it.elem_type == FLOAT { DType::F32 } else { DType::I64 },
            dims: it.dims.clone().unwrap(),
        };
        Ok(Box::new(CountingSession {
            inputs: graph.onnx.inputs.iter().map(info).collect(),
            outputs: graph.onnx.outputs.iter().map(info).collect(),
            placement: Placement {
                engine: EngineName::Ort,
                engine_version: "test".to_owned(),
                device: "none".to_owned(),
                nodes: vec![],
                evidence: "a test's own engine".to_owned(),
            },
            poisoned: self.poisoned,
        }))
    }
}

/// The token after these.
fn next(tokens: &[i64]) -> usize {
    let sum: i64 = (1_i64..).zip(tokens).map(|(i, token)| i * token).sum();
    usize::try_from(sum).unwrap() % VOCABULARY
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

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "token ids are small"
    )]
    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let input = |name: &str| inputs.iter().find(|(it, _)| *it == name).map(|(_, it)| it);
        let fresh = input("input_ids").unwrap().as_i64().unwrap();
        let past = inputs.iter().find(|(name, _)| name.starts_with("past"));
        let mut tokens: Vec<_> = past.map_or_else(Vec::new, |(_, past)| {
            past.as_f32().unwrap().iter().map(|it| *it as i64).collect()
        });
        let seen = tokens.len();
        // With a cache, only the prompt comes in one piece.
        assert!(seen == 0 || fresh.len() == 1);
        tokens.extend_from_slice(fresh);
        if let Some(mask) = input("attention_mask") {
            assert_eq!(mask.as_i64().unwrap(), vec![1; tokens.len()]);
        }
        if let Some(positions) = input("position_ids") {
            let expected: Vec<_> = (0_i64..).take(tokens.len()).skip(seen).collect();
            assert_eq!(positions.as_i64().unwrap(), expected);
        }
        let mut logits = vec![0.0; fresh.len() * VOCABULARY];
        logits[(fresh.len() - 1) * VOCABULARY + next(&tokens)] = 1.0;
        if self.poisoned && seen > 0 {
            logits[fresh.len() * VOCABULARY - 1] = f32::NAN;
        }
        let cache: Vec<_> = tokens.iter().map(|it| *it as f32).collect();
        outputs
            .iter()
            .map(|name| match *name {
                "logits" => Tensor::new(vec![1, fresh.len(), VOCABULARY], logits.clone()),
                _ => Tensor::new(vec![1, 1, cache.len(), 1], cache.clone()),
            })
            .collect()
    }
}

fn generator(inputs: &[&str], outputs: &[&str], poisoned: bool) -> Result<TextGenerator> {
    let declare = |names: &[&str]| {
        let declare = |name: &&str| match *name {
            "logits" => value(name, FLOAT, &["batch", "length", "384"]),
            "attention_mask" => value(name, INT64, &["batch", "total"]),
            _ if name.contains("key") => {
                let length = if name.starts_with("past") { "past" } else { "total" };
                value(name, FLOAT, &["batch", "1", length, "1"])
            }
            _ => value(name, INT64, &["batch", "length"]),
        };
        names.iter().map(declare).collect::<Vec<_>>()
    };
    let bytes = model(&graph(&[], &[], &declare(inputs), &declare(outputs)));
    let copy = copy_of(&fixture("qwen3"));
    fs::write(copy.path().join("onnx/model.onnx"), bytes).unwrap();
    let source = ModelSource::dir(copy.path()).with_engine(Arc::new(Counting { poisoned }));
    load(&SPEC, &source, &OPTIONS)
}

fn options() -> GenerateOptions {
    GenerateOptions { max_new_tokens: 6, ..GenerateOptions::default() }
}

#[test]
fn every_form_of_graph_gives_the_same_tokens() {
    for (inputs, outputs) in [
        (
            &["input_ids", "attention_mask", "position_ids", "past_key_values.0.key"][..],
            &["logits", "present.0.key"][..],
        ),
        (
            &["input_ids", "attention_mask", "past_key_values.0.decoder.key"],
            &["logits", "present.0.decoder.key"],
        ),
        (
            &["past_key_values.1.key", "input_ids", "past_key_values.0.key"],
            &["present.0.key", "logits", "present.1.key"],
        ),
        (&["input_ids", "attention_mask"], &["logits"]),
        (&["input_ids", "position_ids"], &["logits"]),
    ] {
        let skill = generator(inputs, outputs, false).unwrap();
        let prompt = skill.tokenizer().encode("The harbour", true).unwrap();
        let mut expected = prompt.clone();
        for _ in 0..6 {
            expected.push(i64::try_from(next(&expected)).unwrap());
        }
        let generated = skill.generate("The harbour", &options()).unwrap();
        assert_eq!(generated.token_ids, expected[prompt.len()..], "{inputs:?}");
    }
}

#[test]
fn graphs_that_the_loop_cannot_serve_are_refused() {
    for (inputs, outputs) in [
        (&["input_ids", "token_type_ids"][..], &["logits"][..]),
        (&["input_ids", "encoder_hidden_states"], &["logits"]),
        (&["attention_mask"], &["logits"]),
        (&["input_ids", "past_key_values.0.key"], &["logits"]),
        (&["input_ids"], &["last_hidden_state"]),
    ] {
        let error = generator(inputs, outputs, false).unwrap_err();
        assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
    }
}

#[test]
fn a_score_that_is_no_number_ends_the_generation() {
    let inputs = ["input_ids", "past_key_values.0.key"];
    let skill = generator(&inputs, &["logits", "present.0.key"], true).unwrap();
    let error = skill.generate("The harbour", &options()).unwrap_err();
    assert!(matches!(&error, Error::NonFinite { output, .. } if output == "logits"), "{error}");
}
