//! One probe, in a process of its own: a tiny graph on a platform, or a model loaded there.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use accel_core::diagnosis::{Check, Code, Component, Finding, Verdict};
use accel_core::{
    DeviceOptions, MpsOptions, OpenvinoOptions, Platform, Precision, RocmOptions, SessionOptions,
    Subfamily,
};
use accel_runtime::{
    AudioTextEncoder, Error, GraphFiles, ImageClassifier, ImageTextEncoder, ImageTextGenerator,
    ModelSource, ObjectDetector, Pipeline, Placement, Result, SkillSpec, SpeechRecognizer, Tensor,
    TensorData, TextEncoder, TextGenerator, TextToText, VideoTextEncoder, engine,
};
use serde::{Deserialize, Serialize};

use super::graph;
use super::models;
use crate::defaults::default_options;
use crate::placed;

/// What a probe gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Probed {
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// What was looked at.
    pub(super) checks: Vec<Check>,
}

impl Probed {
    /// That something is as it should be, or what is wrong.
    pub(super) fn one(
        what: &Subject<'_>,
        outcome: std::result::Result<String, Box<Finding>>,
    ) -> Self {
        match outcome {
            Ok(detail) => {
                Self { findings: Vec::new(), checks: vec![what.check(Verdict::Passed, detail)] }
            }
            Err(finding) => {
                let finding = Finding {
                    platform: finding.platform.or(Some(what.platform)),
                    model: finding.model.clone().or_else(|| what.model.map(str::to_owned)),
                    ..*finding
                };
                let detail = format!("{}: {}", finding.code, finding.message);
                Self { checks: vec![what.check(Verdict::Failed, detail)], findings: vec![finding] }
            }
        }
    }
}

/// What is probed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Where.
    pub(super) platform: Platform,
    /// The model; the tiny graph when there is none.
    pub(super) model: Option<&'a str>,
}

impl Subject<'_> {
    /// What is done, for people.
    pub(super) const fn what(&self) -> &'static str {
        if self.model.is_some() { "load the model" } else { "run a tiny graph" }
    }

    pub(super) fn check(&self, verdict: Verdict, detail: String) -> Check {
        Check {
            component: Component::Run,
            what: self.what().to_owned(),
            platform: Some(self.platform),
            model: self.model.map(str::to_owned),
            verdict,
            detail,
        }
    }
}

/// Runs the tiny graph on `platform`, or loads the model in `folder` there.
pub(super) fn probe(platform: Platform, folder: Option<&Path>) -> Probed {
    let name = folder.map(|it| it.display().to_string());
    let subject = Subject { platform, model: name.as_deref() };
    let mut notes = Vec::new();
    let outcome = match folder {
        None => run_tiny_graph(platform, &mut notes),
        Some(folder) => load_model(platform, folder),
    };
    let mut probed = Probed::one(&subject, outcome);
    probed.findings.extend(notes);
    probed
}

/// The options of a probe: this program's defaults, and nothing left behind in a cache.
fn options(platform: Platform) -> SessionOptions {
    let mut options = default_options(platform);
    match &mut options.device {
        DeviceOptions::Rocm(RocmOptions { model_cache, .. })
        | DeviceOptions::Mps(MpsOptions { model_cache, .. })
        | DeviceOptions::Openvino(OpenvinoOptions { model_cache, .. }) => *model_cache = false,
        _ => {}
    }
    options
}

/// Runs the tiny graph; what is right about it, or what is wrong, and what is worth knowing.
fn run_tiny_graph(
    platform: Platform,
    notes: &mut Vec<Finding>,
) -> std::result::Result<String, Box<Finding>> {
    let options = options(platform);
    let folder = Folder::new().map_err(|error| {
        let message = format!("a temporary folder cannot be made: {error}");
        Box::new(Finding::new(Code::Output, message))
    })?;
    let run = || -> Result<(Placement, Tensor)> {
        let file = folder.0.join("doctor.onnx");
        fs::write(&file, graph::bytes())
            .map_err(|source| Error::Io { path: file.clone(), source })?;
        let engine = engine::for_options(&options)?;
        let files = GraphFiles::read("doctor", &file)?;
        let session = engine.load(&files, platform, &options)?;
        let x = Tensor::new(vec![2, 3], graph::X.to_vec())?;
        let mut outputs = session.run(vec![(graph::INPUT, x)], &[graph::OUTPUT])?;
        Ok((session.placement().clone(), outputs.remove(0)))
    };
    let (placement, y) = run().map_err(|error| Box::new(error.finding()))?;
    compared(&y)?;
    notes.extend(placed::judge(&placement, platform, &options)?);
    Ok(format!("the answer is exact; {placement}"))
}

