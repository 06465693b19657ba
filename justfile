# What CI runs, byte for byte.
ready:
    .ci/run

# Write everything that the registry stands for.
gen:
    cargo run --release -- --all

# Make the fixtures again, in the Python environment of tools/fixtures/requirements.txt.
fixtures:
    python tools/fixtures/make.py
