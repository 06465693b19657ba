//! Every template is reached, is embedded, and a user's own takes its place.

use std::collections::BTreeSet;
use std::path::Path;

use accelgen::{Error, Request, Templates, generate};

use crate::synthetic::{REAL, parse, yaml};

/// Names of the files below `templates/`.
fn on_disk() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut names = BTreeSet::new();
    for folder in std::fs::read_dir(&root).unwrap() {
        let folder = folder.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let name = file.unwrap().file_name();
            names.insert(format!("{}/{}", folder.file_name().display(), name.display()));
        }
    }
    names
}

#[test]
fn the_binary_holds_every_template_on_disk() {
    let embedded: BTreeSet<String> =
        Templates::default().iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(embedded, on_disk());
}

/// A template is reached when breaking it breaks the generation that the snapshots are taken from.
#[test]
fn every_template_is_reached_by_the_snapshots() {
    for (name, _) in Templates::default().iter() {
        let broken_somewhere =
            crate::snapshots::requests().into_iter().any(|(registry, mut request)| {
                request
                    .templates
                    .overlay([(name.to_owned(), "{{ no_such_value }}".to_owned())])
                    .unwrap();
                matches!(generate(&registry, &request), Err(Error::Template { .. }))
            });
        assert!(broken_somewhere, "no snapshot reaches templates/{name}");
    }
}

#[test]
fn every_template_names_the_type_of_its_context() {
    let pages =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/pages.rs"))
            .unwrap();
    for (name, text) in Templates::default().iter() {
        let first = text.lines().next().unwrap_or_default();
        let context = first.strip_prefix("{# context: ").and_then(|it| it.strip_suffix(" #}"));
        let context = context.unwrap_or_else(|| panic!("{name} begins with {first:?}"));
        assert!(pages.contains(&format!("struct {context} ")), "{name} names {context}");
    }
}

fn with_template(name: &str, text: &str) -> Request {
    let mut request = Request::default();
    request.templates.overlay([(name.to_owned(), text.to_owned())]).unwrap();
    request
}

#[test]
fn the_most_specific_template_wins() {
    let registry = parse(&yaml(REAL, false));
    let request = with_template("skill/vision/cuda.rs.tera", "//! Mine.\n");
    let files = generate(&registry, &request).unwrap().files;
    assert!(files["src/skills/tiny_eye/cuda.rs"].text.ends_with("//! Mine.\n"));
    assert!(!files["src/skills/tiny_eye/cpu.rs"].text.contains("Mine"));
    assert!(!files["src/skills/tiny_ear/cuda.rs"].text.contains("Mine"));
    let request = with_template("skill/vision/cuda.simulation.rs.tera", "//! Mine.\n");
    let files = generate(&registry, &request).unwrap().files;
    assert!(!files["src/skills/tiny_eye/cuda.rs"].text.contains("Mine"), "the cell is real");
}

#[test]
fn a_template_that_gives_no_rust_is_an_error_with_an_address() {
    let registry = parse(&yaml(REAL, false));
    let error =
        generate(&registry, &with_template("skill/audio.rs.tera", "pub fn\n  (")).unwrap_err();
    let Error::NotRust { path, model, template, line, .. } = &error else { panic!("{error}") };
    assert_eq!((model.as_str(), template.as_str()), ("tiny_ear", "skill/audio.rs.tera"));
    assert_eq!(path, "src/skills/tiny_ear/cpu.rs");
    assert_eq!(*line, 2, "{error}");
}

#[test]
fn an_undefined_name_in_a_template_is_an_error_with_an_address() {
    let registry = parse(&yaml(REAL, false));
    let error =
        generate(&registry, &with_template("skill/audio.rs.tera", "\n\n{{ clas }}")).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("skill/audio.rs.tera") && text.contains("clas") && text.contains('3'),
        "{text}"
    );
}

#[test]
fn a_misspelt_template_is_refused_not_ignored() {
    let error = Templates::default()
        .overlay([("skill/visoin.rs.tera".to_owned(), String::new())])
        .unwrap_err();
    assert!(error.to_string().contains("did you mean `skill/vision.rs.tera`?"), "{error}");
}
