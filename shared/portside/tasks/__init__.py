"""One task a file: what its recipe can say and what network it trains."""
