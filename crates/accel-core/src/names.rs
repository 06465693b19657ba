//! Platforms, engines, families, tasks, precisions: the closed sets of the domain.

use crate::vocabulary::vocabulary;

vocabulary! {
    what = "platform";
    /// Where a model runs, as a user names it. One platform may be served by several engines.
    pub enum Platform {
        /// The processor; served by the embedded engine, always present.
        Cpu = "cpu",
        /// NVIDIA GPUs.
        Cuda = "cuda",
        /// AMD GPUs.
        Rocm = "rocm",
        /// Apple GPUs and neural engine.
        Mps = "mps",
        /// Intel's runtime for CPU, GPU and NPU.
        Openvino = "openvino",
        /// The browser's neural network interface.
        Webnn = "webnn",
        /// The browser's GPU interface.
        Webgpu = "webgpu",
    }
}

impl Platform {
    /// The name as its vendor spells it, for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Cuda => "CUDA",
            Self::Rocm => "ROCm",
            Self::Mps => "MPS",
            Self::Openvino => "OpenVINO",
            Self::Webnn => "WebNN",
            Self::Webgpu => "WebGPU",
        }
    }

    /// The engines that can serve this platform, the preferred one first.
    pub const fn engines(self) -> &'static [Engine] {
        match self {
            Self::Cpu => &[Engine::Rten, Engine::Ort],
            Self::Cuda | Self::Rocm | Self::Mps => &[Engine::Ort],
            Self::Openvino => &[Engine::Openvino],
            Self::Webnn | Self::Webgpu => &[Engine::Browser],
        }
    }
}

vocabulary! {
    what = "engine";
    /// What executes a graph.
    pub enum Engine {
        /// rten: pure Rust, embedded, CPU only.
        Rten = "rten",
        /// ONNX Runtime, loaded at run time.
        Ort = "ort",
        /// OpenVINO, loaded at run time.
        Openvino = "openvino",
        /// A browser process with onnxruntime-web.
        Browser = "browser",
        /// True outputs computed on the CPU, time predicted; never measured.
        Simulator = "simulator",
    }
}

vocabulary! {
    what = "family";
    /// The broad kind of a model; it chooses the templates.
    pub enum Family {
        /// Text in, vectors, labels or token scores out.
        Embedding = "embedding",
        /// Text in, text out.
        TextGeneration = "text_generation",
        /// Images in; labels, boxes, masks, vectors or images out.
        Vision = "vision",
        /// Sound in or out: recognised, labelled, compared, made.
        Audio = "audio",
        /// Several kinds of input, text among them.
        Multimodal = "multimodal",
        /// Video in.
        Video = "video",
    }
}

vocabulary! {
    what = "subfamily";
    /// The precise kind of a model; it chooses the runtime's pipeline.
    pub enum Subfamily {
        /// A bidirectional text encoder with a masked-token head, such as BERT.
        MaskedLm = "masked_lm",
        /// A left-to-right decoder, such as LLaMA.
        CausalLm = "causal_lm",
        /// An encoder and a decoder of text, such as T5.
        Seq2seq = "seq2seq",
        /// One label an image, such as ViT.
        ImageClassifier = "image_classifier",
        /// Boxes and labels, such as DETR.
        ObjectDetector = "object_detector",
        /// Speech to text, such as Whisper and Wav2Vec2.
        SpeechRecognition = "speech_recognition",
        /// Sound and text in one space, such as CLAP.
        AudioTextEncoder = "audio_text_encoder",
        /// Images and text in one space, such as CLIP.
        ImageTextEncoder = "image_text_encoder",
        /// Images and a prompt in, text out, such as LLaVA.
        VisionLanguage = "vision_language",
        /// Video and text in one space, such as X-CLIP.
        VideoTextEncoder = "video_text_encoder",
        /// Labels or scores of a text or of a pair of texts, rerankers included.
        TextClassifier = "text_classifier",
        /// A label for every token, such as names of people.
        TokenClassifier = "token_classifier",
        /// The part of a text that answers a question.
        QuestionAnswerer = "question_answerer",
        /// A text to one vector, made for comparing.
        SentenceEncoder = "sentence_encoder",
        /// An image to vectors, such as DINO.
        ImageEncoder = "image_encoder",
        /// Masks of an image, such as SAM.
        ImageSegmenter = "image_segmenter",
        /// A depth for every pixel.
        DepthEstimator = "depth_estimator",
        /// Points of an image: poses, features and their matches.
        KeypointDetector = "keypoint_detector",
        /// An image from an image: larger, cut out, straightened.
        ImageToImage = "image_to_image",
        /// Labels of a sound, or of its parts; speakers included.
        AudioClassifier = "audio_classifier",
        /// Sound to vectors, without text.
        AudioEncoder = "audio_encoder",
        /// Text to speech or other sound.
        TextToSpeech = "text_to_speech",
        /// Sound to sound: codecs, separation, voices.
        AudioToAudio = "audio_to_audio",
        /// Sound and a prompt in, text out.
        AudioLanguage = "audio_language",
        /// An image to its text or description: captions, printed and written text.
        ImageToText = "image_to_text",
        /// An image and a question to an answer out of a list.
        VisualQuestionAnswerer = "visual_question_answerer",
        /// Text and where it stands on a page.
        DocumentEncoder = "document_encoder",
        /// Boxes of what a text names, such as OWL-ViT.
        OpenVocabularyDetector = "open_vocabulary_detector",
        /// Text, images and sound in and out.
        AnyToAny = "any_to_any",
        /// Labels of a video.
        VideoClassifier = "video_classifier",
        /// Video and a prompt in, text out.
        VideoLanguage = "video_language",
    }
}

