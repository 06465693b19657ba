//! `accel engines install`, with stand-ins for Python and npm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Run, accel, finish};

/// Does what `$MODE` says when it is told to install: `ok`, `half`, `hash`, `hollow`, or `wait` for
/// a line in the pipe `$GATE`.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in *--version*) [ "$MODE" != nopip ]; exit;; esac
echo "$*" >> "$LOG"
while [ $# -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
case "$MODE" in
half) /bin/mkdir -p "$target/onnxruntime"; echo half > "$target/onnxruntime/file"
    echo "ERROR: the line went dead" >&2; exit 1;;
hash) echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2; exit 1;;
hollow) exit 0;;
esac
/bin/mkdir -p "$target/onnxruntime/capi" "$target/openvino/libs"
echo library > "$target/onnxruntime/capi/libonnxruntime.so.1.31.1"
echo library > "$target/openvino/libs/libopenvino_c.so.2641"
if [ "$MODE" = wait ]; then read line < "$GATE"; fi
exit 0
"#;

const NPM: &str = r#"#!/bin/sh
[ "$1" = --version ] && exit
echo "npm $*" >> "$LOG"
[ "$MODE" = hash ] && { echo "npm error code EINTEGRITY" >&2; exit 1; }
case "$(/bin/cat package.json)" in *chromium*)
    bin=node_modules/@sparticuz/chromium/bin
    /bin/mkdir -p $bin
    /bin/cp "$DATA"/*.br $bin
    [ "$MODE" = hostile ] && /bin/cp "$DATA/hostile.tar.br" $bin/swiftshader.tar.br
    [ "$MODE" = damaged ] && echo damaged > $bin/chromium.br
    exit 0;;
esac
/bin/mkdir -p node_modules/onnxruntime-web/dist
for it in ort.jspi.bundle.min.mjs ort-wasm-simd-threaded.jspi.wasm another.js; do
    echo file > node_modules/onnxruntime-web/dist/$it
done
"#;

/// A machine with the stand-ins and an empty folder of engines.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: TempDir::with_prefix("accel ünï").unwrap() };
        fs::create_dir(machine.path("bin")).unwrap();
        machine.program("python3", PYTHON);
        machine.program("npm", NPM);
        machine
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, mode: &str, arguments: &str) -> Command {
        let mut command = accel();
        command.env("PATH", self.path("bin")).env("LOG", self.path("log"));
        command.env("MODE", mode).env("GATE", self.path("gate")).current_dir(self.folder.path());
        command.env("ACCEL_ENGINES_DIR", self.path("engines"));
        command.env("DATA", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/data"));
        command.args(["engines", "install"]).args(arguments.split_whitespace());
        command
    }

    fn install(&self, mode: &str, arguments: &str) -> Run {
        finish(&mut self.command(mode, arguments))
    }

    /// How often something was fetched.
    fn fetches(&self) -> usize {
        fs::read_to_string(self.path("log")).map_or(0, |it| it.lines().count())
    }

    /// What is in the folder of engines.
    fn engines(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("engines")).into_iter().flatten().flatten();
        let names = entries.map(|it| it.file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|it| it != ".install.lock").collect();
        names.sort_unstable();
        names
    }

    fn has(&self, below: &str) -> bool {
        self.path("engines").join(below).exists()
    }
}

const LIBRARY: &str = "onnxruntime/onnxruntime/capi/libonnxruntime.so.1.31.1";

#[test]
fn what_is_done_is_said_first_and_a_second_time_nothing_is_done() {
    let machine = Machine::new();
    machine.install("ok", "onnxruntime").ended(0).says(&[
        "onnxruntime 1.31.1: pip installs it into",
        "about 24 MB to fetch",
        "onnxruntime 1.31.1 installed in",
    ]);
    assert!(machine.has(LIBRARY));
    assert_eq!(machine.engines(), ["onnxruntime"]);
    let log = fs::read_to_string(machine.path("log")).unwrap();
    for flag in ["--require-hashes", "--no-deps", "--only-binary :all:"] {
        assert!(log.contains(flag), "{log}");
    }
    machine.install("half", "onnxruntime").ended(0).says(&["is complete"]);
    assert_eq!(machine.fetches(), 1, "nothing is fetched twice");
}

#[test]
fn a_dry_run_does_nothing_and_needs_nothing() {
    let machine = Machine::new();
    fs::remove_dir_all(machine.path("bin")).unwrap();
    let run = machine.install("ok", "all --dry-run --format json").ended(0);
    let document = run.json();
    assert_eq!(document["dry_run"], true);
    let steps = document["steps"].as_array().unwrap();
    let named = |name: &str| steps.iter().any(|it| it["component"] == name);
    assert!(named("onnxruntime") && named("openvino") && named("onnxruntime-web"), "{document}");
    for it in steps {
        assert_eq!(it["action"], "would-install");
        assert!(it["download_bytes"].as_u64().unwrap() > 0 && it["seconds"].is_null());
    }
    assert_eq!(machine.engines(), Vec::<String>::new());
    assert!(!machine.path("engines").exists());
}

#[test]
fn a_failure_half_way_leaves_the_old_state() {
    let machine = Machine::new();
    machine.install("half", "onnxruntime").ended(1).complains(&["error: ", "the line went dead"]);
    assert_eq!(machine.engines(), Vec::<String>::new());

    machine.install("ok", "onnxruntime").ended(0);
    // An older version's mark makes it outdated.
    fs::write(machine.path("engines/onnxruntime/accel.lock"), "onnxruntime==1.0\n").unwrap();
    machine.install("half", "onnxruntime").ended(1).says(&["replaces what is in"]);
    assert_eq!(machine.engines(), ["onnxruntime"]);
    assert!(machine.has(LIBRARY), "the older one still stands");
    machine.install("ok", "onnxruntime").ended(0).says(&["replaced in"]);
    assert_eq!(machine.engines(), ["onnxruntime"]);
    machine.install("ok", "onnxruntime").ended(0).says(&["is complete"]);
}

#[test]
fn one_that_lost_its_library_is_replaced() {
    let machine = Machine::new();
    machine.install("ok", "onnxruntime").ended(0);
    fs::write(machine.path("engines").join(LIBRARY), "").unwrap();
    machine.install("ok", "onnxruntime").ended(0).says(&["replaced in"]);
}

#[test]
fn checksums_and_hollow_packages_are_failures_with_advice() {
    let machine = Machine::new();
    let run = machine.install("hash", "openvino --format json").ended(1);
    assert_eq!(run.json()["error"]["code"], "checksum");
    run.complains(&["checksum", "pip cache purge", "nothing was installed"]);
    machine.install("hash", "web").ended(1).complains(&["checksum", "npm cache clean"]);
    machine.install("hollow", "openvino").ended(1).complains(&["libopenvino_c"]);
    assert_eq!(machine.engines(), Vec::<String>::new());
}

#[test]
fn missing_tools_are_named_with_how_to_get_them() {
    let machine = Machine::new();
    machine.install("nopip", "onnxruntime").ended(2).complains(&["no pip", "python3 -m venv"]);
    fs::remove_file(machine.path("bin/python3")).unwrap();
    machine.install("ok", "onnxruntime").ended(2).complains(&["no `python3` on PATH"]);
    fs::remove_file(machine.path("bin/npm")).unwrap();
    machine.install("ok", "web").ended(2).complains(&["npm was not found", "Node.js"]);
    assert!(!machine.path("engines").exists());
}

#[test]
fn only_the_two_files_of_the_web_engine_are_kept() {
    let machine = Machine::new();
    machine.install("ok", "web").ended(0);
    let names = fs::read_dir(machine.path("engines/web")).unwrap();
    let mut names: Vec<_> =
        names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let expected = ["accel.lock", "ort-wasm-simd-threaded.jspi.wasm", "ort.jspi.bundle.min.mjs"];
    assert_eq!(names, expected);
    // A browser beside them outlives their replacement.
    fs::create_dir(machine.path("engines/web/chromium")).unwrap();
    fs::write(machine.path("engines/web/chromium/accel.lock"), "").unwrap();
    fs::write(machine.path("engines/web/accel.lock"), "older").unwrap();
    machine.install("ok", "web").ended(0).says(&["replaced in"]);
    assert!(machine.has("web/chromium/accel.lock"));
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_packed_browser_is_unpacked_beside_the_web_files() {
    let machine = Machine::new();
    machine.install("ok", "web").ended(0);
    machine.install("damaged", "web --with-browser").ended(1).complains(&["chromium.br"]);
    machine.install("hostile", "web --with-browser").ended(1).complains(&["../../escaped"]);
    assert!(!machine.path("engines/escaped").exists() && !machine.has("web/chromium"));
    machine
        .install("ok", "web --with-browser")
        .ended(0)
        .says(&["onnxruntime-web 1.30.0 is complete", "chromium 153.0.0 installed in"]);
    let browser = machine.path("engines/web/chromium/chromium");
    assert_eq!(fs::read_to_string(&browser).unwrap(), "#!/bin/sh\necho Chromium\n");
    assert_eq!(fs::metadata(&browser).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(machine.has("web/chromium/libvk_swiftshader.so"));
    assert!(!machine.has("web/chromium/npm"));
    machine
        .install("damaged", "web --with-browser")
        .ended(0)
        .says(&["chromium 153.0.0 is complete"]);
}

#[test]
fn what_accel_did_not_put_there_is_left_alone() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("engines/web")).unwrap();
    fs::write(machine.path("engines/web/index.html"), "mine").unwrap();
    machine.install("ok", "web").ended(2).complains(&["accel did not put there", "move it away"]);
    assert!(machine.has("web/index.html"));
    fs::create_dir_all(machine.path("engines/onnxruntime/onnxruntime/capi")).unwrap();
    fs::write(machine.path("engines").join(LIBRARY), "by hand").unwrap();
    machine.install("ok", "onnxruntime").ended(0).says(&["left as it is"]);
    assert_eq!(machine.fetches(), 0);
}

#[test]
fn wrong_places_and_flags_are_refused() {
    let machine = Machine::new();
    machine
        .install("ok", "onnxruntime --project")
        .ended(2)
        .complains(&["ACCEL_ENGINES_DIR is set"]);
    machine.install("ok", "onnxruntime --with-browser").ended(2).complains(&["goes with `web`"]);
    machine.install("ok", "onnxruntim").ended(2).complains(&["onnxruntime"]);
    machine.install("ok", "").ended(2);
    let run = finish(machine.command("ok", "onnxruntime").env_remove("ACCEL_ENGINES_DIR"));
    run.ended(2).complains(&["--project"]);
    finish(machine.command("ok", "onnxruntime --project").env_remove("ACCEL_ENGINES_DIR")).ended(0);
    assert!(machine.path(".accel/engines").join(LIBRARY).exists());
    let home = machine.path("home");
    let user = machine
        .command("ok", "onnxruntime --user")
        .env_remove("ACCEL_ENGINES_DIR")
        .env("HOME", &home)
        .output();
    assert!(user.unwrap().status.success());
    assert!(home.exists());
}

/// A process that ends with its test, however that ends, and lets its stand-in end too.
struct Child {
    process: std::process::Child,
    gate: PathBuf,
}

impl Child {
    fn start(machine: &Machine) -> Self {
        assert!(Command::new("mkfifo").arg(machine.path("gate")).status().unwrap().success());
        let mut command = machine.command("wait", "onnxruntime");
        // Nobody who reads this test's output has to wait for the stand-in.
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { process, gate: machine.path("gate") }
    }

    /// Lets the stand-in go on.
    fn open(&self) {
        fs::write(&self.gate, "go on\n").unwrap();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.process.kill();
            let _ = self.process.wait();
            // Opened for reading too, so that this does not wait for a reader.
            let gate = fs::File::options().read(true).write(true).open(&self.gate);
            let _ = gate.and_then(|mut it| std::io::Write::write_all(&mut it, b"go on\n"));
        }
    }
}

/// Waits until something holds; a minute is long on any machine.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn two_at_once_fetch_once() {
    let machine = Machine::new();
    let mut first = Child::start(&machine);
    until("the first one fetches", || machine.fetches() == 1);
    let said = machine.path("said");
    let mut second = machine.command("ok", "onnxruntime");
    second.stderr(fs::File::create(&said).unwrap()).stdout(Stdio::piped());
    let second = second.spawn().unwrap();
    until("the second one waits", || {
        fs::read_to_string(&said).unwrap().contains("another `accel engines install` is at work")
    });
    first.open();
    assert!(first.process.wait().unwrap().success());
    assert!(second.wait_with_output().unwrap().status.success());
    assert_eq!(machine.fetches(), 1);
    assert_eq!(machine.engines(), ["onnxruntime"]);
}

#[test]
fn what_a_killed_one_left_is_removed_by_the_next() {
    let machine = Machine::new();
    let mut first = Child::start(&machine);
    until("the files are there", || {
        let partial = format!("onnxruntime.partial-{}", first.process.id());
        machine.has(&LIBRARY.replacen("onnxruntime", &partial, 1))
    });
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    first.open();
    assert_eq!(machine.engines().len(), 1, "{:?}", machine.engines());
    assert!(!machine.has(LIBRARY), "it does not count as installed");
    machine.install("ok", "onnxruntime").ended(0).says(&["installed in"]);
    assert_eq!(machine.engines(), ["onnxruntime"]);
}
