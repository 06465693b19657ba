//! Encoders of texts and images, sounds or videos against Hugging Face's models and pipelines.

use std::time::Instant;

use accel_core::{SessionOptions, Tolerance};

use super::agree::{self, Agreement, Scored};
use super::errors::expect;
use super::image::{same_labels, scored};
use super::measures::{median, milliseconds, positive};
use super::tasks::invalid_argument;
use super::tokenizer;
use crate::testkit::reference::{Media, VectorCase, VectorInputs, ZeroShotCase};
use crate::testkit::{Failure, Probe, Skill, Verdict};
use crate::{
    Audio, AudioTextEncoder, Error, Image, ImageTextEncoder, LabelScore, Tensor, TextTokenizer,
    Video, VideoTextEncoder,
};

/// An encoder with two sides, by what stands beside the texts.
#[derive(Clone, Copy)]
pub(super) enum DualEncoder<'a> {
    Images(&'a ImageTextEncoder),
    Audios(&'a AudioTextEncoder),
    Videos(&'a VideoTextEncoder),
}

/// Opened media.
enum Opened {
    Images(Vec<Image>),
    Audios(Vec<Audio>),
    Videos(Vec<Video>),
}

/// Runs one expression for whichever kind both the encoder and the media are.
macro_rules! matching {
    ($encoder:expr, $media:expr, |$it:ident, $of:ident|
     $image:expr, $audio:expr, $video:expr $(,)?) => {
        match ($encoder, $media) {
            (DualEncoder::Images($it), Opened::Images(media)) => {
                let $of: Vec<_> = media.iter().collect();
                Ok($image)
            }
            (DualEncoder::Audios($it), Opened::Audios(media)) => {
                let $of: Vec<_> = media.iter().collect();
                Ok($audio)
            }
            (DualEncoder::Videos($it), Opened::Videos(media)) => {
                let $of: Vec<_> = media.iter().collect();
                Ok($video)
            }
            _ => Err(Failure::resolve("the recorded media are not of the skill's kind")),
        }
    };
}

impl<'a> DualEncoder<'a> {
    pub(super) fn of(skill: &'a Skill) -> Option<Self> {
        match skill {
            Skill::ImageTextEncoder(it) => Some(Self::Images(it)),
            Skill::AudioTextEncoder(it) => Some(Self::Audios(it)),
            Skill::VideoTextEncoder(it) => Some(Self::Videos(it)),
            _ => None,
        }
    }

    const fn tokenizer(self) -> &'a TextTokenizer {
        match self {
            Self::Images(it) => it.tokenizer(),
            Self::Audios(it) => it.tokenizer(),
            Self::Videos(it) => it.tokenizer(),
        }
    }

    fn embed_text(self, texts: &[&str], normalize: bool) -> crate::Result<Vec<Vec<f32>>> {
        match self {
            Self::Images(it) => it.embed_text(texts, normalize),
            Self::Audios(it) => it.embed_text(texts, normalize),
            Self::Videos(it) => it.embed_text(texts, normalize),
        }
    }

    fn embed_media(self, media: &Opened, normalize: bool) -> Result<Vec<Vec<f32>>, Failure> {
        let vectors = matching!(
            self,
            media,
            |it, of| it.embed_image(&of, normalize),
            it.embed_audio(&of, normalize),
            it.embed_video(&of, normalize),
        );
        Ok(vectors??)
    }

    /// What preprocessing makes of media.
    fn features(self, media: &Opened) -> Result<Tensor, Failure> {
        let features = matching!(
            self,
            media,
            |it, of| it.pixel_values(&of),
            it.input_features(&of),
            it.pixel_values(&of),
        );
        Ok(features??)
    }

    fn classify(
        self,
        media: &Opened,
        labels: &[&str],
        template: &str,
    ) -> Result<Vec<Vec<LabelScore>>, Failure> {
        let labels = matching!(
            self,
            media,
            |it, of| it.zero_shot_image_classification_batch(&of, labels, template),
            it.zero_shot_audio_classification_batch(&of, labels, template),
            it.zero_shot_video_classification_batch(&of, labels, template),
        );
        Ok(labels??)
    }

    /// What the call for one gives for the first of `media`.
    fn classify_one(
        self,
        media: &Opened,
        labels: &[&str],
        template: &str,
    ) -> Result<crate::Result<Vec<LabelScore>>, Failure> {
        matching!(
            self,
            media,
            |it, of| it.zero_shot_image_classification(of[0], labels, template),
            it.zero_shot_audio_classification(of[0], labels, template),
            it.zero_shot_video_classification(of[0], labels, template),
        )
    }
}

fn open(probe: &Probe<'_>, media: &Media) -> Result<Opened, Failure> {
    let dir = &probe.reference.dir;
    let image = |file: &String| Image::open(dir.join(file));
    Ok(match media {
        Media::Images(files) => Opened::Images(files.iter().map(image).collect::<Result<_, _>>()?),
        Media::Audios(files) => Opened::Audios(
            files.iter().map(|it| Audio::open(dir.join(it))).collect::<Result<_, _>>()?,
        ),
        Media::Videos(videos) => {
            let video = |files: &Vec<String>| {
                Video::from_frames(files.iter().map(image).collect::<Result<_, _>>()?)
            };
            Opened::Videos(videos.iter().map(video).collect::<Result<_, _>>()?)
        }
    })
}

/// Vectors of texts and of media equal Hugging Face's, tokens first.
pub(super) fn embeds(probe: &Probe<'_>, encoder: DualEncoder<'_>) -> Verdict {
    tokenizer::check(probe, encoder.tokenizer())?;
    let tolerance = probe.own_tolerance()?;
    let (mut texts, mut media) = (Agreement::new(), Agreement::new());
    let cases = &probe.reference.vectors;
    let is_text = |it: &&VectorCase| matches!(it.inputs, VectorInputs::Texts(_));
    let (of_texts, of_media): (Vec<_>, Vec<_>) = cases.iter().partition(is_text);
    for case in probe.recorded(&of_texts, "vectors of texts")? {
        texts.add(&vectors(probe, encoder, case, tolerance)?);
    }
    for case in probe.recorded(&of_media, "vectors of images, sounds or videos")? {
        media.add(&vectors(probe, encoder, case, tolerance)?);
    }
    texts.record(probe, "texts");
    media.record(probe, "media");
    Ok(())
}

fn vectors(
    probe: &Probe<'_>,
    encoder: DualEncoder<'_>,
    case: &VectorCase,
    tolerance: Tolerance,
) -> Result<crate::testkit::Difference, Failure> {
    let what = format!("vectors `{}`", case.case);
    let got = embed(probe, encoder, &case.inputs, case.normalize).map_err(|it| it.during(&what))?;
    agree::tensors(&what, &got, &case.want, tolerance)
}

fn embed(
    probe: &Probe<'_>,
    encoder: DualEncoder<'_>,
    inputs: &VectorInputs,
    normalize: bool,
) -> Result<Tensor, Failure> {
    let rows = match inputs {
        VectorInputs::Texts(texts) => {
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            encoder.embed_text(&texts, normalize)?
        }
        VectorInputs::Media(media) => encoder.embed_media(&open(probe, media)?, normalize)?,
    };
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|it| it.len() != width) {
        return Err(Failure::mismatch("vectors of several lengths"));
    }
    Ok(Tensor::new(vec![rows.len(), width], rows.concat())?)
}

