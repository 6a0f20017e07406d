"""Networks of other frameworks: their recurrent layers found, recorded whole, and brought along as network files.

`rnnstore.pytorch`, `rnnstore.keras` and `rnnstore.onnx` are the public faces. A framework is imported here alone, and
only in the modules that carry its name, when a function of its face is called.
"""
