//! What is to be generated: plain data, so that the command line, `build.rs` and tests ask alike.

use std::collections::BTreeSet;

use accel_core::{Family, Platform, Support, Variant, Vocabulary, nearest};

use crate::error::Error;
use crate::files::{CellFile, Kind};
use crate::registry::{Cell, Model, Registry};
use crate::templates::Templates;

/// A request. [`Request::default`] asks for everything in the registry.
#[derive(Clone, Debug)]
pub struct Request {
    /// Keys of the models; `None` is all.
    pub models: Option<BTreeSet<String>>,
    /// Only models of these families; `None` is all.
    pub families: Option<BTreeSet<Family>>,
    /// Only models that the registry marks as key models.
    pub key_models_only: bool,
    /// Only these platforms.
    pub platforms: BTreeSet<Platform>,
    /// Real cells that are left out, by the model's key, such as those that a machine cannot run; a
    /// simulation runs on any machine.
    pub left_out: BTreeSet<(String, Platform)>,
    /// Only cells of this variant; `None` is each cell's own.
    pub variant: Option<Variant>,
    /// Which kinds of cell files; [`Kind::Extra`] also needs the platform in `extras`.
    pub kinds: BTreeSet<Kind>,
    /// Platforms whose extra tests are wanted.
    pub extras: BTreeSet<Platform>,
    /// Cell files that exist already: index files name them beside the chosen ones.
    pub present: BTreeSet<CellFile>,
    /// Only cell files that are not in `present`.
    pub missing_only: bool,
    /// What the index files are for.
    pub layout: Layout,
    /// The templates.
    pub templates: Templates,
}

/// How the generated modules are tied together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A crate of this name: `src/lib.rs` and `tests/main.rs` too.
    Crate(String),
    /// Modules below `src/skills/mod.rs`, to be included in another crate.
    Modules,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            models: None,
            families: None,
            key_models_only: false,
            platforms: Platform::ALL.iter().copied().collect(),
            left_out: BTreeSet::new(),
            variant: None,
            kinds: [Kind::Skill, Kind::Test, Kind::Extra].into(),
            extras: BTreeSet::new(),
            present: BTreeSet::new(),
            missing_only: false,
            layout: Layout::Crate("generated".to_owned()),
            templates: Templates::default(),
        }
    }
}

impl Request {
    /// The models that are chosen, in the registry's order.
    pub(crate) fn chosen_models<'a>(
        &self,
        registry: &'a Registry,
    ) -> Result<Vec<&'a Model>, Error> {
        if let Some(wanted) = &self.models {
            for given in wanted {
                if registry.model(given).is_none() {
                    return Err(unknown_model(registry, given));
                }
            }
        }
        let chosen: Vec<_> = registry
            .models
            .iter()
            .filter(|it| self.models.as_ref().is_none_or(|keys| keys.contains(it.key.as_str())))
            .filter(|it| self.families.as_ref().is_none_or(|all| all.contains(&it.family())))
            .filter(|it| it.key_model || !self.key_models_only)
            .collect();
        if chosen.is_empty() {
            let why = "no model of the registry passes the model, family and key-model filters; \
                       see `accelgen --list models`";
            return Err(Error::NothingSelected { why: why.to_owned() });
        }
        Ok(chosen)
    }

    /// Whether a supported cell is chosen by platform, machine and variant.
    pub(crate) fn chooses(&self, model: &Model, platform: Platform, cell: &Cell) -> bool {
        self.platforms.contains(&platform)
            && variant(cell).is_some_and(|it| {
                self.variant.is_none_or(|wanted| wanted == it)
                    && (it == Variant::Simulation
                        || !self.left_out.contains(&(model.key.to_string(), platform)))
            })
    }
}

/// The variant that a cell is generated as; `None` when it is unsupported.
pub(crate) const fn variant(cell: &Cell) -> Option<Variant> {
    match cell.support {
        Support::Real => Some(Variant::Real),
        Support::Simulation => Some(Variant::Simulation),
        Support::Unsupported => None,
    }
}

/// The error for a model that is not in the registry, with the closest key.
pub fn unknown_model(registry: &Registry, given: &str) -> Error {
    let keys = || registry.models.iter().map(|it| it.key.as_str());
    Error::UnknownModel {
        given: given.to_owned(),
        suggestion: nearest(given, keys()),
        known: keys().collect::<Vec<_>>().join(", "),
    }
}