/// Images, sounds or videos get the features, labels and scores of Hugging Face's pipeline.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded or a file is not there.
pub fn classifies_zero_shot(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let encoder = DualEncoder::of(&skill).ok_or_else(|| {
        Failure::resolve("this case needs an encoder of texts and images, sounds or videos")
    })?;
    let max_abs = probe.own_tolerance()?.max_abs;
    let mut features = Agreement::new();
    for case in probe.recorded(&probe.reference.zero_shots, "labels chosen without training")? {
        let what = format!("labels of `{}`", case.case);
        let opened = open(probe, &case.media).map_err(|it| it.during(&what))?;
        let got = encoder.features(&opened).map_err(|it| it.during(&what))?;
        // A black image has no direction, so only the absolute bound says something.
        let bound = agree::max_abs_only(case.feature_tolerance);
        let what_features = format!("{what}, features");
        features.add(&agree::tensors(&what_features, &got, &case.features, bound)?);

        let labels: Vec<_> = case.labels.iter().map(String::as_str).collect();
        let got = encoder
            .classify_one(&opened, &labels, &case.template)?
            .map_err(|error| Failure::from(error).during(&what))?;
        same_labels(&what, &got, &case.want, max_abs, case.score_tolerance)?;
    }
    features.record(probe, "features");
    Ok(())
}

