"""Reads LSTMVis project folders (lstm.yml, HDF5 files, dict files) into the store; docs/lstmvis.md describes them.

`read` finds and checks everything that a folder holds, `import_folder` makes a model of it. Needs no TensorFlow.
"""

from pipelines.lstmvis.description import LstmvisError
from pipelines.lstmvis.importing import import_folder, summary
from pipelines.lstmvis.project import Project, read

__all__ = ["LstmvisError", "Project", "import_folder", "read", "summary"]
