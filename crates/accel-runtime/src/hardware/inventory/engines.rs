//! The engines by their files.

use accel_core::Engine as EngineName;
use accel_core::hardware::{EngineState, Fact};

use super::no;
use crate::hardware::{Answer, Bundle, EngineFiles};

const ORDER: [EngineName; 5] = [
    EngineName::Rten,
    EngineName::Ort,
    EngineName::Openvino,
    EngineName::Browser,
    EngineName::Simulator,
];

/// All five.
pub(super) fn engines(bundle: &Bundle) -> Vec<EngineState> {
    ORDER.map(|engine| state(bundle, engine)).into()
}

/// What was found of an engine.
pub(super) fn files(bundle: &Bundle, engine: EngineName) -> Option<&EngineFiles> {
    bundle.engines.iter().find(|it| it.engine == engine)
}

fn state(bundle: &Bundle, engine: EngineName) -> EngineState {
    let Some(files) = files(bundle, engine) else {
        let reason = match engine {
            EngineName::Ort => "ONNX Runtime's library was not found",
            EngineName::Openvino => "OpenVINO's library was not found",
            EngineName::Browser => "no browser with onnxruntime-web was found",
            EngineName::Rten | EngineName::Simulator => "the bundle does not tell of it",
        };
        let remedy = match engine {
            EngineName::Ort => "run `accel engines install onnxruntime`",
            EngineName::Openvino => "run `accel engines install openvino`",
            EngineName::Browser => "run `accel engines install web --with-browser`",
            EngineName::Rten | EngineName::Simulator => "record the machine anew",
        };
        return EngineState {
            engine,
            version: Fact::unknown("the places where engines are installed", reason),
            path: None,
            parts: Vec::new(),
            obstacle: Some(no(reason, remedy)),
        };
    };
    let mut parts = files.parts.clone();
    if engine == EngineName::Openvino
        && let Some(Answer::Given(devices)) = &bundle.openvino
    {
        parts.extend(devices.iter().map(|it| format!("{} is {}", it.name, it.full_name)));
    }
    if engine == EngineName::Browser {
        for (platform, answer) in bundle.browsers.iter().flatten() {
            if let Answer::Given(device) = answer {
                parts.push(format!("{platform} on {device}"));
            }
        }
    }
    let obstacle = match &files.problem {
        Some((reason, remedy)) => Some(no(reason.clone(), remedy.clone())),
        None if !files.built_in => Some(no(
            format!("its files are there, and this program was built without the engine {engine}"),
            format!("build with the feature `{engine}` of accel-runtime"),
        )),
        None => None,
    };
    EngineState {
        engine,
        version: match &files.version {
            Some((version, source)) => Fact::known(version.clone(), source.clone()),
            None if files.path.is_none() => Fact::unknown(
                "the places where engines are installed",
                obstacle.as_ref().map_or("its files were not found", |it| &*it.reason),
            ),
            None => Fact::unknown(
                files.path.clone().unwrap_or_else(|| "its files".to_owned()),
                "no name of a file tells it, and nothing was loaded",
            ),
        },
        path: files.path.clone(),
        parts,
        obstacle,
    }
}
