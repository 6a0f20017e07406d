"""Puts the application into the wheel: `rnnstore/application/` there holds what the top folder holds here.

Streamlit starts a script in a folder, and Streamlit Community Cloud wants it at the top of a repository. In somebody's
environment the same files have to lie inside the package, so a build copies them; everything else is in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
APPLICATION = ("streamlit_app.py", "hosted_app.py", "pages", "static", ".streamlit", "demonstration")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.lock")


class WithApplication(build_py):
    """`build_py` and the application's files; an editable install runs them from here."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "rnnstore", "application")
        shutil.rmtree(target, ignore_errors=True)
        for name in APPLICATION:
            source = HERE / name
            if source.is_dir():
                shutil.copytree(source, target / name, ignore=LEFT_OUT)
            elif source.exists():
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name)


setup(cmdclass={"build_py": WithApplication})
