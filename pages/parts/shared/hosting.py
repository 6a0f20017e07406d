"""Whether the application is offered to the public, and what a visitor may do therefore.

One setting: `RNNSTORE_HOSTED=1`, or `streamlit run streamlit_app.py -- --hosted`. Nothing is guessed of the machine: a
guess that is wrong once lets a stranger delete a model. Hosted, nothing that a visitor does changes the store or what
another visitor sees, what they keep stays in their session, and no sentence names a place of the server's disk.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
from urllib.parse import urlsplit

import streamlit as st

NO = ("", "0", "no", "off", "false")
"""Values of RNNSTORE_HOSTED that mean no; any other means yes, so that a slip of the pen opens nothing."""

HERE = ("localhost", "127.0.0.1", "::1")

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")
"""Headers that a proxy adds: who asks through one sits elsewhere, though the proxy may sit here."""


def hosted() -> bool:
    """Whether the application is offered to the public."""
    return _options().hosted


def may_change() -> bool:
    """Whether the visitor may change the store: never hosted, else whoever sits at the machine that runs it."""
    if hosted() or any(name in st.context.headers for name in FORWARDED):
        return False
    host = urlsplit(st.context.url or "").hostname or "localhost"
    return host in HERE and _is_here(st.context.ip_address)


def _is_here(asking: str | None) -> bool:
    """Whether a visitor's address is this machine's own: None, as Streamlit says it, or one that is an IPv4 address
    inside an IPv6 one, because by default it listens to both with one socket."""
    if asking is None:
        return True
    try:
        found = ipaddress.ip_address(asking)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def sql_allowed() -> bool:
    """Whether a visitor may ask SQL of their own: on one's own machine; hosted only where RNNSTORE_SQL=on says so."""
    return {"on": True, "off": False}.get(_options().sql.strip().lower(), not hosted())


def hide_details() -> None:
    """Hosted, what went wrong inside goes to the server's log and is not shown: it would name the server's files."""
    if hosted() and st.get_option("client.showErrorDetails") != "none":
        st.set_option("client.showErrorDetails", "none")


def _options() -> argparse.Namespace:
    """What stands behind the `--` of the command line, else in the environment; the rest of the line is others'."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    hosted_option = os.environ.get("RNNSTORE_HOSTED", "").strip().lower()
    options.add_argument("--hosted", action="store_true", default=hosted_option not in NO)
    options.add_argument("--sql", nargs="?", default=os.environ.get("RNNSTORE_SQL", ""), const="")
    return options.parse_known_args(sys.argv[1:])[0]