impl Subfamily {
    /// The family it refines.
    pub const fn family(self) -> Family {
        match self {
            Self::MaskedLm
            | Self::TextClassifier
            | Self::TokenClassifier
            | Self::QuestionAnswerer
            | Self::SentenceEncoder => Family::Embedding,
            Self::CausalLm | Self::Seq2seq => Family::TextGeneration,
            Self::ImageClassifier
            | Self::ObjectDetector
            | Self::ImageEncoder
            | Self::ImageSegmenter
            | Self::DepthEstimator
            | Self::KeypointDetector
            | Self::ImageToImage => Family::Vision,
            Self::SpeechRecognition
            | Self::AudioTextEncoder
            | Self::AudioClassifier
            | Self::AudioEncoder
            | Self::TextToSpeech
            | Self::AudioToAudio => Family::Audio,
            Self::ImageTextEncoder
            | Self::VisionLanguage
            | Self::AudioLanguage
            | Self::ImageToText
            | Self::VisualQuestionAnswerer
            | Self::DocumentEncoder
            | Self::OpenVocabularyDetector
            | Self::AnyToAny => Family::Multimodal,
            Self::VideoTextEncoder | Self::VideoClassifier | Self::VideoLanguage => Family::Video,
        }
    }

    /// Whether the runtime has a pipeline for this kind, and the generator templates. The others
    /// are there to be recognised, estimated and told apart.
    pub const fn has_pipeline(self) -> bool {
        matches!(
            self,
            Self::MaskedLm
                | Self::CausalLm
                | Self::Seq2seq
                | Self::ImageClassifier
                | Self::ObjectDetector
                | Self::SpeechRecognition
                | Self::AudioTextEncoder
                | Self::ImageTextEncoder
                | Self::VisionLanguage
                | Self::VideoTextEncoder
        )
    }

