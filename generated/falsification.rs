//! Breaks things on purpose and sees the generated tests fail.
//!
//! A test that cannot fail proves nothing. Here the generated cells of the CPU run against a
//! reference, a model or an engine with one fault in it. Every test first shows that the case
//! passes without the fault, through the same copy of the files or the same wrapped engine.

// The generator has its own way to write these.
#[rustfmt::skip]
#[path = "tests/models/mod.rs"]
mod models;

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use accel_runtime as rt;
use accel_runtime::engine::{Engine, Session, for_platform};
use accel_runtime::testkit as tk;
use accel_runtime::{CaseName, Outcome, Stage, Tensor, TensorData};
use tempfile::TempDir;

const MODELS: [&str; 3] = ["bert", "vit", "qwen3"];

/// The generated cell of `model` on the CPU.
#[track_caller]
fn cell(model: &str) -> &'static tk::Cell {
    models::CELLS
        .iter()
        .find(|it| it.spec.model == model && it.spec.platform == rt::Platform::Cpu)
        .unwrap_or_else(|| panic!("no cell is generated for {model} on the CPU"))
}

fn fixture(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(cell(model).spec.model_dir)
}

#[track_caller]
fn outcome(model: &str, name: CaseName, source: rt::ModelSource) -> Outcome {
    let cell = cell(model);
    let case = cell.cases.iter().find(|it| it.name == name);
    let case = case.unwrap_or_else(|| panic!("{model} has no generated case `{name}`"));
    tk::run_case(cell, case, source).outcome
}

#[track_caller]
fn passes(model: &str, name: CaseName, source: rt::ModelSource) {
    let outcome = outcome(model, name, source);
    assert!(matches!(outcome, Outcome::Passed { .. }), "{model} {name}, untouched: {outcome:?}");
}

/// Shows that the case passes without the fault; once for each way to bring the fault in.
#[track_caller]
fn passes_once(
    way: &'static str,
    model: &'static str,
    name: CaseName,
    source: impl FnOnce() -> rt::ModelSource,
) {
    static SHOWN: Mutex<BTreeSet<(&str, &str, CaseName)>> = Mutex::new(BTreeSet::new());
    let shown = || SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !shown().contains(&(way, model, name)) {
        passes(model, name, source());
        shown().insert((way, model, name));
    }
}

#[track_caller]
fn fails(model: &str, name: CaseName, source: rt::ModelSource, at: Stage, fault: &str) {
    match outcome(model, name, source) {
        Outcome::Failed { stage, message } => {
            assert_eq!(stage, at, "{model} {name} with {fault}: {message}");
        }
        other => panic!("{model} {name} did not notice {fault}: {other:?}"),
    }
}

// ---- Faults in files ---------------------------------------------------------------------------

/// A copy of a fixture that a test may damage.
struct Copy {
    model: &'static str,
    dir: TempDir,
}

impl Copy {
    fn of(model: &'static str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        copy(&fixture(model), dir.path());
        Self { model, dir }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).expect("a file of the fixture")
    }

    fn source(&self) -> rt::ModelSource {
        rt::ModelSource::dir(self.dir.path())
    }

    #[track_caller]
    fn passes(&self, name: CaseName) {
        passes_once("copied files", self.model, name, || self.source());
    }

    /// Runs the case with `bytes` in place of `file`, and puts the file back.
    #[track_caller]
    fn fails_with(&self, file: &str, bytes: &[u8], name: CaseName, fault: &str) {
        let sound = self.read(file);
        assert_ne!(sound, bytes, "{fault} changes nothing");
        fs::write(self.path(file), bytes).expect("the copy can be written");
        fails(self.model, name, self.source(), Stage::Mismatch, fault);
        fs::write(self.path(file), sound).expect("the copy can be written");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the fixture") {
        let entry = entry.expect("an entry of the fixture");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("a folder in the copy");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file in the copy");
        }
    }
}

const TENSORS: &str = "reference.safetensors";
const JSON: &str = "reference.json";
const GRAPH: &str = "onnx/model.onnx";

