//! What a skill costs around its engine: one task from raw input to final answer, timed as a whole
//! and inside the engine.
//!
//! `cargo bench -p generated --bench skills -- MODEL DIR INPUT RUNS THREADS TOKENS` loads `MODEL`
//! (`bert`, `vit`, `llama`, `whisper`, `clip`) from `DIR`, does its task on `INPUT` (a text or the
//! path of a file) `RUNS` times and prints one JSON line. `tools/compare_speed.py` makes the inputs,
//! does the same with Python's ONNX Runtime and transformers, and prints the ratios. Without
//! arguments it runs each model's fixture once, so that it cannot rot.

#![expect(clippy::print_stdout, reason = "this program is here to print")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use accel_runtime::engine::{Engine, Feed, Keep, Kept, RtenEngine};
use accel_runtime::{
    Audio, EngineName, Error, GenerateOptions, GraphFiles, Image, ModelSource, Placement, Platform,
    Pooling, Result, Session, SessionOptions, Tensor, TensorInfo, TranscribeOptions,
};
use generated::skills;

/// The embedded engine, with a clock around every run.
#[derive(Debug)]
struct TimedEngine {
    engine: RtenEngine,
    nanoseconds: Arc<AtomicU64>,
}

impl Engine for TimedEngine {
    fn name(&self) -> EngineName {
        self.engine.name()
    }

    fn version(&self) -> String {
        self.engine.version()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        let session = self.engine.load(graph, platform, options)?;
        Ok(Box::new(TimedSession { session, nanoseconds: Arc::clone(&self.nanoseconds) }))
    }
}

#[derive(Debug)]
struct TimedSession {
    session: Box<dyn Session>,
    nanoseconds: Arc<AtomicU64>,
}

impl TimedSession {
    fn timed<T>(&self, run: impl FnOnce(&dyn Session) -> T) -> T {
        let start = Instant::now();
        let result = run(&*self.session);
        let spent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        result
    }
}

impl Session for TimedSession {
    fn inputs(&self) -> &[TensorInfo] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[TensorInfo] {
        self.session.outputs()
    }

    fn placement(&self) -> &Placement {
        self.session.placement()
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        self.timed(|it| it.execute(inputs, outputs))
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        self.timed(|it| it.execute_keeping(inputs, outputs, keep))
    }
}

/// What is asked for on the command line.
struct Job {
    model: String,
    folder: String,
    input: String,
    runs: usize,
    threads: u32,
    tokens: usize,
}

impl Job {
    /// A model's fixture, once.
    fn fixture(model: &str, input: &str) -> Self {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures");
        let input =
            if input.contains('/') { format!("{fixtures}/{input}") } else { input.to_owned() };
        let (model, folder) = (model.to_owned(), format!("{fixtures}/{model}"));
        Self { model, folder, input, runs: 1, threads: 1, tokens: 8 }
    }

    /// Loads, runs once to warm up and `runs` times on the clock, and prints the line.
    fn run(&self) -> Result<()> {
        let options = |options: SessionOptions| SessionOptions { threads: self.threads, ..options };
        let nanoseconds = Arc::new(AtomicU64::new(0));
        let engine =
            TimedEngine { engine: RtenEngine::new(), nanoseconds: Arc::clone(&nanoseconds) };
        let source = ModelSource::dir(&self.folder).with_engine(Arc::new(engine));
        let generate =
            GenerateOptions { max_new_tokens: self.tokens, ..GenerateOptions::default() };
        let start = Instant::now();
        let task: Box<dyn Fn() -> Result<String>> = match self.model.as_str() {
            "bert" => {
                use skills::bert::cpu as skill;
                let bert = skill::load_with(&source, &options(skill::OPTIONS))?;
                Box::new(move || {
                    let vectors = bert.embed(&[self.input.as_str()], Pooling::Mean, true)?;
                    Ok(format!("{:.3}", vectors[0][0]))
                })
            }
            "vit" => {
                use skills::vit::cpu as skill;
                let vit = skill::load_with(&source, &options(skill::OPTIONS))?;
                Box::new(move || {
                    let labels = vit.image_classification(&Image::open(&self.input)?, 1)?;
                    Ok(labels.into_iter().map(|it| it.label).collect())
                })
            }
            "clip" => {
                use skills::clip::cpu as skill;
                let clip = skill::load_with(&source, &options(skill::OPTIONS))?;
                Box::new(move || {
                    let vectors = clip.embed_image(&[&Image::open(&self.input)?], true)?;
                    Ok(format!("{:.3}", vectors[0][0]))
                })
            }
            "llama" => {
                use skills::llama::cpu as skill;
                let llama = skill::load_with(&source, &options(skill::OPTIONS))?;
                Box::new(move || {
                    Ok(format!("{:?}", llama.generate(&self.input, &generate)?.token_ids))
                })
            }
            "whisper" => {
                use skills::whisper::cpu as skill;
                let whisper = skill::load_with(&source, &options(skill::OPTIONS))?;
                let options = TranscribeOptions {
                    language: Some("en".to_owned()),
                    max_new_tokens: Some(self.tokens),
                    ..TranscribeOptions::default()
                };
                Box::new(move || {
                    let transcript = whisper.transcribe(&Audio::open(&self.input)?, &options)?;
                    Ok(format!("{:?}", transcript.token_ids))
                })
            }
            other => {
                return Err(Error::InvalidArgument {
                    argument: "MODEL",
                    given: other.to_owned(),
                    expected: "bert, vit, clip, llama or whisper".to_owned(),
                });
            }
        };
        let load_ms = milliseconds(start);
        let result = task()?;
        let (mut total_ms, mut engine_ms) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            nanoseconds.store(0, Ordering::Relaxed);
            let start = Instant::now();
            task()?;
            total_ms.push(milliseconds(start));
            #[expect(clippy::cast_precision_loss, reason = "a run takes no hundred days")]
            engine_ms.push(nanoseconds.load(Ordering::Relaxed) as f64 / 1e6);
        }
        println!(
            "{{\"model\": {:?}, \"result\": {result:?}, \"load_ms\": {load_ms:.3}, \
             \"total_ms\": {total_ms:.3?}, \"engine_ms\": {engine_ms:.3?}, \
             \"peak_rss_bytes\": {}}}",
            self.model,
            peak_rss_bytes().map_or_else(|| "null".to_owned(), |it| it.to_string()),
        );
        Ok(())
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The most memory that this process has held, where the system tells.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|it| it.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo adds a flag of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let jobs = match arguments.as_slice() {
        [] => vec![
            Job::fixture("bert", "The harbour is quiet."),
            Job::fixture("vit", "vit/inputs/rgb.png"),
            Job::fixture("clip", "clip/inputs/rgb.png"),
            Job::fixture("llama", "The harbour is quiet."),
            Job::fixture("whisper", "whisper/inputs/speech.wav"),
        ],
        [model, folder, input, runs, threads, tokens] => vec![Job {
            model: model.clone(),
            folder: folder.clone(),
            input: input.clone(),
            runs: runs.parse()?,
            threads: threads.parse()?,
            tokens: tokens.parse()?,
        }],
        _ => return Err("give MODEL DIR INPUT RUNS THREADS TOKENS, or nothing at all".into()),
    };
    for job in jobs {
        job.run()?;
    }
    Ok(())
}
