//! Texts beside images, sounds and videos, against Hugging Face's models and pipelines.

use std::fs;
use std::path::Path;

use accel_runtime::{
    Audio, AudioTextEncoder, Error, Image, ImageTextEncoder, LabelScore, Pipeline, SessionOptions,
    Tensor, Video, VideoTextEncoder, load,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::onnx_bytes::{FLOAT, INT64, copy_of, floats, graph, model, node, value};
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, float, max_abs, strings};

/// The three kinds with their own calls under common names.
trait Dual: Pipeline {
    const MODEL: &'static str;
    const TASK: &'static str;
    const FEATURES: &'static str;
    type Media;

    fn open(inputs: &Value) -> Vec<Self::Media>;
    fn text(&self, texts: &[&str], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>>;
    fn media(
        &self,
        media: &[&Self::Media],
        normalize: bool,
    ) -> accel_runtime::Result<Vec<Vec<f32>>>;
    fn features(&self, media: &[&Self::Media]) -> Tensor;
    fn labels(
        &self,
        media: &Self::Media,
        labels: &[&str],
        template: &str,
    ) -> accel_runtime::Result<Vec<LabelScore>>;
    fn labels_of_all(
        &self,
        media: &[&Self::Media],
        labels: &[&str],
        template: &str,
    ) -> Vec<Vec<LabelScore>>;
}

fn image(file: &Value, model: &str) -> Image {
    Image::open(fixture(model).join(file.as_str().unwrap())).unwrap()
}

fn video(frames: &Value) -> Video {
    let frames = frames.as_array().unwrap().iter().map(|it| image(it, "xclip"));
    Video::from_frames(frames.collect()).unwrap()
}

/// One, or the elements of a list.
fn one_or_many<T>(one: &Value, many: &Value, open: impl Fn(&Value) -> T) -> Vec<T> {
    match many.as_array() {
        Some(all) => all.iter().map(open).collect(),
        None => vec![open(one)],
    }
}

impl Dual for ImageTextEncoder {
    const MODEL: &'static str = "clip";
    const TASK: &'static str = "zero-shot-image-classification";
    const FEATURES: &'static str = "pixel_values";
    type Media = Image;

    fn open(inputs: &Value) -> Vec<Image> {
        one_or_many(&inputs["image"], &inputs["images"], |it| image(it, Self::MODEL))
    }

    fn text(&self, texts: &[&str], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_text(texts, normalize)
    }

    fn media(&self, media: &[&Image], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_image(media, normalize)
    }

    fn features(&self, media: &[&Image]) -> Tensor {
        self.pixel_values(media).unwrap()
    }

    fn labels(
        &self,
        media: &Image,
        labels: &[&str],
        template: &str,
    ) -> accel_runtime::Result<Vec<LabelScore>> {
        self.zero_shot_image_classification(media, labels, template)
    }

    fn labels_of_all(
        &self,
        media: &[&Image],
        labels: &[&str],
        template: &str,
    ) -> Vec<Vec<LabelScore>> {
        self.zero_shot_image_classification_batch(media, labels, template).unwrap()
    }
}

impl Dual for AudioTextEncoder {
    const MODEL: &'static str = "clap";
    const TASK: &'static str = "zero-shot-audio-classification";
    const FEATURES: &'static str = "input_features";
    type Media = Audio;

    fn open(inputs: &Value) -> Vec<Audio> {
        one_or_many(&inputs["audio"], &inputs["audios"], |it| {
            Audio::open(fixture(Self::MODEL).join(it.as_str().unwrap())).unwrap()
        })
    }

    fn text(&self, texts: &[&str], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_text(texts, normalize)
    }

    fn media(&self, media: &[&Audio], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_audio(media, normalize)
    }

    fn features(&self, media: &[&Audio]) -> Tensor {
        self.input_features(media).unwrap()
    }

    fn labels(
        &self,
        media: &Audio,
        labels: &[&str],
        template: &str,
    ) -> accel_runtime::Result<Vec<LabelScore>> {
        self.zero_shot_audio_classification(media, labels, template)
    }

    fn labels_of_all(
        &self,
        media: &[&Audio],
        labels: &[&str],
        template: &str,
    ) -> Vec<Vec<LabelScore>> {
        self.zero_shot_audio_classification_batch(media, labels, template).unwrap()
    }
}

impl Dual for VideoTextEncoder {
    const MODEL: &'static str = "xclip";
    const TASK: &'static str = "zero-shot-video-classification";
    const FEATURES: &'static str = "pixel_values";
    type Media = Video;

