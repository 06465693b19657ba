//! `Resize` with mode=cubic, which rten interpolates linearly and WebNN lacks, and with
//! mode=nearest, of which WebNN knows one kind only.
//!
//! The cubic replacement gathers four neighbours along each axis and adds them up with their weights,
//! as ONNX's specification of `Resize` defines them (operator set 19; cubic convolution after
//! Keys 1981). Positions are floats, whose rounding shows on long axes: on one of 1001 elements
//! the order of the arithmetic moves results by 3e-4. It is that of `PyTorch`
//! (`area_pixel_compute_scale` in `UpSample.h`), where exported models come from: results equal
//! its own to 2e-6.

use rten_onnx::onnx::{DataType, NodeProto};

use super::known::Constants;
use super::nodes::Nodes;
use crate::engine::rten::operators::{attribute, float, input, integer, text};

/// How an index of the result becomes a position in the input.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

/// The kind of interpolation.
struct Cubic {
    coordinates: Coordinates,
    /// Keys' coefficient.
    a: f32,
    /// Whether neighbours beyond the edge count for nothing, instead of repeating the edge.
    exclude_outside: bool,
}

/// What an axis is resized to.
enum Target {
    /// A factor, known beforehand.
    Scale(f32),
    /// The name of an integer without dimensions.
    Size(String),
}

/// Writes the node as sums of weighted neighbours.
pub(super) fn rewrite(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let cubic = Cubic::of(node)?;
    by_axis(node, constants, nodes, &|nodes, value, axis, target| {
        cubic.axis(nodes, value, axis, target)
    })
}

/// Writes the node as a choice of elements. Of nearest ones, only those before a position that
/// is not moved are served: PyTorch's, from where models are exported.
pub(super) fn rewrite_nearest(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
) -> Result<(), String> {
    let coordinates = text(node, "coordinate_transformation_mode").unwrap_or("half_pixel");
    let rounding = text(node, "nearest_mode").unwrap_or("round_prefer_floor");
    if (coordinates, rounding) != ("asymmetric", "floor") {
        return Err(format!(
            "coordinate_transformation_mode={coordinates} with nearest_mode={rounding} is not \
             known here, only asymmetric with floor"
        ));
    }
    stretches(node)?;
    by_axis(node, constants, nodes, &nearest_axis)
}

