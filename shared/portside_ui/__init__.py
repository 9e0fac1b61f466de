"""Streamlit building blocks that every app's pages share: frame, words, charts, the why card, job panels."""
