//! What only makes sense together: contradictions, the classifier's answer, defaults.

use std::collections::BTreeMap;

use accel_core::classify::{Classification, Clue, ModelFacts, classify};
use accel_core::{
    Config, Evidence, Family, OptionValue, Platform, Precision, Subfamily, Support, Task,
    Tolerance, Value as Said, Vocabulary, estimate, group_digits,
};

use crate::cases;

use super::context::{Context, Span, quote};
use super::decode::{Field, Map};
use super::ident::{IdentError, collision_key};
use super::raw::{
    PerPlatform, RawCell, RawFamily, RawModel, RawPlatform, RawRegistry, RawTolerance,
};
use super::{
    Cell, Code, FamilyDefaults, Model, OptionValues, PlatformDefaults, Registry, RustIdent,
    Tolerances,
};

/// The registry, warnings still with `cx`. When anything was reported as an error, here or
/// before, the answer is worth nothing and [`Context::finish`] drops it.
pub(super) fn registry(raw: &RawRegistry, cx: &mut Context<'_>) -> Option<Registry> {
    let platforms = match &raw.platforms {
        Field::Good { value, span } => Some(platform_defaults(value, *span, cx)),
        _ => None,
    };
    let families = raw.families.value().map(|it| family_defaults(it, cx));
    let defaults = Defaults {
        platforms: platforms.unwrap_or_default(),
        families: families.unwrap_or_default(),
    };
    let mut models: Vec<Model> = Vec::new();
    let mut keys: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (name, span, model) in &raw.models.value()?.0 {
        let key = identifier(name, *span, &mut keys, cx);
        let Some(model) = model else { continue };
        let family_is_known = |it: Family| raw.families.value().is_none_or(|all| all.has(it));
        let model = self::model(key, model, *span, &defaults, &family_is_known, cx);
        models.extend(model);
    }
    models.sort_by(|a, b| a.key.cmp(&b.key));
    raw.version.value()?;
    let Defaults { platforms, families } = defaults;
    Some(Registry { platforms, families, models, warnings: Vec::new() })
}

struct Defaults {
    platforms: BTreeMap<Platform, PlatformDefaults>,
    families: BTreeMap<Family, FamilyDefaults>,
}

fn platform_defaults(
    raw: &PerPlatform<RawPlatform>,
    at: Span,
    cx: &mut Context<'_>,
) -> BTreeMap<Platform, PlatformDefaults> {
    for platform in Platform::ALL.iter().filter(|it| !raw.0.has(**it)) {
        let message = format!("`platforms` needs the defaults of `{platform}`");
        cx.report(Code::MissingKey, at, message, None);
    }
    let defaults = |(platform, at, raw): (Platform, Span, &RawPlatform), cx: &mut Context<'_>| {
        let options = raw.options.value().map(|it| {
            it.report_missing(platform, raw.options.span().unwrap_or(at), cx);
            it.values(Some(platform), cx)
        });
        let options = options.unwrap_or_default();
        (platform, PlatformDefaults { options, tolerances: tolerances(&raw.tolerances) })
    };
    raw.0.iter().map(|it| defaults(it, cx)).collect()
}

fn family_defaults(
    raw: &Map<Family, RawFamily>,
    cx: &mut Context<'_>,
) -> BTreeMap<Family, FamilyDefaults> {
    let defaults = |(family, _, raw): (Family, Span, &RawFamily), cx: &mut Context<'_>| {
        let priority = raw.platform_priority.value();
        let defaults = FamilyDefaults {
            platform_priority: priority
                .map(|it| it.0.iter().map(|(platform, _)| *platform).collect())
                .unwrap_or_default(),
            options: raw.options.value().map(|it| it.values(None, cx)).unwrap_or_default(),
            tolerances: tolerances(&raw.tolerances),
        };
        (family, defaults)
    };
    raw.iter().map(|it| defaults(it, cx)).collect()
}

