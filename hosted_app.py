"""The application as it is offered to the public: the same one, hosted, on the folder `demonstration` beside this file.

    streamlit run hosted_app.py

What runs applications for others, such as Streamlit Community Cloud, is given a script to start and no options; this
is that script. docs/hosting.md has the steps.
"""

import os
import runpy
from pathlib import Path

HERE = Path(__file__).parent

os.environ["RNNSTORE_HOSTED"] = "1"
os.environ.setdefault("RNNSTORE", str(HERE / "demonstration"))

runpy.run_path(str(HERE / "streamlit_app.py"), run_name="__main__")
