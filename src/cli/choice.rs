//! Flags → a request, and which cells that chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use accel_core::{Platform, Variant, Vocabulary as _};

use super::args::{Cli, KindArg, PlatformArg};
use super::console::count;
use super::failure::Failure;
use super::hardware;
use crate::files::Kind;
use crate::plan::{estimate_of, shown_bytes};
use crate::registry::Registry;
use crate::request::{Request, variant};
use crate::sync;
use crate::templates::Templates;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) request: Request,
    /// Every chosen model by key, with what is chosen of it on every platform.
    pub(super) cells: BTreeMap<String, BTreeMap<Platform, Chosen>>,
    /// Whether everything in the registry is asked for, so that orphans can go.
    pub(super) everything: bool,
    /// What the flags leave out though it was named.
    pub(super) warnings: Vec<String>,
}

/// Whether a cell is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Yes(Variant),
    /// It would be, but nothing is generated for it.
    Unsupported {
        reason: String,
    },
    /// The flags leave it out.
    No,
}

impl Choice {
    /// Decides what `cli` asks for, given what is in the output directory.
    pub(super) fn new(
        cli: &Cli,
        registry: &Registry,
        output: &Path,
        templates: Templates,
    ) -> Result<Self, Failure> {
        let extras = extras(cli);
        let mut warnings = Vec::new();
        let platforms = platforms(cli, &extras)?;
        let left_out = left_out(cli, registry, &platforms, &mut warnings)?;
        let chooser = !cli.generate.is_empty() || !cli.family.is_empty() || cli.generate_missing;
        let all = cli.all || !(chooser || cli.enhance_openvino || cli.enhance_web_platforms);
        let everything = all
            && !cli.key_models_only
            && platforms.len() == Platform::ALL.len()
            && left_out.is_empty()
            && cli.variant.wanted().is_none()
            && cli.kind == KindArg::All
            && cli.limit.is_none();
        let mut request = Request {
            models: (!cli.generate.is_empty()).then(|| cli.generate.iter().cloned().collect()),
            families: (!cli.family.is_empty()).then(|| cli.family.iter().copied().collect()),
            key_models_only: cli.key_models_only,
            platforms,
            left_out,
            variant: cli.variant.wanted(),
            kinds: match cli.kind {
                KindArg::Test => [Kind::Test, Kind::Extra].into(),
                KindArg::Skill => [Kind::Skill].into(),
                KindArg::All => [Kind::Skill, Kind::Test, Kind::Extra].into(),
            },
            extras,
            present: sync::present_cells(output, registry)?,
            missing_only: cli.generate_missing,
            templates,
            ..Request::default()
        };
        if let Some(limit) = cli.limit {
            let chosen = request.chosen_models(registry)?;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            if chosen.len() > limit {
                let keys = chosen.iter().take(limit).map(|it| it.key.to_string()).collect();
                let left_out = count(chosen.len() - limit, "model");
                warnings.push(format!("--limit {limit} leaves out {left_out}"));
                request.models = Some(keys);
            }
        }
        let models = request.chosen_models(registry)?;
        if cli.key_models_only {
            for named in &cli.generate {
                if registry.model(named).is_some_and(|it| !it.key_model) {
                    warnings.push(format!(
                        "`{named}` is no key model, and --key-models-only leaves it out"
                    ));
                }
            }
        }
        let cells = models
            .iter()
            .map(|model| {
                let chosen = model.cells.iter().map(|(platform, cell)| {
                    let chosen = match variant(cell) {
                        _ if !request.platforms.contains(platform) => Chosen::No,
                        None => Chosen::Unsupported { reason: cell.reason.clone() },
                        Some(variant) if request.chooses(model, *platform, cell) => {
                            Chosen::Yes(variant)
                        }
                        Some(_) => Chosen::No,
                    };
                    (*platform, chosen)
                });
                (model.key.to_string(), chosen.collect())
            })
            .collect();
        Ok(Self { request, cells, everything, warnings })
    }

