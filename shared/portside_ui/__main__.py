"""``python -m portside_ui``: serve pages and API from one process."""

from portside_ui.server import main

if __name__ == "__main__":
    main()