/// The tolerances of a mapping. One that is wrong is still there, so that it is not also missing.
fn tolerances(raw: &Field<Map<Precision, RawTolerance>>) -> Tolerances {
    let any = Tolerance { max_abs: f64::MAX, min_cosine: 0.0, min_sqnr_db: 0.0 };
    let tolerance = |it: &RawTolerance| {
        Some(Tolerance {
            max_abs: it.max_abs.value()?.0,
            min_cosine: it.min_cosine.value()?.0,
            min_sqnr_db: it.min_sqnr_db.value()?.0,
        })
    };
    match raw {
        Field::Absent => Tolerances::new(),
        Field::Wrong => Precision::ALL.iter().map(|it| (*it, any)).collect(),
        Field::Good { value, .. } => {
            let all = value.0.iter();
            all.map(|(it, _, raw)| (*it, raw.as_ref().and_then(tolerance).unwrap_or(any))).collect()
        }
    }
}

fn identifier<'r>(
    name: &'r str,
    span: Span,
    keys: &mut BTreeMap<String, (&'r str, Span)>,
    cx: &mut Context<'_>,
) -> Option<RustIdent> {
    let parsed = RustIdent::parse(name);
    if let Err(error) = &parsed {
        let message = format!("the key {} {error}", quote(name));
        let (code, help) = match error {
            IdentError::Malformed { suggestion } => {
                (Code::BadIdentifier, suggestion.as_ref().map(|it| format!("did you mean `{it}`?")))
            }
            IdentError::Reserved { .. } => (
                Code::ReservedIdentifier,
                Some(format!("choose another key, such as `{name}_model`")),
            ),
        };
        cx.report(code, span, message, help);
    }
    let collision = collision_key(name);
    match keys.get(&collision) {
        Some((other, first)) if !collision.is_empty() => {
            let message = format!(
                "the keys {} and {} (at {}) become the same name in Rust",
                quote(name),
                quote(other),
                cx.place(first.start)
            );
            let help = "letters and digits alone must tell the keys apart";
            cx.advise(Code::CollidingIdentifier, span, message, help);
        }
        _ => {
            keys.insert(collision, (name, span));
        }
    }
    parsed.ok()
}

fn model(
    key: Option<RustIdent>,
    raw: &RawModel,
    at: Span,
    defaults: &Defaults,
    family_is_known: &dyn Fn(Family) -> bool,
    cx: &mut Context<'_>,
) -> Option<Model> {
    warn_if_unpinned(raw, cx);
    report_other_count(raw, cx);
    let kind = kind(raw, at, cx);
    let subfamily = kind.as_ref().map(|(_, it)| *it);
    if let Some(subfamily) = subfamily {
        report_impossible_tasks(raw, subfamily, cx);
        report_kind_without_pipeline(raw, subfamily, at, cx);
        let family = subfamily.family();
        if !family_is_known(family) {
            let message = format!("the model is of the family `{family}`, which has no defaults");
            let help = format!("add `{family}:` with its `platform_priority` under `families`");
            cx.advise(Code::NoFamilyDefaults, at, message, help);
        }
    }
    let has_dir = !matches!(raw.model_dir, Field::Absent);
    let family = subfamily.and_then(|it| defaults.families.get(&it.family()));
    let precisions = precisions(raw);
    let mut cells = BTreeMap::new();
    if let Field::Good { value, span } = &raw.platforms {
        report_missing_platforms(value, *span, cx);
        for (platform, at, raw) in value.0.iter() {
            if let Some(subfamily) = subfamily {
                report_unplanned_cases(raw, subfamily, platform, &precisions, cx);
            }
            let defaults = defaults.platforms.get(&platform);
            cells.extend(
                cell(platform, raw, at, has_dir, defaults, family, cx).map(|it| (platform, it)),
            );
        }
    }
    let (classification, subfamily) = kind?;
    Some(Model {
        key: key?,
        class: raw.class.value()?.0.clone(),
        hub_id: raw.hub_id.value()?.0.clone(),
        revision: raw.revision.value()?.0.clone(),
        architectures: architectures(raw),
        model_type: raw.model_type.value()?.0.clone(),
        tasks: tasks(raw),
        key_model: raw.key_model.value()?.0,
        parameters: raw.parameters.value()?.0,
        config: config(raw),
        model_dir: raw.model_dir.value().map(|it| it.0.clone()).unwrap_or_default(),
        precisions,
        classification,
        subfamily,
        cells,
    })
}

fn architectures(raw: &RawModel) -> Vec<String> {
    let all = raw.architectures.value().into_iter().flat_map(|it| &it.0);
    all.map(|(it, _)| it.0.clone()).collect()
}

fn tasks(raw: &RawModel) -> Vec<Task> {
    raw.tasks.value().into_iter().flat_map(|it| &it.0).map(|(it, _)| *it).collect()
}

