"""What only the browser can do: save the picture that it has drawn, move to a place of the page, keep a corner free."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

_HTML = '<button type="button"></button>'

_CSS = """
button { font: inherit; font-size: 0.93rem; color: var(--st-text-color); background: transparent;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); padding: 0.3rem 0.75rem;
  width: 100%; min-height: 2.25rem; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

_SAVE = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = () => {
    const drawn = document.querySelector(`.st-key-${data.of}`)?.querySelector("svg.marks, canvas.marks");
    if (!drawn) return;
    const save = (address, ending) => {
      const anchor = document.createElement("a");
      anchor.href = address; anchor.download = `${data.name}.${ending}`;
      anchor.click();
    };
    if (drawn.tagName.toLowerCase() === "svg") {
      const text = new XMLSerializer().serializeToString(drawn);
      save(URL.createObjectURL(new Blob([text], { type: "image/svg+xml" })), "svg");
    } else {
      save(drawn.toDataURL("image/png"), "png");
    }
  };
}
"""

_MOVE = """
const seen = new Map();
export default function ({ data }) {
  if (seen.get(data.to) === data.visit) return;
  const first = !seen.has(data.to);
  seen.set(data.to, data.visit);
  if (!first || data.visit) document.querySelector(`.st-key-${data.to}`)?.scrollIntoView({ block: "start" });
}
"""


def save_picture_button(label: str, of: str, name: str) -> None:
    """A button that saves the chart in the container `of` (its key) as an SVG, or as a PNG where it is drawn so."""
    component = st.components.v2.component("save_picture", html=_HTML, css=_CSS, js=_SAVE)
    component(data={"label": label, "of": re.sub(r"[^\w-]", "-", of), "name": name}, key=f"save-{of}")


def move_to(container: str, visit: int) -> None:
    """Bring the container of that key to the top of the window, once for each `visit` (0: stay)."""
    component = st.components.v2.component("move_to", js=_MOVE)
    component(data={"to": container, "visit": visit}, key=f"move-{container}")


def wide_page() -> None:
    """Less empty space beside what the page shows: words need it. Captions are as dark as small letters have to be
    (4.5 to 1 in both themes), the keyboard's place among links is seen, and the menu's groups fit above the choices."""
    st.html(
        "<style>[data-testid='stMainBlockContainer'] { padding-left: 2.25rem; padding-right: 2.25rem; }"
        "[data-testid='stCaptionContainer'] { opacity: 0.75; }"
        ".st-key-page_title h1 { font-size: 1.6rem; padding: 0; } .st-key-page_title { row-gap: 0; }"
        ".st-key-page_links [data-testid='stCaptionContainer'] { margin: 0; padding: 0.6rem 0 0.1rem 0.5rem; }"
        ".st-key-page_links [data-testid='stCaptionContainer'] p { font-size: 0.8rem; line-height: 1.2; margin: 0; }"
        ".st-key-page_links [data-testid='stElementContainer'] { margin: 0; }"  # Streamlit's is negative: they overlap
        ".st-key-page_links a { padding-top: 0; padding-bottom: 0; margin: 0; }"
        "[data-testid='stCaptionContainer'] code { font-size: 0.8rem; }"
        "[data-testid='stButtonGroup'] button { min-height: 2.5rem; }"
        "[data-testid='stApp'] a:focus-visible { outline: 2px solid #4488c8; outline-offset: -2px; }</style>"
    )


def charts_tools_aside(*, bottom: Sequence[str] = (), top: Sequence[str] = (), none: Sequence[str] = ()) -> None:
    """Put the tools of charts, by the ends of their containers' keys, into a corner of theirs that is empty, where they
    hide no control; charts under `none` have none, where they would hide the chart."""
    places = {"top: auto !important; bottom: 0 !important": bottom, "top: 0 !important": top, "display: none": none}
    rules = [
        f"[class*='{view}'] [data-testid='stElementToolbar'] {{ {rule}; }}"
        for rule, views in places.items()
        for view in views
    ]
    st.html(f"<style>{' '.join(rules)}</style>")