    /// The cells that are generated, by model and platform.
    pub(super) fn chosen(&self) -> impl Iterator<Item = (&str, Platform)> {
        self.cells.iter().flat_map(|(model, cells)| {
            cells
                .iter()
                .filter(|(_, it)| matches!(it, Chosen::Yes(_)))
                .map(move |(platform, _)| (model.as_str(), *platform))
        })
    }
}

/// The platforms whose extra tests are asked for.
fn extras(cli: &Cli) -> BTreeSet<Platform> {
    let openvino = cli.enhance_openvino.then_some(Platform::Openvino);
    let web: &[_] =
        if cli.enhance_web_platforms { &[Platform::Webnn, Platform::Webgpu] } else { &[] };
    openvino.into_iter().chain(web.iter().copied()).collect()
}

/// The platforms that are chosen: the enhanced ones, or all, narrowed by `--platform`.
fn platforms(cli: &Cli, extras: &BTreeSet<Platform>) -> Result<BTreeSet<Platform>, Failure> {
    let whole: BTreeSet<Platform> =
        if extras.is_empty() { Platform::ALL.iter().copied().collect() } else { extras.clone() };
    let named = named_platforms(&cli.platform)?;
    let Some(named) = named else { return Ok(whole) };
    if let Some(stray) = named.iter().find(|it| !whole.contains(it)) {
        return Err(Failure::usage(format!(
            "`--platform {stray}` cannot be used with `--enhance-…`, which is about {} only",
            extras.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(named)
}

/// The real cells that the machine of `--hardware` cannot run: it lacks the platform, or has not the
/// memory. What that leaves out of `platforms` is said, with the reason.
fn left_out(
    cli: &Cli,
    registry: &Registry,
    platforms: &BTreeSet<Platform>,
    warnings: &mut Vec<String>,
) -> Result<BTreeSet<(String, Platform)>, Failure> {
    let mut left_out = BTreeSet::new();
    let Some(machine) = hardware::inventory(&cli.hardware)? else { return Ok(left_out) };
    for state in &machine.platforms {
        let wanted = platforms.contains(&state.platform);
        if !state.available {
            left_out.extend(registry.models.iter().map(|it| (it.key.to_string(), state.platform)));
            let why = state.obstacle.as_ref().map_or("no reason is given", |it| it.reason.as_str());
            if wanted {
                warnings.push(format!("--hardware leaves out {}: {why}", state.platform));
            }
            continue;
        }
        let Some(most) = hardware::memory_bytes(&machine, state.platform) else { continue };
        for model in &registry.models {
            let Some(cell) = model.cells.get(&state.platform) else { continue };
            let needed = estimate_of(model, cell).requirements.min_memory_bytes;
            if needed <= most {
                continue;
            }
            left_out.insert((model.key.to_string(), state.platform));
            if wanted && variant(cell) == Some(Variant::Real) {
                warnings.push(format!(
                    "--hardware leaves out {} on {}: it needs {}, and there is {} in all",
                    model.key,
                    state.platform,
                    shown_bytes(needed),
                    shown_bytes(most)
                ));
            }
        }
    }
    Ok(left_out)
}

/// The platforms of `--platform`; `None` is all.
pub(super) fn named_platforms(
    given: &[PlatformArg],
) -> Result<Option<BTreeSet<Platform>>, Failure> {
    if given.contains(&PlatformArg::All) {
        if given.iter().any(|it| *it != PlatformArg::All) {
            let message = "`--platform all` includes every platform; name either `all` or some";
            return Err(Failure::usage(message));
        }
        return Ok(None);
    }
    let named = given.iter().filter_map(|it| match it {
        PlatformArg::One(platform) => Some(*platform),
        PlatformArg::All => None,
    });
    Ok((!given.is_empty()).then(|| named.collect()))
}
