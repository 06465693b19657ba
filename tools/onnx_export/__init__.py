"""The ONNX graphs of every kind of model, named as on the Hub.

`tools/export.py` and `tools/fixtures` both take the graphs from here, so that what the tests prove
about a fixture holds for an exported model. One file a kind.
"""
