//! Images in, labelled boxes out, against Hugging Face's post-processing.

use accel_runtime::{
    BoundingBox, DetectedObject, Error, Image, ObjectDetector, Pipeline, SessionOptions, load,
};
use serde_json::Value;

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, Reference, SPEC, fixture, float, loaded, max_abs};

fn image(case: &Value) -> Image {
    Image::open(fixture("detr").join(case["inputs"]["image"].as_str().unwrap())).unwrap()
}

fn threshold(case: &Value) -> f32 {
    float(&case["parameters"]["threshold"])
}

/// Fails when labels or their order differ, or scores or boxes are further off than recorded.
#[track_caller]
fn assert_objects(what: &str, got: &[DetectedObject], case: &Value) {
    let expected = case["expected"].as_array().unwrap();
    assert_eq!(got.len(), expected.len(), "{what}: {got:?}");
    for (object, expected) in got.iter().zip(expected) {
        assert_eq!(object.label, expected["label"].as_str().unwrap(), "{what}: {got:?}");
        let score = (object.score - float(&expected["score"])).abs();
        assert!(score <= float(&case["tolerance"]["score"]), "{what}: score off by {score}");
        for (side, value) in sides(object.bounding_box) {
            let apart = (value - float(&expected["box"][side])).abs();
            let tolerance = float(&case["tolerance"]["box"]);
            assert!(apart <= tolerance, "{what}: {side} off by {apart} (may be {tolerance})");
        }
    }
}

fn sides(of: BoundingBox) -> [(&'static str, f32); 4] {
    [("xmin", of.xmin), ("ymin", of.ymin), ("xmax", of.xmax), ("ymax", of.ymax)]
}

#[test]
fn pixel_values_and_masks_equal_hugging_face() {
    let skill: ObjectDetector = loaded("detr");
    let reference = Reference::open("detr");
    for case in reference.tasks("object-detection") {
        let Some(name) = case["tensor"].as_str() else { continue };
        let (pixels, mask) = skill.pixel_values(&[&image(case)]).unwrap();
        let expected = reference.tensor(name);
        assert_eq!(pixels.shape(), expected.shape(), "{name}");
        let difference = max_abs(pixels.as_f32().unwrap(), expected.as_f32().unwrap());
        println!("{name}: max abs difference {difference:e}");
        assert!(difference <= float(&case["tolerance"]["pixel_values"]), "{name}");
        let expected = reference.tensor(&name.replace("pixel_values", "pixel_mask"));
        assert_eq!(mask, expected, "{name}");
    }
}

#[test]
fn labels_scores_and_boxes_equal_hugging_face() {
    let skill: ObjectDetector = loaded("detr");
    let reference = Reference::open("detr");
    for case in reference.tasks("object-detection") {
        let got = skill.object_detection(&image(case), threshold(case)).unwrap();
        assert_objects(&case["case"].to_string(), &got, case);
    }
}

#[test]
fn an_image_has_the_same_objects_in_any_company() {
    let reference = Reference::open("detr");
    let cases = reference.tasks("object-detection");
    let images: Vec<_> = cases.iter().map(|it| image(it)).collect();
    // Every size twice, so that images do share runs.
    let images: Vec<_> = images.iter().chain(&images).collect();
    for max_batch in [1, 3, 32] {
        let options = SessionOptions { max_batch, ..OPTIONS };
        let skill: ObjectDetector = load(&SPEC, &fixture("detr").into(), &options).unwrap();
        let together = skill.object_detection_batch(&images, 0.0).unwrap();
        assert_eq!(together.len(), images.len());
        for ((case, first), second) in cases.iter().zip(&together).zip(&together[cases.len()..]) {
            for objects in [first, second] {
                let above = |it: &&DetectedObject| it.score > threshold(case);
                let objects: Vec<_> = objects.iter().filter(above).cloned().collect();
                assert_objects(&format!("{} of {max_batch}", case["case"]), &objects, case);
            }
        }
    }
    let skill: ObjectDetector = loaded("detr");
    assert!(skill.object_detection_batch(&[], 0.5).unwrap().is_empty());
}

/// The recorded batch of images of several sizes is padded; its mask says where.
#[test]
fn the_graph_heeds_the_mask() {
    let skill: ObjectDetector = loaded("detr");
    let reference = Reference::open("detr");
    let tensor = |name: &str| reference.tensor(&format!("graphs/model/padded_batch/{name}"));
    let run = |mask| {
        let inputs = vec![("pixel_values", tensor("in/pixel_values")), ("pixel_mask", mask)];
        skill.sessions()[0].run(inputs, &["pred_boxes"]).unwrap().remove(0)
    };
    let mask = tensor("in/pixel_mask");
    let (shape, expected) = (mask.shape().to_vec(), tensor("out/pred_boxes"));
    let got = run(mask);
    assert!(max_abs(got.as_f32().unwrap(), expected.as_f32().unwrap()) < 1e-5);
    let count = shape.iter().product();
    let all = accel_runtime::Tensor::new(shape, vec![1_i64; count]).unwrap();
    assert!(max_abs(run(all).as_f32().unwrap(), expected.as_f32().unwrap()) > 1e-3);
}

#[test]
fn scores_at_the_threshold_are_left_out() {
    let skill: ObjectDetector = loaded("detr");
    let reference = Reference::open("detr");
    let image = image(reference.tasks("object-detection")[0]);
    let all = skill.object_detection(&image, 0.0).unwrap();
    assert!(all.len() > 2 && all.is_sorted_by(|a, b| a.score >= b.score));
    let kept = skill.object_detection(&image, all[1].score).unwrap();
    assert_eq!(kept.len(), all.iter().filter(|it| it.score > all[1].score).count());
    assert!(skill.object_detection(&image, 1.0).unwrap().is_empty());
}

#[test]
fn senseless_requests_are_refused() {
    let skill: ObjectDetector = loaded("detr");
    let image = Image::from_rgb8(2, 1, vec![0; 6]).unwrap();
    for threshold in [-0.01, 1.01, f32::NAN, f32::INFINITY] {
        let error = skill.object_detection(&image, threshold).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { argument: "threshold", .. }), "{error}");
    }
    // Nothing would be left of its height.
    let strip = Image::from_rgb8(3000, 1, vec![0; 9000]).unwrap();
    let error = skill.object_detection_batch(&[&image, &strip], 0.5).unwrap_err();
    assert!(matches!(error, Error::Image { .. }), "{error}");
}

#[test]
fn a_model_of_another_kind_is_told_apart() {
    let copy = copy_of(&fixture("vit"));
    let error = load::<ObjectDetector>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
    let preprocessor = fixture("detr").join("preprocessor_config.json");
    std::fs::copy(preprocessor, copy.path().join("preprocessor_config.json")).unwrap();
    let error = load::<ObjectDetector>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(error.to_string().contains("pred_boxes"), "{error}");
}
