//! Sizes to compile a graph for while none are known yet.

use std::collections::BTreeMap;

use crate::{Dim, TensorInfo};

/// Lengths to try: short ones are quick, and some graphs have no result for them (a speech
/// model's convolutions swallow 400 samples).
pub(super) const LENGTHS: [usize; 5] = [4, 64, 512, 4096, 32768];

/// A size for every open dimension of the inputs: one row of a batch, `length` of all else.
/// Names that exporters give to sums are taken at their word.
pub(super) fn shapes(inputs: &[TensorInfo], length: usize) -> BTreeMap<String, Vec<usize>> {
    let shape = |info: &TensorInfo| {
        info.dims
            .iter()
            .map(|dim| match dim {
                Dim::Fixed(size) => *size,
                Dim::Symbol(name) => symbol(name, inputs, length),
                Dim::Unknown => length,
            })
            .collect()
    };
    inputs.iter().map(|info| (info.name.clone(), shape(info))).collect()
}

fn symbol(name: &str, inputs: &[TensorInfo], length: usize) -> usize {
    // As in `past_sequence_length + 1`.
    if let Some((left, right)) = name.split_once('+') {
        return symbol(left.trim(), inputs, length) + symbol(right.trim(), inputs, length);
    }
    if let Ok(number) = name.parse() {
        return number;
    }
    if name.contains("batch") {
        return 1;
    }
    // As in `total_sequence_length`: what is past and what is new.
    if let Some(new) = name.strip_prefix("total_")
        && inputs.iter().flat_map(|it| &it.dims).any(|it| is_past(it, new))
    {
        return 2 * length;
    }
    length
}

fn is_past(dim: &Dim, new: &str) -> bool {
    matches!(dim, Dim::Symbol(name) if name.strip_prefix("past_") == Some(new))
}

#[cfg(test)]
mod tests {
    use super::shapes;
    use crate::{DType, Dim, TensorInfo};

    #[test]
    fn sums_among_the_names_hold() {
        let info = |name: &str, dims: &[&str]| TensorInfo {
            name: name.to_owned(),
            dtype: DType::I64,
            dims: dims.iter().map(|it| Dim::Symbol((*it).to_owned())).collect(),
        };
        let inputs = [
            info("ids", &["batch_size", "sequence_length"]),
            info("mask", &["batch_size", "total_sequence_length"]),
            info("past", &["batch_size", "past_sequence_length"]),
            info("longer", &["past_sequence_length + 1"]),
        ];
        let shapes = shapes(&inputs, 4);
        assert_eq!(shapes["ids"], [1, 4]);
        assert_eq!(shapes["mask"], [1, 8]);
        assert_eq!(shapes["longer"], [5]);
    }
}
