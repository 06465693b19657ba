//! Generates the skills that this crate uses from its own registry.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    accelgen::build::Config::new("model_registry.yaml")
        .models(["sentence_encoder", "image_labeller"])
        .platforms(["cpu", "cuda"])
        .generate()?;
    Ok(())
}
