"""The wire formats of the demo that came before the kit, and the bridge to its services."""
