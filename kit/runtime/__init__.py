"""The runtime: runs the notebooks as the demo, watches over them, and reports what happened."""
