//! Wrong use, broken input, hostile input: told in words, with an exit code, and never a panic.

use std::fs;

use crate::support::{accel, fed, finish, fixtures, run};

#[test]
fn wrong_words_get_the_right_ones() {
    for (arguments, says) in [
        (&["run", "bert", "x", "--task", "fil-mask"][..], "did you mean `fill-mask`?"),
        (&["run", "brt", "x"], "did you mean `bert`?"),
        (&["run", "bert", "x", "--platform", "openvno"], "did you mean `openvino`?"),
        (&["run", "bert", "x", "--precision", "fp17"], "did you mean `fp16`?"),
        (&["run", "bert", "x", "--option", "thread=1"], "did you mean `threads`?"),
        (&["run", "bert", "x", "--option", "threads=NaN"], "expected an integer"),
        (&["run", "bert", "x", "--option", "threads"], "write a key and a value"),
        (&["run", "bert", "x", "--task", "object-detection"], "does feature-extraction, fill-mask"),
        (&["run", "bert", "x", "--label", "a"], "--label is for zero-shot"),
        (&["run", "detr", "x.png", "--threshold", "NaN"], "a number from 0 to 1"),
        (&["run", "vit", "x.png", "--top-k", "0"], "0 is not in 1.."),
        (&["run", "bert", "x", "--precision", "q4"], "q4"),
        (&["run", "bert", "no mask", "--task", "fill-mask"], "[MASK]"),
        (&["run", "fixtures/vit/config.json", "x"], "is a file; give the model's folder"),
        (&["run", "crates", "x"], "config.json"),
        (&["run", "bert", "x", "--models", "/nowhere"], "holds none"),
        (&["run", "bert"], "give a text"),
        (&["run", "vit"], "give an image"),
        (&["run", "whisper", "fixtures/vit/inputs/rgb.png"], "not sound that can be read"),
        (&["run", "vit", "README.md"], "is not an image that can be read"),
        (&["run", "vit", "fixtures"], "is a folder"),
        (&["run", "vit", "absent.png"], "absent.png cannot be read"),
        (&["run", "bert", "letters.txt"], "there is no file letters.txt"),
        (&["run", "vit", "-", "-"], "`-` is given twice"),
        (&["run", "xclip", "fixtures/bert", "--label", "a"], "frames"),
        (&["run", "llava", "fixtures/llava/inputs/rgb.png"], "--prompt"),
        (
            &[
                "run",
                "clip",
                "fixtures/clip/inputs/rgb.png",
                "--task",
                "zero-shot-image-classification",
            ],
            "--label",
        ),
    ] {
        let run = run(arguments).ended(2).complains(&["error: ", says]);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}

#[test]
fn errors_are_documents_where_documents_are_wanted() {
    for (arguments, code) in [
        (&["run", "brt", "x", "--format", "json"][..], "unknown-model"),
        (&["run", "bert", "x", "--format", "json", "--task", "no"], "usage"),
        (&["run", "bert", "x", "--format=json", "--option", "a=b"], "invalid-option"),
        (&["run", "vit", "README.md", "--format", "json"], "invalid-input"),
    ] {
        let document = run(arguments).ended(2).json();
        assert_eq!(document["error"]["code"], code, "{arguments:?}");
        assert!(document["error"]["message"].as_str().unwrap().len() > 20);
    }
}

#[test]
fn a_platform_that_is_not_there_is_told_with_what_helps_and_nothing_falls_back() {
    let run = run(&["run", "bert", "x", "--platform", "openvino", "--format", "json"]).ended(1);
    let document = run.json();
    assert_eq!(document["error"]["code"], "engine-unavailable");
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains("accel engines install openvino"), "{message}");
}

