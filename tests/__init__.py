"""Tests; what they start inherits what is set here, before NumPy and TensorFlow are imported.

Two runners share two cores: more threads than one each only wait for one another. XLA compiles without optimising,
which would take longer than the small networks of the tests do; benchmarks are measured as a user has it.
"""

import os
import sys

if "pytest" in sys.modules:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1")