/// Where the bytes of every recorded tensor of 32-bit floats lie, by name.
fn float_tensors(file: &[u8]) -> Vec<(String, Range<usize>)> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a safetensors file");
    let length = usize::try_from(u64::from_le_bytes(*length)).expect("a length");
    let header = std::str::from_utf8(&rest[..length]).expect("a header in JSON");
    let number = |text: &str| -> usize { text.trim().parse().expect("a number") };
    let mut tensors = Vec::new();
    for entry in header.split("\"data_offsets\":[").collect::<Vec<_>>().windows(2) {
        // `…"name":{"dtype":"F32","shape":[1,2],` and `0,8]},"name":{…`
        let opened = entry[0].rfind(":{").expect("an entry");
        let name = entry[0][..opened].trim_end_matches('"');
        let name = &name[name.rfind('"').expect("a name") + 1..];
        let (start, end) = entry[1]
            .split_once(']')
            .and_then(|(offsets, _)| offsets.split_once(','))
            .expect("two offsets");
        if entry[0][opened..].contains("\"F32\"") {
            tensors.push((name.to_owned(), 8 + length + number(start)..8 + length + number(end)));
        }
    }
    tensors
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
}

fn index_of(floats: &[f32], better: fn(f32, f32) -> bool) -> usize {
    (0..floats.len()).fold(0, |best, it| if better(floats[it], floats[best]) { it } else { best })
}

/// The case that compares with the recorded tensor `name`.
fn case_of(name: &str) -> CaseName {
    match name.split('/').nth(1) {
        _ if name.starts_with("graphs/") => CaseName::MatchesReference,
        Some("feature-extraction") => CaseName::Embeds,
        Some("image-classification") => CaseName::ClassifiesImages,
        Some("text-generation") => CaseName::GeneratesText,
        _ => panic!("no case compares with {name}"),
    }
}

/// One value of every recorded output, off by a thousandth.
#[track_caller]
fn a_perturbed_reference_is_noticed(model: &'static str) {
    let copy = Copy::of(model);
    let sound = copy.read(TENSORS);
    let mut noticed = Vec::new();
    for (name, place) in float_tensors(&sound) {
        // What decoders of lossy images may differ by is more than a thousandth.
        if name.contains("/in/") || name.contains("_jpg/") {
            continue;
        }
        let case = case_of(&name);
        if !noticed.contains(&case) {
            copy.passes(case);
            noticed.push(case);
        }
        let values = floats(&sound[place.clone()]);
        let largest = index_of(&values, |it, best| it.abs() > best.abs());
        let value = values[largest];
        // So that what is tested is the comparison, and not how small a number was picked.
        let tolerance = cell(model).tolerances[0].1.max_abs;
        assert!(f64::from(value).abs() * 1e-3 > tolerance, "{name} holds small numbers only");
        let mut bytes = sound.clone();
        let at = place.start + 4 * largest;
        bytes[at..at + 4].copy_from_slice(&(value * 1.001).to_le_bytes());
        copy.fails_with(TENSORS, &bytes, case, &format!("{name} off by a thousandth"));
    }
    assert!(noticed.contains(&CaseName::MatchesReference), "{noticed:?}");
}

#[test]
fn a_perturbed_reference_of_bert_is_noticed() {
    a_perturbed_reference_is_noticed("bert");
}

#[test]
fn a_perturbed_reference_of_vit_is_noticed() {
    a_perturbed_reference_is_noticed("vit");
}

#[test]
fn a_perturbed_reference_of_qwen3_is_noticed() {
    a_perturbed_reference_is_noticed("qwen3");
}

/// Changes what follows the `nth` occurrence of `key`, up to the end of the line.
fn edited(json: &str, key: &str, nth: usize, change: impl Fn(&str) -> String) -> Vec<u8> {
    let start = json.match_indices(key).nth(nth).expect("the key is recorded").0 + key.len();
    let end = start + json[start..].find('\n').expect("one value a line");
    let value = json[start..end].trim_end_matches(',');
    let rest = &json[start + value.len()..];
    format!("{}{}{rest}", &json[..start], change(value)).into_bytes()
}

#[test]
fn perturbed_scores_are_noticed() {
    let off = |text: &str| {
        let score: f64 = text.parse().expect("a score");
        assert!(score > 1e-3, "{score} is not a score");
        (score * 1.001).to_string()
    };
    for (model, case) in [("bert", CaseName::FillsMasks), ("vit", CaseName::ClassifiesImages)] {
        let copy = Copy::of(model);
        copy.passes(case);
        let json = String::from_utf8(copy.read(JSON)).expect("text");
        // The likeliest answer and the one after it.
        for nth in 0..2 {
            let bytes = edited(&json, "\"score\": ", nth, off);
            copy.fails_with(JSON, &bytes, case, "a score off by a thousandth");
        }
    }
}

