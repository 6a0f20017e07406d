"""Networks of other frameworks: their recurrent layers found, recorded whole, and brought along as network files.

`rnnstore.pytorch` is the public face of PyTorch. A framework is imported here alone, and only in the modules that carry
its name (`torch_...`), when a function of its face is called.
"""
