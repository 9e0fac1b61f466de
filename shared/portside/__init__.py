"""Fine-tune, measure, keep and serve small text models; the core that every Portside app stands on."""

__version__ = "0.1.0"
