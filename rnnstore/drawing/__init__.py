"""What all pictures share: colours, the picture itself, rows of words, numbers. Nothing here knows Streamlit."""
