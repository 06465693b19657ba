//! `cargo run -p downstream -- [FIXTURES]`: uses both generated skills on the tiny models of this
//! repository, or on `FIXTURES/bert` and `FIXTURES/vit`.

use std::error::Error;

#[expect(clippy::print_stdout, reason = "this program is here to print")]
fn main() -> Result<(), Box<dyn Error>> {
    let fixtures = std::env::args()
        .nth(1)
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures").to_owned());
    let bert = format!("{fixtures}/bert");
    let similarity = downstream::similarity(&bert, "the red fox", "the quick fox")?;
    println!("similarity of two texts: {similarity:.4}");
    let vit = format!("{fixtures}/vit");
    match downstream::label(&vit, &format!("{vit}/inputs/rgb.png"))? {
        Some(label) => println!("label of an image: {label}"),
        None => println!("the model has no labels"),
    }
    Ok(())
}
