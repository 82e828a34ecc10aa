"""The train: what it decides, what it does, and the Bluetooth hub that it does it with."""
