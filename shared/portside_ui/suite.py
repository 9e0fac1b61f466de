"""The script that Streamlit runs for every interaction: navigation, language, the chosen page. It only draws."""

from __future__ import annotations

from portside_ui.navigation import draw_suite

draw_suite()