type Change<'a> = &'a dyn Fn(&str) -> String;

#[test]
fn perturbed_answers_are_noticed() {
    let longer = |text: &str| format!("{}!\"", text.trim_end_matches('"'));
    let other = |text: &str| (text.trim().parse::<i64>().expect("a token") ^ 1).to_string();
    let changes: [(&'static str, CaseName, &str, Change<'_>); 7] = [
        ("bert", CaseName::FillsMasks, "\"sequence\": ", &longer),
        ("bert", CaseName::FillsMasks, "\"token\": ", &other),
        ("bert", CaseName::Embeds, "\"decoded\": ", &longer),
        ("vit", CaseName::ClassifiesImages, "\"label\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"prompt_text\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"text\": ", &longer),
        ("qwen3", CaseName::GeneratesText, "\"token_ids\": [\n", &other),
    ];
    for (model, case, key, change) in changes {
        let copy = Copy::of(model);
        copy.passes(case);
        let json = String::from_utf8(copy.read(JSON)).expect("text");
        copy.fails_with(JSON, &edited(&json, key, 0, change), case, &format!("another {key}"));
    }
}

// ---- Faults in the model -----------------------------------------------------------------------

/// A field of a protobuf message: its number, and where its content lies.
fn fields(bytes: &[u8], message: Range<usize>) -> Vec<(u64, Range<usize>)> {
    let mut fields = Vec::new();
    let mut at = message.start;
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    while at < message.end {
        let key = varint(&mut at);
        let start = at;
        match key & 7 {
            0 => _ = varint(&mut at),
            1 => at += 8,
            2 => {
                let length = usize::try_from(varint(&mut at)).expect("a length");
                fields.push((key >> 3, at..at + length));
                at += length;
                continue;
            }
            5 => at += 4,
            other => panic!("wire type {other}"),
        }
        fields.push((key >> 3, start..at));
    }
    fields
}

/// Names and places of the initializers of 32-bit floats of an ONNX file.
fn float_initializers(file: &[u8]) -> Vec<(String, Range<usize>)> {
    const GRAPH: u64 = 7;
    const INITIALIZER: u64 = 5;
    const DATA_TYPE: u64 = 2;
    const NAME: u64 = 8;
    const RAW_DATA: u64 = 9;
    let all = |message: Range<usize>, number: u64| {
        fields(file, message).into_iter().filter(move |it| it.0 == number).map(|it| it.1)
    };
    let mut found = Vec::new();
    for graph in all(0..file.len(), GRAPH) {
        for tensor in all(graph, INITIALIZER) {
            let one = |number| all(tensor.clone(), number).next();
            let (Some(data_type), Some(name), Some(raw)) =
                (one(DATA_TYPE), one(NAME), one(RAW_DATA))
            else {
                continue;
            };
            if file[data_type] == [1] {
                found.push((String::from_utf8_lossy(&file[name]).into_owned(), raw));
            }
        }
    }
    found
}

/// The largest and the smallest number of each large weight change places.
#[track_caller]
fn swapped_weights_are_noticed(model: &'static str) {
    let copy = Copy::of(model);
    copy.passes(CaseName::MatchesReference);
    let sound = copy.read(GRAPH);
    let mut swapped = 0;
    for (name, place) in float_initializers(&sound) {
        let values = floats(&sound[place.clone()]);
        let (largest, smallest) =
            (index_of(&values, |it, best| it > best), index_of(&values, |it, best| it < best));
        // Constants of the arithmetic have few numbers; rows of embeddings may go unused.
        if values.len() < 512 || name.contains("embed") {
            continue;
        }
        let mut bytes = sound.clone();
        for (to, from) in [(largest, smallest), (smallest, largest)] {
            let (to, from) = (place.start + 4 * to, place.start + 4 * from);
            bytes[to..to + 4].copy_from_slice(&sound[from..from + 4]);
        }
        let fault = format!("two numbers of `{name}` swapped");
        copy.fails_with(GRAPH, &bytes, CaseName::MatchesReference, &fault);
        swapped += 1;
    }
    assert!(swapped >= 8, "only {swapped} weights were found");
}

