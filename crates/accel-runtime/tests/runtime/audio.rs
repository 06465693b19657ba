//! Sound: files, resampling and features, against values that `tools/fixtures/audio_features.py`
//! recorded from transformers and torchaudio's formula.

use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::audio::{ClapFeatures, WaveformFeatures, WhisperFeatures};
use accel_runtime::{Audio, Error, ModelDir, Stage, Tensor};
use safetensors::SafeTensors;
use serde_json::Value;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn fixture(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(model)
}

struct Recorded {
    bytes: Vec<u8>,
    configs: Value,
}

impl Recorded {
    fn open() -> Self {
        let configs = serde_json::from_slice(&fs::read(data("audio.json")).unwrap()).unwrap();
        Self { bytes: fs::read(data("audio.safetensors")).unwrap(), configs }
    }

    /// What a fixture recorded.
    fn of_fixture(model: &str) -> Self {
        let bytes = fs::read(fixture(model).join("reference.safetensors")).unwrap();
        Self { bytes, configs: Value::Null }
    }

    fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let (elements, _) = tensor.data().as_chunks::<4>();
        (tensor.shape().to_vec(), elements.iter().map(|it| f32::from_le_bytes(*it)).collect())
    }

    /// A folder with the configuration of the case, and its sound.
    fn case(&self, name: &str) -> (tempfile::TempDir, Audio) {
        let case = &self.configs[name];
        let samples = usize::try_from(case["samples"].as_u64().unwrap()).unwrap();
        let rate = u32::try_from(case["config"]["sampling_rate"].as_u64().unwrap()).unwrap();
        let sound = self.tensor("sound").1[..samples].to_vec();
        (folder(&case["config"]), Audio::from_samples(sound, rate).unwrap())
    }

    fn names(&self, kind: &str) -> Vec<String> {
        let names = self.configs.as_object().unwrap().keys();
        let names: Vec<_> = names.filter(|it| it.starts_with(kind)).cloned().collect();
        assert!(!names.is_empty(), "{kind}");
        names
    }

    fn assert_equal(&self, name: &str, got: &Tensor, tolerance: f32) {
        let (shape, want) = self.tensor(&format!("{name}/features"));
        assert_eq!(got.shape(), shape, "{name}");
        assert_close(name, got.as_f32().unwrap(), &want, tolerance);
    }
}

fn folder(config: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    fs::write(folder.path().join("preprocessor_config.json"), config.to_string()).unwrap();
    folder
}

fn assert_close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    let far = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{what}: max abs difference {far:e}");
    assert!(far <= tolerance, "{what}: {far:e}");
}

#[test]
fn resampling_equals_torchaudio() {
    let recorded = Recorded::open();
    let sound = recorded.tensor("sound").1[3000..3300].to_vec();
    for (from, to) in [
        (8000, 16_000),
        (11_025, 16_000),
        (22_050, 16_000),
        (44_100, 16_000),
        (48_000, 16_000),
        (16_000, 48_000),
        (44_100, 48_000),
        (16_001, 16_000),
    ] {
        let audio = Audio::from_samples(sound.clone(), from).unwrap().resampled(to).unwrap();
        let (_, want) = recorded.tensor(&format!("resample/{from}/{to}"));
        assert_eq!(audio.sample_rate_hz(), to);
        assert_close(&format!("{from} to {to}"), audio.samples(), &want, 1e-6);
    }
    let audio = Audio::from_samples(sound, 16_000).unwrap();
    assert_eq!(audio.resampled(16_000).unwrap(), audio);
    for rate in [0, 999, 768_001, u32::MAX] {
        assert!(matches!(audio.resampled(rate), Err(Error::InvalidArgument { .. })));
    }
}

/// From files, which hold 16-bit integers at rates that a model does not take.
#[test]
fn sound_files_become_the_recorded_waveforms() {
    let recorded = Recorded::of_fixture("wav2vec2");
    for rate in [8_000, 22_050, 44_100, 48_000] {
        let file = fixture("wav2vec2").join(format!("inputs/rate_{rate}.wav"));
        let audio = Audio::open(file).unwrap();
        assert_eq!(audio.sample_rate_hz(), rate);
        let name = format!("tasks/automatic-speech-recognition/rate_{rate}/waveform");
        let want = recorded.tensor(&name).1;
        assert_close(&name, audio.resampled(16_000).unwrap().samples(), &want, 1e-6);
    }
}

