"""How the services do, told to whoever asks: metrics for Prometheus, and health."""