    fn open(inputs: &Value) -> Vec<Video> {
        one_or_many(&inputs["video"], &inputs["videos"], video)
    }

    fn text(&self, texts: &[&str], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_text(texts, normalize)
    }

    fn media(&self, media: &[&Video], normalize: bool) -> accel_runtime::Result<Vec<Vec<f32>>> {
        self.embed_video(media, normalize)
    }

    fn features(&self, media: &[&Video]) -> Tensor {
        self.pixel_values(media).unwrap()
    }

    fn labels(
        &self,
        media: &Video,
        labels: &[&str],
        template: &str,
    ) -> accel_runtime::Result<Vec<LabelScore>> {
        self.zero_shot_video_classification(media, labels, template)
    }

    fn labels_of_all(
        &self,
        media: &[&Video],
        labels: &[&str],
        template: &str,
    ) -> Vec<Vec<LabelScore>> {
        self.zero_shot_video_classification_batch(media, labels, template).unwrap()
    }
}

fn loaded<D: Dual>(max_batch: u32) -> D {
    let options = SessionOptions { max_batch, ..OPTIONS };
    load(&SPEC, &fixture(D::MODEL).into(), &options).unwrap()
}

fn assert_labels(what: &str, got: &[LabelScore], case: &Value, tolerance: f32) {
    let want = case["expected"].as_array().unwrap();
    assert_eq!(got.len(), want.len(), "{what}");
    for (LabelScore { label, score }, want) in got.iter().zip(want) {
        assert_eq!(label, want["label"].as_str().unwrap(), "{what}");
        let difference = (score - float(&want["score"])).abs();
        assert!(difference <= tolerance, "{what}, {label}: {difference:e}");
    }
}

fn features_labels_and_scores<D: Dual>() {
    let (skill, reference) = (loaded::<D>(32), Reference::open(D::MODEL));
    let one_by_one: D = loaded(1);
    for case in reference.tasks(D::TASK) {
        let name = case["case"].as_str().unwrap();
        let media = D::open(&case["inputs"]);
        let got = skill.features(&[&media[0]]);
        let want = reference.tensor(case["tensor"].as_str().unwrap());
        assert_eq!(got.shape(), want.shape(), "{name}");
        let tolerance = float(&case["tolerance"][D::FEATURES]);
        assert_close(name, got.as_f32().unwrap(), want.as_f32().unwrap(), tolerance);

        let labels = strings(&case["inputs"]["labels"]);
        let template = case["inputs"]["template"].as_str().unwrap();
        let tolerance = float(&case["tolerance"]["score"]);
        for skill in [&skill, &one_by_one] {
            let got = skill.labels(&media[0], &labels, template).unwrap();
            assert_labels(name, &got, case, tolerance);
        }
    }
}

fn vectors<D: Dual>() {
    let (skill, reference) = (loaded::<D>(32), Reference::open(D::MODEL));
    let two_by_two: D = loaded(2);
    for case in reference.tasks("feature-extraction") {
        let normalize = case["parameters"]["normalize"].as_bool().unwrap();
        let want = reference.tensor(case["tensor"].as_str().unwrap());
        for skill in [&skill, &two_by_two] {
            let got = embedded(skill, case, normalize).unwrap();
            assert_eq!(got.len(), want.shape()[0]);
            let largest = max_abs(want.as_f32().unwrap(), &vec![0.0; got.concat().len()]);
            let what = case["case"].as_str().unwrap();
            let tolerance = 1e-5 * largest.max(1.0);
            assert_close(what, &got.concat(), want.as_f32().unwrap(), tolerance);
        }
    }
}

fn embedded<D: Dual>(
    skill: &D,
    case: &Value,
    normalize: bool,
) -> accel_runtime::Result<Vec<Vec<f32>>> {
    if case["inputs"]["texts"].is_array() {
        return skill.text(&strings(&case["inputs"]["texts"]), normalize);
    }
    let media = D::open(&case["inputs"]);
    skill.media(&media.iter().collect::<Vec<_>>(), normalize)
}

fn batches_of_media<D: Dual>() {
    let reference = Reference::open(D::MODEL);
    let cases = reference.tasks(D::TASK);
    let labels = strings(&cases[0]["inputs"]["labels"]);
    let template = cases[0]["inputs"]["template"].as_str().unwrap();
    let media: Vec<_> = cases.iter().flat_map(|it| D::open(&it["inputs"])).collect();
    let media: Vec<_> = media.iter().collect();
    assert!(media.len() > 2);
    for max_batch in [32, 2] {
        let skill: D = loaded(max_batch);
        let together = skill.labels_of_all(&media, &labels, template);
        assert_eq!(together.len(), media.len());
        for (media, together) in media.iter().zip(together) {
            for (alone, together) in
                skill.labels(media, &labels, template).unwrap().iter().zip(together)
            {
                assert_eq!(alone.label, together.label);
                assert!((alone.score - together.score).abs() < 1e-5);
            }
        }
        assert!(skill.labels_of_all(&[], &labels, template).is_empty());
        assert!(skill.text(&[], true).unwrap().is_empty());
        assert!(skill.media(&[], true).unwrap().is_empty());
    }
}

fn senseless_choices<D: Dual>() {
    let skill: D = loaded(32);
    let reference = Reference::open(D::MODEL);
    let media = &D::open(&reference.tasks(D::TASK)[0]["inputs"])[0];
    for (labels, template, wanted) in [
        (&[][..], "{}", "labels"),
        (&["a", "b", "a"], "{}", "labels"),
        (&["a", "b"], "without a place", "template"),
        (&["a", "b"], "{} and {}", "template"),
    ] {
        let error = skill.labels(media, labels, template).unwrap_err();
        assert!(
            matches!(&error, Error::InvalidArgument { argument, .. } if *argument == wanted),
            "{error}"
        );
    }
    // One label is certain, whatever it says.
    let only = skill.labels(media, &[""], "{}").unwrap();
    assert_eq!(only, [LabelScore { label: String::new(), score: 1.0 }]);
}

macro_rules! each {
    ($($kind:ident $skill:ty),+) => {
        $(mod $kind {
            use super::*;

            #[test]
            fn features_labels_and_scores_equal_hugging_face() {
                features_labels_and_scores::<$skill>();
            }

            #[test]
            fn vectors_equal_hugging_face() {
                vectors::<$skill>();
            }

            #[test]
            fn batches_give_what_singles_give() {
                batches_of_media::<$skill>();
            }

            #[test]
            fn senseless_choices_are_refused() {
                senseless_choices::<$skill>();
            }
        })+
    };
}
each!(images ImageTextEncoder, audios AudioTextEncoder, videos VideoTextEncoder);

/// A copy of a fixture without some of its graphs.
fn without(model: &str, graphs: &[&str]) -> TempDir {
    let copy = copy_of(&fixture(model));
    for graph in graphs {
        fs::remove_file(copy.path().join(format!("onnx/{graph}.onnx"))).unwrap();
    }
    copy
}

fn open<P: Pipeline>(folder: &Path) -> P {
    load(&SPEC, &folder.into(), &OPTIONS).unwrap()
}

#[test]
fn the_graph_of_both_sides_serves_all_but_vectors_of_their_own_length() {
    let copy = without("clip", &["text_model", "vision_model"]);
    let skill: ImageTextEncoder = open(copy.path());
    assert_eq!(skill.sessions().len(), 1);
    let reference = Reference::open("clip");
    for case in reference.tasks("feature-extraction") {
        let got = embedded(&skill, case, true).unwrap();
        let mut want =
            reference.tensor(case["tensor"].as_str().unwrap()).as_f32().unwrap().to_vec();
        for row in want.chunks_mut(got[0].len()) {
            let length = row.iter().map(|it| it * it).sum::<f32>().sqrt();
            for it in row {
                *it /= length;
            }
        }
        assert_close(case["case"].as_str().unwrap(), &got.concat(), &want, 1e-5);
        let error = embedded(&skill, case, false).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { argument: "normalize", .. }), "{error}");
    }
}