#[test]
fn stdin_is_read_and_an_empty_one_is_told() {
    let text = "The captain checks the [MASK], and it isn't warm.";
    let mut command = accel();
    command.args(["run", "bert", "-", "--task", "fill-mask", "--format", "json"]);
    let document = fed(&mut command, format!("{text}\n").as_bytes()).ended(0).json();
    assert_eq!(document["results"][0]["input"], text);
    assert_eq!(document["results"][0]["masks"][0][0]["token_id"], 141);

    let image = fs::read(fixtures().join("vit/inputs/rgb.png")).unwrap();
    fed(accel().args(["run", "vit", "-"]), &image).ended(0).says(&["stdin", "whale"]);
    fed(accel().args(["run", "vit", "-"]), b"").ended(2).complains(&["stdin is empty"]);
    fed(accel().args(["run", "bert", "-"]), b"").ended(2).complains(&["stdin is empty"]);
    fed(accel().args(["run", "bert", "-"]), b"ab\xff").ended(2).complains(&["byte 2 is not UTF-8"]);
    fed(accel().args(["run", "vit", "-"]), &image[..100]).ended(2).complains(&["stdin is not an"]);
}

#[test]
fn a_text_file_is_read_without_its_last_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    let vector = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut command = accel();
        command.args(["run", "bert", "--format", "json"]).arg(&file);
        finish(&mut command).ended(0).json()["results"][0]["vector"].clone()
    };
    assert_eq!(vector("A clock\r\n"), vector("A clock"));
    assert_ne!(vector("A clock"), vector("A boat"));
}

#[test]
fn files_without_end_and_of_absurd_size_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge.txt");
    fs::File::create(&huge).unwrap().set_len(1 << 34).unwrap();
    finish(accel().args(["run", "bert"]).arg(&huge)).ended(2).complains(&["more than 16777216"]);
    if cfg!(unix) {
        run(&["run", "bert", "/dev/zero"]).ended(2).complains(&["more than 16777216 bytes"]);
    }
}

/// A device has no size that could be asked for before it is read.
#[cfg(unix)]
#[test]
fn devices_without_end_are_refused_wherever_a_file_is_named() {
    for line in [
        &["classify", "--config", "/dev/zero"][..],
        &["classify", "--evaluate", "/dev/zero"],
        &["classify", "bert", "--model-db", "/dev/zero"],
        &["estimate", "--config", "/dev/zero"],
        &["estimate", "bert", "--verify", "--store", "/dev/zero"],
        &["select", "bert", "--hardware", "/dev/zero"],
        &["matrix", "--models", "/dev/zero"],
        &["doctor", "--registry", "/dev/zero"],
        &["hardware", "--replay", "/dev/zero"],
    ] {
        let words = run(line).ended(2).stderr;
        let why = ["more than", "not a file"];
        assert!(why.iter().any(|it| words.contains(it)), "{line:?}: {words}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_are_files_like_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(OsStr::from_bytes(b"bild\xff.png"));
    fs::copy(fixtures().join("vit/inputs/rgb.png"), &file).unwrap();
    finish(accel().args(["run", "vit"]).arg(&file)).ended(0).says(&["whale"]);
    let text = OsStr::from_bytes(b"not \xff text");
    finish(accel().args(["run", "bert"]).arg(text)).ended(2).complains(&["UTF-8"]);
}

#[test]
fn a_model_never_seen_before_tells_its_kind_or_is_told_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("stranger");
    fs::create_dir_all(model.join("onnx")).unwrap();
    for file in ["onnx/model.onnx", "preprocessor_config.json"] {
        fs::copy(fixtures().join("vit").join(file), model.join(file)).unwrap();
    }
    let image = fixtures().join("vit/inputs/rgb.png");
    let command = || {
        let mut command = accel();
        command.arg("run").arg(&model).arg(&image);
        command
    };
    fs::write(model.join("config.json"), "{\"architectures\": [\"Frobnicator\"]}").unwrap();
    finish(&mut command()).ended(2).complains(&["Frobnicator", "--kind", "image_classifier"]);
    finish(command().args(["--kind", "image_classifier"])).ended(0).says(&["LABEL_"]);
    finish(command().args(["--task", "image-classification"])).ended(0).says(&["LABEL_"]);
    fs::write(model.join("config.json"), "{\"architectures\": 7}").unwrap();
    finish(&mut command()).ended(2).complains(&["config.json"]);
    fs::write(model.join("config.json"), "{").unwrap();
    finish(&mut command()).ended(2).complains(&["config.json"]);
    fs::write(model.join("config.json"), "{\"model_type\": \"vit\"}").unwrap();
    finish(&mut command()).ended(0);
    fs::write(model.join("onnx/model.onnx"), "damaged").unwrap();
    finish(&mut command()).ended(2).complains(&["model.onnx"]);
}