fn precisions(raw: &RawModel) -> Vec<Precision> {
    raw.precisions.value().into_iter().flat_map(|it| &it.0).map(|(it, _)| *it).collect()
}

/// The entry's `config` with what it has beside it.
fn config(raw: &RawModel) -> Option<Config> {
    let mut config = raw.config.value()?.0.clone();
    let architectures = architectures(raw).into_iter().map(Said::Text).collect();
    config.0.insert("architectures".to_owned(), Said::List(architectures));
    let model_type = raw.model_type.value()?.0.clone();
    config.0.insert("model_type".to_owned(), Said::Text(model_type));
    Some(config)
}

/// Two statements on the same weights must agree.
fn report_other_count(raw: &RawModel, cx: &mut Context<'_>) {
    let (Some(config), Some(span), Field::Good { value, span: at }) =
        (config(raw), raw.config.span(), &raw.parameters)
    else {
        return;
    };
    match estimate::parameters(&config) {
        Ok(count) if count.parameters != value.0 => {
            let message = format!(
                "{} parameters, but {} has {} by this `config`",
                group_digits(value.0),
                quote(&count.architecture),
                group_digits(count.parameters)
            );
            let help = "mend the one that is wrong; weights that are shared count once";
            cx.advise(Code::OtherCount, *at, message, help);
        }
        Ok(_) => {}
        Err(error) => {
            let message = format!("the weights of this config cannot be counted: {error}");
            cx.advise(Code::Uncountable, span, message, "mend it, or remove `config`");
        }
    }
}

fn warn_if_unpinned(raw: &RawModel, cx: &mut Context<'_>) {
    if let Field::Good { value, span } = &raw.revision {
        let revision = &value.0;
        if revision.len() != 40 || !revision.bytes().all(|it| it.is_ascii_hexdigit()) {
            let message = format!("the revision {} is not a commit and can move", quote(revision));
            let help = "write the commit's 40 hexadecimal digits, so that the same weights load \
                        tomorrow";
            cx.advise(Code::UnpinnedRevision, *span, message, help);
        }
    }
}

/// What kind of model it is, by the classifier and by the entry, whose word goes.
fn kind(raw: &RawModel, at: Span, cx: &mut Context<'_>) -> Option<(Classification, Subfamily)> {
    let (architectures, tasks) = (architectures(raw), tasks(raw));
    let model_type = raw.model_type.value().map(|it| it.0.as_str());
    let facts = ModelFacts {
        architectures: &architectures,
        model_type,
        tasks: &tasks,
        ..ModelFacts::default()
    };
    let classified = classify(&facts).ok();
    if let Some(classification) = &classified {
        warn_of_conflicts(classification, at, cx);
    }
    match (classified, &raw.subfamily) {
        (Some(classification), Field::Good { value, span }) => {
            if classification.subfamily != *value {
                let reasons: Vec<String> =
                    classification.evidence.iter().map(|it| quote(&it.value)).collect();
                let message = format!(
                    "the entry says `{value}`, the classifier `{}` by {}",
                    classification.subfamily,
                    reasons.join(", ")
                );
                let help = "the entry's word goes; if it is right, nothing needs to be done";
                cx.advise(Code::OverridesClassifier, *span, message, help);
            }
            Some((classification, *value))
        }
        (Some(classification), _) => {
            let subfamily = classification.subfamily;
            Some((classification, subfamily))
        }
        (None, Field::Good { value, .. }) => Some((unknown_to_classifier(*value, &tasks), *value)),
        (None, Field::Wrong) => None,
        (None, Field::Absent) => {
            // Without a single fact there is something else to mend first.
            if !architectures.is_empty() {
                let message = "the classifier does not know this model".to_owned();
                let help = format!("add `subfamily:` with one of {}", served());
                cx.advise(Code::Unclassified, at, message, help);
            }
            None
        }
    }
}

/// The answer of a classifier that knows nothing, in the entry's words.
fn unknown_to_classifier(subfamily: Subfamily, tasks: &[Task]) -> Classification {
    let fallback = subfamily.tasks().first().copied().unwrap_or(Task::FeatureExtraction);
    Classification {
        family: subfamily.family(),
        subfamily,
        task: tasks.first().copied().unwrap_or(fallback),
        confidence: 0.0,
        evidence: Vec::new(),
    }
}