/// CLAP's vectors have length one in any case, so that nothing is missing there.
#[test]
fn the_graph_of_both_sides_alone_serves_all_of_clap() {
    let copy = without("clap", &["text_model", "audio_model"]);
    let skill: AudioTextEncoder = open(copy.path());
    assert_eq!(skill.sessions().len(), 1);
    let whole: AudioTextEncoder = loaded(32);
    assert_eq!(whole.sessions().len(), 3);
    let reference = Reference::open("clap");
    for case in reference.tasks("feature-extraction") {
        let want = reference.tensor(case["tensor"].as_str().unwrap());
        for normalize in [false, true] {
            let got = embedded(&skill, case, normalize).unwrap();
            let what = case["case"].as_str().unwrap();
            assert_close(what, &got.concat(), want.as_f32().unwrap(), 1e-5);
        }
    }
}

#[test]
fn graphs_of_one_side_each_serve_vectors_and_no_labels() {
    let copy = without("clip", &["model"]);
    let skill: ImageTextEncoder = open(copy.path());
    let whole: ImageTextEncoder = loaded(32);
    let black = Image::from_rgb8(1, 1, vec![0; 3]).unwrap();
    assert_eq!(skill.embed_text(&["a"], false).unwrap(), whole.embed_text(&["a"], false).unwrap());
    assert_eq!(
        skill.embed_image(&[&black], true).unwrap(),
        whole.embed_image(&[&black], true).unwrap()
    );
    let error = skill.zero_shot_image_classification(&black, &["a", "b"], "{}").unwrap_err();
    assert!(matches!(&error, Error::MissingFile { path, .. } if path.ends_with("model.onnx")));
    assert!(error.to_string().contains("`model`, which classification by labels needs"), "{error}");

    let copy = without("clip", &["model", "vision_model"]);
    let skill: ImageTextEncoder = open(copy.path());
    skill.embed_text(&["a"], true).unwrap();
    let error = skill.embed_image(&[&black], true).unwrap_err();
    assert!(
        matches!(&error, Error::MissingFile { path, .. } if path.ends_with("vision_model.onnx"))
    );

    let copy = without("clip", &["model", "vision_model", "text_model"]);
    let error = load::<ImageTextEncoder>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(matches!(&error, Error::MissingFile { path, .. } if path.ends_with("model.onnx")));
}

