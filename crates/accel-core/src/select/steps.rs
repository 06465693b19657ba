//! What is asked for, one after the other, and what comes of it.

use super::candidate::Candidate;
use super::{Given, Rejection, Request, Selection, Wish};
use crate::Platform;
use crate::compatibility::{Finding, Level, Model, Reason, Rule, in_brief};
use crate::diagnosis::FallbackPolicy;

/// Something to ask for.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// The entry of the list, from 0.
    entry: usize,
    wanted: String,
    /// Whether it is what the entry means, not a substitute.
    meant: bool,
    choice: Choice<'a>,
}

#[derive(Debug)]
enum Choice<'a> {
    Accepted(Candidate<'a>),
    Rejected(Rejection),
}

impl<'a> Step<'a> {
    fn accepted(&self) -> Option<Candidate<'a>> {
        match &self.choice {
            Choice::Accepted(candidate) => Some(*candidate),
            Choice::Rejected(_) => None,
        }
    }

    fn rejected(&self) -> Option<&Rejection> {
        match &self.choice {
            Choice::Accepted(_) => None,
            Choice::Rejected(rejection) => Some(rejection),
        }
    }

    fn of(
        entry: usize,
        wanted: &str,
        meant: bool,
        model: &Model,
        candidate: &Candidate<'a>,
        request: &Request,
    ) -> Self {
        let choice = if candidate.accepted(request) {
            Choice::Accepted(*candidate)
        } else {
            Choice::Rejected(candidate.rejection(model, wanted, request))
        };
        Self { entry, wanted: wanted.to_owned(), meant, choice }
    }

    /// A device that does not exist here.
    fn missing(
        entry: usize,
        wanted: &str,
        device: String,
        message: String,
        remedy: String,
    ) -> Self {
        let reason = Reason {
            rule: Rule::Hardware,
            finding: Finding::Absent,
            allows: Level::None,
            message,
            remedy: Some(remedy),
        };
        let rejection = Rejection { wanted: wanted.to_owned(), device, reasons: vec![reason] };
        Self { entry, wanted: wanted.to_owned(), meant: true, choice: Choice::Rejected(rejection) }
    }
}

/// Without a list: every device, in the order in which it suits.
pub(super) fn computed<'a>(
    model: &Model,
    candidates: &[Candidate<'a>],
    request: &Request,
) -> Vec<Step<'a>> {
    let unknown = request
        .preferred_index
        .filter(|index| candidates.iter().all(|it| it.target.index != Some(*index)))
        .map(|index| {
            let wanted = format!("number {index}");
            let message = format!("no device here has the number {index}");
            let remedy = format!("the numbers here: {}", numbers(candidates));
            Step::missing(0, &wanted, wanted.clone(), message, remedy)
        });
    let first = usize::from(unknown.is_some());
    let all = candidates
        .iter()
        .enumerate()
        .map(|(i, it)| Step::of(i + first, &it.target.device, true, model, it, request));
    unknown.into_iter().chain(all).collect()
}

fn numbers(candidates: &[Candidate<'_>]) -> String {
    let mut names: Vec<&str> = candidates
        .iter()
        .filter(|it| it.target.index.is_some() && it.target.obstacle.is_none())
        .map(|it| it.target.device.as_str())
        .collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// With a list: what each entry means, in the list's order.
pub(super) fn listed<'a>(
    model: &Model,
    candidates: &[Candidate<'a>],
    request: &Request,
) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    for (entry, wish) in request.priority.iter().enumerate() {
        let wanted = wish.to_string();
        let platform = wish.platform();
        let here: Vec<&Candidate<'a>> =
            candidates.iter().filter(|it| it.target.platform == platform).collect();
        let step = |meant, it: &Candidate<'a>| Step::of(entry, &wanted, meant, model, it, request);
        let numbered = here.iter().any(|it| it.target.index.is_some());
        match (wish, request.preferred_index.filter(|_| numbered)) {
            (Wish::Device { device, .. }, _) => {
                steps.push(match here.iter().find(|it| it.target.device == *device) {
                    Some(it) => step(true, it),
                    None => absent(entry, &wanted, device, platform, &here),
                });
            }
            (Wish::Platform(_), None) => steps.extend(here.iter().map(|it| step(true, it))),
            (Wish::Platform(_), Some(index)) => {
                let (meant, others): (Vec<_>, Vec<_>) =
                    here.iter().copied().partition(|it| it.target.index == Some(index));
                if meant.is_empty() {
                    let device = format!("{platform}:{index}");
                    steps.push(absent(entry, &wanted, &device, platform, &here));
                }
                steps.extend(meant.into_iter().map(|it| step(true, it)));
                steps.extend(others.into_iter().map(|it| step(false, it)));
            }
        }
    }
    steps
}

/// A device that the machine does not have, and those that it has.
fn absent<'a>(
    entry: usize,
    wanted: &str,
    device: &str,
    platform: Platform,
    others: &[&Candidate<'a>],
) -> Step<'a> {
    let mut here: Vec<&str> = others
        .iter()
        .filter(|it| it.target.obstacle.is_none())
        .map(|it| it.target.device.as_str())
        .collect();
    here.sort_unstable();
    let obstacle = others.iter().find_map(|it| it.target.obstacle.as_ref());
    let (message, remedy) = match (here.as_slice(), obstacle) {
        ([], Some(obstacle)) => {
            (format!("there is no {device} here: {}", obstacle.reason), obstacle.remedy.clone())
        }
        ([], None) => (format!("there is no {device} here"), "take another device".to_owned()),
        (_, _) => {
            let (all, one) = (here.join(", "), here.join(" or "));
            (
                format!("there is no {device} here; {} has {all}", platform.label()),
                format!("take {one}"),
            )
        }
    };
    Step::missing(entry, wanted, device.to_owned(), message, remedy)
}