#[test]
fn swapped_weights_of_bert_are_noticed() {
    swapped_weights_are_noticed("bert");
}

#[test]
fn swapped_weights_of_vit_are_noticed() {
    swapped_weights_are_noticed("vit");
}

#[test]
fn swapped_weights_of_qwen3_are_noticed() {
    swapped_weights_are_noticed("qwen3");
}

// ---- Faults in the engine ----------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// The attention mask is all ones, whatever the caller says.
    IgnoresMask,
    /// Every run but the first gives what the run before it gave.
    IsOneRunLate,
    /// The first two rows of a batch change places.
    MixesRows,
    /// One number of every output is none.
    ReturnsNan,
    /// Loads whatever the memory limit says.
    IgnoresLimit,
    /// Declares an output that the graph was not recorded with.
    DeclaresMore,
    /// Nodes are on another device.
    RunsElsewhere,
    /// One node is on another device.
    RunsPartlyElsewhere,
}

/// The CPU's engine with a fault.
#[derive(Debug)]
struct Faulty {
    engine: Arc<dyn Engine>,
    fault: Fault,
}

#[derive(Debug)]
struct FaultySession {
    session: Box<dyn Session>,
    fault: Fault,
    outputs: Vec<rt::TensorInfo>,
    placement: rt::Placement,
    late: Mutex<Option<(Vec<String>, Vec<Tensor>)>>,
}

fn engine(model: &str, fault: Fault) -> rt::ModelSource {
    let engine = for_platform(rt::Platform::Cpu).expect("the CPU is always there");
    rt::ModelSource::dir(fixture(model)).with_engine(Arc::new(Faulty { engine, fault }))
}

impl Engine for Faulty {
    fn name(&self) -> rt::EngineName {
        self.engine.name()
    }

    fn version(&self) -> String {
        self.engine.version()
    }

    fn load(
        &self,
        graph: &rt::GraphFiles,
        platform: rt::Platform,
        options: &rt::SessionOptions,
    ) -> rt::Result<Box<dyn Session>> {
        let mut options = *options;
        if self.fault == Fault::IgnoresLimit {
            options.memory_limit_bytes = 0;
        }
        let session = self.engine.load(graph, platform, &options)?;
        let mut outputs = session.outputs().to_vec();
        let mut placement = session.placement().clone();
        let elsewhere = "CUDAExecutionProvider".to_owned();
        match self.fault {
            Fault::RunsElsewhere => placement.nodes = vec![(elsewhere, 100)],
            Fault::RunsPartlyElsewhere => placement.nodes.push((elsewhere, 1)),
            Fault::DeclaresMore => {
                let more = rt::TensorInfo { name: "more".to_owned(), ..outputs[0].clone() };
                outputs.push(more);
            }
            _ => {}
        }
        let late = Mutex::default();
        Ok(Box::new(FaultySession { session, fault: self.fault, outputs, placement, late }))
    }
}

impl Session for FaultySession {
    fn inputs(&self) -> &[rt::TensorInfo] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[rt::TensorInfo] {
        &self.outputs
    }

    fn placement(&self) -> &rt::Placement {
        &self.placement
    }

    fn execute(
        &self,
        mut inputs: Vec<(&str, Tensor)>,
        outputs: &[&str],
    ) -> rt::Result<Vec<Tensor>> {
        if self.fault == Fault::IgnoresMask {
            for (name, tensor) in &mut inputs {
                if *name == "attention_mask" {
                    let ones = vec![1_i64; tensor.data().len()];
                    *tensor = Tensor::new(tensor.shape().to_vec(), ones)?;
                }
            }
        }
        let results = self.session.execute(inputs, outputs)?;
        match self.fault {
            Fault::IsOneRunLate => {
                let names: Vec<_> = outputs.iter().map(|it| (*it).to_owned()).collect();
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                let previous = late.replace((names.clone(), results.clone()));
                Ok(previous.filter(|it| it.0 == names).map_or(results, |it| it.1))
            }
            Fault::MixesRows => results.into_iter().map(mix_rows).collect(),
            Fault::ReturnsNan => results.into_iter().map(with_nan).collect(),
            _ => Ok(results),
        }
    }
}