/// Batches give what their members give one by one, split or not, and so do many labels.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, encoder: DualEncoder<'_>) -> Verdict {
    batches(probe, encoder, true)?;
    let one_by_one = probe.load_with(&SessionOptions { max_batch: 1, ..probe.options })?;
    let Some(one_by_one) = DualEncoder::of(&one_by_one) else {
        return Err(Failure::resolve("a second load gave another kind of skill"));
    };
    // Its batches are run one by one already.
    batches(probe, one_by_one, false).map_err(|it| it.during("with max_batch = 1"))
}

/// Batches give what is recorded, and with `singles` what their members give alone.
fn batches(probe: &Probe<'_>, encoder: DualEncoder<'_>, singles: bool) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    let cases: Vec<_> = probe.reference.vectors.iter().filter(|it| it.inputs.len() > 1).collect();
    for case in probe.recorded(&cases, "vectors of several inputs")? {
        let together = embed(probe, encoder, &case.inputs, case.normalize)?;
        let what = format!("vectors `{}`", case.case);
        agree::tensors(&what, &together, &case.want, tolerance)?;
        let width = case.want.shape()[1];
        if !singles {
            continue;
        }
        for (row, want) in together.as_f32()?.chunks(width).enumerate() {
            let alone = embed(probe, encoder, &one_of(&case.inputs, row), case.normalize)?;
            let what = format!("{what}, row {row} alone");
            agree::floats(&what, alone.as_f32()?, want, &[width], tolerance)?;
        }
    }
    let cases = probe.recorded(&probe.reference.zero_shots, "labels chosen without training")?;
    for of_labels in cases.chunk_by(same_choice) {
        media_together(probe, encoder, of_labels, singles)?;
    }
    Ok(())
}

fn same_choice(a: &ZeroShotCase, b: &ZeroShotCase) -> bool {
    a.labels == b.labels && a.template == b.template
}

/// One batch of the media of cases with the same labels.
fn media_together(
    probe: &Probe<'_>,
    encoder: DualEncoder<'_>,
    cases: &[ZeroShotCase],
    singles: bool,
) -> Verdict {
    let max_abs = probe.own_tolerance()?.max_abs;
    let Some(first) = cases.first() else { return Ok(()) };
    let labels: Vec<_> = first.labels.iter().map(String::as_str).collect();
    let all = all_of(cases.iter().map(|it| &it.media))?;
    let together = encoder.classify(&open(probe, &all)?, &labels, &first.template)?;
    if together.len() != cases.len() {
        let counts = format!("{} results, want {}", together.len(), cases.len());
        return Err(Failure::mismatch(format!("a batch of media: {counts}")));
    }
    for (case, together) in cases.iter().zip(&together) {
        let what = format!("labels of `{}` in a batch", case.case);
        same_labels(&what, together, &case.want, max_abs, case.score_tolerance)?;
        if !singles {
            continue;
        }
        let opened = open(probe, &case.media)?;
        let alone = encoder.classify_one(&opened, &labels, &case.template)??;
        let alone: Vec<Scored> = alone.iter().map(scored).collect();
        let together: Vec<_> = together.iter().map(scored).collect();
        agree::rankings(&format!("{what}, against alone"), &together, &alone, max_abs, 0.0)?;
    }
    Ok(())
}

