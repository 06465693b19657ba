//! The `build.rs` interface, by building a small package with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A package in a folder of its own whose build script generates from its own registry.
struct Package {
    folder: tempfile::TempDir,
}

impl Package {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = Self { folder };
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
                 [build-dependencies]\naccelgen = {{ path = {ROOT:?}, default-features = false }}\n"
            ),
        );
        package.write(
            "build.rs",
            "fn main() -> Result<(), Box<dyn std::error::Error>> {\n    \
             accelgen::build::Config::new(\"model_registry.yaml\").models([\"tiny_eye\"])\
             .platforms([\"cpu\"]).templates(\"templates\").generate()?;\n    Ok(())\n}\n",
        );
        // The generated code itself needs the runtime, which downstream's own tests compile.
        package.write(
            "src/lib.rs",
            "pub const CPU: &str = include_str!(concat!(env!(\"OUT_DIR\"), \"/accelgen/src/skills/tiny_eye/cpu.rs\"));\n",
        );
        package
            .write("model_registry.yaml", &crate::synthetic::yaml(crate::synthetic::REAL, false));
        package.write(
            "templates/platform/cpu.tera",
            "{# context: SkillPage #}\n/// Mine.\n{% include \"partial/options.tera\" %}\n",
        );
        std::fs::copy(Path::new(ROOT).join("Cargo.lock"), package.path("Cargo.lock")).unwrap();
        package
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// `cargo build -vv`, with a target folder that later runs of this test find again.
    fn build(&self) -> Output {
        Command::new(env!("CARGO"))
            .args(["build", "-vv", "--offline"])
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("build-script"))
            .env_remove("OUT_DIR")
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_second_build_is_fresh_a_changed_registry_is_not_and_a_broken_one_is_reported() {
    let package = Package::new();
    let first = package.build();
    assert!(first.status.success(), "{}", text(&first));

    // Exactly the files that were read, and the folder in which new ones may turn up.
    let reruns: Vec<String> = text(&first)
        .lines()
        .filter_map(|it| it.split_once("cargo::rerun-if-changed="))
        .map(|(_, path)| path.to_owned())
        .collect();
    assert_eq!(reruns, ["model_registry.yaml", "templates", "templates/platform/cpu.tera"]);

    let second = package.build();
    assert!(text(&second).contains("Fresh small "), "{}", text(&second));

    let registry = std::fs::read_to_string(package.path("model_registry.yaml")).unwrap();
    package.write(
        "model_registry.yaml",
        &registry
            .replace("parameters: 1234567", "parameters: 7654321")
            .replace("revision: a123456789012345678901234567890123456789", "revision: main"),
    );
    let third = package.build();
    assert!(third.status.success(), "{}", text(&third));
    assert!(text(&third).contains("Dirty small "), "{}", text(&third));
    // The registry's warnings are cargo's.
    assert!(
        text(&third).contains("the revision `main` is not a commit and can move"),
        "{}",
        text(&third)
    );

    package.write(
        "model_registry.yaml",
        &registry.replace("parameters: 1234567", "parametres: 1234567"),
    );
    let fourth = package.build();
    let said = text(&fourth);
    assert!(!fourth.status.success());
    assert!(said.contains("parametres") && said.contains("parameters"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    // For people: the line of the registry, not a dump of the error's fields.
    assert!(said.contains("model_registry.yaml:") && !said.contains("Problem {"), "{said}");

    // Only OUT_DIR was written to.
    let mut names: Vec<_> = std::fs::read_dir(package.folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["Cargo.lock", "Cargo.toml", "build.rs", "model_registry.yaml", "src", "templates"]
    );
}

#[test]
fn outside_of_cargo_it_says_so() {
    let error = accelgen::build::Config::new("model_registry.yaml");
    // Tests run without OUT_DIR unless the package has a build script, which this one has not.
    if std::env::var_os("OUT_DIR").is_none() {
        let error = error.generate().unwrap_err();
        assert!(error.to_string().contains("OUT_DIR is not set"), "{error}");
    }
}
