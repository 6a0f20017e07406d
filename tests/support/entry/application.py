"""The application, started by a script that has no folder `pages` beside it.

AppTest forgets before each run that the application called `st.navigation`, and would take such a folder for pages that
stand alone; a session does not forget.
"""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[3] / "streamlit_app.py"), run_name="__main__")
