"""Altair pictures of what the store answers, the same on a page and in a notebook; nothing here knows Streamlit."""