fn mix_rows(tensor: Tensor) -> rt::Result<Tensor> {
    let (shape, data) = tensor.into_parts();
    let rows = shape.first().copied().unwrap_or(1);
    let TensorData::F32(mut floats) = data else { return Tensor::new(shape, data) };
    if rows > 1 {
        let (first, rest) = floats.split_at_mut(shape[1..].iter().product());
        let row = first.len();
        first.swap_with_slice(&mut rest[..row]);
    }
    Tensor::new(shape, floats)
}

fn with_nan(tensor: Tensor) -> rt::Result<Tensor> {
    let (shape, data) = tensor.into_parts();
    let TensorData::F32(mut floats) = data else { return Tensor::new(shape, data) };
    if let Some(last) = floats.last_mut() {
        *last = f32::NAN;
    }
    Tensor::new(shape, floats)
}

/// Cases of a cell that compare results.
const COMPARE: [CaseName; 6] = [
    CaseName::MatchesReference,
    CaseName::BatchEqualsSingles,
    CaseName::DynamicShapes,
    CaseName::BadInputIsTyped,
    CaseName::ConcurrentCallersAgree,
    CaseName::SwitchingAgrees,
];

/// The cases of `model` that compare the task's own results.
fn tasks(model: &str) -> &'static [CaseName] {
    match model {
        "bert" => &[CaseName::Embeds, CaseName::FillsMasks],
        "vit" => &[CaseName::ClassifiesImages],
        _ => &[CaseName::GeneratesText],
    }
}

#[track_caller]
fn passes_on_the_wrapped_engine(model: &'static str, case: CaseName) {
    passes_once("wrapped engine", model, case, || engine(model, Fault::None));
}

#[track_caller]
fn is_noticed(model: &'static str, fault: Fault, at: Stage, cases: &[CaseName]) {
    for case in cases {
        passes_on_the_wrapped_engine(model, *case);
        fails(model, *case, engine(model, fault), at, &format!("an engine with {fault:?}"));
    }
}

#[test]
fn an_ignored_mask_is_noticed() {
    is_noticed("bert", Fault::IgnoresMask, Stage::Mismatch, &COMPARE);
    is_noticed("bert", Fault::IgnoresMask, Stage::Mismatch, &[CaseName::Embeds]);
    is_noticed("qwen3", Fault::IgnoresMask, Stage::Mismatch, &COMPARE);
}

#[test]
fn results_of_the_run_before_are_noticed() {
    for model in MODELS {
        is_noticed(model, Fault::IsOneRunLate, Stage::Mismatch, &COMPARE);
        is_noticed(model, Fault::IsOneRunLate, Stage::Mismatch, &[CaseName::Measures]);
        is_noticed(model, Fault::IsOneRunLate, Stage::Mismatch, tasks(model));
    }
}

#[test]
fn mixed_rows_are_noticed() {
    for model in MODELS {
        is_noticed(model, Fault::MixesRows, Stage::Mismatch, &COMPARE);
    }
    is_noticed("bert", Fault::MixesRows, Stage::Mismatch, &[CaseName::Embeds]);
}

#[test]
fn a_number_that_is_none_is_noticed() {
    for model in MODELS {
        is_noticed(model, Fault::ReturnsNan, Stage::Mismatch, &COMPARE);
        is_noticed(model, Fault::ReturnsNan, Stage::Mismatch, tasks(model));
    }
}

#[test]
fn an_ignored_limit_and_an_undeclared_output_are_noticed() {
    for model in MODELS {
        let cases = [CaseName::RefusesOverMemoryLimit];
        is_noticed(model, Fault::IgnoresLimit, Stage::Load, &cases);
        is_noticed(model, Fault::DeclaresMore, Stage::Load, &[CaseName::Loads]);
    }
}

#[test]
fn another_device_is_noticed_by_every_case() {
    for model in MODELS {
        for case in cell(model).cases {
            for fault in [Fault::RunsElsewhere, Fault::RunsPartlyElsewhere] {
                let fault_name = format!("an engine with {fault:?}");
                fails(model, case.name, engine(model, fault), Stage::Placement, &fault_name);
            }
        }
        passes_on_the_wrapped_engine(model, CaseName::Loads);
    }
}