/// Walks the steps under the policy.
pub(super) fn answer(
    model: &Model,
    steps: &[Step<'_>],
    candidates: &[Candidate<'_>],
    request: &Request,
) -> Selection {
    let automatic = request.priority.is_empty();
    let first = |it: &&Step<'_>| it.entry == 0 && it.meant;
    let accepted = |it: &&Step<'_>| it.accepted().is_some();
    let dearest = steps.iter().filter(first).find(accepted);
    let taken: Option<(Candidate<'_>, usize)> = match (dearest, request.policy) {
        (Some(step), _) => step.accepted().map(|it| (it, step.entry)),
        (None, FallbackPolicy::Strict) => None,
        (None, FallbackPolicy::NextBest) => {
            steps.iter().find_map(|step| step.accepted().map(|it| (it, step.entry)))
        }
        (None, FallbackPolicy::Cpu) => {
            let cpu = candidates.iter().find(|it| it.target.platform == Platform::Cpu);
            cpu.filter(|it| it.accepted(request)).map(|it| (*it, usize::MAX))
        }
    };
    // What was asked up to the answer; without one, or without a list, everything.
    let asked = |it: &&Step<'_>| automatic || taken.is_none_or(|(_, entry)| it.entry <= entry);
    let mut rejections: Vec<Rejection> = Vec::new();
    for rejection in steps.iter().filter(asked).filter_map(Step::rejected) {
        if rejections.iter().all(|it| it.device != rejection.device) {
            rejections.push(rejection.clone());
        }
    }
    if let (None, FallbackPolicy::Cpu) = (taken, request.policy) {
        let told = rejections.iter().any(|it| it.device == Platform::Cpu.name());
        let cpu = candidates.iter().find(|it| it.target.platform == Platform::Cpu);
        rejections.extend(cpu.filter(|_| !told).map(|it| it.rejection(model, "cpu", request)));
    }
    let given = taken.map(|(it, _)| it.given(model));
    let mut alternatives: Vec<Given> = Vec::new();
    for other in steps.iter().filter_map(Step::accepted) {
        let device = &other.target.device;
        let is = |it: &Given| it.device == *device;
        if !given.as_ref().is_some_and(is) && !alternatives.iter().any(is) {
            alternatives.push(other.given(model));
        }
    }
    let fell_back = taken.is_some() && dearest.is_none();
    let wanted = wanted(steps, request);
    let why = why(model, request, &wanted, given.as_ref(), fell_back, &rejections, &alternatives);
    Selection {
        model: model.key.clone(),
        policy: request.policy,
        wanted,
        automatic,
        preferred_index: request.preferred_index,
        given,
        fell_back,
        why,
        rejections,
        alternatives,
    }
}

fn wanted(steps: &[Step<'_>], request: &Request) -> Vec<String> {
    if !request.priority.is_empty() {
        return request.priority.iter().map(ToString::to_string).collect();
    }
    // What cannot be had is no part of a computed list, unless there is nothing else.
    let nothing = steps.iter().all(|it| it.accepted().is_none());
    let listed = steps.iter().filter(|it| nothing || it.accepted().is_some());
    listed.map(|it| it.wanted.clone()).collect()
}

fn why(
    model: &Model,
    request: &Request,
    wanted: &[String],
    given: Option<&Given>,
    fell_back: bool,
    rejections: &[Rejection],
    alternatives: &[Given],
) -> String {
    let first = wanted.first().map_or("", String::as_str);
    let obstacle = rejections
        .iter()
        .find_map(|it| it.reasons.first())
        .map_or("nothing can be had", |it| it.message.as_str());
    match given {
        Some(given) if fell_back => format!(
            "`{first}` cannot be had: {obstacle}; the policy {} gives {}",
            request.policy, given.device
        ),
        Some(given) if request.priority.is_empty() => {
            format!(
                "{} suits {} best here: {} ({})",
                given.device,
                model.key,
                given.level,
                in_brief(&given.reasons)
            )
        }
        Some(given) => {
            format!(
                "`{first}` is the first choice, and {} can be had: {}",
                given.device, given.level
            )
        }
        None => {
            let instead = match alternatives.first() {
                Some(it) if request.policy != FallbackPolicy::NextBest => {
                    format!("; the policy {} would give {}", FallbackPolicy::NextBest, it.device)
                }
                _ => String::new(),
            };
            format!("`{first}` cannot be had: {obstacle}{instead}")
        }
    }
}