fn warn_of_conflicts(classification: &Classification, at: Span, cx: &mut Context<'_>) {
    let conflicts: Vec<String> = classification
        .conflicts()
        .map(|it| format!("{} to `{}`", quote(&it.value), kind_of(it)))
        .collect();
    if let (false, Some(first)) = (conflicts.is_empty(), classification.evidence.first()) {
        let message = format!(
            "{} points to `{}`, but {}",
            quote(&first.value),
            kind_of(first),
            conflicts.join(", ")
        );
        let help = "check `architectures`, `model_type` and `tasks` against the config.json";
        cx.advise(Code::ConflictingEvidence, at, message, help);
    }
}

/// The kind that evidence speaks for.
fn kind_of(clue: &Clue) -> &'static str {
    clue.subfamily.map_or("no kind", Subfamily::name)
}

fn report_impossible_tasks(raw: &RawModel, subfamily: Subfamily, cx: &mut Context<'_>) {
    for (task, span) in raw.tasks.value().into_iter().flat_map(|it| &it.0) {
        if !subfamily.tasks().contains(task) {
            let message = format!("a model of the kind `{subfamily}` cannot do `{task}`");
            let possible: Vec<&str> = subfamily.tasks().iter().map(|it| it.name()).collect();
            cx.advise(
                Code::ImpossibleTask,
                *span,
                message,
                format!("it can do {}", possible.join(", ")),
            );
        }
    }
}

/// The kinds that templates and pipelines serve.
fn served() -> String {
    let served = Subfamily::ALL.iter().filter(|it| it.has_pipeline()).map(|it| it.name());
    served.collect::<Vec<_>>().join(", ")
}

/// A kind that the classifier can tell and nothing can run.
fn report_kind_without_pipeline(
    raw: &RawModel,
    subfamily: Subfamily,
    at: Span,
    cx: &mut Context<'_>,
) {
    if subfamily.has_pipeline() {
        return;
    }
    let message = format!("no template and no pipeline serves models of the kind `{subfamily}`");
    let help = format!("there are those of {}", served());
    cx.advise(Code::NoPipeline, raw.subfamily.span().unwrap_or(at), message, help);
}

/// An expected failure that no test has would be a claim that nothing checks.
fn report_unplanned_cases(
    raw: &RawCell,
    subfamily: Subfamily,
    platform: Platform,
    precisions: &[Precision],
    cx: &mut Context<'_>,
) {
    let planned = cases::all(subfamily, platform, precisions);
    for (case, span, _) in raw.expected_failures.value().into_iter().flat_map(|it| &it.0) {
        if !planned.contains(case) {
            let message =
                format!("no test of a `{subfamily}` on `{platform}` has the case `{case}`");
            let names: Vec<&str> = planned.iter().map(|it| it.name()).collect();
            let help = format!("remove it, or name one of {}", names.join(", "));
            cx.advise(Code::UnplannedCase, *span, message, help);
        }
    }
}

fn report_missing_platforms(raw: &PerPlatform<RawCell>, at: Span, cx: &mut Context<'_>) {
    let missing: Vec<&str> =
        Platform::ALL.iter().filter(|it| !raw.0.has(**it)).map(|it| it.name()).collect();
    if !missing.is_empty() {
        let message = format!("nothing is said of {}", missing.join(", "));
        let help = "a model says what holds on every platform; where it does not run, write \
                    `{ support: unsupported, reason: …, evidence: none }`";
        cx.advise(Code::MissingPlatform, at, message, help);
    }
}

fn cell(
    platform: Platform,
    raw: &RawCell,
    at: Span,
    has_dir: bool,
    defaults: Option<&PlatformDefaults>,
    family: Option<&FamilyDefaults>,
    cx: &mut Context<'_>,
) -> Option<Cell> {
    report_contradictions(raw, has_dir, cx);
    let own_options =
        raw.options.value().map(|it| it.values(Some(platform), cx)).unwrap_or_default();
    let own_tolerances = tolerances(&raw.tolerances);
    let failures = raw.expected_failures.value().into_iter().flat_map(Map::iter);
    let failures = failures.map(|(case, _, reason)| (case, reason.0.clone())).collect();

    let (defaults, family) = (defaults?, family?);
    let options = merged(&[&defaults.options, &family.options, &own_options]);
    let tolerances = merged(&[&defaults.tolerances, &family.tolerances, &own_tolerances]);
    report_missing_tolerance(platform, raw, at, &options, &tolerances, cx);
    Some(Cell {
        support: *raw.support.value()?,
        reason: raw.reason.value().map(|it| it.0.clone()).unwrap_or_default(),
        evidence: raw.evidence.value()?.0.clone(),
        options,
        tolerances,
        expected_failures: failures,
    })
}

