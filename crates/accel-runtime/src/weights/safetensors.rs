//! Headers of safetensors files.
//!
//! The format (its README, "Format"): eight bytes with the length of the header, the header as a JSON
//! object, then the tensors without gaps. Nothing behind the header is read.
//!
//! Tensors that hold no weights:
//! - buffers by name: `position_ids`, `num_batches_tracked`, `running_mean`, `rotary_emb.inv_freq` …
//! - whole numbers and truth values, unless they are weights in quantised form;
//! - what belongs to quantised weights: scales, zero points, code books.
//!
//! Quantised: `qweight` of GPTQ and AWQ packs 32 bits, in as many weights as `bits` of
//! `quantization_config` says (four if nothing does); eight bits beside an `absmax` (bitsandbytes)
//! hold two weights.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};

use super::WeightCount;
use crate::{Error, Result};

/// The longest header that the format allows.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The longest index that is read; one of the largest models' has three megabytes.
const MAX_INDEX_BYTES: u64 = 100_000_000;

/// A tensor as a header declares it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TensorHeader {
    /// Type of its elements, such as `BF16`.
    pub dtype: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// Where its bytes begin and end, behind the header.
    pub data_offsets: (u64, u64),
}

impl TensorHeader {
    /// The number of its elements; checked when the header was read.
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

/// The tensors of a file by name, each checked: its shape fits its bytes, and all of them together
/// fill the file without gap or overlap.
///
/// # Errors
/// [`Error::Io`]; [`Error::InvalidFile`] saying which rule is broken.
pub fn read_header(path: &Path) -> Result<BTreeMap<String, TensorHeader>> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(invalid(path, "it is not a file"));
    }
    let size = metadata.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => invalid(path, "it is too short for a safetensors file"),
        _ => io(source),
    })?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        let reason = format!("its header claims {length} bytes; {MAX_HEADER_BYTES} are allowed");
        return Err(invalid(path, &reason));
    }
    let Some(held) = size.checked_sub(8).and_then(|it| it.checked_sub(length)) else {
        return Err(invalid(path, "its header claims more bytes than the file has"));
    };
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).map_err(io)?;
    if header.len() as u64 != length {
        return Err(invalid(path, "it became shorter while it was read"));
    }
    // Nesting is bounded by the parser.
    let Header(tensors) = serde_json::from_slice(&header)
        .map_err(|error| invalid(path, &format!("its header is not valid: {error}")))?;
    check(&tensors, held).map_err(|reason| invalid(path, &reason))?;
    Ok(tensors)
}

/// Tensors by name; `__metadata__`, which holds texts only, is left out, and a name that is there
/// twice is an error.
struct Header(BTreeMap<String, TensorHeader>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tensors;

        impl<'de> Visitor<'de> for Tensors {
            type Value = Header;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut tensors = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<BTreeMap<String, String>>()?;
                        continue;
                    }
                    let tensor = map.next_value()?;
                    if let Some((name, _)) = tensors.remove_entry(&name) {
                        return Err(A::Error::custom(format!("tensor `{name}` is there twice")));
                    }
                    tensors.insert(name, tensor);
                }
                Ok(Header(tensors))
            }
        }

        deserializer.deserialize_map(Tensors)
    }
}

/// Bits of an element; of the safetensors crate 0.8, `Dtype`.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ"
        | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

fn check(tensors: &BTreeMap<String, TensorHeader>, held: u64) -> Result<(), String> {
    let mut places = Vec::new();
    for (name, tensor) in tensors {
        let name = name.escape_debug();
        let (begin, end) = tensor.data_offsets;
        let Some(bits) = bits(&tensor.dtype) else {
            return Err(format!("tensor `{name}` is of the unknown type {:?}", tensor.dtype));
        };
        let elements = tensor.shape.iter().try_fold(1_u64, |all, it| all.checked_mul(*it));
        let Some(all) = elements.and_then(|it| it.checked_mul(bits)) else {
            return Err(format!("tensor `{name}` has a shape beyond all bounds"));
        };
        if end.checked_sub(begin) != Some(all.div_ceil(8)) {
            return Err(format!(
                "tensor `{name}` has bytes {begin} to {end}, not those of its shape"
            ));
        }
        places.push((begin, end, name));
    }
    places.sort_by_key(|it| (it.0, it.1));
    let mut at = 0;
    for (begin, end, name) in places {
        if begin != at {
            let what = if begin < at { "overlaps another" } else { "lies behind a gap" };
            return Err(format!("tensor `{name}` {what}"));
        }
        at = end;
    }
    if at == held {
        Ok(())
    } else {
        Err(format!("its tensors take {at} bytes, and {held} are there"))
    }
}

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// What `config.json` says of packed weights.
#[derive(Default, Deserialize)]
struct Quantized {
    #[serde(default)]
    quantization_config: Option<Quantization>,
}

