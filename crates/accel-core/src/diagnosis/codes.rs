//! Every code, with what it means and what helps: the one table behind findings, `accel explain`
//! and the rules of SARIF.

use super::{Component, Severity};

/// What is known of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which code.
    pub code: Code,
    /// How bad it is when nothing else is known.
    pub severity: Severity,
    /// Which part of the system it is about.
    pub component: Component,
    /// What it says, in one line without a full stop.
    pub title: &'static str,
    /// What it means to a user.
    pub meaning: &'static str,
    /// What brings it about, the most frequent first.
    pub causes: &'static [&'static str],
    /// What helps, in the order in which to try it.
    pub remedies: &'static [&'static str],
}

impl Code {
    /// What is known of it.
    pub fn entry(self) -> &'static Entry {
        // A const table in the order of declaration; a test holds that each stands in its place.
        &ENTRIES[self as usize]
    }
}

/// Declares the codes and their table.
macro_rules! codes {
    ($(
        $variant:ident = $id:literal, $severity:ident, $component:ident, $title:literal;
        $meaning:literal
        causes $( $cause:literal )+
        remedies $( $remedy:literal )+
    )+) => {
        crate::vocabulary::vocabulary! {
            what = "code";
            /// What a finding is: stable, so that it can be searched for. A number is never used
            /// for something else and never goes away.
            pub enum Code {
                $( #[doc = $title] $variant = $id, )+
            }
        }

        /// Every code's entry, in the order of their numbers.
        pub const ENTRIES: &[Entry] = &[$( Entry {
            code: Code::$variant,
            severity: Severity::$severity,
            component: Component::$component,
            title: $title,
            meaning: $meaning,
            causes: &[$( $cause, )+],
            remedies: &[$( $remedy, )+],
        }, )+];
    };
}

codes! {
    NoDevice = "ACC0101", Info, Hardware, "No device of the platform is on this machine";
    "Nothing here can serve the platform: no such device is shown by the system. Other platforms are not affected."
    causes
        "The machine has no such device."
        "The device's driver is not loaded, so that the system does not show it."
        "The process runs in a container that was started without the device."
    remedies
        "Run on another platform; `accel doctor --matrix` shows which ones serve the model here."
        "Check that the driver is loaded (`nvidia-smi`, `rocminfo`, `vulkaninfo`) and install it if not."
        "Pass the device to the container (`--gpus all`; `--device /dev/kfd --device /dev/dri`)."

    HiddenDevice = "ACC0102", Warning, Hardware, "A device is hidden from this process";
    "The machine has the device, and an environment variable keeps this process from seeing it."
    causes
        "`CUDA_VISIBLE_DEVICES`, `HIP_VISIBLE_DEVICES` or `ROCR_VISIBLE_DEVICES` leaves it out."
        "The list names a device that does not exist; it ends there."
    remedies
        "Unset the variable, or name the device in it by its index or UUID."
        "Where a scheduler sets it, ask the scheduler for the device."

    DeviceUnusable = "ACC0103", Warning, Hardware, "A device is there and cannot be used";
    "The system shows the device, and something keeps programs from using it."
    causes
        "The driver's kernel module and its library are of two versions, often after an update without a restart."
        "This user may not open the device's files."
        "The device stopped answering, or fell off its bus."
        "The driver is too old for the device, or the device too old for the driver."
    remedies
        "Restart the machine if the driver was updated since it started."
        "Join the groups that own the device's files (`video`, `render`), and log in again."
        "Look for errors of the device in the kernel's log (`dmesg`), and reset or reseat it."
        "Install the driver that the vendor names for this device."

    MemoryPressure = "ACC0104", Warning, Hardware, "Memory is short";
    "Little main memory is left, or tasks already wait for it. Loading a model will be slow or will fail."
    causes
        "Other programs hold most of it."
        "The container's limit is low."
        "A model that is no longer needed is still loaded."
    remedies
        "Close other programs, or drop skills that are not needed from the pool."
        "Choose a smaller model, a smaller precision or a smaller batch."
        "Raise the container's memory limit."

    FactUnknown = "ACC0105", Info, Hardware, "Something about the machine could not be read";
    "A figure that decisions go by is unknown. It is treated as unknown, not as zero."
    causes
        "The system does not show it, or not to this user."
        "The process runs in a container that hides it."
    remedies
        "Run once as a user who may read it, if the decision depends on it."
        "Give the figure by hand where a command takes it."

    EngineMissing = "ACC0201", Info, Engine, "An engine is not installed";
    "The platform is served by an engine whose files were found nowhere."
    causes
        "It was never installed."
        "It is in a folder that is not searched, or `ACCEL_ENGINES_DIR` names another folder."
        "It belongs to a Python environment that is not active."
    remedies
        "Install it: `accel engines install onnxruntime`, `openvino` or `web`."
        "Let the engine's variable name its file: `ACCEL_ONNXRUNTIME`, `ACCEL_OPENVINO`, `ACCEL_BROWSER`, `ACCEL_WEB_DIR`."
        "Run on the CPU with the embedded engine, which is always there."

    EngineBroken = "ACC0202", Error, Engine, "An engine is there and cannot be used";
    "Files of the engine were found, and they do not load, are of a version that is too old, or lack the part that serves the platform."
    causes
        "The library is damaged or cut off, for instance by a download that was interrupted."
        "It is for another processor or system."
        "It is older than the oldest version that is supported."
        "It was built without support for the platform."
        "A library that it needs, such as CUDA or cuDNN, is missing or of another version."
    remedies
        "Install the pinned version: `accel engines install`."
        "For CUDA, install the build with its libraries: `accel engines install onnxruntime-gpu`."
        "Remove the broken files, or let the engine's variable name others."
        "Check that driver and libraries are of versions that belong together."

    EngineNotBuiltIn = "ACC0203", Info, Engine, "This build has no support for the engine";
    "The program was compiled without the part that drives this engine; installing the engine does not help."
    causes
        "accel-runtime was built without the feature of the engine's name."
    remedies
        "Switch on the feature `ort`, `openvino` or `browser` of accel-runtime."
        "Bring an engine of your own with `ModelSource::with_engine`."

    NoUserFolder = "ACC0204", Error, Engine, "There is no folder for engines";
    "An engine is to be installed, and neither this user nor this project has a folder for it."
    causes
        "`HOME` (on Windows `LOCALAPPDATA`) is not set, as in some services and containers."
    remedies
        "Install into the project: `accel engines install ENGINE --project`."
        "Set `ACCEL_ENGINES_DIR` to a folder that may be written."

    InstallToolMissing = "ACC0205", Error, Engine, "A tool that installs engines is missing";
    "Engines are fetched with `python3 -m pip` or `npm`, and one of them did not run."
    causes
        "It is not installed, or not on the search path."
    remedies
        "Install Python 3 with pip, or Node.js with npm."
        "Fetch the engine by hand, and let its variable name the file."

    NoPackage = "ACC0206", Error, Engine, "No package of the engine exists for this system";
    "The engine is published for other systems or processors only."
    causes
        "The processor or the system is not among those that the vendor builds for."
    remedies
        "Run on the CPU with the embedded engine."
        "Build the engine from its source, and let its variable name the library."

    NotOurs = "ACC0207", Error, Engine, "A folder was not made by accel";
    "An installation would replace a folder that something else put there, so nothing was done."
    causes
        "The engine was copied there by hand, or by another tool."
    remedies
        "Move the folder away, or install somewhere else with `ACCEL_ENGINES_DIR`."

    Checksum = "ACC0208", Error, Engine, "A fetched file is not the one that was pinned";
    "Its checksum differs, so it was thrown away."
    causes
        "The download was damaged, or a proxy changed it."
        "The package registry serves another file under this version."
    remedies
        "Try again; compare with a download over another network."
        "If it stays, report it: it may be an attack."

    InstallFailed = "ACC0209", Error, Engine, "An engine could not be installed";
    "pip or npm ended with an error, or its files could not be unpacked. What was there before is untouched."
    causes
        "The network, a proxy or the package registry does not answer."
        "The disk is full, or the folder may not be written."
    remedies
        "Read what the tool said; the message has its last lines."
        "See how much is needed: `accel engines install ENGINE --dry-run`."

    UnknownModel = "ACC0301", Error, Model, "There is no such model";
    "Neither a folder nor a model of that name was found."
    causes
        "The name is misspelt."
        "Models lie in another folder than the one that is searched."
    remedies
        "Give the path of a folder that holds config.json and onnx/."
        "Name the folder of models with `--models` or `ACCEL_MODEL_DIR`."

    MissingFile = "ACC0302", Error, Model, "A file of the model is missing";
    "The model's folder lacks a file that its kind needs, such as its configuration, tokenizer or graph."
    causes
        "The copy is incomplete."
        "The model was never exported to ONNX."
        "Files lie one folder too deep, or under other names."
    remedies
        "Copy the file that the message names from the model's repository."
        "Export the model to ONNX in the Hub's layout."

    Unreadable = "ACC0303", Error, Model, "A file cannot be read";
    "The system refused to open or read it."
    causes
        "This user may not read it."
        "The file system is damaged, or a network drive is gone."
    remedies
        "Check its permissions and those of the folders above it."
        "Copy the file to a local disk."

    InvalidFile = "ACC0304", Error, Model, "A configuration file is not usable";
    "The file is there, and it is not the JSON that it should be or lacks something in it."
    causes
        "The copy was cut off, or a web page was saved under its name."
        "It was edited by hand."
        "It belongs to another model."
    remedies
        "Copy it again from the model's repository."

    CorruptModel = "ACC0305", Error, Model, "The model's graph is damaged";
    "The ONNX file cannot be what it says: it is cut off, contradicts itself, or its weights are not where it says."
    causes
        "A download was interrupted, or Git LFS left a pointer in place of the file."
        "The file of external data is missing, of another size, or was renamed."
        "The disk or a transfer changed some bytes."
    remedies
        "Download it again and compare its checksum; with Git LFS, run `git lfs pull`."
        "Put the files of external data beside the graph, under the names that it gives."
        "Export the model again."

    MissingPrecision = "ACC0306", Error, Model, "The model has no file of this precision";
    "The graph is there in other precisions than the one asked for."
    causes
        "The repository publishes no such file."
        "It was not copied."
    remedies
        "Choose one of the precisions that the message lists."
        "Copy or export the file."

    UnsupportedModel = "ACC0307", Error, Model, "The model is intact and cannot be served";
    "Its graph has inputs, outputs or a form that this pipeline or engine does not know."
    causes
        "It was exported with other options, for instance without a cache."
        "It is a kind of model that its configuration does not tell."
    remedies
        "Follow the message: it says what the graph has or lacks."
        "Export it again in the form that the Hub's ONNX models have."
        "Run the bare graph with `accel run --graph`."

    UnsupportedOperator = "ACC0308", Error, Model, "The engine refuses an operator";
    "The engine lacks the operator or is known to compute it wrongly, so it does not compute it at all."
    causes
        "The operator is rare, or was given attributes that the engine does not have."
    remedies
        "Run the model on an engine that the message names."
        "Export the model without the operator, or with another operator set."

    NoChatTemplate = "ACC0309", Error, Model, "The model has no chat template";
    "Messages were given, and nothing says how this model wants them written."
    causes
        "It is a base model, not trained on conversations."
        "chat_template.jinja or tokenizer_config.json was not copied."
    remedies
        "Generate from plain text, or use an instruction-tuned model."
        "Copy the file from the model's repository."

    ChatTemplate = "ACC0310", Error, Model, "The chat template failed";
    "The model's own template refused the messages or has an error."
    causes
        "Roles come in an order that the model was not trained on."
        "A message lacks a field that the template reads."
    remedies
        "Let user and assistant take turns, with at most one system message first."
        "Copy the template again from the model's repository."

    Tokenizer = "ACC0311", Error, Model, "The tokenizer failed";
    "tokenizer.json could not be used, or could not make tokens of a text."
    causes
        "The file is damaged or belongs to another model."
        "It needs a part that this version of the tokenizers library does not have."
    remedies
        "Copy tokenizer.json again from the model's repository."
        "Save it again with the newest transformers (`tokenizer.save_pretrained`)."

    UnknownKind = "ACC0401", Error, Classification, "Nothing tells what kind of model it is";
    "Neither the architectures nor the model type of config.json are known, so no pipeline can be chosen."
    causes
        "The architecture is new or a private one."
        "config.json is that of another library."
    remedies
        "Say the kind: `accel run MODEL --kind KIND`."
        "Complete `architectures` and `model_type` in config.json from the model's repository."

    KindConflict = "ACC0402", Warning, Classification, "Evidence on the model's kind contradicts itself";
    "Architectures, model type and tasks speak for different kinds. The most trusted one decided."
    causes
        "The head was changed and config.json was not."
        "The tasks of the registry entry or model card are those of another model."
    remedies
        "Read the evidence, and correct what is wrong in config.json or the registry."
        "Say the kind: `accel run MODEL --kind KIND`."

    MemoryLimit = "ACC0501", Error, Memory, "The model's files are larger than the limit set";
    "The option `memory_limit_bytes` forbids loading it."
    causes
        "The limit was chosen for a smaller model or precision."
        "Browsers can address little memory; their limit is low by default."
    remedies
        "Choose a smaller precision."
        "Raise `memory_limit_bytes` if the device has the memory."

    DeviceMemory = "ACC0502", Error, Memory, "The model does not fit into the device's memory";
    "It takes more memory than the device has, or than is free on it."
    causes
        "The model is too large for the device in this precision."
        "Other programs or models hold the device's memory."
        "The batch or the context is too large."
    remedies
        "Close other programs that use the device's memory."
        "Use a smaller batch or a shorter context."
        "Choose a smaller precision, such as fp16 or int8, or a smaller model."
        "Spread the models over several devices."
        "Run on the CPU, which usually has more memory."

    ModelTooLarge = "ACC0503", Error, Memory, "The model needs more memory than there is";
    "What the model needs at least is more than this process can take."
    causes
        "The machine is too small for it."
        "Other programs hold the memory, or a container's limit does."
    remedies
        "Choose a smaller precision or a smaller model."
        "Use a smaller batch or a shorter context."
        "Free memory, or raise the container's limit."

    MemoryTight = "ACC0504", Warning, Memory, "The model's memory will be tight";
    "It fits, and less is left than is recommended: long inputs or large batches may fail."
    causes
        "Other programs hold the memory."
        "The context or the batch is large."
    remedies
        "Use a smaller batch or a shorter context."
        "Choose a smaller precision."
        "Free memory before loading."

    PoolTooLarge = "ACC0505", Warning, Memory, "The models do not fit together";
    "Each model fits on its own, and all of them at once need more memory than there is."
    causes
        "More models are to be kept loaded than the machine can hold."
    remedies
        "Load them in turn, and drop those that are not needed from the pool."
        "Choose smaller precisions, or spread the models over devices or machines."

    NoEstimate = "ACC0506", Error, Memory, "A model's needs cannot be estimated";
    "Nothing counts the parameters of such a model from its configuration."
    causes
        "The model type or class is one that no rules exist for."
        "config.json names no model type."
    remedies
        "Give the model's folder in place of its config alone, so that the headers of its weights are counted."
        "Give the number of parameters by hand."

    NoCandidate = "ACC0601", Error, Selection, "No platform serves the model here";
    "Every candidate was rejected; the finding lists each with its reason."
    causes
        "The list of candidates leaves out the CPU."
        "Engines are missing."
    remedies
        "Add a candidate for the CPU."
        "Make one of the platforms available: follow the remedy of its rejection."

    WrongVariant = "ACC0602", Error, Selection, "A simulation was taken for a real skill, or the other way round";
    "The skill is loaded by another function, so that a simulated result can never pass for a real one."
    causes
        "The registry calls the cell a simulation."
        "The source brings an engine that does not fit."
    remedies
        "Call the function that the message names."

    ComponentFallback = "ACC0603", Warning, Selection, "Another platform was used: a component was missing";
    "The first choice lacks its engine or a file, and the policy allows another platform."
    causes
        "The engine of the first choice is not installed or not built in."
        "The model has no file of the precision that the first choice wants."
    remedies
        "Install what the rejection names, if the first choice matters."
        "Set the policy `strict` to get an error instead."

    HardwareFallback = "ACC0604", Warning, Selection, "Another platform was used: the hardware is missing";
    "The first choice's device is not on this machine, and the policy allows another platform."
    causes
        "The machine has no such device, or hides it."
    remedies
        "Follow the remedy of the rejection, if the first choice matters."
        "Set the policy `strict` to get an error instead."

    MemoryFallback = "ACC0605", Warning, Selection, "Another platform was used: memory was too small";
    "The model does not fit into the first choice's memory, and the policy allows another platform."
    causes
        "The device is too small for the model, or others use it."
    remedies
        "Choose a smaller precision or batch for the first choice."
        "Free the device's memory."
        "Set the policy `strict` to get an error instead."

    OperationFallback = "ACC0606", Warning, Selection, "Another platform was used: an operation failed";
    "The first choice cannot compute part of the model or failed while running, and the policy allows another platform."
    causes
        "The engine refuses an operator of the model."
        "The engine or the device failed during a run."
    remedies
        "Read the rejection; run `accel doctor --test-hardware` if the device is in doubt."
        "Set the policy `strict` to get an error instead."

    InitializationFallback = "ACC0607", Warning, Selection, "Another platform was used: the first one did not start";
    "The first choice's engine or device is there and failed to start or to load the model, and the policy allows another platform."
    causes
        "Driver and libraries are of versions that do not belong together."
        "The engine cannot load this graph."
    remedies
        "Run `accel doctor --test-hardware`."
        "Set the policy `strict` to get an error instead."

    WrongDevice = "ACC0608", Error, Selection, "A list of devices cannot be read";
    "What was asked for is no device, or stands in the list twice, or the list is empty."
    causes
        "A device's name or index is misspelt."
        "The platform has no devices of that kind."
    remedies
        "Write platforms and devices separated by commas, such as `cuda:1,mps,cpu`."

    Load = "ACC0701", Error, Run, "The engine could not load the graph";
    "The engine is there and did not take the model."
    causes
        "The graph uses something that the engine or this version of it lacks."
        "The device refused, for instance for want of memory."
    remedies
        "Try another precision or another export of the model."
        "Try another engine (`--option engine=ort` on the CPU) or platform."
        "Run `accel doctor --test-hardware` to see whether the platform works at all."

    RunFailed = "ACC0702", Error, Run, "The engine failed while running";
    "The model was loaded, and a run of it ended with an error."
    causes
        "The device ran out of memory."
        "Driver and library are of versions that do not belong together."
        "The device stopped answering."
    remedies
        "Use a smaller batch or shorter inputs."
        "Check that driver and library belong together, and look up the error code in the message."
        "Restart the program; if it stays, run `accel doctor --test-hardware`."

    BadOutput = "ACC0703", Error, Run, "The engine returned something else than declared";
    "A result has another type, rank or number than the graph says. It was not used."
    causes
        "The engine has an error."
        "The graph's declarations are wrong."
    remedies
        "Run the model on another engine, and compare."
        "Export the model again."

    NonFinite = "ACC0704", Error, Run, "A result is infinite or not a number";
    "The result was not used."
    causes
        "Half precision overflowed."
        "The weights are damaged."
    remedies
        "Try fp32."
        "Download or export the weights again."

    InvalidOption = "ACC0705", Error, Run, "A session option is not usable";
    "An option has a value that makes no sense here, or that the engine cannot honour."
    causes
        "The device's index is one that this machine does not have."
        "The option is for another platform or engine."
    remedies
        "Follow the message: it says what to give instead."

    InvalidInput = "ACC0706", Error, Run, "An input does not fit the graph";
    "It is missing, unknown, given twice, or of another type or size than the graph declares."
    causes
        "Inputs were prepared for another model or export."
    remedies
        "Give what the message says was expected."

    UnknownOutput = "ACC0707", Error, Run, "The graph has no such output";
    "An output was asked for by a name that the graph does not have."
    causes
        "The name is that of another export."
    remedies
        "Ask for one of the outputs that the message lists."

    TensorShape = "ACC0708", Error, Run, "A tensor's shape and elements do not agree";
    "The shape asks for another number of elements than were given."
    causes
        "The shape was computed for other data."
    remedies
        "Compute the shape from the data."

    TensorDtype = "ACC0709", Error, Run, "A tensor was read as another type";
    "It holds other elements than the caller wants."
    causes
        "The model is of another precision than the code was written for."
    remedies
        "Read the tensor as what it is, or convert it."

    InvalidArgument = "ACC0710", Error, Run, "An argument of a task makes no sense";
    "The value is outside of what the task can take."
    causes
        "A number is out of range, or a list is empty."
    remedies
        "Give what the message says was expected."

    ContextTooLong = "ACC0711", Error, Run, "The prompt does not fit the model's context";
    "Prompt and answer together have more tokens than the model can see."
    causes
        "The text is too long for this model."
    remedies
        "Shorten the prompt, or ask for fewer new tokens."
        "Use a model with a longer context."

    NoMask = "ACC0712", Error, Run, "The text has no mask";
    "A word is to be filled in, and nothing says where; or the text was cut off before it."
    causes
        "The mask is spelt as another model spells it."
    remedies
        "Write the mask that the message names where the word is to be."

    Image = "ACC0713", Error, Run, "An image cannot be read";
    "The bytes are not an image of a known kind, or are damaged."
    causes
        "It is of another format than PNG and JPEG."
        "The file is cut off."
    remedies
        "Convert it to PNG or JPEG."

    Audio = "ACC0714", Error, Run, "A sound cannot be read";
    "The bytes are not sound of a known kind, or are damaged."
    causes
        "It is of another format than WAV and FLAC."
        "The file is cut off."
    remedies
        "Convert it to WAV or FLAC."

    WrongResult = "ACC0715", Critical, Run, "A platform computes wrongly";
    "A tiny graph with a known exact answer ran on the platform and gave another one. No result of it can be trusted."
    causes
        "The driver or the engine has an error."
        "The device is defective, for instance its memory."
    remedies
        "Do not use the platform until this is gone."
        "Update or reinstall driver and engine, and run `accel doctor --test-hardware` again."
        "Test the device with its vendor's tools."

    Crash = "ACC0716", Critical, Run, "A platform takes its process down";
    "A run on the platform ended the process. A program that uses it would die with it."
    causes
        "The vendor's library has an error, or is damaged."
        "Driver and library are of versions that do not belong together."
        "The process was killed for want of memory."
    remedies
        "Do not use the platform until this is gone."
        "Update or reinstall driver and engine: `accel engines install`."
        "Look for the process in the kernel's log (`dmesg`)."

    Timeout = "ACC0717", Error, Run, "A run did not end in time";
    "It was stopped, so nothing is known of its result."
    causes
        "The device or its driver hangs."
        "The machine is very busy."
        "The first run on a device compiles for long."
    remedies
        "Run it again when the machine is idle, or with a longer `--timeout`."
        "Restart the machine if the device hangs."

    QuietFallback = "ACC0801", Critical, Placement, "A device quietly became the CPU";
    "The run was asked for on a device, and the engine computed it somewhere else. Results may be right; speed, memory and power are not the device's."
    causes
        "The engine found no kernel for the device and used its own fallback."
        "The provider failed to start and the engine went on without it."
    remedies
        "Do not report anything measured this way as the device's."
        "Reinstall the engine with the part that serves the device."
        "Check driver and libraries of the device."

    PartialFallback = "ACC0802", Warning, Placement, "A share of the nodes ran on the CPU";
    "The options allow a share of the nodes to run on the CPU, and some did."
    causes
        "The device lacks kernels for some operators."
    remedies
        "Set `cpu_fallback_percent` to 0 to get an error instead."
        "Export the model without the operators that fell back."

    SoftwareDevice = "ACC0803", Warning, Placement, "A device is a program on the CPU";
    "The platform works, and what serves it is a software adapter: its figures say nothing about a real device."
    causes
        "The browser found no GPU that it may use, and took its own software renderer."
        "The container has no access to the GPU."
    remedies
        "Do not report anything measured this way as a GPU's."
        "Install the GPU's driver, and pass its device to the container."
        "Let `ACCEL_BROWSER` name a browser that uses the GPU."

    RegistryUnreadable = "ACC0901", Error, Registry, "The registry cannot be read";
    "The file of the registry is missing, too large, or not text."
    causes
        "`--registry` names another file."
    remedies
        "Give the path of model_registry.yaml."
        "Check it with `accelgen registry validate`."

    NotInRegistry = "ACC0902", Warning, Registry, "The model is not in the registry";
    "A model was asked for by name, and the registry has no entry of that name."
    causes
        "The name is misspelt, or the entry was removed."
    remedies
        "Add it: `accelgen registry add config.json --parameters N`."

    NoModelFolder = "ACC0903", Info, Registry, "A registry entry has no model here";
    "The entry names no folder, or the folder is not there, so that nothing could be checked."
    causes
        "The model was not downloaded or exported on this machine."
    remedies
        "Download the model, and name its folder in the entry's `model_dir`."

    UnknownName = "ACC0904", Error, Registry, "A name is not in its vocabulary";
    "Platforms, engines, families, tasks, precisions and options have fixed names, and this is none of them."
    causes
        "The name is misspelt."
        "It belongs to another vocabulary."
    remedies
        "Use the name that the message suggests, or one that it lists."

    WrongUse = "ACC1001", Error, Program, "The command was used wrongly";
    "A flag or an argument is unknown, missing, or contradicts another one."
    causes
        "A word is misspelt, or belongs to another command."
    remedies
        "See `accel COMMAND --help`, which has examples."

    Output = "ACC1002", Error, Program, "Something could not be written";
    "The system refused to write a file or folder."
    causes
        "This user may not write there."
        "The disk is full, or the file system is read-only."
        "A file stands where a folder should be."
    remedies
        "Name another folder, or change its permissions."
        "Free disk space."

    InputUnreadable = "ACC1003", Error, Program, "An input cannot be read";
    "A file or stdin, given on the command line, could not be read or is not what it should be."
    causes
        "The path is misspelt, or the file is of another format."
        "The file is too large to be such an input."
    remedies
        "Check the path and the format; `accel COMMAND --help` says what is taken."
}
