//! Images in, labels out, against Hugging Face's pipeline.

use accel_runtime::{Error, Image, ImageClassifier, LabelScore, Pipeline, SessionOptions, load};
use serde_json::Value;

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, float, loaded, max_abs};

fn image(case: &Value) -> Image {
    Image::open(fixture("vit").join(case["inputs"]["image"].as_str().unwrap())).unwrap()
}

fn top_k(case: &Value) -> usize {
    usize::try_from(case["parameters"]["top_k"].as_u64().unwrap()).unwrap()
}

#[test]
fn pixel_values_equal_hugging_face() {
    let skill: ImageClassifier = loaded("vit");
    let reference = Reference::open("vit");
    let mut differing = Vec::new();
    for case in reference.tasks("image-classification") {
        let Some(name) = case["tensor"].as_str() else { continue };
        let pixels = skill.pixel_values(&[&image(case)]).unwrap();
        let expected = reference.tensor(name);
        assert_eq!(pixels.shape(), expected.shape(), "{name}");
        let difference = max_abs(pixels.as_f32().unwrap(), expected.as_f32().unwrap());
        println!("{name}: max abs difference {difference:e}");
        if difference > float(&case["tolerance"]["pixel_values"]) {
            differing.push((name, difference));
        }
    }
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn labels_and_scores_equal_hugging_face() {
    let skill: ImageClassifier = loaded("vit");
    let reference = Reference::open("vit");
    for case in reference.tasks("image-classification") {
        let results = skill.image_classification(&image(case), top_k(case)).unwrap();
        let expected = case["expected"].as_array().unwrap();
        assert_eq!(results.len(), expected.len());
        for (LabelScore { label, score }, expected) in results.iter().zip(expected) {
            assert_eq!(label, expected["label"].as_str().unwrap(), "{}", case["case"]);
            let what = case["case"].as_str().unwrap();
            let tolerance = float(&case["tolerance"]["score"]);
            assert_close(what, &[*score], &[float(&expected["score"])], tolerance);
        }
    }
}

#[test]
fn a_split_batch_gives_what_singles_give() {
    let reference = Reference::open("vit");
    let images: Vec<_> = reference.tasks("image-classification").into_iter().map(image).collect();
    let images: Vec<_> = images.iter().collect();
    assert!(images.len() > 4);
    let options = SessionOptions { max_batch: 4, ..OPTIONS };
    let skill: ImageClassifier = load(&SPEC, &fixture("vit").into(), &options).unwrap();
    let together = skill.image_classification_batch(&images, 2).unwrap();
    assert_eq!(together.len(), images.len());
    for (image, batched) in images.iter().zip(together) {
        let alone = skill.image_classification(image, 2).unwrap();
        assert_eq!(alone[0].label, batched[0].label);
        assert!((alone[0].score - batched[0].score).abs() < 1e-6);
    }
    assert!(skill.image_classification_batch(&[], 2).unwrap().is_empty());
}

#[test]
fn senseless_requests_are_refused() {
    let skill: ImageClassifier = loaded("vit");
    let image = Image::from_rgb8(1, 1, vec![1, 2, 3]).unwrap();
    let error = skill.image_classification(&image, 0).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "top_k", .. }), "{error}");
    assert_eq!(skill.image_classification(&image, 1000).unwrap().len(), 5);
    let error = Image::open(fixture("vit").join("config.json")).unwrap_err();
    assert!(matches!(error, Error::Image { .. }), "{error}");
    assert!(matches!(Image::open("no such file.png"), Err(Error::Io { .. })));
}

#[test]
fn labels_that_do_not_exclude_each_other_are_scored_one_by_one() {
    let copy = copy_of(&fixture("vit"));
    let file = copy.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    config["problem_type"] = "multi_label_classification".into();
    config["id2label"].as_object_mut().unwrap().remove("4");
    std::fs::write(&file, config.to_string()).unwrap();
    let skill: ImageClassifier = load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
    let reference = Reference::open("vit");
    let image = image(reference.tasks("image-classification")[0]);
    let results = skill.image_classification(&image, 5).unwrap();
    let logits = {
        let pixels = skill.pixel_values(&[&image]).unwrap();
        let mut outputs = skill.sessions()[0].run(vec![("pixel_values", pixels)], &["logits"]);
        outputs.as_mut().unwrap().remove(0)
    };
    let mut expected: Vec<_> =
        logits.as_f32().unwrap().iter().map(|it| 1.0 / (1.0 + (-it).exp())).collect();
    expected.sort_by(|a, b| b.total_cmp(a));
    let scores: Vec<_> = results.iter().map(|it| it.score).collect();
    assert_close("multi label", &scores, &expected, 1e-6);
    // A class without a name is called by its number, as by Hugging Face.
    assert!(results.iter().any(|it| it.label == "LABEL_4"), "{results:?}");
}