#[derive(Default, Deserialize)]
struct Quantization {
    #[serde(default)]
    bits: Option<u64>,
}

/// The weights of the safetensors files in a folder: those of the index, else of
/// `model.safetensors`, else of the only such file; `None` where there is none.
///
/// # Errors
/// What [`read_header`] reports; [`Error::InvalidFile`] for an index that names tensors which are
/// not there, [`Error::MissingFile`] for a shard that is not.
pub fn count(dir: &Path) -> Result<Option<WeightCount>> {
    let (files, named) = files(dir)?;
    if files.is_empty() {
        return Ok(None);
    }
    let mut tensors = BTreeMap::new();
    let mut file_bytes = 0_u64;
    for file in &files {
        let header = read_header(file)?;
        let size = fs::metadata(file).map_err(|source| Error::Io { path: file.clone(), source })?;
        file_bytes = file_bytes.saturating_add(size.len());
        for (name, tensor) in header {
            if tensors.insert(name.clone(), tensor).is_some() {
                let reason = format!("tensor `{}` is in another file too", name.escape_debug());
                return Err(invalid(file, &reason));
            }
        }
    }
    if let Some(name) = named.iter().find(|it| !tensors.contains_key(*it)) {
        let reason = format!("it names tensor `{}`, which no file has", name.escape_debug());
        return Err(invalid(&dir.join(INDEX), &reason));
    }
    let mut counted = counted(&tensors, packed_bits(dir));
    counted.file_bytes = file_bytes;
    counted.files = files;
    Ok(Some(counted))
}

const INDEX: &str = "model.safetensors.index.json";

/// The files of a model, and the tensors that its index names.
fn files(dir: &Path) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let index = dir.join(INDEX);
    if index.is_file() {
        let io = |source| Error::Io { path: index.clone(), source };
        if fs::metadata(&index).map_err(io)?.len() > MAX_INDEX_BYTES {
            return Err(invalid(&index, "it is larger than an index can be"));
        }
        let bytes = fs::read(&index).map_err(io)?;
        let Index { weight_map } =
            serde_json::from_slice(&bytes).map_err(|error| invalid(&index, &error.to_string()))?;
        let shards: BTreeSet<&String> = weight_map.values().collect();
        let mut files = Vec::new();
        for shard in shards {
            let mut parts = Path::new(shard).components();
            // A model must not be able to read any file of the machine.
            if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
                let reason = format!("`{}` is not a file beside it", shard.escape_debug());
                return Err(invalid(&index, &reason));
            }
            let file = dir.join(shard);
            if !file.is_file() {
                return Err(Error::MissingFile {
                    path: file,
                    what: "a part of the weights".to_owned(),
                    remedy: "download it beside the others".to_owned(),
                });
            }
            files.push(file);
        }
        return Ok((files, weight_map.into_keys().collect()));
    }
    let whole = dir.join("model.safetensors");
    if whole.is_file() {
        return Ok((vec![whole], Vec::new()));
    }
    Ok((Vec::new(), Vec::new()))
}

/// Bits of a weight that is packed into whole numbers.
fn packed_bits(dir: &Path) -> Option<u64> {
    // A config that cannot be read is somebody else's error.
    let bytes = fs::read(dir.join("config.json")).ok()?;
    let config: Quantized = serde_json::from_slice(&bytes).ok()?;
    config.quantization_config?.bits.filter(|it| (1..=16).contains(it))
}

