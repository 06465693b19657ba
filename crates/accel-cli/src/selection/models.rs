//! The models that are judged: the catalogue's, and folders.

use std::path::Path;

use accel_core::classify::{ModelFacts, classify};
use accel_core::compatibility::{Model, cells_of_relatives};
use accel_core::estimate::{
    Estimate, ParametersSource, Request, Workload, estimate, estimate_counted,
};
use accel_core::{Config, Precision, Vocabulary as _, nearest};
use accel_runtime::{ModelDir, weights};

use super::args::Common;
use crate::catalogue;
use crate::failure::Failure;
use crate::files;

/// Models by name, with what they need.
#[derive(Debug)]
pub(super) struct Catalogue {
    models: Vec<Model>,
    workload: Workload,
}

impl Catalogue {
    /// The one that `--models` names, or the committed one.
    pub(super) fn open(args: &Common) -> Result<Self, Failure> {
        let mut models = match &args.models {
            Some(path) => {
                let text = files::text(path)?.ok_or_else(|| files::absent(path))?;
                catalogue::parse(&text, &path.display().to_string())?
            }
            None => catalogue::embedded()?.to_vec(),
        };
        let workload = Workload {
            precision: args.precision.unwrap_or(Precision::Fp32),
            batch: args.batch,
            context: args.context,
        };
        for model in &mut models {
            let counted =
                (model.parameters > 0).then_some((model.parameters, ParametersSource::Registry));
            model.estimates = estimates(model.config.as_ref(), counted, workload);
        }
        Ok(Self { models, workload })
    }

    /// Every model.
    pub(super) fn all(&self) -> &[Model] {
        &self.models
    }

    /// The model of that name or Hub id, or the one in that folder.
    pub(super) fn find(&self, name: &str) -> Result<Model, Failure> {
        if let Some(model) = self.models.iter().find(|it| catalogue::is_named(it, name)) {
            return Ok(model.clone());
        }
        let folder = Path::new(name);
        if folder.is_dir() {
            return self.of_folder(folder);
        }
        let known = self.models.iter().flat_map(|it| [it.key.as_str(), it.hub_id.as_str()]);
        let suggestion =
            nearest(name, known).map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
        let keys: Vec<_> = self.models.iter().map(|it| it.key.as_str()).collect();
        let shown: String = name.chars().take(100).collect();
        Err(Failure::input(
            "unknown-model",
            format!(
                "there is no model `{shown}`{suggestion}; give a folder with config.json, or one of: {}",
                keys.join(", ")
            ),
        ))
    }

    /// Models by name, each once, in the order given; the whole catalogue for no names.
    pub(super) fn find_all(&self, names: &[String]) -> Result<Vec<Model>, Failure> {
        if names.is_empty() {
            return Ok(self.models.clone());
        }
        let mut found: Vec<Model> = Vec::new();
        for name in names {
            let model = self.find(name)?;
            if found.iter().all(|it| it.key != model.key) {
                found.push(model);
            }
        }
        Ok(found)
    }

    fn of_folder(&self, folder: &Path) -> Result<Model, Failure> {
        let path = folder.join("config.json");
        let config = files::config(&path)?.ok_or_else(|| files::absent(&path))?;
        let architectures = config.architectures();
        let model_type = config.model_type();
        let facts =
            ModelFacts { architectures: &architectures, model_type, ..ModelFacts::default() };
        let Ok(classification) = classify(&facts) else {
            return Err(Failure::input(
                "unknown-kind",
                format!(
                    "{} does not tell what kind of model it is (architectures: {}; model_type: {})",
                    path.display(),
                    if architectures.is_empty() {
                        "none".to_owned()
                    } else {
                        architectures.join(", ")
                    },
                    model_type.unwrap_or("none"),
                ),
            ));
        };
        let subfamily = classification.subfamily;
        let precisions = precisions(folder)?;
        let counted = weights::count(folder, None)?;
        let counted = counted.map(|it| (it.parameters, ParametersSource::WeightFiles));
        let estimates = estimates(Some(&config), counted, self.workload);
        Ok(Model {
            key: folder.display().to_string(),
            class: String::new(),
            hub_id: String::new(),
            model_type: model_type.unwrap_or_default().to_owned(),
            architectures,
            family: classification.family,
            subfamily,
            tasks: subfamily.tasks().to_vec(),
            parameters: estimates.first().map_or(0, |it| it.parameters),
            // A folder without graphs may be exported to any.
            lacks_fp32: !(precisions.is_empty() || precisions.contains(&Precision::Fp32)),
            precisions,
            cells: cells_of_relatives(&self.models, subfamily),
            estimates,
            config: Some(config),
        })
    }
}

/// Precisions in which a folder has graphs.
fn precisions(folder: &Path) -> Result<Vec<Precision>, Failure> {
    let dir = ModelDir::open(folder)?;
    let mut found = Vec::new();
    for precision in Precision::ALL {
        if !dir.graph_names(*precision)?.is_empty() {
            found.push(*precision);
        }
    }
    Ok(found)
}

/// What a model needs in every precision: from its config where its architecture has rules, else
/// from the number of its weights alone; nothing where neither is known.
fn estimates(
    config: Option<&Config>,
    counted: Option<(u64, ParametersSource)>,
    workload: Workload,
) -> Vec<Estimate> {
    let of = |precision: &Precision| {
        let request = Request {
            counted: counted.filter(|(_, source)| *source == ParametersSource::WeightFiles),
            ..Request::new(Workload { precision: *precision, ..workload })
        };
        let by_config = config.and_then(|it| estimate(it, &request).ok());
        by_config
            .or_else(|| counted.map(|(count, source)| estimate_counted(count, source, &request)))
    };
    Precision::ALL.iter().filter_map(of).collect()
}
