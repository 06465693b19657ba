//! What options choose among.

use crate::vocabulary::vocabulary;

vocabulary! {
    what = "graph optimization level";
    /// How much an engine may rewrite the graph.
    pub enum GraphOptimization {
        /// Not at all: the graph runs as it is in the file.
        Off = "off",
        /// Redundant nodes go and constants are folded.
        Basic = "basic",
        /// Basic, and subgraphs are fused.
        Extended = "extended",
        /// Everything the engine has.
        All = "all",
    }
}

vocabulary! {
    what = "CPU engine";
    /// What runs a model on the processor.
    pub enum CpuEngine {
        /// The embedded engine, always there.
        Rten = "rten",
        /// ONNX Runtime; an error when its library is not found.
        Ort = "ort",
        /// ONNX Runtime when its library is found, else the embedded engine.
        OrtElseRten = "ort_else_rten",
    }
}

vocabulary! {
    what = "arena strategy";
    /// How a device's memory arena grows.
    pub enum Arena {
        /// By powers of two: fewer allocations, more memory.
        NextPowerOfTwo = "next_power_of_two",
        /// By what is asked: less memory, more allocations.
        SameAsRequested = "same_as_requested",
    }
}

vocabulary! {
    what = "convolution search";
    /// How cuDNN chooses a convolution's algorithm.
    pub enum ConvSearch {
        /// Measure every algorithm.
        Exhaustive = "exhaustive",
        /// Ask cuDNN's heuristic.
        Heuristic = "heuristic",
        /// Take the default one.
        Default = "default",
    }
}

vocabulary! {
    what = "Core ML format";
    /// The kind of Core ML model that a graph is turned into.
    pub enum CoremlFormat {
        /// Since Core ML 5: more operators, half precision.
        MlProgram = "ml_program",
        /// The older one.
        NeuralNetwork = "neural_network",
    }
}

vocabulary! {
    what = "compute units";
    /// Which of an Apple machine's units may be used.
    pub enum ComputeUnits {
        /// All of them.
        All = "all",
        /// CPU and GPU.
        CpuAndGpu = "cpu_and_gpu",
        /// CPU and neural engine.
        CpuAndNeuralEngine = "cpu_and_neural_engine",
    }
}

vocabulary! {
    what = "Core ML specialization";
    /// What Core ML tunes a model for when it compiles it.
    pub enum CoremlSpecialization {
        /// A balance of load time and speed.
        Default = "default",
        /// Fast runs, at the price of a slower load.
        FastPrediction = "fast_prediction",
    }
}

vocabulary! {
    what = "OpenVINO device";
    /// Which OpenVINO device runs the model.
    pub enum OpenvinoDevice {
        /// The processor.
        Cpu = "cpu",
        /// Intel's GPU.
        Gpu = "gpu",
        /// Intel's neural processing unit.
        Npu = "npu",
        /// OpenVINO's own choice.
        Auto = "auto",
    }
}

vocabulary! {
    what = "performance hint";
    /// What OpenVINO tunes for.
    pub enum PerformanceHint {
        /// One request as fast as can be.
        Latency = "latency",
        /// Many requests at once.
        Throughput = "throughput",
    }
}

vocabulary! {
    what = "inference precision";
    /// What OpenVINO computes in, whatever the weights are stored as.
    pub enum InferencePrecision {
        /// 32-bit floats.
        F32 = "f32",
        /// 16-bit IEEE floats.
        F16 = "f16",
        /// 16-bit brain floats: the range of f32, 8 bits of mantissa.
        Bf16 = "bf16",
    }
}

vocabulary! {
    what = "WebNN device";
    /// The device type that a WebNN context is asked for.
    pub enum WebnnDevice {
        /// The processor.
        Cpu = "cpu",
        /// The GPU.
        Gpu = "gpu",
        /// The neural processing unit.
        Npu = "npu",
    }
}

vocabulary! {
    what = "power preference";
    /// What a browser is told about power.
    pub enum PowerPreference {
        /// No preference.
        Default = "default",
        /// Speed.
        HighPerformance = "high-performance",
        /// Battery.
        LowPower = "low-power",
    }
}

vocabulary! {
    what = "tensor layout";
    /// The order of an image tensor's axes inside the engine.
    pub enum TensorLayout {
        /// Batch, channels, height, width.
        Nchw = "nchw",
        /// Batch, height, width, channels.
        Nhwc = "nhwc",
    }
}
