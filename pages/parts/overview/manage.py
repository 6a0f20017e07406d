"""Rename, delete and copy in models from the overview, where `hosting.may_change` allows it; refusals are sentences."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.current import current_store
from pages.parts.shared.messages import change_store
from rnnstore import Model


def manage_popover(model: Model) -> None:
    """Rename or delete one model."""
    with st.popover("Manage", type="tertiary"):
        st.text_input("New name", model.name, key=f"name-{model.name}")
        st.button("Rename", key=f"rename-{model.name}", on_click=_rename, args=(model.name,))
        st.divider()
        sure = st.checkbox("Delete it with all it holds; this cannot be undone", key=f"sure-{model.name}")
        st.button("Delete", key=f"delete-{model.name}", disabled=not sure, on_click=_delete, args=(model.name,))


def copy_in_popover() -> None:
    """Copy a model's folder into the store."""
    with st.popover("Copy a model in"):
        folder = st.text_input("Folder of the model", placeholder="/path/to/another/store/model=name")
        name = st.text_input("Name here", placeholder="as in its folder")
        st.button("Copy", disabled=not folder, on_click=_copy_in, args=(folder, name))


def _rename(old: str) -> None:
    new = st.session_state[f"name-{old}"].strip()  # as it is now: no run has seen yet what was typed before the click
    renamed = change_store(lambda: current_store().rename(old, new), f"{old} is now called {new}.")
    if renamed and st.session_state.get("model") == old:
        st.session_state["model"] = new


def _delete(name: str) -> None:
    change_store(lambda: current_store().delete(name), f"{name} has been deleted.")


def _copy_in(folder: str, name: str) -> None:
    source = folder.strip().rstrip("/")
    change_store(lambda: current_store().copy_in(source, name.strip() or None), f"{source} has been copied in.")