fn one_of(inputs: &VectorInputs, row: usize) -> VectorInputs {
    let row = row..=row;
    match inputs {
        VectorInputs::Texts(it) => VectorInputs::Texts(it[row].to_vec()),
        VectorInputs::Media(Media::Images(it)) => {
            VectorInputs::Media(Media::Images(it[row].to_vec()))
        }
        VectorInputs::Media(Media::Audios(it)) => {
            VectorInputs::Media(Media::Audios(it[row].to_vec()))
        }
        VectorInputs::Media(Media::Videos(it)) => {
            VectorInputs::Media(Media::Videos(it[row].to_vec()))
        }
    }
}

fn all_of<'a>(mut media: impl Iterator<Item = &'a Media>) -> Result<Media, Failure> {
    let first = media.next().cloned().ok_or_else(|| Failure::resolve("no media"))?;
    media.try_fold(first, |mut all, it| {
        match (&mut all, it) {
            (Media::Images(all), Media::Images(it)) | (Media::Audios(all), Media::Audios(it)) => {
                all.extend_from_slice(it);
            }
            (Media::Videos(all), Media::Videos(it)) => all.extend_from_slice(it),
            _ => return Err(Failure::resolve("media of several kinds are recorded")),
        }
        Ok(all)
    })
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, encoder: DualEncoder<'_>) -> Verdict {
    let cases = probe.recorded(&probe.reference.zero_shots, "labels chosen without training")?;
    let Some(media) = cases.first().map(|it| open(probe, &it.media)).transpose()? else {
        return Ok(());
    };
    for (what, labels, template, argument) in [
        ("no labels", &[][..], "{}", "labels"),
        ("a label twice", &["a", "b", "a"], "{}", "labels"),
        ("a template without a place for the label", &["a", "b"], "a picture", "template"),
        ("a template with a place for something else", &["a", "b"], "{} {name}", "template"),
    ] {
        let result = encoder.classify_one(&media, labels, template)?;
        expect(what, result, |it| invalid_argument(it, argument))?;
    }
    match encoder {
        DualEncoder::Images(_) => {
            let result = Image::from_bytes(b"these bytes are no image");
            expect("bytes of no image", result, |it| matches!(it, Error::Image { .. }))
        }
        DualEncoder::Audios(_) => {
            let result = Audio::from_bytes(b"these bytes are no sound");
            expect("bytes of no sound", result, |it| matches!(it, Error::Audio { .. }))
        }
        DualEncoder::Videos(_) => {
            let result = Video::from_frames(Vec::new());
            expect("a video without frames", result, |it| invalid_argument(it, "frames"))
        }
    }
}

/// How long each task takes, preprocessing included.
pub(super) fn measure(probe: &Probe<'_>, encoder: DualEncoder<'_>) -> Verdict {
    const RUNS: usize = 3;
    let timed = |name: &str, run: &dyn Fn() -> Verdict| {
        let mut latencies = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let start = Instant::now();
            run()?;
            latencies.push(milliseconds(start));
        }
        positive(probe, name, median(&mut latencies))
    };
    for case in &probe.reference.vectors {
        let name = format!("embeds.{}.latency_ms", case.case);
        timed(&name, &|| embed(probe, encoder, &case.inputs, case.normalize).map(|_| ()))?;
    }
    for case in &probe.reference.zero_shots {
        let labels: Vec<_> = case.labels.iter().map(String::as_str).collect();
        let opened = open(probe, &case.media)?;
        timed(&format!("zero_shot.{}.latency_ms", case.case), &|| {
            encoder
                .classify_one(&opened, &labels, &case.template)?
                .map(|_| ())
                .map_err(Failure::from)
        })?;
    }
    Ok(())
}