/// The maps laid over one another, later ones on top.
fn merged<K: Copy + Ord, V: Copy>(layers: &[&BTreeMap<K, V>]) -> BTreeMap<K, V> {
    layers.iter().flat_map(|it| it.iter()).map(|(key, value)| (*key, *value)).collect()
}

fn report_missing_tolerance(
    platform: Platform,
    raw: &RawCell,
    at: Span,
    options: &OptionValues,
    tolerances: &Tolerances,
    cx: &mut Context<'_>,
) {
    let Some(OptionValue::Choice(name)) = options.get("precision") else { return };
    if raw.support.value() != Some(&Support::Unsupported)
        && let Ok(precision) = Precision::parse(name)
        && !tolerances.contains_key(&precision)
    {
        let message = format!("there is no tolerance for `{precision}`, the cell's precision");
        let help = format!(
            "add `{precision}: {{ max_abs: …, min_cosine: …, min_sqnr_db: … }}` to the \
             `tolerances` of the cell, its family or `{platform}`"
        );
        cx.advise(Code::NoTolerance, raw.options.span().unwrap_or(at), message, help);
    }
}

fn report_contradictions(raw: &RawCell, has_dir: bool, cx: &mut Context<'_>) {
    let Field::Good { value: support, span } = &raw.support else { return };
    let executed = matches!(
        raw.evidence.value().map(|it| &it.0),
        Some(Evidence::Ci | Evidence::CiSoftware | Evidence::Device { .. })
    );
    match (support, &raw.reason) {
        (Support::Real, Field::Good { span, .. }) => {
            let help = "remove the reason, or say `simulation` or `unsupported`";
            cx.advise(Code::RealWithReason, *span, "a real cell has no reason why it is not", help);
        }
        (Support::Simulation | Support::Unsupported, Field::Absent) => {
            let message = format!("`{support}` needs a reason");
            let help = "add `reason:` with one sentence; every result of the cell will show it";
            cx.advise(Code::NoReason, *span, message, help);
        }
        _ => {}
    }
    if *support == Support::Unsupported {
        report_settings_of_unsupported(raw, cx);
    }
    let Some(evidence) = raw.evidence.span() else { return };
    if *support == Support::Simulation && executed {
        let message = "a simulation is no run on the platform";
        let help = "say `evidence: none`, or `support: real` if it did run there";
        cx.advise(Code::SimulationWithEvidence, evidence, message, help);
    }
    if *support == Support::Real && raw.evidence.value().is_some_and(|it| it.0.is_ci()) && !has_dir
    {
        let message = "CI cannot have run a model that is not in the repository";
        let help = "name the model's `model_dir`, or say `evidence: none`";
        cx.advise(Code::EvidenceWithoutModel, evidence, message, help);
    }
}

fn report_settings_of_unsupported(raw: &RawCell, cx: &mut Context<'_>) {
    let evidence = raw.evidence.value().is_some_and(|it| it.0 != Evidence::None);
    let options = raw.options.value().is_some_and(|it| !it.is_empty());
    let tolerances = raw.tolerances.value().is_some_and(|it| !it.0.is_empty());
    let failures = raw.expected_failures.value().is_some_and(|it| !it.0.is_empty());
    let settings = [
        ("evidence", evidence, raw.evidence.span()),
        ("options", options, raw.options.span()),
        ("tolerances", tolerances, raw.tolerances.span()),
        ("expected_failures", failures, raw.expected_failures.span()),
    ];
    let written = settings.into_iter().filter(|(_, written, _)| *written);
    for (name, span) in written.filter_map(|(name, _, span)| Some((name, span?))) {
        let message = format!("nothing is generated for an unsupported cell: no `{name}`");
        let help = if name == "evidence" { "say `evidence: none`" } else { "remove it" };
        cx.advise(Code::UnsupportedWithSettings, span, message, help);
    }
}