/// Resizes one axis, -1 or -2, of a value.
type Axis<'a> = &'a dyn Fn(&mut Nodes<'_>, &str, i64, &Target) -> String;

/// Resizes each axis by itself.
fn by_axis(
    node: &NodeProto,
    constants: &Constants,
    nodes: &mut Nodes<'_>,
    resize: Axis<'_>,
) -> Result<(), String> {
    let [output] = node.output.as_slice() else {
        return Err("it does not have one output".to_owned());
    };
    let value = input(node, 0).ok_or("it has no input")?;
    let floats = |name: &str| constants.get(name)?.as_ref()?.floats.as_ref();
    // Exporters write an empty constant for scales that are not given.
    let scales = input(node, 2).filter(|it| floats(it).is_none_or(|it| !it.is_empty()));
    let named = named_axes(node)?;
    // The last axis first, each with its place among the scales or sizes, counted from their end.
    let mut axes: Vec<_> = named.unwrap_or([-2, -1]).into_iter().zip([2_usize, 1]).collect();
    axes.sort_unstable_by_key(|(axis, _)| -axis);
    let mut resized = value.to_owned();
    match (scales, input(node, 3)) {
        (Some(scales), _) => {
            let known = floats(scales).ok_or("its scales are not a constant")?;
            let outer = &known[..known.len().saturating_sub(2)];
            if outer.iter().any(|it| !is_one(*it)) {
                return Err("it resizes other axes than the last two".to_owned());
            }
            for (axis, place) in axes {
                // Images of one dimension have one scale.
                let Some(scale) = known.iter().nth_back(place - 1) else { continue };
                if !(scale.is_finite() && *scale > 0.0) {
                    return Err(format!("its scale {scale} is not a positive number"));
                }
                if !is_one(*scale) {
                    resized = resize(nodes, &resized, axis, &Target::Scale(*scale));
                }
            }
            nodes.add_as("Identity", &[&resized], &[], output);
        }
        (None, Some(sizes)) => {
            for (axis, place) in axes {
                let place = nodes.integer(if place == 1 { -1 } else { -2 });
                let size = nodes.add_with("Gather", &[sizes, &place], &[("axis", 0)]);
                resized = resize(nodes, &resized, axis, &Target::Size(size));
            }
            if named.is_some() {
                nodes.add_as("Identity", &[&resized], &[], output);
            } else {
                // Fails while it runs if other axes are to change their size, which ONNX Runtime
                // does not do either.
                nodes.add_as("Reshape", &[&resized, sizes], &[], output);
            }
        }
        (None, None) => return Err("it has neither scales nor sizes".to_owned()),
    }
    Ok(())
}

const fn is_one(scale: f32) -> bool {
    scale.to_bits() == 1.0_f32.to_bits()
}

/// The axes, counted from the last one, if the node names them.
fn named_axes(node: &NodeProto) -> Result<Option<[i64; 2]>, String> {
    let Some(axes) = attribute(node, "axes") else { return Ok(None) };
    match axes.ints.as_slice() {
        // Cubic interpolation is defined for images: of four dimensions, two are outer ones.
        [2, 3] | [-2, -1] => Ok(Some([-2, -1])),
        [3, 2] | [-1, -2] => Ok(Some([-1, -2])),
        _ => Err("it resizes other axes than the last two".to_owned()),
    }
}

impl Cubic {
    /// What the node asks for.
    fn of(node: &NodeProto) -> Result<Self, String> {
        let coordinates = match text(node, "coordinate_transformation_mode") {
            None | Some("half_pixel") => Coordinates::HalfPixel,
            Some("pytorch_half_pixel") => Coordinates::PytorchHalfPixel,
            Some("align_corners") => Coordinates::AlignCorners,
            Some("asymmetric") => Coordinates::Asymmetric,
            Some(other) => {
                return Err(format!("coordinate_transformation_mode={other} is not known here"));
            }
        };
        if integer(node, "antialias").unwrap_or(0) != 0 {
            return Err("antialias=1 is not known here".to_owned());
        }
        stretches(node)?;
        Ok(Self {
            coordinates,
            a: float(node, "cubic_coeff_a").unwrap_or(-0.75),
            exclude_outside: integer(node, "exclude_outside").unwrap_or(0) != 0,
        })
    }

    /// Resizes one axis, -1 or -2, of `value`.
    fn axis(&self, nodes: &mut Nodes<'_>, value: &str, axis: i64, target: &Target) -> String {
        let (zero, one) = (nodes.integer(0), nodes.integer(1));
        let old = nodes.size(value, axis);
        let new = target.size(nodes, &old);
        let index = nodes.add("Range", &[&zero, &new, &one]);
        let position = self.position(nodes, &index, &old, &new, target);
        let floor = nodes.add("Floor", &[&position]);
        let fraction = nodes.add("Sub", &[&position, &floor]);
        let whole = nodes.cast(&floor, DataType::INT64);

        // One row for each of the four neighbours.
        let column = nodes.integers(&[1]);
        let offsets = nodes.integers(&[-1, 0, 1, 2]);
        let offsets = nodes.add("Unsqueeze", &[&offsets, &column]);
        let neighbours = nodes.add("Add", &[&whole, &offsets]);
        let greatest = nodes.add("Sub", &[&old, &one]);
        let inside = nodes.add("Max", &[&neighbours, &zero]);
        let inside = nodes.add("Min", &[&inside, &greatest]);
        let offsets = nodes.cast(&offsets, DataType::FLOAT);
        let distance = nodes.add("Sub", &[&fraction, &offsets]);
        let mut weights = self.weights(nodes, &distance);
        if self.exclude_outside {
            let counts = nodes.add("Equal", &[&neighbours, &inside]);
            let counts = nodes.cast(&counts, DataType::FLOAT);
            let weighted = nodes.add("Mul", &[&weights, &counts]);
            let rows = nodes.integers(&[0]);
            let total = nodes.add("ReduceSum", &[&weighted, &rows]);
            weights = nodes.add("Div", &[&weighted, &total]);
        }

        let mut part = |row: i64| {
            let row = nodes.integer(row);
            let from = nodes.add_with("Gather", &[&inside, &row], &[("axis", 0)]);
            let mut weight = nodes.add_with("Gather", &[&weights, &row], &[("axis", 0)]);
            if axis == -2 {
                weight = nodes.add("Unsqueeze", &[&weight, &column]);
            }
            let gathered = nodes.add_with("Gather", &[value, &from], &[("axis", axis)]);
            nodes.add("Mul", &[&gathered, &weight])
        };
        let parts = [part(0), part(1), part(2), part(3)];
        let [first, second, third, fourth] = &parts;
        let sum = nodes.add("Add", &[first, second]);
        let sum = nodes.add("Add", &[&sum, third]);
        nodes.add("Add", &[&sum, fourth])
    }

    /// The position in the input of every index of the result.
    fn position(
        &self,
        nodes: &mut Nodes<'_>,
        index: &str,
        old: &str,
        new: &str,
        target: &Target,
    ) -> String {
        let index = nodes.cast(index, DataType::FLOAT);
        let step = match (self.coordinates, target) {
            (Coordinates::AlignCorners, _) => {
                // A single element has position 0, whatever the step.
                let one = nodes.integer(1);
                let old_steps = nodes.add("Sub", &[old, &one]);
                let steps = nodes.add("Sub", &[new, &one]);
                let steps = nodes.add("Max", &[&steps, &one]);
                ratio(nodes, &old_steps, &steps)
            }
            #[expect(clippy::cast_possible_truncation, reason = "rounded once, as PyTorch does")]
            (_, Target::Scale(scale)) => nodes.float(f64::from(*scale).recip() as f32),
            (_, Target::Size(_)) => ratio(nodes, old, new),
        };
        if matches!(self.coordinates, Coordinates::AlignCorners | Coordinates::Asymmetric) {
            return nodes.add("Mul", &[&index, &step]);
        }
        let half = nodes.float(0.5);
        let centre = nodes.add("Add", &[&index, &half]);
        let scaled = nodes.add("Mul", &[&centre, &step]);
        let position = nodes.add("Sub", &[&scaled, &half]);
        if self.coordinates == Coordinates::HalfPixel {
            return position;
        }
        let one = nodes.integer(1);
        let several = nodes.add("Greater", &[new, &one]);
        let zero = nodes.float(0.0);
        nodes.add("Where", &[&several, &position, &zero])
    }

    /// The weights of neighbours at these distances.
    fn weights(&self, nodes: &mut Nodes<'_>, distance: &str) -> String {
        let a = self.a;
        let distance = nodes.add("Abs", &[distance]);
        // Up to one: ((a + 2) d - (a + 3)) d² + 1; beyond: ((d - 5) d + 8) d a - 4 a.
        let near = polynomial(nodes, &distance, [a + 2.0, -(a + 3.0), 0.0, 1.0]);
        let far = polynomial(nodes, &distance, [a, -5.0 * a, 8.0 * a, -4.0 * a]);
        let one = nodes.float(1.0);
        let is_near = nodes.add("LessOrEqual", &[&distance, &one]);
        nodes.add("Where", &[&is_near, &near, &far])
    }
}

/// That the sizes are taken as they are.
fn stretches(node: &NodeProto) -> Result<(), String> {
    match text(node, "keep_aspect_ratio_policy") {
        None | Some("stretch") => Ok(()),
        Some(policy) => Err(format!("keep_aspect_ratio_policy={policy} is not known here")),
    }
}

impl Target {
    /// The new size of an axis of `old` elements.
    fn size(&self, nodes: &mut Nodes<'_>, old: &str) -> String {
        match self {
            Self::Size(name) => name.clone(),
            Self::Scale(scale) => {
                let scale = nodes.float(*scale);
                let old = nodes.cast(old, DataType::FLOAT);
                let exact = nodes.add("Mul", &[&old, &scale]);
                let whole = nodes.add("Floor", &[&exact]);
                nodes.cast(&whole, DataType::INT64)
            }
        }
    }
}

/// The element at or before each position: the index divided by the scale, as ONNX has it.
fn nearest_axis(nodes: &mut Nodes<'_>, value: &str, axis: i64, target: &Target) -> String {
    let (zero, one) = (nodes.integer(0), nodes.integer(1));
    let old = nodes.size(value, axis);
    let new = target.size(nodes, &old);
    let scale = match target {
        Target::Scale(scale) => nodes.float(*scale),
        Target::Size(_) => ratio(nodes, &new, &old),
    };
    let index = nodes.add("Range", &[&zero, &new, &one]);
    let index = nodes.cast(&index, DataType::FLOAT);
    let position = nodes.add("Div", &[&index, &scale]);
    let floor = nodes.add("Floor", &[&position]);
    let whole = nodes.cast(&floor, DataType::INT64);
    let greatest = nodes.add("Sub", &[&old, &one]);
    let inside = nodes.add("Min", &[&whole, &greatest]);
    nodes.add_with("Gather", &[value, &inside], &[("axis", axis)])
}

/// The quotient of two integers as a float.
fn ratio(nodes: &mut Nodes<'_>, dividend: &str, divisor: &str) -> String {
    let dividend = nodes.cast(dividend, DataType::FLOAT);
    let divisor = nodes.cast(divisor, DataType::FLOAT);
    nodes.add("Div", &[&dividend, &divisor])
}

/// A polynomial of the third degree with these coefficients, the highest power's first.
fn polynomial(nodes: &mut Nodes<'_>, variable: &str, coefficients: [f32; 4]) -> String {
    let [cubic, lower @ ..] = coefficients;
    let mut value = nodes.float(cubic);
    for coefficient in lower {
        let product = nodes.add("Mul", &[&value, variable]);
        let coefficient = nodes.float(coefficient);
        value = nodes.add("Add", &[&product, &coefficient]);
    }
    value
}