/// The fixture's own model takes other features; these are recorded for models with fusion.
#[test]
fn sound_files_become_the_recorded_features_of_fusion() {
    let recorded = Recorded::of_fixture("clap");
    let config = fs::read(fixture("clap").join("preprocessor_config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    config["truncation"] = "fusion".into();
    let folder = folder(&config);
    let features = ClapFeatures::open(&ModelDir::open(folder.path()).unwrap()).unwrap();
    for sound in ["beyond_window", "telephone"] {
        let audio = Audio::open(fixture("clap").join(format!("inputs/{sound}.wav"))).unwrap();
        let (shape, want) = recorded.tensor(&format!("features/fusion/{sound}_wav"));
        let got = features.input_features(&[&audio]).unwrap();
        assert_eq!(got.shape(), shape, "{sound}");
        // Decibels. Both sounds are of 8 kHz, and above 4 kHz there is only what resampling leaves.
        let got = got.as_f32().unwrap();
        assert_close(sound, got, &want, 0.4);
        let heard = |it: &[f32]| -> Vec<f32> {
            it.iter().zip(&want).filter(|(_, want)| **want > -50.0).map(|(it, _)| *it).collect()
        };
        assert!(heard(&want).len() > 1000, "{sound}");
        assert_close(sound, &heard(got), &heard(&want), 0.005);
    }
}

#[test]
fn whisper_features_equal_hugging_face() {
    let recorded = Recorded::open();
    for name in recorded.names("whisper/") {
        let (folder, audio) = recorded.case(&name);
        let features = WhisperFeatures::open(&ModelDir::open(folder.path()).unwrap()).unwrap();
        let log_mel = features.log_mel(&audio).unwrap();
        let whole = log_mel.window(0, log_mel.frames).unwrap();
        recorded.assert_equal(&name, &whole, 1e-4);
        // One window has the window's length, whatever the sound's.
        let window = features.input_features(&audio).unwrap();
        assert_eq!(window.shape()[2], features.window_frames());
        if log_mel.frames == features.window_frames() {
            assert_eq!(window, whole);
        }
    }
}

#[test]
fn clap_features_equal_hugging_face() {
    let recorded = Recorded::open();
    for name in recorded.names("clap/") {
        let (folder, audio) = recorded.case(&name);
        let features = ClapFeatures::open(&ModelDir::open(folder.path()).unwrap()).unwrap();
        recorded.assert_equal(&name, &features.input_features(&[&audio]).unwrap(), 1e-4);
        let two = features.input_features(&[&audio, &audio]).unwrap();
        assert_eq!(two.shape()[0], 2);
        let longer = features.is_longer(2).unwrap();
        assert_eq!(longer.is_some(), name.contains("fusion"));
        assert!(matches!(features.input_features(&[]), Err(Error::InvalidArgument { .. })));
    }
}

#[test]
fn waveforms_equal_hugging_face() {
    let recorded = Recorded::open();
    for name in recorded.names("waveform/") {
        let (folder, audio) = recorded.case(&name);
        let features = WaveformFeatures::open(&ModelDir::open(folder.path()).unwrap()).unwrap();
        recorded.assert_equal(&name, &features.input_values(&audio).unwrap(), 1e-5);
        // Sound at another rate becomes that of the model.
        let slow = Audio::from_samples(vec![0.5; 8000], 8000).unwrap();
        assert_eq!(features.input_values(&slow).unwrap().shape(), [1, 16_000]);
    }
}

#[test]
fn senseless_configurations_are_refused() {
    let refused = |config: &str| {
        let folder = folder(&serde_json::from_str(config).unwrap());
        let dir = ModelDir::open(folder.path()).unwrap();
        for error in [
            WhisperFeatures::open(&dir).map(|_| ()),
            ClapFeatures::open(&dir).map(|_| ()),
            WaveformFeatures::open(&dir).map(|_| ()),
        ]
        .map(Result::err)
        {
            if let Some(error) = &error {
                assert!(
                    matches!(error, Error::UnsupportedModel { .. } | Error::InvalidFile { .. }),
                    "{config}: {error}"
                );
            }
        }
        (WhisperFeatures::open(&dir).is_err(), ClapFeatures::open(&dir).is_err())
    };
    assert_eq!(refused("{}"), (false, false));
    for config in [
        r#"{"hop_length": 0}"#,
        r#"{"feature_size": 0}"#,
        r#"{"feature_size": 1024, "hop_length": 1}"#,
        r#"{"sampling_rate": 0}"#,
        r#"{"sampling_rate": 4294967295}"#,
        r#"{"n_fft": 1, "fft_window_size": 1}"#,
        r#"{"chunk_length": 0, "max_length_s": 0}"#,
        r#"{"chunk_length": 4294967295, "max_length_s": 4294967295}"#,
        r#"{"dither": 0.1, "padding": "mirror"}"#,
        r#"{"feature_extractor_type": "SpeechT5FeatureExtractor"}"#,
    ] {
        assert_eq!(refused(config), (true, true), "{config}");
    }
    for config in [
        r#"{"truncation": "none"}"#,
        r#"{"frequency_min": 200.0, "frequency_max": 100.0}"#,
        r#"{"frequency_min": -1.0}"#,
    ] {
        assert_eq!(refused(config), (false, true), "{config}");
    }
}

/// A WAV file of one `fmt ` and one `data` chunk.
fn wav(format: u16, channels: u16, rate: u32, bits: u16, samples: &[u8]) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    for two in [format, channels] {
        file.extend(two.to_le_bytes());
    }
    file.extend(rate.to_le_bytes());
    file.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    for two in [frame, bits] {
        file.extend(two.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(u32::try_from(samples.len()).unwrap().to_le_bytes());
    file.extend(samples);
    let length = u32::try_from(file.len() - 8).unwrap();
    file[4..8].copy_from_slice(&length.to_le_bytes());
    file
}

#[test]
fn every_kind_of_sample_is_read() {
    let floats: Vec<_> = [-1.0_f32, 0.0, 0.25].iter().flat_map(|it| it.to_le_bytes()).collect();
    let doubles: Vec<_> = [-1.0_f64, 0.0, 0.25].iter().flat_map(|it| it.to_le_bytes()).collect();
    for (format, bits, samples) in [
        (1, 8, &[0, 128, 160][..]),
        (1, 16, &[0x00, 0x80, 0, 0, 0x00, 0x20]),
        (1, 24, &[0, 0, 0x80, 0, 0, 0, 0, 0, 0x20]),
        (1, 32, &[0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x20]),
        (3, 32, &floats),
        (3, 64, &doubles),
    ] {
        let audio = Audio::from_bytes(&wav(format, 1, 8000, bits, samples)).unwrap();
        assert_eq!(audio.samples(), [-1.0, 0.0, 0.25], "{format}, {bits} bits");
        assert_eq!(audio.sample_rate_hz(), 8000);
    }
    // Channels are averaged; bytes at the end that make no frame do not count.
    let audio = Audio::from_bytes(&wav(1, 2, 8000, 8, &[0, 128, 160, 192, 7])).unwrap();
    assert_eq!(audio.samples(), [-0.5, 0.375]);
}

#[test]
fn the_extensible_format_and_other_chunks_are_read() {
    let mut file = wav(1, 1, 44_100, 16, &[0, 0x40]);
    // 24 more bytes of `fmt `, and chunks around it, one of odd length.
    let guid = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    file[20..22].copy_from_slice(&0xfffe_u16.to_le_bytes());
    file[16..20].copy_from_slice(&40_u32.to_le_bytes());
    let extension = [&22_u16.to_le_bytes()[..], &16_u16.to_le_bytes(), &4_u32.to_le_bytes(), guid];
    file.splice(36..36, extension.concat());
    file.splice(12..12, b"LIST\x03\0\0\0abc\0".iter().copied());
    let audio = Audio::from_bytes(&file).unwrap();
    assert_eq!((audio.samples(), audio.sample_rate_hz()), (&[0.5][..], 44_100));
    // Written as a stream, whose length was not known.
    let mut stream = wav(1, 1, 8000, 8, &[192, 192]);
    stream[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Audio::from_bytes(&stream).unwrap().samples(), [0.5, 0.5]);
}

#[test]
fn flac_is_read() {
    let audio = Audio::open(data("stereo_16.flac")).unwrap();
    assert_eq!((audio.samples().len(), audio.sample_rate_hz()), (200, 22_050));
    let want: Vec<_> = (-100_i16..100).map(|it| 82.0 * f32::from(it) / 32_768.0).collect();
    assert_close("16 bits", audio.samples(), &want, 1e-7);
    let audio = Audio::open(data("mono_24.flac")).unwrap();
    let want: Vec<_> = (-100_i16..100).map(|it| 83_001.0 * f32::from(it) / 8_388_608.0).collect();
    assert_close("24 bits", audio.samples(), &want, 1e-7);
}

#[test]
fn what_is_no_sound_is_refused_with_its_reason() {
    let sound = [0_u8; 8];
    let mut claims = wav(1, 1, 8000, 16, &sound);
    claims[40..44].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let mut unordered = b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\0\0".to_vec();
    let with_fmt = wav(1, 1, 8000, 16, &sound);
    unordered.extend(&with_fmt[12..36]);
    for (bytes, reason) in [
        (Vec::new(), "it is empty"),
        (b"ID3 not sound".to_vec(), "it begins like neither"),
        (b"RIFF\0\0\0\0WAVE".to_vec(), "no chunk `data`"),
        (with_fmt[..20].to_vec(), "the file ends after 0"),
        (with_fmt[..46].to_vec(), "should have 8 bytes and the file ends after 2"),
        (claims, "should have 4294967280 bytes"),
        (unordered, "does not say of which format"),
        (wav(1, 1, 8000, 16, &[]), "it has no samples"),
        (wav(1, 0, 8000, 16, &sound), "it has no channels"),
        (wav(1, 9, 8000, 16, &sound), "it has no samples"),
        (wav(1, 1, 0, 16, &sound), "its rate is 0 Hz"),
        (wav(1, 1, u32::MAX, 16, &sound), "its rate is 4294967295 Hz"),
        (wav(1, 1, 8000, 12, &sound), "format 1 with 12 bits"),
        (wav(7, 1, 8000, 8, &sound), "format 7 with 8 bits"),
        (wav(3, 1, 8000, 32, &f32::NAN.to_le_bytes()), "sample 0 is NaN"),
        (wav(3, 1, 8000, 64, &f64::MAX.to_le_bytes()), "sample 0 is inf"),
    ] {
        let error = Audio::from_bytes(&bytes).unwrap_err();
        assert!(matches!(error, Error::Audio { .. }) && error.stage() == Stage::Run, "{error}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
    }
    for (samples, rate) in [(vec![], 16_000), (vec![f32::INFINITY], 16_000), (vec![0.0], 10)] {
        assert!(matches!(Audio::from_samples(samples, rate), Err(Error::Audio { .. })));
    }
    assert!(matches!(Audio::open("no such file.wav"), Err(Error::Io { .. })));
}

/// Cut anywhere or with any byte changed, a file is read or refused; nothing panics, and nothing
/// fills the memory.
#[test]
fn damaged_files_are_read_or_refused() {
    let wav = wav(1, 2, 16_000, 24, &[1; 60]);
    for file in [wav, fs::read(data("stereo_16.flac")).unwrap()] {
        for length in 0..file.len() {
            assert!(Audio::from_bytes(&file[..length]).is_err(), "cut to {length}");
        }
        for place in 0..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = file.clone();
                file[place] = value;
                if let Ok(audio) = Audio::from_bytes(&file) {
                    assert!(audio.samples().len() <= file.len() * 8, "{place}: {audio:?}");
                }
            }
        }
    }
}