    /// The tasks that a model of this kind can do.
    pub const fn tasks(self) -> &'static [Task] {
        match self {
            Self::MaskedLm => &[Task::FeatureExtraction, Task::FillMask],
            Self::CausalLm => &[Task::TextGeneration],
            Self::Seq2seq => &[Task::Text2textGeneration],
            Self::ImageClassifier => &[Task::ImageClassification],
            Self::ObjectDetector => &[Task::ObjectDetection],
            Self::SpeechRecognition => &[Task::AutomaticSpeechRecognition],
            Self::AudioTextEncoder => &[Task::FeatureExtraction, Task::ZeroShotAudioClassification],
            Self::ImageTextEncoder => &[Task::FeatureExtraction, Task::ZeroShotImageClassification],
            Self::VisionLanguage => &[Task::ImageTextToText],
            Self::VideoTextEncoder => &[Task::FeatureExtraction, Task::ZeroShotVideoClassification],
            Self::TextClassifier => &[Task::TextClassification],
            Self::TokenClassifier => &[Task::TokenClassification],
            Self::QuestionAnswerer => &[Task::QuestionAnswering],
            Self::SentenceEncoder | Self::AudioEncoder => &[Task::FeatureExtraction],
            Self::ImageEncoder => &[Task::ImageFeatureExtraction],
            Self::ImageSegmenter => &[Task::ImageSegmentation, Task::MaskGeneration],
            Self::DepthEstimator => &[Task::DepthEstimation],
            Self::KeypointDetector => &[Task::KeypointDetection],
            Self::ImageToImage => &[Task::ImageToImage],
            Self::AudioClassifier => &[Task::AudioClassification],
            Self::TextToSpeech => &[Task::TextToSpeech],
            Self::AudioToAudio => &[Task::AudioToAudio],
            Self::AudioLanguage => &[Task::AudioTextToText],
            Self::ImageToText => &[Task::ImageToText],
            Self::VisualQuestionAnswerer => &[Task::VisualQuestionAnswering],
            Self::DocumentEncoder => &[Task::DocumentQuestionAnswering, Task::TokenClassification],
            Self::OpenVocabularyDetector => &[Task::ZeroShotObjectDetection],
            Self::AnyToAny => &[Task::AnyToAny],
            Self::VideoClassifier => &[Task::VideoClassification],
            Self::VideoLanguage => &[Task::VideoTextToText],
        }
    }
}

vocabulary! {
    what = "task";
    /// What a user wants done, by the Hub's name for it.
    pub enum Task {
        /// Text, image or sound to a vector.
        FeatureExtraction = "feature-extraction",
        /// The most likely tokens for a masked position.
        FillMask = "fill-mask",
        /// Continue a text.
        TextGeneration = "text-generation",
        /// Text to text: translate, summarise.
        Text2textGeneration = "text2text-generation",
        /// Labels of an image.
        ImageClassification = "image-classification",
        /// Boxes and labels in an image.
        ObjectDetection = "object-detection",
        /// Free labels of an image.
        ZeroShotImageClassification = "zero-shot-image-classification",
        /// Free labels of a sound.
        ZeroShotAudioClassification = "zero-shot-audio-classification",
        /// Free labels of a video.
        ZeroShotVideoClassification = "zero-shot-video-classification",
        /// Speech to text.
        AutomaticSpeechRecognition = "automatic-speech-recognition",
        /// An image and a prompt to text.
        ImageTextToText = "image-text-to-text",
        /// Labels or scores of a text.
        TextClassification = "text-classification",
        /// Labels of a text's tokens.
        TokenClassification = "token-classification",
        /// The answer in a text.
        QuestionAnswering = "question-answering",
        /// An image to vectors.
        ImageFeatureExtraction = "image-feature-extraction",
        /// What each pixel of an image belongs to.
        ImageSegmentation = "image-segmentation",
        /// The masks of things that are pointed at.
        MaskGeneration = "mask-generation",
        /// How far each pixel is.
        DepthEstimation = "depth-estimation",
        /// Points of an image.
        KeypointDetection = "keypoint-detection",
        /// An image from an image.
        ImageToImage = "image-to-image",
        /// The text or a description of an image.
        ImageToText = "image-to-text",
        /// The answer to a question about an image.
        VisualQuestionAnswering = "visual-question-answering",
        /// The answer to a question about a page.
        DocumentQuestionAnswering = "document-question-answering",
        /// Boxes of what a text names.
        ZeroShotObjectDetection = "zero-shot-object-detection",
        /// Labels of a sound.
        AudioClassification = "audio-classification",
        /// Text to sound.
        TextToSpeech = "text-to-speech",
        /// Sound from sound.
        AudioToAudio = "audio-to-audio",
        /// Sound and a prompt to text.
        AudioTextToText = "audio-text-to-text",
        /// Several kinds of input to several kinds of output.
        AnyToAny = "any-to-any",
        /// Labels of a video.
        VideoClassification = "video-classification",
        /// A video and a prompt to text.
        VideoTextToText = "video-text-to-text",
    }
}

vocabulary! {
    what = "precision";
    /// Of a model's weights and arithmetic; it picks the file by the Hub's suffix.
    pub enum Precision {
        /// 32-bit floating point.
        Fp32 = "fp32",
        /// 16-bit IEEE floating point.
        Fp16 = "fp16",
        /// 8-bit integers.
        Int8 = "int8",
        /// 4-bit weights.
        Q4 = "q4",
    }
}

