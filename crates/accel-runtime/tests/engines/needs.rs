//! What a test needs of the machine, and what becomes of it where that is missing.

use std::env;
use std::process::{Command, Output};

use accel_runtime::engine::locate;
use libtest_mimic::{Completion, Failed};

use crate::engine::{self, REQUIRE_ENGINES};
use crate::{openvino, options};

tests! {
    Needs::Nothing => [without_its_engine_a_test_is_ignored_and_fails_where_the_engine_is_required],
}

/// A test, and what it needs.
#[derive(Debug)]
pub(crate) struct Test {
    /// Its path, the crate's name first.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    /// Panics where the test fails.
    pub(crate) run: fn(),
}

/// What a test cannot do without.
#[derive(Debug)]
pub(crate) enum Needs {
    Nothing,
    /// The engine of this name.
    Engine(&'static str),
    /// What this function says is missing, if it does.
    That(fn() -> Option<String>),
}

/// `tests! { NEEDS => [name, …], … }` lists a module's tests as `TESTS`; one that is left out is
/// dead code, and no build of CI's passes with that.
macro_rules! tests {
    ($($needs:expr => [$($(#[$if:meta])* $name:ident),* $(,)?]),* $(,)?) => {
        pub(crate) const TESTS: &[$crate::needs::Test] = &[$($($(#[$if])* $crate::needs::Test {
            path: concat!(module_path!(), "::", stringify!($name)),
            needs: $needs,
            run: $name,
        },)*)*];
    };
}
pub(crate) use tests;

impl Test {
    /// Its path within this crate.
    pub(crate) fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }

    /// Runs it if what it needs is here.
    pub(crate) fn run(&self) -> Result<Completion, Failed> {
        // What the process that started this one took away is taken away on purpose.
        if !openvino::is_child()
            && let Some(reason) = self.needs.missing()?
        {
            return Ok(Completion::ignored_with(reason));
        }
        (self.run)();
        Ok(Completion::Completed)
    }
}

impl Needs {
    /// Why it is not here; an error where it has to be.
    fn missing(&self) -> Result<Option<String>, String> {
        Ok(match self {
            Self::Nothing => None,
            Self::Engine(name) => engine::missing(name, &options(name))?,
            Self::That(missing) => missing(),
        })
    }
}

/// Says which library of the system has a name that begins so: a search that is to find nothing
/// would find it.
pub(crate) fn library_of_the_system(start: &str) -> Option<String> {
    let found = locate::system_folders().iter().flat_map(|it| locate::matching(it, start)).next();
    found.map(|it| format!("the system has {}", it.display()))
}

fn without_its_engine_a_test_is_ignored_and_fails_where_the_engine_is_required() {
    for (engine, test) in [
        ("ort", "ort::the_library_says_what_it_is"),
        ("openvino", "openvino::library::what_was_found_is_told"),
        ("webgpu", "browser::webgpu_joins_truths_of_any_sizes_in_one_page"),
        ("webnn", "browser::webnn_takes_elements_and_nearest_pixels"),
    ] {
        let run = |required: &str| -> (Output, String) {
            let mut process = Command::new(env::current_exe().unwrap());
            process.args([test, "--exact"]).env(REQUIRE_ENGINES, required);
            for place in ["ACCEL_ONNXRUNTIME", "ACCEL_OPENVINO", "ACCEL_BROWSER", "ACCEL_WEB_DIR"] {
                process.env(place, "/no/such/file");
            }
            let output = process.output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            (output, printed)
        };
        let (output, printed) = run("another");
        assert!(output.status.success(), "{printed}");
        assert!(printed.contains("ignored (") && printed.contains("/no/such/file"), "{printed}");
        assert!(printed.contains("ok. 0 passed; 0 failed; 1 ignored"), "{printed}");
        let (output, printed) = run(&format!("another, {engine}"));
        assert!(!output.status.success(), "{printed}");
        assert!(printed.contains(&format!("asks for `{engine}`")), "{printed}");
        assert!(printed.contains("FAILED. 0 passed; 1 failed; 0 ignored"), "{printed}");
    }
}
