"""A box that suggests while a person types: what the network expects after the text so far."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.parts.shared.cache import cached
from pages.parts.shared.messages import errors_as
from rnnstore import Model
from rnnstore.networks import open_network
from rnnstore.networks.completions import completions
from rnnstore.visible import visible

_HTML = """
<label></label><textarea rows="2" spellcheck="false"></textarea>
<div class="under">
  <span class="message"></span><span class="chips"></span><button type="button" class="read">Read</button>
</div>
"""

_CSS = """
label { font-size: 0.9rem; color: var(--st-text-color); display: block; padding-bottom: 0.25rem; }
textarea { width: 100%; box-sizing: border-box; font: inherit; color: var(--st-text-color); resize: vertical;
  background: var(--st-secondary-background-color); border: 1px solid transparent; padding: 0.5rem 0.75rem;
  border-radius: var(--st-base-radius); font-family: var(--st-code-font); font-size: 0.93rem; display: block; }
textarea:focus-visible { outline: none; border-color: var(--st-primary-color); }
.under { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; padding-top: 0.4rem; min-height: 2.2rem; }
.message { font-size: 0.88rem; color: var(--st-gray-text-color); }
.chips { display: flex; flex-wrap: wrap; gap: 0.4rem; flex: 1; min-width: 0; }
button { font: inherit; font-size: 0.9rem; color: var(--st-text-color); background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); padding: 0.15rem 0.6rem;
  max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button span { opacity: 0.7; font-size: 0.85em; padding-left: 0.4em; font-variant-numeric: tabular-nums; }
button:disabled { opacity: 0.5; cursor: default; }
"""

_JS = """
const boxes = new WeakMap();
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const find = (name) => parentElement.querySelector(name);
  const area = find("textarea"), chips = find(".chips"), read = find(".read");
  let box = boxes.get(area);
  if (!box) { box = {}; boxes.set(area, box); }
  find("label").textContent = data.label;
  area.placeholder = data.placeholder;
  area.disabled = read.disabled = data.disabled;
  if (box.text !== data.text) { box.text = data.text; area.value = data.text; }
  const ask = (wait) => {
    clearTimeout(box.timer);
    box.timer = setTimeout(() => setStateValue("typed", area.value), wait);
  };
  const send = () => { clearTimeout(box.timer); box.text = area.value; setTriggerValue("read", area.value); };
  area.oninput = () => ask(90);
  area.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  };
  read.onclick = send;
  find(".message").textContent = data.message;
  chips.replaceChildren();
  for (const { shown, adds, cuts, chance } of data.suggestions) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = shown;
    const share = document.createElement("span");
    share.textContent = chance;
    chip.appendChild(share);
    chip.disabled = adds === null;
    chip.onclick = () => {
      area.value = area.value.slice(0, area.value.length - cuts) + adds;
      area.focus();
      ask(0);
    };
    chips.appendChild(chip);
  }
}
"""

BEGINS = ". It begins with a space, as in training; one is put there where you type none"


def typing_box(model: Model, text: str, missing: str | None, read: Callable[[str], None]) -> None:
    """The box with `text` in it; `read` is called with what a person wants to be read."""
    key = "connectivity-typing"
    typed = text
    state = st.session_state.get(key)
    if state is not None and state.get("typed") is not None and st.session_state.get(f"{key}-of") == text:
        typed = state["typed"]
    st.session_state[f"{key}-of"] = text
    completes = missing is None and open_network(model).completes
    message, found = ("", []) if missing is not None else _suggested(model, typed)

    def take() -> None:
        sent = st.session_state[key].get("read")
        if sent is not None:
            st.session_state[f"{key}-sent"] = True
            read(sent)

    component = st.components.v2.component("typing_box", html=_HTML, css=_CSS, js=_JS)
    component(
        data={
            "label": "Your own text (Ctrl+Enter reads it)" + (BEGINS if completes else ""),
            "placeholder": "no network, see below"
            if missing is not None
            else "type, and see which word it takes it for"
            if completes
            else "type, and see what the model expects next",
            "disabled": missing is not None,
            "text": text,
            "message": message,
            "suggestions": found,
        },
        key=key,
        on_typed_change=lambda: None,
        on_read_change=take,
    )
    if st.session_state.pop(f"{key}-sent", False):
        st.rerun()  # the text below has to follow


def _suggested(model: Model, text: str) -> tuple[str, list[dict]]:
    """What is said before the suggestions, and those: as shown, what a click adds and how much it takes away first."""
    if not text.strip("\r\n"):
        return "Suggestions appear here while you type.", []
    refused: list[str] = []
    with errors_as(refused.append, markdown=False):
        found = _completions(model, text)
    if refused:
        return refused[0], []
    reader = open_network(model)
    message = "It would answer:" if reader.classifier else "The word:" if reader.completes else "Next:"
    if not found:
        message = "Nothing that the model knows begins like this."
    return message, [
        {"shown": visible(each.word), "adds": each.adds, "cuts": each.cuts, "chance": f"{each.probability:.1%}"}
        for each in found
    ]


_completions = cached(completions)