impl Precision {
    /// What the Hub's ONNX layout appends to a file's stem: `model` + `_fp16` + `.onnx`.
    pub const fn file_suffix(self) -> &'static str {
        match self {
            Self::Fp32 => "",
            Self::Fp16 => "_fp16",
            Self::Int8 => "_int8",
            Self::Q4 => "_q4",
        }
    }

    /// Bits that one weight takes.
    pub const fn bits_per_weight(self) -> u64 {
        match self {
            Self::Fp32 => 32,
            Self::Fp16 => 16,
            Self::Int8 => 8,
            Self::Q4 => 4,
        }
    }
}

vocabulary! {
    what = "support";
    /// Whether a model runs on a platform.
    pub enum Support {
        /// Through a real engine on that platform.
        Real = "real",
        /// Only simulated, and every result says so.
        Simulation = "simulation",
        /// Not at all.
        Unsupported = "unsupported",
    }
}

vocabulary! {
    what = "variant";
    /// Which of the two forms of a skill or test is generated.
    pub enum Variant {
        /// Runs on the platform or not at all.
        Real = "real",
        /// Runs on the simulator; results carry their own type.
        Simulation = "simulation",
    }
}

vocabulary! {
    what = "stage";
    /// Where a failed test failed.
    pub enum Stage {
        /// Finding the model, its files or its reference.
        Resolve = "resolve",
        /// Reading the model into the engine.
        Load = "load",
        /// Compiling it for the device.
        Compile = "compile",
        /// Running it.
        Run = "run",
        /// It ran, and the result is wrong.
        Mismatch = "mismatch",
        /// It ran, but not where it was told to.
        Placement = "placement",
        /// It did not end in time.
        Timeout = "timeout",
        /// It took the process down.
        Crash = "crash",
    }
}

vocabulary! {
    what = "case";
    /// One thing that a generated test proves about a cell.
    pub enum CaseName {
        /// The model loads, its inputs and outputs are as recorded, and every node is placed on the platform.
        Loads = "loads",
        /// The graph's raw outputs equal the recorded reference.
        MatchesReference = "matches_reference",
        /// Embeddings of texts, images, sounds or videos equal Hugging Face's.
        Embeds = "embeds",
        /// Masked tokens are filled as by Hugging Face's pipeline.
        FillsMasks = "fills_masks",
        /// Images get the labels and scores of Hugging Face's pipeline.
        ClassifiesImages = "classifies_images",
        /// Free labels get the scores of Hugging Face's pipeline.
        ClassifiesZeroShot = "classifies_zero_shot",
        /// Labels, scores and boxes equal those of Hugging Face's post-processing.
        DetectsObjects = "detects_objects",
        /// Generated token ids and text equal Hugging Face's.
        GeneratesText = "generates_text",
        /// The text for an image and a prompt equals Hugging Face's, token by token.
        DescribesImages = "describes_images",
        /// Speech becomes the text, tokens and times of Hugging Face's.
        TranscribesSpeech = "transcribes_speech",
        /// A padded batch gives what its members give one by one.
        BatchEqualsSingles = "batch_equals_singles",
        /// One loaded session serves inputs of several shapes, back and forth.
        DynamicShapes = "dynamic_shapes",
        /// Wrong input is a typed error, and the session still works after it.
        BadInputIsTyped = "bad_input_is_typed",
        /// Concurrent callers share one load and agree.
        ConcurrentCallersAgree = "concurrent_callers_agree",
        /// CPU, then the platform, then the CPU again: all three agree.
        SwitchingAgrees = "switching_agrees",
        /// Latency, throughput and memory are recorded.
        Measures = "measures",
        /// Half precision stays within its tolerance.
        Fp16MatchesReference = "fp16_matches_reference",
        /// Integer weights stay within their tolerance.
        Int8MatchesReference = "int8_matches_reference",
        /// Four-bit weights stay within their tolerance.
        Q4MatchesReference = "q4_matches_reference",
        /// Device memory before, during and after is recorded.
        RecordsDeviceMemory = "records_device_memory",
        /// A second load finds the compiled model in the cache and agrees with the first.
        ReusesCompiledModel = "reuses_compiled_model",
        /// The first run's compile time is recorded apart from later runs.
        RecordsFirstRun = "records_first_run",
        /// A model over the memory limit is refused with a typed error.
        RefusesOverMemoryLimit = "refuses_over_memory_limit",
    }
}