/// Last parts of the names of buffers in transformers' and PyTorch's modules.
const BUFFERS: [&str; 17] = [
    "attn_mask",
    "bias_mask",
    "cos_cached",
    "final_logits_bias",
    "freqs_cis",
    "inv_freq",
    "masked_bias",
    "num_batches_tracked",
    "original_inv_freq",
    "position_ids",
    "relative_coords_table",
    "relative_position_index",
    "running_mean",
    "running_var",
    "sin_cached",
    "token_type_ids",
    "e_score_correction_bias",
];

/// Last parts of the names of what belongs to a quantised weight.
const COMPANIONS: [&str; 14] = [
    "absmax",
    "g_idx",
    "input_scale",
    "nested_absmax",
    "nested_quant_map",
    "quant_map",
    "qzeros",
    "SCB",
    "scales",
    "weight_format",
    "weight_scale",
    "weight_scale_inv",
    "weight_shape",
    "weight_zero_point",
];

fn counted(tensors: &BTreeMap<String, TensorHeader>, packed_bits: Option<u64>) -> WeightCount {
    let (mut parameters, mut counted, mut buffers, mut companions) = (0_u64, 0, 0_u64, 0_u64);
    let mut notes = Vec::new();
    let mut assumed_bits = false;
    for (name, tensor) in tensors {
        let last = name.rsplit('.').next().unwrap_or(name);
        if BUFFERS.contains(&last) || is_causal_mask(name, tensor) || is_frozen(name, tensor) {
            buffers += 1;
            continue;
        }
        if COMPANIONS.contains(&last) || last.starts_with("bitsandbytes__") {
            companions += 1;
            continue;
        }
        let elements = tensor.elements();
        let weights = match tensor.dtype.as_str() {
            "I32" | "U32" if last == "qweight" || last == "weight_packed" => {
                assumed_bits |= packed_bits.is_none();
                elements.saturating_mul(32) / packed_bits.unwrap_or(4)
            }
            "U8" if tensors.contains_key(&format!("{name}.absmax")) => elements.saturating_mul(2),
            // Eight bits with a scale beside them.
            "I8" | "U8" if scaled(tensors, name) => elements,
            "F4" | "F6_E2M3" | "F6_E3M2" => elements,
            it if it.starts_with(['F', 'B', 'C']) && it != "BOOL" => elements,
            _ => {
                buffers += 1;
                continue;
            }
        };
        parameters = parameters.saturating_add(weights);
        counted += 1;
    }
    if buffers > 0 {
        notes.push(format!("{buffers} tensors are buffers by name or type and were not counted"));
    }
    if companions > 0 {
        notes.push(format!(
            "{companions} tensors with scales of quantised weights were not counted"
        ));
    }
    if assumed_bits {
        notes.push(
            "config.json does not say how many bits a packed weight has; four were taken"
                .to_owned(),
        );
    }
    WeightCount {
        parameters,
        tensors: counted,
        file_bytes: 0,
        files: Vec::new(),
        precision: None,
        notes,
    }
}

/// `attn.bias` of GPT-2 and its kin in older files: a square of ones below the diagonal.
fn is_causal_mask(name: &str, tensor: &TensorHeader) -> bool {
    let square = matches!(tensor.shape.as_slice(), [1, 1, a, b] if a == b);
    square && (name.ends_with("attn.bias") || name.ends_with("attention.bias"))
}

/// DETR's backbone holds its batch norms as buffers with the names of weights; nothing else there
/// has one dimension.
fn is_frozen(name: &str, tensor: &TensorHeader) -> bool {
    name.contains("backbone.conv_encoder.") && tensor.shape.len() == 1
        || name.contains("model.backbone.model.") && tensor.shape.len() == 1
}

fn scaled(tensors: &BTreeMap<String, TensorHeader>, name: &str) -> bool {
    let stem = name.strip_suffix(".weight").unwrap_or(name);
    ["weight_scale", "SCB", "scales"].iter().any(|it| tensors.contains_key(&format!("{stem}.{it}")))
        || tensors.contains_key(&format!("{name}_scale"))
}

fn invalid(path: &Path, reason: &str) -> Error {
    Error::InvalidFile {
        path: path.to_owned(),
        reason: reason.to_owned(),
        remedy: "download it again".to_owned(),
    }
}