#[test]
fn vectors_that_depend_on_a_video_are_not_given_for_those_of_a_text() {
    let copy = without("xclip", &["text_model"]);
    let skill: VideoTextEncoder = open(copy.path());
    let error = skill.embed_text(&["a"], true).unwrap_err();
    assert!(matches!(&error, Error::MissingFile { path, .. } if path.ends_with("text_model.onnx")));
    assert!(error.to_string().contains("depend on nothing else"), "{error}");
}

/// Texts alone must not cost an image's share of the graph. Here that share fails when it runs.
#[test]
fn only_the_part_of_one_side_runs() {
    let copy = without("clip", &["text_model", "vision_model"]);
    let broken = model(&graph(
        &[
            node("Cast", &["input_ids"], &["text_embeds"])
                .message(5, &crate::onnx_bytes::integer_attribute("to", FLOAT)),
            node("MatMul", &["pixel_values", "other"], &["image_embeds"]),
        ],
        &[floats("other", &[7, 7], &[0.0; 49])],
        &[
            value("input_ids", INT64, &["texts", "tokens"]),
            value("pixel_values", FLOAT, &["images", "3", "h", "w"]),
        ],
        &[
            value("text_embeds", FLOAT, &["texts", "width"]),
            value("image_embeds", FLOAT, &["images", "width"]),
        ],
    ));
    fs::write(copy.path().join("onnx/model.onnx"), broken).unwrap();
    let skill: ImageTextEncoder = open(copy.path());
    assert_eq!(skill.embed_text(&["a", "a b"], true).unwrap().len(), 2);
    let black = Image::from_rgb8(1, 1, vec![0; 3]).unwrap();
    let error = skill.embed_image(&[&black], true).unwrap_err();
    assert!(matches!(error, Error::Run { .. }), "{error}");
    // It has no scores either.
    let error = skill.zero_shot_image_classification(&black, &["a"], "{}").unwrap_err();
    assert!(matches!(error, Error::UnknownOutput { .. }), "{error}");
}

#[test]
fn graphs_that_want_something_else_are_refused() {
    let copy = without("clip", &["model"]);
    fs::copy(fixture("bert").join("onnx/model.onnx"), copy.path().join("onnx/model.onnx")).unwrap();
    let error = load::<ImageTextEncoder>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedModel { .. }), "{error}");
    assert!(error.to_string().contains("token_type_ids"), "{error}");
}