/// Whether the answer is the known one.
fn compared(y: &Tensor) -> std::result::Result<(), Box<Finding>> {
    let given = match y.data() {
        TensorData::F32(it) => &it[..],
        _ => &[],
    };
    if given == graph::Y {
        return Ok(());
    }
    let message = "a tiny graph with a known answer gave another one: do not trust any result";
    let finding = Finding::new(Code::WrongResult, message)
        .instead(format!("{:?}", graph::Y), format!("{given:?}"))
        .seen("graph", "max(x · W + b, 0), all small integers");
    Err(Box::new(finding))
}

fn load_model(platform: Platform, folder: &Path) -> std::result::Result<String, Box<Finding>> {
    let failed = |error: Error| Box::new(error.finding());
    let dir = accel_runtime::ModelDir::open(folder).map_err(failed)?;
    let (kind, _) = models::classified(&dir)?;
    let precision = models::precision(&dir).map_err(failed)?.unwrap_or(Precision::Fp32);
    let options = SessionOptions { precision, ..options(platform) };
    let spec = crate::models::spec("", kind, platform);
    let source = ModelSource::dir(folder);
    let placement = load(kind, &spec, &source, &options).map_err(failed)?;
    placed::judge(&placement, platform, &options)?;
    Ok(format!("{kind}, {precision}; {placement}"))
}

/// Loads the pipeline of that kind, and tells where its nodes run.
fn load(
    kind: Subfamily,
    spec: &SkillSpec,
    source: &ModelSource,
    options: &SessionOptions,
) -> Result<Placement> {
    fn of<P: Pipeline>(
        spec: &SkillSpec,
        source: &ModelSource,
        options: &SessionOptions,
    ) -> Result<Placement> {
        accel_runtime::load::<P>(spec, source, options).map(|it| it.placement())
    }
    let load = match kind {
        Subfamily::MaskedLm => of::<TextEncoder>,
        Subfamily::CausalLm => of::<TextGenerator>,
        Subfamily::Seq2seq => of::<TextToText>,
        Subfamily::ImageClassifier => of::<ImageClassifier>,
        Subfamily::ObjectDetector => of::<ObjectDetector>,
        Subfamily::SpeechRecognition => of::<SpeechRecognizer>,
        Subfamily::AudioTextEncoder => of::<AudioTextEncoder>,
        Subfamily::ImageTextEncoder => of::<ImageTextEncoder>,
        Subfamily::VisionLanguage => of::<ImageTextGenerator>,
        Subfamily::VideoTextEncoder => of::<VideoTextEncoder>,
        other => {
            return Err(Error::UnsupportedModel {
                path: source.path().to_owned(),
                reason: format!("no pipeline runs a {other}"),
                remedy: "run its bare graph with `accel run --graph`".to_owned(),
            });
        }
    };
    load(spec, source, options)
}

/// A folder for one file, gone when dropped.
struct Folder(PathBuf);

impl Folder {
    /// A folder that nobody else made: an existing one is never taken.
    fn new() -> std::io::Result<Self> {
        let mut last = None;
        for number in 0..100 {
            let path = env::temp_dir().join(format!("accel-doctor-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is a file of some hundred bytes in the system's temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use accel_core::Platform;
    use accel_core::diagnosis::{Code, Verdict};
    use accel_runtime::Tensor;

    use super::{compared, probe};
    use crate::doctor::graph;

    #[test]
    fn the_embedded_engine_gives_the_known_answer() {
        let probed = probe(Platform::Cpu, None);
        assert_eq!(probed.findings, []);
        assert_eq!(probed.checks[0].verdict, Verdict::Passed);
        assert!(probed.checks[0].detail.contains("rten"), "{probed:?}");
    }

    #[test]
    fn a_wrong_answer_is_critical() {
        let mut wrong = graph::Y.to_vec();
        wrong[7] = 1.0;
        let finding = compared(&Tensor::new(vec![2, 4], wrong).unwrap()).unwrap_err();
        assert_eq!(finding.code, Code::WrongResult);
        assert!(compared(&Tensor::new(vec![2, 4], graph::Y.to_vec()).unwrap()).is_ok());
    }
}
